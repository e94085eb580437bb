//! Ten thousand callers ask for one key that nobody has, in two processes' worth of caches on one server.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use keepsight_cache::LocalBound;
use keepsight_cache::suite::Server;

use crate::peers::{Sealed, cache, connect, value};
use crate::{KEYS, say};

/// How many loads that made.
pub async fn measure(server: &Server) -> anyhow::Result<usize> {
    let loads = Arc::new(AtomicUsize::new(0));
    let mut processes = Vec::new();
    for _ in 0..2 {
        processes.push(cache(connect(server, 512).await?, LocalBound::default())?.typed::<Sealed>());
    }
    let began = Instant::now();
    let callers: Vec<_> = (0..10_000)
        .map(|n: usize| {
            let (items, loads) = (processes[n % 2].clone(), loads.clone());
            tokio::spawn(async move {
                let load = move || async move {
                    loads.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Ok::<_, Infallible>(Some(value(KEYS)))
                };
                items.get_or_load(&(KEYS % 100, KEYS), load).await
            })
        })
        .collect();
    for caller in callers {
        ensure!(caller.await??.is_some_and(|found| *found == value(KEYS)), "everybody gets the value");
    }
    let loads = loads.load(Ordering::SeqCst);
    say(format_args!(
        "\n10,000 callers in two processes, one key: {loads} load(s), {} ms",
        began.elapsed().as_millis()
    ));
    Ok(loads)
}
