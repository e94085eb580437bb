//! The door to the values of one type: get, load, forget.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;

use crate::cached::Cached;
use crate::error::{Error, NotInvalidated};
use crate::flight::{Awaited, Flights, Landing, Outcome, Place};
use crate::hashing::stripe;
use crate::key::CanonicalKey;
use crate::load::{self, Cause};
#[cfg(feature = "sabotage")]
use crate::sabotage::{Mutant, active};
use crate::tier::{Ended, Hit, Look, Name, Shared, Tier};
use crate::versions::Versions;

/// The values of one type. Cheap to clone.
pub struct Typed<T: Cached> {
    tier: Arc<Tier<T>>,
}

impl<T: Cached> Typed<T> {
    pub(crate) fn new(tier: Arc<Tier<T>>) -> Self {
        Self { tier }
    }

    /// The value of a key: from this process's own copies, from the cache server, or from the loader. `Ok(None)`: there is no such thing.
    ///
    /// The loader may run in a task of its own and is then not stopped when this future is dropped. It is called at most once, and for concurrent callers of
    /// one key only one of their loaders is.
    ///
    /// # Errors
    /// The loader failed, took too long, or was shed. A cache server that is away is no error.
    pub async fn get_or_load<E, F, Fut>(
        &self,
        key: &T::Key,
        load: F,
    ) -> Result<Option<Arc<T::Value>>, Error<E>>
    where
        E: Send + Sync + 'static,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Option<T::Value>, E>> + Send + 'static,
    {
        if self.tier.core.bypass.load(Ordering::Relaxed) {
            return Box::pin(self.get_from_afar(key, load, Cause::Bypass)).await;
        }
        if let Some(copy) = self.tier.copy_of(key) {
            self.tier.observed.local.increment(1);
            return Ok(copy);
        }
        self.get_from_afar(key, load, Cause::Miss).await
    }

    /// The values of several keys, in their order; those to be had from the server travel in one batch, those to be loaded load side by side.
    ///
    /// # Errors
    /// Each key has its own result, as of [`get_or_load`](Self::get_or_load).
    pub async fn get_many<E, F, Fut>(
        &self,
        keys: &[T::Key],
        load: F,
    ) -> Vec<Result<Option<Arc<T::Value>>, Error<E>>>
    where
        E: Send + Sync + 'static,
        F: Fn(T::Key) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Result<Option<T::Value>, E>> + Send + 'static,
    {
        let one = |key: &T::Key| {
            let (load, own) = (load.clone(), key.clone());
            let key = key.clone();
            async move { self.get_or_load(&key, move || load(own)).await }
        };
        join_all(keys.iter().map(one)).await
    }

    /// Forgets a value. When this returned `Ok`, nobody in this process gets what was there before, and nobody elsewhere for longer than a local copy lives (one second).
    ///
    /// # Errors
    /// The server did not acknowledge it. This process forgot its copy; say it again until it is acknowledged.
    pub async fn invalidate(&self, key: &T::Key) -> Result<(), NotInvalidated> {
        let (tier, name) = (&self.tier, self.tier.name(key));
        let slot = name.stamp.key_slot;
        let reply = {
            let _order = tier.core.versions.order(slot);
            tier.raise(slot);
            tier.core.backend.invalidate(name.location)
        };
        let done = reply.await;
        // What was asked for before the server had done it may have come since.
        tier.raise(slot);
        Ok(done?)
    }

    /// Forgets all values of a tenant, of every type in `T`'s namespace. The promise is that of [`invalidate`](Self::invalidate).
    ///
    /// # Errors
    /// The server did not acknowledge it: say it again.
    pub async fn invalidate_tenant(&self, tenant: &T::Tenant) -> Result<(), NotInvalidated> {
        let core = &self.tier.core;
        let canonical = CanonicalKey::new(T::NAMESPACE, tenant, &(), T::NAME, T::VERSION);
        let slot = Versions::slot(stripe(canonical.owner(), Versions::STRIPES));
        core.versions.raise(slot);
        let done = core.replace(&Tier::<T>::generation_of(canonical.owner(), slot)).await;
        core.versions.raise(slot);
        done?;
        Ok(())
    }

    /// Forgets all values of this type. The promise is that of [`invalidate`](Self::invalidate).
    ///
    /// # Errors
    /// The server did not acknowledge it: say it again.
    pub async fn invalidate_all(&self) -> Result<(), NotInvalidated> {
        let generation = self.tier.type_generation();
        let forget = || {
            self.tier.raise(generation.slot);
            self.tier.raise_type();
        };
        forget();
        let done = self.tier.core.replace(generation).await;
        forget();
        done?;
        Ok(())
    }

    /// What is not among this process's own copies: in time, and where it was chosen, what has ended rather than an error.
    async fn get_from_afar<E, F, Fut>(
        &self,
        key: &T::Key,
        load: F,
        cause: Cause,
    ) -> Result<Shared<T>, Error<E>>
    where
        E: Send + Sync + 'static,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Option<T::Value>, E>> + Send + 'static,
    {
        let mut ended = None;
        let asked_at = self.tier.core.origin.elapsed();
        // Boxed, what is seldom needed does not make every get's future large. A look takes no timer of its own: the backend has a deadline for its replies.
        if cause == Cause::Miss {
            let name = self.tier.name(key);
            if let Some(flight) = Flights::join::<T, E>(&self.tier, &name) {
                let waiting = Box::pin(self.in_time(asked_at, self.wait(flight, asked_at)));
                if let Some(result) = waiting.await.unwrap_or(Some(Err(Error::Deadline))) {
                    return result;
                }
            }
            match self.tier.look(&name).await {
                Look::Hit(hit) => {
                    self.tier.observed.hit.increment(1);
                    self.refresh_early(name, &hit, load);
                    return Ok(hit.value);
                }
                Look::Miss(what_has_ended) => {
                    self.tier.observed.miss.increment(1);
                    ended = what_has_ended;
                }
                Look::Down => {}
            }
        }
        let flying = Box::pin(self.in_time(asked_at, self.fly(key, load, cause, asked_at)));
        flying.await.unwrap_or(Err(Error::Deadline)).or_else(|error| self.stale_or(error, ended))
    }

    /// What comes of the work before the deadline of a get that began then.
    async fn in_time<R>(&self, asked_at: Duration, work: impl Future<Output = R>) -> Option<R> {
        let core = &self.tier.core;
        tokio::time::timeout_at(core.origin + asked_at + core.settings.deadline, work).await.ok()
    }

    /// Leads or joins a flight until there is an outcome that this caller may have.
    async fn fly<E, F, Fut>(
        &self,
        key: &T::Key,
        load: F,
        cause: Cause,
        asked_at: Duration,
    ) -> Result<Shared<T>, Error<E>>
    where
        E: Send + Sync + 'static,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Option<T::Value>, E>> + Send + 'static,
    {
        let mut load = Some(load);
        loop {
            let name = Arc::new(self.tier.name(key));
            let flight = match Flights::join_or_lead::<T, E>(&self.tier, &name, cause) {
                Place::Joined(flight) => flight,
                Place::Leads(landing, flight) => {
                    let Some(load) = load.take() else { return Err(Error::Panicked) };
                    self.lead(landing, name.clone(), cause, load).await;
                    flight
                }
            };
            if let Some(result) = self.wait(flight, asked_at).await {
                return result;
            }
        }
    }

    async fn lead<E, F, Fut>(&self, landing: Landing<T, E>, name: Arc<Name<T::Key>>, cause: Cause, load: F)
    where
        E: Send + Sync + 'static,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Option<T::Value>, E>> + Send + 'static,
    {
        let tier = self.tier.clone();
        let flight = async move { landing.land(load::run(tier, name, cause, load).await) };
        #[cfg(feature = "sabotage")]
        if active(Mutant::LeaderDiesWithCaller) {
            return flight.await;
        }
        drop(tokio::spawn(flight));
    }

    /// Waits for an outcome. None: it is not for this caller, who begins anew.
    async fn wait<E>(
        &self,
        flight: Awaited<T, E>,
        asked_at: Duration,
    ) -> Option<Result<Shared<T>, Error<E>>> {
        let Some(outcome): Option<Outcome<T, E>> = flight.wait().await else {
            return Some(Err(Error::Panicked));
        };
        // Whoever joined a long load late could get what another process invalidated long before: only a load that is known to be fenced is for everybody.
        let late = asked_at.saturating_sub(outcome.began) > self.tier.core.settings.local.lifetime;
        if late && !outcome.fenced && matches!(outcome.result, Some(Ok(_))) {
            return None;
        }
        outcome.result
    }

    /// Where it was chosen, what has ended is better than an error.
    fn stale_or<E>(&self, error: Error<E>, ended: Option<Ended<T>>) -> Result<Shared<T>, Error<E>> {
        let core = &self.tier.core;
        let most_ms = core.settings.stale_on_error.as_millis();
        let age = |ended: &Ended<T>| core.chance.unix_millis().saturating_sub(ended.expired_unix_ms);
        let usable = ended.filter(|ended| u128::from(age(ended)) < most_ms);
        match usable.filter(|ended| self.tier.is_uninvalidated(&ended.stamp)) {
            None => Err(error),
            Some(ended) => {
                self.tier.observed.stale.increment(1);
                Ok(ended.value)
            }
        }
    }

    /// Begins a load in the background, by chance and the more likely the sooner the value ends (Vattani et al., "Optimal Probabilistic Cache Stampede Prevention", 2015).
    fn refresh_early<E, F, Fut>(&self, name: Name<T::Key>, hit: &Hit<T>, load: F)
    where
        E: Send + Sync + 'static,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Option<T::Value>, E>> + Send + 'static,
    {
        let (core, left_ms) = (&self.tier.core, hit.left_ms);
        let eagerness = core.settings.early_refresh * f64::from(hit.facts.load_ms.max(1));
        // Nobody draws 2^-53 or less: beyond 40 load times it can't be.
        if left_ms as f64 > 40.0 * eagerness {
            return;
        }
        let early_ms = -eagerness * (1.0 - core.chance.fraction()).ln();
        if early_ms < left_ms as f64 {
            return;
        }
        let cause = Cause::Refresh { expires_unix_ms: hit.facts.expires_unix_ms };
        let name = Arc::new(name);
        if let Place::Leads(landing, _) = Flights::join_or_lead::<T, E>(&self.tier, &name, cause) {
            let tier = self.tier.clone();
            tokio::spawn(async move { landing.land(load::run(tier, name, cause, load).await) });
        }
    }
}

impl<T: Cached> Clone for Typed<T> {
    fn clone(&self) -> Self {
        Self { tier: self.tier.clone() }
    }
}

impl<T: Cached> fmt::Debug for Typed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Typed({} {} version {})", T::NAMESPACE, T::NAME, T::VERSION)
    }
}
