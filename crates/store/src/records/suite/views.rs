//! The ledger, as people read it.

use keepsight_ids::{CameraId, Revision, UnixMillis};
use keepsight_ledger::{Facts, Kind, Record, Span};

use super::bench::{Bench, viewers};
use super::street::{NOW, Who, account, camera, event, home};
use crate::records::ViewQuery;

const ALL: ViewQuery = ViewQuery { event: None, span: None, before: None, limit: 100 };

fn record(who: Who, n: u8, camera: Option<CameraId>, number: u32) -> Record {
    Record::seal(Facts {
        v: Record::VERSION,
        kind: if camera.is_some() { Kind::Opened } else { Kind::Offered },
        viewer: account(who),
        session: None,
        device: "a browser".to_owned(),
        home: home(n),
        camera,
        event: camera.map(|_| event(number)),
        span: None,
        revision: Revision(1),
        at: NOW.plus_ms(1000 * i64::from(number)),
    })
}

pub(super) async fn records_are_kept_in_order_and_paged(bench: Bench) {
    let kept: Vec<_> = (0..10).map(|number| record(Who::Owner(1), 1, Some(camera(10)), number)).collect();
    bench.records.append(kept[..7].to_vec()).await.unwrap();
    bench.records.append(vec![record(Who::Owner(2), 2, None, 1)]).await.unwrap();
    bench.records.append(kept[7..].to_vec()).await.unwrap();
    for limit in [1, 3, 9, 10, 11] {
        let mut query = ViewQuery { limit, ..ALL };
        let mut read = Vec::new();
        loop {
            let page = bench.views(Who::Owner(1), None, query).await;
            read.extend(page.views);
            assert!(read.len() <= 10, "the pages have no end");
            query.before = page.next;
            if page.next.is_none() {
                break;
            }
        }
        read.reverse();
        assert_eq!(read.iter().map(|view| &view.record).collect::<Vec<_>>(), kept.iter().collect::<Vec<_>>());
        assert_eq!(read.iter().map(|view| view.number).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
    }
    assert_eq!(bench.views(Who::Owner(2), None, ALL).await.views.len(), 1);
}

pub(super) async fn a_member_reads_everybodys_and_a_guest_their_own(bench: Bench) {
    let looked = vec![
        record(Who::Owner(1), 1, None, 1),
        record(Who::Owner(1), 1, Some(camera(10)), 2),
        record(Who::Guest(1), 1, Some(camera(10)), 3),
        record(Who::Guest(1), 1, None, 4),
        record(Who::Member(1), 1, Some(camera(11)), 5),
    ];
    bench.records.append(looked).await.unwrap();
    let own = account(Who::Guest(1));
    let everybody = [account(Who::Member(1)), own, own, account(Who::Owner(1)), account(Who::Owner(1))];
    for who in [Who::Owner(1), Who::Member(1)] {
        assert_eq!(viewers(&bench.views(who, None, ALL).await), everybody);
        assert_eq!(viewers(&bench.views(who, Some(camera(10)), ALL).await), [own, account(Who::Owner(1))]);
    }
    assert_eq!(viewers(&bench.views(Who::Guest(1), None, ALL).await), [own, own]);
    assert_eq!(viewers(&bench.views(Who::Guest(1), Some(camera(10)), ALL).await), [own]);
}

pub(super) async fn records_of_an_event_and_of_a_span(bench: Bench) {
    let looked = (0..6).map(|number| record(Who::Owner(1), 1, Some(camera(10)), number % 3));
    bench.records.append(looked.collect()).await.unwrap();
    let of_event = ViewQuery { event: Some(event(1)), ..ALL };
    assert_eq!(bench.views(Who::Owner(1), Some(camera(10)), of_event).await.views.len(), 2);
    assert!(bench.views(Who::Owner(1), Some(camera(11)), of_event).await.views.is_empty());
    let span = Some(Span { from: NOW, until: UnixMillis(NOW.0 + 2000) });
    assert_eq!(bench.views(Who::Owner(1), None, ViewQuery { span, ..ALL }).await.views.len(), 4);
}

pub(super) async fn old_records_go_but_never_before_their_event(bench: Bench) {
    // Of Events 0 to 2 only the second is here; records with odd numbers are of whole lists.
    bench.put_header(1, camera(10), 1).await.unwrap();
    let looked: Vec<_> = (0..6)
        .map(|number| record(Who::Owner(1), 1, (number % 2 == 0).then(|| camera(10)), number / 2))
        .chain([record(Who::Owner(1), 1, Some(camera(10)), 1)])
        .collect();
    bench.records.append(looked).await.unwrap();
    bench
        .records
        .append(vec![record(Who::Owner(2), 2, None, 0), record(Who::Owner(2), 2, None, 0)])
        .await
        .unwrap();
    let numbers = async |who| {
        let page = bench.views(who, None, ALL).await;
        page.views.iter().map(|view| view.number).collect::<Vec<_>>()
    };
    assert_eq!(bench.records.prune_ledger(home(1), NOW).await.unwrap(), 0, "none is old");
    // Those of the first second: of an Event that is gone, and of a list.
    assert_eq!(bench.records.prune_ledger(home(1), NOW.plus_ms(1000)).await.unwrap(), 2);
    assert_eq!(numbers(Who::Owner(1)).await, [7, 6, 5, 4, 3]);
    // All are old: what stays is of the Event that stays, one of them the home's newest.
    assert_eq!(bench.records.prune_ledger(home(1), NOW.plus_ms(60_000)).await.unwrap(), 3);
    assert_eq!(numbers(Who::Owner(1)).await, [7, 3]);
    assert_eq!(bench.records.prune_ledger(home(1), NOW.plus_ms(60_000)).await.unwrap(), 0);
    assert_eq!(numbers(Who::Owner(2)).await, [2, 1], "another home's are its own");
    // The newest stays although it is old, and numbers go on from it.
    assert_eq!(bench.records.prune_ledger(home(2), NOW.plus_ms(60_000)).await.unwrap(), 1);
    bench.records.append(vec![record(Who::Owner(2), 2, None, 3)]).await.unwrap();
    assert_eq!(numbers(Who::Owner(2)).await, [3, 2]);
}
