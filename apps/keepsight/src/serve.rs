//! `keepsight serve`: opens the stores, starts the cloud, and with an `[agent]` section the home's agent beside it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use keepsight_agent::{AgentConfig, AgentDir};
use keepsight_cloud::{Cloud, CloudConfig, Network, RunningCloud, TlsSource};
use keepsight_store::records::memory_cache;
use keepsight_store::truth::{HomeLimits, SqliteTruth};
use keepsight_store::{Objects, Reserve, SqliteRecords};
use keepsight_wire::people::SignUpPolicy;
use keepsight_world::World;
use tokio_util::sync::CancellationToken;

use crate::cli::ServeOptions;
use crate::config::{self, Config, SignUp, Tls};
use crate::say;

/// Serves until a signal, then stops gracefully.
pub async fn run(options: ServeOptions, world: World) -> anyhow::Result<()> {
    let config = Config::of_serve(&options)?;
    let shutdown = stop_signal()?;
    let cloud = start(&config, world.clone()).await?;
    let agent = config.agent.as_ref().map(|agent| open_agent(&config, agent, world)).transpose()?;
    greet(&config, &cloud)?;
    // A box whose agent cannot run records nothing: it says so and ends, for somebody to look.
    let ended = match agent {
        Some(agent) => agent.run(shutdown.clone()).await.context("the agent of this box ended"),
        None => {
            shutdown.cancelled().await;
            Ok(())
        }
    };
    say!("stopping")?;
    cloud.stop().await;
    ended
}

/// Opens the stores in the data folder and begins to listen.
pub async fn start(config: &Config, world: World) -> anyhow::Result<RunningCloud> {
    let data = &config.server.data;
    make_private(data)?;
    make_room(config.server.connections);
    let truth = open_truth(data, &world)?.with_limits(limits(config));
    let records = SqliteRecords::open(&data.join("records.db"), world.clone())?;
    let records = records.with_cache(&memory_cache(&world));
    let objects = Objects::open_folder(&data.join("objects"), reserve(config), world.clone())?;
    Ok(Cloud::start(cloud_config(config)?, world, Arc::new(truth), Arc::new(records), objects).await?)
}

/// Opens the truth of a data folder, with its journal of revocations beside the objects: no part of a backup of the databases.
pub fn open_truth(data: &Path, world: &World) -> anyhow::Result<SqliteTruth> {
    let truth = SqliteTruth::open(&truth_file(data), world.clone())?;
    Ok(truth.with_journal(&data.join("revocations"))?)
}

/// Where the truth lies in a data folder.
pub fn truth_file(data: &Path) -> PathBuf {
    data.join("truth.db")
}

/// Is cancelled by the first Ctrl-C or SIGTERM.
pub fn stop_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let shutdown = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen to signals")?;
    let told = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        told.cancel();
    });
    Ok(shutdown)
}

fn open_agent(config: &Config, agent: &config::Agent, world: World) -> anyhow::Result<AgentDir> {
    make_private(&agent.data)?;
    let disk_margin = margin(config, &agent.data)?;
    let config_of_agent =
        AgentConfig { spool_bytes: agent.spool_bytes, disk_margin, ..AgentConfig::default() };
    Ok(AgentDir::open(&agent.data, config_of_agent, world)?)
}

/// What the spool leaves free of a disk that it shares with the server: half of the reserve. At the reserve the server takes no
/// more footage, and the spool grows; the other half stays for what must always be written.
fn margin(config: &Config, agent_data: &Path) -> anyhow::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let disk = |folder: &Path| {
        std::fs::metadata(folder).map(|about| about.dev()).with_context(|| format!("{}", folder.display()))
    };
    let shared = disk(&config.server.data)? == disk(agent_data)?;
    Ok(if shared { reserve(config).bytes / 2 } else { 0 })
}

fn greet(config: &Config, cloud: &RunningCloud) -> anyhow::Result<()> {
    say!("Keepsight {} is listening on {}", env!("CARGO_PKG_VERSION"), cloud.local_addr())?;
    say!("People reach it at {}", cloud.url())?;
    if let Some(link) = cloud.setup_link() {
        say!("\nNobody has an account yet. Open this link once, to make the first one:\n\n    {link}\n")?;
    }
    if let Some(agent) = &config.agent {
        say!(
            "This box is an agent too. Its cameras: keepsight agent --data {} status",
            agent.data.display()
        )?;
    }
    Ok(())
}

fn cloud_config(config: &Config) -> anyhow::Result<CloudConfig> {
    let server = &config.server;
    let proxies = server.trusted_proxies.iter().map(|address| address.to_string().parse::<Network>());
    Ok(CloudConfig {
        tls: tls(config)?,
        public_url: Some(config.public_url()),
        trusted_proxies: proxies.collect::<Result<_, _>>()?,
        sign_up: match server.sign_up {
            SignUp::Closed => SignUpPolicy::Closed,
            SignUp::Invitation => SignUpPolicy::Invitation,
            SignUp::Open => SignUpPolicy::Open,
        },
        ledger_days: server.ledger_days,
        demo: server.demo,
        limits: keepsight_cloud::Limits { connections: server.connections, ..Default::default() },
        ..CloudConfig::new(server.listen, server.data.clone())
    })
}

fn tls(config: &Config) -> anyhow::Result<TlsSource> {
    let server = &config.server;
    match (server.tls, &server.certificate, &server.key) {
        (Tls::Files, Some(certificate), Some(key)) => {
            Ok(TlsSource::Files { certificate: certificate.clone(), key: key.clone() })
        }
        (Tls::Files, ..) => anyhow::bail!("tls = \"files\" needs both `certificate` and `key`"),
        (Tls::Off, ..) => Ok(TlsSource::Plain),
        (Tls::SelfSigned, ..) => {
            let url = url::Url::parse(&config.public_url()).context("public_url is not an address")?;
            let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
            names.extend(url.host_str().map(str::to_owned).filter(|host| host != "localhost"));
            if !server.listen.ip().is_unspecified() && !server.listen.ip().is_loopback() {
                names.push(server.listen.ip().to_string());
            }
            Ok(TlsSource::SelfSigned { names })
        }
    }
}

fn limits(config: &Config) -> HomeLimits {
    let wanted = &config.limits;
    let standard = HomeLimits::default();
    HomeLimits {
        bytes_max: wanted.home_bytes,
        retention_bytes: standard.retention_bytes.min(wanted.home_bytes),
        cameras_max: wanted.home_cameras,
        members_max: wanted.home_members,
        events_a_day_max: wanted.home_events_per_day,
        ..standard
    }
}

fn reserve(config: &Config) -> Reserve {
    match config.server.disk_reserve {
        0 => Reserve::default(),
        bytes => Reserve { bytes, percent: 0 },
    }
}

/// Asks the system for as many open files as connections may be, and some for the databases and objects.
fn make_room(connections: usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const OWN_FILES: u64 = 512;
    let wanted = connections as u64 + OWN_FILES;
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.map_or(wanted, |most| most.min(wanted));
    if limit.current.is_some_and(|now| now < most) {
        let raised = Rlimit { current: Some(most), maximum: limit.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, "the limit of open files could not be raised");
        }
    }
    if most < wanted {
        tracing::warn!(most, wanted, "fewer files may be open than `connections` may need");
    }
}

/// Makes the folder, for this user only.
fn make_private(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot make the data folder {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spool_beside_the_server_leaves_half_of_its_reserve_and_one_elsewhere_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.server.data = folder.path().to_owned();
        assert_eq!(margin(&config, folder.path()).unwrap(), Reserve::default().bytes / 2);
        config.server.disk_reserve = 64 << 20;
        assert_eq!(margin(&config, folder.path()).unwrap(), 32 << 20);
        assert_eq!(margin(&config, Path::new("/proc")).unwrap(), 0, "another disk");
    }
}
