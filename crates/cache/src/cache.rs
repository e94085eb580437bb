//! The cache: one backend, one key ring, one limit towards the origin, and a door for each type.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use quick_cache::sync::Cache as Bounded;
use tokio::time::Instant;

use crate::backend::Backend;
use crate::cached::{self, Cached};
use crate::config::{Builder, Settings};
use crate::env::Chance;
use crate::envelope::Level;
use crate::generation::Known;
use crate::hashing::KeyHasher;
use crate::key::CanonicalKey;
use crate::limit::Limiter;
use crate::seal::Sealer;
use crate::tier::Tier;
use crate::typed::Typed;
use crate::versions::Versions;

/// A cache of any number of types. Cheap to clone.
#[derive(Clone)]
pub struct Cache {
    core: Arc<Core>,
}

/// What all types share.
pub(crate) struct Core {
    pub backend: Arc<dyn Backend>,
    pub sealer: Option<Arc<Sealer>>,
    pub chance: Chance,
    pub settings: Settings,
    pub limiter: Limiter,
    pub versions: Versions,
    pub bypass: AtomicBool,
    // By namespace and tenant, whole.
    pub tenants: Bounded<Box<[u8]>, Known, quick_cache::UnitWeighter, KeyHasher>,
    pub origin: Instant,
    coarse_origin: Option<Duration>,
    types: RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    names: RwLock<HashMap<CanonicalKey, TypeId>>,
}

// The kernel's tick: 10 ms at 100 Hz, and a little.
const COARSE_GRAIN: Duration = Duration::from_millis(12);

// Generation numbers of tenants that are remembered, about 100 bytes each.
const TENANTS: usize = 100_000;

impl Core {
    pub fn new(
        backend: Arc<dyn Backend>,
        sealer: Option<Arc<Sealer>>,
        chance: Chance,
        settings: Settings,
    ) -> Self {
        let lifecycle = quick_cache::sync::DefaultLifecycle::default();
        let weighter = quick_cache::UnitWeighter;
        let coarse_origin = chance.coarse();
        Self {
            backend,
            sealer,
            chance,
            limiter: Limiter::new(settings.origin),
            settings,
            versions: Versions::new(),
            bypass: AtomicBool::new(false),
            tenants: Bounded::with(TENANTS, TENANTS as u64, weighter, KeyHasher::default(), lifecycle),
            origin: Instant::now(),
            coarse_origin,
            types: RwLock::default(),
            names: RwLock::default(),
        }
    }

    /// Whether it is still before that, on the core's clock in milliseconds. Read from the coarse clock where there is one: that lags behind by less than its grain.
    pub fn is_before_ms(&self, moment: u64) -> bool {
        let now = match self.chance.coarse().zip(self.coarse_origin) {
            Some((now, origin)) => now.saturating_sub(origin) + COARSE_GRAIN,
            None => self.origin.elapsed(),
        };
        // Not `as_millis`: that is 128 bits wide, in the one place where nanoseconds count.
        now.as_secs() * 1_000 + u64::from(now.subsec_millis()) < moment
    }

    /// How values of a level are closed and opened.
    ///
    /// # Panics
    /// The level is sealed and there is no key ring.
    pub fn level(&self, level: cached::Level) -> Level {
        match level {
            cached::Level::Bound => Level::Bound,
            cached::Level::Sealed => {
                Level::Sealed(self.sealer.clone().expect("a sealed type needs Builder::keys"))
            }
        }
    }
}

impl Cache {
    /// Begins to put a cache together over a backend.
    pub fn builder(backend: impl Backend) -> Builder {
        Builder::new(Arc::new(backend))
    }

    pub(crate) fn from_core(core: Core) -> Self {
        Self { core: Arc::new(core) }
    }

    /// The door to the values of one type. Keep it: looking it up costs more than a hit.
    ///
    /// # Panics
    /// Another type declared the same namespace, name and version, or `T` is sealed and there is no key ring: both are mistakes of the program.
    pub fn typed<T: Cached>(&self) -> Typed<T> {
        let id = TypeId::of::<T>();
        let known = self.core.types.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        let tier = known.unwrap_or_else(|| self.add_type::<T>(id));
        Typed::new(tier.downcast::<Tier<T>>().expect("what is kept under a type's id is of that type"))
    }

    fn add_type<T: Cached>(&self, id: TypeId) -> Arc<dyn Any + Send + Sync> {
        let name = CanonicalKey::new(T::NAMESPACE, &(), &(), T::NAME, T::VERSION);
        let mut names = self.core.names.write().unwrap_or_else(PoisonError::into_inner);
        let first = *names.entry(name).or_insert(id);
        assert!(first == id, "two types are named {} {} version {}", T::NAMESPACE, T::NAME, T::VERSION);
        let mut types = self.core.types.write().unwrap_or_else(PoisonError::into_inner);
        types.entry(id).or_insert_with(|| Arc::new(Tier::<T>::new(self.core.clone()))).clone()
    }

    /// Switches the cache off, or on again, while everything runs: with `true` every value comes from the origin, still limited, and nothing is stored.
    /// Invalidations are still sent.
    pub fn bypass(&self, on: bool) {
        self.core.bypass.store(on, Ordering::SeqCst);
    }

    /// Loads that run now, and how many the origin is trusted with.
    pub fn origin_load(&self) -> (usize, usize) {
        (self.core.limiter.running(), self.core.limiter.limit())
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cache")
    }
}
