//! Looks at each start whether the database is older than what was done: a restored backup. Then nobody gets back what was taken
//! since: what the journal holds and the database lacks is done again, and everybody's session ends.
//!
//! It takes a revision of its own with a new tag, so that every replica of another node forgets what it knew. What was *given* since
//! the backup is gone; that is no danger, and owners give it again.

use std::collections::HashSet;

use keepsight_gate::{Committed, OperatorDeed, Tag};
use keepsight_ids::UnixMillis;
use rusqlite::Connection;

use super::commit::{Job, Stop};
use super::fence::{head, tag_at};
use super::journal::{Journal, Line, Revoked};
use super::sql::{self, one};
use super::sqlite::SqliteTruth;
use super::write;
use crate::StoreError;

/// To be called at a start, before anything is decided.
pub async fn settle(truth: &SqliteTruth) -> Result<(), StoreError> {
    let Some(outbox) = truth.outbox.clone() else { return Ok(()) };
    // What a process that died left on the way.
    outbox.flush().await?;
    let journal = outbox.journal();
    // The journal first: what is committed meanwhile is in the database then.
    let lines = read(journal).await?;
    let known = lines.len() as u64;
    let last = lines.last().map(|line| (line.rev, line.tag.clone()));
    let look = move |tx: &Connection| {
        let (rev, tag) = head(tx)?;
        Ok::<_, StoreError>((Committed { revision: rev, at: UnixMillis(0) }, tag, missing(tx, lines)?))
    };
    let (at, tag, missing) = truth.db.read("look for a restored backup", look).await?;
    if missing.is_empty() {
        // Where the history stood at this start: a database that ends before this is an older one.
        let line = Line::of(Committed { at: truth.now(), ..at }, tag, Vec::new());
        let is_new = last != Some((line.rev, line.tag.clone()));
        return if is_new { journal.append(vec![line]).await } else { Ok(()) };
    }
    tracing::error!(
        head = at.revision.0,
        lacking = missing.len(),
        "the database is older than the journal of revocations: a restored backup. What was revoked since is \
         revoked again, and everybody is signed out. Owners are asked to look at who belongs to their homes."
    );
    let line = again(truth, missing).await?;
    journal.append(vec![Line { settled: Some(known), ..line }]).await
}

async fn read(journal: &Journal) -> Result<Vec<Line>, StoreError> {
    let journal = journal.clone();
    let lines = tokio::task::spawn_blocking(move || journal.read()).await;
    lines.map_err(|_| StoreError::Lost { transaction: "read the journal of revocations" })?
}

/// The lines whose revision this history does not have, but for those that a revision which it has did again. A line that came
/// twice counts where it stood first, for the second may stand behind later ones.
fn missing(tx: &Connection, lines: Vec<Line>) -> Result<Vec<Line>, StoreError> {
    let oldest: Option<i64> = one(tx, "SELECT min(rev) FROM gate_log", [], |row| row.get(0))?;
    let has = |line: &Line| -> Result<bool, StoreError> {
        // The log forgets its beginning; what is older than all of it has been there.
        let forgotten = oldest.is_some_and(|oldest| sql::int(line.rev.0) < oldest);
        Ok(forgotten || tag_at(tx, line.rev)?.is_some_and(|tag| tag.0[..] == line.tag.0[..]))
    };
    let (mut done, mut lacking, mut seen) = (0, Vec::new(), HashSet::new());
    for (at, line) in (0u64..).zip(lines) {
        match (has(&line)?, line.settled) {
            (true, Some(settled)) => done = done.max(settled),
            (true, None) => {}
            (false, _) if seen.insert(line.clone()) => lacking.push((at, line)),
            (false, _) => {}
        }
    }
    Ok(lacking.into_iter().filter(|(at, _)| *at >= done).map(|(_, line)| line).collect())
}

/// Does it all again, as one revision, and gives its line.
async fn again(truth: &SqliteTruth, missing: Vec<Line>) -> Result<Line, StoreError> {
    let (tag, now, limits) = (Tag(truth.world.random()), truth.now(), truth.limits);
    let done = truth.db.write("revoke again", move |tx| {
        let mut job = Job::begin(tx, now, limits)?;
        for revoked in missing.iter().flat_map(|line| &line.revoked) {
            revoke(&mut job, revoked)?;
        }
        write::operator(&mut job, &OperatorDeed::EndAllSessions)?;
        sql::run(tx, "UPDATE homes SET restored = ?1", [now.0])?;
        job.take_revision(tag)
    });
    match done.await {
        Ok((committed, revoked)) => Ok(Line::of(committed, tag, revoked)),
        Err(Stop::Store(error)) => Err(error),
        Err(_) => Err(StoreError::Corrupt { what: "what was revoked can't be revoked again".into() }),
    }
}

fn revoke(job: &mut Job<'_>, revoked: &Revoked) -> Result<(), Stop> {
    let done = match *revoked {
        Revoked::Session => Ok(()),
        Revoked::Slot { home, slot } => write::home::end_slot_later(job, home, slot),
        Revoked::Invitation { home, slot } => write::chain::end_invitation(job, home, slot),
        Revoked::Agent { home, agent } => write::chain::remove_agent(job, home, agent),
        Revoked::Camera { home, camera } => write::camera::set_removed(job, home, camera),
        Revoked::Lockdown { on } => write::operator(job, &OperatorDeed::LockEverything { on }),
        Revoked::HomeLockdown { home, on } => write::operator(job, &OperatorDeed::LockHome { home, on }),
        Revoked::CameraLockdown { home, camera, on } => {
            write::operator(job, &OperatorDeed::LockCamera { home, camera, on })
        }
        Revoked::AccountState { account, state } => {
            write::operator(job, &OperatorDeed::SetAccountState(account, sql::state_of(state)))
        }
        Revoked::HomeState { home, state } => {
            write::operator(job, &OperatorDeed::SetHomeState(home, sql::state_of(state)))
        }
        Revoked::AgentState { home, agent, state } => {
            write::operator(job, &OperatorDeed::SetAgentState(home, agent, sql::state_of(state)))
        }
    };
    // What came after the backup is not there to be taken.
    match done {
        Err(Stop::Refused(_)) => Ok(()),
        other => other,
    }
}
