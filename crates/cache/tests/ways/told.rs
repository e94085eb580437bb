//! What an operator is told: every counter, through whatever recorder the application installed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keepsight_cache::{Cached, LocalBound, OriginLimit};
use metrics::{Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit};

use crate::common::scripted::Fault;
use crate::common::{BoundNotes, Origin, Scripted, connect, key, over, pass};

/// Remembers counts by name and by the label that tells counters of one name apart.
#[derive(Default)]
struct Remembering(Mutex<HashMap<String, Arc<AtomicU64>>>);

/// How many values were recorded.
struct Recorded(Arc<AtomicU64>);

impl HistogramFn for Recorded {
    fn record(&self, _: f64) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Remembering {
    fn named(&self, key: &Key) -> Arc<AtomicU64> {
        let label = key.labels().find(|label| label.key() == "outcome");
        let name = [key.name(), label.map_or("", |label| label.value())].join(" ");
        self.0.lock().unwrap().entry(name.trim().to_owned()).or_default().clone()
    }

    /// What it counted, without what was never counted.
    fn counted(&self) -> Vec<(String, u64)> {
        let counters = self.0.lock().unwrap();
        let counted = counters.iter().map(|(name, count)| {
            let name = name.strip_prefix("keepsight_cache_").unwrap_or(name);
            (name.to_owned(), count.swap(0, Ordering::SeqCst))
        });
        let mut counted: Vec<_> = counted.filter(|(_, count)| *count > 0).collect();
        counted.sort();
        counted
    }
}

impl Recorder for Remembering {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.named(key))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::new(Recorded(self.named(key))))
    }
}

#[test]
fn everything_is_counted() {
    let recorder = Remembering::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    metrics::with_local_recorder(&recorder, || runtime.unwrap().block_on(counts(&recorder)));
}

async fn counts(recorder: &Remembering) {
    let told = |expected: &[(&str, u64)], what: &str| {
        let expected: Vec<_> = expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        assert_eq!(recorder.counted(), expected, "{what}");
    };
    let server = Scripted::new();
    let redis = connect(&server).await;
    let limit = OriginLimit { start: 1, most: 1, waiting: 0, ..OriginLimit::default() };
    let cache = over(redis.clone(), 1).origin(limit).danger_serve_stale_on_error(Duration::from_secs(60));
    let (notes, origin) = (cache.build().typed::<BoundNotes>(), Origin::default());
    let get = |name| origin.get(&notes, 1, name);
    let failing = || async { Err::<Option<String>, _>("down".to_owned()) };

    get("a").await.unwrap();
    told(&[("gets_total miss", 1), ("load_seconds", 1), ("loads_total loaded", 1)], "a miss");
    get("a").await.unwrap();
    told(&[("gets_total hit", 1)], "a hit");
    notes.get_or_load(&key(1, "b"), failing).await.unwrap_err();
    told(&[("gets_total miss", 1), ("load_seconds", 1), ("loads_total failed", 1)], "a failure");

    *origin.takes.lock().unwrap() = Duration::from_millis(10);
    let (one, other) = tokio::join!(get("c"), get("d"));
    assert!(one.is_ok() != other.is_ok());
    let shed = ("loads_total shed", 1);
    told(&[("gets_total miss", 2), ("load_seconds", 1), ("loads_total loaded", 1), shed], "shed");

    pass(BoundNotes::LIFETIME).await;
    assert!(notes.get_or_load(&key(1, "a"), failing).await.unwrap().is_some());
    let stale = ("loads_total stale", 1);
    told(&[("gets_total miss", 1), ("load_seconds", 1), ("loads_total failed", 1), stale], "stale");

    let copies = over(redis.clone(), 2).local(LocalBound::default()).build().typed::<BoundNotes>();
    for _ in 0..2 {
        origin.get(&copies, 1, "own").await.unwrap();
    }
    let local = ("gets_total local", 1);
    told(&[local, ("gets_total miss", 1), ("load_seconds", 1), ("loads_total loaded", 1)], "a copy");

    server.plays([Fault::Close]);
    get("e").await.unwrap();
    let died = ("connection_deaths_total", 1);
    told(&[died, ("gets_total down", 1), ("load_seconds", 1), ("loads_total loaded", 1)], "an end");
    assert!(redis.wait_connected(Duration::from_secs(1)).await);

    server.forget();
    get("a").await.unwrap();
    get("b").await.unwrap();
    recorder.counted();
    server.exchange_values();
    get("a").await.unwrap();
    let (miss, found) = (("gets_total miss", 1), ("mismatches_total", 1));
    told(
        &[died, miss, ("load_seconds", 1), ("loads_total loaded", 1), found],
        "a mismatch, and who delivered it",
    );
}
