//! How a cache is put together. Everything has a default but the backend.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::Backend;
use crate::cache::{Cache, Core};
use crate::env::{Chance, Env};
use crate::limit::OriginLimit;
use crate::ring::KeyRing;
use crate::seal::Sealer;

/// The bound of this process's own copies, for each type.
#[derive(Debug, Clone, Copy)]
pub struct LocalBound {
    /// Values at most; 0 switches own copies off.
    pub entries: usize,
    /// Bytes of encoded payload at most, with 128 bytes for each entry itself.
    pub bytes: u64,
    /// How long a copy may be used: the staleness that an invalidation in another process can leave here.
    pub lifetime: Duration,
}

impl Default for LocalBound {
    /// 10,000 values, 32 MiB, one second.
    fn default() -> Self {
        Self { entries: 10_000, bytes: 32 << 20, lifetime: Duration::from_secs(1) }
    }
}

/// An answer that belonged to another key was found and refused.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Mismatch {
    /// The namespace of the type that was asked for. Neither key nor content is told.
    pub namespace: &'static str,
    /// The connection that delivered it; it is closed.
    pub generation: u64,
}

pub(crate) type OnMismatch = Arc<dyn Fn(Mismatch) + Send + Sync>;

/// Everything that can be chosen.
#[derive(Clone)]
pub(crate) struct Settings {
    pub local: LocalBound,
    pub leases: bool,
    pub lease_patience: Duration,
    pub load_timeout: Duration,
    pub deadline: Duration,
    pub origin: OriginLimit,
    pub early_refresh: f64,
    pub value_most: usize,
    pub stale_on_error: Duration,
    pub on_mismatch: OnMismatch,
}

impl Settings {
    /// Longer than a load can take, with its wait for its turn.
    pub fn lease_lifetime(&self) -> Duration {
        self.origin.patience + self.load_timeout + Duration::from_secs(1)
    }
}

/// Puts a [`Cache`] together.
#[must_use]
pub struct Builder {
    backend: Arc<dyn Backend>,
    keys: Option<KeyRing>,
    chance: Chance,
    settings: Settings,
}

impl Builder {
    pub(crate) fn new(backend: Arc<dyn Backend>) -> Self {
        let settings = Settings {
            local: LocalBound::default(),
            leases: true,
            lease_patience: Duration::from_secs(1),
            load_timeout: Duration::from_secs(5),
            deadline: Duration::from_secs(8),
            origin: OriginLimit::default(),
            early_refresh: 1.0,
            value_most: 8 << 20,
            stale_on_error: Duration::ZERO,
            on_mismatch: Arc::new(|_| {}),
        };
        Self { backend, keys: None, chance: Chance::system(), settings }
    }

    /// The keys for types of level [`Sealed`](crate::Level::Sealed).
    pub fn keys(mut self, ring: KeyRing) -> Self {
        self.keys = Some(ring);
        self
    }

    /// The bound of this process's own copies.
    pub fn local(mut self, bound: LocalBound) -> Self {
        self.settings.local = bound;
        self
    }

    /// Whether one load per key goes on in the whole cluster (default), or one per process. Without leases an invalidation in one process can be overtaken by
    /// a load that began before it in another: then the stored value is stale for its lifetime.
    pub fn leases(mut self, on: bool) -> Self {
        self.settings.leases = on;
        self
    }

    /// How long a load may take. Default: 5 s. A lease lives a second longer than a load may wait for its turn and take.
    pub fn load_timeout(mut self, timeout: Duration) -> Self {
        self.settings.load_timeout = timeout;
        self
    }

    /// How long to wait for the value that another process loads, before loading it here too (and not storing it). Default: 1 s.
    pub fn lease_patience(mut self, patience: Duration) -> Self {
        self.settings.lease_patience = patience;
        self
    }

    /// How long a caller waits at most, everything included; a reply of the cache server has a shorter deadline of its own (`RedisConfig::timeout`), and is waited for. Default: 8 s.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// How much load the origin gets.
    pub fn origin(mut self, limit: OriginLimit) -> Self {
        self.settings.origin = limit;
        self
    }

    /// How eagerly values are loaded anew before they end: 0 never, 1 (default) about one load's duration early on average, more is earlier.
    pub fn early_refresh(mut self, eagerness: f64) -> Self {
        self.settings.early_refresh = eagerness.max(0.0);
        self
    }

    /// The largest encoded value in bytes that is stored; larger ones are loaded each time. A backend may keep less
    /// ([`RedisConfig::value_most`](crate::RedisConfig::value_most)). Default: 8 MiB.
    pub fn value_most(mut self, bytes: usize) -> Self {
        self.settings.value_most = bytes;
        self
    }

    /// Danger: when a load fails or is shed, a value that has ended for no longer than this is served in its place. What was changed in the meantime without an
    /// invalidation is then answered wrongly. What was invalidated is never served.
    pub fn danger_serve_stale_on_error(mut self, ended_for_at_most: Duration) -> Self {
        self.settings.stale_on_error = ended_for_at_most;
        self
    }

    /// Is called whenever an answer belonged to another key and was refused: something between here and the server mixes answers up.
    pub fn on_mismatch(mut self, hook: impl Fn(Mismatch) + Send + Sync + 'static) -> Self {
        self.settings.on_mismatch = Arc::new(hook);
        self
    }

    /// Time and chance from somewhere else, for simulations.
    pub fn env(mut self, env: Arc<dyn Env>) -> Self {
        self.chance = Chance::new(env);
        self
    }

    /// The cache.
    pub fn build(self) -> Cache {
        let sealer = self.keys.map(|ring| Arc::new(Sealer::new(ring, self.chance.clone())));
        Cache::from_core(Core::new(self.backend, sealer, self.chance, self.settings))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Builder")
    }
}
