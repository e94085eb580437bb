//! Whatever Events there are and however the pages are cut, walking them gives each Event once, in order, and none of another's.

use std::sync::Arc;

use keepsight_gate::Action;
use keepsight_ids::UnixMillis;
use keepsight_ledger::Span;
use keepsight_store::records::suite::{Bench, Make, NOW, Who, camera, event, header};
use keepsight_store::{EventQuery, Records, SqliteRecords};
use proptest::prelude::*;

/// An Event: on the first or second camera, at a moment of few, so that many share one.
type Sample = (bool, i64);

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    proptest::collection::vec((any::<bool>(), 0i64..12), 0..40)
}

async fn filled(samples: &[Sample]) -> (Bench, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.db");
    let make: Make =
        Arc::new(move |world| Arc::new(SqliteRecords::open(&path, world).unwrap()) as Arc<dyn Records>);
    let bench = Bench::new(&make);
    let events = (0..).zip(samples).map(|(number, sample)| put(&bench, number, *sample));
    futures_util::future::join_all(events).await;
    (bench, folder)
}

async fn put(bench: &Bench, number: u32, (second, moment): Sample) {
    let at = camera(10 + u8::from(second));
    let bytes = header(1, at, event(number), NOW.plus_ms(moment - 1000), true);
    bench.put_header_of(1, at, number, bytes).await.unwrap();
    if number.is_multiple_of(5) {
        let permit = bench.street.person(Who::Owner(1), Action::MarkSeen, Some(at)).await;
        bench.records.mark_seen(&permit, event(number)).await.unwrap();
    }
}

/// What the pages should hold, by the definition and without an index.
fn expected(samples: &[Sample], query: &EventQuery, only_first: bool) -> Vec<u32> {
    let mut rows: Vec<_> = (0..)
        .zip(samples)
        .map(|(number, (second, moment))| (NOW.0 + moment - 1000, *second, number))
        .filter(|(filed, second, number)| {
            query.span.is_none_or(|span| span.from.0 <= *filed && *filed < span.until.0)
                && !(only_first && *second)
                && !(query.unseen && *number % 5 == 0)
        })
        .collect();
    rows.sort_unstable();
    rows.into_iter().rev().map(|(_, _, number)| number).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn walking_the_pages_gives_every_event_once_in_order(
        samples in samples(),
        limit in 1u32..12,
        from in 0i64..12,
        long in 0i64..12,
        bounded: bool,
        unseen: bool,
        filter: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (bench, _folder) = filled(&samples).await;
            let span = Span { from: UnixMillis(NOW.0 + from - 1000), until: UnixMillis(NOW.0 + from + long - 1000) };
            let query = EventQuery { span: bounded.then_some(span), unseen, before: None, limit };
            let camera = filter.then(|| camera(10));
            prop_assert_eq!(bench.numbers(Who::Owner(1), camera, query).await, expected(&samples, &query, filter));
            let guests = EventQuery { unseen: false, ..query };
            prop_assert_eq!(bench.numbers(Who::Guest(1), None, guests).await, expected(&samples, &guests, true));
            prop_assert!(bench.numbers(Who::Owner(2), None, guests).await.is_empty());
            Ok(())
        })?;
    }
}
