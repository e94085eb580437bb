//! Faults that can be put into the cache on purpose, to show that the tests would notice.
//!
//! They exist in builds with the feature `sabotage` only; without it every question here is the constant `false`, and an application can refuse to compile
//! with it. At most one is active in a process.

/// Whether this build can be sabotaged at all.
pub const SABOTAGE: bool = cfg!(feature = "sabotage");

macro_rules! mutants {
    ($($(#[$doc:meta])* $variant:ident = $text:literal),* $(,)?) => {
        /// One fault; each breaks one of the eight promises, and must be caught by a test.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Mutant { $($(#[$doc])* $variant),* }

        impl Mutant {
            /// Every one.
            pub const ALL: &'static [Mutant] = &[$(Self::$variant),*];

            /// Its name in reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

mutants! {
    /// Promise 1: what is found is believed whatever key it states.
    NoBinding = "cache-no-binding",
    /// Promise 1: the tenant is left out of the key.
    DropTenant = "cache-drop-tenant",
    /// Promise 1: hashes of keys are compared instead of keys.
    CompareHashesOnly = "cache-compare-hashes-only",
    /// Promise 1: every process seals with random nonces under one key.
    RandomNonces = "cache-random-nonces",
    /// Promise 2: a batch is believed without its ECHO.
    NoEcho = "cache-no-echo",
    /// Promise 2: a batch's first slot is popped twice.
    PopWrongSlot = "cache-pop-wrong-slot",
    /// Promise 2: the nonce that a script echoes is not looked at.
    NoScriptNonce = "cache-no-script-nonce",
    /// Promise 3: a reply that nobody asked for is dropped and forgotten.
    SwallowUnsolicited = "cache-swallow-unsolicited",
    /// Promise 3: a connection lives on after a time-out.
    KeepAfterTimeout = "cache-keep-after-timeout",
    /// Promise 3: a connection lives on with half a command written.
    ReuseAfterShortWrite = "cache-reuse-after-short-write",
    /// Promise 3: AUTH travels together with the first commands.
    PipelineAuth = "cache-pipeline-auth",
    /// Promise 3: what was in flight is sent again on the next connection.
    SendTwice = "cache-send-twice",
    /// Promise 4: the load ends when the caller that began it goes away.
    LeaderDiesWithCaller = "cache-leader-dies-with-caller",
    /// Promise 4: an abandoned caller's place in the batch is given up.
    AbandonPlace = "cache-abandon-place",
    /// Promise 5: every caller loads for itself.
    NoSingleFlight = "cache-no-single-flight",
    /// Promise 5: the lease is never asked for.
    NoLease = "cache-no-lease",
    /// Promise 5: "there is no such thing" is never stored.
    AbsentIsMiss = "cache-absent-is-miss",
    /// Promise 6: a load that began before an invalidation is stored after it.
    StoreAfterInvalidate = "cache-store-after-invalidate",
    /// Promise 6: an invalidation leaves this process's own copy.
    KeepLocalAfterInvalidate = "cache-keep-local-after-invalidate",
    /// Promise 6: this process's copies survive a reconnect.
    LocalSurvivesReconnect = "cache-local-survives-reconnect",
    /// Promise 6: the end of life is the server's affair, not the seal's.
    TrustServersExpiry = "cache-trust-servers-expiry",
    /// Promise 6: a lease is not compared when its load is stored.
    IgnoreLease = "cache-ignore-lease",
    /// Promise 7: loads are not limited.
    NoLimit = "cache-no-limit",
    /// Promise 7: a slow origin gets as many loads as a quick one.
    FixedLimit = "cache-fixed-limit",
    /// Promise 8: gets travel one by one.
    NoBatching = "cache-no-batching",
    /// Promise 8: a lonely get waits for company.
    WaitForCompany = "cache-wait-for-company",
}

#[cfg(not(feature = "sabotage"))]
mod switches {
    use super::Mutant;

    /// Whether the process runs with this fault. Always false in this build.
    #[inline(always)]
    pub const fn active(_: Mutant) -> bool {
        false
    }
}

#[cfg(feature = "sabotage")]
mod switches {
    use std::sync::atomic::{AtomicU8, Ordering};
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use super::Mutant;

    const NONE: u8 = u8::MAX;
    static MUTANT: AtomicU8 = AtomicU8::new(NONE);
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    /// Whether the process runs with this fault.
    pub fn active(mutant: Mutant) -> bool {
        MUTANT.load(Ordering::SeqCst) == mutant as u8
    }

    /// Puts a fault into the process, or takes it out.
    pub fn set(mutant: Option<Mutant>) {
        MUTANT.store(mutant.map_or(NONE, |mutant| mutant as u8), Ordering::SeqCst);
    }

    /// While it lives, nobody else's fault is in the process; dropping it takes its own out.
    pub struct Sabotaged(#[allow(dead_code, reason = "held for its lifetime")] MutexGuard<'static, ()>);

    impl Drop for Sabotaged {
        fn drop(&mut self) {
            set(None);
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
