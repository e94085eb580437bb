//! What must never happen, counted when it does: an operator looks here first, and so do the tests.

use std::sync::atomic::{AtomicU64, Ordering};

use keepsight_ids::{CameraId, HomeId};

/// Counters of broken assumptions. Each count is also an `error` line in the log.
#[derive(Debug, Default)]
pub struct Alarms {
    misfiled: AtomicU64,
    conflicting: AtomicU64,
    bugs: AtomicU64,
}

impl Alarms {
    /// Rows or objects that stated another home, camera or Event than the one decided about. None of them was shown.
    pub fn misfiled(&self) -> u64 {
        self.misfiled.load(Ordering::Relaxed)
    }

    /// Segments or headers that came a second time with other bytes.
    pub fn conflicting(&self) -> u64 {
        self.conflicting.load(Ordering::Relaxed)
    }

    /// Handlers that panicked, and other broken assumptions in the code.
    pub fn bugs(&self) -> u64 {
        self.bugs.load(Ordering::Relaxed)
    }

    pub(crate) fn found_misfiled(&self, why: &dyn std::fmt::Display) {
        self.misfiled.fetch_add(1, Ordering::Relaxed);
        tracing::error!(%why, "what was read is not what was decided about; it was not shown");
    }

    pub(crate) fn found_conflicting(&self, home: Option<HomeId>, camera: Option<CameraId>, what: &str) {
        self.conflicting.fetch_add(1, Ordering::Relaxed);
        tracing::error!(?home, ?camera, what, "an agent sent other bytes under an identity that is taken");
    }

    pub(crate) fn bug(&self) {
        self.bugs.fetch_add(1, Ordering::Relaxed);
    }
}
