//! Counters of one type, through the `metrics` facade. Install a recorder before the cache is built. No key and no content is ever in a metric or a log line.

use metrics::{Counter, Histogram};

/// The counters of one cached type.
pub(crate) struct Observed {
    pub local: Counter,
    pub hit: Counter,
    pub miss: Counter,
    pub down: Counter,
    pub mismatch: Counter,
    pub loads: Counter,
    pub shed: Counter,
    pub failed: Counter,
    pub stale: Counter,
    pub load_seconds: Histogram,
}

impl Observed {
    pub fn of(namespace: &'static str, name: &'static str) -> Self {
        let gets = |outcome: &'static str| metrics::counter!("keepsight_cache_gets_total", "namespace" => namespace, "type" => name, "outcome" => outcome);
        let loads = |outcome: &'static str| metrics::counter!("keepsight_cache_loads_total", "namespace" => namespace, "type" => name, "outcome" => outcome);
        Self {
            local: gets("local"),
            hit: gets("hit"),
            miss: gets("miss"),
            down: gets("down"),
            mismatch: metrics::counter!("keepsight_cache_mismatches_total", "namespace" => namespace),
            loads: loads("loaded"),
            shed: loads("shed"),
            failed: loads("failed"),
            stale: loads("stale"),
            load_seconds: metrics::histogram!("keepsight_cache_load_seconds", "namespace" => namespace, "type" => name),
        }
    }
}
