//! Revocations on their way from the database into the journal.
//!
//! A change and its line for the journal are one transaction: what is committed reaches the journal, also when whoever asked has
//! stopped waiting, the journal could not be written, or the process died in between. A line leaves this table only after the
//! journal has it on disk; it may get there twice, and never behind a later one for the first time.

use std::sync::Arc;

use rusqlite::{Connection, params};
use tokio::sync::Mutex;

use super::journal::{Journal, Line};
use super::sql::{all, int, run};
use crate::StoreError;
use crate::sqlite::Sqlite;

/// The table, and the journal that it is emptied into. Cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    db: Sqlite,
    journal: Journal,
    /// One at a time in this process: each would bring the same lines.
    turn: Arc<Mutex<()>>,
}

/// Notes the line in the transaction of its revision.
pub fn put(tx: &Connection, line: &Line) -> rusqlite::Result<()> {
    let text = serde_json::to_vec(line).expect("a line is plain JSON");
    run(
        tx,
        "INSERT INTO revocations_to_journal (rev, line) VALUES (?1, ?2)",
        params![int(line.rev.0), text],
    )?;
    Ok(())
}

impl Outbox {
    pub fn new(db: Sqlite, journal: Journal) -> Self {
        Self { db, journal, turn: Arc::default() }
    }

    /// The journal.
    pub const fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Brings everything that waits into the journal, lowest revision first. On return what was committed before this call is
    /// on disk there.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        let lines = self.db.read("revocations for the journal", waiting).await?;
        let Some(last) = lines.last().map(|line| int(line.rev.0)) else { return Ok(()) };
        self.journal.append(lines).await?;
        let forget = move |tx: &Connection| {
            run(tx, "DELETE FROM revocations_to_journal WHERE rev <= ?1", [last])?;
            Ok::<_, StoreError>(())
        };
        if let Err(error) = self.db.write("revocations in the journal", forget).await {
            tracing::warn!(%error, "revocations that the journal has will be written into it again");
        }
        Ok(())
    }
}

fn waiting(tx: &Connection) -> Result<Vec<Line>, StoreError> {
    let texts: Vec<Vec<u8>> =
        all(tx, "SELECT line FROM revocations_to_journal ORDER BY rev", [], |row| row.get(0))?;
    let parse = |text: Vec<u8>| {
        serde_json::from_slice(&text)
            .map_err(|error| StoreError::Corrupt { what: format!("a revocation for the journal: {error}") })
    };
    texts.into_iter().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use keepsight_gate::{Committed, OperatorDeed, Tag, TokenHash};
    use keepsight_ids::{Revision, UnixMillis};
    use keepsight_world::World;

    use super::super::journal::Revoked;
    use super::*;
    use crate::truth::{SqliteTruth, Truth};

    fn open(folder: &Path) -> SqliteTruth {
        let truth = SqliteTruth::open(&folder.join("truth.db"), World::real()).unwrap();
        truth.with_journal(&folder.join("revocations")).unwrap()
    }

    fn journaled(folder: &Path) -> Vec<Revoked> {
        let lines = Journal::open(&folder.join("revocations")).unwrap().read().unwrap();
        lines.into_iter().flat_map(|line| line.revoked).collect()
    }

    fn waits(folder: &Path) -> i64 {
        let db = Connection::open(folder.join("truth.db")).unwrap();
        db.busy_timeout(Duration::from_secs(5)).unwrap();
        db.query_row("SELECT count(*) FROM revocations_to_journal", [], |row| row.get(0)).unwrap()
    }

    const LOCK: OperatorDeed = OperatorDeed::LockEverything { on: true };

    #[tokio::test]
    async fn what_is_committed_after_everybody_stopped_waiting_is_in_the_journal_too() {
        let folder = tempfile::tempdir().unwrap();
        let truth = open(folder.path());
        let other = Connection::open(folder.path().join("truth.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let asked = tokio::time::timeout(Duration::from_millis(50), truth.operate(LOCK)).await;
        assert!(asked.is_err(), "the database is held");
        other.execute_batch("COMMIT").unwrap();
        for _ in 0..500 {
            if journaled(folder.path()) == [Revoked::Lockdown { on: true }] {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the journal has {:?}", journaled(folder.path()));
    }

    #[tokio::test]
    async fn what_a_dead_process_left_behind_is_in_the_journal_after_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let truth = open(folder.path());
        truth.operate(LOCK).await.unwrap();
        assert_eq!((journaled(folder.path()).len(), waits(folder.path())), (1, 0));
        let left = vec![Revoked::Session];
        let line =
            Line::of(Committed { revision: Revision(1), at: UnixMillis(7) }, Tag([1; 16]), left.clone());
        truth.db.write("as a crash leaves it", move |tx| Ok::<_, StoreError>(put(tx, &line)?)).await.unwrap();
        drop(truth);
        let truth = open(folder.path());
        truth.start_service([1; 32], TokenHash::from_bytes([2; 32])).await.unwrap();
        assert!(journaled(folder.path()).contains(&Revoked::Session));
        assert_eq!(waits(folder.path()), 0);
    }
}
