//! The simulation's time and chance, for hosts whose runtimes come and go.
//!
//! A crashed host gets a new runtime, whose timer knows nothing of the time before; the time of day therefore comes from the
//! simulation, not from the timer.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use keepsight_world::{Clock, Entropy, World};

/// The beginning of every simulation, in milliseconds since 1970 UTC.
const START: i64 = 1_800_000_000_000;

/// The time of day of the whole simulation.
pub(super) struct Sun(AtomicI64);

impl Sun {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(START)))
    }

    /// A world under this sun, with randomness of its own.
    pub(super) fn world(self: &Arc<Self>, seed: u64) -> World {
        World::new(self.clone(), Arc::new(Chance(World::simulated(0, seed))))
    }
}

impl Clock for Sun {
    fn unix_millis(&self) -> i64 {
        // A blocking thread, or whoever looks between two ticks, sees the last time that a host saw.
        let Some(elapsed) = turmoil::sim_elapsed() else { return self.0.load(Ordering::Relaxed) };
        let now = START + i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX - START);
        self.0.fetch_max(now, Ordering::Relaxed).max(now)
    }
}

/// The seeded generator of a simulated world.
struct Chance(World);

impl Entropy for Chance {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            chunk.copy_from_slice(&self.0.random::<8>()[..chunk.len()]);
        }
    }
}
