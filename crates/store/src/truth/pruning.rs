//! The gate's log forgets its beginning, so that it doesn't grow for ever.
//!
//! A replica that is as of a revision whose row is gone gets no tag for it and forgets everything it holds; a Permit of such a
//! revision writes nothing and is asked for anew. So forgetting too much is slow, never wrong.

use keepsight_ids::UnixMillis;
use rusqlite::{Connection, params};

use super::sql::{int, one, run};
use crate::StoreError;

/// Revisions forgotten in one transaction, so that no write waits long.
const AT_ONCE: i64 = 5000;

/// How much of the log is kept at least: so many revisions, and all that are younger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogKept {
    /// The newest so many.
    pub revisions: u64,
    /// All of the last so many milliseconds.
    pub age_ms: i64,
}

impl Default for LogKept {
    fn default() -> Self {
        Self { revisions: 100_000, age_ms: 7 * 24 * 3_600_000 }
    }
}

/// Forgets a stretch of what need not be kept; how many rows that was.
pub fn prune(tx: &Connection, kept: LogKept, now: UnixMillis) -> Result<usize, StoreError> {
    // Revisions are older the lower they are, up to a clock that was set back: the first one young enough ends the stretch.
    const YOUNG: &str =
        "SELECT rev FROM gate_log WHERE rev >= ?1 AND rev < ?2 AND at >= ?3 ORDER BY rev LIMIT 1";
    let first: Option<i64> = one(tx, "SELECT min(rev) FROM gate_log", [], |row| row.get(0))?;
    let head: Option<i64> = one(tx, "SELECT rev FROM gate_head", [], |row| row.get(0))?;
    let (Some(first), Some(head)) = (first, head) else { return Ok(0) };
    let end = head.saturating_sub(int(kept.revisions)).min(first + AT_ONCE);
    let before = now.0.saturating_sub(kept.age_ms);
    let young: Option<i64> = one(tx, YOUNG, params![first, end, before], |row| row.get(0))?;
    Ok(run(tx, "DELETE FROM gate_log WHERE rev < ?1", [young.unwrap_or(end)])?)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use keepsight_gate::{Action, Ask, Denied, OperatorDeed, Rights};
    use keepsight_ids::Revision;

    use super::super::SqliteTruth;
    use super::super::suite::{Bench, Open};
    use super::*;

    const DAY_MS: i64 = 24 * 3_600_000;
    const KEPT: LogKept = LogKept { revisions: 10, age_ms: DAY_MS };

    async fn bench() -> (Bench, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = Mutex::new(Some(folder.path().join("truth.db")));
        let open: Open = Arc::new(move |world| {
            let path = path.lock().unwrap().take().expect("one database");
            Arc::new(SqliteTruth::open(&path, world).unwrap().with_log(KEPT))
        });
        (Bench::new(open).await, folder)
    }

    async fn revisions(folder: &tempfile::TempDir) -> Vec<u64> {
        let db = Connection::open(folder.path().join("truth.db")).unwrap();
        let mut query = db.prepare("SELECT DISTINCT rev FROM gate_log ORDER BY rev").unwrap();
        let rows = query.query_map([], |row| row.get::<_, i64>(0)).unwrap();
        rows.map(|row| row.unwrap() as u64).collect()
    }

    async fn lock_and_unlock(bench: &Bench, times: usize) {
        for on in [true, false].into_iter().cycle().take(times) {
            bench.operate(OperatorDeed::LockEverything { on }).await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_is_old_and_far_behind_is_forgotten_and_nothing_else() {
        let (bench, folder) = bench().await;
        lock_and_unlock(&bench, 30).await;
        bench.truth.sweep().await.unwrap();
        assert_eq!(
            revisions(&folder).await,
            (1..=30).collect::<Vec<_>>(),
            "all but the beginning, which has no time, is young"
        );
        bench.clock.pass(DAY_MS + 1);
        lock_and_unlock(&bench, 4).await;
        bench.truth.sweep().await.unwrap();
        assert_eq!(revisions(&folder).await, (24..=34).collect::<Vec<_>>(), "so many are always kept");
        lock_and_unlock(&bench, 20).await;
        bench.truth.sweep().await.unwrap();
        assert_eq!(revisions(&folder).await, (31..=54).collect::<Vec<_>>(), "and all that are young");
        bench.truth.sweep().await.unwrap();
        assert_eq!(revisions(&folder).await.len(), 24);
    }

    #[tokio::test]
    async fn a_gate_that_slept_through_what_was_forgotten_forgets_all_it_held() {
        let (bench, folder) = bench().await;
        let elm = bench.person("elm").await;
        let mut home = bench.home(&elm).await;
        let (oak, _) = bench.member(&elm, &mut home, "oak", Rights::MEMBER).await;
        let read = Ask::home(Action::ReadHome, home.home);
        bench.allowed(&oak.credential, read).await;
        let held = bench.check(&elm.credential, Ask::of(Action::EndSessions)).await.unwrap();
        // Everything that names them is written and forgotten before the gate asks again.
        bench.operate(OperatorDeed::EndRelation { home: home.home, account: oak.account }).await.unwrap();
        lock_and_unlock(&bench, 40).await;
        bench.clock.pass(2 * DAY_MS);
        bench.truth.sweep().await.unwrap();
        assert!(revisions(&folder).await[0] > held.revision().0 + 1 && held.revision() > Revision(0));
        assert_eq!(bench.denied(&oak.credential, read).await, Denied::NotFound);
        bench.allowed(&elm.credential, read).await;
        // A Permit from before is not written with: it is decided anew.
        bench.gate.change(held, keepsight_gate::Change::EndOtherSessions).await.unwrap();
    }
}
