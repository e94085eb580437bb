//! The checked write: one transaction that validates, changes, and takes a revision if it touched what decisions rest on.
//!
//! The lock is taken at BEGIN IMMEDIATE, before anything is read, so that validation sees every change that came before (S1 and
//! S2 of the write protocol; here they need not be two statements). A refused change is undone by its SAVEPOINT and takes no
//! revision: the log has no gap.

use std::collections::BTreeSet;

use keepsight_gate::sabotage::{self, Mutant};
use keepsight_gate::{Author, Committed, Deed, Key, Permit, Refusal, Tag, Write, WriteError};
use keepsight_ids::{HomeId, Revision, SlotId, UnixMillis};
use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use super::fence::{head, tag_at};
use super::journal::{Line, Revoked};
use super::rows::HomeLimits;
use super::sql::{self, exists, int, key_columns, run};
use super::sqlite::SqliteTruth;
use super::{outbox, write};
use crate::StoreError;

/// Why a transaction is taken back.
#[derive(Debug)]
pub enum Stop {
    /// A later change named what the Permit stands on.
    Overtaken,
    /// An invariant, or something is gone.
    Refused(Refusal),
    /// The database.
    Store(StoreError),
}

/// One change's transaction.
pub struct Job<'t> {
    /// The transaction.
    pub tx: &'t Connection,
    /// The newest revision so far.
    pub head: Revision,
    /// The revision that this change takes, if it touches an aggregate.
    pub rev: Revision,
    /// The truth's time.
    pub now: UnixMillis,
    /// What new homes may take.
    pub limits: HomeLimits,
    touched: BTreeSet<Key>,
    revoked: Vec<Revoked>,
    outside: Option<Connection>,
}

/// A change that was written, and what it took.
pub type Done = (Committed, Vec<Revoked>);

/// What a Permit stands on, apart from the Permit.
struct Stand {
    revision: Revision,
    tag: Tag,
    keys: Vec<Key>,
}

/// Writes one change and answers after its COMMIT.
pub async fn commit(truth: &SqliteTruth, write: Write) -> Result<Committed, WriteError> {
    let mut stand = Stand::of(&write.author);
    if sabotage::active(Mutant::ValidateBeforeLock)
        && let Some(stand) = stand.take()
    {
        truth.db.read("validate too early", move |tx| stand.check(tx)).await.map_err(into_error)?;
    }
    let outside = sabotage::active(Mutant::OneStatementWrite).then(|| truth.db.path().to_owned());
    let (world, limits, tag) = (truth.world.clone(), truth.limits, write.tag);
    let (early, acked) = oneshot::channel();
    let (db, outbox) = (truth.db.clone(), truth.outbox.clone());
    let journaled = outbox.is_some();
    let change = move |tx: &Connection| {
        let outside = outside.map(Connection::open).transpose()?;
        if let Some(stand) = stand {
            stand.check(outside.as_ref().unwrap_or(tx))?;
        }
        let job = Job { outside, ..Job::begin(tx, UnixMillis(world.unix_millis()), limits)? };
        let (committed, revoked) = job.run(write)?;
        let takes = journaled && !revoked.is_empty();
        if takes {
            outbox::put(tx, &Line::of(committed, tag, revoked))?;
        }
        if sabotage::active(Mutant::AckBeforeCommit) {
            let _ = early.send(committed);
        }
        Ok::<_, Stop>((committed, takes))
    };
    // A task of its own: whoever asked may stop waiting, and what was committed by then must still reach the journal.
    let done = tokio::spawn(async move {
        let (committed, takes) = db.write("change", change).await?;
        if let Some(outbox) = outbox.filter(|_| takes) {
            outbox.flush().await?;
        }
        Ok(committed)
    });
    let done = async { done.await.unwrap_or(Err(Stop::Store(StoreError::Lost { transaction: "change" }))) };
    let done =
        if sabotage::active(Mutant::AckBeforeCommit) { first_of(done, acked).await } else { done.await };
    let committed = done.map_err(into_error)?;
    truth.note_head().await;
    Ok(committed)
}

/// The mutant's way to answer: whatever comes first. The write itself goes on.
async fn first_of(
    done: impl Future<Output = Result<Committed, Stop>>,
    acked: oneshot::Receiver<Committed>,
) -> Result<Committed, Stop> {
    tokio::pin!(done);
    tokio::select! {
        biased;
        Ok(committed) = acked => Ok(committed),
        committed = &mut done => committed,
    }
}

fn into_error(stop: Stop) -> WriteError {
    match stop {
        Stop::Overtaken => WriteError::Overtaken,
        Stop::Refused(refusal) => WriteError::Refused(refusal),
        Stop::Store(error) => WriteError::Unavailable(error.to_string()),
    }
}

impl Stand {
    fn of(author: &Author) -> Option<Self> {
        match author {
            Author::Operator => None,
            Author::Permit(permit) => {
                Some(Self { revision: permit.revision(), tag: permit.tag(), keys: permit.stands_on() })
            }
        }
    }

    /// Fails if the history is another one, or a log row later than the Permit's revision names what it stands on.
    fn check(&self, tx: &Connection) -> Result<(), Stop> {
        const LATER: &str = "SELECT 1 FROM gate_log WHERE rev > ?1 AND kind = ?2 AND id = ?3 LIMIT 1";
        if tag_at(tx, self.revision)? != Some(self.tag) {
            return Err(Stop::Overtaken);
        }
        for key in &self.keys {
            let (kind, id) = key_columns(key);
            if exists(tx, LATER, params![int(self.revision.0), kind, id])? {
                return Err(Stop::Overtaken);
            }
        }
        Ok(())
    }
}

impl<'t> Job<'t> {
    /// Begins one, in a transaction that holds the lock.
    pub fn begin(tx: &'t Connection, now: UnixMillis, limits: HomeLimits) -> Result<Self, Stop> {
        let (head, _) = head(tx)?;
        let (touched, revoked) = (BTreeSet::new(), Vec::new());
        Ok(Self { tx, head, rev: head.next(), now, limits, touched, revoked, outside: None })
    }

    fn run(mut self, write: Write) -> Result<Done, Stop> {
        match (&write.author, &write.deed) {
            (Author::Permit(permit), Deed::Change(change)) => write::change(&mut self, permit, change)?,
            (Author::Operator, Deed::Operator(deed)) => write::operator(&mut self, deed)?,
            _ => return Err(Refusal::NotFound.into()),
        }
        self.take_revision(write.tag)
    }

    /// Names an aggregate in the log: every replica drops it.
    pub fn touch(&mut self, key: Key) {
        self.touched.insert(key);
    }

    /// Notes for the journal what is taken. Whatever is, touches an aggregate too.
    pub fn revoke(&mut self, what: Revoked) {
        if !self.revoked.contains(&what) {
            self.revoked.push(what);
        }
    }

    /// Ends the change: a revision with that tag, if it touched an aggregate.
    pub fn take_revision(self, tag: Tag) -> Result<Done, Stop> {
        if self.touched.is_empty() {
            return Ok((Committed { revision: self.head, at: self.now }, self.revoked));
        }
        let (tx, rev) = (self.tx, int(self.rev.0));
        run(tx, "UPDATE gate_head SET rev = ?1, tag = ?2", params![rev, tag.0])?;
        for key in &self.touched {
            let (kind, id) = key_columns(key);
            let row = params![rev, kind, id, tag.0, self.now.0];
            run(tx, "INSERT INTO gate_log (rev, kind, id, tag, at) VALUES (?1, ?2, ?3, ?4, ?5)", row)?;
            match key {
                Key::Account(_) => {
                    run(tx, "UPDATE accounts SET touched = ?1 WHERE account = ?2", params![rev, id])?
                }
                Key::Home(_) => run(tx, "UPDATE homes SET touched = ?1 WHERE home = ?2", params![rev, id])?,
                Key::Service | Key::Session(_) => 0,
            };
        }
        Ok((Committed { revision: self.rev, at: self.now }, self.revoked))
    }

    /// The invariant of a home: after this change somebody owns it. `ended` are the slots that this change took out.
    pub fn owner_must_remain(&self, home: HomeId, ended: &[SlotId]) -> Result<(), Stop> {
        const OWNERS: &str =
            "SELECT slot FROM relations WHERE home = ?1 AND until_rev IS NULL AND cameras IS NULL
            AND rights & 8 <> 0 AND from_at <= ?2 AND (until_at IS NULL OR ?2 < until_at)";
        let view = self.outside.as_ref().unwrap_or(self.tx);
        let owners = sql::all(view, OWNERS, params![home.as_bytes(), self.now.0], |row| {
            Ok(SlotId::from_bytes(row.get(0)?))
        })?;
        if owners.iter().any(|slot| !ended.contains(slot)) {
            Ok(())
        } else {
            Err(Refusal::NoOwnerLeft.into())
        }
    }
}

/// The Permit's home; a change about a home has one by its action's scope.
pub fn home_of(permit: &Permit) -> Result<HomeId, Stop> {
    permit.home().ok_or(Stop::Refused(Refusal::NotFound))
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(StoreError::sql("change", error))
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
