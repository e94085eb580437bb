//! Promise 1: the server exchanges two values. Neither caller may get the other's, and it is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use keepsight_cache::Cached;

use crate::common::{
    BoundNotes, BoundNotesOfTwo, Origin, Scripted, SealedNotes, SealedNotesOfTwo, connect, over, pass, same,
};
use crate::scenarios::Outcome;

pub async fn a_bound_value_of_another_key_is_refused() -> Outcome {
    exchanged::<BoundNotes, BoundNotes>((2, "b")).await
}

pub async fn a_sealed_value_of_another_key_is_refused() -> Outcome {
    exchanged::<SealedNotes, SealedNotes>((2, "b")).await
}

pub async fn a_value_of_another_type_or_version_is_refused() -> Outcome {
    exchanged::<BoundNotes, BoundNotesOfTwo>((1, "a")).await?;
    exchanged::<SealedNotes, SealedNotesOfTwo>((1, "a")).await?;
    refused::<BoundNotes, SealedNotes>().await?;
    refused::<SealedNotes, BoundNotes>().await
}

async fn exchanged<A, B>(other: (u32, &str)) -> Outcome
where
    A: Cached<Key = (u32, String), Value = String>,
    B: Cached<Key = (u32, String), Value = String>,
{
    let server = Scripted::new();
    let hook = Arc::new(Mutex::new(0));
    let counted = hook.clone();
    let cache = over(connect(&server).await, 1)
        .on_mismatch(move |mismatch| {
            assert_eq!(mismatch.namespace, "tests");
            *counted.lock().unwrap() += 1;
        })
        .build();
    let (ours, theirs, origin) = (cache.typed::<A>(), cache.typed::<B>(), Origin::default());
    let their_load = format!("{}/{} load 1", other.0, other.1);
    same(origin.get(&ours, 1, "a").await.unwrap(), Some("1/a load 0".into()), "the first")?;
    same(origin.get(&theirs, other.0, other.1).await.unwrap(), Some(their_load), "the second")?;
    server.exchange_values();
    same(origin.get(&ours, 1, "a").await.unwrap(), Some("1/a load 2".into()), "after the exchange")?;
    same(*hook.lock().unwrap(), 1, "mismatches told")?;
    pass(Duration::from_secs(1)).await;
    same(server.inside().connections, 2, "connections: who delivered it is not believed any more")?;
    same(origin.get(&ours, 1, "a").await.unwrap(), Some("1/a load 2".into()), "healed")
}

/// Of another level, and so of another type: it does not open, and needs no alarm.
async fn refused<A, B>() -> Outcome
where
    A: Cached<Key = (u32, String), Value = String>,
    B: Cached<Key = (u32, String), Value = String>,
{
    let server = Scripted::new();
    let cache = over(connect(&server).await, 1).build();
    let (ours, theirs, origin) = (cache.typed::<A>(), cache.typed::<B>(), Origin::default());
    origin.get(&ours, 1, "a").await.unwrap();
    origin.get(&theirs, 1, "a").await.unwrap();
    server.exchange_values();
    same(origin.get(&ours, 1, "a").await.unwrap(), Some("1/a load 2".into()), "after the exchange")?;
    same(origin.get(&theirs, 1, "a").await.unwrap(), Some("1/a load 3".into()), "the other's")
}
