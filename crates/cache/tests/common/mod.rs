//! What several tests need: a server that follows a script, notes to cache, an origin that counts, time and chance from a seed.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod scripted;

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use keepsight_cache::{
    Backend, Builder, Cache, Cached, Env, Error, Json, KeyRing, Level, LocalBound, Location, MasterKey,
    Redis, RedisConfig, Typed,
};
use tokio::time::Instant;

pub use scripted::Scripted;

macro_rules! notes {
    ($name:ident, $level:ident) => {
        notes!($name, $level, stringify!($name), 1);
    };
    ($name:ident, $level:ident, $told:expr, $version:literal) => {
        /// Notes of tenants, by name.
        pub struct $name;

        impl Cached for $name {
            type Tenant = u32;
            type Key = (u32, String);
            type Value = String;
            type Codec = Json;
            const NAMESPACE: &'static str = "tests";
            const NAME: &'static str = $told;
            const VERSION: u32 = $version;
            const LEVEL: Level = Level::$level;
            const LIFETIME: Duration = Duration::from_secs(60);
            const ABSENT_LIFETIME: Duration = Duration::from_secs(20);
            fn tenant(key: &Self::Key) -> u32 {
                key.0
            }
        }
    };
}
notes!(BoundNotes, Bound);
notes!(SealedNotes, Sealed);
notes!(BoundNotesOfTwo, Bound, "BoundNotes", 2);
notes!(SealedNotesOfTwo, Sealed, "SealedNotes", 2);

/// A key of notes.
pub fn key(tenant: u32, name: &str) -> (u32, String) {
    (tenant, name.to_owned())
}

/// Chance from a seed, time of day from the (paused) timer.
pub struct Seeded {
    state: AtomicU64,
    origin: Instant,
}

impl Seeded {
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self { state: AtomicU64::new(seed), origin: Instant::now() })
    }

    pub fn draw(&self) -> u64 {
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.state.fetch_add(GOLDEN, Ordering::Relaxed).wrapping_add(GOLDEN);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&self, bound: u64) -> u64 {
        self.draw() % bound
    }
}

impl Env for Seeded {
    fn unix_millis(&self) -> u64 {
        1_800_000_000_000 + self.origin.elapsed().as_millis() as u64
    }

    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            chunk.copy_from_slice(&self.draw().to_le_bytes()[..chunk.len()]);
        }
    }
}

pub fn ring() -> KeyRing {
    KeyRing::new([MasterKey::new([7; 32])]).expect("there is a key")
}

/// No copies of this process's own.
pub fn no_copies() -> LocalBound {
    LocalBound { entries: 0, ..LocalBound::default() }
}

/// A cache over a backend, without copies of its own, in virtual time.
pub fn over(backend: impl Backend, seed: u64) -> Builder {
    Cache::builder(backend).keys(ring()).local(no_copies()).early_refresh(0.0).env(Seeded::new(seed))
}

/// A connected backend over a scripted server.
pub async fn connect(server: &Scripted) -> Redis {
    let redis = Redis::start(RedisConfig::dialing(server.clone()).env(Seeded::new(99)));
    assert!(redis.wait_connected(Duration::from_secs(5)).await, "the scripted server lets us in");
    redis
}

/// A location by its number.
pub fn place(n: u8) -> Location {
    Location::from_bytes([n; 16])
}

/// An origin that counts its loads, how many run at once, and says for whom each was.
#[derive(Clone, Default)]
pub struct Origin {
    pub loads: Arc<AtomicUsize>,
    running: Arc<AtomicUsize>,
    pub most_at_once: Arc<AtomicUsize>,
    pub takes: Arc<Mutex<Duration>>,
    pub absent: Arc<Mutex<bool>>,
}

impl Origin {
    pub fn taking(takes: Duration) -> Self {
        let origin = Self::default();
        *origin.takes.lock().unwrap() = takes;
        origin
    }

    pub fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }

    async fn load(self, key: (u32, String)) -> Result<Option<String>, String> {
        let n = self.loads.fetch_add(1, Ordering::SeqCst);
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(running, Ordering::SeqCst);
        let takes = *self.takes.lock().unwrap();
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
        }
        self.running.fetch_sub(1, Ordering::SeqCst);
        Ok((!*self.absent.lock().unwrap()).then(|| format!("{}/{} load {n}", key.0, key.1)))
    }

    /// A get whose value says for whom and by which load it was made.
    pub async fn get<T>(
        &self,
        notes: &Typed<T>,
        tenant: u32,
        name: &str,
    ) -> Result<Option<String>, Error<String>>
    where
        T: Cached<Key = (u32, String), Value = String>,
    {
        let (origin, own) = (self.clone(), key(tenant, name));
        let value = notes.get_or_load(&key(tenant, name), move || origin.load(own)).await?;
        Ok(value.map(|value| value.as_ref().clone()))
    }
}

/// The reason in words, unless both are equal.
pub fn same<V: PartialEq + std::fmt::Debug>(found: V, expected: V, what: &str) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: found {found:?}, expected {expected:?}")) }
}

/// Lets everything that is ready run, and some virtual time pass.
pub async fn pass(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// A caller that goes away after so many polls: none is its answer then.
pub struct Leaving<F> {
    future: Pin<Box<F>>,
    polls: u64,
}

impl<F: Future> Leaving<F> {
    pub fn after(polls: u64, future: F) -> Self {
        Self { future: Box::pin(future), polls }
    }
}

impl<F: Future> Future for Leaving<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls == 0 {
            return Poll::Ready(None);
        }
        self.polls -= 1;
        if self.polls == 0 {
            // It leaves whether or not anything happened.
            context.waker().wake_by_ref();
        }
        self.future.as_mut().poll(context).map(Some)
    }
}
