//! Records: Events, segments, gaps, what was seen, the ledger, and how agents and cameras do. Large, keyed by home first.
//!
//! No decision is made here, and nothing here is asked by one. Every function takes a Permit and no other home, camera or account
//! than the Permit's; what it reads comes back locked, and states its identity from the row itself. The Permit's action must be
//! one that the function serves, and what is older than its life is refused.

mod asked;
mod cursor;
mod header;
mod lists;
mod room;
mod rows;
pub mod sqlite;
pub mod suite;
mod upload;

use async_trait::async_trait;
use keepsight_gate::Permit;
use keepsight_ids::{CameraId, EventId, GapId, HomeId, SegmentKind, SegmentNo, UnixMillis};
use keepsight_ledger::{Journal, Locked};

pub(crate) use asked::{Asked, Place};
pub use cursor::{Cursor, ParseCursorError};
pub use header::HeaderFacts;
pub use lists::{LIFETIME as LISTS_KEPT, memory_cache};
pub use room::{Room, SegmentOffer};
pub use rows::{
    AgentStatus, CameraReport, CameraState, CameraSummary, EventDetail, EventPage, EventQuery, EventRow,
    FiledGap, Gap, GapReason, Neighbour, Neighbours, Retention, SegmentRow, StatusReport, StoredHeader,
    Swept, Usage, View, ViewPage, ViewQuery,
};
pub use sqlite::SqliteRecords;
pub use upload::upload_segment;

use crate::{StoreError, StoredObject, StoredSegment};

/// Segments in one Event.
pub const SEGMENTS_MAX: u32 = 20_000;
/// Bytes of an Event's header (docs/formats/sealed-media.md).
pub const HEADER_MAX: usize = 64 * 1024;
/// Events or views on one page.
pub const PAGE_MAX: u32 = 100;
/// Gaps that come with one page, newest first.
pub const GAPS_MAX: u32 = 500;

/// The large store. All that is written is durable when the function returns `Ok`.
#[async_trait]
pub trait Records: Journal + 'static {
    /// Stores an Event's header (`AgentIngest`). The header's own home, camera, Event and agent must be the Permit's and the
    /// path's. The same bytes again are acknowledged again.
    ///
    /// # Errors
    /// [`StoreError::Misplaced`], [`StoreError::HeaderConflict`], [`StoreError::Gone`], [`StoreError::TooMany`],
    /// [`StoreError::EventsOfTheDay`], [`StoreError::HomeFull`].
    async fn put_header(
        &self,
        permit: &Permit,
        event: EventId,
        header: Vec<u8>,
        signature: Vec<u8>,
        room: Room,
    ) -> Result<StoredHeader, StoreError>;

    /// Asks before an object is written whether the segment is still wanted (`AgentIngest`): `false` means that the very same
    /// bytes are there already, to be acknowledged again.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the Event's header, [`StoreError::SegmentConflict`], [`StoreError::Gone`],
    /// [`StoreError::TooMany`], [`StoreError::HomeFull`].
    async fn wants_segment(
        &self,
        permit: &Permit,
        offer: SegmentOffer,
        room: Room,
    ) -> Result<bool, StoreError>;

    /// Makes a durable object exist (`AgentIngest`). `false`: the very same bytes were there already under another object, and
    /// this one is nobody's. The trailer completes the Event.
    ///
    /// # Errors
    /// As [`Records::wants_segment`], and [`StoreError::StaleObject`].
    async fn put_segment(
        &self,
        permit: &Permit,
        object: &StoredObject,
        room: Room,
    ) -> Result<bool, StoreError>;

    /// Stores a gap (`AgentReportGap`) or moves its end.
    ///
    /// # Errors
    /// [`StoreError::Misplaced`] if it ends before it begins.
    async fn put_gap(&self, permit: &Permit, gap: GapId, told: Gap) -> Result<(), StoreError>;

    /// Keeps an agent's last word about itself and its cameras (`AgentStatus`). Cameras that are not in the Permit are left out.
    ///
    /// # Errors
    /// A [`StoreError`].
    async fn put_status(&self, permit: &Permit, report: StatusReport) -> Result<(), StoreError>;

    /// One page of Events, newest first, with the gaps that touch its span (`ListEvents`). The Permit's camera is the filter.
    ///
    /// # Errors
    /// A [`StoreError`].
    async fn event_page(&self, permit: &Permit, query: EventQuery) -> Result<Locked<EventPage>, StoreError>;

    /// One Event, its segments and its neighbours (`ReadEvent`, `KeepEvent`, `MarkSeen`, `DeleteEvent`).
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn event(&self, permit: &Permit, event: EventId) -> Result<Locked<EventDetail>, StoreError>;

    /// The Events beside one of the home, on any of the Permit's cameras (`ListEvents`).
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn neighbours(
        &self,
        permit: &Permit,
        camera: CameraId,
        event: EventId,
    ) -> Result<Locked<Neighbours>, StoreError>;

    /// Where a segment's object is (`ReadSegment`, `DownloadSegment`); what [`crate::Objects::read`] takes, and nobody else can read.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn segment(
        &self,
        permit: &Permit,
        event: EventId,
        kind: SegmentKind,
        number: SegmentNo,
    ) -> Result<StoredSegment, StoreError>;

    /// Each camera's newest Event and how many were filed since `since` (`ReadCameras`, `ListEvents`). Empty for what a lockdown stops.
    ///
    /// # Errors
    /// A [`StoreError`].
    async fn cameras(
        &self,
        permit: &Permit,
        since: UnixMillis,
    ) -> Result<Locked<Vec<CameraSummary>>, StoreError>;

    /// How the cameras in the Permit do, by their agents' last words (`ReadCameras`).
    ///
    /// # Errors
    /// A [`StoreError`].
    async fn camera_reports(&self, permit: &Permit) -> Result<Locked<Vec<CameraReport>>, StoreError>;

    /// How the home's agents do (`ReadAgents`, `ReadCameras`, `ReadHome`).
    ///
    /// # Errors
    /// A [`StoreError`].
    async fn agents(&self, permit: &Permit) -> Result<Locked<Vec<AgentStatus>>, StoreError>;

    /// What the Events of the Permit's cameras take (`ReadHome`, `ManageHome`).
    ///
    /// # Errors
    /// A [`StoreError`].
    async fn usage(&self, permit: &Permit) -> Result<Locked<Usage>, StoreError>;

    /// Marks an Event as opened by the Permit's account (`MarkSeen`, `ReadEvent`, `ReadSegment`).
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn mark_seen(&self, permit: &Permit, event: EventId) -> Result<(), StoreError>;

    /// Takes an Event out of retention's reach (`KeepEvent`), or puts it back, which lets retention delete it (`DeleteEvent`).
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn keep(&self, permit: &Permit, event: EventId, kept: bool) -> Result<(), StoreError>;

    /// Deletes an Event (`DeleteEvent`): a tombstone stands in its place for ever, and its objects are doomed.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn delete(&self, permit: &Permit, event: EventId) -> Result<(), StoreError>;

    /// Who saw what, newest first (`ReadHomeViews`, `ReadEventViews`): of the cameras that the Permit covers. Lists of the whole
    /// home are told to those who may see all of it, and whoever has no right to download (a guest) is told of their own alone.
    ///
    /// # Errors
    /// A [`StoreError`].
    async fn views(&self, permit: &Permit, query: ViewQuery) -> Result<Locked<ViewPage>, StoreError>;

    /// Which Records these are: drawn when they were made, and the same for ever, in a restored backup too. The service's own deed.
    ///
    /// # Errors
    /// A [`StoreError`].
    async fn identity(&self) -> Result<[u8; 16], StoreError>;

    /// Homes that have anything here, for the retention sweep. The service's own deed: it discloses nothing.
    ///
    /// # Errors
    /// A [`StoreError`].
    async fn homes(&self) -> Result<Vec<HomeId>, StoreError>;

    /// Deletes what a home's retention lets go, oldest first, kept ones excepted; at most a few hundred Events a call. What is still
    /// arriving does not go for want of room. The service's own deed.
    ///
    /// # Errors
    /// A [`StoreError`].
    async fn sweep(&self, home: HomeId, retention: Retention) -> Result<Swept, StoreError>;

    /// Removes records of a home's ledger from before that time, oldest first, at most a few hundred a call: how many. One whose
    /// Event still exists stays with it, and the home's newest stays always, so that no number is given twice. The service's own deed.
    ///
    /// # Errors
    /// A [`StoreError`].
    async fn prune_ledger(&self, home: HomeId, before: UnixMillis) -> Result<u64, StoreError>;

    /// Objects of deleted Events that are yet to be removed: the first `limit` of them behind that one, in an order that stays.
    ///
    /// # Errors
    /// A [`StoreError`].
    async fn doomed(
        &self,
        after: Option<crate::ObjectKey>,
        limit: u32,
    ) -> Result<Vec<crate::ObjectKey>, StoreError>;

    /// Forgets doomed objects that have been removed.
    ///
    /// # Errors
    /// A [`StoreError`].
    async fn buried(&self, removed: Vec<crate::ObjectKey>) -> Result<(), StoreError>;

    /// Of these objects, those that no segment's row names.
    ///
    /// # Errors
    /// A [`StoreError`].
    async fn orphans(&self, among: Vec<crate::ObjectKey>) -> Result<Vec<crate::ObjectKey>, StoreError>;
}
