//! Records and the ledger's journal, watched.

use async_trait::async_trait;
use keepsight_gate::Permit;
use keepsight_ids::{CameraId, EventId, GapId, HomeId, SegmentKind, SegmentNo, UnixMillis};
use keepsight_ledger::{Journal, JournalError, Locked, Record};
use keepsight_store::records::{
    AgentStatus, CameraReport, CameraSummary, EventDetail, EventPage, EventQuery, Gap, Neighbours, Records,
    Retention, Room, SegmentOffer, StatusReport, StoredHeader, Swept, Usage, ViewPage, ViewQuery,
};
use keepsight_store::{ObjectKey, StoreError, StoredObject, StoredSegment};

use super::{Call, Watched};

#[async_trait]
impl<S: Records> Journal for Watched<S> {
    async fn append(&self, batch: Vec<Record>) -> Result<(), JournalError> {
        let homes = batch.iter().map(|record| record.facts().home).collect();
        self.book.note(Call { name: "append", homes, wanted: [0; 4] });
        self.inner.append(batch).await
    }
}

/// Functions that take a Permit, and those that are the service's own deed.
macro_rules! watched {
    (
        under a permit { $($name:ident($($arg:ident: $ty:ty),*) -> $out:ty;)* }
        by itself { $($own:ident as $noted:literal ($($own_arg:ident: $own_ty:ty),*) -> $own_out:ty;)* }
    ) => {
        #[async_trait]
        impl<S: Records> Records for Watched<S> {
            $(async fn $name(&self, permit: &Permit $(, $arg: $ty)*) -> Result<$out, StoreError> {
                self.book.about(stringify!($name), permit);
                self.inner.$name(permit $(, $arg)*).await
            })*

            $(async fn $own(&self $(, $own_arg: $own_ty)*) -> Result<$own_out, StoreError> {
                self.book.plain($noted);
                self.inner.$own($($own_arg),*).await
            })*
        }
    };
}

watched! {
    under a permit {
    put_header(event: EventId, header: Vec<u8>, signature: Vec<u8>, room: Room) -> StoredHeader;
    wants_segment(offer: SegmentOffer, room: Room) -> bool;
    put_segment(object: &StoredObject, room: Room) -> bool;
    put_gap(gap: GapId, told: Gap) -> ();
    put_status(report: StatusReport) -> ();
    event_page(query: EventQuery) -> Locked<EventPage>;
    event(event: EventId) -> Locked<EventDetail>;
    neighbours(camera: CameraId, event: EventId) -> Locked<Neighbours>;
    segment(event: EventId, kind: SegmentKind, number: SegmentNo) -> StoredSegment;
    cameras(since: UnixMillis) -> Locked<Vec<CameraSummary>>;
    camera_reports() -> Locked<Vec<CameraReport>>;
    agents() -> Locked<Vec<AgentStatus>>;
    usage() -> Locked<Usage>;
    mark_seen(event: EventId) -> ();
    keep(event: EventId, kept: bool) -> ();
    delete(event: EventId) -> ();
    views(query: ViewQuery) -> Locked<ViewPage>;
    }
    by itself {
    identity as "identity" () -> [u8; 16];
    homes as "homes_with_records" () -> Vec<HomeId>;
    sweep as "sweep" (home: HomeId, retention: Retention) -> Swept;
    prune_ledger as "prune_ledger" (home: HomeId, before: UnixMillis) -> u64;
    doomed as "doomed" (after: Option<ObjectKey>, limit: u32) -> Vec<ObjectKey>;
    buried as "buried" (removed: Vec<ObjectKey>) -> ();
    orphans as "orphans" (among: Vec<ObjectKey>) -> Vec<ObjectKey>;
    }
}
