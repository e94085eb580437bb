//! What waits in the spool, as an index in memory: which item goes next, and which Event goes first when room is short.
//!
//! Pure: no disk, no clock. The uploader's state machine reads it, the spool keeps it true.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use keepsight_ids::{CameraId, EventId, GapId, SegmentKind, SegmentNo, UnixMillis};
use keepsight_wire::agent::GapPut;
use keepsight_wire::people::GapReason;
use keepsight_world::Instant;

/// So long after its beginning an Event is what somebody may be waiting for; after that it is backlog.
const FRESH: Duration = Duration::from_secs(120);

/// One thing that is uploaded by one request and dropped by one acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// An Event's signed header: before anything else of that Event.
    Header(EventId),
    /// One sealed segment.
    Segment(EventId, SegmentKind, SegmentNo),
    /// A stretch without footage.
    Gap(GapId),
}

impl Item {
    /// The Event that it is part of.
    pub const fn event(&self) -> Option<EventId> {
        match self {
            Self::Header(event) | Self::Segment(event, ..) => Some(*event),
            Self::Gap(_) => None,
        }
    }
}

impl std::fmt::Display for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Header(event) => write!(f, "header of {event}"),
            Self::Segment(event, kind, number) => write!(f, "{kind} {number} of {event}"),
            Self::Gap(gap) => write!(f, "{gap}"),
        }
    }
}

/// The footage that a segment holds, in milliseconds from the Event's capture time; empty for what is not footage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// From.
    pub from_ms: u32,
    /// Until.
    pub until_ms: u32,
}

/// A gap that waits to be told.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    /// Its camera.
    pub camera: CameraId,
    /// From when to when, and why.
    pub put: GapPut,
    /// The server may know it: it is not changed any more.
    pub(super) sent: bool,
}

/// A segment on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// SHA-256 of the sealed bytes, taken when they were sealed.
    pub sha256: [u8; 32],
    /// What it takes on the disk.
    pub bytes: u64,
    /// What footage it holds.
    pub span: Span,
}

/// An Event of which something waits.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Which.
    pub event: EventId,
    /// Its camera.
    pub camera: CameraId,
    /// When it was captured, by the agent's clock.
    pub captured: UnixMillis,
    /// SHA-256 of the header's signed bytes.
    pub header_sha256: [u8; 32],
    /// The server has the header.
    pub header_acked: bool,
    /// Being recorded: more will come.
    pub open: bool,
    pub(super) began: Option<Instant>,
    pub(super) header_bytes: u64,
    pub(super) parts: BTreeMap<(u8, u32, u8), Part>,
    /// The end of the newest footage that was ever here.
    pub(super) footage_ms: u32,
    /// It ended without a trailer, and that is written down.
    pub(super) cut: bool,
}

impl Waiting {
    /// What it takes on the disk.
    pub fn bytes(&self) -> u64 {
        self.header_bytes + self.parts.values().map(|part| part.bytes).sum::<u64>()
    }

    /// The segments that wait, in the order of uploading.
    pub fn parts(&self) -> impl Iterator<Item = (Item, &Part)> {
        self.parts.iter().map(|(&(_, number, kind), part)| {
            let kind = SegmentKind::from_number(kind).expect("only kinds are inserted");
            (Item::Segment(self.event, kind, SegmentNo(number)), part)
        })
    }

    pub(super) fn has_trailer(&self) -> bool {
        self.parts.contains_key(&order(SegmentKind::Trailer, SegmentNo(0)))
    }

    pub(super) fn is_done(&self) -> bool {
        !self.open && self.header_acked && self.parts.is_empty()
    }

    /// The footage that would be lost with it.
    pub(super) fn unsent_footage(&self) -> Option<(UnixMillis, UnixMillis)> {
        let footage = self.parts.values().filter(|part| part.span != Span::default());
        let from = footage.map(|part| part.span.from_ms).min();
        let from = if self.header_acked { from? } else { 0 };
        (self.footage_ms > from)
            .then(|| (self.captured.plus_ms(from.into()), self.captured.plus_ms(self.footage_ms.into())))
    }

    fn is_fresh(&self, now: Instant) -> bool {
        self.open || self.began.is_some_and(|began| now.saturating_duration_since(began) < FRESH)
    }

    fn next(&self, is_free: &impl Fn(Item) -> bool) -> Option<Item> {
        let header = Item::Header(self.event);
        if !self.header_acked {
            return is_free(header).then_some(header);
        }
        let last = Item::Segment(self.event, SegmentKind::Trailer, SegmentNo(0));
        // The trailer says "complete": only when all else has arrived.
        let only_trailer = self.parts.len() == 1;
        self.parts().map(|(item, _)| item).find(|&item| (item != last || only_trailer) && is_free(item))
    }
}

/// Order of uploading within an Event: what makes a picture appear first, the trailer last.
pub(super) const fn order(kind: SegmentKind, number: SegmentNo) -> (u8, u32, u8) {
    let rank = match kind {
        SegmentKind::Init => 0,
        SegmentKind::Thumbnail => 1,
        SegmentKind::Video | SegmentKind::Audio => 2,
        SegmentKind::Preview => 3,
        SegmentKind::Card => 4,
        SegmentKind::Trailer => 5,
    };
    (rank, number.0, kind as u8)
}

/// What goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// What is fresh, then the rest.
    Fresh,
    /// Gaps and the backlog, then what is fresh.
    Old,
}

/// All that waits.
#[derive(Debug, Default)]
pub struct Backlog {
    /// By the order in which they were begun.
    pub(super) events: BTreeMap<u64, Waiting>,
    pub(super) places: HashMap<EventId, u64>,
    pub(super) gaps: BTreeMap<GapId, Gap>,
}

impl Backlog {
    /// The Events, in the order in which they were begun.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = &Waiting> {
        self.events.values()
    }

    /// The gaps.
    pub fn gaps(&self) -> impl Iterator<Item = (GapId, &Gap)> {
        self.gaps.iter().map(|(&id, gap)| (id, gap))
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.gaps.is_empty()
    }

    /// An Event that waits.
    pub fn event(&self, event: EventId) -> Option<&Waiting> {
        self.events.get(self.places.get(&event)?)
    }

    /// The hash that an acknowledgement must name: of the header's signed bytes, or of the sealed segment. Gaps have none.
    pub fn sha256(&self, item: Item) -> Option<[u8; 32]> {
        match item {
            Item::Header(event) => Some(self.event(event)?.header_sha256),
            Item::Segment(event, kind, number) => {
                Some(self.event(event)?.parts.get(&order(kind, number))?.sha256)
            }
            Item::Gap(_) => None,
        }
    }

    /// True while the item waits.
    pub fn holds(&self, item: Item) -> bool {
        match item {
            Item::Header(event) => self.event(event).is_some_and(|waiting| !waiting.header_acked),
            Item::Segment(..) => self.sha256(item).is_some(),
            Item::Gap(gap) => self.gaps.contains_key(&gap),
        }
    }

    /// The camera that an item is of.
    pub fn camera(&self, item: Item) -> Option<CameraId> {
        match item {
            Item::Gap(gap) => self.gaps.get(&gap).map(|gap| gap.camera),
            other => self.event(other.event()?).map(|waiting| waiting.camera),
        }
    }

    /// What to upload next, in the turn's order: of fresh Events the newest first (a person may be waiting), gaps (they explain), of
    /// the backlog the oldest first. Only cameras that `may_send`, only items that are free (not under way, not held back).
    pub fn next(
        &self,
        now: Instant,
        turn: Turn,
        may_send: impl Fn(CameraId) -> bool,
        is_free: impl Fn(Item) -> bool,
    ) -> Option<Item> {
        let sendable = |waiting: &&Waiting| may_send(waiting.camera);
        let fresh = || {
            let events = self.events.values().rev().filter(sendable);
            events.filter(|waiting| waiting.is_fresh(now)).find_map(|waiting| waiting.next(&is_free))
        };
        let old = || {
            let mut gaps =
                self.gaps.iter().filter(|(_, gap)| may_send(gap.camera)).map(|(&id, _)| Item::Gap(id));
            let events = self.events.values().filter(sendable);
            let mut events = events.filter(|waiting| !waiting.is_fresh(now));
            gaps.find(|&item| is_free(item)).or_else(|| events.find_map(|waiting| waiting.next(&is_free)))
        };
        match turn {
            Turn::Fresh => fresh().or_else(old),
            Turn::Old => old().or_else(fresh),
        }
    }

    /// Whether there is an Event that somebody may be waiting for.
    pub fn has_fresh(&self, now: Instant) -> bool {
        self.events.values().any(|waiting| waiting.is_fresh(now))
    }

    /// Whose turn it is when room is short: the oldest that is not being recorded, else the oldest of all.
    pub(super) fn oldest(&self) -> Option<EventId> {
        let settled = self.events.values().find(|waiting| !waiting.open);
        settled.or_else(|| self.events.values().next()).map(|waiting| waiting.event)
    }

    pub(super) fn event_mut(&mut self, event: EventId) -> Option<&mut Waiting> {
        self.events.get_mut(self.places.get(&event)?)
    }

    pub(super) fn insert(&mut self, place: u64, waiting: Waiting) {
        self.places.insert(waiting.event, place);
        self.events.insert(place, waiting);
    }

    pub(super) fn remove(&mut self, event: EventId) -> Option<Waiting> {
        self.events.remove(&self.places.remove(&event)?)
    }

    /// A gap that a new one of this camera and reason continues, if it may still be changed.
    pub(super) fn continued(&self, camera: CameraId, from: UnixMillis, reason: GapReason) -> Option<GapId> {
        // Many gaps of a long outage become few, so that the room that they take stays small.
        const MANY: usize = 1000;
        let join_ms = if self.gaps.len() < MANY { 60_000 } else { i64::MAX };
        let joins = |gap: &Gap| {
            gap.camera == camera
                && gap.put.reason == reason
                && !gap.sent
                && gap.put.from <= from
                && from <= gap.put.until.plus_ms(join_ms)
        };
        self.gaps.iter().find(|(_, gap)| joins(gap)).map(|(&id, _)| id)
    }
}
