//! Promise 5 between processes: many callers in several of them, and one load.

use std::time::Duration;

use futures_util::future::join_all;
use keepsight_cache::{Backend, Memory};

use crate::common::{Origin, Scripted, SealedNotes, connect, over, same};
use crate::scenarios::Outcome;

pub async fn one_load_for_all_processes_of_a_cluster() -> Outcome {
    let memory = Memory::default();
    one_load([memory.clone(), memory.clone(), memory]).await?;
    let server = Scripted::new();
    one_load([connect(&server).await, connect(&server).await, connect(&server).await]).await
}

async fn one_load<B: Backend>(processes: [B; 3]) -> Outcome {
    let origin = Origin::taking(Duration::from_millis(300));
    let mut number = 0;
    let notes = processes.map(|backend| {
        number += 1;
        over(backend, number).build().typed::<SealedNotes>()
    });
    let callers = (0..300).map(|n| {
        let (notes, origin) = (notes[n % 3].clone(), origin.clone());
        tokio::spawn(async move { origin.get(&notes, 1, "hot").await.map_err(|error| error.to_string()) })
    });
    for value in join_all(callers.collect::<Vec<_>>()).await {
        same(value.unwrap(), Ok(Some("1/hot load 0".into())), "everybody's value")?;
    }
    same(origin.loads(), 1, "loads")
}
