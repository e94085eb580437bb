//! What people read.

use std::collections::BTreeSet;

use keepsight_gate::Action;
use keepsight_ids::{SegmentKind, SegmentNo, UnixMillis};
use keepsight_ledger::{Disclosure, Span};

use super::bench::{Bench, captured, number_of};
use super::street::{Who, camera, event, home};
use crate::StoreError;
use crate::records::{EventQuery, Gap, GapReason, Neighbour};

const ALL: EventQuery = EventQuery { span: None, unseen: false, before: None, limit: 100 };

pub(super) async fn pages_hold_every_event_once_newest_first(bench: Bench) {
    // Seven Events at each of nine moments: pages end in the middle of a moment.
    for number in 0..63u32 {
        let at = camera(10 + (number % 2) as u8);
        let bytes = super::header(1, at, event(number), captured(number / 7), true);
        bench.put_header_of(1, at, number, bytes).await.unwrap();
    }
    for limit in [1, 2, 3, 7, 8, 62, 63, 64] {
        let numbers = bench.numbers(Who::Member(1), None, EventQuery { limit, ..ALL }).await;
        let moments: Vec<_> = numbers.iter().map(|number| number / 7).collect();
        assert!(moments.is_sorted_by(|a, b| a >= b), "limit {limit}: {numbers:?}");
        assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), 63, "limit {limit}");
        assert_eq!(numbers.len(), 63, "limit {limit}");
    }
    let page = bench.page(Who::Member(1), None, EventQuery { limit: 63, ..ALL }).await;
    assert_eq!((page.events.len(), page.next), (63, None), "the last page says that it is");
}

pub(super) async fn a_span_a_camera_and_what_was_not_seen_are_filters(bench: Bench) {
    for number in 0..10 {
        bench.put_header(1, camera(10 + (number % 2) as u8), number).await.unwrap();
    }
    let span = Some(Span { from: captured(3), until: captured(6) });
    assert_eq!(bench.numbers(Who::Owner(1), None, EventQuery { span, ..ALL }).await, [5, 4, 3]);
    assert_eq!(bench.numbers(Who::Owner(1), Some(camera(11)), ALL).await, [9, 7, 5, 3, 1]);
    assert_eq!(bench.numbers(Who::Owner(1), Some(camera(11)), EventQuery { span, ..ALL }).await, [5, 3]);
    let permit = bench.street.person(Who::Owner(1), Action::MarkSeen, Some(camera(11))).await;
    bench.records.mark_seen(&permit, event(5)).await.unwrap();
    let unseen = EventQuery { unseen: true, span, ..ALL };
    assert_eq!(bench.numbers(Who::Owner(1), None, unseen).await, [4, 3]);
    assert_eq!(bench.numbers(Who::Member(1), None, unseen).await, [5, 4, 3]);
}

pub(super) async fn gaps_come_with_the_page_whose_span_they_touch(bench: Bench) {
    for number in 0..6 {
        bench.put_header(1, camera(10), number * 10).await.unwrap();
    }
    let gap = |from, until| Gap {
        span: Span { from: captured(from), until: captured(until) },
        reason: GapReason::AgentOff,
    };
    bench.put_gap(1, camera(10), 1, gap(1, 2)).await.unwrap();
    bench.put_gap(1, camera(11), 2, gap(33, 44)).await.unwrap();
    bench.put_gap(1, camera(10), 3, gap(60, 70)).await.unwrap();
    let ids = |page: &crate::records::EventPage| -> Vec<u8> {
        page.gaps.iter().map(|gap| gap.gap.as_bytes()[0]).collect()
    };
    let first = bench.page(Who::Owner(1), None, EventQuery { limit: 3, ..ALL }).await;
    assert_eq!(ids(&first), [3, 2], "a gap that is newer than every Event is on the first page");
    let second = bench.page(Who::Owner(1), None, EventQuery { limit: 3, before: first.next, ..ALL }).await;
    assert_eq!(ids(&second), [1]);
    let day = Some(Span { from: captured(40), until: captured(60) });
    assert_eq!(ids(&bench.page(Who::Owner(1), None, EventQuery { span: day, ..ALL }).await), [2]);
    assert_eq!(ids(&bench.page(Who::Owner(1), Some(camera(10)), ALL).await), [3, 1]);
    assert_eq!(ids(&bench.page(Who::Guest(1), None, ALL).await), [3, 1]);
}

pub(super) async fn nothing_of_another_home_or_camera_is_in_any_answer(bench: Bench) {
    for number in 0..4 {
        bench.put_whole(1, camera(10), number).await;
        bench.put_whole(1, camera(11), 100 + number).await;
        bench.put_whole(2, camera(20), number).await;
    }
    let told =
        Gap { span: Span { from: captured(0), until: captured(9) }, reason: GapReason::CameraNotReached };
    bench.put_gap(1, camera(11), 1, told).await.unwrap();
    bench.put_gap(2, camera(20), 2, told).await.unwrap();

    let guest = Who::Guest(1);
    let page = bench.page(guest, None, ALL).await;
    assert!(page.events.iter().all(|row| (row.home, row.camera) == (home(1), camera(10))));
    assert_eq!((page.events.len(), page.gaps.len()), (4, 0));
    let permit = bench.street.person(guest, Action::ReadHome, None).await;
    let usage = bench.open_plain(bench.records.usage(&permit).await.unwrap(), permit);
    assert_eq!(usage.events, 4, "sums are over the Permit's cameras only");
    let permit = bench.street.person(guest, Action::ListEvents, None).await;
    let summaries = bench.records.cameras(&permit, UnixMillis(0)).await.unwrap();
    let summaries = bench.open(summaries, permit, Disclosure::page(None)).await.unwrap();
    assert_eq!(summaries.iter().map(|summary| summary.camera).collect::<Vec<_>>(), [camera(10)]);

    // Every id of home 1, asked for under home 2's own Permit.
    let permit = bench.street.person(Who::Owner(2), Action::ReadEvent, Some(camera(20))).await;
    let refused = bench.records.event(&permit, event(100)).await.err();
    assert!(matches!(refused, Some(StoreError::NotFound)), "{refused:?}");
    let permit = bench.street.person(Who::Owner(2), Action::ReadSegment, Some(camera(20))).await;
    let refused = bench.records.segment(&permit, event(100), SegmentKind::Video, SegmentNo(0)).await.err();
    assert!(matches!(refused, Some(StoreError::NotFound)), "{refused:?}");
    let permit = bench.street.person(Who::Owner(2), Action::DeleteEvent, Some(camera(20))).await;
    let refused = bench.records.delete(&permit, event(100)).await;
    assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
    assert_eq!(bench.numbers(Who::Owner(1), None, ALL).await.len(), 8);
}

pub(super) async fn an_event_has_its_segments_and_its_neighbours(bench: Bench) {
    for (number, at) in [(1, 10), (2, 11), (3, 10), (4, 11), (5, 10)] {
        bench.put_header(1, camera(at), number).await.unwrap();
    }
    bench.put_header(2, camera(20), 3).await.unwrap();
    for (kind, number) in [(SegmentKind::Audio, 0), (SegmentKind::Video, 1), (SegmentKind::Video, 0)] {
        bench.put_segment(1, (camera(10), 3), (kind, SegmentNo(number)), b"x").await.unwrap();
    }
    let detail = bench.detail(Who::Owner(1), camera(10), 3).await.unwrap();
    let segments: Vec<_> = detail.segments.iter().map(|segment| (segment.kind, segment.number.0)).collect();
    assert_eq!(segments, [(SegmentKind::Video, 0), (SegmentKind::Video, 1), (SegmentKind::Audio, 0)]);
    let at =
        |number: u32, on: u8| Some(Neighbour { home: home(1), camera: camera(on), event: event(number) });
    assert_eq!((detail.newer, detail.older), (at(5, 10), at(1, 10)), "a camera's Permit covers that camera");

    let permit = bench.street.person(Who::Owner(1), Action::ListEvents, None).await;
    let beside = bench.records.neighbours(&permit, camera(10), event(3)).await.unwrap();
    let beside = bench.open(beside, permit, Disclosure::page(None)).await.unwrap();
    assert_eq!((beside.newer, beside.older), (at(4, 11), at(2, 11)), "a home's covers them all");
    let permit = bench.street.person(Who::Guest(1), Action::ListEvents, None).await;
    let beside = bench.records.neighbours(&permit, camera(10), event(3)).await.unwrap();
    let beside = bench.open(beside, permit, Disclosure::page(None)).await.unwrap();
    assert_eq!((beside.newer, beside.older), (at(5, 10), at(1, 10)), "a guest's covers theirs");
    let permit = bench.street.person(Who::Guest(1), Action::ListEvents, None).await;
    let refused = bench.records.neighbours(&permit, camera(11), event(2)).await.err();
    assert!(matches!(refused, Some(StoreError::NotFound)), "{refused:?}");
    let refused = bench.detail(Who::Owner(1), camera(11), 3).await.err();
    assert!(matches!(refused, Some(StoreError::NotFound)), "{refused:?}");
}

pub(super) async fn each_camera_has_its_newest_event_and_count(bench: Bench) {
    for (number, at) in [(1, 10), (7, 10), (4, 10), (2, 11)] {
        bench.put_header(1, camera(at), number).await.unwrap();
    }
    bench.put_header(2, camera(20), 9).await.unwrap();
    let permit = bench.street.person(Who::Owner(1), Action::ReadCameras, None).await;
    let summaries = bench.records.cameras(&permit, captured(4)).await.unwrap();
    let summaries = bench.open(summaries, permit, Disclosure::page(None)).await.unwrap();
    let told: Vec<_> = summaries
        .iter()
        .map(|summary| (summary.camera, summary.last.as_ref().map(|row| number_of(row.event)), summary.count))
        .collect();
    assert_eq!(told, [(camera(10), Some(7), 2), (camera(11), Some(2), 0)]);
    bench.street.lock_down(1);
    let permit = bench.street.person(Who::Owner(1), Action::ReadCameras, None).await;
    let summaries = bench.records.cameras(&permit, captured(4)).await.unwrap();
    assert!(bench.open(summaries, permit, Disclosure::page(None)).await.unwrap().is_empty());
}

pub(super) async fn seen_is_each_accounts_own(bench: Bench) {
    bench.put_header(1, camera(10), 1).await.unwrap();
    for _ in 0..2 {
        let permit = bench.street.person(Who::Member(1), Action::MarkSeen, Some(camera(10))).await;
        bench.records.mark_seen(&permit, event(1)).await.unwrap();
        let refused = bench.records.mark_seen(&permit, event(2)).await;
        assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
    }
    for (who, seen) in [(Who::Member(1), true), (Who::Owner(1), false), (Who::Guest(1), false)] {
        assert_eq!(bench.detail(who, camera(10), 1).await.unwrap().event.seen, seen);
        assert_eq!(bench.page(who, None, ALL).await.events[0].seen, seen);
    }
}

pub(super) async fn a_segment_is_where_its_row_says(bench: Bench) {
    bench.put_whole(1, camera(10), 1).await;
    let permit = bench.street.person(Who::Owner(1), Action::ReadSegment, Some(camera(10))).await;
    let found = bench.records.segment(&permit, event(1), SegmentKind::Video, SegmentNo(0)).await.unwrap();
    assert_eq!(found.bytes(), 57 + 1 + 16);
    for (kind, number) in [(SegmentKind::Video, 1), (SegmentKind::Audio, 0)] {
        let refused = bench.records.segment(&permit, event(1), kind, SegmentNo(number)).await.err();
        assert!(matches!(refused, Some(StoreError::NotFound)), "{refused:?}");
    }
}
