//! Values that are large, or too large: nothing that is stored ends one connection after another, and much of it takes its time.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use keepsight_cache::{Backend, BackendError, Redis, RedisConfig, Typed};
use tokio::time::Instant;

use crate::common::{Scripted, SealedNotes, Seeded, connect, key, over, pass, place};

const MINUTE: Duration = Duration::from_secs(60);
const MS: Duration = Duration::from_millis(1);
const MIB: usize = 1 << 20;

async fn connect_bounded(server: &Scripted, value_most: usize) -> Redis {
    let config = RedisConfig::dialing(server.clone()).env(Seeded::new(99)).value_most(value_most);
    let redis = Redis::start(config);
    assert!(redis.wait_connected(MINUTE).await);
    redis
}

async fn get(notes: &Typed<SealedNotes>, bytes: usize) -> bool {
    let loaded = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let load = {
        let loaded = loaded.clone();
        move || async move {
            loaded.store(true, std::sync::atomic::Ordering::SeqCst);
            Ok::<_, String>(Some("x".repeat(bytes)))
        }
    };
    let value = notes.get_or_load(&key(1, "large"), load).await.unwrap();
    assert_eq!(value.map(|value| value.len()), Some(bytes));
    loaded.load(std::sync::atomic::Ordering::SeqCst)
}

#[tokio::test(start_paused = true)]
async fn the_smaller_of_two_limits_decides_what_is_stored() {
    for (of_cache, of_redis, bytes, stored) in [
        (10_000, 1_000_000, 9_000, true),
        (10_000, 1_000_000, 11_000, false),
        (1_000_000, 10_000, 9_000, true),
        (1_000_000, 10_000, 11_000, false),
    ] {
        let server = Scripted::new();
        let redis = connect_bounded(&server, of_redis).await;
        let notes = over(redis, 1).value_most(of_cache).build().typed::<SealedNotes>();
        assert!(get(&notes, bytes).await);
        let began = Instant::now();
        assert_eq!(get(&notes, bytes).await, !stored, "{of_cache} {of_redis} {bytes}");
        assert_eq!(began.elapsed(), Duration::ZERO, "no lease is left behind");
        assert_eq!(server.inside().connections, 1, "no connection dies of it");
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_too_large_here_ends_one_connection_and_is_removed() {
    let server = Scripted::new();
    let here = connect_bounded(&server, 10_000).await;
    let notes = over(here.clone(), 1).build().typed::<SealedNotes>();
    let elsewhere = over(connect(&server).await, 2).build().typed::<SealedNotes>();
    assert!(get(&elsewhere, 20_000).await, "loaded and stored elsewhere");
    for round in 0..3 {
        let began = Instant::now();
        assert!(get(&notes, 5_000).await == (round == 0), "round {round}");
        assert!(began.elapsed() < 30 * MS, "{:?}", began.elapsed());
    }
    assert_eq!(here.generation(), 2);
    // Found while a lease was asked for, or where a number is kept: the same.
    for n in 1..=2 {
        let large: Bytes = vec![b'x'; 20_000].into();
        let other = connect(&server).await;
        other.fill(place(n), None, large, MINUTE).await.unwrap();
        let lease = keepsight_cache::Token([n; 16]);
        let lost = match n {
            1 => here.lease(place(n), lease, MINUTE).await.map(drop),
            _ => here.adopt(place(n), "one".into(), MINUTE).await.map(drop),
        };
        assert_eq!(lost, Err(BackendError::OutcomeUnknown));
        pass(100 * MS).await;
        assert_eq!(here.get(place(n)).await.unwrap().envelope, None, "removed");
        assert_eq!(here.generation(), 2 + u64::from(n));
    }
}

/// 16 MiB over a link that carries 10 MiB a second: that takes longer than a reply may, and nothing is wrong.
#[tokio::test(start_paused = true)]
async fn what_is_large_has_the_time_that_it_takes_to_travel() {
    let server = Scripted::new();
    let redis = connect(&server).await;
    server.inside().bytes_a_ms = 10 << 10;
    let large = Bytes::from(vec![b'x'; MIB]);
    let fills = (0..16).map(|n| redis.fill(place(n), None, large.clone(), MINUTE));
    let began = Instant::now();
    for stored in join_all(fills.collect::<Vec<_>>()).await {
        assert_eq!(stored, Ok(true));
    }
    assert!(began.elapsed() > Duration::from_secs(1));
    let gets = join_all((0..16).map(|n| redis.get(place(n))).collect::<Vec<_>>());
    for found in gets.await {
        assert_eq!(found.unwrap().envelope, Some(large.clone()));
    }
    assert_eq!(server.inside().connections, 1);
}

/// The link is slower than it must be: the connection that brings a large value dies of it, and the next one does not.
#[tokio::test(start_paused = true)]
async fn what_does_not_come_in_time_is_removed() {
    let server = Scripted::new();
    let redis = connect(&server).await;
    redis.fill(place(1), None, vec![b'x'; 4 * MIB].into(), MINUTE).await.unwrap();
    redis.fill(place(2), None, "small".into(), MINUTE).await.unwrap();
    server.inside().bytes_a_ms = 4 << 10;
    let began = Instant::now();
    let [large, small] = [1, 2].map(|n| redis.get(place(n)));
    assert_eq!((large.await, small.await), (lost(), lost()));
    assert!(began.elapsed() < 600 * MS, "a slow link is noticed: {:?}", began.elapsed());
    assert_eq!(redis.get(place(1)).await.unwrap().envelope, None, "removed");
    assert_eq!(redis.get(place(2)).await.unwrap().envelope, Some("small".into()));
    assert_eq!(server.inside().connections, 2);
}

fn lost() -> Result<keepsight_cache::Found, BackendError> {
    Err(BackendError::OutcomeUnknown)
}
