//! `keepsight`: the one binary. It parses, builds the world, runs one command, and maps an error to an exit code.
//!
//! It is the only reader of configuration. It refuses to compile when the walls can be switched off.

mod admin;
mod agent;
mod cli;
mod config;
mod demo;
mod serve;

use std::process::ExitCode;

use clap::Parser;
use keepsight_world::World;

// The switches that take walls out exist for the adversarial tests alone.
const _: () = assert!(!keepsight_gate::SABOTAGE, "the application never links the sabotage build");

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    cli::start_logging(cli.verbose);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        runtime.block_on(async {
            let world = World::real();
            match cli.command {
                cli::Command::Serve(options) => serve::run(options, world).await,
                cli::Command::Agent(options) => agent::run(options, world).await,
                cli::Command::Demo(options) => demo::run(options, world).await,
                cli::Command::Admin(options) => admin::run(options, world).await,
                cli::Command::Config => config::print_default(),
            }
        })
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("keepsight: {error:#}");
            ExitCode::FAILURE
        }
    }
}
