//! How rows of the records are shown: the same things in the words of the API.

use keepsight_ids::{B64, UnixMillis};
use keepsight_ledger::Kind;
use keepsight_store::truth::CameraRow;
use keepsight_store::{
    CameraReport, CameraState as Reported, CameraSummary, EventDetail as DetailRow, EventPage as PageRow,
    EventRow, FiledGap, GapReason as Reason, Neighbour, Neighbours, SegmentRow,
};
use keepsight_wire::Signed;
use keepsight_wire::people::{
    Camera, CameraState, Event, EventDetail, EventPage, EventRef, Gap, GapReason, Segment, ViewKind,
};

use super::rows;

/// An agent says how it does every 15 seconds; after three times nothing it is away.
const AWAY_AFTER_MS: i64 = 45_000;

pub(crate) fn event(row: EventRow) -> Event {
    Event {
        home: row.home,
        camera: row.camera,
        event: row.event,
        header: Signed { body: B64(row.header.into()), signature: B64(row.signature.into()) },
        filed: row.filed,
        received: row.received,
        clock_unknown: !row.states.clock_known,
        complete: row.complete,
        kept: row.kept,
        seen: row.seen,
        bytes: row.bytes,
    }
}

pub(crate) fn page(row: PageRow) -> EventPage {
    EventPage {
        events: row.events.into_iter().map(event).collect(),
        gaps: row.gaps.into_iter().map(gap).collect(),
        next: row.next.map(|cursor| cursor.to_string()),
    }
}

pub(crate) fn detail(row: DetailRow) -> EventDetail {
    EventDetail {
        event: event(row.event),
        segments: row.segments.into_iter().map(segment).collect(),
        newer: row.newer.map(neighbour),
        older: row.older.map(neighbour),
    }
}

/// Puts in the neighbours on all the cameras that the caller may see.
pub(crate) fn beside(detail: &mut EventDetail, row: Neighbours) {
    (detail.newer, detail.older) = (row.newer.map(neighbour), row.older.map(neighbour));
}

const fn segment(row: SegmentRow) -> Segment {
    Segment { kind: row.kind, number: row.number, bytes: row.bytes, sha256: row.sha256 }
}

const fn neighbour(row: Neighbour) -> EventRef {
    EventRef { camera: row.camera, event: row.event }
}

const fn gap(row: FiledGap) -> Gap {
    Gap {
        gap: row.gap,
        camera: row.camera,
        from: row.told.span.from,
        until: row.told.span.until,
        reason: match row.told.reason {
            Reason::CameraNotReached => GapReason::CameraNotReached,
            Reason::SpoolFull => GapReason::SpoolFull,
            Reason::AgentStopped => GapReason::AgentStopped,
            Reason::AgentOff => GapReason::AgentOff,
            Reason::CameraChanged => GapReason::CameraChanged,
        },
    }
}

pub(crate) const fn gap_reason(reason: GapReason) -> Reason {
    match reason {
        GapReason::CameraNotReached => Reason::CameraNotReached,
        GapReason::SpoolFull => Reason::SpoolFull,
        GapReason::AgentStopped => Reason::AgentStopped,
        GapReason::AgentOff => Reason::AgentOff,
        GapReason::CameraChanged => Reason::CameraChanged,
    }
}

pub(crate) const fn view_kind(kind: Kind) -> ViewKind {
    match kind {
        Kind::Offered => ViewKind::Offered,
        Kind::Thumbnail => ViewKind::Thumbnail,
        Kind::Opened => ViewKind::Opened,
        Kind::Downloaded => ViewKind::Downloaded,
        Kind::Refused => ViewKind::Refused,
    }
}

/// A camera, with what its agent last said of it and its newest Event, where the caller may see that.
pub(crate) fn camera(
    row: CameraRow,
    report: Option<&CameraReport>,
    summary: Option<CameraSummary>,
    now: UnixMillis,
) -> Camera {
    let (state, since) = if row.removed { (CameraState::Removed, None) } else { state(row.on, report, now) };
    let (last, today) = summary.map_or((None, 0), |summary| (summary.last, summary.count));
    Camera {
        camera: row.camera,
        agent: row.agent,
        name: rows::to_signed(row.name),
        state,
        since,
        last: last.map(event),
        today,
    }
}

fn state(on: bool, report: Option<&CameraReport>, now: UnixMillis) -> (CameraState, Option<UnixMillis>) {
    if !on {
        return (CameraState::Off, None);
    }
    let Some(report) = report else { return (CameraState::AgentAway, None) };
    if now.0.saturating_sub(report.heard.0) > AWAY_AFTER_MS {
        return (CameraState::AgentAway, Some(report.heard));
    }
    let state = match report.state {
        Reported::Recording => CameraState::Recording,
        Reported::NotReached => CameraState::NotReached,
        Reported::Changed => CameraState::Changed,
        Reported::Off => CameraState::Off,
    };
    (state, Some(report.since))
}

#[cfg(test)]
mod tests {
    use super::*;
    use keepsight_ids::{AgentId, CameraId, HomeId};

    #[test]
    fn a_camera_is_away_when_its_agent_is_silent_and_off_when_switched_off() {
        let report = CameraReport {
            home: HomeId::from_bytes([1; 16]),
            camera: CameraId::from_bytes([2; 16]),
            agent: AgentId::from_bytes([3; 16]),
            state: Reported::Recording,
            since: UnixMillis(10),
            heard: UnixMillis(1000),
        };
        let at = |on, report, now| state(on, report, UnixMillis(now)).0;
        assert_eq!(at(true, Some(&report), 1000 + AWAY_AFTER_MS), CameraState::Recording);
        assert_eq!(at(true, Some(&report), 1001 + AWAY_AFTER_MS), CameraState::AgentAway);
        assert_eq!(at(true, None, 0), CameraState::AgentAway);
        assert_eq!(at(false, Some(&report), 1000), CameraState::Off);
    }
}
