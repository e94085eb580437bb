//! What is read after a check. Every query begins with the Permit's home or account.

use keepsight_gate::{Action, CameraScope, PasswordRow, Permit, RecoveryRow, TokenHash};
use keepsight_ids::{AccountId, AgentId, CameraId, EpochNo, HomeId, OrgId, SessionId, SlotId, UnixMillis};
use rusqlite::{Connection, Row, params};

use super::rows::*;
use super::sql::{self, all, exists, one, run};
use crate::StoreError;

type Read<T> = Result<T, StoreError>;

/// How finely a session's last use is noted.
const HOUR_MS: i64 = 3_600_000;
/// What lapsed so long ago is of no use to anybody.
const SWEEP_AFTER_MS: i64 = 30 * 24 * HOUR_MS;

/// The Permit's account, for reads that are about one.
pub fn account_of(permit: &Permit) -> Read<AccountId> {
    permit.account().ok_or(StoreError::NotPermitted { what: "a person's account" })
}

/// The Permit's home, for reads that are about one.
pub fn home_of(permit: &Permit) -> Read<HomeId> {
    permit.home().ok_or(StoreError::NotPermitted { what: "a home" })
}

/// The Permit's home, for what is measured against its limits.
pub fn home_to_measure(permit: &Permit) -> Read<HomeId> {
    only(permit, &[Action::AgentIngest, Action::Updates], "a home's limits")?;
    home_of(permit)
}

/// The Permit's invitation.
pub fn invited_to(permit: &Permit) -> Read<(HomeId, SlotId)> {
    only(permit, &[Action::OpenInvitation, Action::AcceptInvitation], "an invitation")?;
    permit.home().zip(permit.slot()).ok_or(StoreError::NotPermitted { what: "an invitation" })
}

/// Logins are looked up for signing in, signing up and recovering, and for nothing else.
pub fn allowed_to_check_logins(permit: &Permit) -> Read<()> {
    only(permit, &[Action::SignIn, Action::Recover, Action::SignUp], "checking a login")
}

/// Agents' keys are looked up for opening their sessions.
pub fn allowed_to_check_agents(permit: &Permit) -> Read<()> {
    only(permit, &[Action::OpenAgentSession], "checking an agent's key")
}

/// Offers are looked up by whoever has the code.
pub fn allowed_to_answer_pairings(permit: &Permit) -> Read<()> {
    only(permit, &[Action::AnswerPairing], "answering a pairing")
}

fn only(permit: &Permit, actions: &[Action], what: &'static str) -> Read<()> {
    if actions.contains(&permit.action()) { Ok(()) } else { Err(StoreError::NotPermitted { what }) }
}

/// See [`super::Truth::start_service`].
pub fn start_service(tx: &Connection, secret: &[u8; 32], setup: &TokenHash) -> Read<ServiceRow> {
    run(tx, "UPDATE service SET secret = coalesce(secret, ?1)", [secret])?;
    let row = service(tx)?;
    let setup = (!row.has_accounts).then_some(setup.as_bytes());
    run(tx, "UPDATE service SET setup_token = ?1", [setup])?;
    Ok(row)
}

/// See [`super::Truth::service`].
pub fn service(tx: &Connection) -> Read<ServiceRow> {
    let has_accounts = exists(tx, "SELECT 1 FROM accounts LIMIT 1", [])?;
    let secret: Option<[u8; 32]> =
        tx.prepare_cached("SELECT secret FROM service")?.query_row([], |row| row.get(0))?;
    let secret =
        secret.ok_or_else(|| StoreError::Corrupt { what: "the service was never started".into() })?;
    Ok(ServiceRow { has_accounts, secret })
}

/// See [`super::Truth::sign_in_data`].
pub fn sign_in_data(tx: &Connection, name_key: &str) -> Read<Option<SignInRow>> {
    let found = one(tx, "SELECT * FROM accounts WHERE name_key = ?1", [name_key], |row| {
        Ok(SignInRow {
            account: AccountId::from_bytes(row.get("account")?),
            name: row.get("name")?,
            state: sql::state(row, "state")?,
            password: password(row)?,
            recovery: RecoveryRow {
                login_hash: row.get("recovery_login_hash")?,
                wrapped: row.get("recovery_wrapped")?,
            },
            kem: row.get("kem")?,
            sign: row.get("sign")?,
        })
    })?;
    Ok(found)
}

fn password(row: &Row<'_>) -> rusqlite::Result<PasswordRow> {
    Ok(PasswordRow {
        salt: row.get("salt")?,
        iterations: sql::small(row, "iterations")?,
        login_hash: row.get("login_hash")?,
        wrapped: row.get("wrapped")?,
    })
}

/// See [`super::Truth::agent_key`].
pub fn agent_key(tx: &Connection, agent: AgentId) -> Read<Option<AgentKeyRow>> {
    let query = "SELECT home, agent, key, state FROM agents WHERE agent = ?1 AND until_rev IS NULL";
    let found = one(tx, query, [agent.as_bytes()], |row| {
        Ok(AgentKeyRow {
            home: HomeId::from_bytes(row.get("home")?),
            agent: AgentId::from_bytes(row.get("agent")?),
            key: row.get("key")?,
            state: sql::state(row, "state")?,
        })
    })?;
    Ok(found)
}

/// See [`super::Truth::pairing_offer`].
pub fn pairing_offer(tx: &Connection, lookup: &str, now: UnixMillis) -> Read<Option<OfferRow>> {
    let query = "SELECT offer, mac FROM pairings WHERE lookup = ?1 AND expires > ?2 AND answer IS NULL";
    let found = one(tx, query, params![lookup, now.0], |row| {
        Ok(OfferRow { offer: row.get("offer")?, mac: row.get("mac")? })
    })?;
    Ok(found)
}

/// See [`super::Truth::account`].
pub fn account(tx: &Connection, account: AccountId) -> Read<Option<AccountRow>> {
    let found = one(tx, "SELECT * FROM accounts WHERE account = ?1", [account.as_bytes()], |row| {
        Ok(AccountRow {
            account: AccountId::from_bytes(row.get("account")?),
            name: row.get("name")?,
            password: password(row)?,
            kem: row.get("kem")?,
            sign: row.get("sign")?,
        })
    })?;
    Ok(found)
}

/// See [`super::Truth::sessions`].
pub fn sessions(tx: &Connection, account: AccountId, now: UnixMillis) -> Read<Vec<SessionRow>> {
    const QUERY: &str = "SELECT s.* FROM sessions s, service
        WHERE s.account = ?1 AND s.ended_rev IS NULL AND s.expires > ?2 AND s.since_rev >= service.sessions_since
        ORDER BY s.created DESC, s.session";
    let found = all(tx, QUERY, params![account.as_bytes(), now.0], |row| {
        Ok(SessionRow {
            account: AccountId::from_bytes(row.get("account")?),
            session: SessionId::from_bytes(row.get("session")?),
            device: row.get("device")?,
            created: sql::time(row, "created")?,
            used: sql::time(row, "used")?,
            expires: sql::time(row, "expires")?,
        })
    })?;
    Ok(found)
}

/// See [`super::Truth::touch_session`].
pub fn touch_session(tx: &Connection, session: SessionId, now: UnixMillis) -> Read<()> {
    let hour = now.0 - now.0.rem_euclid(HOUR_MS);
    let query = "UPDATE sessions SET used = ?2 WHERE session = ?1 AND used < ?2 AND ended_rev IS NULL";
    run(tx, query, params![session.as_bytes(), hour])?;
    Ok(())
}

fn home_row(row: &Row<'_>) -> rusqlite::Result<HomeRow> {
    Ok(HomeRow {
        home: HomeId::from_bytes(row.get("home")?),
        org: OrgId::from_bytes(row.get("org")?),
        state: sql::state(row, "state")?,
        name: sql::signed(row, "name_body", "name_signature")?,
        time_zone: row.get("time_zone")?,
        retention_days: sql::small(row, "retention_days")?,
        retention_bytes: sql::counter(row, "retention_bytes")?,
        bytes_max: sql::counter(row, "bytes_max")?,
        cameras_max: sql::small(row, "cameras_max")?,
        members_max: sql::small(row, "members_max")?,
        events_a_day_max: sql::small(row, "events_a_day_max")?,
        streams_max: sql::small(row, "streams_max")?,
        lockdown: row.get("lockdown")?,
        rotation_due: row.get("rotation_due")?,
        restored: sql::time_or_none(row, "restored")?,
        chain_seq: sql::counter(row, "chain_seq")?,
        chain_hash: row.get("chain_hash")?,
        epoch: EpochNo(sql::small(row, "epoch")?),
        created: sql::time(row, "created")?,
    })
}

/// See [`super::Truth::homes`].
pub fn homes(tx: &Connection, account: AccountId, now: UnixMillis) -> Read<Vec<OwnHomeRow>> {
    const QUERY: &str = "SELECT h.*, r.account AS whose, r.slot, r.rights
        FROM relations r JOIN homes h ON h.home = r.home
        WHERE r.account = ?1 AND r.until_rev IS NULL AND r.from_at <= ?2 AND (r.until_at IS NULL OR ?2 < r.until_at)
        ORDER BY h.created, h.home, r.slot";
    let mut rows: Vec<OwnHomeRow> = Vec::new();
    for row in all(tx, QUERY, params![account.as_bytes(), now.0], own_home)? {
        match rows.last_mut().filter(|last| last.home.home == row.home.home) {
            Some(last) => last.rights = last.rights.union(row.rights),
            None => rows.push(row),
        }
    }
    Ok(rows)
}

fn own_home(row: &Row<'_>) -> rusqlite::Result<OwnHomeRow> {
    Ok(OwnHomeRow {
        account: AccountId::from_bytes(row.get("whose")?),
        slot: SlotId::from_bytes(row.get("slot")?),
        rights: sql::rights(row, "rights")?,
        home: home_row(row)?,
    })
}

/// See [`super::Truth::home`].
pub fn home(tx: &Connection, home: HomeId) -> Read<Option<HomeRow>> {
    Ok(one(tx, "SELECT h.* FROM homes h WHERE h.home = ?1", [home.as_bytes()], home_row)?)
}

/// See [`super::Truth::limits`].
pub fn limits(tx: &Connection, home: HomeId) -> Read<HomeLimits> {
    const QUERY: &str = "SELECT retention_days, retention_bytes, bytes_max, cameras_max, members_max, events_a_day_max, streams_max
        FROM homes WHERE home = ?1";
    let found = one(tx, QUERY, [home.as_bytes()], |row| {
        Ok(HomeLimits {
            retention_days: sql::small(row, "retention_days")?,
            retention_bytes: sql::counter(row, "retention_bytes")?,
            bytes_max: sql::counter(row, "bytes_max")?,
            cameras_max: sql::small(row, "cameras_max")?,
            members_max: sql::small(row, "members_max")?,
            events_a_day_max: sql::small(row, "events_a_day_max")?,
            streams_max: sql::small(row, "streams_max")?,
        })
    })?;
    found.ok_or(StoreError::NotFound)
}

/// See [`super::Truth::chain`].
pub fn chain(tx: &Connection, home: HomeId, after: Option<u64>) -> Read<Vec<ChainEntryRow>> {
    let query = "SELECT * FROM chain WHERE home = ?1 AND seq > ?2 ORDER BY seq";
    let after = after.map_or(-1, sql::int);
    let found = all(tx, query, params![home.as_bytes(), after], |row| {
        Ok(ChainEntryRow {
            home: HomeId::from_bytes(row.get("home")?),
            seq: sql::counter(row, "seq")?,
            hash: row.get("hash")?,
            entry: sql::signed(row, "body", "signature")?,
        })
    })?;
    Ok(found)
}

/// See [`super::Truth::epochs`].
pub fn epochs(tx: &Connection, home: HomeId, slot: Option<SlotId>) -> Read<Vec<OwnEpochRow>> {
    const QUERY: &str = "SELECT e.home, e.epoch, e.previous_enc, e.previous_ct, s.enc, s.ct FROM epochs e
        LEFT JOIN epoch_secrets s ON s.home = e.home AND s.epoch = e.epoch AND s.slot = ?2
        WHERE e.home = ?1 ORDER BY e.epoch";
    let own = slot.map(|slot| *slot.as_bytes());
    let found = all(tx, QUERY, params![home.as_bytes(), own], |row| {
        Ok(OwnEpochRow {
            home: HomeId::from_bytes(row.get("home")?),
            epoch: EpochNo(sql::small(row, "epoch")?),
            slot,
            sealed: sql::sealed(row, "enc", "ct")?,
            previous: sql::sealed(row, "previous_enc", "previous_ct")?,
        })
    })?;
    Ok(found)
}

/// See [`super::Truth::members`].
pub fn members(tx: &Connection, home: HomeId, now: UnixMillis) -> Read<Vec<MemberRow>> {
    const QUERY: &str =
        "SELECT r.*, a.name, a.keys_replaced FROM relations r JOIN accounts a ON a.account = r.account
        WHERE r.home = ?1 AND r.until_rev IS NULL AND (r.until_at IS NULL OR ?2 < r.until_at)
        ORDER BY r.since_at, r.slot";
    let found = all(tx, QUERY, params![home.as_bytes(), now.0], |row| {
        Ok(MemberRow {
            home: HomeId::from_bytes(row.get("home")?),
            account: AccountId::from_bytes(row.get("account")?),
            name: row.get("name")?,
            slot: SlotId::from_bytes(row.get("slot")?),
            rights: sql::rights(row, "rights")?,
            cameras: sql::cameras(row, "cameras")?,
            since: sql::time(row, "since_at")?,
            until: sql::time_or_none(row, "until_at")?,
            keys_replaced: sql::time_or_none(row, "keys_replaced")?,
        })
    })?;
    Ok(found)
}

/// See [`super::Truth::invitations`].
pub fn invitations(tx: &Connection, home: HomeId, now: UnixMillis) -> Read<Vec<OpenInvitationRow>> {
    const QUERY: &str = "SELECT *, expires <= ?2 AS lapsed FROM invitations
        WHERE home = ?1 AND ended_rev IS NULL ORDER BY created, slot";
    let found = all(tx, QUERY, params![home.as_bytes(), now.0], |row| {
        Ok(OpenInvitationRow {
            home: HomeId::from_bytes(row.get("home")?),
            slot: SlotId::from_bytes(row.get("slot")?),
            rights: sql::rights(row, "rights")?,
            created: sql::time(row, "created")?,
            expires: sql::time(row, "expires")?,
            lapsed: row.get("lapsed")?,
        })
    })?;
    Ok(found)
}

/// See [`super::Truth::names`].
pub fn names(tx: &Connection, home: HomeId) -> Read<Vec<PersonNameRow>> {
    const QUERY: &str = "SELECT DISTINCT r.home, a.account, a.name FROM relations r
        JOIN accounts a ON a.account = r.account WHERE r.home = ?1 ORDER BY a.account";
    let found = all(tx, QUERY, [home.as_bytes()], |row| {
        Ok(PersonNameRow {
            home: HomeId::from_bytes(row.get("home")?),
            account: AccountId::from_bytes(row.get("account")?),
            name: row.get("name")?,
        })
    })?;
    Ok(found)
}

/// See [`super::Truth::pairing`].
pub fn pairing(tx: &Connection, home: HomeId, lookup: &str, now: UnixMillis) -> Read<Option<PairingRow>> {
    let query = "SELECT * FROM pairings WHERE home = ?1 AND lookup = ?2 AND expires > ?3";
    let found = one(tx, query, params![home.as_bytes(), lookup, now.0], |row| {
        let (answer, mac): (Option<Vec<u8>>, Option<[u8; 32]>) = (row.get("answer")?, row.get("answer_mac")?);
        Ok(PairingRow {
            home: HomeId::from_bytes(row.get("home")?),
            offer: OfferRow { offer: row.get("offer")?, mac: row.get("mac")? },
            expires: sql::time(row, "expires")?,
            answer: answer.zip(mac),
            used: row.get("used")?,
        })
    })?;
    Ok(found)
}

/// See [`super::Truth::agents`].
pub fn agents(tx: &Connection, home: HomeId) -> Read<Vec<HomeAgentRow>> {
    let query = "SELECT * FROM agents WHERE home = ?1 AND until_rev IS NULL ORDER BY since_at, agent";
    let found = all(tx, query, [home.as_bytes()], |row| {
        Ok(HomeAgentRow {
            home: HomeId::from_bytes(row.get("home")?),
            agent: AgentId::from_bytes(row.get("agent")?),
            key: row.get("key")?,
            state: sql::state(row, "state")?,
            since: sql::time(row, "since_at")?,
        })
    })?;
    Ok(found)
}

/// See [`super::Truth::cameras`].
pub fn cameras(tx: &Connection, home: HomeId, scope: &CameraScope) -> Read<Vec<CameraRow>> {
    let query =
        "SELECT *, removed_rev IS NOT NULL AS removed FROM cameras WHERE home = ?1 ORDER BY created, camera";
    let mut found = all(tx, query, [home.as_bytes()], |row| {
        Ok(CameraRow {
            home: HomeId::from_bytes(row.get("home")?),
            camera: CameraId::from_bytes(row.get("camera")?),
            agent: AgentId::from_bytes(row.get("agent")?),
            name: sql::signed(row, "name_body", "name_signature")?,
            on: row.get("is_on")?,
            lockdown: row.get("lockdown")?,
            removed: row.get("removed")?,
            created: sql::time(row, "created")?,
        })
    })?;
    found.retain(|row| scope.covers(row.camera));
    Ok(found)
}

/// See [`super::Truth::invitation`].
pub fn invitation(
    tx: &Connection,
    home: HomeId,
    slot: SlotId,
    now: UnixMillis,
) -> Read<Option<OfferedInvitationRow>> {
    const QUERY: &str =
        "SELECT i.home, i.slot, i.rights, i.cameras, i.expires, h.epoch, h.name_body, h.name_signature,
        s.enc, s.ct FROM invitations i JOIN homes h ON h.home = i.home
        LEFT JOIN epoch_secrets s ON s.home = i.home AND s.epoch = h.epoch AND s.slot = i.slot
        WHERE i.home = ?1 AND i.slot = ?2 AND i.ended_rev IS NULL AND i.expires > ?3";
    let found = one(tx, QUERY, params![home.as_bytes(), slot.as_bytes(), now.0], |row| {
        Ok(OfferedInvitationRow {
            home: HomeId::from_bytes(row.get("home")?),
            slot: SlotId::from_bytes(row.get("slot")?),
            rights: sql::rights(row, "rights")?,
            cameras: sql::cameras(row, "cameras")?,
            expires: sql::time(row, "expires")?,
            epoch: EpochNo(sql::small(row, "epoch")?),
            sealed: sql::sealed(row, "enc", "ct")?,
            name: sql::signed(row, "name_body", "name_signature")?,
        })
    })?;
    Ok(found)
}

/// See [`super::Truth::retention_rules`].
pub fn retention_rules(tx: &Connection) -> Read<Vec<RetentionRow>> {
    let found = all(
        tx,
        "SELECT home, retention_days, retention_bytes, bytes_max FROM homes ORDER BY home",
        [],
        |row| {
            Ok(RetentionRow {
                home: HomeId::from_bytes(row.get("home")?),
                days: sql::small(row, "retention_days")?,
                bytes: sql::counter(row, "retention_bytes")?,
                total: sql::counter(row, "bytes_max")?,
            })
        },
    )?;
    Ok(found)
}

/// See [`super::Truth::sweep`].
pub fn sweep(tx: &Connection, now: UnixMillis) -> Read<u64> {
    let before = [now.0.saturating_sub(SWEEP_AFTER_MS)];
    let sessions = run(tx, "DELETE FROM sessions WHERE expires < ?1", before)?;
    // A lapsed one that still has its place in the chain is listed until a new epoch leaves it out.
    let invitations =
        run(tx, "DELETE FROM invitations WHERE expires < ?1 AND ended_rev IS NOT NULL", before)?;
    let pairings = run(tx, "DELETE FROM pairings WHERE expires < ?1", before)?;
    Ok((sessions + invitations + pairings) as u64)
}
