//! How many of keepsight-cache's gets the server answered: counted by the library's own metrics, each instance by a recorder of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

/// Counts gets that the server answered, with a value or with there being none. Copies of the client's own, and gets while the server is away, are not
/// among them, nor those that waited for another get's load.
#[derive(Clone, Debug, Default)]
pub struct FromServer(Arc<AtomicU64>);

impl FromServer {
    /// How many until now.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Recorder for FromServer {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let answered =
            key.labels().any(|label| label.key() == "outcome" && matches!(label.value(), "hit" | "miss"));
        if key.name() == "keepsight_cache_gets_total" && answered {
            Counter::from_arc(self.0.clone())
        } else {
            Counter::noop()
        }
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
