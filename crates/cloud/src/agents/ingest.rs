//! Ingest: what an agent uploads is checked as its readers will check it, made durable, and only then acknowledged.
//!
//! Everything may be sent again: the same bytes are acknowledged again, other bytes under the same identity are refused and an
//! alarm. An Event that was deleted stays deleted. What does not fit into the home's bounds waits in the agent's spool.

use axum::body::Bytes;
use keepsight_gate::Permit;
use keepsight_ids::{CameraId, EventId, GapId, HomeId, SegmentKind};
use keepsight_ledger::Span;
use keepsight_seal::{Asked, EventHeader, SegmentIdentity};
use keepsight_store::{Gap, StoreError, upload_segment};
use keepsight_wire::Signed;
use keepsight_wire::agent::{EventAck, GapPut, SegmentAck};

use super::bounds::{is_full, make_room, room, wait_for_room, wait_for_tomorrow};
use crate::cloud::Cloud;
use crate::edge::answer::Answer;
use crate::edge::fault::{Fault, Outcome};
use crate::edge::input::Json;
use crate::edge::params::SegmentRef;
use crate::edge::routes::Call;
use crate::feed::What;
use crate::pace;
use crate::people::{refused, show};

/// An Event filed longer ago than this isn't told as news.
const FRESH_MS: i64 = 2 * 60 * 1000;

pub(super) async fn header(call: Call<EventId, (), Json<Signed>>) -> Outcome<Answer> {
    use keepsight_gate::{Action, Ask};
    let Call { cloud, permit, asker, params: event, body: Json(signed), .. } = call;
    let (home, camera) = place(&permit)?;
    let agent = permit.agent();
    check_disk(&cloud)?;
    let chain = cloud.chain(asker.ask(&cloud, Ask::of(Action::AgentReadChain)).await?).await?;
    let asked = Asked { home, camera, event };
    let verified = EventHeader::verify(&signed, &chain, &asked).map_err(|error| refused("header", &error))?;
    if Some(verified.header().agent) != agent {
        return Err(Fault::bad_request("header: it names another agent than the one that sends it"));
    }
    let now = permit.truth_time();
    let limits = cloud.truth.limits(&permit).await?;
    let Signed { body, signature } = signed;
    let put = || {
        let (body, signature) = (body.0.clone(), signature.0.clone());
        cloud.records.put_header(&permit, event, body, signature, room(&limits))
    };
    let mut stored = put().await;
    if is_full(&stored) && make_room(&cloud, home, &limits, body.0.len()).await? {
        stored = put().await;
    }
    let stored = stored.map_err(|error| told(&cloud, error, &permit))?;
    if stored.new {
        let fresh = now.0.saturating_sub(stored.filed.0) <= FRESH_MS;
        cloud.feed.tell(home, What::Event { camera, event, fresh });
    }
    Answer::json(&EventAck { event, sha256: stored.sha256 })
}

pub(super) async fn segment(call: Call<SegmentRef, (), Bytes>) -> Outcome<Answer> {
    let Call { cloud, permit, params: SegmentRef { event, kind, number }, body: sealed, .. } = call;
    let (home, camera) = place(&permit)?;
    let path = SegmentIdentity { home, camera, event, kind, number };
    let stated = SegmentIdentity::of(&sealed).map_err(|error| refused("body", &error))?;
    stated.check(&path).map_err(|error| refused("body", &error))?;
    check_number(kind, number.0)?;
    check_disk(&cloud)?;
    let limits = cloud.truth.limits(&permit).await?;
    let segment = (event, kind, number);
    let (records, objects) = (&*cloud.records, &cloud.objects);
    let put = || upload_segment(records, objects, &permit, segment, sealed.clone(), room(&limits));
    let mut stored = put().await;
    if is_full(&stored) && make_room(&cloud, home, &limits, sealed.len()).await? {
        stored = put().await;
    }
    let sha256 = stored.map_err(|error| told(&cloud, error, &permit))?;
    if matches!(kind, SegmentKind::Trailer | SegmentKind::Thumbnail) {
        cloud.feed.tell(home, What::Event { camera, event, fresh: false });
    }
    Answer::json(&SegmentAck { event, kind, number, sha256 })
}

pub(super) async fn gap(call: Call<GapId, (), Json<GapPut>>) -> Outcome<Answer> {
    let Call { cloud, permit, params: gap, body: Json(GapPut { from, until, reason }), .. } = call;
    let (home, _) = place(&permit)?;
    if until < from {
        return Err(Fault::bad_request("body: until: a gap does not end before it begins"));
    }
    let told_gap = Gap { span: Span { from, until }, reason: show::gap_reason(reason) };
    cloud.records.put_gap(&permit, gap, told_gap).await.map_err(|error| told(&cloud, error, &permit))?;
    cloud.feed.tell(home, What::Home);
    Ok(Answer::done())
}

fn place(permit: &Permit) -> Outcome<(HomeId, CameraId)> {
    permit.home().zip(permit.camera()).ok_or_else(Fault::not_found)
}

/// Which numbers there can be of a kind (docs/formats/sealed-media.md).
fn check_number(kind: SegmentKind, number: u32) -> Outcome<()> {
    let most = match kind {
        SegmentKind::Init => 1,
        SegmentKind::Video | SegmentKind::Audio => return Ok(()),
        SegmentKind::Thumbnail | SegmentKind::Preview | SegmentKind::Card | SegmentKind::Trailer => 0,
    };
    if number <= most {
        Ok(())
    } else {
        Err(Fault::bad_request(format!("there is no {kind} {number} in an Event")))
    }
}

/// Refuses before anything is read when the disk is at its reserve.
fn check_disk(cloud: &Cloud) -> Outcome<()> {
    cloud.objects.check_reserve().map_err(|error| full(cloud, error))
}

fn full(cloud: &Cloud, error: StoreError) -> Fault {
    let fault = Fault::from(error);
    let wait = pace::come_back_in(&cloud.world, cloud.fleet.known(), cloud.config.limits.agents_per_second);
    fault.retry_after(wait.max(30))
}

/// What the agent is told, and what the operator is.
fn told(cloud: &Cloud, error: StoreError, permit: &Permit) -> Fault {
    let (home, camera) = (permit.home(), permit.camera());
    match error {
        StoreError::HeaderConflict { .. } => cloud.alarms.found_conflicting(home, camera, "header"),
        StoreError::SegmentConflict { .. } => cloud.alarms.found_conflicting(home, camera, "segment"),
        StoreError::NoSpace { .. } => return full(cloud, error),
        StoreError::HomeFull { .. } => return Fault::from(error).retry_after(wait_for_room(&cloud.world)),
        StoreError::EventsOfTheDay { .. } => {
            let wait = wait_for_tomorrow(&cloud.world, permit.truth_time());
            return Fault::from(error).retry_after(wait);
        }
        _ => {}
    }
    error.into()
}
