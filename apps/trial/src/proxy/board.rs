//! What all connections of a proxy share: the plan in force, the counts, the big levers.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keepsight_world::{Instant, World};
use tokio::sync::watch;

use super::fault::{FaultKind, Plan};
use super::lane::{Gate, Lane};

// Connections remembered after their end, for traces.
const REMEMBERED: usize = 512;

/// Shared by all connections.
#[derive(Debug)]
pub struct Board {
    pub(super) upstream: SocketAddr,
    world: World,
    began: Instant,
    epoch: AtomicU64,
    plan: Mutex<Option<Arc<Plan>>>,
    kinds: Mutex<std::collections::BTreeMap<FaultKind, u64>>,
    swallowed: AtomicU64,
    cut: AtomicU64,
    out_of_memory: AtomicU64,
    hoarded: AtomicU64,
    refused: AtomicU64,
    refusing: AtomicBool,
    hoarding: watch::Sender<bool>,
    lanes: Mutex<Vec<Arc<Lane>>>,
    next_lane: AtomicU64,
}

/// What was injected since the proxy began, by every way that it knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Injected {
    /// Per kind of planned fault.
    pub kinds: std::collections::BTreeMap<FaultKind, u64>,
    /// Commands that fell into a connection that is silently gone.
    pub swallowed: u64,
    /// Connections cut by [`super::Proxy::cut_all`].
    pub cut: u64,
    /// Replies of the server that say it is out of memory.
    pub out_of_memory: u64,
    /// Bytes of replies that piled up and came at once.
    pub hoarded: u64,
    /// Connections refused.
    pub refused: u64,
}

impl Injected {
    /// Planned faults of all kinds.
    pub fn planned(&self) -> u64 {
        self.kinds.values().sum()
    }
}

impl Board {
    pub(super) fn new(upstream: SocketAddr, world: World) -> Self {
        let began = world.now();
        Self {
            upstream,
            world,
            began,
            epoch: AtomicU64::new(0),
            plan: Mutex::default(),
            kinds: Mutex::default(),
            swallowed: AtomicU64::new(0),
            cut: AtomicU64::new(0),
            out_of_memory: AtomicU64::new(0),
            hoarded: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            refusing: AtomicBool::new(false),
            hoarding: watch::Sender::new(false),
            lanes: Mutex::default(),
            next_lane: AtomicU64::new(0),
        }
    }

    pub(super) fn arm(&self, plan: Option<Plan>) {
        *lock(&self.plan) = plan.map(Arc::new);
        self.epoch.fetch_add(1, Ordering::Release);
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub(super) fn plan(&self) -> Option<Arc<Plan>> {
        lock(&self.plan).clone()
    }

    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from((self.world.now() - self.began).as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn count(&self, kind: FaultKind) {
        *lock(&self.kinds).entry(kind).or_default() += 1;
    }

    pub(super) fn count_swallowed(&self) {
        self.swallowed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_hoarded(&self, bytes: usize) {
        self.hoarded.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Some of the server's answers are themselves the evidence that an event happened.
    pub(super) fn look_at(&self, frame: &[u8]) {
        if frame.starts_with(b"-OOM") {
            self.out_of_memory.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn is_refusing(&self) -> bool {
        self.refusing.load(Ordering::Relaxed)
    }

    pub(super) fn refuse(&self, refuse: bool) {
        self.refusing.store(refuse, Ordering::Relaxed);
    }

    pub(super) fn hoarding(&self) -> watch::Receiver<bool> {
        self.hoarding.subscribe()
    }

    pub(super) fn hoard(&self, hoard: bool) {
        self.hoarding.send_replace(hoard);
    }

    pub(super) fn new_lane(&self) -> Arc<Lane> {
        let lane = Arc::new(Lane::new(self.next_lane.fetch_add(1, Ordering::Relaxed)));
        let mut lanes = lock(&self.lanes);
        if lanes.len() >= REMEMBERED
            && let Some(dead) = lanes.iter().position(|lane| !lane.is_alive())
        {
            lanes.remove(dead);
        }
        lanes.push(lane.clone());
        lane
    }

    pub(super) fn lanes(&self) -> MutexGuard<'_, Vec<Arc<Lane>>> {
        lock(&self.lanes)
    }

    pub(super) fn cut_all(&self, reset: bool) {
        let cut = self.lanes().iter().filter(|lane| lane.end(reset)).count();
        self.cut.fetch_add(cut as u64, Ordering::Relaxed);
    }

    pub(super) fn turn_all(&self, gate: impl Fn(u64) -> Gate) {
        for lane in self.lanes().iter() {
            lane.turn(gate(lane.id));
        }
    }

    pub(super) fn injected(&self) -> Injected {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Injected {
            kinds: lock(&self.kinds).clone(),
            swallowed: read(&self.swallowed),
            cut: read(&self.cut),
            out_of_memory: read(&self.out_of_memory),
            hoarded: read(&self.hoarded),
            refused: read(&self.refused),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
