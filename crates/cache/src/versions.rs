//! Version counters by which this process's own copies die: of a key's stripe, of a tenant's stripe, of a whole type, and of the connection.
//!
//! A copy carries the versions as they were before it was asked for, and is good as long as they are the same. An invalidation raises them before it is sent and
//! again when it is acknowledged, so that nothing that was asked for before its end survives it. Stripes are shared: too much may die, never too little.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

const STRIPES: usize = 1 << 12;

/// Striped version counters.
#[derive(Debug)]
pub(crate) struct Versions {
    // Looked at by every hit: densely packed, and apart from the locks. Four thousand million invalidations within the life of a copy would make it good again.
    versions: Box<[AtomicU32]>,
    orders: Box<[Mutex<()>]>,
}

/// Which stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot(u16);

impl Versions {
    pub const STRIPES: usize = STRIPES;

    pub fn new() -> Self {
        Self {
            versions: (0..STRIPES).map(|_| AtomicU32::default()).collect(),
            orders: (0..STRIPES).map(|_| Mutex::default()).collect(),
        }
    }

    pub fn slot(stripe: usize) -> Slot {
        Slot((stripe & (STRIPES - 1)) as u16)
    }

    pub fn of(&self, slot: Slot) -> u32 {
        self.versions[usize::from(slot.0)].load(Ordering::Acquire)
    }

    pub fn raise(&self, slot: Slot) {
        self.versions[usize::from(slot.0)].fetch_add(1, Ordering::AcqRel);
    }

    /// While it is held, no other holder hands a command of this stripe to the backend: what is looked at and what is sent belong together.
    pub fn order(&self, slot: Slot) -> MutexGuard<'_, ()> {
        self.orders[usize::from(slot.0)].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
