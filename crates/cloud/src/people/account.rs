//! Signing up, in, out and back in: who somebody is. What their keys open is settled in their browser.
//!
//! A name that doesn't exist and a wrong secret can't be told apart: the same answer, after the same work.

use std::time::Duration;

use keepsight_gate::{
    Action, Ask, Change, NewAccount, NewSession, PasswordRow, Permit, RecoveryRow, SignUpTicket,
};
use keepsight_ids::{B32, B64, SessionId};
use keepsight_seal::{ITERATIONS_LEAST, ITERATIONS_MOST, WRAPPED_LEN, sha256};
use keepsight_store::truth::SignInRow;
use keepsight_wire::people::{
    Account, Credentials, NameQuery, PasswordChange, PasswordParameters, RecoveryChange, RecoveryCredentials,
    RecoveryOpen, RecoveryOpened, RecoveryReplace, SignIn, SignUp, SignUpPolicy, Ticket,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::names::{Name, key};
use crate::change::wrong_sign_in;
use crate::cloud::Cloud;
use crate::edge::answer::Answer;
use crate::edge::client::Client;
use crate::edge::dispatch::token_hash;
use crate::edge::fault::{Fault, Outcome};
use crate::edge::input::{Json, Named};
use crate::edge::limits::allowed;
use crate::edge::routes::Call;
use crate::secret::same;

/// How long a person stays signed in on a device.
const SESSION_LIFE_MS: i64 = 90 * 24 * 3600 * 1000;
/// How long an answer waits for a note of its sign-in's use.
const NOTE_WAIT: Duration = Duration::from_millis(250);

pub(super) async fn parameters(call: Call<(), (), Json<NameQuery>>) -> Outcome<Answer> {
    let cloud = &call.cloud;
    allowed(cloud.guard.sign_in.take(call.asker.neighbour()))?;
    let name = key(&call.body.0.name);
    let row = cloud.truth.sign_in_data(&call.permit, &name).await?;
    // Made for every name, so that an existing one takes no less work.
    let made_up = cloud.secret.mac("salt of a name that does not exist", &[name.as_bytes()]);
    Answer::json(&match row {
        Some(row) => password_parameters(&row.password),
        None => PasswordParameters { salt: B64(made_up[..16].to_vec()), iterations: ITERATIONS_LEAST },
    })
}

pub(super) async fn sign_up(call: Call<(), (), Json<SignUp>>) -> Outcome<Answer> {
    let cloud = &call.cloud;
    allowed(cloud.guard.sign_up.take(call.asker.neighbour()))?;
    let body = call.body.0;
    let name = Name::parse(&body.name)?;
    let password = password_row("password", &body.password)?;
    let account = NewAccount {
        account: body.account,
        name: name.shown.clone(),
        name_key: name.key,
        password: password.clone(),
        recovery: recovery_row("recovery", &body.recovery)?,
        kem: body.kem.0,
        sign: body.sign.0,
    };
    let ticket = ticket(cloud.config.sign_up, body.ticket)?;
    let (token, session) = new_session(cloud, &call.client);
    let id = session.session;
    cloud.change(call.permit, Change::SignUp { account, ticket, session }).await?;
    let answer = Account {
        account: body.account,
        name: name.shown,
        session: id,
        parameters: password_parameters(&password),
        wrapped: B64(password.wrapped),
        kem: body.kem,
        sign: body.sign,
    };
    Ok(Answer::json(&answer)?.signing_in(token))
}

pub(super) async fn sign_in(call: Call<(), (), Json<SignIn>>) -> Outcome<Answer> {
    let cloud = &call.cloud;
    let SignIn { name, login } = call.body.0;
    let (row, permit) =
        prove(cloud, call.permit, &call.asker, &name, login, |row| &row.password.login_hash).await?;
    let (token, session) = new_session(cloud, &call.client);
    let (account, id) = (row.account, session.session);
    let login_hash = row.password.login_hash;
    cloud.change(permit, Change::SignIn { account, login_hash, session }).await?;
    Ok(Answer::json(&account_of(row, id))?.signing_in(token))
}

pub(super) async fn recovery_open(call: Call<(), (), Json<RecoveryOpen>>) -> Outcome<Answer> {
    let RecoveryOpen { name, login } = call.body.0;
    let (row, _) =
        prove(&call.cloud, call.permit, &call.asker, &name, login, |row| &row.recovery.login_hash).await?;
    Answer::json(&RecoveryOpened { account: row.account, wrapped: B64(row.recovery.wrapped) })
}

pub(super) async fn recovery_replace(call: Call<(), (), Json<RecoveryReplace>>) -> Outcome<Answer> {
    let cloud = &call.cloud;
    let body = call.body.0;
    let (password, recovery) =
        (password_row("password", &body.password)?, recovery_row("recovery", &body.recovery)?);
    let (mut row, permit) =
        prove(cloud, call.permit, &call.asker, &body.name, body.login, |row| &row.recovery.login_hash)
            .await?;
    let (token, session) = new_session(cloud, &call.client);
    let (account, id, login_hash) = (row.account, session.session, row.recovery.login_hash);
    row.password = password.clone();
    cloud
        .change(permit, Change::ReplaceByRecovery { account, login_hash, password, recovery, session })
        .await?;
    Ok(Answer::json(&account_of(row, id))?.signing_in(token))
}

pub(super) async fn sign_out(call: Call) -> Outcome<Answer> {
    let session = call.permit.session().ok_or_else(Fault::not_found)?;
    call.cloud.change(call.permit, Change::EndSession(session)).await?;
    Ok(Answer::done().signing_out())
}

pub(super) async fn read(call: Call) -> Outcome<Answer> {
    let cloud = &call.cloud;
    let session = call.permit.session().ok_or_else(Fault::not_found)?;
    note_use(cloud, &call.permit).await;
    let locked = cloud.truth.account(&call.permit).await?;
    let receipt = cloud.plain_receipt(call.permit)?;
    let row = cloud.open(locked, &receipt)?.ok_or_else(Fault::not_found)?;
    Answer::json(&Account {
        account: row.account,
        name: row.name,
        session,
        parameters: password_parameters(&row.password),
        wrapped: B64(row.password.wrapped),
        kem: B32(row.kem),
        sign: B32(row.sign),
    })
}

/// When a sign-in was last used is worth no waiting for a database that is full or held by somebody: without this answer nobody can
/// begin to look at anything.
async fn note_use(cloud: &Cloud, permit: &Permit) {
    match tokio::time::timeout(NOTE_WAIT, cloud.truth.touch_session(permit)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "a sign-in's last use is not noted"),
        Err(_) => tracing::warn!("a sign-in's last use is not noted yet: the database takes its time"),
    }
}

pub(super) async fn change_password(call: Call<(), (), Json<PasswordChange>>) -> Outcome<Answer> {
    let body = call.body.0;
    let password = password_row("password", &body.password)?;
    allowed(call.cloud.guard.sign_in.take(call.asker.neighbour()))?;
    let login_hash = sha256(&body.login.0).0;
    call.cloud.change(call.permit, Change::ChangePassword { login_hash, password }).await?;
    Ok(Answer::done())
}

pub(super) async fn change_recovery(call: Call<(), (), Json<RecoveryChange>>) -> Outcome<Answer> {
    let body = call.body.0;
    let recovery = recovery_row("recovery", &body.recovery)?;
    allowed(call.cloud.guard.sign_in.take(call.asker.neighbour()))?;
    let login_hash = sha256(&body.login.0).0;
    call.cloud.change(call.permit, Change::ChangeRecovery { login_hash, recovery }).await?;
    Ok(Answer::done())
}

pub(super) async fn sessions(call: Call) -> Outcome<Answer> {
    use keepsight_wire::people::Session;
    let cloud = &call.cloud;
    let this = call.permit.session();
    let locked = cloud.truth.sessions(&call.permit).await?;
    let receipt = cloud.plain_receipt(call.permit)?;
    let rows = cloud.open(locked, &receipt)?;
    let session = |row: keepsight_store::truth::SessionRow| Session {
        session: row.session,
        device: row.device,
        since: row.created,
        used: row.used,
        this: Some(row.session) == this,
    };
    Answer::json(&rows.into_iter().map(session).collect::<Vec<_>>())
}

pub(super) async fn end_session(call: Call<SessionId>) -> Outcome<Answer> {
    let own = call.permit.session() == Some(call.params);
    call.cloud.change(call.permit, Change::EndSession(call.params)).await?;
    Ok(if own { Answer::done().signing_out() } else { Answer::done() })
}

/// Which sessions to end.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionsAsked {
    /// The one that asks, too: nobody is signed in to the account any more.
    #[serde(default)]
    this: bool,
}

pub(super) async fn end_sessions(call: Call<(), Named<SessionsAsked>>) -> Outcome<Answer> {
    let Call { cloud, permit, asker, query: Named(asked), .. } = call;
    let own = permit.session().ok_or_else(Fault::not_found)?;
    cloud.change(permit, Change::EndOtherSessions).await?;
    if !asked.this {
        return Ok(Answer::done());
    }
    // Last, so that whoever asked can ask again if this fails.
    let permit = asker.ask(&cloud, Ask::of(Action::EndSessions)).await?;
    cloud.change(permit, Change::EndSession(own)).await?;
    Ok(Answer::done().signing_out())
}

/// Checks a login, and gives back a Permit for what comes next. Whether the name exists, and what was wrong, can't be told by
/// answer or by the work done.
async fn prove(
    cloud: &Cloud,
    mut permit: Permit,
    asker: &crate::edge::dispatch::Asker,
    name: &str,
    login: B32,
    hash_of: fn(&SignInRow) -> &[u8; 32],
) -> Outcome<(SignInRow, Permit)> {
    allowed(cloud.guard.sign_in.take(asker.neighbour()))?;
    let name = key(name);
    let named = sha256(name.as_bytes()).0;
    if cloud.guard.tarpit(named).await? {
        // A Permit isn't kept over a wait.
        permit = asker.ask(cloud, Ask::of(permit.action())).await?;
    }
    let row = cloud.truth.sign_in_data(&permit, &name).await?;
    let given = sha256(&login.0).0;
    // An account that does not exist has the login that nobody can know.
    let nobodys = cloud.secret.mac("login of a name that does not exist", &[name.as_bytes()]);
    let kept: &[u8; 32] = row.as_ref().map_or(&nobodys, hash_of);
    let right = same(kept, &given);
    match row {
        Some(row) if right => {
            cloud.guard.sign_in_worked(&named);
            Ok((row, permit))
        }
        _ => {
            cloud.guard.sign_in_failed(named);
            Err(wrong_sign_in())
        }
    }
}

fn ticket(policy: SignUpPolicy, ticket: Option<Ticket>) -> Outcome<SignUpTicket> {
    match ticket {
        Some(Ticket::Setup(token)) => Ok(SignUpTicket::Setup(token_hash(token.as_bytes()))),
        Some(Ticket::Invitation(given)) if policy != SignUpPolicy::Closed => Ok(SignUpTicket::Invitation {
            home: given.home,
            slot: given.slot,
            token: token_hash(&given.token.0),
        }),
        None if policy == SignUpPolicy::Open => Ok(SignUpTicket::Open),
        _ => Err(keepsight_gate::Refusal::NoTicket.into()),
    }
}

/// A new session and its secret token, which only the browser keeps.
fn new_session(cloud: &Cloud, client: &Client) -> (String, NewSession) {
    let token = cloud.world.random::<32>();
    let session = NewSession {
        session: SessionId::from_bytes(cloud.world.random()),
        token: token_hash(&token),
        device: client.device.clone(),
        life_ms: SESSION_LIFE_MS,
    };
    (data_encoding::BASE64URL_NOPAD.encode(&token), session)
}

fn account_of(row: SignInRow, session: SessionId) -> Account {
    Account {
        account: row.account,
        name: row.name,
        session,
        parameters: password_parameters(&row.password),
        wrapped: B64(row.password.wrapped),
        kem: B32(row.kem),
        sign: B32(row.sign),
    }
}

pub(super) fn password_parameters(row: &PasswordRow) -> PasswordParameters {
    PasswordParameters { salt: B64(row.salt.clone()), iterations: row.iterations }
}

pub(super) fn password_row(field: &str, given: &Credentials) -> Outcome<PasswordRow> {
    let PasswordParameters { salt, iterations } = &given.parameters;
    if salt.0.len() != 16 {
        return Err(Fault::bad_request(format!("body: {field}.parameters.salt: a salt has 16 bytes")));
    }
    if !(ITERATIONS_LEAST..=ITERATIONS_MOST).contains(iterations) {
        let range = format!("{ITERATIONS_LEAST} to {ITERATIONS_MOST}");
        return Err(Fault::bad_request(format!("body: {field}.parameters.iterations: expected {range}")));
    }
    let wrapped = wrapped(field, &given.wrapped)?;
    Ok(PasswordRow {
        salt: salt.0.clone(),
        iterations: *iterations,
        login_hash: sha256(&given.login.0).0,
        wrapped,
    })
}

pub(super) fn recovery_row(field: &str, given: &RecoveryCredentials) -> Outcome<RecoveryRow> {
    Ok(RecoveryRow { login_hash: sha256(&given.login.0).0, wrapped: wrapped(field, &given.wrapped)? })
}

fn wrapped(field: &str, given: &B64) -> Outcome<Vec<u8>> {
    if given.0.len() == WRAPPED_LEN {
        return Ok(given.0.clone());
    }
    Err(Fault::bad_request(format!("body: {field}.wrapped: wrapped keys have {WRAPPED_LEN} bytes")))
}
