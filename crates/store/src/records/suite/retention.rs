//! How Events go.

use keepsight_gate::Action;
use keepsight_ids::{SegmentKind, SegmentNo, UnixMillis};

use super::bench::{Bench, captured};
use super::street::{NOW, Who, camera, event, home};
use crate::StoreError;
use crate::records::{EventQuery, Retention};

const ALL: EventQuery = EventQuery { span: None, unseen: false, before: None, limit: 100 };
const NOTHING: Retention =
    Retention { now: NOW, older_than: UnixMillis(0), bytes_max: u64::MAX, total_max: u64::MAX };

pub(super) async fn what_is_deleted_stays_deleted_for_ever(bench: Bench) {
    bench.put_whole(1, camera(10), 1).await;
    bench.put_whole(1, camera(10), 2).await;
    let permit = bench.street.person(Who::Owner(1), Action::DeleteEvent, Some(camera(10))).await;
    bench.records.delete(&permit, event(1)).await.unwrap();
    let refused = bench.records.delete(&permit, event(1)).await;
    assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
    let refused = bench.put_header(1, camera(10), 1).await;
    assert!(matches!(refused, Err(StoreError::Gone { .. })), "{refused:?}");
    let refused = bench.put_segment(1, (camera(10), 1), (SegmentKind::Video, SegmentNo(0)), b"x").await;
    assert!(matches!(refused, Err(StoreError::Gone { .. })), "{refused:?}");
    assert_eq!(bench.numbers(Who::Owner(1), None, ALL).await, [2]);
    let permit = bench.street.person(Who::Owner(1), Action::ReadHome, None).await;
    let usage = bench.open_plain(bench.records.usage(&permit).await.unwrap(), permit);
    assert_eq!(usage.events, 1);

    let doomed = bench.records.doomed(None, 10).await.unwrap();
    assert_eq!(doomed.len(), 2, "its objects wait for their removal");
    assert_eq!(bench.records.orphans(doomed.clone()).await.unwrap(), doomed, "and no row names them");
    bench.records.buried(doomed).await.unwrap();
    assert!(bench.records.doomed(None, 10).await.unwrap().is_empty());
}

pub(super) async fn old_events_go_and_kept_ones_stay(bench: Bench) {
    for number in 1..=6 {
        bench.put_whole(1, camera(10), number).await;
    }
    for (number, kept) in [(2, true), (3, true), (3, false)] {
        let (action, other) = match kept {
            true => (Action::KeepEvent, Action::DeleteEvent),
            false => (Action::DeleteEvent, Action::KeepEvent),
        };
        let permit = bench.street.person(Who::Owner(1), action, Some(camera(10))).await;
        bench.records.keep(&permit, event(number), kept).await.unwrap();
        let refused = bench.records.keep(&permit, event(99), kept).await;
        assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
        let other = bench.street.person(Who::Owner(1), other, Some(camera(10))).await;
        let refused = bench.records.keep(&other, event(number), kept).await;
        assert!(matches!(refused, Err(StoreError::NotPermitted { .. })), "{refused:?}");
    }
    assert!(bench.detail(Who::Owner(1), camera(10), 2).await.unwrap().event.kept);
    let swept = bench.records.sweep(home(1), Retention { older_than: captured(5), ..NOTHING }).await.unwrap();
    let gone: Vec<_> = [1, 3, 4].map(|number| (camera(10), event(number))).into();
    assert_eq!((swept.events, swept.more), (gone, false));
    assert_eq!(bench.numbers(Who::Owner(1), None, ALL).await, [6, 5, 2]);
    let refused = bench.put_header(1, camera(10), 1).await;
    assert!(matches!(refused, Err(StoreError::Gone { .. })), "{refused:?}");
}

pub(super) async fn beyond_its_bytes_a_home_loses_its_oldest(bench: Bench) {
    for number in 1..=5 {
        bench.put_whole(1, camera(10 + (number % 2) as u8), number).await;
    }
    let each = bench.detail(Who::Owner(1), camera(11), 1).await.unwrap().event.bytes;
    let permit = bench.street.person(Who::Owner(1), Action::KeepEvent, Some(camera(11))).await;
    bench.records.keep(&permit, event(1), true).await.unwrap();
    let fits = Retention { bytes_max: each * 4, total_max: each * 5, ..NOTHING };
    assert!(
        bench.records.sweep(home(1), fits).await.unwrap().events.is_empty(),
        "what is kept takes nothing from it"
    );
    let tight = Retention { bytes_max: each * 3, ..NOTHING };
    let swept = bench.records.sweep(home(1), tight).await.unwrap();
    assert_eq!(swept.events, [(camera(10), event(2))]);
    let full = Retention { total_max: each * 3, ..NOTHING };
    let swept = bench.records.sweep(home(1), full).await.unwrap();
    assert_eq!(swept.events, [(camera(11), event(3))], "but all together have their limit");
    assert_eq!(bench.numbers(Who::Owner(1), None, ALL).await, [5, 4, 1]);
}

pub(super) async fn a_sweep_is_of_one_home_and_in_bounded_steps(bench: Bench) {
    let put =
        futures_util::future::join_all((0..250).map(|number| bench.put_header(1, camera(10), number))).await;
    assert!(put.iter().all(Result::is_ok));
    bench.put_whole(2, camera(20), 1).await;
    let mut homes = bench.records.homes().await.unwrap();
    homes.sort();
    assert_eq!(homes, [home(1), home(2)]);
    let all = Retention { older_than: NOW, ..NOTHING };
    let first = bench.records.sweep(home(1), all).await.unwrap();
    assert!(first.more && first.events.len() < 250);
    let second = bench.records.sweep(home(1), all).await.unwrap();
    assert_eq!((first.events.len() + second.events.len(), second.more), (250, false));
    assert_eq!(bench.numbers(Who::Owner(2), None, ALL).await, [1]);
}
