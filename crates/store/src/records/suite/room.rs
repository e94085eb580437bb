//! How much a home may hold and send.

use keepsight_gate::Action;
use keepsight_ids::{SegmentKind, SegmentNo, UnixMillis};

use super::bench::{Bench, captured};
use super::street::{NOW, Who, camera, event, header, home, sealed};
use crate::StoreError;
use crate::objects::sha256;
use crate::records::{EventQuery, Retention, Room, SegmentOffer};

const VIDEO: SegmentKind = SegmentKind::Video;
const DAY_MS: i64 = 24 * 3_600_000;

pub(super) async fn a_home_holds_as_many_bytes_as_it_may(mut bench: Bench) {
    let bytes = header(1, camera(10), event(1), captured(1), true);
    let segment = sealed(1, camera(10), event(1), (VIDEO, SegmentNo(0)), &[0; 1000]).len() as u64;
    // Room for one Event on each camera, less one byte.
    let bytes_max = 2 * (bytes.len() as u64 + segment) - 1;
    bench.room = Room { bytes_max, ..Room::UNBOUNDED };
    bench.put_header(1, camera(10), 1).await.unwrap();
    bench.put_header(1, camera(11), 2).await.unwrap();
    let put = async |at, number| bench.put_segment(1, (at, number), (VIDEO, SegmentNo(0)), &[0; 1000]).await;
    assert!(put(camera(10), 1).await.unwrap());
    let refused = put(camera(11), 2).await;
    assert!(matches!(refused, Err(StoreError::HomeFull { home: of }) if of == home(1)), "{refused:?}");
    let permit = bench.street.agent(1, Action::AgentIngest, Some(camera(11))).await;
    let hash = sha256(&sealed(1, camera(11), event(2), (VIDEO, SegmentNo(0)), &[0; 1000]));
    let offer =
        SegmentOffer { event: event(2), kind: VIDEO, number: SegmentNo(0), sha256: hash, bytes: segment };
    let refused = bench.records.wants_segment(&permit, offer, bench.room).await;
    assert!(matches!(refused, Err(StoreError::HomeFull { .. })), "before its object is written: {refused:?}");
    let long = header(1, camera(10), event(3), captured(3), true);
    let long = [&long[..], &vec![b' '; segment as usize]].concat();
    let refused = bench.put_header_of(1, camera(10), 3, long).await;
    assert!(matches!(refused, Err(StoreError::HomeFull { .. })), "{refused:?}");
    // What is there is acknowledged again, what is gone is told, and another home is none of it.
    assert!(!put(camera(10), 1).await.unwrap());
    assert!(!bench.put_header(1, camera(10), 1).await.unwrap().new);
    bench.put_whole(2, camera(20), 1).await;
    let permit = bench.street.person(Who::Owner(1), Action::DeleteEvent, Some(camera(10))).await;
    bench.records.delete(&permit, event(1)).await.unwrap();
    assert!(put(camera(11), 2).await.unwrap(), "and there is room again");
    let refused = put(camera(10), 1).await;
    assert!(matches!(refused, Err(StoreError::Gone { .. })), "{refused:?}");
}

pub(super) async fn a_home_sends_as_many_events_a_day_as_it_may(mut bench: Bench) {
    bench.room = Room { events_a_day_max: 2, ..Room::UNBOUNDED };
    // Two cameras of one home have one bound; when they were captured does not count.
    let midnight = UnixMillis(NOW.0 - NOW.0.rem_euclid(DAY_MS) + DAY_MS);
    let today = midnight.plus_ms(-1000);
    bench.street.set_time(today);
    bench.put_header(1, camera(10), 1).await.unwrap();
    bench.put_header(1, camera(11), 2).await.unwrap();
    let refused = bench.put_header(1, camera(10), 3).await;
    assert!(matches!(refused, Err(StoreError::EventsOfTheDay { home: of }) if of == home(1)), "{refused:?}");
    assert!(!bench.put_header(1, camera(10), 1).await.unwrap().new, "what came is acknowledged again");
    assert!(bench.put_segment(1, (camera(10), 1), (VIDEO, SegmentNo(0)), b"x").await.unwrap());
    for number in 1..=2 {
        bench.put_header(2, camera(20), number).await.unwrap();
    }
    // Deleting gives nothing back.
    let permit = bench.street.person(Who::Owner(1), Action::DeleteEvent, Some(camera(10))).await;
    bench.records.delete(&permit, event(1)).await.unwrap();
    let refused = bench.put_header(1, camera(10), 3).await;
    assert!(matches!(refused, Err(StoreError::EventsOfTheDay { .. })), "{refused:?}");
    assert_eq!(told(&bench, Who::Owner(1)).await, (1, 2));
    assert_eq!(told(&bench, Who::Guest(1)).await, (0, 1), "of the cameras that they may see");
    bench.street.set_time(midnight);
    assert_eq!(told(&bench, Who::Owner(1)).await, (1, 0));
    bench.put_header(1, camera(10), 3).await.unwrap();
    assert_eq!(told(&bench, Who::Owner(1)).await, (2, 1));
}

async fn told(bench: &Bench, who: Who) -> (u64, u64) {
    let permit = bench.street.person(who, Action::ReadHome, None).await;
    let usage = bench.open_plain(bench.records.usage(&permit).await.unwrap(), permit);
    (usage.events, usage.today)
}

pub(super) async fn what_is_arriving_does_not_go_for_want_of_room(bench: Bench) {
    let tight = |now| Retention { now, older_than: UnixMillis(0), bytes_max: 0, total_max: u64::MAX };
    bench.put_header(1, camera(10), 1).await.unwrap();
    bench.put_whole(1, camera(10), 2).await;
    let swept = bench.records.sweep(home(1), tight(NOW.plus_ms(DAY_MS))).await.unwrap();
    assert_eq!(swept.events, [(camera(10), event(2))]);
    bench.put_segment(1, (camera(10), 1), (VIDEO, SegmentNo(0)), b"x").await.unwrap();
    bench.put_header(1, camera(10), 3).await.unwrap();
    bench.put_segment(1, (camera(10), 1), (SegmentKind::Trailer, SegmentNo(0)), b"x").await.unwrap();
    let swept = bench.records.sweep(home(1), tight(NOW)).await.unwrap();
    assert_eq!(swept.events, [(camera(10), event(1))], "it has arrived");
    // One whose trailer never came goes a day later.
    let swept = bench.records.sweep(home(1), tight(NOW.plus_ms(DAY_MS + 1))).await.unwrap();
    assert_eq!(swept.events, [(camera(10), event(3))]);
    assert!(bench.numbers(Who::Owner(1), None, EventQuery::default()).await.is_empty());
}
