//! Faults that can be put into the walls on purpose, to show that the tests would notice.
//!
//! They exist in builds with the feature `sabotage` only; without it every question here is the constant `false`, and the
//! application refuses to compile with it. At most one mutant is active in a process; the switches take whole walls out.

/// Whether this build can be sabotaged at all.
pub const SABOTAGE: bool = cfg!(feature = "sabotage");

macro_rules! names {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$doc])* $variant),* }

        impl $name {
            /// Every one.
            pub const ALL: &'static [$name] = &[$(Self::$variant),*];

            /// Its name in reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

names! {
    /// One fault of protocols: each must be caught by a test.
    Mutant {
        /// A check joins a fence that is already in flight.
        AdmitLateArrivals = "admit-late-arrivals",
        /// Aggregates are loaded by a read of its own beside the fence.
        LoadOutsideFence = "load-outside-fence",
        /// A standby's answer is believed.
        FenceFromStandby = "fence-from-standby",
        /// The tag at the applied revision is not compared.
        NoTag = "no-tag",
        /// S1 and S2 as one statement: what is validated is seen as of before the lock, outside the write's transaction.
        OneStatementWrite = "one-statement-write",
        /// A write is validated before it waits for the lock.
        ValidateBeforeLock = "validate-before-lock",
        /// A long stream checks once and keeps its Permit.
        StreamKeepsPermit = "stream-keeps-permit",
        /// Windows and expiry are decided by this node's clock.
        ExpiryByLocalClock = "expiry-by-local-clock",
        /// The head is remembered in this process instead of read.
        HeadInMemory = "head-in-memory",
        /// A write is acknowledged before its COMMIT.
        AckBeforeCommit = "ack-before-commit",
    }
}

names! {
    /// A wall that can be taken out, to show that the others hold.
    Wall {
        /// `decide()` says yes to everything.
        Gate = "gate",
        /// Receipts are made without a record.
        Ledger = "ledger",
        /// What is about to leave is not compared with what was decided.
        Identity = "identity",
        /// A cached answer is believed under any key.
        Cache = "cache",
    }
}

#[cfg(not(feature = "sabotage"))]
mod switches {
    use super::{Mutant, Wall};

    /// Whether the process runs with this fault. Always false in this build.
    #[inline(always)]
    pub const fn active(_: Mutant) -> bool {
        false
    }

    /// Whether this wall has been taken out. Always false in this build.
    #[inline(always)]
    pub const fn is_off(_: Wall) -> bool {
        false
    }
}

#[cfg(feature = "sabotage")]
mod switches {
    use std::sync::atomic::{AtomicU8, Ordering};
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use super::{Mutant, Wall};

    const NONE: u8 = u8::MAX;
    static MUTANT: AtomicU8 = AtomicU8::new(NONE);
    static WALLS_OFF: AtomicU8 = AtomicU8::new(0);
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    /// Whether the process runs with this fault.
    pub fn active(mutant: Mutant) -> bool {
        MUTANT.load(Ordering::SeqCst) == mutant as u8
    }

    /// Whether this wall has been taken out.
    pub fn is_off(wall: Wall) -> bool {
        WALLS_OFF.load(Ordering::SeqCst) & (1 << wall as u8) != 0
    }

    /// Puts a fault into the process, or takes it out.
    pub fn set(mutant: Option<Mutant>) {
        MUTANT.store(mutant.map_or(NONE, |mutant| mutant as u8), Ordering::SeqCst);
    }

    /// Takes a wall out, or puts it back.
    pub fn set_off(wall: Wall, off: bool) {
        if off {
            WALLS_OFF.fetch_or(1 << wall as u8, Ordering::SeqCst);
        } else {
            WALLS_OFF.fetch_and(!(1 << wall as u8), Ordering::SeqCst);
        }
    }

    /// While it lives, nobody else's fault is in the process; dropping it takes its own out and puts all walls back.
    pub struct Sabotaged(#[allow(dead_code, reason = "held for its lifetime")] MutexGuard<'static, ()>);

    impl Drop for Sabotaged {
        fn drop(&mut self) {
            set(None);
            WALLS_OFF.store(0, Ordering::SeqCst);
        }
    }

    /// Waits until no other test holds a fault, then puts this one in (`None`: a healthy process, and it stays healthy).
    pub fn hold(mutant: Option<Mutant>) -> Sabotaged {
        let guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        set(mutant);
        Sabotaged(guard)
    }
}

pub use switches::*;
