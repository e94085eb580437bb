//! A store, a street before it, and short words for what the cases do.

use std::sync::Arc;

use async_trait::async_trait;
use keepsight_gate::{Action, Permit};
use keepsight_ids::{CameraId, EventId, SegmentKind, SegmentNo, UnixMillis};
use keepsight_ledger::{
    Disclosure, Identified, Journal, JournalError, Kind, Ledger, Locked, Misfiled, Receipt, Record,
};
use keepsight_world::World;

use super::street::{NOW, Street, Who, event, header, sealed};
use crate::objects::SealedIdentity;
use crate::records::{
    Asked, EventDetail, EventPage, EventQuery, Gap, Records, Room, StoredHeader, View, ViewPage, ViewQuery,
};
use crate::{ObjectKey, StoreError, StoredObject};

/// Opens an empty store that measures with the given world.
pub type Make = Arc<dyn Fn(World) -> Arc<dyn Records> + Send + Sync>;

/// One case's scene. Its ledger is not the store's, so that opening a page leaves no record in it.
pub struct Bench {
    /// The store under test.
    pub records: Arc<dyn Records>,
    /// Who asks.
    pub street: Street,
    /// Its time and chance.
    pub world: World,
    /// What the agents' uploads are measured against.
    pub room: Room,
    ledger: Arc<Ledger>,
}

/// A journal for receipts that are not what is tested.
struct Unwritten;

#[async_trait]
impl Journal for Unwritten {
    async fn append(&self, _: Vec<Record>) -> Result<(), JournalError> {
        Ok(())
    }
}

impl Bench {
    /// A fresh store and street.
    pub fn new(make: &Make) -> Self {
        let world = World::simulated(NOW.0, 7);
        Self {
            records: make(world.clone()),
            street: Street::new(&world),
            room: Room::UNBOUNDED,
            ledger: Ledger::start(Arc::new(Unwritten), world.clone()),
            world,
        }
    }

    /// Uploads a header, captured when the bench's Events are: at its number in seconds.
    ///
    /// # Errors
    /// The store's.
    pub async fn put_header(&self, n: u8, camera: CameraId, number: u32) -> Result<StoredHeader, StoreError> {
        self.put_header_of(n, camera, number, header(n, camera, event(number), captured(number), true)).await
    }

    /// Uploads these bytes as a header.
    ///
    /// # Errors
    /// The store's.
    pub async fn put_header_of(
        &self,
        n: u8,
        camera: CameraId,
        number: u32,
        header: Vec<u8>,
    ) -> Result<StoredHeader, StoreError> {
        let permit = self.street.agent(n, Action::AgentIngest, Some(camera)).await;
        self.records.put_header(&permit, event(number), header, vec![1; 64], self.room).await
    }

    /// Commits a segment whose object is imagined.
    ///
    /// # Errors
    /// The store's.
    pub async fn put_segment(
        &self,
        n: u8,
        (camera, number): (CameraId, u32),
        segment: (SegmentKind, SegmentNo),
        filling: &[u8],
    ) -> Result<bool, StoreError> {
        let permit = self.street.agent(n, Action::AgentIngest, Some(camera)).await;
        let object = self.object(&permit, sealed(n, camera, event(number), segment, filling).as_ref());
        self.records.put_segment(&permit, &object, self.room).await
    }

    /// An object as it would be after it was written.
    ///
    /// # Panics
    /// If the bytes state no identity.
    pub fn object(&self, permit: &Permit, sealed: &[u8]) -> StoredObject {
        let identity = SealedIdentity::read(sealed).expect("the bench seals rightly");
        let asked = Asked::of(permit, &self.world, &[Action::AgentIngest]).expect("an agent's permit");
        let place = asked.place(identity.place.event).expect("of a camera");
        StoredObject::new(identity, ObjectKey::draw(&self.world, place), sealed, self.world.now())
    }

    /// An Event with one video segment and its trailer.
    pub async fn put_whole(&self, n: u8, camera: CameraId, number: u32) {
        self.put_header(n, camera, number).await.expect("the header is taken");
        for kind in [SegmentKind::Video, SegmentKind::Trailer] {
            let put = self.put_segment(n, (camera, number), (kind, SegmentNo(0)), b"x").await;
            assert!(put.expect("the segment is taken"));
        }
    }

    /// A gap of home `n`.
    ///
    /// # Errors
    /// The store's.
    pub async fn put_gap(&self, n: u8, camera: CameraId, id: u8, told: Gap) -> Result<(), StoreError> {
        let permit = self.street.agent(n, Action::AgentReportGap, Some(camera)).await;
        self.records.put_gap(&permit, super::street::gap(id), told).await
    }

    /// Reads a page of Events.
    pub async fn page(&self, who: Who, camera: Option<CameraId>, query: EventQuery) -> EventPage {
        let permit = self.street.person(who, Action::ListEvents, camera).await;
        let locked = self.records.event_page(&permit, query).await.expect("a page is read");
        self.open(locked, permit, Disclosure::page(None)).await.expect("the page is the Permit's")
    }

    /// The numbers of all Events of all pages, newest first.
    pub async fn numbers(&self, who: Who, camera: Option<CameraId>, mut query: EventQuery) -> Vec<u32> {
        let mut numbers = Vec::new();
        loop {
            let page = self.page(who, camera, query).await;
            numbers.extend(page.events.iter().map(|row| number_of(row.event)));
            assert!(numbers.len() < 10_000, "the pages have no end");
            query.before = page.next;
            if page.next.is_none() {
                return numbers;
            }
        }
    }

    /// Reads one Event.
    ///
    /// # Errors
    /// The store's.
    pub async fn detail(&self, who: Who, camera: CameraId, number: u32) -> Result<EventDetail, StoreError> {
        let permit = self.street.person(who, Action::ReadEvent, Some(camera)).await;
        let locked = self.records.event(&permit, event(number)).await?;
        let what = Disclosure::event(Kind::Offered, event(number));
        Ok(self.open(locked, permit, what).await.expect("the Event is the Permit's"))
    }

    /// Reads a page of the ledger.
    pub async fn views(&self, who: Who, camera: Option<CameraId>, query: ViewQuery) -> ViewPage {
        let action = if camera.is_some() { Action::ReadEventViews } else { Action::ReadHomeViews };
        let permit = self.street.person(who, action, camera).await;
        let locked = self.records.views(&permit, query).await.expect("a page is read");
        locked.open(&self.plain(permit)).expect("the page is the Permit's")
    }

    /// Opens what is no footage.
    ///
    /// # Panics
    /// If it is not the Permit's.
    pub fn open_plain<T: Identified>(&self, locked: Locked<T>, permit: Permit) -> T {
        let opened = locked.open(&self.plain(permit));
        opened.unwrap_or_else(|misfiled| panic!("{misfiled}"))
    }

    /// Opens what was read, as the cloud does.
    ///
    /// # Errors
    /// [`Misfiled`].
    pub async fn open<T: Identified>(
        &self,
        locked: Locked<T>,
        permit: Permit,
        what: Disclosure,
    ) -> Result<T, Misfiled> {
        let receipt = self.ledger.disclose(permit, what).await.expect("the Permit is fresh");
        locked.open(&receipt)
    }

    fn plain(&self, permit: Permit) -> Receipt {
        self.ledger.internal(permit).expect("the Permit is fresh")
    }
}

/// When the Event of that number was captured.
pub(super) const fn captured(number: u32) -> UnixMillis {
    UnixMillis(NOW.0 - 1_000_000_000 + 1000 * number as i64)
}

/// The number of an Event made by [`event`].
pub(super) fn number_of(event: EventId) -> u32 {
    let bytes = event.as_bytes();
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// Views by who looked.
pub(super) fn viewers(page: &ViewPage) -> Vec<keepsight_ids::AccountId> {
    page.views.iter().map(View::viewer).collect()
}
