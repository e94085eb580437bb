//! Who certainly holds a lease, so that a second certain holder is seen.
//!
//! Certain is a holder from the answer that grants it until it begins to give it back, or until its time, counted from *before* it
//! asked, has passed. Whoever only may hold it (no answer came) is never counted.

use std::time::Duration;

use keepsight_world::Instant;

/// One lease.
#[derive(Debug, Default)]
pub struct Lease {
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    holder: u64,
    until: Instant,
}

impl Lease {
    /// A holder was told that the lease is its own; it asked at `asked`. The other one who was told so too, if there is one.
    pub fn granted(&mut self, holder: u64, asked: Instant, ttl: Duration, now: Instant) -> Option<u64> {
        let other = self.held.as_ref().filter(|held| now < held.until).map(|held| held.holder);
        self.held = Some(Held { holder, until: asked + ttl });
        other
    }

    /// A holder begins to give it back.
    pub fn given_back(&mut self, holder: u64) {
        self.held.take_if(|held| held.holder == holder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_millis(100);

    #[test]
    fn two_at_once_are_seen() {
        let (mut lease, now) = (Lease::default(), Instant::now());
        assert_eq!(lease.granted(1, now, TTL, now), None);
        assert_eq!(lease.granted(2, now, TTL, now + TTL / 2), Some(1));
    }

    #[test]
    fn one_after_the_other_is_right() {
        let (mut lease, now) = (Lease::default(), Instant::now());
        lease.granted(1, now, TTL, now);
        lease.given_back(1);
        assert_eq!(lease.granted(2, now, TTL, now), None);
        lease.given_back(1);
        assert_eq!(lease.granted(3, now + TTL, TTL, now + TTL), None, "its time has passed");
    }
}
