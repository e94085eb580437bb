//! The fence's read: head, tag, log rows and wanted aggregates, all of one snapshot on a connection of its own.
//!
//! The snapshot begins after the call. Nothing about the head is remembered between calls: another process may have written.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use keepsight_gate::sabotage::{self, Mutant};
use keepsight_gate::{
    AccountFacts, AgentFacts, CameraFacts, FenceQuery, FenceReply, HomeFacts, Key, LOG_ROWS_MAX, Loaded,
    LogRow, Relation, ServiceFacts, SessionFacts, Subject, Tag, TokenHash,
};
use keepsight_ids::{AccountId, AgentId, CameraId, HomeId, OrgId, Revision, SessionId, SlotId, UnixMillis};
use keepsight_world::World;
use rusqlite::{Connection, Row, params};

use super::sql::{self, all, one};
use super::sqlite::SqliteTruth;
use crate::StoreError;
use crate::sqlite::Readers;

/// What the mutant remembers of the head; empty and unused in every other build.
#[derive(Debug, Clone, Default)]
pub struct Remembered(Arc<Mutex<Option<(Revision, Tag)>>>);

impl Remembered {
    /// Called after each commit of this process.
    pub fn note(&self, head: (Revision, Tag)) {
        if sabotage::active(Mutant::HeadInMemory) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(head);
        }
    }

    fn replace(&self, reply: &mut FenceReply) {
        if !sabotage::active(Mutant::HeadInMemory) {
            return;
        }
        let mut head = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (reply.head, reply.head_tag) = *head.get_or_insert((reply.head, reply.head_tag));
        reply.log.retain(|row| row.revision <= reply.head);
    }
}

/// Answers one fence.
pub async fn fence(truth: &SqliteTruth, lane: &Readers, query: FenceQuery) -> Result<FenceReply, StoreError> {
    let world = truth.world.clone();
    let mut reply = lane.read("fence", move |tx| Ok::<_, StoreError>(answer(tx, &query, &world)?)).await?;
    truth.remembered.replace(&mut reply);
    Ok(reply)
}

fn answer(tx: &Connection, query: &FenceQuery, world: &World) -> rusqlite::Result<FenceReply> {
    // The first statement takes the snapshot; the clock is read inside it.
    let (head, head_tag) = head(tx)?;
    let time = UnixMillis(world.unix_millis());
    let mut loaded = Vec::with_capacity(query.wanted.len());
    for key in &query.wanted {
        load(tx, *key, &mut loaded)?;
    }
    Ok(FenceReply {
        nonce: query.nonce,
        head,
        head_tag,
        in_recovery: false,
        time,
        applied_tag: tag_at(tx, query.applied)?,
        log: log_after(tx, query.applied)?,
        loaded,
    })
}

/// The newest revision and its tag.
pub fn head(tx: &Connection) -> rusqlite::Result<(Revision, Tag)> {
    let read = |row: &Row<'_>| Ok((sql::revision(row, "rev")?, Tag(row.get("tag")?)));
    tx.prepare_cached("SELECT rev, tag FROM gate_head")?.query_row([], read)
}

/// The tag of that revision in this history.
pub fn tag_at(tx: &Connection, revision: Revision) -> rusqlite::Result<Option<Tag>> {
    let read = |row: &Row<'_>| row.get(0).map(Tag);
    one(tx, "SELECT tag FROM gate_log WHERE rev = ?1 LIMIT 1", [sql::int(revision.0)], read)
}

fn log_after(tx: &Connection, applied: Revision) -> rusqlite::Result<Vec<LogRow>> {
    const QUERY: &str =
        "SELECT rev, kind, id, tag FROM gate_log WHERE rev > ?1 ORDER BY rev, kind, id LIMIT ?2";
    all(tx, QUERY, params![sql::int(applied.0), LOG_ROWS_MAX as i64], |row| {
        let key = sql::key(row.get("kind")?, row.get_ref("id")?.as_blob()?)?;
        Ok(LogRow { revision: sql::revision(row, "rev")?, tag: Tag(row.get("tag")?), key })
    })
}

fn load(tx: &Connection, key: Key, into: &mut Vec<(Key, Loaded)>) -> rusqlite::Result<()> {
    match key {
        Key::Service => into.push((key, Loaded::Service(Arc::new(service(tx)?)))),
        Key::Account(id) => {
            into.extend(account(tx, id)?.map(|facts| (key, Loaded::Account(Arc::new(facts)))))
        }
        Key::Home(id) => into.extend(home(tx, id)?.map(|facts| (key, Loaded::Home(Arc::new(facts))))),
        Key::Session(token) => {
            let Some(facts) = session(tx, token)? else { return Ok(()) };
            // Saves a person's first check a round: their account comes along.
            if let Subject::Person(id) = facts.subject {
                load(tx, Key::Account(id), into)?;
            }
            into.push((key, Loaded::Session(Arc::new(facts))));
        }
    }
    Ok(())
}

fn service(tx: &Connection) -> rusqlite::Result<ServiceFacts> {
    tx.prepare_cached("SELECT lockdown, sessions_since FROM service")?.query_row([], |row| {
        Ok(ServiceFacts {
            lockdown: row.get("lockdown")?,
            sessions_since: sql::revision(row, "sessions_since")?,
        })
    })
}

fn session(tx: &Connection, token: TokenHash) -> rusqlite::Result<Option<SessionFacts>> {
    const SESSION: &str =
        "SELECT session, account, home, agent, device, since_rev, expires, ended_rev IS NOT NULL AS ended
        FROM sessions WHERE token = ?1";
    const INVITATION: &str = "SELECT home, slot, since_rev, expires, ended_rev IS NOT NULL AS ended
        FROM invitations WHERE token = ?1";
    if let Some(facts) = one(tx, SESSION, [token.as_bytes()], read_session)? {
        return Ok(Some(facts));
    }
    one(tx, INVITATION, [token.as_bytes()], |row| {
        let subject = Subject::Invitation {
            home: HomeId::from_bytes(row.get("home")?),
            slot: SlotId::from_bytes(row.get("slot")?),
        };
        token_facts(row, subject, None, String::new())
    })
}

fn read_session(row: &Row<'_>) -> rusqlite::Result<SessionFacts> {
    let session = SessionId::from_bytes(row.get("session")?);
    let subject = match row.get::<_, Option<[u8; 16]>>("account")? {
        Some(account) => Subject::Person(AccountId::from_bytes(account)),
        None => Subject::Agent {
            home: HomeId::from_bytes(row.get("home")?),
            agent: AgentId::from_bytes(row.get("agent")?),
        },
    };
    token_facts(row, subject, Some(session), row.get("device")?)
}

fn token_facts(
    row: &Row<'_>,
    subject: Subject,
    session: Option<SessionId>,
    device: String,
) -> rusqlite::Result<SessionFacts> {
    Ok(SessionFacts {
        subject,
        session,
        device,
        since: sql::revision(row, "since_rev")?,
        expires: sql::time(row, "expires")?,
        ended: row.get("ended")?,
    })
}

fn account(tx: &Connection, id: AccountId) -> rusqlite::Result<Option<AccountFacts>> {
    const ACCOUNT: &str = "SELECT state, touched FROM accounts WHERE account = ?1";
    let head = |row: &Row<'_>| Ok((sql::state(row, "state")?, sql::revision(row, "touched")?));
    let Some((state, touched)) = one(tx, ACCOUNT, [id.as_bytes()], head)? else { return Ok(None) };
    Ok(Some(AccountFacts { account: id, state, touched, relations: relations(tx, id)? }))
}

fn relations(tx: &Connection, account: AccountId) -> rusqlite::Result<Vec<Relation>> {
    const RELATIONS: &str = "SELECT home, slot, rights, cameras, from_at, until_at, since_rev
        FROM relations WHERE account = ?1 AND until_rev IS NULL ORDER BY home, slot, since_rev";
    all(tx, RELATIONS, [account.as_bytes()], |row| {
        Ok(Relation {
            home: HomeId::from_bytes(row.get("home")?),
            slot: SlotId::from_bytes(row.get("slot")?),
            rights: sql::rights(row, "rights")?,
            cameras: sql::cameras(row, "cameras")?,
            from: sql::time(row, "from_at")?,
            until: sql::time_or_none(row, "until_at")?,
            since: sql::revision(row, "since_rev")?,
        })
    })
}

fn home(tx: &Connection, id: HomeId) -> rusqlite::Result<Option<HomeFacts>> {
    const HOME: &str = "SELECT org, state, lockdown, chain_seq, touched FROM homes WHERE home = ?1";
    let facts = one(tx, HOME, [id.as_bytes()], |row| {
        Ok(HomeFacts {
            home: id,
            org: OrgId::from_bytes(row.get("org")?),
            state: sql::state(row, "state")?,
            lockdown: row.get("lockdown")?,
            chain_seq: sql::counter(row, "chain_seq")?,
            touched: sql::revision(row, "touched")?,
            cameras: BTreeMap::new(),
            agents: BTreeMap::new(),
        })
    })?;
    let Some(mut facts) = facts else { return Ok(None) };
    facts.cameras = cameras(tx, id)?;
    facts.agents = agents(tx, id)?;
    Ok(Some(facts))
}

fn cameras(tx: &Connection, home: HomeId) -> rusqlite::Result<BTreeMap<CameraId, CameraFacts>> {
    const CAMERAS: &str = "SELECT camera, agent, is_on, lockdown, removed_rev IS NOT NULL AS removed FROM cameras WHERE home = ?1";
    let rows = all(tx, CAMERAS, [home.as_bytes()], |row| {
        let facts = CameraFacts {
            agent: AgentId::from_bytes(row.get("agent")?),
            on: row.get("is_on")?,
            lockdown: row.get("lockdown")?,
            removed: row.get("removed")?,
        };
        Ok((CameraId::from_bytes(row.get("camera")?), facts))
    })?;
    Ok(rows.into_iter().collect())
}

fn agents(tx: &Connection, home: HomeId) -> rusqlite::Result<BTreeMap<AgentId, AgentFacts>> {
    const AGENTS: &str = "SELECT agent, state FROM agents WHERE home = ?1 AND until_rev IS NULL";
    let rows = all(tx, AGENTS, [home.as_bytes()], |row| {
        Ok((AgentId::from_bytes(row.get("agent")?), AgentFacts { state: sql::state(row, "state")? }))
    })?;
    Ok(rows.into_iter().collect())
}
