//! `cargo xtask`: what a contributor runs. It depends on nothing of Keepsight, so that it builds in seconds and can build the rest.

mod bench;
mod e2e;
mod mutants;
mod peers;
mod setup;
mod steps;
mod suite;
mod trial;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What a contributor runs.
#[derive(Parser)]
#[command(name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Every test: installs what it needs (on Debian), or names what is missing and what it therefore leaves out
    Test {
        /// Only what needs nothing installed
        #[arg(long)]
        quick: bool,
        /// Only the steps whose name contains this
        #[arg(long, value_name = "WORD")]
        only: Option<String>,
    },
    /// A real camera, agent, server and browser; screenshots of every page go to target/e2e/screenshots
    E2e {
        /// Only the test files whose name contains this
        #[arg(long, value_name = "WORD")]
        only: Option<String>,
    },
    /// Takes each guard out, one at a time, and names the test that notices
    Mutants,
    /// Measures, both sides of each ratio in one run; raw output goes to target/bench
    Bench {
        /// agent, first-frame or cache
        name: bench::Bench,
        /// How long each side runs
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Cache clients on trial: all of them in every event, in under three minutes; or `keepsight-trial` with these arguments
    Trial {
        /// For example: run --client redis-py-4.5.1 --events all
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Installs what the tests need, and says what it could not
    Setup,
}

fn main() -> ExitCode {
    std::env::set_current_dir(root()).expect("the workspace folder is there: this was built in it");
    let outcome = match Cli::parse().command {
        Command::Test { quick, only } => suite::run(quick, only.as_deref()),
        Command::E2e { only } => e2e::run_all(only.as_deref()),
        Command::Mutants => mutants::run(),
        Command::Bench { name, seconds } => bench::run_bench(name, seconds),
        Command::Trial { arguments } => trial::run(&arguments),
        Command::Setup => setup::everything().map(|found| found.report()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's folder.
fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("xtask lies in the workspace").to_owned()
}

/// Where built things go.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
