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
const _: () = assert!(
    !keepsight_gate::SABOTAGE && !keepsight_cache::SABOTAGE,
    "the application never links the sabotage build"
);

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
            eprintln!("keepsight: {}", told(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error with its causes in one line. Many errors name their cause in their own words; it isn't said twice.
fn told(error: &anyhow::Error) -> String {
    error.chain().skip(1).fold(error.to_string(), |said, cause| match cause.to_string() {
        cause if said.contains(&cause) => said,
        cause => format!("{said}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let inner = std::io::Error::other("the plug is out");
        let error = anyhow::Error::from(inner).context("no power: the plug is out").context("cannot start");
        assert_eq!(told(&error), "cannot start: no power: the plug is out");
    }
}
