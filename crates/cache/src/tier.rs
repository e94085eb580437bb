//! All about one type in this process: its own copies, what is known of its generation, the loads that run.
//!
//! Invariant: a copy is looked up by the whole typed key, and is good only while its stamp (versions of key and tenant stripe, of the type, and the connection)
//! is what it was before the copy was asked for.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quick_cache::Weighter;
use quick_cache::sync::{Cache as Bounded, DefaultLifecycle};

use crate::backend::{BackendError, Found};
use crate::cache::Core;
use crate::cached::{Cached, canonical_key};
use crate::codec::Codec;
use crate::config::Mismatch;
use crate::envelope::{Facts, Generations, Level, NotOpened};
use crate::flight::Flights;
use crate::generation::{Asked, Generation, Known};
use crate::hashing::{KeyHasher, stripe};
use crate::key::{CanonicalKey, Location};
use crate::observe::Observed;
use crate::sabotage::{Mutant, active};
use crate::versions::{Slot, Versions};

/// What a caller gets: the value, shared, or that there is none.
pub(crate) type Shared<T> = Option<Arc<<T as Cached>::Value>>;

pub(crate) struct Tier<T: Cached> {
    pub core: Arc<Core>,
    pub level: Level,
    pub flights: Flights,
    pub observed: Observed,
    local: Option<Bounded<T::Key, Copied<T>, Weigh, KeyHasher>>,
    type_version: AtomicU32,
    type_generation: Generation,
    type_known: Mutex<Option<Known>>,
}

/// A value's name in all its forms, and the stamp of before it was asked for.
pub(crate) struct Name<K> {
    pub key: K,
    pub canonical: CanonicalKey,
    pub location: Location,
    pub stamp: Stamp,
}

/// The versions that a copy depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub key_slot: Slot,
    pub tenant_slot: Slot,
    key_version: u32,
    tenant_version: u32,
    type_version: u32,
    // Its low half: a copy does not live through four thousand million reconnects.
    connection: u32,
}

/// A copy of this process's own.
struct Copied<T: Cached> {
    value: Shared<T>,
    weight: u32,
    // On the core's clock. Small, as everything here: what fits into the processor's cache is found fast.
    good_until_ms: u64,
    stamp: Stamp,
}

impl<T: Cached> Clone for Copied<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), ..*self }
    }
}

#[derive(Clone)]
struct Weigh;

impl<T: Cached> Weighter<T::Key, Copied<T>> for Weigh {
    fn weight(&self, _: &T::Key, copy: &Copied<T>) -> u64 {
        u64::from(copy.weight)
    }
}

/// What the backend had.
pub(crate) enum Look<T: Cached> {
    Hit(Hit<T>),
    /// Nothing that may be used; perhaps something that has ended, and for how long.
    Miss(Option<Ended<T>>),
    /// The backend did not answer.
    Down,
}

/// A value from the backend.
pub(crate) struct Hit<T: Cached> {
    pub value: Shared<T>,
    pub facts: Facts,
    pub bytes: usize,
    /// Of its life, when it was opened.
    pub left_ms: u64,
}

/// A value whose life has ended, for the one who asked for the danger.
pub(crate) struct Ended<T: Cached> {
    pub value: Shared<T>,
    pub expired_unix_ms: u64,
    /// Of before it was asked for.
    pub stamp: Stamp,
}

// What an entry takes beside its payload, roughly.
const ENTRY: u64 = 128;

impl<T: Cached> Tier<T> {
    pub fn new(core: Arc<Core>) -> Self {
        let bound = core.settings.local;
        let local = (bound.entries > 0).then(|| {
            let hasher = KeyHasher::default();
            Bounded::with(bound.entries, bound.bytes, Weigh, hasher, DefaultLifecycle::default())
        });
        let name = CanonicalKey::generation(T::NAMESPACE, "type", &(T::NAME, T::VERSION));
        let slot = Versions::slot(stripe(name.as_bytes(), Versions::STRIPES));
        Self {
            level: core.level(T::LEVEL),
            flights: Flights::default(),
            observed: Observed::of(T::NAMESPACE, T::NAME),
            local,
            type_version: AtomicU32::new(0),
            type_generation: Generation { key: name, slot },
            type_known: Mutex::new(None),
            core,
        }
    }

    /// This process's own copy, if it is good.
    pub fn copy_of(&self, key: &T::Key) -> Option<Shared<T>> {
        let copy = self.local.as_ref()?.get(key)?;
        let good = self.core.is_before_ms(copy.good_until_ms) && self.is_current(&copy.stamp);
        good.then_some(copy.value)
    }

    /// Everything about a key. Must be made before anything is asked for.
    pub fn name(&self, key: &T::Key) -> Name<T::Key> {
        let canonical = canonical_key::<T>(key);
        let (core, location) = (&self.core, canonical.location());
        let key_slot = Versions::slot(if cfg!(feature = "colliding-hasher") { 0 } else { location.bits() });
        let tenant_slot = Versions::slot(stripe(canonical.owner(), Versions::STRIPES));
        let stamp = Stamp {
            key_slot,
            key_version: core.versions.of(key_slot),
            tenant_slot,
            tenant_version: core.versions.of(tenant_slot),
            type_version: self.type_version.load(Ordering::Acquire),
            connection: core.backend.generation() as u32,
        };
        Name { key: key.clone(), location, canonical, stamp }
    }

    /// Whether nothing was invalidated since the stamp was made, and the connection is the same.
    pub fn is_current(&self, stamp: &Stamp) -> bool {
        self.is_uninvalidated(stamp)
            && (stamp.connection == self.core.backend.generation() as u32
                || active(Mutant::LocalSurvivesReconnect))
    }

    /// Whether nothing was invalidated by this process since the stamp was made.
    pub fn is_uninvalidated(&self, stamp: &Stamp) -> bool {
        let versions = &self.core.versions;
        let same = stamp.key_version == versions.of(stamp.key_slot)
            && stamp.tenant_version == versions.of(stamp.tenant_slot)
            && stamp.type_version == self.type_version.load(Ordering::Acquire);
        same || active(Mutant::KeepLocalAfterInvalidate)
    }

    /// Keeps a copy until then, at most for a local lifetime from now.
    pub fn keep(&self, name: &Name<T::Key>, value: Shared<T>, bytes: usize, good_until: Duration) {
        let Some(local) = &self.local else { return };
        let bound = self.core.settings.local;
        let least = bound.bytes / bound.entries as u64;
        let weight = (bytes as u64 + ENTRY).max(least).min(u64::from(u32::MAX)) as u32;
        let good_until_ms = u64::try_from(good_until.as_millis()).unwrap_or(u64::MAX);
        local.insert(name.key.clone(), Copied { value, weight, good_until_ms, stamp: name.stamp });
    }

    /// Forgets this process's copies under the old versions of a key.
    pub fn raise(&self, slot: Slot) {
        self.core.versions.raise(slot);
    }

    /// Forgets all of this process's copies of the type.
    pub fn raise_type(&self) {
        self.type_version.fetch_add(1, Ordering::AcqRel);
        if let Some(local) = &self.local {
            local.clear();
        }
    }

    /// The generation number of the whole type.
    pub fn type_generation(&self) -> &Generation {
        &self.type_generation
    }

    /// The generation number of a value's tenant.
    pub fn tenant_generation(&self, name: &Name<T::Key>) -> Generation {
        Self::generation_of(name.canonical.owner(), name.stamp.tenant_slot)
    }

    /// The generation number of what these first two parts of a canonical key name.
    pub fn generation_of(owner: &[u8], slot: Slot) -> Generation {
        Generation { key: CanonicalKey::generation(T::NAMESPACE, "tenant", &owner), slot }
    }

    fn type_known(&self) -> Option<Known> {
        *self.type_known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gets the value from the backend, together with whatever generation number is not known at present: they travel in one batch.
    pub async fn look(&self, name: &Name<T::Key>) -> Look<T> {
        let core = &self.core;
        let asked_at = core.origin.elapsed();
        let of_type = self.type_known();
        let of_type = of_type.filter(|known| core.is_current(known, self.type_generation.slot, asked_at));
        let of_tenant = core.tenants.get(name.canonical.owner());
        let of_tenant = of_tenant.filter(|known| core.is_current(known, name.stamp.tenant_slot, asked_at));
        // A copy is as old as the oldest of what vouches for it.
        let vouched_at = |known: &Option<Known>| known.map_or(asked_at, |known| known.asked_at);
        let asked_at = asked_at.min(vouched_at(&of_type)).min(vouched_at(&of_tenant));
        let asked_type = of_type.is_none().then(|| core.ask(&self.type_generation));
        let tenant_generation = of_tenant.is_none().then(|| self.tenant_generation(name));
        let asked_tenant = tenant_generation.as_ref().map(|generation| core.ask(generation));
        let found = match core.backend.get(name.location).await {
            Ok(found) => found,
            Err(error) => return self.down(&error),
        };
        let of_type = match asked_type {
            None => of_type,
            Some(asked) => match self.answered(&self.type_generation.key, asked).await {
                Err(error) => return self.down(&error),
                Ok(known) => self.note_type(known),
            },
        };
        let of_tenant = match asked_tenant.zip(tenant_generation) {
            None => of_tenant,
            Some((asked, generation)) => match self.answered(&generation.key, asked).await {
                Err(error) => return self.down(&error),
                Ok(known) => self.note_tenant(name, known),
            },
        };
        let current = of_type.zip(of_tenant);
        let current = current
            .map(|(of_type, of_tenant)| Generations { of_type: of_type.number, of_tenant: of_tenant.number });
        let look = self.open(name, found, current);
        if let (Look::Hit(hit), true) = (&look, self.local.is_some()) {
            let good_until = asked_at + core.settings.local.lifetime;
            self.keep(name, hit.value.clone(), hit.bytes, good_until.min(self.end_of(hit)));
        }
        look
    }

    /// Both generation numbers, made if there are none: what is loaded after this call is stored under them. Also says when the older of them was asked for.
    pub async fn generations(&self, name: &Name<T::Key>) -> Result<(Generations, Duration), BackendError> {
        let core = &self.core;
        let now = core.origin.elapsed();
        let known = self.type_known().filter(|known| core.is_current(known, self.type_generation.slot, now));
        let of_type = match known {
            Some(known) => Some(known),
            None => {
                let asked = core.adopt(&self.type_generation);
                self.note_type(self.answered(&self.type_generation.key, asked).await?)
            }
        };
        let known = core.tenants.get(name.canonical.owner());
        let of_tenant = match known.filter(|known| core.is_current(known, name.stamp.tenant_slot, now)) {
            Some(known) => Some(known),
            None => {
                let generation = self.tenant_generation(name);
                let asked = core.adopt(&generation);
                self.note_tenant(name, self.answered(&generation.key, asked).await?)
            }
        };
        // An adopted number is there, unless it was somebody else's: then nothing is known.
        let (of_type, of_tenant) = of_type.zip(of_tenant).ok_or(BackendError::OutcomeUnknown)?;
        let generations = Generations { of_type: of_type.number, of_tenant: of_tenant.number };
        Ok((generations, of_type.asked_at.min(of_tenant.asked_at)))
    }

    /// Whether both generation numbers are still these, asked anew.
    pub async fn are_still(&self, name: &Name<T::Key>, generations: Generations) -> bool {
        let of_tenant = self.tenant_generation(name);
        let asked = (self.core.ask(&self.type_generation), self.core.ask(&of_tenant));
        let (Ok(Some(of_type)), Ok(Some(of_tenant))) = (
            self.answered(&self.type_generation.key, asked.0).await,
            self.answered(&of_tenant.key, asked.1).await,
        ) else {
            return false;
        };
        generations == Generations { of_type: of_type.number, of_tenant: of_tenant.number }
    }

    async fn answered(&self, key: &CanonicalKey, asked: Asked) -> Result<Option<Known>, BackendError> {
        let found = asked.reply.await?;
        let Some(envelope) = found.envelope else { return Ok(None) };
        match Level::Bound.open(key, &envelope, &mut Vec::new()) {
            Ok((facts, _)) => Ok(Some(Known {
                number: facts.generations.of_type,
                asked_at: asked.asked_at,
                connection: asked.connection,
                version: asked.version,
            })),
            Err(_) => {
                self.mismatch(key.location(), found.generation);
                Ok(None)
            }
        }
    }

    fn note_type(&self, known: Option<Known>) -> Option<Known> {
        *self.type_known.lock().unwrap_or_else(PoisonError::into_inner) = known;
        known
    }

    fn note_tenant(&self, name: &Name<T::Key>, known: Option<Known>) -> Option<Known> {
        match known {
            Some(known) => self.core.tenants.insert(name.canonical.owner().into(), known),
            None => drop(self.core.tenants.remove(name.canonical.owner())),
        }
        known
    }

    /// Opens what was found: somebody else's is reported, what is outdated or has ended is a miss.
    pub fn open(&self, name: &Name<T::Key>, found: Found, current: Option<Generations>) -> Look<T> {
        let Some(envelope) = found.envelope else { return Look::Miss(None) };
        let mut scratch = Vec::new();
        let (facts, payload) = match self.level.open(&name.canonical, &envelope, &mut scratch) {
            Ok(opened) => opened,
            Err(NotOpened::Unreadable) => return Look::Miss(None),
            Err(NotOpened::Foreign) => {
                self.mismatch(name.location, found.generation);
                return Look::Miss(None);
            }
        };
        if current != Some(facts.generations) {
            return Look::Miss(None);
        }
        let Some(value) = self.decode(&facts, payload) else { return Look::Miss(None) };
        let left_ms = facts.expires_unix_ms.saturating_sub(self.core.chance.unix_millis());
        if left_ms == 0 && !active(Mutant::TrustServersExpiry) {
            return Look::Miss(Some(Ended {
                value,
                expired_unix_ms: facts.expires_unix_ms,
                stamp: name.stamp,
            }));
        }
        Look::Hit(Hit { value, facts, bytes: payload.len(), left_ms })
    }

    fn decode(&self, facts: &Facts, payload: &[u8]) -> Option<Shared<T>> {
        if facts.absent {
            return Some(None);
        }
        match T::Codec::decode(payload) {
            Ok(value) => Some(Some(Arc::new(value))),
            Err(error) => {
                tracing::warn!(namespace = T::NAMESPACE, name = T::NAME, %error, "a cached value cannot be decoded");
                None
            }
        }
    }

    /// When a value's life ends, on the core's clock.
    fn end_of(&self, hit: &Hit<T>) -> Duration {
        self.core.origin.elapsed() + Duration::from_millis(hit.left_ms)
    }

    fn mismatch(&self, at: Location, generation: u64) {
        self.observed.mismatch.increment(1);
        tracing::error!(
            namespace = T::NAMESPACE,
            generation,
            "an answer belonged to another key and was refused"
        );
        self.core.backend.distrust(generation);
        // If it is what is stored there that is wrong, the next connection would find it again. Nobody waits for this.
        drop(self.core.backend.invalidate(at));
        (self.core.settings.on_mismatch)(Mismatch { namespace: T::NAMESPACE, generation });
    }

    fn down(&self, error: &BackendError) -> Look<T> {
        self.observed.down.increment(1);
        tracing::debug!(namespace = T::NAMESPACE, %error, "the cache server did not answer");
        Look::Down
    }
}
