//! Invalidations in one process, as seen from others that wait for each other's loads.

use std::time::Duration;

use keepsight_cache::{Cache, LocalBound, Memory};

use crate::common::{BoundNotes, Origin, over, pass};

fn process(memory: &Memory, seed: u64) -> Cache {
    over(memory.clone(), seed).local(LocalBound::default()).build()
}

/// One process loads and holds the lease, a second waits for its value, a third invalidates; the numbers that the second knows are half a second old when it begins
/// to wait, and a whole one older when the value comes.
#[tokio::test(start_paused = true)]
async fn a_value_waited_for_is_as_old_as_the_numbers_it_was_stored_under() {
    for whole_type in [false, true] {
        let memory = Memory::default();
        let [loads, waits, forgets] = [1, 2, 3].map(|n| process(&memory, n).typed::<BoundNotes>());
        let quick = Origin::default();
        let slow = Origin::taking(Duration::from_millis(1_330));
        let old = tokio::spawn({
            let (loads, slow) = (loads.clone(), slow.clone());
            async move { slow.get(&loads, 1, "a").await.unwrap() }
        });
        pass(Duration::from_millis(20)).await;
        // The second process learns the numbers.
        quick.get(&waits, 1, "another").await.unwrap();
        pass(Duration::from_millis(10)).await;
        match whole_type {
            false => forgets.invalidate_tenant(&1).await.unwrap(),
            true => forgets.invalidate_all().await.unwrap(),
        }
        pass(Duration::from_millis(480)).await;
        let leader = tokio::spawn({
            let (waits, quick) = (waits.clone(), quick.clone());
            async move { quick.get(&waits, 1, "a").await.unwrap() }
        });
        pass(Duration::from_millis(750)).await;
        assert_eq!(slow.loads() + quick.loads(), 2, "the second process waits for the first one's value");
        // More than a second after the invalidation was acknowledged.
        pass(Duration::from_millis(40)).await;
        let late = quick.get(&waits, 1, "a").await.unwrap();
        assert_eq!(late, Some("1/a load 1".into()), "loaded after the invalidation");
        assert_eq!(old.await.unwrap(), Some("1/a load 0".into()), "who asked before");
        leader.await.unwrap();
    }
}
