//! Loads that run: one for each key in this process, whoever asked and whoever went away.
//!
//! A load runs in a task of its own. Those who ask for the same key meanwhile wait for the same outcome, unless something was invalidated since it began: then they
//! begin a new one. Keys are compared whole.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::cached::Cached;
use crate::error::Error;
use crate::hashing::KeyHasher;
use crate::key::CanonicalKey;
use crate::load::Cause;
use crate::sabotage::{Mutant, active};
use crate::tier::{Name, Shared, Stamp, Tier};

/// The flights of one type.
#[derive(Default)]
pub(crate) struct Flights {
    running: Mutex<HashMap<Course, Flight, KeyHasher>>,
    count: AtomicUsize,
    last: AtomicU64,
}

/// What tells flights apart: the key; the loader's error type, since callers whose errors differ cannot share an outcome; and whether the cache is bypassed, since
/// who bypasses it must not be given what was found there.
type Course = (CanonicalKey, TypeId, bool);

struct Flight {
    id: u64,
    stamp: Stamp,
    // A value is still there: only who does not find it waits for this.
    in_background: bool,
    outcome: Arc<dyn Any + Send + Sync>,
}

/// How a load ended.
pub(crate) struct Outcome<T: Cached, E> {
    /// None: it was given up for somebody else's sake; whoever still wants the value begins anew.
    pub result: Option<Result<Shared<T>, Error<E>>>,
    /// When it began, or since when what it found could have been invalidated elsewhere, on the core's clock.
    pub began: Duration,
    /// Nothing was invalidated anywhere between its beginning and its end.
    pub fenced: bool,
}

impl<T: Cached, E> Clone for Outcome<T, E> {
    fn clone(&self) -> Self {
        Self { result: self.result.clone(), began: self.began, fenced: self.fenced }
    }
}

/// Where the outcome will be. Those who wait are woken in the order in which they came.
pub(crate) struct Awaited<T: Cached, E>(Arc<Landed<T, E>>);

struct Landed<T: Cached, E> {
    // None within: the flight ended without one.
    outcome: OnceLock<Option<Outcome<T, E>>>,
    landed: Notify,
}

impl<T: Cached, E> Clone for Awaited<T, E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Cached, E> Awaited<T, E> {
    /// Waits for the outcome; none if the flight ended without one.
    pub async fn wait(&self) -> Option<Outcome<T, E>> {
        let landed = self.0.landed.notified();
        if self.0.outcome.get().is_none() {
            landed.await;
        }
        self.0.outcome.get().cloned().flatten()
    }

    fn land(&self, outcome: Option<Outcome<T, E>>) {
        // The first word stands: dropping the landing after it says nothing more.
        let _ = self.0.outcome.set(outcome);
        self.0.landed.notify_waiters();
    }
}

/// A place in a flight.
pub(crate) enum Place<T: Cached, E: Send + Sync + 'static> {
    Joined(Awaited<T, E>),
    Leads(Landing<T, E>, Awaited<T, E>),
}

/// The duty to end a flight. Dropped without an outcome (a panic), those who wait are told so.
pub(crate) struct Landing<T: Cached, E: Send + Sync + 'static> {
    tier: Arc<Tier<T>>,
    course: Course,
    id: u64,
    awaited: Awaited<T, E>,
}

impl Flights {
    /// A place in a running flight of this name, for who has not looked yet: none if there is none, or if it only renews what may still be found.
    pub fn join<T: Cached, E: Send + Sync + 'static>(
        tier: &Tier<T>,
        name: &Name<T::Key>,
    ) -> Option<Awaited<T, E>> {
        if tier.flights.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        tier.flights
            .lock()
            .get(&course::<E>(&name.canonical, Cause::Miss))
            .filter(|flight| !flight.in_background)
            .and_then(|flight| flight.joined(tier))
    }

    /// A place in a running flight of this name, or the lead of a new one.
    pub fn join_or_lead<T: Cached, E: Send + Sync + 'static>(
        tier: &Arc<Tier<T>>,
        name: &Name<T::Key>,
        cause: Cause,
    ) -> Place<T, E> {
        let flights = &tier.flights;
        let course = course::<E>(&name.canonical, cause);
        let mut running = flights.lock();
        if let Some(joined) = running.get(&course).and_then(|flight| flight.joined(tier)) {
            return Place::Joined(joined);
        }
        let awaited = Awaited(Arc::new(Landed { outcome: OnceLock::new(), landed: Notify::new() }));
        let id = flights.last.fetch_add(1, Ordering::Relaxed);
        let in_background = matches!(cause, Cause::Refresh { .. });
        let flight = Flight { id, stamp: name.stamp, in_background, outcome: Arc::new(awaited.clone()) };
        if !active(Mutant::NoSingleFlight) {
            running.insert(course.clone(), flight);
            flights.count.store(running.len(), Ordering::Release);
        }
        Place::Leads(Landing { tier: tier.clone(), course, id, awaited: awaited.clone() }, awaited)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Course, Flight, KeyHasher>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// A load that began before an invalidation is for those only who asked before it.
    fn joined<T: Cached, E: Send + Sync + 'static>(&self, tier: &Tier<T>) -> Option<Awaited<T, E>> {
        let fresh = tier.is_uninvalidated(&self.stamp);
        fresh.then(|| self.outcome.downcast_ref::<Awaited<T, E>>().cloned()).flatten()
    }
}

impl<T: Cached, E: Send + Sync + 'static> Landing<T, E> {
    /// Ends the flight. From now on nobody joins it.
    pub fn land(self, outcome: Outcome<T, E>) {
        self.leave();
        self.awaited.land(Some(outcome));
    }

    fn leave(&self) {
        let flights = &self.tier.flights;
        let mut running = flights.lock();
        // A later flight of the same key may have taken the place.
        if running.get(&self.course).is_some_and(|flight| flight.id == self.id) {
            running.remove(&self.course);
            flights.count.store(running.len(), Ordering::Release);
        }
    }
}

impl<T: Cached, E: Send + Sync + 'static> Drop for Landing<T, E> {
    fn drop(&mut self) {
        self.leave();
        self.awaited.land(None);
    }
}

fn course<E: 'static>(canonical: &CanonicalKey, cause: Cause) -> Course {
    #[cfg(feature = "sabotage")]
    if active(Mutant::CompareHashesOnly) {
        let hash = crate::hashing::hash_of(canonical.as_bytes());
        return (CanonicalKey::new("", &(), &hash, "", 0), TypeId::of::<E>(), cause == Cause::Bypass);
    }
    (canonical.clone(), TypeId::of::<E>(), cause == Cause::Bypass)
}
