//! A server's parts, put together, started and stopped.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use data_encoding::BASE64URL_NOPAD;
use keepsight_gate::Gate;
use keepsight_ids::B32;
use keepsight_ledger::Ledger;
use keepsight_store::Objects;
use keepsight_store::objects::tie::tie;
use keepsight_store::records::Records;
use keepsight_store::truth::Truth;
use keepsight_world::World;
use rustls::ServerConfig;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::agents::challenge::Challenges;
use crate::alarms::Alarms;
use crate::chains::Chains;
use crate::config::CloudConfig;
use crate::edge::dispatch::token_hash;
use crate::edge::limits::Guard;
use crate::edge::routes::{Routes, all};
use crate::edge::uploads::Uploads;
use crate::error::CloudError;
use crate::feed::Feed;
use crate::fleet::Fleet;
use crate::secret::ServerSecret;
use crate::serve::{self, Listening};
use crate::{housekeeping, tls};

/// What every request works with.
pub struct Cloud {
    pub(crate) config: CloudConfig,
    pub(crate) world: World,
    pub(crate) gate: Arc<Gate>,
    pub(crate) truth: Arc<dyn Truth>,
    pub(crate) records: Arc<dyn Records>,
    pub(crate) objects: Objects,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) guard: Guard,
    pub(crate) uploads: Uploads,
    pub(crate) alarms: Alarms,
    pub(crate) feed: Feed,
    pub(crate) fleet: Fleet,
    pub(crate) chains: Chains,
    pub(crate) challenges: Challenges,
    pub(crate) routes: Routes,
    pub(crate) secret: ServerSecret,
    pub(crate) fingerprint: Option<B32>,
    pub(crate) stopping: watch::Sender<bool>,
    tls: Option<Arc<ServerConfig>>,
    /// The one-time token of the set-up link, as long as there is no account when the server starts.
    setup: Option<String>,
}

impl Cloud {
    /// Puts a server together on stores that are open already. It does not listen yet: hand its [`Cloud::router`] to sockets of your
    /// own, or use [`Cloud::start`].
    ///
    /// # Errors
    /// When the certificate can't be used or the truth does not answer.
    pub async fn prepare(
        config: CloudConfig,
        world: World,
        truth: Arc<dyn Truth>,
        records: Arc<dyn Records>,
        objects: Objects,
    ) -> Result<Arc<Self>, CloudError> {
        let tls = tls::prepare(&config.tls, &config.data, &world)?;
        let setup = BASE64URL_NOPAD.encode(&world.random::<32>());
        let offline = |error: keepsight_store::StoreError| CloudError::Store(error.to_string());
        tie(&*records, &objects).await.map_err(offline)?;
        let service =
            truth.start_service(world.random(), token_hash(setup.as_bytes())).await.map_err(offline)?;
        let fleet = Fleet::new(config.limits.agents_per_second, world.clone());
        fleet.expect(records.homes().await.map_err(offline)?.len() as u64);
        let journal: Arc<dyn keepsight_ledger::Journal> = records.clone();
        let gate_truth: Arc<dyn keepsight_gate::Truth> = truth.clone();
        Ok(Arc::new(Self {
            gate: Gate::start(gate_truth, world.clone()),
            ledger: Ledger::start(journal, world.clone()),
            guard: Guard::new(&config.limits, world.clone()),
            uploads: Uploads::new(config.limits.upload_bytes, config.limits.uploads_per_agent),
            alarms: Alarms::default(),
            feed: Feed::default(),
            fleet,
            chains: Chains::default(),
            challenges: Challenges::new(world.clone()),
            routes: all(),
            secret: ServerSecret::new(&service.secret),
            fingerprint: tls.as_ref().map(|tls| tls.fingerprint),
            stopping: watch::Sender::new(false),
            tls: tls.map(|tls| tls.config),
            setup: (!service.has_accounts).then_some(setup),
            config,
            world,
            truth,
            records,
            objects,
        }))
    }

    /// Puts a server together, listens, and begins to keep house (retention, orphans).
    ///
    /// # Errors
    /// As [`Cloud::prepare`], and when the address can't be listened on.
    pub async fn start(
        config: CloudConfig,
        world: World,
        truth: Arc<dyn Truth>,
        records: Arc<dyn Records>,
        objects: Objects,
    ) -> Result<RunningCloud, CloudError> {
        let cloud = Self::prepare(config, world, truth, records, objects).await?;
        let listening = Listening::start(&cloud, cloud.config.listen, cloud.tls.clone())?;
        let housekeeping = tokio::spawn(housekeeping::run(cloud.clone()));
        Ok(RunningCloud { cloud, listening, housekeeping })
    }

    /// The whole server as a router, for sockets of one's own (a simulated network). TLS is then the caller's affair.
    pub fn router(self: &Arc<Self>) -> Router {
        serve::router(self.clone())
    }

    /// Deletes what retention lets go and removes what nobody owns, until the server stops. [`Cloud::start`] does it by itself.
    pub async fn keep_house(self: Arc<Self>) {
        housekeeping::run(self).await;
    }

    /// What must never happen, counted.
    pub const fn alarms(&self) -> &Alarms {
        &self.alarms
    }

    /// The one-time token for the first account, when there was none as the server started. Only its hash is kept elsewhere; it is
    /// good until the first account exists.
    pub fn setup_token(&self) -> Option<&str> {
        self.setup.as_deref()
    }

    /// Whether the truth answers and decides.
    pub async fn is_ready(&self) -> bool {
        use keepsight_gate::{Action, Ask, Credential};
        self.gate.check(&Credential::None, Ask::of(Action::ReadService)).await.is_ok()
    }

    /// Ends every open update stream and lets no new one begin: the first step of stopping.
    pub fn stop_streams(&self) {
        self.stopping.send_replace(true);
    }

    pub(crate) const fn serves_tls(&self) -> bool {
        self.fingerprint.is_some()
    }
}

impl std::fmt::Debug for Cloud {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cloud")
    }
}

/// A server that listens.
pub struct RunningCloud {
    cloud: Arc<Cloud>,
    listening: Listening,
    housekeeping: JoinHandle<()>,
}

impl RunningCloud {
    /// Where it listens.
    pub const fn local_addr(&self) -> SocketAddr {
        self.listening.address
    }

    /// Where people reach it: the configured address, or the one it listens on.
    pub fn url(&self) -> String {
        if let Some(url) = &self.cloud.config.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let scheme = if self.cloud.serves_tls() { "https" } else { "http" };
        let address = self.local_addr();
        if address.ip().is_unspecified() {
            return format!("{scheme}://localhost:{}", address.port());
        }
        format!("{scheme}://{address}")
    }

    /// The one-time link that makes the first account, as long as there is none.
    pub fn setup_link(&self) -> Option<String> {
        self.cloud.setup_token().map(|token| format!("{}/set-up#{token}", self.url()))
    }

    /// SHA-256 of the server's certificate, when it serves TLS itself.
    pub fn fingerprint(&self) -> Option<B32> {
        self.cloud.fingerprint
    }

    /// What every request works with.
    pub const fn cloud(&self) -> &Arc<Cloud> {
        &self.cloud
    }

    /// Stops: no new connections, update streams end, requests in work finish (within ten seconds).
    pub async fn stop(self) {
        self.cloud.stop_streams();
        self.listening.stop().await;
        self.housekeeping.abort();
        let _ = self.housekeeping.await;
    }
}

impl std::fmt::Debug for RunningCloud {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RunningCloud({})", self.local_addr())
    }
}
