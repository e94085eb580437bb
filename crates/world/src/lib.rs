//! The only door to time and chance.
//!
//! Everything that reads a clock, sleeps or draws randomness gets a [`World`] built in `main`, or by a simulator with virtual
//! time and a seed. Sleeping goes through tokio's timer, so that a paused runtime is a virtual clock.

mod backoff;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use backoff::Backoff;
pub use tokio::time::Instant;

/// Clock and entropy, handed to whatever needs them. Cheap to clone.
#[derive(Clone)]
pub struct World {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// Reads the time of day, in milliseconds since 1970 UTC.
pub trait Clock: Send + Sync {
    /// The time of day now.
    fn unix_millis(&self) -> i64;

    /// See [`World::coarse`].
    fn coarse(&self) -> Option<Duration> {
        None
    }
}

/// A source of random bytes fit for keys (or, in a simulator, a seeded one).
pub trait Entropy: Send + Sync {
    /// Fills the whole buffer.
    fn fill(&self, buffer: &mut [u8]);
}

impl World {
    /// The machine's own clock and its cryptographic random generator.
    pub fn real() -> Self {
        Self::new(Arc::new(SystemClock), Arc::new(SystemEntropy))
    }

    /// A world whose time of day starts at `start_unix_millis` and advances with tokio's (perhaps paused) timer, and whose
    /// randomness repeats for the same seed.
    pub fn simulated(start_unix_millis: i64, seed: u64) -> Self {
        Self::new(
            Arc::new(TimerClock { start_unix_millis, origin: Instant::now() }),
            Arc::new(SeededEntropy(AtomicU64::new(seed))),
        )
    }

    /// A world of these parts.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy }
    }

    /// The time of day, in milliseconds since 1970 UTC.
    pub fn unix_millis(&self) -> i64 {
        self.clock.unix_millis()
    }

    /// Time since some fixed moment on the machine's coarse monotonic clock: a few milliseconds behind, and several times cheaper than [`World::now`]. None where
    /// there is no such clock, and where time is simulated.
    pub fn coarse(&self) -> Option<Duration> {
        self.clock.coarse()
    }

    /// A point on the monotonic timer, for measuring durations.
    pub fn now(&self) -> Instant {
        Instant::now()
    }

    /// Waits on the monotonic timer.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// An array of random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }

    /// A random number in `0..=max`, for jitter (its tiny bias does not matter there).
    pub fn random_up_to(&self, max: u64) -> u64 {
        let wide = u128::from(u64::from_le_bytes(self.random()));
        ((wide * (u128::from(max) + 1)) >> 64) as u64
    }

    /// The entropy as a `rand_core` generator, for the crates that want one.
    pub fn rng(&self) -> impl rand_core::CryptoRng + use<> {
        Rng(self.entropy.clone())
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
}

struct SystemClock;

impl Clock for SystemClock {
    fn unix_millis(&self) -> i64 {
        #[allow(clippy::disallowed_methods, reason = "the one door to the time of day")]
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |elapsed| i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
    }

    #[cfg(target_os = "linux")]
    fn coarse(&self) -> Option<Duration> {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
        Duration::try_from(now).ok()
    }
}

struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        // A machine without working randomness must not make keys; there is nothing to go on with.
        aws_lc_rs::rand::fill(buffer).expect("the operating system's random generator answers");
    }
}

struct TimerClock {
    start_unix_millis: i64,
    origin: Instant,
}

impl Clock for TimerClock {
    fn unix_millis(&self) -> i64 {
        let elapsed = i64::try_from(self.origin.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.start_unix_millis.saturating_add(elapsed)
    }
}

/// SplitMix64: repeatable and well spread, and by no means secret.
struct SeededEntropy(AtomicU64);

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        for chunk in buffer.chunks_mut(8) {
            let mut z = self.0.fetch_add(GOLDEN, Ordering::Relaxed).wrapping_add(GOLDEN);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

struct Rng(Arc<dyn Entropy>);

impl rand_core::TryRng for Rng {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Self::Error> {
        self.0.fill(dst);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Rng {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_bytes() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _guard = runtime.enter();
        let draw = |seed| World::simulated(0, seed).random::<20>();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn numbers_stay_within_their_bound_and_reach_it() {
        let world = World::real();
        let mut seen = [false; 4];
        for _ in 0..1000 {
            seen[world.random_up_to(3) as usize] = true;
        }
        assert_eq!(seen, [true; 4]);
    }
}
