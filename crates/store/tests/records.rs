//! Records on SQLite passes the suite of every backend.

use std::sync::Arc;

use keepsight_store::SqliteRecords;
use keepsight_store::records::suite;

#[tokio::test(start_paused = true)]
async fn sqlite_records_passes_the_suite() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let next = std::sync::atomic::AtomicU32::new(0);
    suite::run(Arc::new(move |world| {
        let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Arc::new(SqliteRecords::open(&folder.path().join(format!("{number}.db")), world).unwrap())
    }))
    .await;
}
