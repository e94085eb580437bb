//! Accounts and sessions. Making a session takes no revision; ending one does.

use keepsight_gate::{
    Key, NewAccount, NewSession, PasswordRow, Permit, RecoveryRow, Refusal, ReplaceKeys, SignUpTicket,
    TokenHash,
};
use keepsight_ids::{AccountId, AgentId, HomeId, SessionId};
use rusqlite::params;

use super::chain;
use crate::truth::commit::{Job, Stop};
use crate::truth::journal::Revoked;
use crate::truth::sql::{all, exists, int, one, run};

/// Makes an account and its first session, if the ticket is good.
pub fn sign_up(
    job: &mut Job<'_>,
    new: &NewAccount,
    ticket: &SignUpTicket,
    session: &NewSession,
) -> Result<(), Stop> {
    // The ticket first: without one nobody learns which names are taken.
    use_ticket(job, ticket)?;
    if exists(job.tx, "SELECT 1 FROM accounts WHERE name_key = ?1", [&new.name_key])? {
        return Err(Refusal::NameTaken.into());
    }
    if exists(job.tx, "SELECT 1 FROM accounts WHERE account = ?1", [new.account.as_bytes()])? {
        return Err(Refusal::IdTaken.into());
    }
    const INSERT: &str = "INSERT INTO accounts (account, name, name_key, salt, iterations, login_hash, wrapped,
        recovery_login_hash, recovery_wrapped, kem, sign, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    let (password, recovery) = (&new.password, &new.recovery);
    let row = params![
        new.account.as_bytes(),
        new.name,
        new.name_key,
        password.salt,
        password.iterations,
        password.login_hash,
        password.wrapped,
        recovery.login_hash,
        recovery.wrapped,
        new.kem,
        new.sign,
        job.now.0
    ];
    run(job.tx, INSERT, row)?;
    begin_session(job, Whose::Person(new.account), session)
}

fn use_ticket(job: &Job<'_>, ticket: &SignUpTicket) -> Result<(), Stop> {
    const INVITED: &str = "SELECT 1 FROM invitations
        WHERE token = ?1 AND home = ?2 AND slot = ?3 AND ended_rev IS NULL AND expires > ?4";
    let has_accounts = exists(job.tx, "SELECT 1 FROM accounts LIMIT 1", [])?;
    let good = match ticket {
        SignUpTicket::Setup(token) => {
            let query = "UPDATE service SET setup_token = NULL WHERE setup_token = ?1";
            !has_accounts && run(job.tx, query, [token.as_bytes()])? == 1
        }
        SignUpTicket::Open => has_accounts,
        SignUpTicket::Invitation { home, slot, token } => {
            exists(job.tx, INVITED, params![token.as_bytes(), home.as_bytes(), slot.as_bytes(), job.now.0])?
        }
    };
    if good { Ok(()) } else { Err(Refusal::NoTicket.into()) }
}

enum Whose {
    Person(AccountId),
    Agent(HomeId, AgentId),
}

/// A person's sign-ins at a time.
const SESSIONS_OF_A_PERSON: i64 = 64;
/// An agent's sessions at a time. It uses one, and a new one now and then.
const SESSIONS_OF_AN_AGENT: i64 = 4;

/// Makes room for one more session, so that nobody's rows grow without bound: whatever ends all of them would hold up everybody's
/// changes. Of a person's sign-ins the one that was not used for longest ends, in this revision. An agent's oldest only lapses
/// early, without a revision: it takes nothing from anybody, and an agent could make thousands a minute.
fn make_room(job: &mut Job<'_>, whose: &Whose) -> Result<(), Stop> {
    const UNUSED: &str = "SELECT token FROM sessions WHERE account = ?1 AND ended_rev IS NULL
        ORDER BY used DESC, created DESC LIMIT -1 OFFSET ?2";
    const OLDEST: &str = "DELETE FROM sessions WHERE token IN (SELECT token FROM sessions
        WHERE home = ?1 AND agent = ?2 AND ended_rev IS NULL ORDER BY created DESC LIMIT -1 OFFSET ?3)";
    match whose {
        Whose::Person(account) => {
            let row = params![account.as_bytes(), SESSIONS_OF_A_PERSON - 1];
            for token in all(job.tx, UNUSED, row, |row| row.get(0))? {
                end_token(job, token)?;
            }
        }
        Whose::Agent(home, agent) => {
            run(job.tx, OLDEST, params![home.as_bytes(), agent.as_bytes(), SESSIONS_OF_AN_AGENT - 1])?;
        }
    }
    Ok(())
}

/// Makes a session. It notes the head of now: ending everybody's sessions ends those from before.
fn begin_session(job: &mut Job<'_>, whose: Whose, new: &NewSession) -> Result<(), Stop> {
    make_room(job, &whose)?;
    const INSERT: &str = "INSERT INTO sessions (token, session, account, home, agent, device, created, used, expires, since_rev)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9)";
    let (account, home, agent) = match &whose {
        Whose::Person(account) => (Some(account.as_bytes()), None, None),
        Whose::Agent(home, agent) => (None, Some(home.as_bytes()), Some(agent.as_bytes())),
    };
    let expires = job.now.plus_ms(new.life_ms).0;
    let row = params![
        new.token.as_bytes(),
        new.session.as_bytes(),
        account,
        home,
        agent,
        new.device,
        job.now.0,
        expires,
        int(job.head.0)
    ];
    run(job.tx, INSERT, row)?;
    Ok(())
}

/// Makes a session, if the login that was proved is still the account's.
pub fn sign_in(
    job: &mut Job<'_>,
    account: AccountId,
    login_hash: &[u8; 32],
    session: &NewSession,
) -> Result<(), Stop> {
    must_match(job, "SELECT 1 FROM accounts WHERE account = ?1 AND login_hash = ?2", account, login_hash)?;
    begin_session(job, Whose::Person(account), session)
}

fn must_match(job: &Job<'_>, query: &str, account: AccountId, login_hash: &[u8; 32]) -> Result<(), Stop> {
    let matches = exists(job.tx, query, params![account.as_bytes(), login_hash])?;
    if matches { Ok(()) } else { Err(Refusal::CredentialReplaced.into()) }
}

/// Password and recovery code anew, all sessions ended, one begun.
pub fn replace_by_recovery(
    job: &mut Job<'_>,
    account: AccountId,
    login_hash: &[u8; 32],
    (password, recovery): (&PasswordRow, &RecoveryRow),
    session: &NewSession,
) -> Result<(), Stop> {
    let query = "SELECT 1 FROM accounts WHERE account = ?1 AND recovery_login_hash = ?2";
    must_match(job, query, account, login_hash)?;
    set_password(job, account, password)?;
    set_recovery(job, account, recovery)?;
    end_sessions(job, account, None)?;
    begin_session(job, Whose::Person(account), session)
}

/// The password anew; the other sessions end.
pub fn change_password(
    job: &mut Job<'_>,
    permit: &Permit,
    login_hash: &[u8; 32],
    password: &PasswordRow,
) -> Result<(), Stop> {
    let account = own(permit)?;
    must_match(job, "SELECT 1 FROM accounts WHERE account = ?1 AND login_hash = ?2", account, login_hash)?;
    set_password(job, account, password)?;
    end_sessions(job, account, permit.session())
}

/// The recovery code anew.
pub fn change_recovery(
    job: &mut Job<'_>,
    permit: &Permit,
    login_hash: &[u8; 32],
    recovery: &RecoveryRow,
) -> Result<(), Stop> {
    let account = own(permit)?;
    must_match(job, "SELECT 1 FROM accounts WHERE account = ?1 AND login_hash = ?2", account, login_hash)?;
    set_recovery(job, account, recovery)
}

/// Other keys, in the account and in its homes; the other sessions end. All of it or nothing, so that no key is ever left behind
/// half-way: the old ones may be locked into one browser, which may never come back.
pub fn replace_keys(job: &mut Job<'_>, permit: &Permit, new: &ReplaceKeys) -> Result<(), Stop> {
    let account = own(permit)?;
    must_match(job, "SELECT 1 FROM accounts WHERE account = ?1 AND sign = ?2", account, &new.old_sign)?;
    set_password(job, account, &new.password)?;
    set_recovery(job, account, &new.recovery)?;
    let query = "UPDATE accounts SET kem = ?2, sign = ?3, keys_replaced = ?4 WHERE account = ?1";
    run(job.tx, query, params![account.as_bytes(), new.kem, new.sign, job.now.0])?;
    for home in &new.homes {
        chain::hand_over(job, account, home)?;
    }
    job.touch(Key::Account(account));
    end_sessions(job, account, permit.session())
}

fn own(permit: &Permit) -> Result<AccountId, Stop> {
    permit.account().ok_or(Stop::Refused(Refusal::NotFound))
}

fn set_password(job: &Job<'_>, account: AccountId, new: &PasswordRow) -> Result<(), Stop> {
    let query =
        "UPDATE accounts SET salt = ?2, iterations = ?3, login_hash = ?4, wrapped = ?5 WHERE account = ?1";
    run(job.tx, query, params![account.as_bytes(), new.salt, new.iterations, new.login_hash, new.wrapped])?;
    Ok(())
}

fn set_recovery(job: &Job<'_>, account: AccountId, new: &RecoveryRow) -> Result<(), Stop> {
    let query = "UPDATE accounts SET recovery_login_hash = ?2, recovery_wrapped = ?3 WHERE account = ?1";
    run(job.tx, query, params![account.as_bytes(), new.login_hash, new.wrapped])?;
    Ok(())
}

/// Ends one session of the caller's account.
pub fn end_session(job: &mut Job<'_>, permit: &Permit, session: SessionId) -> Result<(), Stop> {
    let query = "SELECT token FROM sessions WHERE session = ?1 AND account = ?2 AND ended_rev IS NULL";
    let account = own(permit)?;
    let token = one(job.tx, query, params![session.as_bytes(), account.as_bytes()], |row| row.get(0))?;
    end_token(job, token.ok_or(Refusal::NotFound)?)
}

/// Ends the account's sessions but the caller's.
pub fn end_other_sessions(job: &mut Job<'_>, permit: &Permit) -> Result<(), Stop> {
    end_sessions(job, own(permit)?, permit.session())
}

/// Ends the account's sessions, one perhaps excepted.
pub fn end_sessions(job: &mut Job<'_>, account: AccountId, but: Option<SessionId>) -> Result<(), Stop> {
    let query = "SELECT token FROM sessions WHERE account = ?1 AND ended_rev IS NULL AND session IS NOT ?2";
    let but = but.map(|session| *session.as_bytes());
    for token in all(job.tx, query, params![account.as_bytes(), but], |row| row.get(0))? {
        end_token(job, token)?;
    }
    Ok(())
}

fn end_token(job: &mut Job<'_>, token: [u8; 32]) -> Result<(), Stop> {
    run(job.tx, "UPDATE sessions SET ended_rev = ?2 WHERE token = ?1", params![token, int(job.rev.0)])?;
    job.touch(Key::Session(TokenHash::from_bytes(token)));
    job.revoke(Revoked::Session);
    Ok(())
}

/// Makes an agent's session, if the key that was proved is still its own.
pub fn open_agent_session(
    job: &mut Job<'_>,
    agent: AgentId,
    key: &[u8; 32],
    session: &NewSession,
) -> Result<(), Stop> {
    let query = "SELECT home FROM agents WHERE agent = ?1 AND key = ?2 AND until_rev IS NULL";
    let home = one(job.tx, query, params![agent.as_bytes(), key], |row| Ok(HomeId::from_bytes(row.get(0)?)))?;
    begin_session(job, Whose::Agent(home.ok_or(Refusal::CredentialReplaced)?, agent), session)
}
