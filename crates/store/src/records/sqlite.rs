//! Records on SQLite. Each subject's statements stand in a file of their own; this one only leads to them.

mod columns;
mod events;
mod ingest;
mod retention;
mod schema;
mod status;
mod usage;
mod views;

use std::path::Path;

use async_trait::async_trait;
use keepsight_cache::Cache;
use keepsight_gate::{Action, Permit};
use keepsight_ids::{CameraId, EventId, GapId, HomeId, SegmentKind, SegmentNo, UnixMillis};
use keepsight_ledger::{Journal, JournalError, Locked, Record};
use keepsight_world::World;
use rusqlite::Connection;

use super::asked::Asked;
use super::lists::Lists;
use super::{
    AgentStatus, CameraReport, CameraSummary, EventDetail, EventPage, EventQuery, Gap, Neighbours, Records,
    Retention, Room, SegmentOffer, StatusReport, StoredHeader, Swept, Usage, ViewPage, ViewQuery,
};
use crate::sqlite::{Options, Sqlite};
use crate::{ObjectKey, StoreError, StoredObject, StoredSegment, objects};

/// Records in one SQLite file. Cheap to clone.
#[derive(Clone)]
pub struct SqliteRecords {
    db: Sqlite,
    world: World,
    lists: Lists,
}

impl SqliteRecords {
    /// Opens the file, makes it if absent, and brings its schema up to date. Blocks; call it while starting.
    ///
    /// # Errors
    /// As [`Sqlite::open`].
    pub fn open(path: &Path, world: World) -> Result<Self, StoreError> {
        Ok(Self {
            db: Sqlite::open(path, &schema::SCHEMA, Options::default())?,
            world,
            lists: Lists::default(),
        })
    }

    /// Keeps lists of Events and of how cameras do in a cache, whose types are sealed: it needs a key ring.
    #[must_use]
    pub fn with_cache(self, cache: &Cache) -> Self {
        Self { lists: Lists::new(cache), ..self }
    }

    fn asked(&self, permit: &Permit, serves: &[Action]) -> Result<Asked, StoreError> {
        Asked::of(permit, &self.world, serves)
    }

    async fn read<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.db.read(name, work).await
    }

    async fn write<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.db.write(name, work).await
    }

    /// A write after which that home's lists are other ones.
    async fn write_of<T: Send + 'static>(
        &self,
        home: HomeId,
        name: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let records = self.clone();
        // Of its own: a caller that goes away stops neither the write nor the forgetting.
        let written = tokio::spawn(async move {
            let done = records.write(name, work).await;
            // Also when it failed: a commit whose answer was lost may have been done.
            records.lists.forget(home).await;
            done
        });
        written.await.unwrap_or(Err(StoreError::Lost { transaction: name }))
    }
}

#[async_trait]
impl Journal for SqliteRecords {
    async fn append(&self, batch: Vec<Record>) -> Result<(), JournalError> {
        let outcome = self.write("ledger append", move |tx| views::append(tx, &batch)).await;
        outcome.map_err(|error| match error {
            StoreError::NoSpace { .. } => JournalError::NoSpace,
            other => JournalError::Unavailable(other.to_string()),
        })
    }
}

#[async_trait]
impl Records for SqliteRecords {
    async fn put_header(
        &self,
        permit: &Permit,
        event: EventId,
        header: Vec<u8>,
        signature: Vec<u8>,
        room: Room,
    ) -> Result<StoredHeader, StoreError> {
        let asked = self.asked(permit, &[Action::AgentIngest])?;
        let new = ingest::NewHeader::of(&asked, event, header, signature)?;
        self.write_of(asked.home, "put header", move |tx| ingest::header(tx, &new, &room)).await
    }

    async fn wants_segment(
        &self,
        permit: &Permit,
        offer: SegmentOffer,
        room: Room,
    ) -> Result<bool, StoreError> {
        let asked = self.asked(permit, &[Action::AgentIngest])?;
        let wanted = ingest::Wanted { place: asked.place(offer.event)?, agent: asked.agent()?, offer };
        self.read("wants segment", move |db| ingest::wants(db, &wanted, &room)).await
    }

    async fn put_segment(
        &self,
        permit: &Permit,
        object: &StoredObject,
        room: Room,
    ) -> Result<bool, StoreError> {
        let asked = self.asked(permit, &[Action::AgentIngest])?;
        if !objects::may_commit(object.written, self.world.now()) {
            return Err(StoreError::StaleObject);
        }
        let new = ingest::NewSegment::of(&asked, object)?;
        self.write_of(asked.home, "put segment", move |tx| ingest::segment(tx, &new, &room)).await
    }

    async fn put_gap(&self, permit: &Permit, gap: GapId, told: Gap) -> Result<(), StoreError> {
        let asked = self.asked(permit, &[Action::AgentReportGap])?;
        self.write_of(asked.home, "put gap", move |tx| ingest::gap(tx, &asked, gap, &told)).await
    }

    async fn put_status(&self, permit: &Permit, report: StatusReport) -> Result<(), StoreError> {
        let asked = self.asked(permit, &[Action::AgentStatus])?;
        self.write_of(asked.home, "put status", move |tx| status::put(tx, &asked, &report)).await
    }

    async fn event_page(&self, permit: &Permit, query: EventQuery) -> Result<Locked<EventPage>, StoreError> {
        let asked = self.asked(permit, &[Action::ListEvents])?;
        let (records, of) = (self.clone(), asked.clone());
        let load = async move { records.read("event page", move |db| events::page(db, &of, &query)).await };
        self.lists.page(&asked, query, load).await.map(Locked::new)
    }

    async fn event(&self, permit: &Permit, event: EventId) -> Result<Locked<EventDetail>, StoreError> {
        use Action::{DeleteEvent, KeepEvent, MarkSeen, ReadEvent};
        let asked = self.asked(permit, &[ReadEvent, KeepEvent, MarkSeen, DeleteEvent])?;
        self.read("event", move |db| events::detail(db, &asked, event)).await.map(Locked::new)
    }

    async fn neighbours(
        &self,
        permit: &Permit,
        camera: CameraId,
        event: EventId,
    ) -> Result<Locked<Neighbours>, StoreError> {
        let asked = self.asked(permit, &[Action::ListEvents])?;
        self.read("neighbours", move |db| events::neighbours(db, &asked, camera, event))
            .await
            .map(Locked::new)
    }

    async fn segment(
        &self,
        permit: &Permit,
        event: EventId,
        kind: SegmentKind,
        number: SegmentNo,
    ) -> Result<StoredSegment, StoreError> {
        let asked = self.asked(permit, &[Action::ReadSegment, Action::DownloadSegment])?;
        let place = asked.place(event)?;
        self.read("segment", move |db| events::segment(db, place, kind, number)).await
    }

    async fn cameras(
        &self,
        permit: &Permit,
        since: UnixMillis,
    ) -> Result<Locked<Vec<CameraSummary>>, StoreError> {
        let asked = self.asked(permit, &[Action::ReadCameras, Action::ListEvents])?;
        if permit.lockdown() {
            return Ok(Locked::new(Vec::new()));
        }
        let (records, of) = (self.clone(), asked.clone());
        let load = async move { records.read("cameras", move |db| events::cameras(db, &of, since)).await };
        self.lists.summaries(&asked, since, load).await.map(Locked::new)
    }

    async fn camera_reports(&self, permit: &Permit) -> Result<Locked<Vec<CameraReport>>, StoreError> {
        let asked = self.asked(permit, &[Action::ReadCameras])?;
        let (records, of) = (self.clone(), asked.clone());
        let load = async move { records.read("camera reports", move |db| status::cameras(db, &of)).await };
        self.lists.reports(&asked, load).await.map(Locked::new)
    }

    async fn agents(&self, permit: &Permit) -> Result<Locked<Vec<AgentStatus>>, StoreError> {
        let asked = self.asked(permit, &[Action::ReadAgents, Action::ReadCameras, Action::ReadHome])?;
        self.read("agents", move |db| status::agents(db, &asked)).await.map(Locked::new)
    }

    async fn usage(&self, permit: &Permit) -> Result<Locked<Usage>, StoreError> {
        let asked = self.asked(permit, &[Action::ReadHome, Action::ManageHome])?;
        self.read("usage", move |db| usage::of(db, &asked)).await.map(Locked::new)
    }

    async fn mark_seen(&self, permit: &Permit, event: EventId) -> Result<(), StoreError> {
        let asked = self.asked(permit, &[Action::MarkSeen, Action::ReadEvent, Action::ReadSegment])?;
        self.write_of(asked.home, "mark seen", move |tx| events::mark_seen(tx, &asked, event)).await
    }

    async fn keep(&self, permit: &Permit, event: EventId, kept: bool) -> Result<(), StoreError> {
        // Retention deletes what is no longer kept: letting go of it is a deletion, a little later.
        let action = if kept { Action::KeepEvent } else { Action::DeleteEvent };
        let place = self.asked(permit, &[action])?.place(event)?;
        self.write_of(place.home, "keep", move |tx| events::keep(tx, place, kept)).await
    }

    async fn delete(&self, permit: &Permit, event: EventId) -> Result<(), StoreError> {
        let asked = self.asked(permit, &[Action::DeleteEvent])?;
        let place = asked.place(event)?;
        self.write_of(asked.home, "delete", move |tx| retention::delete(tx, place, asked.now)).await
    }

    async fn views(&self, permit: &Permit, query: ViewQuery) -> Result<Locked<ViewPage>, StoreError> {
        let asked = self.asked(permit, &[Action::ReadHomeViews, Action::ReadEventViews])?;
        self.read("views", move |db| views::page(db, &asked, &query)).await.map(Locked::new)
    }

    async fn identity(&self) -> Result<[u8; 16], StoreError> {
        let drawn = self.world.random();
        self.write("identity", move |tx| schema::identity(tx, drawn)).await
    }

    async fn homes(&self) -> Result<Vec<HomeId>, StoreError> {
        self.read("homes", retention::homes).await
    }

    async fn sweep(&self, home: HomeId, retention: Retention) -> Result<Swept, StoreError> {
        self.write_of(home, "sweep", move |tx| retention::sweep(tx, home, &retention)).await
    }

    async fn prune_ledger(&self, home: HomeId, before: UnixMillis) -> Result<u64, StoreError> {
        self.write("prune the ledger", move |tx| views::prune(tx, home, before)).await
    }

    async fn doomed(&self, after: Option<ObjectKey>, limit: u32) -> Result<Vec<ObjectKey>, StoreError> {
        self.read("doomed", move |db| retention::doomed(db, after.as_ref(), limit)).await
    }

    async fn buried(&self, removed: Vec<ObjectKey>) -> Result<(), StoreError> {
        self.write("buried", move |tx| retention::buried(tx, &removed)).await
    }

    async fn orphans(&self, among: Vec<ObjectKey>) -> Result<Vec<ObjectKey>, StoreError> {
        self.read("orphans", move |db| retention::orphans(db, among)).await
    }
}
