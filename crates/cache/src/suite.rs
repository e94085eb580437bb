//! What every backend must pass, and private servers to run it against.
//!
//! Call [`conformance`] from a test of yours with a backend of yours; it panics at the first thing that a cache could not live with. It needs locations that nobody
//! else uses, and draws them from the number that it is given.

#[cfg(feature = "suite")]
mod servers;

use std::time::Duration;

use bytes::Bytes;

#[cfg(feature = "suite")]
pub use servers::{Engine, Server, ServerError};

use crate::backend::{Backend, BackendError, Found, Leased, Token};
use crate::key::Location;

const LONG: Duration = Duration::from_secs(60);

/// Runs every check, one after another. `number` keeps the locations of several runs on one server apart.
///
/// # Panics
/// The backend does not keep a promise.
pub async fn conformance(backend: &dyn Backend, number: u64) {
    let mut places = Places { number, next: 0 };
    what_is_stored_is_found(backend, &mut places).await;
    any_bytes_are_kept(backend, &mut places).await;
    a_lifetime_ends(backend, &mut places).await;
    a_lease_is_won_once(backend, &mut places).await;
    a_lease_ends_by_itself(backend, &mut places).await;
    a_lease_is_released_by_its_holder_only(backend, &mut places).await;
    a_fill_needs_the_lease_that_it_names(backend, &mut places).await;
    an_invalidation_ends_value_and_lease(backend, &mut places).await;
    adopting_keeps_the_first(backend, &mut places).await;
    calls_take_effect_in_order(backend, &mut places).await;
    a_dropped_reply_shifts_nothing(backend, &mut places).await;
}

struct Places {
    number: u64,
    next: u64,
}

impl Places {
    fn next_place(&mut self) -> Location {
        self.next += 1;
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.number.to_be_bytes());
        bytes[8..].copy_from_slice(&self.next.to_be_bytes());
        Location::from_bytes(bytes)
    }
}

fn token(n: u8) -> Token {
    Token([n; 16])
}

async fn found(backend: &dyn Backend, at: Location) -> Option<Bytes> {
    done(backend.get(at).await).envelope
}

fn done<V>(result: Result<V, BackendError>) -> V {
    result.expect("a backend under test answers")
}

async fn won(backend: &dyn Backend, at: Location, n: u8, lifetime: Duration) -> bool {
    done(backend.lease(at, token(n), lifetime).await).won
}

async fn what_is_stored_is_found(backend: &dyn Backend, places: &mut Places) {
    let (here, there) = (places.next_place(), places.next_place());
    assert_eq!(found(backend, here).await, None, "nothing was stored yet");
    assert!(done(backend.fill(here, None, "one".into(), LONG).await));
    assert_eq!(found(backend, here).await, Some("one".into()));
    assert!(done(backend.fill(here, None, "two".into(), LONG).await));
    assert_eq!(found(backend, here).await, Some("two".into()), "the later one replaces");
    assert_eq!(found(backend, there).await, None, "another location is another value");
}

async fn any_bytes_are_kept(backend: &dyn Backend, places: &mut Places) {
    let all: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    for bytes in [Bytes::from(all), Bytes::from_static(b"\r\n$3\r\n"), Bytes::from_static(b"\0")] {
        let at = places.next_place();
        assert!(done(backend.fill(at, None, bytes.clone(), LONG).await));
        assert_eq!(found(backend, at).await, Some(bytes));
    }
}

async fn a_lifetime_ends(backend: &dyn Backend, places: &mut Places) {
    let at = places.next_place();
    assert!(done(backend.fill(at, None, "soon gone".into(), Duration::from_millis(40)).await));
    tokio::time::sleep(Duration::from_millis(120)).await;
    assert_eq!(found(backend, at).await, None, "its lifetime has ended");
}

async fn a_lease_is_won_once(backend: &dyn Backend, places: &mut Places) {
    let at = places.next_place();
    assert!(won(backend, at, 1, LONG).await);
    assert!(!won(backend, at, 2, LONG).await, "somebody holds it");
    assert!(!won(backend, at, 1, LONG).await, "asking again is not holding twice");
    assert!(done(backend.fill(at, None, "there".into(), LONG).await));
    let Leased { found: Found { envelope, .. }, .. } = done(backend.lease(at, token(3), LONG).await);
    assert_eq!(envelope, Some("there".into()), "asking for a lease tells what is there");
}

async fn a_lease_ends_by_itself(backend: &dyn Backend, places: &mut Places) {
    let at = places.next_place();
    assert!(won(backend, at, 1, Duration::from_millis(40)).await);
    tokio::time::sleep(Duration::from_millis(120)).await;
    assert!(!done(backend.fill(at, Some(token(1)), "late".into(), LONG).await), "the lease had ended");
    assert!(won(backend, at, 2, LONG).await);
}

async fn a_lease_is_released_by_its_holder_only(backend: &dyn Backend, places: &mut Places) {
    let at = places.next_place();
    assert!(won(backend, at, 1, LONG).await);
    done(backend.release(at, token(2)).await);
    assert!(!won(backend, at, 3, LONG).await, "a stranger released it");
    done(backend.release(at, token(1)).await);
    assert!(won(backend, at, 3, LONG).await);
}

async fn a_fill_needs_the_lease_that_it_names(backend: &dyn Backend, places: &mut Places) {
    let at = places.next_place();
    assert!(!done(backend.fill(at, Some(token(1)), "nobody's".into(), LONG).await), "no lease was held");
    assert!(won(backend, at, 1, LONG).await);
    assert!(!done(backend.fill(at, Some(token(2)), "a stranger's".into(), LONG).await));
    assert_eq!(found(backend, at).await, None);
    assert!(done(backend.fill(at, Some(token(1)), "mine".into(), LONG).await));
    assert_eq!(found(backend, at).await, Some("mine".into()));
    assert!(!done(backend.fill(at, Some(token(1)), "again".into(), LONG).await), "the lease ended with it");
}

async fn an_invalidation_ends_value_and_lease(backend: &dyn Backend, places: &mut Places) {
    let at = places.next_place();
    assert!(done(backend.fill(at, None, "old".into(), LONG).await));
    assert!(won(backend, at, 1, LONG).await);
    done(backend.invalidate(at).await);
    assert_eq!(found(backend, at).await, None);
    assert!(!done(backend.fill(at, Some(token(1)), "older still".into(), LONG).await));
    assert_eq!(found(backend, at).await, None, "a load that began before is not stored after");
}

async fn adopting_keeps_the_first(backend: &dyn Backend, places: &mut Places) {
    let at = places.next_place();
    assert_eq!(done(backend.adopt(at, "first".into(), LONG).await).envelope, Some("first".into()));
    assert_eq!(done(backend.adopt(at, "second".into(), LONG).await).envelope, Some("first".into()));
    assert!(done(backend.fill(at, None, "third".into(), LONG).await));
    assert_eq!(done(backend.adopt(at, "fourth".into(), LONG).await).envelope, Some("third".into()));
}

async fn calls_take_effect_in_order(backend: &dyn Backend, places: &mut Places) {
    let at = places.next_place();
    // Called in this order, awaited in another.
    let nothing = backend.get(at);
    let first = backend.fill(at, None, "stale".into(), LONG);
    let stale = backend.get(at);
    let second = backend.invalidate(at);
    let forgotten = backend.get(at);
    let third = backend.adopt(at, "fresh".into(), LONG);
    let fresh = backend.get(at);
    assert_eq!(done(fresh.await).envelope, Some("fresh".into()), "a get after an adoption");
    assert_eq!(done(forgotten.await).envelope, None, "a get after an invalidation");
    assert_eq!(done(stale.await).envelope, Some("stale".into()), "a get after a fill");
    assert_eq!(done(nothing.await).envelope, None, "a get before all of them");
    done(second.await);
    assert!(done(first.await));
    assert_eq!(done(third.await).envelope, Some("fresh".into()), "the adoption came after the invalidation");
}

async fn a_dropped_reply_shifts_nothing(backend: &dyn Backend, places: &mut Places) {
    let all: Vec<Location> = (0..64).map(|_| places.next_place()).collect();
    for (n, at) in all.iter().enumerate() {
        assert!(done(backend.fill(*at, None, n.to_string().into(), LONG).await));
    }
    for round in 0..8 {
        let replies: Vec<_> = all.iter().map(|at| backend.get(*at)).collect();
        for (n, reply) in replies.into_iter().enumerate() {
            if n % 8 != round {
                assert_eq!(done(reply.await).envelope, Some(n.to_string().into()));
            }
        }
    }
}
