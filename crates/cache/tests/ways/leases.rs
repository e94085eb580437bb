//! A lease lives as long as its load, and ends with it however it ends.

use std::sync::Arc;
use std::time::Duration;

use keepsight_cache::{Error, Memory, OriginLimit};
use tokio::time::Instant;

use crate::common::{Origin, SealedNotes, key, over, pass};

#[tokio::test(start_paused = true)]
async fn a_load_that_panics_or_fails_gives_its_lease_back() {
    for panics in [true, false] {
        let memory = Memory::default();
        let [here, there] = [1, 2].map(|n| over(memory.clone(), n).build().typed::<SealedNotes>());
        let load = move || async move {
            assert!(!panics, "the loader panics on purpose");
            Err::<Option<String>, _>("no".to_owned())
        };
        let wanted = key(1, "a");
        let (leader, follower) =
            tokio::join!(here.get_or_load(&wanted, load), here.get_or_load(&wanted, load));
        for told in [leader, follower] {
            let as_it_was = match panics {
                true => matches!(told, Err(Error::Panicked)),
                false => matches!(told, Err(Error::Load(_))),
            };
            assert!(as_it_was, "{told:?}");
        }
        let (origin, began) = (Origin::default(), Instant::now());
        assert_eq!(origin.get(&there, 1, "a").await.unwrap(), Some("1/a load 0".into()));
        assert_eq!(began.elapsed(), Duration::ZERO, "nobody waits for a load that is gone");
    }
}

/// The load waits for its turn, and then takes nearly as long as it may.
#[tokio::test(start_paused = true)]
async fn a_lease_lives_through_the_wait_for_the_origin() {
    let seconds = Duration::from_secs;
    let limit = OriginLimit { start: 1, most: 1, patience: seconds(5), ..OriginLimit::default() };
    let cache = over(Memory::default(), 1).origin(limit).deadline(seconds(20)).build();
    let (notes, origin) = (cache.typed::<SealedNotes>(), Arc::new(Origin::taking(seconds(4))));
    let first = tokio::spawn({
        let (notes, origin) = (notes.clone(), origin.clone());
        async move { origin.get(&notes, 1, "before").await.unwrap() }
    });
    pass(Duration::from_millis(1)).await;
    assert_eq!(origin.get(&notes, 1, "a").await.unwrap(), Some("1/a load 1".into()));
    first.await.unwrap();
    assert_eq!(origin.get(&notes, 1, "a").await.unwrap(), Some("1/a load 1".into()), "it was stored");
}
