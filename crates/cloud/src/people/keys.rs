//! Other keys for an account: in the account and in all its homes at once, or nowhere.
//!
//! For a lost device and for a forgotten password. The old key signs for the new ones, once for the account and once in each home's
//! chain; a sign-in alone replaces nothing. It is one request and one transaction, because the old keys may live in one browser only
//! and can't be wrapped for anybody (docs/decisions/0009): there is no half-way at which they could be lost.

use keepsight_gate::{Action, Ask, Change, HandOverRow, ReplaceKeys};
use keepsight_ids::{B32, B64, HomeId};
use keepsight_seal::{HandOver, SignPublic};
use keepsight_wire::people::{Account, HomeHandOver, KeysReplace};

use super::account::{password_parameters, password_row, recovery_row};
use super::{chain, refused};
use crate::cloud::Cloud;
use crate::edge::answer::Answer;
use crate::edge::dispatch::Asker;
use crate::edge::fault::{Fault, Outcome};
use crate::edge::input::Json;
use crate::edge::routes::Call;
use crate::feed::What;

/// More homes than anybody belongs to.
const HOMES_MAX: usize = 64;

pub(super) async fn replace(call: Call<(), (), Json<KeysReplace>>) -> Outcome<Answer> {
    let Call { cloud, permit, asker, body: Json(body), .. } = call;
    let session = permit.session().ok_or_else(Fault::not_found)?;
    let locked = cloud.truth.account(&permit).await?;
    let receipt = cloud.plain_receipt(permit)?;
    let row = cloud.open(locked, &receipt)?.ok_or_else(Fault::not_found)?;
    let stated = HandOver::verify(&body.statement, row.account, &SignPublic(B32(row.sign)))
        .map_err(|error| refused("statement", &error))?;
    let password = password_row("password", &body.password)?;
    let recovery = recovery_row("recovery", &body.recovery)?;
    if (stated.password.0, stated.recovery.0) != (password.login_hash, recovery.login_hash) {
        return Err(Fault::bad_request("statement: it is for another password or recovery code"));
    }
    if body.homes.len() > HOMES_MAX {
        return Err(Fault::bad_request(format!("body: homes: at most {HOMES_MAX}")));
    }
    let mut homes = Vec::with_capacity(body.homes.len());
    for one in body.homes {
        homes.push(hand_over(&cloud, &asker, one, &stated).await?);
    }
    let told: Vec<HomeId> = homes.iter().map(|one| one.home).collect();
    let answer = Account {
        account: row.account,
        name: row.name,
        session,
        parameters: password_parameters(&password),
        wrapped: B64(password.wrapped.clone()),
        kem: stated.kem.0,
        sign: stated.sign.0,
    };
    let (kem, sign) = (stated.kem.0.0, stated.sign.0.0);
    let keys = ReplaceKeys { old_sign: row.sign, kem, sign, password, recovery, homes };
    let permit = asker.ask(&cloud, Ask::of(Action::ChangeAccount)).await?;
    cloud.change(permit, Change::ReplaceKeys(Box::new(keys))).await?;
    for home in told {
        cloud.feed.tell(home, What::Home);
    }
    Answer::json(&answer)
}

/// One home's entry, by the rules of its chain: it puts in exactly the keys that were handed over to, and touches nobody else.
async fn hand_over(cloud: &Cloud, asker: &Asker, given: HomeHandOver, to: &HandOver) -> Outcome<HandOverRow> {
    let HomeHandOver { home, change } = given;
    let permit = asker.ask(cloud, Ask::home(Action::AppendChain, home)).await?;
    let slot = permit.slot().ok_or_else(Fault::not_found)?;
    let chain = cloud.chain(permit).await?;
    let (next, append) = chain::checked(&chain, slot, change)?;
    if next.entry().slot(slot).is_none_or(|own| (own.kem, own.sign) != (to.kem, to.sign)) {
        return Err(Fault::bad_request("entry: it puts in other keys than the statement hands over to"));
    }
    if !append.is_hand_over() {
        return Err(Fault::bad_request("entry: a hand-over changes nobody but its author"));
    }
    Ok(HandOverRow { home, slot, append })
}
