//! A running agent: keeps one recorder for each camera and one uploader for its home, as its state says, and answers commands.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use keepsight_ids::CameraId;
use keepsight_world::World;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::AgentError;
use crate::command::{AgentHandle, Call, Command, Reply};
use crate::disk::Disk;
use crate::http::{Dial, TcpDial};
use crate::recorder::record;
use crate::shared::{Health, Shared};
use crate::state::{Camera, Files, Pairing};
use crate::upload::{Host, Uploader};
use keepsight_wire::people::CameraState;

/// How often the agent writes down that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What of an agent is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentConfig {
    /// The most that footage waiting for upload may take on the disk, in bytes.
    pub spool_bytes: u64,
    /// What that footage leaves free on the disk, in bytes: for whoever shares it, such as a server in the same box.
    pub disk_margin: u64,
    /// The first try after a start waits for some of this, so that a district which boots at one instant does not ask at one
    /// instant. Only of an agent that belongs to its home already, and never longer than until there is a fresh Event.
    pub start_spread: Duration,
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self { spool_bytes: 10 << 30, disk_margin: 0, start_spread: Duration::from_secs(5) }
    }
}

/// An agent on some disk and some network: for [`crate::AgentDir::run`], and for simulations.
pub struct Agent {
    disk: Arc<dyn Disk>,
    dial: Arc<dyn Dial>,
    config: AgentConfig,
    world: World,
    inbox: mpsc::Receiver<Call>,
}

impl Agent {
    /// An agent that keeps everything on `disk`, which nobody else may use, and the way to speak to it.
    pub fn new(
        disk: Arc<dyn Disk>,
        dial: Arc<dyn Dial>,
        config: AgentConfig,
        world: World,
    ) -> (Self, AgentHandle) {
        let (handle, inbox) = AgentHandle::new();
        (Self { disk, dial, config, world, inbox }, handle)
    }

    /// The same over TCP.
    pub fn over_tcp(disk: Arc<dyn Disk>, config: AgentConfig, world: World) -> (Self, AgentHandle) {
        Self::new(disk, Arc::new(TcpDial), config, world)
    }

    /// Watches, records and uploads until `shutdown`; Events that are being recorded are completed then.
    ///
    /// # Errors
    /// When the disk can't be read, or holds what the agent did not write. Once it runs it goes on through everything.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), AgentError> {
        loop {
            let shared = Shared::open(&self.disk, self.dial.clone(), &self.config, self.world.clone())?;
            let shared = Arc::new(shared);
            shared.recover().await?;
            let spread = self.config.start_spread;
            let mut life = Life { shared, recorders: HashMap::new(), uploader: None, spread };
            let over = life.live(&mut self.inbox, &shutdown).await;
            life.end().await;
            let Some(reset) = over else { return Ok(()) };
            let wiped = Files::new(self.disk.clone()).wipe();
            // Whoever asked may have gone; the reset stands.
            reset.send(wiped.map(|()| Reply::Done)).ok();
        }
    }
}

/// One life of an agent: from its start, or a reset, to the next.
struct Life {
    shared: Arc<Shared>,
    recorders: HashMap<CameraId, Task<Camera>>,
    uploader: Option<Task<Pairing>>,
    /// For the first uploader of this life; whoever pairs a running agent waits for the next one.
    spread: Duration,
}

/// A task, and what it was started for.
struct Task<T> {
    what: T,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl<T> Task<T> {
    async fn end(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a task of the agent broke off");
        }
    }
}

impl Life {
    /// Until `shutdown` or a reset, which is answered when it is done.
    async fn live(
        &mut self,
        inbox: &mut mpsc::Receiver<Call>,
        shutdown: &CancellationToken,
    ) -> Option<oneshot::Sender<Result<Reply, AgentError>>> {
        let mut changes = self.shared.changes();
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut everybody_left = false;
        loop {
            self.reconcile().await;
            tokio::select! {
                () = shutdown.cancelled() => return None,
                _ = changes.changed() => {}
                _ = heartbeat.tick() => self.beat(),
                call = inbox.recv(), if !everybody_left => match call {
                    Some((Command::Reset, reply)) => return Some(reply),
                    Some((command, reply)) => self.answer(command, reply),
                    None => everybody_left = true,
                },
            }
        }
    }

    /// A command may wait for the network: it gets its own task.
    fn answer(&self, command: Command, reply: oneshot::Sender<Result<Reply, AgentError>>) {
        let shared = self.shared.clone();
        tokio::spawn(async move {
            let done = perform(&shared, command, true).await;
            reply.send(done).ok();
        });
    }

    fn beat(&self) {
        if let Err(error) = self.shared.beat() {
            tracing::warn!(%error, "the heartbeat could not be written");
        }
    }

    /// Starts and stops tasks until they are what the state says.
    async fn reconcile(&mut self) {
        let pairing = self.shared.pairing();
        if self.uploader.as_ref().map(|task| Who::of(&task.what)) != pairing.as_ref().map(Who::of) {
            if let Some(old) = self.uploader.take() {
                self.shared.set_words(None);
                old.end().await;
            }
            self.uploader = pairing.and_then(|pairing| self.start_uploader(pairing));
        }
        self.spread = Duration::ZERO;
        let wanted: HashMap<CameraId, Camera> = self.wanted().map(|camera| (camera.camera, camera)).collect();
        let is_wrong = |task: &Task<Camera>| match wanted.get(&task.what.camera) {
            Some(camera) => !same_watch(camera, &task.what) || task.task.is_finished(),
            None => true,
        };
        let wrong: Vec<CameraId> =
            self.recorders.iter().filter(|(_, task)| is_wrong(task)).map(|(&camera, _)| camera).collect();
        for camera in wrong {
            if let Some(task) = self.recorders.remove(&camera) {
                task.end().await;
                self.went_off(camera);
            }
        }
        for (id, camera) in wanted {
            self.recorders.entry(id).or_insert_with(|| start_recorder(&self.shared, camera));
        }
    }

    /// Nothing is watched before there is a home to seal to.
    fn wanted(&self) -> impl Iterator<Item = Camera> + use<> {
        let has_home = self.shared.chain_seq().is_some();
        self.shared.cameras().into_iter().filter(move |camera| has_home && !camera.off)
    }

    fn went_off(&self, camera: CameraId) {
        let off = self.shared.cameras().into_iter().any(|known| known.camera == camera && known.off);
        if off {
            let since = self.shared.now();
            self.shared.set_health(camera, Health { state: CameraState::Off, since, reason: None });
        }
    }

    fn start_uploader(&self, pairing: Pairing) -> Option<Task<Pairing>> {
        let account = pairing.account();
        let client = match account.client(self.shared.dial()) {
            Ok(client) => client,
            Err(error) => {
                tracing::error!(%error, "nothing can be uploaded");
                return None;
            }
        };
        let host: Arc<dyn Host> = self.shared.clone();
        let depot = self.shared.depot.clone();
        let seq = self.shared.chain_seq();
        let (uploader, words) = Uploader::new(account, client, depot, host, seq, self.shared.world.clone());
        // Before it knows a chain, an owner sits before the page that is to let it in.
        let uploader = if seq.is_some() { uploader.spread(self.spread) } else { uploader };
        self.shared.set_words(Some(words));
        let stop = CancellationToken::new();
        let task = tokio::spawn(uploader.run(stop.clone()));
        Some(Task { what: pairing, stop, task })
    }

    /// Events are completed, then nothing is sent any more: what waits is sent in the next life.
    async fn end(self) {
        for task in self.recorders.values() {
            task.stop.cancel();
        }
        for (_, task) in self.recorders {
            task.end().await;
        }
        if let Err(error) = self.shared.beat() {
            tracing::warn!(%error, "the last heartbeat could not be written");
        }
        self.shared.set_words(None);
        if let Some(uploader) = self.uploader {
            uploader.end().await;
        }
        self.shared.end();
    }
}

fn start_recorder(shared: &Arc<Shared>, camera: Camera) -> Task<Camera> {
    let stop = CancellationToken::new();
    let task = tokio::spawn(record(shared.clone(), camera.clone(), stop.clone()));
    Task { what: camera, stop, task }
}

/// What an uploader depends on; that a pairing was confirmed changes nothing for it.
#[derive(PartialEq)]
struct Who<'a>(&'a url::Url, Option<keepsight_ids::B32>, keepsight_ids::AgentId);

impl<'a> Who<'a> {
    fn of(pairing: &'a Pairing) -> Self {
        Self(&pairing.server, pairing.tls, pairing.agent)
    }
}

/// Whether a recorder need not start anew: names, and who was met there, change nothing for it.
fn same_watch(a: &Camera, b: &Camera) -> bool {
    a.source == b.source && a.watch == b.watch
}

/// Carries out a command that needs no restart.
pub(crate) async fn perform(shared: &Shared, command: Command, running: bool) -> Result<Reply, AgentError> {
    match command {
        Command::Pair { server, code } => shared.pair(&server, &code).await.map(Reply::Paired),
        Command::AddCamera(camera) => shared.add_camera(*camera).map(Reply::Added),
        Command::RemoveCamera(camera) => shared.remove_camera(camera).map(|()| Reply::Done),
        Command::AcceptCamera(camera) => shared.accept_camera(camera).map(|()| Reply::Done),
        Command::Trigger(_) if !running => Err(AgentError::NotRunning),
        Command::Trigger(camera) => shared.trigger(camera).map(|()| Reply::Done),
        Command::Status => Ok(Reply::Status(Box::new(shared.status(running).await))),
        // The caller ends the life first.
        Command::Reset => Err(AgentError::Busy),
    }
}
