//! Exponential backoff with full jitter, and the server's word above it.

use std::time::Duration;

use crate::World;

/// How long to wait before the next try: uniformly random between nothing and a bound that doubles with each failure.
///
/// Full jitter spreads a fleet that failed at the same moment (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015).
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    failures: u32,
}

impl Backoff {
    /// Waits of at most `first` after one failure, doubling up to `most`.
    pub const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, failures: 0 }
    }

    /// Forgets the failures after a success.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// The wait after one more failure. `retry_after` is what the server asked for: the wait is never shorter than that, and
    /// the jitter comes on top of it.
    pub fn next_wait(&mut self, world: &World, retry_after: Option<Duration>) -> Duration {
        let bound = self.first.saturating_mul(1 << self.failures.min(20)).min(self.most);
        self.failures = self.failures.saturating_add(1);
        let jitter = world.random_up_to(u64::try_from(bound.as_millis()).unwrap_or(u64::MAX));
        retry_after.unwrap_or_default() + Duration::from_millis(jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_bounded_and_never_shorter_than_the_server_asked() {
        let world = World::real();
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
        for n in 0..40u32 {
            let bound = Duration::from_millis(100 << n.min(6)).min(Duration::from_secs(5));
            assert!(backoff.next_wait(&world, None) <= bound);
        }
        let asked = Duration::from_secs(30);
        let wait = backoff.next_wait(&world, Some(asked));
        assert!(wait >= asked && wait <= asked + Duration::from_secs(5));
        backoff.reset();
        assert!(backoff.next_wait(&world, None) <= Duration::from_millis(100));
    }
}
