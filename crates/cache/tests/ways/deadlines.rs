//! Nobody waits longer than the deadline, whatever they wait for.

use std::time::Duration;

use keepsight_cache::{Error, LocalBound, Memory, OriginLimit, Redis, RedisConfig};
use tokio::time::Instant;

use crate::common::scripted::Fault;
use crate::common::{Origin, Scripted, SealedNotes, connect, over, pass};

const DEADLINE: Duration = Duration::from_secs(2);
const MS: Duration = Duration::from_millis(1);

/// A reply has the backend's own deadline; how long it took counts.
#[tokio::test(start_paused = true)]
async fn the_time_that_a_server_takes_is_part_of_the_deadline() {
    let server = Scripted::new();
    let patient = RedisConfig::dialing(server.clone()).timeout(Duration::from_secs(1));
    let redis = Redis::start(patient);
    assert!(redis.wait_connected(DEADLINE).await);
    let notes = over(redis, 1).deadline(DEADLINE).build().typed::<SealedNotes>();
    server.plays([Fault::Stall(Duration::from_secs(5))]);
    let began = Instant::now();
    let told = Origin::taking(DEADLINE).get(&notes, 1, "a").await;
    assert!(matches!(told, Err(Error::Deadline)), "{told:?}");
    assert!((DEADLINE..=DEADLINE + MS).contains(&began.elapsed()), "{:?}", began.elapsed());
}

/// The first get waits for its reply and for the next connection; from then on nobody waits.
#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_costs_some_time_once() {
    let server = Scripted::new();
    let notes = over(connect(&server).await, 1).build().typed::<SealedNotes>();
    server.plays([Fault::HalfOpen]);
    server.inside().dials_that_hang = usize::MAX;
    let origin = Origin::default();
    let timeout = Duration::from_millis(250);
    for (n, most) in [(0, 3 * timeout), (1, MS), (2, MS)] {
        let began = Instant::now();
        assert_eq!(origin.get(&notes, 1, "a").await.unwrap(), Some(format!("1/a load {n}")));
        assert!(began.elapsed() <= most, "get {n} took {:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_does_not_open_is_given_up_after_the_connect_timeout() {
    for patience in [100, 600].map(Duration::from_millis) {
        let server = Scripted::new();
        server.inside().dials_that_hang = 1;
        let began = Instant::now();
        let redis = Redis::start(RedisConfig::dialing(server).connect_timeout(patience));
        assert!(redis.wait_connected(DEADLINE).await);
        let spread = Duration::from_millis(20);
        assert!((patience..=patience + spread + MS).contains(&began.elapsed()), "{:?}", began.elapsed());
    }
}

/// Who joined another's load late may not have its value, which is not stored either, and loads anew: the time does not begin anew.
#[tokio::test(start_paused = true)]
async fn beginning_anew_does_not_begin_the_deadline_anew() {
    let bound = LocalBound { lifetime: Duration::from_millis(500), ..LocalBound::default() };
    let cache = over(Memory::default(), 1).value_most(1).local(bound).deadline(DEADLINE).build();
    let (notes, origin) = (cache.typed::<SealedNotes>(), Origin::taking(Duration::from_millis(1_900)));
    let first = tokio::spawn({
        let (notes, origin) = (notes.clone(), origin.clone());
        async move { origin.get(&notes, 1, "a").await.unwrap() }
    });
    pass(Duration::from_millis(600)).await;
    let began = Instant::now();
    let told = origin.get(&notes, 1, "a").await;
    assert!(matches!(told, Err(Error::Deadline)), "{told:?}");
    assert!(began.elapsed() <= DEADLINE + MS, "{:?}", began.elapsed());
    assert_eq!(first.await.unwrap(), Some("1/a load 0".into()));
    assert_eq!(origin.loads(), 2, "it was loaded anew");
}

#[tokio::test(start_paused = true)]
async fn a_load_that_takes_too_long_and_a_wait_for_the_origin_end_too() {
    let seconds = Duration::from_secs;
    let limit = OriginLimit { start: 1, most: 1, patience: seconds(60), ..OriginLimit::default() };
    let of = |deadline| over(Memory::default(), 1).origin(limit).load_timeout(seconds(1)).deadline(deadline);
    let (notes, origin) = (of(seconds(9)).build().typed::<SealedNotes>(), Origin::taking(seconds(30)));
    let began = Instant::now();
    assert!(matches!(origin.get(&notes, 1, "a").await, Err(Error::Deadline)), "a load has a second");
    assert!(began.elapsed() <= seconds(1) + MS, "{:?}", began.elapsed());
    let notes = of(DEADLINE).load_timeout(seconds(60)).build().typed::<SealedNotes>();
    let began = Instant::now();
    let (one, other) = tokio::join!(origin.get(&notes, 1, "a"), origin.get(&notes, 1, "b"));
    assert!(matches!((&one, &other), (Err(Error::Deadline), Err(Error::Deadline))), "{one:?} {other:?}");
    assert!(began.elapsed() <= DEADLINE + MS, "{:?}", began.elapsed());
}
