//! One load, from the lease to the stored value. It runs in a task of its own and answers to no caller.
//!
//! Order: generation numbers, lease, permit of the origin, load, store. What is stored states numbers that were known before the load began, is stored under the lease
//! only, and not at all if anything was invalidated here since: so a load that began before an invalidation is never stored after it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::cached::Cached;
use crate::codec::Codec;
use crate::envelope::{Facts, Generations};
use crate::error::Error;
use crate::flight::Outcome;
use crate::lease::Lease;
use crate::limit::Permit;
use crate::sabotage::{Mutant, active};
use crate::tier::{Hit, Look, Name, Shared, Tier};

/// Why a load runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Nothing usable was found.
    Miss,
    /// What was found ends soon, at this time.
    Refresh { expires_unix_ms: u64 },
    /// The cache is switched off.
    Bypass,
}

/// What came of asking for the lease.
enum Claim<T: Cached> {
    /// It is held.
    Held(Lease),
    /// Somebody stored the value meanwhile.
    Found(Hit<T>),
    /// Another process loads.
    Busy,
    /// There is none to be had: leases are off, or the server is away.
    Nobody,
}

const FIRST_LOOK_AGAIN: Duration = Duration::from_millis(5);
const LAST_LOOK_AGAIN: Duration = Duration::from_millis(100);

struct Load<T: Cached> {
    tier: Arc<Tier<T>>,
    name: Arc<Name<T::Key>>,
    cause: Cause,
    began: Duration,
}

/// Loads a value and stores it.
pub(crate) async fn run<T, E, Fut>(
    tier: Arc<Tier<T>>,
    name: Arc<Name<T::Key>>,
    cause: Cause,
    load: impl FnOnce() -> Fut,
) -> Outcome<T, E>
where
    T: Cached,
    Fut: Future<Output = Result<Option<T::Value>, E>>,
{
    let began = tier.core.origin.elapsed();
    Load { tier, name, cause, began }.run(load).await
}

impl<T: Cached> Load<T> {
    async fn run<E, Fut>(self, load: impl FnOnce() -> Fut) -> Outcome<T, E>
    where
        Fut: Future<Output = Result<Option<T::Value>, E>>,
    {
        if self.cause == Cause::Bypass {
            let (result, _) = self.ask_origin(load).await;
            return self.outcome(Some(result), false);
        }
        if self.cause == Cause::Miss
            && let Some(copy) = self.tier.copy_of(&self.name.key)
        {
            // Whoever loaded it ended between our look and now.
            return self.outcome(Some(Ok(copy)), false);
        }
        let (generations, asked_at) = self.tier.generations(&self.name).await.ok().unzip();
        let lease = match self.claim(generations).await {
            // It is as old as the numbers that vouch for it, which may have been replaced while this waited for the lease.
            Claim::Found(hit) => {
                let began = asked_at.unwrap_or(self.began);
                return Outcome { result: Some(Ok(hit.value)), began, fenced: false };
            }
            Claim::Busy if self.cause != Cause::Miss => return self.outcome(None, false),
            Claim::Held(lease) => Some(lease),
            Claim::Busy | Claim::Nobody => None,
        };
        let load_began = self.tier.core.origin.elapsed();
        let (result, took) = self.ask_origin(load).await;
        let Ok(value) = &result else {
            // A refresh does not wait for its turn; who needs the value does, in a flight of their own.
            let given_up = matches!((self.cause, &result), (Cause::Refresh { .. }, Err(Error::Overloaded)));
            return self.outcome((!given_up).then_some(result), false);
        };
        let fenced = self.store(value, generations, lease, load_began, took).await;
        self.outcome(Some(result), fenced)
    }

    fn outcome<E>(&self, result: Option<Result<Shared<T>, Error<E>>>, fenced: bool) -> Outcome<T, E> {
        Outcome { result, began: self.began, fenced }
    }

    /// Asks for the lease until it is held, the value is there, or whoever holds it had its time.
    async fn claim(&self, generations: Option<Generations>) -> Claim<T> {
        let core = &self.tier.core;
        if !core.settings.leases || generations.is_none() || active(Mutant::NoLease) {
            return Claim::Nobody;
        }
        let mut wait = FIRST_LOOK_AGAIN;
        loop {
            let Ok((lease, found)) = Lease::ask(core, self.name.location).await else {
                return Claim::Nobody;
            };
            if let Look::Hit(hit) = self.tier.open(&self.name, found, generations)
                && self.is_news(&hit)
            {
                return Claim::Found(hit);
            }
            if let Some(lease) = lease {
                return Claim::Held(lease);
            }
            let waited = core.origin.elapsed() - self.began;
            if self.cause != Cause::Miss || waited >= core.settings.lease_patience {
                return Claim::Busy;
            }
            tokio::time::sleep(wait.mul_f64(0.5 + core.chance.fraction() / 2.0)).await;
            wait = (wait * 2).min(LAST_LOOK_AGAIN);
        }
    }

    fn is_news(&self, hit: &Hit<T>) -> bool {
        match self.cause {
            Cause::Refresh { expires_unix_ms } => hit.facts.expires_unix_ms > expires_unix_ms,
            Cause::Miss | Cause::Bypass => true,
        }
    }

    /// Loads, within the origin's limit and in time. Also says how long it took.
    async fn ask_origin<E, Fut>(&self, load: impl FnOnce() -> Fut) -> (Result<Shared<T>, Error<E>>, Duration)
    where
        Fut: Future<Output = Result<Option<T::Value>, E>>,
    {
        let (core, observed) = (&self.tier.core, &self.tier.observed);
        let permit: Option<Permit> = match self.cause {
            // What can be left undone does not wait.
            Cause::Refresh { .. } => core.limiter.try_acquire(),
            Cause::Miss | Cause::Bypass => core.limiter.acquire().await,
        };
        let Some(permit) = permit else {
            observed.shed.increment(1);
            return (Err(Error::Overloaded), Duration::ZERO);
        };
        let began = core.origin.elapsed();
        let loaded = tokio::time::timeout(core.settings.load_timeout, load()).await;
        let took = core.origin.elapsed() - began;
        permit.done(matches!(loaded, Ok(Ok(_))));
        observed.load_seconds.record(took);
        let result = match loaded {
            Ok(Ok(value)) => Ok(value.map(Arc::new)),
            Ok(Err(error)) => Err(Error::Load(Arc::new(error))),
            Err(_) => Err(Error::Deadline),
        };
        if result.is_ok() { &observed.loads } else { &observed.failed }.increment(1);
        (result, took)
    }

    /// Stores the value; whether it is certain that nothing was invalidated since the load began.
    async fn store(
        &self,
        value: &Shared<T>,
        generations: Option<Generations>,
        lease: Option<Lease>,
        load_began: Duration,
        took: Duration,
    ) -> bool {
        let core = &self.tier.core;
        let lifetime = self.lifetime(value);
        let encoded = match value {
            None => Some(Vec::new()),
            Some(value) => T::Codec::encode(value).map_err(|error| self.not_encoded(&error)).ok(),
        };
        let bytes = encoded.as_ref().map_or(0, Vec::len);
        let may_store = core.settings.leases == lease.is_some() || active(Mutant::StoreAfterInvalidate);
        let storable = encoded
            .filter(|encoded| may_store && !lifetime.is_zero() && encoded.len() <= core.settings.value_most);
        let (asked_at, fenced) = match generations.zip(storable) {
            None => (load_began, false),
            Some((generations, payload)) => {
                let facts = self.facts(value, generations, lifetime, took);
                let envelope = self.tier.level.close(&self.name.canonical, facts, &payload);
                self.fill_and_ask(lease, envelope, lifetime, generations, took).await
            }
        };
        // Nothing is known of what was invalidated elsewhere since the load began, unless it was asked.
        let good_until =
            if fenced { asked_at } else { load_began } + core.settings.local.lifetime.min(lifetime);
        if good_until > core.origin.elapsed() {
            self.tier.keep(&self.name, value.clone(), bytes, good_until);
        }
        fenced
    }

    /// Stores, and after a long load asks whether anything was invalidated meanwhile: the key (then the lease is gone), its tenant or its type. Says when it asked.
    async fn fill_and_ask(
        &self,
        lease: Option<Lease>,
        envelope: Bytes,
        lifetime: Duration,
        generations: Generations,
        took: Duration,
    ) -> (Duration, bool) {
        let core = &self.tier.core;
        let asked_at = core.origin.elapsed();
        let long = lease.is_some() && took > core.settings.local.lifetime / 2;
        let still = async { long && self.tier.are_still(&self.name, generations).await };
        let (stored, still) = futures_util::join!(self.fill(lease, envelope, lifetime), still);
        (asked_at, stored && still)
    }

    fn not_encoded(&self, error: &crate::codec::CodecError) {
        tracing::warn!(namespace = T::NAMESPACE, name = T::NAME, %error, "a value cannot be encoded");
    }

    /// Up to a tenth shorter than declared, so that what was stored together does not end together.
    fn lifetime(&self, value: &Shared<T>) -> Duration {
        let declared = if value.is_some() { T::LIFETIME } else { T::ABSENT_LIFETIME };
        if value.is_none() && active(Mutant::AbsentIsMiss) {
            return Duration::ZERO;
        }
        declared.mul_f64(1.0 - 0.1 * self.tier.core.chance.fraction())
    }

    fn facts(
        &self,
        value: &Shared<T>,
        generations: Generations,
        lifetime: Duration,
        took: Duration,
    ) -> Facts {
        let lifetime_ms = u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX);
        Facts {
            generations,
            absent: value.is_none(),
            expires_unix_ms: self.tier.core.chance.unix_millis().saturating_add(lifetime_ms),
            load_ms: u32::try_from(took.as_millis()).unwrap_or(u32::MAX),
        }
    }

    async fn fill(&self, lease: Option<Lease>, envelope: Bytes, lifetime: Duration) -> bool {
        let core = &self.tier.core;
        let kept_for = lifetime + core.settings.stale_on_error;
        let reply = {
            let _order = core.versions.order(self.name.stamp.key_slot);
            let token = lease.as_ref().and_then(Lease::token);
            let token = if active(Mutant::StoreAfterInvalidate) { None } else { token };
            let invalidated = !self.tier.is_uninvalidated(&self.name.stamp);
            if invalidated && !active(Mutant::StoreAfterInvalidate) {
                return false;
            }
            core.backend.fill(self.name.location, token, envelope, kept_for)
        };
        match reply.await {
            Ok(stored) => {
                lease.into_iter().for_each(Lease::ended);
                stored
            }
            Err(error) => {
                tracing::debug!(namespace = T::NAMESPACE, %error, "a value was not stored");
                false
            }
        }
    }
}
