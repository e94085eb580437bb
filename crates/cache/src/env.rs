//! Time of day and chance, as the cache gets them: from the machine, or from whoever simulates one.
//!
//! Durations and deadlines are measured on tokio's timer, so that a paused runtime is a virtual clock.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use keepsight_world::World;

/// Where the cache gets the time of day and its randomness from.
pub trait Env: Send + Sync + 'static {
    /// Milliseconds since 1970 UTC. Machines that share a server should agree to within a second.
    fn unix_millis(&self) -> u64;

    /// The monotonic clock, at most 12 ms behind and several times cheaper to read than [`Instant::now`](tokio::time::Instant::now); none where there is no such
    /// clock, or where time is virtual.
    fn coarse(&self) -> Option<Duration> {
        None
    }

    /// Fills the buffer with random bytes fit for keys.
    fn fill(&self, buffer: &mut [u8]);
}

/// A shared [`Env`] with the few draws that are needed.
#[derive(Clone)]
pub(crate) struct Chance(Arc<dyn Env>);

impl Chance {
    pub fn new(env: Arc<dyn Env>) -> Self {
        Self(env)
    }

    /// The machine's own clock and random generator.
    pub fn system() -> Self {
        Self(Arc::new(System(World::real())))
    }

    pub fn unix_millis(&self) -> u64 {
        self.0.unix_millis()
    }

    pub fn coarse(&self) -> Option<Duration> {
        self.0.coarse()
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }

    pub fn u64(&self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    /// Uniform in `0.0..1.0`.
    pub fn fraction(&self) -> f64 {
        (self.u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chance")
    }
}

struct System(World);

impl Env for System {
    fn unix_millis(&self) -> u64 {
        u64::try_from(self.0.unix_millis()).unwrap_or(0)
    }

    fn coarse(&self) -> Option<Duration> {
        self.0.coarse()
    }

    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            chunk.copy_from_slice(&self.0.random::<32>()[..chunk.len()]);
        }
    }
}
