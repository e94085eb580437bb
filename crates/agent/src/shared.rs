//! What the agent's tasks share: its state, its home's verified chain, how its cameras do, and the spool.
//!
//! The chain here only ever grows by verified entries, and is on the disk before anything is sealed to it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keepsight_camera::{CameraIdentity, Handle};
use keepsight_ids::{CameraId, UnixMillis};
use keepsight_seal::{Chain, NamedBy, SealError, Subject, make_name};
use keepsight_wire::Signed;
use keepsight_wire::agent::{CameraPut, CameraReport, Status};
use keepsight_wire::people::CameraState;
use keepsight_world::World;
use tokio::sync::{mpsc, watch};

use crate::command::{AgentStatus, CameraStatus, HomeStatus, SpoolStatus};
use crate::disk::Disk;
use crate::http::Dial;
use crate::pairing::{self, Paired};
use crate::spool::{Heartbeat, HeartbeatCamera, Spool};
use crate::state::{Camera, Files, Pairing, State, clock_is_known};
use crate::upload::{Depot, Host, Word};
use crate::{AgentConfig, AgentError};

/// Shared by all tasks of one life of the agent.
pub(crate) struct Shared {
    pub world: World,
    pub depot: Depot,
    dial: Arc<dyn Dial>,
    files: Files,
    budget: u64,
    inner: Mutex<Inner>,
    changes: watch::Sender<u64>,
}

struct Inner {
    state: State,
    chain: Option<Arc<Chain>>,
    health: BTreeMap<CameraId, Health>,
    handles: HashMap<CameraId, Handle>,
    found: HashMap<CameraId, CameraIdentity>,
    words: Option<mpsc::UnboundedSender<Word>>,
    clock_offset_ms: Option<i64>,
    heard: Option<UnixMillis>,
    admitted: Option<bool>,
    connected: bool,
    chain_refused: Option<String>,
    rollback: Option<(u64, u64)>,
    /// This life is over: nothing is written any more, for the folder may be another home's.
    over: bool,
}

/// How a camera does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Health {
    pub state: CameraState,
    pub since: UnixMillis,
    pub reason: Option<String>,
}

/// What a recorder needs to begin an Event.
pub(crate) struct Seat {
    pub chain: Arc<Chain>,
    pub pairing: Pairing,
    pub clock_known: bool,
}

impl Shared {
    /// Reads everything from the disk; what the time without an agent left out becomes gaps.
    pub fn open(
        disk: &Arc<dyn Disk>,
        dial: Arc<dyn Dial>,
        config: &AgentConfig,
        world: World,
    ) -> Result<Self, AgentError> {
        let files = Files::new(disk.clone());
        let state = files.state()?;
        let chain = match &state.pairing {
            Some(pairing) => files.chain(pairing)?.map(Arc::new),
            None => None,
        };
        let spool = Spool::open(disk.clone(), config.spool_bytes, world.clone())?.leaving(config.disk_margin);
        let inner = Inner {
            state,
            chain,
            health: BTreeMap::new(),
            handles: HashMap::new(),
            found: HashMap::new(),
            words: None,
            clock_offset_ms: None,
            heard: None,
            admitted: None,
            connected: false,
            chain_refused: None,
            rollback: None,
            over: false,
        };
        Ok(Self {
            depot: Depot::new(spool),
            dial,
            files,
            budget: config.spool_bytes,
            inner: Mutex::new(inner),
            changes: watch::Sender::new(0),
            world,
        })
    }

    /// At the start of a life: what was missed since the last heartbeat.
    pub async fn recover(&self) -> Result<(), AgentError> {
        let cameras: HashSet<CameraId> =
            self.lock().state.cameras.iter().map(|camera| camera.camera).collect();
        let last = self.files.heartbeat().map(|last| Heartbeat {
            at: last.at,
            cameras: last.cameras.into_iter().filter(|seen| cameras.contains(&seen.camera)).collect(),
        });
        let now = self.now();
        self.depot.add(move |spool| spool.recover(last.as_ref(), now)).await?;
        self.beat()
    }

    /// Writes down that the agent lives.
    pub fn beat(&self) -> Result<(), AgentError> {
        let at = self.now();
        let inner = self.lock();
        let beat = |camera: &Camera| {
            // One that has not said anything since the start was not recorded before it either.
            let starting = Health { state: CameraState::AgentAway, since: at, reason: None };
            let starting = if camera.off { Health { state: CameraState::Off, ..starting } } else { starting };
            let health = inner.health_of(camera).unwrap_or(starting);
            HeartbeatCamera { camera: camera.camera, state: health.state, since: health.since }
        };
        let cameras = inner.state.cameras.iter().map(beat).collect();
        drop(inner);
        self.files.put_heartbeat(&Heartbeat { at, cameras })
    }

    /// From here on nothing is written: a command that is still under way fails.
    pub fn end(&self) {
        self.lock().over = true;
    }

    /// Woken when cameras, the pairing or the chain changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub fn dial(&self) -> Arc<dyn Dial> {
        self.dial.clone()
    }

    pub fn now(&self) -> UnixMillis {
        UnixMillis(self.world.unix_millis())
    }

    pub fn pairing(&self) -> Option<Pairing> {
        self.lock().state.pairing.clone()
    }

    pub fn chain_seq(&self) -> Option<u64> {
        self.lock().chain.as_ref().map(|chain| chain.head().entry().seq)
    }

    pub fn cameras(&self) -> Vec<Camera> {
        self.lock().state.cameras.clone()
    }

    /// Where the uploader is told of news; it hears at once of cameras that the server does not know.
    pub fn set_words(&self, words: Option<mpsc::UnboundedSender<Word>>) {
        let mut inner = self.lock();
        inner.words = words;
        let unknown: Vec<_> = inner.state.cameras.iter().filter(|camera| !camera.known).collect();
        unknown.iter().for_each(|camera| inner.say(Word::NewCamera(camera.camera)));
    }

    // For recorders.

    /// What an Event needs to be sealed; `None` before the home's chain is known.
    pub fn seat(&self) -> Option<Seat> {
        let inner = self.lock();
        let (chain, pairing) = (inner.chain.clone()?, inner.state.pairing.clone()?);
        Some(Seat { chain, pairing, clock_known: clock_is_known(self.now(), inner.clock_offset_ms) })
    }

    pub fn set_handle(&self, camera: CameraId, handle: Option<Handle>) {
        let mut inner = self.lock();
        match handle {
            Some(handle) => inner.handles.insert(camera, handle),
            None => inner.handles.remove(&camera),
        };
    }

    /// Notes how a camera does; says what it did before, if that was another state.
    pub fn set_health(&self, camera: CameraId, health: Health) -> Option<Health> {
        let mut inner = self.lock();
        let before = inner.health.insert(camera, health.clone());
        if before.as_ref().is_some_and(|before| before.state == health.state) {
            return None;
        }
        inner.say(Word::StatusChanged);
        before
    }

    /// Keeps who answered first as the camera to expect, and who answers now in case an owner accepts it.
    pub fn met(&self, camera: CameraId, identity: &CameraIdentity) {
        self.lock().found.insert(camera, identity.clone());
        let is_new = self.camera(camera).is_ok_and(|known| known.expected.is_none());
        if is_new
            && let Err(error) = self.change_camera(camera, |known| known.expected = Some(identity.clone()))
        {
            tracing::warn!(%camera, %error, "who the camera is could not be kept");
        }
    }

    // Commands.

    /// Joins a home.
    pub async fn pair(&self, server: &url::Url, code: &str) -> Result<Paired, AgentError> {
        self.may_pair().await?;
        let begun = pairing::begin(server, code, self.dial.clone(), &self.world).await?;
        self.may_pair().await?;
        // Kept before the answer leaves: an agent that the home lists must know its own key.
        let before = self.keep_pairing(Some(begun.pairing.clone()))?;
        match begun.answer().await {
            Ok(paired) => Ok(paired),
            Err(error) => {
                self.keep_pairing(before)?;
                Err(error)
            }
        }
    }

    /// An agent that was let in belongs to its home until it is reset; footage without a home belongs to an unknown one.
    async fn may_pair(&self) -> Result<(), AgentError> {
        {
            let inner = self.lock();
            if let (Some(pairing), Some(_)) = (&inner.state.pairing, &inner.chain) {
                return Err(AgentError::Paired(pairing.home));
            }
        }
        let empty = self.depot.lock().await.backlog().is_empty();
        if empty { Ok(()) } else { Err(AgentError::OtherSpool) }
    }

    fn keep_pairing(&self, pairing: Option<Pairing>) -> Result<Option<Pairing>, AgentError> {
        let mut inner = self.lock();
        let before = std::mem::replace(&mut inner.state.pairing, pairing);
        inner.admitted = None;
        self.save(&inner)?;
        Ok(before)
    }

    /// Adds a camera, watched from now on, under an identity of its own.
    pub fn add_camera(&self, new: Camera) -> Result<CameraId, AgentError> {
        if !(1..=64).contains(&new.name.chars().count()) {
            return Err(AgentError::BadName);
        }
        let camera = CameraId::from_bytes(self.world.random());
        let mut inner = self.lock();
        inner.state.cameras.push(Camera { camera, known: false, off: false, ..new });
        if let Err(error) = self.save(&inner) {
            inner.state.cameras.pop();
            return Err(error);
        }
        inner.say(Word::NewCamera(camera));
        Ok(camera)
    }

    /// Stops watching a camera and forgets its login. What was recorded is still uploaded.
    pub fn remove_camera(&self, camera: CameraId) -> Result<(), AgentError> {
        let mut inner = self.lock();
        let place = inner.state.cameras.iter().position(|known| known.camera == camera);
        inner.state.cameras.remove(place.ok_or(AgentError::NoCamera(camera))?);
        inner.health.remove(&camera);
        self.save(&inner)
    }

    /// Takes the camera that answers now for the one that is meant.
    pub fn accept_camera(&self, camera: CameraId) -> Result<(), AgentError> {
        self.camera(camera)?;
        let (found, handle) = {
            let inner = self.lock();
            (inner.found.get(&camera).cloned(), inner.handles.get(&camera).cloned())
        };
        let (Some(found), Some(handle)) = (found, handle) else {
            return Err(AgentError::NotRecording(camera));
        };
        self.change_camera(camera, |known| known.expected = Some(found.clone()))?;
        handle.accept(found);
        Ok(())
    }

    /// Records an Event now.
    pub fn trigger(&self, camera: CameraId) -> Result<(), AgentError> {
        self.camera(camera)?;
        let inner = self.lock();
        let handle = inner.handles.get(&camera);
        let begun = inner.chain.is_some() && handle.is_some_and(Handle::trigger);
        if begun { Ok(()) } else { Err(AgentError::NotRecording(camera)) }
    }

    /// How everything does.
    pub async fn status(&self, running: bool) -> AgentStatus {
        let spool = {
            let spool = self.depot.lock().await;
            SpoolStatus {
                bytes: spool.bytes(),
                budget: self.budget,
                events: spool.backlog().events().count() as u64,
                gaps: spool.backlog().gaps().count() as u64,
                quarantined: spool.quarantined(),
            }
        };
        let inner = self.lock();
        let camera = |camera: &Camera| {
            let health = inner.health_of(camera);
            CameraStatus {
                camera: camera.camera,
                name: camera.name.clone(),
                state: health.as_ref().map(|health| health.state),
                since: health.as_ref().map(|health| health.since),
                reason: health.and_then(|health| health.reason),
                known: camera.known,
            }
        };
        AgentStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            running,
            home: inner.home_status(),
            cameras: inner.state.cameras.iter().map(camera).collect(),
            spool,
        }
    }

    // Inside.

    fn camera(&self, camera: CameraId) -> Result<Camera, AgentError> {
        let inner = self.lock();
        inner
            .state
            .cameras
            .iter()
            .find(|known| known.camera == camera)
            .cloned()
            .ok_or(AgentError::NoCamera(camera))
    }

    fn change_camera(&self, camera: CameraId, change: impl FnOnce(&mut Camera)) -> Result<(), AgentError> {
        let mut inner = self.lock();
        let known = inner.state.cameras.iter_mut().find(|known| known.camera == camera);
        change(known.ok_or(AgentError::NoCamera(camera))?);
        self.save(&inner)
    }

    /// A short write, a few times in an agent's life: not worth another thread.
    fn save(&self, inner: &Inner) -> Result<(), AgentError> {
        if inner.over {
            return Err(AgentError::NotRunning);
        }
        self.files.put_state(&inner.state)?;
        self.changes.send_modify(|count| *count += 1);
        Ok(())
    }

    fn reports(&self) -> Vec<CameraReport> {
        let inner = self.lock();
        let report = |camera: &Camera| {
            let health = inner.health_of(camera)?;
            Some(CameraReport { camera: camera.camera, state: health.state, since: health.since })
        };
        inner.state.cameras.iter().filter_map(report).collect()
    }

    /// Verifies entries of the home's chain and keeps them.
    fn learn(&self, entries: &[Signed]) -> Result<u64, AgentError> {
        let mut inner = self.lock();
        let pairing = inner.state.pairing.clone().ok_or(AgentError::NotPaired)?;
        let chain = match inner.chain.as_deref() {
            Some(chain) if entries.is_empty() => {
                let seq = chain.head().entry().seq;
                inner.chain_refused = None;
                return Ok(seq);
            }
            Some(chain) => {
                let mut chain = chain.clone();
                chain.extend(entries)?;
                chain
            }
            None => first_chain(&pairing, entries)?,
        };
        self.files.put_chain(&chain)?;
        let seq = chain.head().entry().seq;
        inner.chain = Some(Arc::new(chain));
        inner.chain_refused = None;
        if let Some(pairing) = inner.state.pairing.as_mut().filter(|pairing| pairing.offer.is_some()) {
            pairing.offer = None;
            self.save(&inner)?;
        }
        inner.say(Word::StatusChanged);
        self.changes.send_modify(|count| *count += 1);
        Ok(seq)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The whole chain, which must be the home's that the pairing code spoke of, offered by one of its owners.
fn first_chain(pairing: &Pairing, entries: &[Signed]) -> Result<Chain, SealError> {
    let chain = Chain::verify(pairing.home, entries, Some(&pairing.pin()))?;
    if let Some(offer) = &pairing.offer {
        chain.confirms(offer)?;
    }
    Ok(chain)
}

impl Inner {
    fn say(&self, word: Word) {
        if let Some(words) = &self.words {
            // An uploader that has ended will be told everything when it starts again.
            words.send(word).ok();
        }
    }

    fn health_of(&self, camera: &Camera) -> Option<Health> {
        let health = self.health.get(&camera.camera).cloned();
        match health {
            Some(health) if camera.off => Some(Health { state: CameraState::Off, ..health }),
            health => health,
        }
    }

    fn home_status(&self) -> Option<HomeStatus> {
        let pairing = self.state.pairing.as_ref()?;
        let head = self.chain.as_ref().map(|chain| chain.head().entry());
        Some(HomeStatus {
            home: pairing.home,
            agent: pairing.agent,
            server: pairing.server.clone(),
            tls: pairing.tls,
            admitted: self.chain.is_some() && self.admitted != Some(false),
            connected: self.connected,
            heard: self.heard,
            chain_seq: head.map(|entry| entry.seq),
            epoch: head.map(|entry| entry.epoch),
            chain_refused: self.chain_refused.clone(),
            clock_offset_ms: self.clock_offset_ms,
        })
    }
}

impl Host for Shared {
    fn status(&self, spool_bytes: u64) -> Status {
        let cameras = self.reports();
        let inner = self.lock();
        let head = inner.chain.as_ref().map(|chain| chain.head().entry());
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            chain_seq: head.map_or(0, |entry| entry.seq),
            epoch: head.map_or(0, |entry| entry.epoch.0),
            spool_bytes,
            cameras,
        }
    }

    fn camera(&self, camera: CameraId) -> Option<CameraPut> {
        let seat = self.seat()?;
        let name = Shared::camera(self, camera).ok()?.name;
        let (by, key) = (NamedBy::Agent(seat.pairing.agent), seat.pairing.key.key());
        let subject = Subject::Camera(camera);
        let sealed = make_name(&seat.chain, subject, by, &key, &name, self.now(), &mut self.world.rng());
        let sealed =
            sealed.inspect_err(|error| tracing::error!(%camera, %error, "the camera's name can't be sealed"));
        Some(CameraPut { name: sealed.ok()? })
    }

    fn entries(&self, entries: Vec<Signed>) -> Option<u64> {
        match self.learn(&entries) {
            Ok(seq) => Some(seq),
            Err(error) => {
                tracing::error!(
                    code = error.code(),
                    "the home's list of members was refused, what is recorded is sealed to the last one that was verified: {error}"
                );
                self.lock().chain_refused = Some(error.to_string());
                None
            }
        }
    }

    fn camera_known(&self, camera: CameraId) {
        if let Err(error) = self.change_camera(camera, |camera| camera.known = true) {
            tracing::warn!(%camera, %error, "that the server knows the camera could not be kept");
        }
    }

    fn server_time(&self, now: UnixMillis) {
        let here = self.now();
        let mut inner = self.lock();
        inner.clock_offset_ms = Some(here.0.saturating_sub(now.0));
        inner.heard = Some(here);
    }

    fn switched_off(&self, cameras: HashSet<CameraId>) {
        let mut inner = self.lock();
        let before = inner.state.clone();
        inner.state.cameras.iter_mut().for_each(|camera| camera.off = cameras.contains(&camera.camera));
        if inner.state == before {
            return;
        }
        if let Err(error) = self.save(&inner) {
            tracing::warn!(%error, "which cameras are switched off could not be kept");
            self.changes.send_modify(|count| *count += 1);
        }
    }

    fn rolled_back(&self, to: Option<(u64, u64)>) {
        let mut inner = self.lock();
        let before = std::mem::replace(&mut inner.rollback, to);
        if before == to {
            return;
        }
        inner.chain_refused = to.map(|(pinned, found)| {
            let error = SealError::Rollback { pinned, found };
            tracing::error!(code = error.code(), "{error}");
            error.to_string()
        });
    }

    fn admitted(&self, admitted: bool) {
        let mut inner = self.lock();
        if inner.admitted.replace(admitted) == Some(admitted) {
            return;
        }
        match (admitted, inner.chain.is_some()) {
            (true, _) => tracing::info!("the server let this agent in"),
            (false, false) => tracing::info!("waiting for the owner's browser to let this agent in"),
            (false, true) => tracing::error!(
                "the server does not let this agent in: it may have been removed from its home"
            ),
        }
    }

    fn connected(&self, connected: bool) {
        self.lock().connected = connected;
        if connected {
            tracing::info!("connected to the server");
        } else {
            tracing::warn!("not connected to the server; what is recorded waits in the spool");
        }
    }
}
