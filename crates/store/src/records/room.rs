//! How much a home may hold and send. A bound of the home, handed in by whoever knows it: Records reads nothing of Truth.

use keepsight_ids::{B32, EventId, SegmentKind, SegmentNo, UnixMillis};

/// What new headers and segments are measured against. What is there already is acknowledged again, whatever the bounds say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes of all the home's headers and segments.
    pub bytes_max: u64,
    /// Events that may arrive on one day of UTC. When they were captured does not matter: a backlog comes in over several days.
    pub events_a_day_max: u32,
}

impl Room {
    /// For a home without bounds.
    pub const UNBOUNDED: Self = Self { bytes_max: u64::MAX, events_a_day_max: u32::MAX };
}

/// A segment that an agent has, before its bytes are written anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentOffer {
    /// Its Event, of the Permit's camera.
    pub event: EventId,
    /// What it holds.
    pub kind: SegmentKind,
    /// Its number among its kind.
    pub number: SegmentNo,
    /// SHA-256 of its sealed bytes.
    pub sha256: B32,
    /// How many they are.
    pub bytes: u64,
}

/// The day of UTC on which something arrived, counted from 1970.
pub(crate) const fn day(at: UnixMillis) -> i64 {
    at.0.div_euclid(24 * 3_600_000)
}
