//! The chain, and all that an entry changes beside it, in the same transaction.
//!
//! The server can't read what an entry is worth; the caller has verified it and says what it changes. Here it is placed:
//! compare-and-set on its number and the hash before it, and at least one owner must remain.

use keepsight_gate::{
    AgentRow, AppendChain, ChainRow, EpochRow, HandOverRow, InvitationRow, Key, NameRow, Permit, Refusal,
    RelationRow, Right, SealedRow, SealedSlotRow, State, TokenHash,
};
use keepsight_ids::{AccountId, AgentId, EpochNo, HomeId, SlotId, UnixMillis};
use rusqlite::params;

use super::{camera, home};
use crate::truth::commit::{Job, Stop, home_of};
use crate::truth::journal::Revoked;
use crate::truth::sql::{self, camera_bytes, exists, int, one, run};

/// Appends an entry and does what it changes.
pub fn append(job: &mut Job<'_>, permit: &Permit, append: &AppendChain) -> Result<(), Stop> {
    append_to(job, home_of(permit)?, append)
}

/// Appends the entry with which a member's new keys take the old ones' place, if the slot is still theirs and the home in use.
pub fn hand_over(job: &mut Job<'_>, account: AccountId, one_home: &HandOverRow) -> Result<(), Stop> {
    const HERE: &str = "SELECT CASE WHEN r.cameras IS NULL THEN r.rights ELSE r.rights & ~8 END AS rights
        FROM relations r JOIN homes h ON h.home = r.home
        WHERE r.home = ?1 AND r.slot = ?2 AND r.account = ?3 AND r.until_rev IS NULL
        AND r.from_at <= ?4 AND (r.until_at IS NULL OR ?4 < r.until_at) AND h.state <> ?5";
    let HandOverRow { home, slot, append } = one_home;
    let suspended = sql::state_number(State::Suspended);
    let key = params![home.as_bytes(), slot.as_bytes(), account.as_bytes(), job.now.0, suspended];
    let rights = one(job.tx, HERE, key, |row| sql::rights(row, "rights"))?.ok_or(Refusal::NotFound)?;
    if append.does_more_than_replace_keys() && !rights.has(Right::Manage) {
        return Err(Refusal::NotFound.into());
    }
    append_to(job, *home, append)
}

fn append_to(job: &mut Job<'_>, home: HomeId, append: &AppendChain) -> Result<(), Stop> {
    place(job, home, &append.entry, append.epoch.as_ref())?;
    for slot in &append.ended {
        home::end_slot(job, home, *slot)?;
    }
    for relation in &append.relations {
        home::end_slot(job, home, relation.slot)?;
        home::begin_relation(job, home, relation)?;
    }
    change_agents(job, home, append)?;
    for slot in &append.invitations_revoked {
        end_invitation(job, home, *slot)?;
    }
    if let Some(epoch) = &append.epoch {
        begin_epoch(job, home, epoch)?;
    }
    if let Some(invitation) = &append.invitation {
        invite(job, home, append.entry.epoch, invitation)?;
    }
    for name in &append.names {
        rename(job, home, name)?;
    }
    if let Some(epoch) = &append.epoch {
        settle_rotation(job, home, epoch)?;
    }
    if let Some(own) = &append.resealed {
        reseal(job, home, append.entry.epoch, own)?;
    }
    job.touch(Key::Home(home));
    job.owner_must_remain(home, &gone(append))
}

/// The slots whose ownership this entry takes away.
fn gone(append: &AppendChain) -> Vec<SlotId> {
    let demoted = append.relations.iter().filter(|row| !row.rights.has(Right::Manage));
    append.ended.iter().copied().chain(demoted.map(|row| row.slot)).collect()
}

/// Compare-and-set: the entry follows the highest one, in the same epoch or beginning the next.
fn place(job: &Job<'_>, home: HomeId, entry: &ChainRow, epoch: Option<&EpochRow>) -> Result<(), Stop> {
    const SET: &str = "UPDATE homes SET chain_seq = ?2, chain_hash = ?3, epoch = ?4
        WHERE home = ?1 AND chain_seq = ?2 - 1 AND chain_hash = ?5 AND epoch = ?6";
    let before = if epoch.is_some() { entry.epoch.0.saturating_sub(1) } else { entry.epoch.0 };
    let begins_its_own = epoch.is_none_or(|epoch| epoch.epoch == entry.epoch);
    let row = params![home.as_bytes(), int(entry.seq), entry.hash, entry.epoch.0, entry.prev, before];
    if !begins_its_own || run(job.tx, SET, row)? == 0 {
        return Err(Refusal::ChainMoved.into());
    }
    insert_entry(job, home, entry)
}

/// Stores the entry's exact bytes.
pub fn insert_entry(job: &Job<'_>, home: HomeId, entry: &ChainRow) -> Result<(), Stop> {
    const INSERT: &str =
        "INSERT INTO chain (home, seq, hash, body, signature, rev, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let (signed, rev) = (&entry.entry, int(job.rev.0));
    let row =
        params![home.as_bytes(), int(entry.seq), entry.hash, signed.body, signed.signature, rev, job.now.0];
    run(job.tx, INSERT, row)?;
    Ok(())
}

/// Stores an epoch's package.
pub fn begin_epoch(job: &Job<'_>, home: HomeId, new: &EpochRow) -> Result<(), Stop> {
    const INSERT: &str =
        "INSERT INTO epochs (home, epoch, previous_enc, previous_ct) VALUES (?1, ?2, ?3, ?4)";
    let (enc, ct) = new.previous.as_ref().map(|sealed| (&sealed.enc, &sealed.ct)).unzip();
    run(job.tx, INSERT, params![home.as_bytes(), new.epoch.0, enc, ct])?;
    for secret in &new.sealed {
        seal_to(job, home, new.epoch, secret.slot, &secret.sealed)?;
    }
    Ok(())
}

fn seal_to(
    job: &Job<'_>,
    home: HomeId,
    epoch: EpochNo,
    slot: SlotId,
    sealed: &SealedRow,
) -> Result<(), Stop> {
    const PUT: &str =
        "INSERT OR REPLACE INTO epoch_secrets (home, epoch, slot, enc, ct) VALUES (?1, ?2, ?3, ?4, ?5)";
    run(job.tx, PUT, params![home.as_bytes(), epoch.0, slot.as_bytes(), sealed.enc, sealed.ct])?;
    Ok(())
}

/// The author's new key opens the current epoch from now on. Whoever has the old one knows it too: a new epoch is due.
fn reseal(job: &Job<'_>, home: HomeId, epoch: EpochNo, own: &SealedSlotRow) -> Result<(), Stop> {
    seal_to(job, home, epoch, own.slot, &own.sealed)?;
    run(job.tx, "UPDATE homes SET rotation_due = 1 WHERE home = ?1", [home.as_bytes()])?;
    Ok(())
}

/// Rotation is done when the new epoch is sealed to nobody who has left.
fn settle_rotation(job: &Job<'_>, home: HomeId, epoch: &EpochRow) -> Result<(), Stop> {
    const BELONGS: &str = "SELECT 1 FROM relations WHERE home = ?1 AND slot = ?2 AND until_rev IS NULL
        UNION ALL SELECT 1 FROM invitations WHERE home = ?1 AND slot = ?2 AND ended_rev IS NULL";
    for secret in &epoch.sealed {
        if !exists(job.tx, BELONGS, params![home.as_bytes(), secret.slot.as_bytes()])? {
            return Ok(());
        }
    }
    run(job.tx, "UPDATE homes SET rotation_due = 0 WHERE home = ?1", [home.as_bytes()])?;
    Ok(())
}

fn change_agents(job: &mut Job<'_>, home: HomeId, append: &AppendChain) -> Result<(), Stop> {
    for agent in &append.agents_removed {
        remove_agent(job, home, *agent)?;
    }
    if let Some(lookup) = &append.pairing {
        let query = "UPDATE pairings SET used = 1
            WHERE home = ?1 AND lookup = ?2 AND expires > ?3 AND answer IS NOT NULL AND used = 0";
        if run(job.tx, query, params![home.as_bytes(), lookup, job.now.0])? == 0 {
            return Err(Refusal::Gone.into());
        }
    }
    for agent in &append.agents_added {
        add_agent(job, home, agent)?;
    }
    Ok(())
}

fn add_agent(job: &Job<'_>, home: HomeId, new: &AgentRow) -> Result<(), Stop> {
    if exists(job.tx, "SELECT 1 FROM agents WHERE agent = ?1", [new.agent.as_bytes()])? {
        return Err(Refusal::IdTaken.into());
    }
    let query = "INSERT INTO agents (home, agent, key, since_at, since_rev) VALUES (?1, ?2, ?3, ?4, ?5)";
    run(job.tx, query, params![home.as_bytes(), new.agent.as_bytes(), new.key, job.now.0, int(job.rev.0)])?;
    Ok(())
}

/// Takes an agent out of the home. Its sessions are worth nothing without it: the decision asks the home for the agent every time,
/// and an agent's id is never given again.
pub fn remove_agent(job: &mut Job<'_>, home: HomeId, agent: AgentId) -> Result<(), Stop> {
    let query = "UPDATE agents SET until_rev = ?3 WHERE home = ?1 AND agent = ?2 AND until_rev IS NULL";
    run(job.tx, query, params![home.as_bytes(), agent.as_bytes(), int(job.rev.0)])?;
    job.touch(Key::Home(home));
    job.revoke(Revoked::Agent { home, agent });
    Ok(())
}

fn invite(job: &mut Job<'_>, home: HomeId, epoch: EpochNo, new: &InvitationRow) -> Result<(), Stop> {
    const INSERT: &str = "INSERT INTO invitations (home, slot, token, rights, cameras, from_at, until_at, created, expires, since_rev)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    const TAKEN: &str = "SELECT 1 FROM invitations WHERE token = ?3 OR (home = ?1 AND slot = ?2)
        UNION ALL SELECT 1 FROM relations WHERE home = ?1 AND slot = ?2";
    let key = params![home.as_bytes(), new.slot.as_bytes(), new.token.as_bytes()];
    if exists(job.tx, TAKEN, key)? {
        return Err(Refusal::IdTaken.into());
    }
    room_for_one_more(job, home)?;
    let row = params![
        home.as_bytes(),
        new.slot.as_bytes(),
        new.token.as_bytes(),
        new.rights.bits(),
        camera_bytes(new.cameras.as_ref()),
        new.from.0,
        new.until.map(|until| until.0),
        job.now.0,
        job.now.plus_ms(new.life_ms).0,
        int(job.rev.0)
    ];
    run(job.tx, INSERT, row)?;
    job.touch(Key::Session(new.token));
    seal_to(job, home, epoch, new.slot, &new.sealed)
}

fn room_for_one_more(job: &Job<'_>, home: HomeId) -> Result<(), Stop> {
    const ROOM: &str = "SELECT members_max >
        (SELECT count(DISTINCT account) FROM relations WHERE home = ?1 AND until_rev IS NULL) +
        (SELECT count(*) FROM invitations WHERE home = ?1 AND ended_rev IS NULL AND expires > ?2)
        FROM homes WHERE home = ?1";
    let room = one(job.tx, ROOM, params![home.as_bytes(), job.now.0], |row| row.get(0))?;
    if room == Some(true) { Ok(()) } else { Err(Refusal::Limit("members").into()) }
}

/// Ends an invitation, if it is open.
pub fn end_invitation(job: &mut Job<'_>, home: HomeId, slot: SlotId) -> Result<(), Stop> {
    let query = "UPDATE invitations SET ended_rev = ?3 WHERE home = ?1 AND slot = ?2 AND ended_rev IS NULL RETURNING token";
    let row = params![home.as_bytes(), slot.as_bytes(), int(job.rev.0)];
    let token: Option<[u8; 32]> = one(job.tx, query, row, |row| row.get(0))?;
    if let Some(token) = token {
        job.touch(Key::Session(TokenHash::from_bytes(token)));
        job.revoke(Revoked::Invitation { home, slot });
    }
    Ok(())
}

fn rename(job: &Job<'_>, home: HomeId, new: &NameRow) -> Result<(), Stop> {
    match new.camera {
        None => home::set_name(job, home, &new.name),
        // Of a camera that this home never had.
        Some(camera) => camera::set_name(job, home, camera, &new.name).map(|_| ()),
    }
}

/// The invitee's entry: the pending slot becomes the caller's.
pub fn accept(job: &mut Job<'_>, permit: &Permit, entry: &ChainRow, sealed: &SealedRow) -> Result<(), Stop> {
    const OFFERED: &str = "SELECT rights, cameras, from_at, until_at FROM invitations
        WHERE home = ?1 AND slot = ?2 AND ended_rev IS NULL AND expires > ?3";
    let home = home_of(permit)?;
    let (account, slot) = permit.account().zip(permit.slot()).ok_or(Refusal::NotFound)?;
    let offered = one(job.tx, OFFERED, params![home.as_bytes(), slot.as_bytes(), job.now.0], |row| {
        Ok(RelationRow {
            account,
            slot,
            rights: sql::rights(row, "rights")?,
            cameras: sql::cameras(row, "cameras")?,
            from: UnixMillis(job.now.0.max(sql::time(row, "from_at")?.0)),
            until: sql::time_or_none(row, "until_at")?,
        })
    })?;
    let relation = offered.ok_or(Refusal::Gone)?;
    let query = "SELECT 1 FROM relations WHERE home = ?1 AND account = ?2 AND until_rev IS NULL";
    if exists(job.tx, query, params![home.as_bytes(), account.as_bytes()])? {
        return Err(Refusal::AlreadyThere.into());
    }
    place(job, home, entry, None)?;
    end_invitation(job, home, slot)?;
    home::begin_relation(job, home, &relation)?;
    seal_to(job, home, entry.epoch, slot, sealed)?;
    job.touch(Key::Home(home));
    Ok(())
}
