//! What agents send.

use std::time::Duration;

use keepsight_gate::Action;
use keepsight_ids::{SegmentKind, SegmentNo, UnixMillis};
use keepsight_ledger::Span;

use super::bench::{Bench, captured};
use super::street::{NOW, Who, agent, camera, event, gap, header, home, sealed};
use crate::StoreError;
use crate::objects::sha256;
use crate::records::{CameraState, EventQuery, Gap, GapReason, SegmentOffer, StatusReport};

const VIDEO: (SegmentKind, SegmentNo) = (SegmentKind::Video, SegmentNo(0));

pub(super) async fn a_header_is_acknowledged_again_and_another_one_refused(bench: Bench) {
    let bytes = header(1, camera(10), event(1), captured(1), true);
    let first = bench.put_header_of(1, camera(10), 1, bytes.clone()).await.unwrap();
    assert!(first.new);
    assert_eq!(first.sha256, sha256(&bytes));
    let again = bench.put_header_of(1, camera(10), 1, bytes).await.unwrap();
    assert_eq!((again.new, again.sha256, again.filed), (false, first.sha256, first.filed));
    let other = header(1, camera(10), event(1), captured(2), true);
    let refused = bench.put_header_of(1, camera(10), 1, other).await;
    assert!(matches!(refused, Err(StoreError::HeaderConflict { .. })), "{refused:?}");
}

pub(super) async fn a_header_of_elsewhere_is_refused(bench: Bench) {
    let foreign_agent = String::from_utf8(header(1, camera(10), event(1), captured(1), true)).unwrap();
    let foreign_agent = foreign_agent.replace(&agent(1).to_string(), &agent(2).to_string());
    for elsewhere in [
        header(2, camera(10), event(1), captured(1), true),
        header(1, camera(11), event(1), captured(1), true),
        header(1, camera(10), event(2), captured(1), true),
        foreign_agent.into_bytes(),
    ] {
        let refused = bench.put_header_of(1, camera(10), 1, elsewhere).await;
        assert!(matches!(refused, Err(StoreError::Misplaced { .. })), "{refused:?}");
    }
    assert!(bench.numbers(Who::Owner(1), None, EventQuery::default()).await.is_empty());
}

pub(super) async fn an_event_is_filed_when_it_was_captured_unless_that_lies_ahead_or_is_unknown(
    bench: Bench,
) {
    let cases = [
        (NOW.plus_ms(-3_600_000), true, NOW.plus_ms(-3_600_000)),
        (NOW.plus_ms(299_000), true, NOW.plus_ms(299_000)),
        (NOW.plus_ms(9_000_000), true, NOW.plus_ms(300_000)),
        (NOW.plus_ms(-3_600_000), false, NOW),
        (UnixMillis(i64::MAX), true, NOW.plus_ms(300_000)),
    ];
    for (number, (captured, clock_known, filed)) in (1..).zip(cases) {
        let bytes = header(1, camera(10), event(number), captured, clock_known);
        let stored = bench.put_header_of(1, camera(10), number, bytes).await.unwrap();
        assert_eq!(stored.filed, filed, "{captured} {clock_known}");
        let row = bench.detail(Who::Owner(1), camera(10), number).await.unwrap().event;
        assert_eq!((row.filed, row.received), (filed, NOW));
        assert_eq!(row.states.clock_known, clock_known);
    }
}

pub(super) async fn a_segment_needs_its_header(bench: Bench) {
    let refused = bench.put_segment(1, (camera(10), 1), VIDEO, b"x").await;
    assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
    // The same Event's number under another camera and another home is another Event.
    bench.put_header(1, camera(11), 1).await.unwrap();
    bench.put_header(2, camera(20), 1).await.unwrap();
    let refused = bench.put_segment(1, (camera(10), 1), VIDEO, b"x").await;
    assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
}

pub(super) async fn a_segment_is_acknowledged_again_and_other_bytes_refused(bench: Bench) {
    bench.put_header(1, camera(10), 1).await.unwrap();
    let permit = bench.street.agent(1, Action::AgentIngest, Some(camera(10))).await;
    let wants = async |filling: &[u8]| {
        let hash = sha256(&sealed(1, camera(10), event(1), VIDEO, filling));
        let offer = SegmentOffer { event: event(1), kind: VIDEO.0, number: VIDEO.1, sha256: hash, bytes: 1 };
        bench.records.wants_segment(&permit, offer, bench.room).await
    };
    assert!(wants(b"x").await.unwrap());
    assert!(bench.put_segment(1, (camera(10), 1), VIDEO, b"x").await.unwrap());
    assert!(!wants(b"x").await.unwrap());
    assert!(!bench.put_segment(1, (camera(10), 1), VIDEO, b"x").await.unwrap());
    for refused in [wants(b"y").await, bench.put_segment(1, (camera(10), 1), VIDEO, b"y").await] {
        assert!(matches!(refused, Err(StoreError::SegmentConflict { .. })), "{refused:?}");
    }
    let detail = bench.detail(Who::Owner(1), camera(10), 1).await.unwrap();
    assert_eq!(detail.segments.len(), 1);
    assert_eq!(detail.segments[0].sha256, sha256(&sealed(1, camera(10), event(1), VIDEO, b"x")));
}

pub(super) async fn an_object_older_than_an_hour_is_not_committed(bench: Bench) {
    bench.put_header(1, camera(10), 1).await.unwrap();
    let bytes = sealed(1, camera(10), event(1), VIDEO, b"x");
    let permit = bench.street.agent(1, Action::AgentIngest, Some(camera(10))).await;
    let object = bench.object(&permit, &bytes);
    bench.world.sleep(Duration::from_secs(3601)).await;
    let permit = bench.street.agent(1, Action::AgentIngest, Some(camera(10))).await;
    let refused = bench.records.put_segment(&permit, &object, bench.room).await;
    assert!(matches!(refused, Err(StoreError::StaleObject)), "{refused:?}");
    let fresh = bench.object(&permit, &bytes);
    assert!(bench.records.put_segment(&permit, &fresh, bench.room).await.unwrap());
}

pub(super) async fn the_trailer_completes_an_event_and_bytes_add_up(bench: Bench) {
    let bytes = header(1, camera(10), event(1), captured(1), true);
    bench.put_header_of(1, camera(10), 1, bytes.clone()).await.unwrap();
    bench.put_segment(1, (camera(10), 1), VIDEO, &[0; 100]).await.unwrap();
    let sum = (bytes.len() + 57 + 100 + 16) as u64;
    let row = bench.detail(Who::Owner(1), camera(10), 1).await.unwrap().event;
    assert_eq!((row.complete, row.bytes), (false, sum));
    bench.put_segment(1, (camera(10), 1), (SegmentKind::Trailer, SegmentNo(0)), b"").await.unwrap();
    let row = bench.detail(Who::Owner(1), camera(10), 1).await.unwrap().event;
    assert_eq!((row.complete, row.bytes), (true, sum + 57 + 16));
    assert_eq!((&row.header[..], &row.signature[..]), (&bytes[..], &[1; 64][..]));
    let permit = bench.street.person(Who::Owner(1), Action::ReadHome, None).await;
    let usage = bench.open_plain(bench.records.usage(&permit).await.unwrap(), permit);
    assert_eq!((usage.home, usage.bytes, usage.events, usage.today), (home(1), sum + 57 + 16, 1, 1));
}

pub(super) async fn what_is_damaged_or_too_large_is_refused(bench: Bench) {
    for header in [b"".to_vec(), b"{".to_vec(), b"null".to_vec(), vec![b' '; 70_000]] {
        assert!(bench.put_header_of(1, camera(10), 1, header).await.is_err());
    }
}

pub(super) async fn a_gap_is_stored_once_and_its_end_moves(bench: Bench) {
    let told = |until| Gap {
        span: Span { from: UnixMillis(1000), until: UnixMillis(until) },
        reason: GapReason::SpoolFull,
    };
    bench.put_gap(1, camera(10), 1, told(2000)).await.unwrap();
    bench.put_gap(1, camera(10), 1, told(2000)).await.unwrap();
    bench.put_gap(1, camera(10), 1, told(3000)).await.unwrap();
    bench.put_gap(2, camera(20), 1, told(9000)).await.unwrap();
    let gaps = bench.page(Who::Owner(1), None, EventQuery::default()).await.gaps;
    assert_eq!(gaps.len(), 1);
    assert_eq!((gaps[0].home, gaps[0].camera, gaps[0].gap), (home(1), camera(10), gap(1)));
    assert_eq!(gaps[0].told, told(3000));
    let refused = bench.put_gap(1, camera(10), 2, told(999)).await;
    assert!(matches!(refused, Err(StoreError::Misplaced { .. })), "{refused:?}");
}

pub(super) async fn an_agents_last_word_is_kept_and_only_of_its_own_cameras(bench: Bench) {
    for (version, state) in [("1.0.0", CameraState::NotReached), ("1.0.1", CameraState::Recording)] {
        let report = StatusReport {
            version: version.to_owned(),
            chain_seq: 3,
            epoch: 2,
            spool_bytes: 77,
            cameras: vec![(camera(10), state, NOW), (camera(20), CameraState::Off, NOW)],
        };
        let permit = bench.street.agent(1, Action::AgentStatus, None).await;
        bench.records.put_status(&permit, report).await.unwrap();
    }
    let permit = bench.street.person(Who::Owner(1), Action::ReadCameras, None).await;
    let cameras = bench.open_plain(bench.records.camera_reports(&permit).await.unwrap(), permit);
    assert_eq!(cameras.len(), 1);
    assert_eq!((cameras[0].camera, cameras[0].state), (camera(10), CameraState::Recording));
    let permit = bench.street.person(Who::Owner(1), Action::ReadAgents, None).await;
    let agents = bench.open_plain(bench.records.agents(&permit).await.unwrap(), permit);
    assert_eq!(agents.len(), 1);
    assert_eq!((agents[0].version.as_str(), agents[0].heard, agents[0].epoch), ("1.0.1", NOW, 2));
    for action in [Action::ReadCameras, Action::ReadAgents] {
        let permit = bench.street.person(Who::Owner(2), action, None).await;
        if action == Action::ReadAgents {
            assert!(bench.open_plain(bench.records.agents(&permit).await.unwrap(), permit).is_empty());
        } else {
            assert!(
                bench.open_plain(bench.records.camera_reports(&permit).await.unwrap(), permit).is_empty()
            );
        }
    }
}

pub(super) async fn a_permit_serves_its_own_action_while_it_is_fresh(bench: Bench) {
    bench.put_whole(1, camera(10), 1).await;
    let reading = bench.street.person(Who::Owner(1), Action::ReadEvent, Some(camera(10))).await;
    let refused = bench.records.delete(&reading, event(1)).await;
    assert!(matches!(refused, Err(StoreError::NotPermitted { .. })), "{refused:?}");
    let refused = bench.records.put_header(&reading, event(2), Vec::new(), Vec::new(), bench.room).await;
    assert!(matches!(refused, Err(StoreError::NotPermitted { .. })), "{refused:?}");
    bench.world.sleep(Duration::from_secs(6)).await;
    let refused = bench.records.event(&reading, event(1)).await.err();
    assert!(matches!(refused, Some(StoreError::NotPermitted { .. })), "{refused:?}");
}
