//! Version counters by which this process's own copies die: of a key's stripe, of a tenant's stripe, of a whole type, and of the connection.
//!
//! A copy carries the versions as they were before it was asked for, and is good as long as they are the same. An invalidation raises them before it is sent and
//! again when it is acknowledged, so that nothing that was asked for before its end survives it. Stripes are shared: too much may die, never too little.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

const STRIPES: usize = 1 << 12;

/// Striped version counters.
#[derive(Debug)]
pub(crate) struct Versions {
    stripes: Box<[Stripe]>,
}

#[derive(Debug, Default)]
struct Stripe {
    version: AtomicU64,
    order: Mutex<()>,
}

/// Which stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot(u32);

impl Versions {
    pub const STRIPES: usize = STRIPES;

    pub fn new() -> Self {
        Self { stripes: (0..STRIPES).map(|_| Stripe::default()).collect() }
    }

    pub fn slot(stripe: usize) -> Slot {
        Slot((stripe & (STRIPES - 1)) as u32)
    }

    pub fn of(&self, slot: Slot) -> u64 {
        self.stripes[slot.0 as usize].version.load(Ordering::Acquire)
    }

    pub fn raise(&self, slot: Slot) {
        self.stripes[slot.0 as usize].version.fetch_add(1, Ordering::AcqRel);
    }

    /// While it is held, no other holder hands a command of this stripe to the backend: what is looked at and what is sent belong together.
    pub fn order(&self, slot: Slot) -> MutexGuard<'_, ()> {
        self.stripes[slot.0 as usize].order.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
