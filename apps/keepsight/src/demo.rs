//! `keepsight demo`: the whole system in one process. Two homes at two street addresses, each with an agent and two built-in
//! cameras: real sealing, real gate, real uploads over HTTP. Nothing here is a short cut that `serve` and `agent` don't take.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use data_encoding::BASE64URL_NOPAD;
use keepsight_agent::{AgentConfig, AgentDir, NewCamera, Source};
use keepsight_camera::{DemoView, WatchSettings};
use keepsight_ids::HomeId;
use keepsight_person::{Api, EventQuery, Person, Trust};
use keepsight_wire::people::{Purpose, Ticket};
use keepsight_world::World;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::cli::DemoOptions;
use crate::config::{Config, SignUp, Tls};
use crate::say;
use crate::serve::{self, stop_signal};

const ZONE: &str = "Europe/Berlin";

/// A demo home: two names for this machine let both people be signed in side by side.
struct Scenery {
    account: &'static str,
    address: &'static str,
    host: &'static str,
    views: [DemoView; 2],
}

const HOMES: [Scenery; 2] = [
    Scenery {
        account: "elm",
        address: "12 Elm Street",
        host: "localhost",
        views: [DemoView::Hall, DemoView::Garden],
    },
    Scenery {
        account: "oak",
        address: "7 Oak Avenue",
        host: "127.0.0.1",
        views: [DemoView::Door, DemoView::Street],
    },
];

/// A home that is set up, and its running agent.
struct Running {
    scenery: &'static Scenery,
    person: Person,
    home: HomeId,
    password: String,
    agent: JoinHandle<anyhow::Result<()>>,
}

/// What setting up a home needs.
struct Stage<'a> {
    port: u16,
    folder: &'a Path,
    world: &'a World,
    shutdown: &'a CancellationToken,
}

/// Runs the demo until a signal.
pub async fn run(options: DemoOptions, world: World) -> anyhow::Result<()> {
    let shutdown = stop_signal()?;
    let temporary =
        tempfile::Builder::new().prefix("keepsight-demo-").tempdir().context("no temporary folder")?;
    let folder = options.data.clone().unwrap_or_else(|| temporary.path().to_owned());
    refuse_used(&folder)?;
    let cloud = serve::start(&config(&options, &folder), world.clone()).await.with_context(|| {
        format!("the demo did not start; if port {} is taken, name another with --port", options.port)
    })?;
    say!("The cloud is listening on {}. Setting up two homes ..", cloud.local_addr())?;
    let mut homes = Vec::new();
    let stage =
        Stage { port: cloud.local_addr().port(), folder: &folder, world: &world, shutdown: &shutdown };
    // The very first account needs the set-up link's token, here as anywhere.
    let mut ticket = cloud.cloud().setup_token().map(|token| Ticket::Setup(token.to_owned()));
    for scenery in &HOMES {
        homes.push(stage.set_up(scenery, ticket.take()).await?);
    }
    greet(&homes, stage.port)?;
    tokio::select! {
        () = shutdown.cancelled() => {}
        told = tell_first_events(&homes, &world) => told?,
    }
    shutdown.cancelled().await;
    match &options.data {
        None => say!("\nStopping; the demo's footage goes with it.")?,
        Some(kept) => say!("\nStopping; the demo's footage stays in {}.", kept.display())?,
    }
    let mut ended = Ok(());
    for home in homes {
        ended = ended.and(home.agent.await?);
    }
    cloud.stop().await;
    ended
}

/// The demo makes homes of its own, and would not find its way in one that is there.
fn refuse_used(folder: &Path) -> anyhow::Result<()> {
    let used = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    anyhow::ensure!(
        !used,
        "{} is not empty: name a new folder with --data, or leave it out",
        folder.display()
    );
    Ok(())
}

fn config(options: &DemoOptions, folder: &Path) -> Config {
    let mut config = Config::default();
    config.server.data = folder.join("cloud");
    config.server.listen = SocketAddr::from(([127, 0, 0, 1], options.port));
    config.server.public_url = Some(format!("http://localhost:{}", options.port));
    config.server.tls = Tls::Off;
    config.server.sign_up = SignUp::Open;
    config.server.demo = true;
    // A demo on a nearly full disk is better than none.
    config.server.disk_reserve = 64 << 20;
    config
}

impl Stage<'_> {
    async fn set_up(&self, scenery: &'static Scenery, ticket: Option<Ticket>) -> anyhow::Result<Running> {
        let base = format!("http://{}:{}", scenery.host, self.port);
        let password = BASE64URL_NOPAD.encode(&self.world.random::<12>());
        let api = Api::new(&base, Trust::Plain)?.named("Demo");
        let signed_up = Person::sign_up(api, self.world.clone(), scenery.account, &password, ticket).await?;
        let person = signed_up.person;
        let home = person.create_home(scenery.address, ZONE).await?;
        let (dir, agent) = self.start_agent(scenery)?;
        let pairing = person.start_pairing(home).await?;
        dir.pair(&base.parse()?, &pairing.code.text()).await?;
        person.await_pairing(&pairing).await?;
        for view in scenery.views {
            let source = Source::demo(scenery.address, view, ZONE);
            let camera = NewCamera { name: view.name().to_owned(), source, watch: WatchSettings::default() };
            dir.add_camera(&camera).await?;
        }
        say!("  {}: an agent is paired and watches {} cameras.", scenery.address, scenery.views.len())?;
        Ok(Running { scenery, person, home, password, agent })
    }

    fn start_agent(&self, scenery: &Scenery) -> anyhow::Result<(AgentDir, JoinHandle<anyhow::Result<()>>)> {
        let folder = self.folder.join(format!("agent-{}", scenery.account));
        // One box, and somebody watches it start: nothing to spread.
        let config =
            AgentConfig { spool_bytes: 1 << 30, disk_margin: 32 << 20, start_spread: Duration::ZERO };
        let dir = AgentDir::open(&folder, config, self.world.clone())?;
        let (running, shutdown) = (dir.clone(), self.shutdown.clone());
        Ok((dir, tokio::spawn(async move { Ok(running.run(shutdown).await?) })))
    }
}

fn greet(homes: &[Running], port: u16) -> anyhow::Result<()> {
    say!("\nOpen one of these; each signs you in to its own home:\n")?;
    for home in homes {
        let Scenery { account, address, host, .. } = home.scenery;
        say!("    {address:<16} http://{host}:{port}/sign-in#demo={account}:{}", home.password)?;
    }
    say!(
        "\nSomething moves before each camera within seconds, and then every minute. Ctrl-C ends the demo.\n"
    )
}

/// Waits for each home's first Event, opens it as a browser would, and says so.
async fn tell_first_events(homes: &[Running], world: &World) -> anyhow::Result<()> {
    let mut waiting: Vec<&Running> = homes.iter().collect();
    while !waiting.is_empty() {
        world.sleep(Duration::from_millis(500)).await;
        let mut still = Vec::new();
        for home in waiting {
            if !first_event(home).await? {
                still.push(home);
            }
        }
        waiting = still;
    }
    Ok(())
}

async fn first_event(home: &Running) -> anyhow::Result<bool> {
    let page = home.person.events(home.home, &EventQuery::default()).await?;
    let Some(event) = page.events.iter().find(|event| event.complete) else { return Ok(false) };
    let watched = home.person.watch(home.home, event.camera, event.event, Purpose::View).await?;
    let kilobytes = watched.video().len() / 1024;
    say!(
        "  {}: the first Event was recorded, sealed, uploaded and opened ({kilobytes} KB).",
        home.scenery.address
    )?;
    Ok(true)
}
