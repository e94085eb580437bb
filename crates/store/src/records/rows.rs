//! What Records gives and takes. Whatever is shown to people states its identity from the row itself.

use bytes::Bytes;
use keepsight_ids::{
    AccountId, AgentId, B32, CameraId, EventId, GapId, HomeId, SegmentKind, SegmentNo, SessionId, UnixMillis,
};
use keepsight_ledger::{Identified, Identity, Kind, Record, Span};
use serde::{Deserialize, Serialize};

use super::{Cursor, HeaderFacts};

/// An Event's header is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredHeader {
    /// SHA-256 of the header's bytes as stored.
    pub sha256: B32,
    /// Where the Event is filed in time.
    pub filed: UnixMillis,
    /// It is new, and not told again.
    pub new: bool,
}

/// What is asked of a list of Events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct EventQuery {
    /// Filed in this span only.
    pub span: Option<Span>,
    /// Only what the Permit's account has not opened.
    pub unseen: bool,
    /// Only what comes after this place, newest first.
    pub before: Option<Cursor>,
    /// How many at most; bounded by [`super::PAGE_MAX`].
    pub limit: u32,
}

/// An Event's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// Whose it is.
    pub home: HomeId,
    /// Its camera.
    pub camera: CameraId,
    /// Which.
    pub event: EventId,
    /// The signed header's bytes.
    pub header: Bytes,
    /// The header's signature.
    pub signature: Bytes,
    /// What the header says of itself.
    pub states: HeaderFacts,
    /// Where it is filed in time.
    pub filed: UnixMillis,
    /// When the header arrived, by the truth's time.
    pub received: UnixMillis,
    /// The trailer has come.
    pub complete: bool,
    /// Out of retention's reach.
    pub kept: bool,
    /// The Permit's account has opened it.
    pub seen: bool,
    /// Bytes of header and segments.
    pub bytes: u64,
    /// Which object store holds it.
    pub store_id: u32,
    /// It is deleted after this, kept or not.
    pub expires_at: Option<UnixMillis>,
}

/// A page of Events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventPage {
    /// Newest first.
    pub events: Vec<EventRow>,
    /// The gaps that touch the page's span of time, newest first.
    pub gaps: Vec<FiledGap>,
    /// Where the next page begins, when there is more.
    pub next: Option<Cursor>,
}

/// An Event with what can be fetched of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventDetail {
    /// The Event.
    pub event: EventRow,
    /// Its segments, by kind and number.
    pub segments: Vec<SegmentRow>,
    /// The next later one on its camera ([`super::Records::neighbours`] looks across cameras).
    pub newer: Option<Neighbour>,
    /// The next earlier one on its camera.
    pub older: Option<Neighbour>,
}

/// The Events beside one, in the order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbours {
    /// The next later one within the Permit's cameras.
    pub newer: Option<Neighbour>,
    /// The next earlier one within the Permit's cameras.
    pub older: Option<Neighbour>,
}

/// Where a neighbouring Event is, as its own header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbour {
    /// Its home.
    pub home: HomeId,
    /// Its camera.
    pub camera: CameraId,
    /// Which.
    pub event: EventId,
}

/// That there is a segment, without its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentRow {
    /// Its home.
    pub home: HomeId,
    /// Its camera.
    pub camera: CameraId,
    /// Its Event.
    pub event: EventId,
    /// What it holds.
    pub kind: SegmentKind,
    /// Its number among its kind.
    pub number: SegmentNo,
    /// Sealed size in bytes.
    pub bytes: u64,
    /// SHA-256 of the sealed bytes.
    pub sha256: B32,
}

/// Why nothing was recorded or kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum GapReason {
    /// The camera was not reached.
    CameraNotReached = 1,
    /// The spool was full and the oldest was dropped before it could be uploaded.
    SpoolFull = 2,
    /// The agent stopped while recording.
    AgentStopped = 3,
    /// The agent was not running.
    AgentOff = 4,
    /// Another camera answered at this camera's address.
    CameraChanged = 5,
}

/// A stretch without footage, as its agent tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// From, and until just before.
    pub span: Span,
    /// Why.
    pub reason: GapReason,
}

/// A gap's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiledGap {
    /// Its home.
    pub home: HomeId,
    /// Its camera.
    pub camera: CameraId,
    /// Which.
    pub gap: GapId,
    /// What its agent told.
    pub told: Gap,
}

/// How a camera does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum CameraState {
    /// Frames arrive.
    Recording = 1,
    /// It does not answer, or its picture stands still.
    NotReached = 2,
    /// Another camera answers at its address.
    Changed = 3,
    /// Switched off.
    Off = 4,
}

/// An agent's word about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    /// Its version.
    pub version: String,
    /// The newest chain entry that it verified.
    pub chain_seq: u64,
    /// The epoch that it seals to.
    pub epoch: u32,
    /// What waits in its spool.
    pub spool_bytes: u64,
    /// Its cameras: which, how, since when by its clock.
    pub cameras: Vec<(CameraId, CameraState, UnixMillis)>,
}

/// An agent's last word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentStatus {
    /// Its home.
    pub home: HomeId,
    /// Which.
    pub agent: AgentId,
    /// When it was heard, by the truth's time.
    pub heard: UnixMillis,
    /// Its version.
    pub version: String,
    /// The newest chain entry that it verified.
    pub chain_seq: u64,
    /// The epoch that it seals to.
    pub epoch: u32,
    /// What waits in its spool.
    pub spool_bytes: u64,
}

/// An agent's last word about a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameraReport {
    /// Its home.
    pub home: HomeId,
    /// Which.
    pub camera: CameraId,
    /// The agent that says it.
    pub agent: AgentId,
    /// How it does.
    pub state: CameraState,
    /// Since when, by the agent's clock.
    pub since: UnixMillis,
    /// When it was said, by the truth's time.
    pub heard: UnixMillis,
}

/// A camera's newest Event and its count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameraSummary {
    /// Its home.
    pub home: HomeId,
    /// Which.
    pub camera: CameraId,
    /// The newest Event.
    pub last: Option<EventRow>,
    /// Events filed since the asked time.
    pub count: u32,
}

/// What Events take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// The home.
    pub home: HomeId,
    /// Bytes of headers and segments.
    pub bytes: u64,
    /// How many Events.
    pub events: u64,
    /// How many arrived since midnight UTC, those included that are gone again.
    pub today: u64,
}

/// What is asked of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ViewQuery {
    /// Of this Event of the Permit's camera only.
    pub event: Option<EventId>,
    /// In this span only.
    pub span: Option<Span>,
    /// Only records before this one.
    pub before: Option<u64>,
    /// How many at most; bounded by [`super::PAGE_MAX`].
    pub limit: u32,
}

/// One record of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Its number in its home's ledger.
    pub number: u64,
    /// The record, read from its canonical bytes.
    pub record: Record,
}

/// A page of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewPage {
    /// Newest first.
    pub views: Vec<View>,
    /// For `before`, when there is more.
    pub next: Option<u64>,
}

/// How long a home's Events stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The truth's time now.
    pub now: UnixMillis,
    /// Events filed before this go.
    pub older_than: UnixMillis,
    /// When those that are not kept take more than this, the oldest of them go.
    pub bytes_max: u64,
    /// When all together take more than this, too.
    pub total_max: u64,
}

/// What a sweep did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Swept {
    /// The Events that went.
    pub events: Vec<(CameraId, EventId)>,
    /// There is more to do: call again.
    pub more: bool,
}

impl View {
    /// Who saw it.
    pub const fn viewer(&self) -> AccountId {
        self.record.facts().viewer
    }

    /// In which sign-in.
    pub const fn session(&self) -> Option<SessionId> {
        self.record.facts().session
    }

    /// What happened.
    pub const fn kind(&self) -> Kind {
        self.record.facts().kind
    }
}

impl Identified for EventRow {
    const FOOTAGE: bool = true;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        // The row's key and the signed header's own word: swapping either is seen, also within a list of the home.
        let key = Identity::event(self.home, self.camera, self.event);
        let states = Identity::event(self.states.home, self.states.camera, self.states.event);
        tell(key);
        tell(states);
        if key != states {
            tell(Identity::CONTRADICTORY);
        }
    }
}

impl Identified for SegmentRow {
    const FOOTAGE: bool = true;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        tell(Identity::event(self.home, self.camera, self.event));
    }
}

impl Identified for Neighbour {
    const FOOTAGE: bool = true;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        tell(Identity::event(self.home, self.camera, self.event).beside());
    }
}

impl Identified for Neighbours {
    const FOOTAGE: bool = true;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        self.newer.identities(tell);
        self.older.identities(tell);
    }
}

impl Identified for EventDetail {
    const FOOTAGE: bool = true;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        self.event.identities(tell);
        self.segments.identities(tell);
        self.newer.identities(tell);
        self.older.identities(tell);
    }
}

impl Identified for FiledGap {
    const FOOTAGE: bool = true;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        tell(Identity::camera(self.home, self.camera));
    }
}

impl Identified for EventPage {
    const FOOTAGE: bool = true;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        self.events.identities(tell);
        self.gaps.identities(tell);
    }
}

impl Identified for CameraSummary {
    const FOOTAGE: bool = true;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        tell(Identity::camera(self.home, self.camera));
        if let Some(last) = &self.last {
            last.identities(tell);
        }
    }
}

impl Identified for CameraReport {
    const FOOTAGE: bool = false;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        tell(Identity::camera(self.home, self.camera));
    }
}

impl Identified for AgentStatus {
    const FOOTAGE: bool = false;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        tell(Identity::home(self.home));
    }
}

impl Identified for Usage {
    const FOOTAGE: bool = false;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        tell(Identity::home(self.home));
    }
}

impl Identified for View {
    const FOOTAGE: bool = false;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        let facts = self.record.facts();
        let home = Identity::home(facts.home);
        tell(match (facts.camera, facts.event) {
            (Some(camera), Some(event)) => Identity::event(facts.home, camera, event),
            (Some(camera), None) => Identity::camera(facts.home, camera),
            (None, _) => home,
        });
    }
}

impl Identified for ViewPage {
    const FOOTAGE: bool = false;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        self.views.identities(tell);
    }
}

macro_rules! numbered {
    ($name:ident: $($variant:ident),*) => {
        impl $name {
            /// As it stands in the database.
            pub(crate) const fn number(self) -> u8 {
                self as u8
            }

            /// Read from the database.
            pub(crate) const fn from_number(number: u8) -> Option<Self> {
                $(if number == Self::$variant as u8 { return Some(Self::$variant); })*
                None
            }
        }
    };
}

numbered!(GapReason: CameraNotReached, SpoolFull, AgentStopped, AgentOff, CameraChanged);
numbered!(CameraState: Recording, NotReached, Changed, Off);
