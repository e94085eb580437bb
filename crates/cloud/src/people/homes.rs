//! Homes: the list, one of them, its settings and name, its lockdown, leaving it.

use futures_util::future;
use keepsight_gate::{Action, Ask, Change, Permit};
use keepsight_ids::HomeId;
use keepsight_seal::{Chain, SealedName, Subject, VerifiedEntry, check_package};
use keepsight_store::truth::HomeRow;
use keepsight_wire::Signed;
use keepsight_wire::people::{Home, HomeSettings, Lockdown, NewHome, NewName};

use super::{diff, rows};
use crate::cloud::Cloud;
use crate::day;
use crate::edge::answer::Answer;
use crate::edge::dispatch::Asker;
use crate::edge::fault::{Code, Fault, Outcome};
use crate::edge::input::Json;
use crate::edge::routes::Call;

/// The least space that a home can be given, in bytes.
const RETENTION_BYTES_LEAST: u64 = 100_000_000;

pub(super) async fn list(call: Call) -> Outcome<Answer> {
    let Call { cloud, permit, asker, .. } = call;
    let locked = cloud.truth.homes(&permit).await?;
    let receipt = cloud.plain_receipt(permit)?;
    let homes: Vec<HomeId> = cloud.open(locked, &receipt)?.into_iter().map(|row| row.home.home).collect();
    let each = homes.into_iter().map(|home| one_if_there(&cloud, &asker, home));
    let homes: Vec<Home> = future::try_join_all(each).await?.into_iter().flatten().collect();
    Answer::json(&homes)
}

/// A home that was left between the two questions is no longer in the list. Whatever else goes wrong fails the list as a whole: a
/// home that it doesn't name is taken for one that is no longer the caller's, and their device drops what it held for it.
async fn one_if_there(cloud: &Cloud, asker: &Asker, home: HomeId) -> Outcome<Option<Home>> {
    match one(cloud, asker, home).await {
        Ok(home) => Ok(Some(home)),
        Err(fault) if fault.code == Code::NotFound => Ok(None),
        Err(fault) => Err(fault),
    }
}

pub(super) async fn read(call: Call) -> Outcome<Answer> {
    let home = home_of(&call.cloud, call.permit).await?;
    Answer::json(&home)
}

pub(super) async fn create(call: Call<(), (), Json<NewHome>>) -> Outcome<Answer> {
    let Call { cloud, permit, asker, body: Json(body), .. } = call;
    let account = permit.account().ok_or_else(Fault::not_found)?;
    let genesis =
        VerifiedEntry::genesis(body.home, &body.genesis).map_err(|error| refused("genesis", &error))?;
    let owner = &genesis.entry().slots[0];
    if owner.account != Some(account) {
        return Err(Fault::bad_request("genesis: its owner is another account"));
    }
    check_package(genesis.entry(), &body.epoch).map_err(|error| refused("epoch", &error))?;
    let chain = Chain::begin(genesis.clone()).map_err(|error| refused("genesis", &error))?;
    SealedName::verify(&body.name, &chain, Subject::Home(body.home))
        .map_err(|error| refused("name", &error))?;
    check_zone(&body.time_zone)?;
    let change = Change::CreateHome {
        home: body.home,
        genesis: diff::chain_row(&genesis),
        slot: owner.slot,
        epoch: rows::epoch(&body.epoch),
        name: rows::signed(&body.name),
        time_zone: body.time_zone,
    };
    cloud.change(permit, change).await?;
    Answer::json(&one(&cloud, &asker, body.home).await?)
}

pub(super) async fn settings(call: Call<(), (), Json<HomeSettings>>) -> Outcome<Answer> {
    let Json(HomeSettings { time_zone, retention_days, retention_bytes }) = call.body;
    check_zone(&time_zone)?;
    if !(1..=3650).contains(&retention_days) {
        return Err(Fault::bad_request("body: retention_days: expected 1 to 3650"));
    }
    if retention_bytes < RETENTION_BYTES_LEAST {
        return Err(Fault::bad_request(format!(
            "body: retention_bytes: expected at least {RETENTION_BYTES_LEAST}"
        )));
    }
    call.cloud.change(call.permit, Change::Settings { time_zone, retention_days, retention_bytes }).await?;
    Ok(Answer::done())
}

pub(super) async fn name(call: Call<(), (), Json<NewName>>) -> Outcome<Answer> {
    let Call { cloud, permit, asker, body: Json(NewName { name }), .. } = call;
    let home = permit.home().ok_or_else(Fault::not_found)?;
    let reading = asker.ask(&cloud, Ask::home(Action::ReadChain, home)).await?;
    verify_name(&cloud, reading, &name, Subject::Home(home)).await?;
    cloud.change(permit, Change::NameHome(rows::signed(&name))).await?;
    Ok(Answer::done())
}

pub(super) async fn lockdown(call: Call<(), (), Json<Lockdown>>) -> Outcome<Answer> {
    call.cloud.change(call.permit, Change::LockHome { on: call.body.0.on }).await?;
    Ok(Answer::done())
}

pub(super) async fn leave(call: Call) -> Outcome<Answer> {
    call.cloud.change(call.permit, Change::LeaveHome).await?;
    Ok(Answer::done())
}

async fn one(cloud: &Cloud, asker: &Asker, home: HomeId) -> Outcome<Home> {
    home_of(cloud, asker.ask(cloud, Ask::home(Action::ReadHome, home)).await?).await
}

/// The Permit's home, as its caller sees it. Uses the Permit up.
async fn home_of(cloud: &Cloud, permit: Permit) -> Outcome<Home> {
    let slot = permit.slot().ok_or_else(Fault::not_found)?;
    let (rights, lockdown) = (rows::rights(permit.rights()), permit.lockdown());
    let locked = cloud.truth.home(&permit).await?;
    let used = cloud.records.usage(&permit).await?;
    let receipt = cloud.plain_receipt(permit)?;
    let row: HomeRow = cloud.open(locked, &receipt)?.ok_or_else(Fault::not_found)?;
    let used = cloud.open(used, &receipt)?;
    Ok(Home {
        home: row.home,
        slot,
        rights,
        name: rows::to_signed(row.name),
        time_zone: row.time_zone,
        retention_days: row.retention_days,
        retention_bytes: row.retention_bytes,
        used_bytes: used.bytes,
        bytes_max: row.bytes_max,
        events_today: used.today,
        events_a_day_max: row.events_a_day_max,
        chain_seq: row.chain_seq,
        lockdown: lockdown || row.lockdown,
        rotation_due: row.rotation_due,
        restored: row.restored,
    })
}

/// That a name is signed by somebody who may give it. Uses up a Permit to read the chain.
pub(crate) async fn verify_name(
    cloud: &Cloud,
    permit: Permit,
    name: &Signed,
    subject: Subject,
) -> Outcome<()> {
    let chain = cloud.chain(permit).await?;
    let sealed = SealedName::verify(name, &chain, subject).map_err(|error| refused("name", &error))?;
    if sealed.epoch != chain.head().entry().epoch {
        return Err(Fault::conflict(
            "The name is sealed to an older home key. Read the chain and seal it again.",
        ));
    }
    Ok(())
}

/// A document that the seal's rules refuse: its reason is for people, and says nothing that the caller didn't send.
pub(crate) fn refused(field: &str, error: &keepsight_seal::SealError) -> Fault {
    Fault::bad_request(format!("{field}: {error}")).logged(error.code())
}

fn check_zone(name: &str) -> Outcome<()> {
    let known = day::zone(name).map(|_| ());
    known.ok_or_else(|| Fault::bad_request("body: time_zone: expected an IANA name such as Europe/Berlin"))
}
