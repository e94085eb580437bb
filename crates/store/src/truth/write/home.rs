//! Homes, their settings, and the relations that say who belongs to them.

use keepsight_gate::{ChainRow, EpochRow, Key, Permit, Refusal, RelationRow, Rights, SignedRow};
use keepsight_ids::{AccountId, HomeId, SlotId};
use rusqlite::params;

use super::chain;
use crate::truth::commit::{Job, Stop, home_of};
use crate::truth::journal::Revoked;
use crate::truth::sql::{all, camera_bytes, exists, int, one, run};

/// Homes that one account may own at a time.
const HOMES_MAX: i64 = 32;

/// A home to be made.
pub struct New<'a> {
    /// Which.
    pub home: HomeId,
    /// The chain's first entry.
    pub genesis: &'a ChainRow,
    /// The owner's slot.
    pub slot: SlotId,
    /// The first epoch.
    pub epoch: &'a EpochRow,
    /// The sealed name.
    pub name: &'a SignedRow,
    /// An IANA time zone.
    pub time_zone: &'a str,
}

/// Makes a home with the caller as its owner.
pub fn create(job: &mut Job<'_>, permit: &Permit, new: &New<'_>) -> Result<(), Stop> {
    let account = permit.account().ok_or(Refusal::NotFound)?;
    if exists(job.tx, "SELECT 1 FROM homes WHERE home = ?1", [new.home.as_bytes()])? {
        return Err(Refusal::IdTaken.into());
    }
    let query = "SELECT count(DISTINCT home) FROM relations WHERE account = ?1 AND until_rev IS NULL";
    let owned: Option<i64> = one(job.tx, query, [account.as_bytes()], |row| row.get(0))?;
    if owned.unwrap_or(0) >= HOMES_MAX {
        return Err(Refusal::Limit("homes").into());
    }
    if new.genesis.seq != 0 || new.genesis.prev.is_some() || new.genesis.epoch != new.epoch.epoch {
        return Err(Refusal::ChainMoved.into());
    }
    insert(job, new)?;
    chain::insert_entry(job, new.home, new.genesis)?;
    chain::begin_epoch(job, new.home, new.epoch)?;
    let owner = RelationRow {
        account,
        slot: new.slot,
        rights: Rights::OWNER,
        cameras: None,
        from: job.now,
        until: None,
    };
    begin_relation(job, new.home, &owner)?;
    job.touch(Key::Home(new.home));
    Ok(())
}

fn insert(job: &Job<'_>, new: &New<'_>) -> Result<(), Stop> {
    const INSERT: &str = "INSERT INTO homes (home, org, name_body, name_signature, time_zone, retention_days, retention_bytes,
        bytes_max, cameras_max, members_max, events_a_day_max, streams_max, chain_seq, chain_hash, epoch, touched, created)
        VALUES (?1, zeroblob(16), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, ?12, ?13, ?14, ?15)";
    let limits = job.limits;
    let row = params![
        new.home.as_bytes(),
        new.name.body,
        new.name.signature,
        new.time_zone,
        limits.retention_days,
        int(limits.retention_bytes),
        int(limits.bytes_max),
        limits.cameras_max,
        limits.members_max,
        limits.events_a_day_max,
        limits.streams_max,
        new.genesis.hash,
        new.genesis.epoch.0,
        int(job.rev.0),
        job.now.0
    ];
    run(job.tx, INSERT, row)?;
    Ok(())
}

/// Writes a right. It names the account in the log; the caller names the home.
pub fn begin_relation(job: &mut Job<'_>, home: HomeId, new: &RelationRow) -> Result<(), Stop> {
    const INSERT: &str =
        "INSERT INTO relations (home, slot, since_rev, account, rights, cameras, from_at, until_at, since_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    if !exists(job.tx, "SELECT 1 FROM accounts WHERE account = ?1", [new.account.as_bytes()])? {
        return Err(Refusal::NotFound.into());
    }
    let cameras = camera_bytes(new.cameras.as_ref());
    let row = params![
        home.as_bytes(),
        new.slot.as_bytes(),
        int(job.rev.0),
        new.account.as_bytes(),
        new.rights.bits(),
        cameras,
        new.from.0,
        new.until.map(|until| until.0),
        job.now.0
    ];
    run(job.tx, INSERT, row)?;
    job.touch(Key::Account(new.account));
    Ok(())
}

/// Ends a slot's relations; whether there were any.
pub fn end_slot(job: &mut Job<'_>, home: HomeId, slot: SlotId) -> Result<bool, Stop> {
    let query = "SELECT DISTINCT account FROM relations WHERE home = ?1 AND slot = ?2 AND until_rev IS NULL";
    let accounts = all(job.tx, query, params![home.as_bytes(), slot.as_bytes()], |row| {
        Ok(AccountId::from_bytes(row.get(0)?))
    })?;
    let end = "UPDATE relations SET until_rev = ?3 WHERE home = ?1 AND slot = ?2 AND until_rev IS NULL";
    run(job.tx, end, params![home.as_bytes(), slot.as_bytes(), int(job.rev.0)])?;
    for account in &accounts {
        job.touch(Key::Account(*account));
    }
    if !accounts.is_empty() {
        job.revoke(Revoked::Slot { home, slot });
    }
    Ok(!accounts.is_empty())
}

/// Ends a slot's relations as it happened in a history that is gone: the next owner's browser begins a new epoch.
pub fn end_slot_later(job: &mut Job<'_>, home: HomeId, slot: SlotId) -> Result<(), Stop> {
    if end_slot(job, home, slot)? {
        run(job.tx, "UPDATE homes SET rotation_due = 1 WHERE home = ?1", [home.as_bytes()])?;
        job.touch(Key::Home(home));
    }
    Ok(())
}

/// Ends an account's membership without an owner's browser: the next one begins a new epoch.
pub fn end_membership(job: &mut Job<'_>, home: HomeId, account: AccountId) -> Result<(), Stop> {
    let query = "SELECT DISTINCT slot FROM relations WHERE home = ?1 AND account = ?2 AND until_rev IS NULL";
    let slots = all(job.tx, query, params![home.as_bytes(), account.as_bytes()], |row| {
        Ok(SlotId::from_bytes(row.get(0)?))
    })?;
    if slots.is_empty() {
        return Err(Refusal::NotFound.into());
    }
    for slot in &slots {
        end_slot(job, home, *slot)?;
    }
    job.owner_must_remain(home, &slots)?;
    run(job.tx, "UPDATE homes SET rotation_due = 1 WHERE home = ?1", [home.as_bytes()])?;
    job.touch(Key::Home(home));
    Ok(())
}

/// The caller leaves.
pub fn leave(job: &mut Job<'_>, permit: &Permit) -> Result<(), Stop> {
    let account = permit.account().ok_or(Refusal::NotFound)?;
    end_membership(job, home_of(permit)?, account)
}

/// What an owner may set. Decides nothing: no revision.
pub fn settings(job: &mut Job<'_>, permit: &Permit, zone: &str, days: u32, bytes: u64) -> Result<(), Stop> {
    let home = home_of(permit)?;
    let query = "UPDATE homes SET time_zone = ?2, retention_days = ?3, retention_bytes = ?4
        WHERE home = ?1 AND ?4 <= bytes_max";
    let changed = run(job.tx, query, params![home.as_bytes(), zone, days, int(bytes)])?;
    if changed == 1 { Ok(()) } else { Err(Refusal::Limit("bytes").into()) }
}

/// A new sealed name. Decides nothing: no revision.
pub fn name(job: &mut Job<'_>, permit: &Permit, name: &SignedRow) -> Result<(), Stop> {
    set_name(job, home_of(permit)?, name)
}

/// A new sealed name.
pub fn set_name(job: &Job<'_>, home: HomeId, name: &SignedRow) -> Result<(), Stop> {
    let query = "UPDATE homes SET name_body = ?2, name_signature = ?3 WHERE home = ?1";
    run(job.tx, query, params![home.as_bytes(), name.body, name.signature])?;
    Ok(())
}

/// Stops or allows viewing.
pub fn lock(job: &mut Job<'_>, permit: &Permit, on: bool) -> Result<(), Stop> {
    set_lock(job, home_of(permit)?, on)
}

/// Stops or allows viewing.
pub fn set_lock(job: &mut Job<'_>, home: HomeId, on: bool) -> Result<(), Stop> {
    if run(job.tx, "UPDATE homes SET lockdown = ?2 WHERE home = ?1", params![home.as_bytes(), on])? == 0 {
        return Err(Refusal::NotFound.into());
    }
    job.touch(Key::Home(home));
    job.revoke(Revoked::HomeLockdown { home, on });
    Ok(())
}
