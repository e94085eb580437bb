//! A server without gate, ledger and identity comparison, to show that a browser alone still refuses what isn't its home's.
//!
//! It takes the options of `keepsight serve` and the same data folder. It exists in the sabotage build only and never ships.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use keepsight_cloud::{Cloud, CloudConfig};
use keepsight_gate::sabotage::{self, Wall};
use keepsight_store::{Objects, Reserve, SqliteRecords, SqliteTruth};
use keepsight_wire::people::SignUpPolicy;
use keepsight_world::World;

/// A server whose walls are out.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Serve a data folder without walls
    Serve {
        /// Where everything is kept
        #[arg(long)]
        data: PathBuf,
        /// The address to listen on
        #[arg(long, default_value = "127.0.0.1:8420")]
        listen: SocketAddr,
        /// How people reach it
        #[arg(long)]
        public_url: Option<String>,
        /// Plain HTTP: the only way that it speaks
        #[arg(long)]
        no_tls: bool,
        /// The walls to take out; all that there are unless named
        #[arg(long, value_delimiter = ',', default_value = "gate,ledger,identity")]
        without: Vec<String>,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Command::Serve { data, listen, public_url, no_tls: _, without } = Options::parse().command;
    for name in &without {
        let wall = Wall::ALL.iter().copied().find(|wall| wall.name() == name);
        sabotage::set_off(wall.ok_or_else(|| anyhow::anyhow!("there is no wall {name}"))?, true);
    }
    let world = World::real();
    let truth = SqliteTruth::open(&data.join("truth.db"), world.clone())?;
    let records = SqliteRecords::open(&data.join("records.db"), world.clone())?;
    let objects = Objects::open_folder(&data.join("objects"), Reserve::NONE, world.clone())?;
    let config =
        CloudConfig { public_url, sign_up: SignUpPolicy::Open, ..CloudConfig::new(listen, data.clone()) };
    let server = Cloud::start(config, world, Arc::new(truth), Arc::new(records), objects).await?;
    writeln!(
        std::io::stdout(),
        "open-walls is listening on {} without {}",
        server.local_addr(),
        without.join(", ")
    )?;
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    server.stop().await;
    Ok(())
}
