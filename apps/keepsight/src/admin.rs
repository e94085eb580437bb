//! `keepsight admin ..`: the operator's deeds, written into the truth from a second process. Every serving process decides with
//! them from its next request on, for a fence is a real read.

use anyhow::{Context, bail};
use data_encoding::BASE64URL_NOPAD;
use keepsight_gate::{OperatorDeed, TokenHash};
use keepsight_ids::HomeId;
use keepsight_store::truth::{SqliteTruth, Truth};
use keepsight_world::World;

use crate::cli::{AdminCommand, AdminOptions};
use crate::config::Config;
use crate::say;
use crate::serve::{open_truth, truth_file};

/// Runs one of the operator's commands.
pub async fn run(options: AdminOptions, world: World) -> anyhow::Result<()> {
    let mut config = Config::load(options.config.as_deref())?;
    if let Some(data) = options.data {
        config.server.data = data;
    }
    let file = truth_file(&config.server.data);
    if !file.exists() {
        bail!(
            "there is no server's data in {}; name it with --data or --config",
            config.server.data.display()
        );
    }
    let truth = open_truth(&config.server.data, &world)?;
    match options.command {
        AdminCommand::Lockdown { switch, home } => lockdown(&truth, switch == "on", home.as_deref()).await,
        AdminCommand::EndSessions => {
            truth.operate(OperatorDeed::EndAllSessions).await?;
            say!("Everybody is signed out, agents too; agents come back by themselves.")
        }
        AdminCommand::SetupLink => setup_link(&truth, &config, &world).await,
    }
}

async fn lockdown(truth: &SqliteTruth, on: bool, home: Option<&str>) -> anyhow::Result<()> {
    let deed = match home {
        None => OperatorDeed::LockEverything { on },
        Some(text) => {
            let home: HomeId = text.parse().context("a home's id stands in its pages' addresses")?;
            OperatorDeed::LockHome { home, on }
        }
    };
    let done = truth.operate(deed).await?;
    let what = home.map_or_else(|| "everywhere".to_owned(), |home| format!("in {home}"));
    let state = if on { "is stopped" } else { "goes on" };
    say!("Viewing {state} {what}, as of revision {}.", done.revision)
}

async fn setup_link(truth: &SqliteTruth, config: &Config, world: &World) -> anyhow::Result<()> {
    let token = BASE64URL_NOPAD.encode(&world.random::<32>());
    let hash = TokenHash::from_bytes(keepsight_seal::sha256(token.as_bytes()).0);
    let service = truth.start_service(world.random(), hash).await?;
    if service.has_accounts {
        bail!("this server has accounts already: the set-up link is for the first one only");
    }
    say!("{}/set-up#{token}", config.public_url())
}
