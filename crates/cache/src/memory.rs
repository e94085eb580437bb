//! A backend in this process's memory: for a process alone, and for tests. Bounded by count and bytes; what is used least goes first.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::unsync::Cache;
use tokio::time::Instant;

use crate::backend::{Backend, Found, Leased, Reply, Token};
use crate::key::Location;
use crate::sabotage::{Mutant, active};

/// A cache server within the process. Clones share it.
#[derive(Clone)]
pub struct Memory {
    inside: Arc<Mutex<Inside>>,
}

struct Inside {
    values: Cache<Location, (Bytes, Instant), Bytewise>,
    leases: std::collections::HashMap<Location, (Token, Instant)>,
    sweep_at: usize,
}

#[derive(Clone)]
struct Bytewise;

impl Weighter<Location, (Bytes, Instant)> for Bytewise {
    fn weight(&self, _: &Location, (envelope, _): &(Bytes, Instant)) -> u64 {
        // The entry itself takes room too.
        envelope.len() as u64 + 96
    }
}

// Leases are few and short; when so many are kept, the ended ones are swept.
const LEASES_BEFORE_SWEEP: usize = 4_096;

impl Memory {
    /// An empty cache of about `entries` values and at most `bytes` bytes.
    pub fn new(entries: usize, bytes: u64) -> Self {
        let values = Cache::with_weighter(entries, bytes, Bytewise);
        let inside = Inside { values, leases: Default::default(), sweep_at: LEASES_BEFORE_SWEEP };
        Self { inside: Arc::new(Mutex::new(inside)) }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Memory {
    /// 100,000 values and 64 MiB.
    fn default() -> Self {
        Self::new(100_000, 64 << 20)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("values", &self.lock().values.len()).finish_non_exhaustive()
    }
}

impl Inside {
    fn found(&mut self, at: Location, now: Instant) -> Found {
        let alive = self.values.get(&at).filter(|(_, until)| now < *until);
        let envelope = alive.map(|(envelope, _)| envelope.clone());
        if envelope.is_none() {
            self.values.remove(&at);
        }
        Found { envelope, generation: 1 }
    }

    fn holder(&self, at: Location, now: Instant) -> Option<Token> {
        self.leases.get(&at).filter(|(_, until)| now < *until).map(|(token, _)| *token)
    }

    fn sweep(&mut self, now: Instant) {
        if self.leases.len() >= self.sweep_at {
            self.leases.retain(|_, (_, until)| now < *until);
            self.sweep_at = (2 * self.leases.len()).max(LEASES_BEFORE_SWEEP);
        }
    }
}

impl Backend for Memory {
    fn get(&self, at: Location) -> Reply<Found> {
        Reply::ready(Ok(self.lock().found(at, Instant::now())))
    }

    fn lease(&self, at: Location, token: Token, lifetime: Duration) -> Reply<Leased> {
        let (mut inside, now) = (self.lock(), Instant::now());
        let won = inside.holder(at, now).is_none();
        if won {
            inside.sweep(now);
            inside.leases.insert(at, (token, now + lifetime));
        }
        let found = inside.found(at, now);
        Reply::ready(Ok(Leased { won, found }))
    }

    fn fill(&self, at: Location, token: Option<Token>, envelope: Bytes, lifetime: Duration) -> Reply<bool> {
        let (mut inside, now) = (self.lock(), Instant::now());
        if token.is_some() && inside.holder(at, now) != token && !active(Mutant::IgnoreLease) {
            return Reply::ready(Ok(false));
        }
        if token.is_some() {
            inside.leases.remove(&at);
        }
        inside.values.insert(at, (envelope, now + lifetime));
        Reply::ready(Ok(true))
    }

    fn release(&self, at: Location, token: Token) -> Reply<()> {
        let mut inside = self.lock();
        if inside.holder(at, Instant::now()) == Some(token) {
            inside.leases.remove(&at);
        }
        Reply::ready(Ok(()))
    }

    fn invalidate(&self, at: Location) -> Reply<()> {
        let mut inside = self.lock();
        inside.values.remove(&at);
        inside.leases.remove(&at);
        Reply::ready(Ok(()))
    }

    fn adopt(&self, at: Location, fresh: Bytes, lifetime: Duration) -> Reply<Found> {
        let (mut inside, now) = (self.lock(), Instant::now());
        let found = inside.found(at, now);
        if found.envelope.is_some() {
            return Reply::ready(Ok(found));
        }
        inside.values.insert(at, (fresh.clone(), now + lifetime));
        Reply::ready(Ok(Found { envelope: Some(fresh), generation: 1 }))
    }

    fn generation(&self) -> u64 {
        1
    }

    fn distrust(&self, _: u64) {
        // There is no connection that could mix answers up; the value is a miss and will be overwritten.
    }
}

#[cfg(test)]
mod tests {
    use super::Memory;
    use crate::suite::conformance;

    #[tokio::test(start_paused = true)]
    async fn memory_passes_the_suite_of_backends() {
        conformance(&Memory::default(), 1).await;
    }
}
