//! Lists that may have been kept from a look before: each change shows at the next look, and nobody gets what was read for somebody else.

use keepsight_gate::Action;
use keepsight_ids::{SegmentKind, SegmentNo, UnixMillis};
use keepsight_ledger::{Disclosure, Span};

use super::bench::{Bench, captured};
use super::street::{NOW, Who, camera, event, home};
use crate::records::{CameraState, EventPage, EventQuery, EventRow, Gap, GapReason, Retention, StatusReport};

const ALL: EventQuery = EventQuery { span: None, unseen: false, before: None, limit: 100 };

pub(super) async fn a_list_shows_each_change_at_the_next_look(bench: Bench) {
    assert!(look(&bench).await.events.is_empty());
    bench.put_header(1, camera(10), 1).await.unwrap();
    let new = only(look(&bench).await);
    assert!((!new.complete, !new.seen, !new.kept) == (true, true, true));
    bench.put_segment(1, (camera(10), 1), (SegmentKind::Trailer, SegmentNo(0)), b"x").await.unwrap();
    let whole = only(look(&bench).await);
    assert!(whole.complete && whole.bytes > new.bytes);
    let permit = bench.street.person(Who::Owner(1), Action::MarkSeen, Some(camera(10))).await;
    bench.records.mark_seen(&permit, event(1)).await.unwrap();
    assert!(only(look(&bench).await).seen);
    let permit = bench.street.person(Who::Owner(1), Action::KeepEvent, Some(camera(10))).await;
    bench.records.keep(&permit, event(1), true).await.unwrap();
    assert!(only(look(&bench).await).kept);
    let span = Span { from: captured(1), until: captured(2) };
    bench.put_gap(1, camera(10), 1, Gap { span, reason: GapReason::AgentOff }).await.unwrap();
    assert_eq!(look(&bench).await.gaps.len(), 1);
    bench.put_whole(1, camera(10), 2).await;
    assert_eq!(look(&bench).await.events.len(), 2);
    let all = Retention { now: NOW, older_than: NOW, bytes_max: u64::MAX, total_max: u64::MAX };
    bench.records.sweep(home(1), all).await.unwrap();
    assert_eq!(only(look(&bench).await).event, event(1));
    let permit = bench.street.person(Who::Owner(1), Action::DeleteEvent, Some(camera(10))).await;
    bench.records.delete(&permit, event(1)).await.unwrap();
    assert!(look(&bench).await.events.is_empty());
}

pub(super) async fn how_cameras_do_shows_each_change_at_the_next_look(bench: Bench) {
    assert_eq!((reports(&bench, 1).await, newest(&bench).await), (vec![], None));
    for state in [CameraState::Recording, CameraState::NotReached] {
        let permit = bench.street.agent(1, Action::AgentStatus, None).await;
        let report = StatusReport {
            version: "1".to_owned(),
            chain_seq: 0,
            epoch: 1,
            spool_bytes: 0,
            cameras: vec![(camera(10), state, NOW)],
        };
        bench.records.put_status(&permit, report).await.unwrap();
        assert_eq!(reports(&bench, 1).await, [state]);
        assert_eq!(reports(&bench, 2).await, []);
    }
    bench.put_header(1, camera(10), 1).await.unwrap();
    assert_eq!(newest(&bench).await, Some(event(1)));
}

pub(super) async fn a_list_is_each_lookers_own(bench: Bench) {
    for (number, at) in [(1, 10), (2, 11), (3, 10)] {
        bench.put_whole(1, camera(at), number).await;
    }
    bench.put_whole(2, camera(20), 4).await;
    let permit = bench.street.person(Who::Member(1), Action::MarkSeen, Some(camera(10))).await;
    bench.records.mark_seen(&permit, event(3)).await.unwrap();
    let unseen = EventQuery { unseen: true, ..ALL };
    let span =
        |from, until| EventQuery { span: Some(Span { from: captured(from), until: captured(until) }), ..ALL };
    let first = bench.page(Who::Owner(1), None, EventQuery { limit: 2, ..ALL }).await;
    let looks: [(Who, Option<u8>, EventQuery, &[u32]); 11] = [
        (Who::Owner(1), None, ALL, &[3, 2, 1]),
        (Who::Guest(1), None, ALL, &[3, 1]),
        (Who::Owner(1), Some(11), ALL, &[2]),
        (Who::Owner(1), Some(10), ALL, &[3, 1]),
        (Who::Owner(2), None, ALL, &[4]),
        (Who::Owner(1), None, unseen, &[3, 2, 1]),
        (Who::Member(1), None, unseen, &[2, 1]),
        (Who::Owner(1), None, span(2, 4), &[3, 2]),
        (Who::Owner(1), None, span(2, 3), &[2]),
        (Who::Owner(1), None, EventQuery { limit: 2, ..ALL }, &[3, 2]),
        (Who::Owner(1), None, EventQuery { limit: 2, before: first.next, ..ALL }, &[1]),
    ];
    // Twice: the second look of each comes after everybody else's first.
    for (who, at, query, numbers) in looks.iter().chain(&looks) {
        let page = bench.page(*who, at.map(camera), *query).await;
        let shown: Vec<_> = page.events.iter().map(|row| super::bench::number_of(row.event)).collect();
        assert_eq!(shown, *numbers, "{who:?} {at:?} {query:?}");
        for row in &page.events {
            assert_eq!(row.seen, (*who, row.event) == (Who::Member(1), event(3)), "{who:?}");
        }
    }
}

pub(super) async fn a_list_is_of_what_the_permit_covers_now(bench: Bench) {
    bench.put_whole(1, camera(10), 1).await;
    bench.put_whole(1, camera(11), 2).await;
    assert_eq!(look(&bench).await.events.len(), 2);
    bench.street.lock_down_camera(1, camera(11));
    assert_eq!(only(look(&bench).await).event, event(1));
}

async fn look(bench: &Bench) -> EventPage {
    bench.page(Who::Owner(1), None, ALL).await
}

fn only(page: EventPage) -> EventRow {
    let [row] = <[EventRow; 1]>::try_from(page.events).expect("one Event");
    row
}

async fn reports(bench: &Bench, n: u8) -> Vec<CameraState> {
    let permit = bench.street.person(Who::Owner(n), Action::ReadCameras, None).await;
    let reports = bench.records.camera_reports(&permit).await.unwrap();
    bench.open_plain(reports, permit).iter().map(|report| report.state).collect()
}

async fn newest(bench: &Bench) -> Option<keepsight_ids::EventId> {
    let permit = bench.street.person(Who::Owner(1), Action::ReadCameras, None).await;
    let summaries = bench.records.cameras(&permit, UnixMillis(0)).await.unwrap();
    let summaries = bench.open(summaries, permit, Disclosure::page(None)).await.unwrap();
    summaries.first().and_then(|summary| summary.last.as_ref()).map(|row| row.event)
}
