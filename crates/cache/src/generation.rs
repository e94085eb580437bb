//! Generation numbers of types and tenants: invalidating all of a tenant is replacing one number.
//!
//! A number is random and lives on the server; a value states the numbers it was stored under and is only good while they are current. They are believed for half
//! of a local copy's life (half a second), counted from when they were asked for; the copy's own life is counted from then too. One that the server lost is never made up again: everything under it is a miss.
//!
//! What is read under an old number is not somebody else's, only outdated.

use std::time::Duration;

use bytes::Bytes;

use crate::backend::{Found, Reply};
use crate::cache::Core;
use crate::envelope::{Facts, Generations, Level};
use crate::key::CanonicalKey;
use crate::versions::Slot;

/// A number that is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub number: u64,
    pub asked_at: Duration,
    pub connection: u64,
    pub version: u32,
}

/// One generation number: its name, and the stripe whose version outdates what is known of it.
pub(crate) struct Generation {
    pub key: CanonicalKey,
    pub slot: Slot,
}

// After so long without anybody making it anew, a number ends, and with it what was stored under it.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

impl Core {
    /// Whether what is known may still be believed.
    pub fn is_current(&self, known: &Known, slot: Slot, now: Duration) -> bool {
        let age = now.saturating_sub(known.asked_at);
        age < self.settings.local.lifetime / 2
            && known.connection == self.backend.generation()
            && known.version == self.versions.of(slot)
    }

    /// Asks the server for a number. What is known must be noted with the version and time of before.
    pub fn ask(&self, generation: &Generation) -> Asked {
        let version = self.versions.of(generation.slot);
        let (asked_at, connection) = (self.origin.elapsed(), self.backend.generation());
        Asked { reply: self.backend.get(generation.key.location()), asked_at, version, connection }
    }

    /// Asks the server for a number, and makes one if there is none.
    pub fn adopt(&self, generation: &Generation) -> Asked {
        let version = self.versions.of(generation.slot);
        let (asked_at, connection) = (self.origin.elapsed(), self.backend.generation());
        let fresh = self.new_number(&generation.key);
        let reply = self.backend.adopt(generation.key.location(), fresh, LIFETIME);
        Asked { reply, asked_at, version, connection }
    }

    /// Replaces a number: everything under the old one is outdated as soon as the reply is there.
    pub fn replace(&self, generation: &Generation) -> Reply<bool> {
        let fresh = self.new_number(&generation.key);
        self.backend.fill(generation.key.location(), None, fresh, LIFETIME)
    }

    fn new_number(&self, key: &CanonicalKey) -> Bytes {
        let generations = Generations { of_type: self.chance.u64(), of_tenant: 0 };
        let facts = Facts { generations, absent: false, expires_unix_ms: u64::MAX, load_ms: 0 };
        Level::Bound.close(key, facts, b"")
    }
}

/// A question for a number that is on its way.
pub(crate) struct Asked {
    pub reply: Reply<Found>,
    pub asked_at: Duration,
    pub version: u32,
    pub connection: u64,
}
