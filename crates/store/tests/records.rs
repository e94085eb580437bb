//! Records on SQLite passes the suite of every backend, with and without a cache before its lists.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use keepsight_store::SqliteRecords;
use keepsight_store::records::{memory_cache, suite};
use keepsight_world::World;

#[tokio::test(start_paused = true)]
async fn sqlite_records_passes_the_suite() {
    run(|_, records| records).await;
}

#[tokio::test(start_paused = true)]
async fn sqlite_records_that_keeps_lists_passes_the_suite() {
    run(|world, records| records.with_cache(&memory_cache(world))).await;
}

async fn run(with: impl Fn(&World, SqliteRecords) -> SqliteRecords + Send + Sync + 'static) {
    let folder = tempfile::tempdir().unwrap();
    let next = AtomicU32::new(0);
    let open = move |world: World| {
        let file = format!("{}.db", next.fetch_add(1, Ordering::Relaxed));
        let records = SqliteRecords::open(&folder.path().join(file), world.clone()).unwrap();
        Arc::new(with(&world, records)) as Arc<_>
    };
    suite::run(Arc::new(open)).await;
}
