//! Truth on SQLite passes the suite of every backend.

use std::sync::Arc;

use keepsight_store::truth::{SqliteTruth, suite};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_truth_passes_the_suite() {
    #[cfg(feature = "sabotage")]
    let _healthy = keepsight_gate::sabotage::hold(None);
    let folder = tempfile::tempdir().unwrap();
    let made = std::sync::atomic::AtomicU32::new(0);
    let path = folder.path().to_owned();
    suite::run(Arc::new(move |world| {
        let number = made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Arc::new(SqliteTruth::open(&path.join(format!("{number}.db")), world).unwrap())
    }))
    .await;
}
