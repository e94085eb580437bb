//! Servers that say no: out of memory, read-only after a failover, without the scripts, still loading. A get is answered whatever they say.

use std::time::Duration;

use keepsight_cache::{Backend, BackendError, NotInvalidated};
use tokio::time::Instant;

use crate::common::scripted::{Fault, LOADING, OOM, READONLY};
use crate::common::{Origin, Scripted, SealedNotes, connect, key, over, pass, place};

const MS: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn out_of_memory_stores_nothing_and_leaves_no_lease_behind() {
    let server = Scripted::new();
    let redis = connect(&server).await;
    let [here, there] = [1, 2].map(|n| over(redis.clone(), n).build().typed::<SealedNotes>());
    let origin = Origin::default();
    server.inside().refuses = [("fill", OOM), ("invalidate", OOM)].into();
    assert_eq!(origin.get(&here, 1, "a").await.unwrap(), Some("1/a load 0".into()));
    let told: Result<(), NotInvalidated> = here.invalidate(&key(1, "a")).await;
    assert_eq!(told, Err(NotInvalidated(BackendError::Refused(OOM.to_owned()))));
    server.inside().refuses.clear();
    pass(MS).await;
    let began = Instant::now();
    assert_eq!(origin.get(&there, 1, "a").await.unwrap(), Some("1/a load 1".into()));
    assert_eq!(began.elapsed(), Duration::ZERO, "nobody waits for a value that could not be stored");
    assert_eq!(origin.get(&here, 1, "a").await.unwrap(), Some("1/a load 1".into()), "it is stored now");
    assert_eq!(server.inside().connections, 1, "the connection is as good as before");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_became_a_replica_is_left_for_the_next_connection() {
    let server = Scripted::new();
    let notes = over(connect(&server).await, 1).build().typed::<SealedNotes>();
    let origin = Origin::default();
    // The adopting of the numbers is the first write.
    server.plays([Fault::None, Fault::None, Fault::Refuse(READONLY)]);
    assert_eq!(origin.get(&notes, 1, "a").await.unwrap(), Some("1/a load 0".into()));
    pass(20 * MS).await;
    assert_eq!(server.inside().connections, 2);
    for _ in 0..2 {
        assert_eq!(origin.get(&notes, 1, "a").await.unwrap(), Some("1/a load 1".into()), "stored again");
    }
    assert_eq!(server.inside().connections, 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_lost_the_scripts_is_given_them_again() {
    let server = Scripted::new();
    let notes = over(connect(&server).await, 1).build().typed::<SealedNotes>();
    let origin = Origin::default();
    server.forget_scripts();
    assert_eq!(origin.get(&notes, 1, "a").await.unwrap(), Some("1/a load 0".into()));
    pass(20 * MS).await;
    for _ in 0..2 {
        assert_eq!(origin.get(&notes, 1, "a").await.unwrap(), Some("1/a load 1".into()), "stored again");
    }
    assert_eq!(server.inside().connections, 2, "one reconnect");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_still_loading_is_asked_again_later() {
    let server = Scripted::new();
    let redis = connect(&server).await;
    let notes = over(redis.clone(), 1).build().typed::<SealedNotes>();
    let origin = Origin::default();
    let all = ["MGET", "lease", "fill", "release", "invalidate", "adopt", "SCRIPT"];
    server.inside().refuses = all.map(|command| (command, LOADING)).into();
    for n in 0..2 {
        assert_eq!(origin.get(&notes, 1, "a").await.unwrap(), Some(format!("1/a load {n}")));
    }
    assert_eq!(server.inside().connections, 1, "to be refused is no doubt");
    // Nor does it let in whoever comes now.
    redis.distrust(redis.generation());
    pass(100 * MS).await;
    assert!(!redis.wait_connected(100 * MS).await);
    assert_eq!(origin.get(&notes, 1, "a").await.unwrap(), Some("1/a load 2".into()));
    server.inside().refuses.clear();
    assert!(redis.wait_connected(Duration::from_secs(1)).await, "let in when it has loaded");
    for _ in 0..2 {
        assert_eq!(origin.get(&notes, 1, "a").await.unwrap(), Some("1/a load 3".into()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_lets_in_and_then_refuses_is_not_asked_all_the_time() {
    let server = Scripted::new();
    let redis = connect(&server).await;
    let notes = over(redis.clone(), 1).build().typed::<SealedNotes>();
    let origin = Origin::default();
    server.inside().refuses = ["lease", "fill", "adopt"].map(|command| (command, READONLY)).into();
    let (began, before) = (Instant::now(), server.inside().connections);
    while began.elapsed() < Duration::from_secs(20) {
        let asked = Instant::now();
        assert!(origin.get(&notes, 1, "a").await.is_ok());
        assert!(asked.elapsed() < 30 * MS, "a get waited for {:?}", asked.elapsed());
        pass(5 * MS).await;
    }
    // About two a second, as it is never more than a second until the next.
    let connections = server.inside().connections - before;
    assert!((10..70).contains(&connections), "{connections} connections in 20 seconds");
    server.inside().refuses.clear();
    assert!(redis.wait_connected(Duration::from_secs(1)).await, "back within one wait");
    pass(MS).await;
    assert!(redis.get(place(1)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn after_a_single_fault_the_next_connection_comes_at_once() {
    let server = Scripted::new();
    let redis = connect(&server).await;
    // On a connection that has just begun, and on one that served well.
    for (served, longest) in [(Duration::ZERO, 20), (Duration::from_secs(2), 10)] {
        pass(served).await;
        server.plays([Fault::Close]);
        assert!(redis.get(place(1)).await.is_err());
        let began = Instant::now();
        assert!(redis.get(place(1)).await.is_ok(), "waits for the next connection");
        assert!(began.elapsed() <= longest * MS, "{:?}", began.elapsed());
    }
}
