//! Events: the list, one of them, its sealed segments, and what people do with it.
//!
//! A segment leaves in this order: the gate's yes, the row that says where it lies, the ledger's durable record, the object, the
//! comparison of what the object itself states with what was decided. A list page is one record of its own.

use keepsight_gate::{Action, Ask, Permit};
use keepsight_ids::{CameraId, EventId, HomeId, SegmentKind, UnixMillis};
use keepsight_ledger::{Disclosure, Kind, Span};
use keepsight_store::{Cursor, EventQuery, ViewQuery};
use keepsight_wire::people::{Keep, Purpose, View, ViewPage};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{cameras, show};
use crate::cloud::Cloud;
use crate::day;
use crate::edge::answer::Answer;
use crate::edge::dispatch::Asker;
use crate::edge::fault::{Fault, Outcome};
use crate::edge::input::{Json, Named};
use crate::edge::params::SegmentRef;
use crate::edge::routes::Call;
use crate::feed::What;

/// Events or views on a page unless asked otherwise.
const PAGE: u32 = 50;
/// And at most.
const PAGE_MAX: u32 = 100;

/// Which Events.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsAsked {
    /// A day in the home's time zone, `YYYY-MM-DD`.
    day: Option<String>,
    /// Of this camera alone.
    camera: Option<CameraId>,
    /// Only those that the caller has not opened.
    unseen: Option<bool>,
    /// `next` of the page before.
    before: Option<String>,
    /// At most so many, 1 to 100.
    limit: Option<u32>,
}

/// Which records of a home's ledger.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HomeViewsAsked {
    /// A day in the home's time zone, `YYYY-MM-DD`.
    day: Option<String>,
    /// Of this camera alone.
    camera: Option<CameraId>,
    /// `next` of the page before.
    before: Option<u64>,
    /// At most so many, 1 to 100.
    limit: Option<u32>,
}

/// Which records of an Event.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ViewsAsked {
    /// A day in the home's time zone, `YYYY-MM-DD`.
    day: Option<String>,
    /// `next` of the page before.
    before: Option<u64>,
    /// At most so many, 1 to 100.
    limit: Option<u32>,
}

/// What a segment is fetched for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SegmentAsked {
    /// To look at it here, or to save it.
    #[serde(default)]
    purpose: Purpose,
}

pub(super) async fn list(call: Call<(), Named<EventsAsked>>) -> Outcome<Answer> {
    let Call { cloud, mut permit, asker, query: Named(asked), .. } = call;
    let home = permit.home().ok_or_else(Fault::not_found)?;
    let before: Option<Cursor> =
        asked.before.map(|text| text.parse()).transpose().map_err(|error| bad("before", &error))?;
    let span = span(&cloud, &asker, home, asked.day.as_deref()).await?;
    let limit = limit(asked.limit)?;
    if let Some(camera) = asked.camera {
        permit =
            asker.ask(&cloud, Ask { camera: Some(camera), ..Ask::home(Action::ListEvents, home) }).await?;
    }
    let query = EventQuery { span, unseen: asked.unseen.unwrap_or(false), before, limit };
    let locked = cloud.records.event_page(&permit, query).await?;
    let receipt = cloud.recorded(permit, Disclosure::page(covered(span, before))).await?;
    Answer::json(&show::page(cloud.open(locked, &receipt)?))
}

pub(super) async fn read(call: Call<EventId>) -> Outcome<Answer> {
    let Call { cloud, permit, asker, params: event, .. } = call;
    let (home, camera) = permit.home().zip(permit.camera()).ok_or_else(Fault::not_found)?;
    let locked = cloud.records.event(&permit, event).await?;
    let receipt = cloud.recorded(permit, Disclosure::event(Kind::Offered, event)).await?;
    let mut detail = show::detail(cloud.open(locked, &receipt)?);
    // Its neighbours in time may be another camera's: a question of its own, about the home.
    let permit = asker.ask(&cloud, Ask::home(Action::ListEvents, home)).await?;
    let locked = cloud.records.neighbours(&permit, camera, event).await?;
    let receipt = cloud.recorded(permit, Disclosure::page(None)).await?;
    show::beside(&mut detail, cloud.open(locked, &receipt)?);
    Answer::json(&detail)
}

pub(super) async fn segment(call: Call<SegmentRef, Named<SegmentAsked>>) -> Outcome<Answer> {
    let Call {
        cloud,
        mut permit,
        asker,
        params: SegmentRef { event, kind, number },
        query: Named(asked),
        ..
    } = call;
    if asked.purpose == Purpose::Download {
        let (home, camera) = permit.home().zip(permit.camera()).ok_or_else(Fault::not_found)?;
        permit = asker.ask(&cloud, Ask::camera(Action::DownloadSegment, home, camera)).await?;
    }
    let stored = cloud.records.segment(&permit, event, kind, number).await?;
    let record = Disclosure::segment(disclosed(kind, asked.purpose), event, kind, number);
    let receipt = cloud.recorded(permit, record).await?;
    let object = cloud.objects.read(&stored).await.map_err(|error| missing(&cloud, error))?;
    let sealed = cloud.open(object, &receipt)?;
    Ok(Answer::sealed(sealed.into_bytes(), &receipt))
}

/// A row whose object isn't there, or is no object of ours: what was decided about can't be shown, and somebody should know.
fn missing(cloud: &Cloud, error: keepsight_store::StoreError) -> Fault {
    match error {
        keepsight_store::StoreError::Corrupt { .. } => {
            cloud.alarms.found_misfiled(&error);
            Fault::not_found().logged(error)
        }
        other => other.into(),
    }
}

/// What the people of the home will read about it.
const fn disclosed(kind: SegmentKind, purpose: Purpose) -> Kind {
    match (purpose, kind) {
        (Purpose::Download, _) => Kind::Downloaded,
        (Purpose::View, SegmentKind::Init | SegmentKind::Video | SegmentKind::Audio) => Kind::Opened,
        (Purpose::View, _) => Kind::Thumbnail,
    }
}

pub(super) async fn keep(call: Call<EventId, (), Json<Keep>>) -> Outcome<Answer> {
    let Call { cloud, mut permit, asker, params: event, body: Json(Keep { kept }), .. } = call;
    if !kept {
        // What is no longer kept goes with the next sweep, if it is old enough: only who may delete it may let go of it.
        let (home, camera) = permit.home().zip(permit.camera()).ok_or_else(Fault::not_found)?;
        permit = asker.ask(&cloud, Ask::camera(Action::DeleteEvent, home, camera)).await?;
    }
    cloud.records.keep(&permit, event, kept).await?;
    tell(&cloud, &permit, event);
    Ok(Answer::done())
}

pub(super) async fn delete(call: Call<EventId>) -> Outcome<Answer> {
    call.cloud.records.delete(&call.permit, call.params).await?;
    tell(&call.cloud, &call.permit, call.params);
    Ok(Answer::done())
}

pub(super) async fn seen(call: Call<EventId>) -> Outcome<Answer> {
    call.cloud.records.mark_seen(&call.permit, call.params).await?;
    Ok(Answer::done())
}

pub(super) async fn event_views(call: Call<EventId, Named<ViewsAsked>>) -> Outcome<Answer> {
    let event = Some(call.params);
    views(&call.cloud, &call.asker, call.permit, event, call.query.0).await
}

pub(super) async fn home_views(call: Call<(), Named<HomeViewsAsked>>) -> Outcome<Answer> {
    let Call { cloud, mut permit, asker, query: Named(asked), .. } = call;
    let HomeViewsAsked { day, camera, before, limit } = asked;
    if camera.is_some() {
        let home = permit.home().ok_or_else(Fault::not_found)?;
        permit = asker.ask(&cloud, Ask { camera, ..Ask::home(Action::ReadHomeViews, home) }).await?;
    }
    views(&cloud, &asker, permit, None, ViewsAsked { day, before, limit }).await
}

async fn views(
    cloud: &Cloud,
    asker: &Asker,
    permit: Permit,
    event: Option<EventId>,
    asked: ViewsAsked,
) -> Outcome<Answer> {
    let home = permit.home().ok_or_else(Fault::not_found)?;
    let span = span(cloud, asker, home, asked.day.as_deref()).await?;
    let query = ViewQuery { event, span, before: asked.before, limit: limit(asked.limit)? };
    let views = cloud.records.views(&permit, query).await?;
    let page = cloud.open(views, &cloud.plain_receipt(permit)?)?;
    // Names are the home's, not the camera's: a question of its own.
    let permit = asker.ask(cloud, Ask::home(Action::ReadPeople, home)).await?;
    let names = cloud.truth.names(&permit).await?;
    let names = cloud.open(names, &cloud.plain_receipt(permit)?)?;
    let view = |view: keepsight_store::View| {
        let facts = view.record.facts();
        let name = names.iter().find(|person| person.account == facts.viewer);
        View {
            account: facts.viewer,
            name: name.map_or_else(String::new, |person| person.name.clone()),
            device: facts.device.clone(),
            at: facts.at,
            kind: show::view_kind(facts.kind),
            camera: facts.camera,
            event: facts.event,
        }
    };
    Answer::json(&ViewPage {
        views: page.views.into_iter().map(view).collect(),
        next: page.next.map(|number| number.to_string()),
    })
}

fn tell(cloud: &Cloud, permit: &Permit, event: EventId) {
    if let (Some(home), Some(camera)) = (permit.home(), permit.camera()) {
        cloud.feed.tell(home, What::Event { camera, event, fresh: false });
    }
}

/// The day in the home's zone.
async fn span(cloud: &Cloud, asker: &Asker, home: HomeId, day: Option<&str>) -> Outcome<Option<Span>> {
    let Some(text) = day else { return Ok(None) };
    let zone = cameras::zone(cloud, asker, home)
        .await?
        .ok_or_else(|| Fault::internal("the home's time zone is unknown"))?;
    let span = day::day(text, &zone)
        .ok_or_else(|| Fault::bad_request("query: day: expected a day such as 2026-11-23"))?;
    Ok(Some(Span { from: span.from, until: span.until }))
}

/// The span that a page covers, for its record.
fn covered(span: Option<Span>, before: Option<Cursor>) -> Option<Span> {
    let whole = Span { from: UnixMillis(0), until: UnixMillis(i64::MAX) };
    let (span, until) = match (span, before) {
        (None, None) => return None,
        (span, None) => (span.unwrap_or(whole), whole.until),
        (span, Some(cursor)) => (span.unwrap_or(whole), cursor.filed.plus_ms(1)),
    };
    Some(Span { from: span.from, until: span.until.min(until) })
}

fn limit(asked: Option<u32>) -> Outcome<u32> {
    match asked {
        None => Ok(PAGE),
        Some(limit) if (1..=PAGE_MAX).contains(&limit) => Ok(limit),
        Some(_) => Err(Fault::bad_request(format!("query: limit: expected 1 to {PAGE_MAX}"))),
    }
}

fn bad(field: &str, error: &dyn std::fmt::Display) -> Fault {
    Fault::bad_request(format!("query: {field}: {error}"))
}
