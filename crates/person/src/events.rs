//! Events: lists, and opening one with every comparison that the browser makes.
//!
//! Nothing that comes is believed to be what was asked for: the list's and the detail's own identities, the header's, and each
//! segment's are compared, and each comparison stands alone.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Method;
use keepsight_ids::{CameraId, EventId, HomeId, SegmentKind, SegmentNo};
use keepsight_seal::{Asked, Card, Counts, EventHeader, EventOpener, SealError, Trailer, VerifiedHeader};
use keepsight_wire::people::{Event, EventDetail, EventPage, Keep, Purpose, ViewPage};

use crate::{Person, PersonError};

/// Which Events a list should have. Everything may be left out.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    /// One day in the home's time zone: `YYYY-MM-DD`.
    pub day: Option<String>,
    /// One camera.
    pub camera: Option<CameraId>,
    /// Only what this person hasn't opened.
    pub unseen: bool,
    /// Only what comes after [`EventPage::next`].
    pub before: Option<String>,
    /// At most so many, up to 100.
    pub limit: Option<u32>,
}

impl EventQuery {
    fn text(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if let Some(day) = &self.day {
            query.append_pair("day", day);
        }
        if let Some(camera) = self.camera {
            query.append_pair("camera", &camera.to_string());
        }
        if self.unseen {
            query.append_pair("unseen", "true");
        }
        if let Some(before) = &self.before {
            query.append_pair("before", before);
        }
        if let Some(limit) = self.limit {
            query.append_pair("limit", &limit.to_string());
        }
        query.finish()
    }
}

/// An Event whose header was verified and whose content key is open.
#[derive(Debug)]
pub struct OpenEvent {
    /// What the server says of it.
    pub detail: EventDetail,
    /// The verified header.
    pub header: VerifiedHeader,
    opener: EventOpener,
}

impl OpenEvent {
    /// Opens a sealed segment as the one that was asked for.
    ///
    /// # Errors
    /// What [`EventOpener::open`] refuses.
    pub fn open(&self, kind: SegmentKind, number: SegmentNo, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        self.opener.open(kind, number, sealed)
    }

    /// The content key's holder, for those who test what it opens.
    pub const fn opener(&self) -> &EventOpener {
        &self.opener
    }
}

/// An Event with all of its parts fetched and opened.
#[derive(Debug)]
pub struct WatchedEvent {
    /// The Event.
    pub event: Event,
    /// What it shows, once its agent has said so.
    pub card: Option<Card>,
    /// How many parts it has; absent when it was cut short, or isn't over.
    pub trailer: Option<Trailer>,
    /// Every part, opened.
    pub parts: BTreeMap<(SegmentKind, SegmentNo), Vec<u8>>,
}

impl WatchedEvent {
    /// How many parts of each kind came.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.parts.keys().for_each(|(kind, _)| counts.add(*kind));
        counts
    }

    /// That the trailer has come and nothing it counts is missing.
    pub fn is_whole(&self) -> bool {
        self.trailer.as_ref().is_some_and(|trailer| trailer.missing(&self.counts()).is_empty())
    }

    /// The video as one file's bytes: init segment and media segments in order.
    pub fn video(&self) -> Vec<u8> {
        let init = self.parts.get(&(SegmentKind::Init, SegmentNo(0)));
        let segments = self.parts.iter().filter(|((kind, _), _)| *kind == SegmentKind::Video);
        init.into_iter().chain(segments.map(|(_, bytes)| bytes)).flatten().copied().collect()
    }
}

fn path(home: HomeId, camera: CameraId, event: EventId) -> String {
    format!("/homes/{home}/cameras/{camera}/events/{event}")
}

impl Person {
    /// A page of the home's Events, newest first; every one is of that home, and of the camera if one was asked for.
    ///
    /// # Errors
    /// [`PersonError::Seal`] when the server mixes in something foreign; [`PersonError::Refused`] and the connection's.
    pub async fn events(&self, home: HomeId, query: &EventQuery) -> Result<EventPage, PersonError> {
        let page: EventPage = self.api.get(&format!("/homes/{home}/events?{}", query.text())).await?;
        for event in &page.events {
            compare("home", event.home == home)?;
            compare("camera", query.camera.is_none_or(|camera| camera == event.camera))?;
        }
        Ok(page)
    }

    /// One Event's details, which are of that Event.
    ///
    /// # Errors
    /// As [`Person::events`].
    pub async fn event(
        &self,
        home: HomeId,
        camera: CameraId,
        event: EventId,
    ) -> Result<EventDetail, PersonError> {
        let detail: EventDetail = self.api.get(&path(home, camera, event)).await?;
        compare("home", detail.event.home == home)?;
        compare("camera", detail.event.camera == camera)?;
        compare("Event", detail.event.event == event)?;
        Ok(detail)
    }

    /// A sealed segment as the server sends it.
    ///
    /// # Errors
    /// [`PersonError::Refused`] and the connection's.
    pub async fn segment(
        &self,
        of: Asked,
        kind: SegmentKind,
        number: SegmentNo,
        purpose: Purpose,
    ) -> Result<Bytes, PersonError> {
        let purpose = match purpose {
            Purpose::View => "view",
            Purpose::Download => "download",
        };
        let event = path(of.home, of.camera, of.event);
        self.api.bytes(&format!("{event}/segments/{kind}/{number}?purpose={purpose}")).await
    }

    /// Opens an Event: verifies its header against the home's chain and opens its content key.
    ///
    /// # Errors
    /// [`PersonError::Seal`], [`PersonError::Locked`], [`PersonError::Refused`].
    pub async fn open_event(
        &self,
        home: HomeId,
        camera: CameraId,
        event: EventId,
    ) -> Result<OpenEvent, PersonError> {
        let detail = self.event(home, camera, event).await?;
        let asked = Asked { home, camera, event };
        let (header, opener) = self.open_header(&asked, &detail.event).await?;
        Ok(OpenEvent { detail, header, opener })
    }

    /// Opens the header of an Event in a list.
    ///
    /// # Errors
    /// As [`Person::open_event`].
    pub async fn open_header(
        &self,
        asked: &Asked,
        event: &Event,
    ) -> Result<(VerifiedHeader, EventOpener), PersonError> {
        let known = self.known_home(asked.home).await?;
        let attempt = |home: &crate::OpenHome| {
            let header = EventHeader::verify(&event.header, &home.chain, asked)?;
            let opener = header.open(&home.secrets)?;
            Ok::<_, SealError>((header, opener))
        };
        match attempt(&known) {
            // The home may have moved on since it was read: an agent added, an epoch begun.
            Err(
                SealError::UnknownEpoch { .. }
                | SealError::AgentNotListed { .. }
                | SealError::EpochNotOpen { .. }
                | SealError::BadSignature { .. },
            ) => Ok(attempt(&*self.open_home(asked.home).await?)?),
            outcome => Ok(outcome?),
        }
    }

    /// Fetches and opens one segment of an open Event.
    ///
    /// # Errors
    /// [`PersonError::Seal`] for a segment that isn't the one asked for; [`PersonError::Refused`] and the connection's.
    pub async fn open_segment(
        &self,
        event: &OpenEvent,
        kind: SegmentKind,
        number: SegmentNo,
        purpose: Purpose,
    ) -> Result<Vec<u8>, PersonError> {
        let header = event.header.header();
        let of = Asked { home: header.home, camera: header.camera, event: header.event };
        let sealed = self.segment(of, kind, number, purpose).await?;
        Ok(event.open(kind, number, &sealed)?)
    }

    /// Fetches and opens an Event with all its parts.
    ///
    /// # Errors
    /// As [`Person::open_event`] and [`Person::open_segment`].
    pub async fn watch(
        &self,
        home: HomeId,
        camera: CameraId,
        event: EventId,
        purpose: Purpose,
    ) -> Result<WatchedEvent, PersonError> {
        let open = self.open_event(home, camera, event).await?;
        let mut parts = BTreeMap::new();
        for segment in &open.detail.segments {
            let opened = self.open_segment(&open, segment.kind, segment.number, purpose).await?;
            parts.insert((segment.kind, segment.number), opened);
        }
        let first = |kind| parts.get(&(kind, SegmentNo(0)));
        let card = first(SegmentKind::Card).map(|bytes| Card::parse(bytes)).transpose()?;
        let trailer = first(SegmentKind::Trailer).map(|bytes| Trailer::parse(bytes)).transpose()?;
        Ok(WatchedEvent { event: open.detail.event, card, trailer, parts })
    }

    /// Keeps an Event from retention, or lets it go again.
    ///
    /// # Errors
    /// [`PersonError::Refused`] and the connection's.
    pub async fn keep_event(
        &self,
        home: HomeId,
        camera: CameraId,
        event: EventId,
        kept: bool,
    ) -> Result<(), PersonError> {
        self.api.put(&format!("{}/kept", path(home, camera, event)), &Keep { kept }).await
    }

    /// Deletes an Event for ever.
    ///
    /// # Errors
    /// [`PersonError::Refused`] and the connection's.
    pub async fn delete_event(
        &self,
        home: HomeId,
        camera: CameraId,
        event: EventId,
    ) -> Result<(), PersonError> {
        self.api.tell(Method::DELETE, &path(home, camera, event), None).await
    }

    /// Marks an Event as seen by this person.
    ///
    /// # Errors
    /// [`PersonError::Refused`] and the connection's.
    pub async fn mark_seen(&self, home: HomeId, camera: CameraId, event: EventId) -> Result<(), PersonError> {
        self.api.tell(Method::PUT, &format!("{}/seen", path(home, camera, event)), None).await
    }

    /// Who saw this Event.
    ///
    /// # Errors
    /// [`PersonError::Refused`] and the connection's.
    pub async fn event_views(
        &self,
        home: HomeId,
        camera: CameraId,
        event: EventId,
    ) -> Result<ViewPage, PersonError> {
        self.api.get(&format!("{}/views", path(home, camera, event))).await
    }

    /// Who saw what in this home, newest first; `day` is in the home's time zone.
    ///
    /// # Errors
    /// [`PersonError::Refused`] and the connection's.
    pub async fn views(
        &self,
        home: HomeId,
        day: Option<&str>,
        before: Option<&str>,
    ) -> Result<ViewPage, PersonError> {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let pairs = [("day", day), ("before", before)];
        query.extend_pairs(pairs.iter().filter_map(|(key, value)| Some((key, (*value)?))));
        self.api.get(&format!("/homes/{home}/views?{}", query.finish())).await
    }
}

fn compare(what: &'static str, same: bool) -> Result<(), SealError> {
    if same { Ok(()) } else { Err(SealError::NotWhatWasAskedFor { what }) }
}
