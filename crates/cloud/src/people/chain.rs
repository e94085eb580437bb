//! The home's chain: reading it, and appending an entry together with everything that it changes.

use std::sync::Arc;

use keepsight_gate::{Action, AppendChain, Ask, Change, NameRow, SealedSlotRow};
use keepsight_ids::SlotId;
use keepsight_seal::{Chain, Entry, SealedName, Subject, VerifiedEntry, check_package};
use keepsight_store::truth::OwnEpochRow;
use keepsight_wire::people::{Chain as ChainBody, ChainAppend, ChainHead};
use keepsight_wire::{EpochPackage, Sealed, SealedToSlot, Signed};
use schemars::JsonSchema;
use serde::Deserialize;

use super::homes::refused;
use super::{diff, rows};
use crate::chains::entry;
use crate::edge::answer::Answer;
use crate::edge::fault::{Code, Fault, Outcome};
use crate::edge::input::{Json, Named};
use crate::edge::params::Lookup;
use crate::edge::routes::Call;

/// From where on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct After {
    /// Only entries above this one.
    pub(crate) after: Option<u64>,
}

pub(super) async fn read(call: Call<(), Named<After>>) -> Outcome<Answer> {
    let Call { cloud, permit, query: Named(After { after }), .. } = call;
    let entries = cloud.truth.chain(&permit, after).await?;
    let epochs = cloud.truth.epochs(&permit).await?;
    let receipt = cloud.plain_receipt(permit)?;
    let entries = cloud.open(entries, &receipt)?.into_iter().map(entry).collect();
    let epochs = cloud.open(epochs, &receipt)?.into_iter().map(package).collect();
    Answer::json(&ChainBody { entries, epochs })
}

fn package(row: OwnEpochRow) -> EpochPackage {
    let own = row.slot.zip(row.sealed.map(rows::to_sealed));
    EpochPackage {
        epoch: row.epoch.0,
        sealed: own
            .map(|(slot, sealed)| SealedToSlot { slot, enc: sealed.enc, ct: sealed.ct })
            .into_iter()
            .collect(),
        previous: row.previous.map(rows::to_sealed),
    }
}

pub(super) async fn append(call: Call<(), (), Json<ChainAppend>>) -> Outcome<Answer> {
    let Call { cloud, permit, asker, body: Json(body), .. } = call;
    let (home, slot) = permit.home().zip(permit.slot()).ok_or_else(Fault::not_found)?;
    let chain = cloud.chain(permit).await?;
    let (next, append) = checked(&chain, slot, body)?;
    let permit = asker.ask(&cloud, Ask::home(Action::AppendChain, home)).await?;
    cloud.change(permit, Change::AppendChain(Box::new(append))).await?;
    Answer::json(&ChainHead { seq: next.entry().seq, hash: next.hash() })
}

/// The entry by the caller's slot, and all that goes with it and changes with it.
pub(super) fn checked(
    chain: &Arc<Chain>,
    slot: SlotId,
    body: ChainAppend,
) -> Outcome<(VerifiedEntry, AppendChain)> {
    let next = follow(chain, &body.entry)?;
    if next.entry().by != slot {
        return Err(Fault::new(
            Code::NotAllowed,
            "The entry is signed for another member's place than yours.",
        ));
    }
    let append = rows_of(chain, &next, body)?;
    Ok((next, append))
}

/// The entry, if it continues the chain and there is room for it. One that continues an older end was overtaken.
pub(super) fn follow(chain: &Arc<Chain>, signed: &Signed) -> Outcome<VerifiedEntry> {
    let head = chain.head();
    chain.accept(signed).map_err(|error| match keepsight_seal::Entry::parse(&signed.body.0) {
        Ok(entry) if entry.home == chain.home() && entry.seq <= head.entry().seq => {
            keepsight_gate::Refusal::ChainMoved.into()
        }
        _ => refused("entry", &error),
    })
}

fn rows_of(chain: &Arc<Chain>, next: &VerifiedEntry, body: ChainAppend) -> Outcome<AppendChain> {
    let before = chain.head().entry();
    let mut append = diff::diff(before, next, body.invitation.as_ref())?;
    let begins = next.entry().epoch != before.epoch;
    match &body.epoch {
        Some(package) if begins => {
            check_package(next.entry(), package).map_err(|error| refused("epoch", &error))?;
            append.epoch = Some(rows::epoch(package));
        }
        None if !begins => {}
        _ => {
            return Err(Fault::bad_request(
                "epoch: it goes with an entry that begins an epoch, and with no other",
            ));
        }
    }
    append.resealed = resealed(before, next.entry(), body.resealed.as_ref())?;
    append.pairing = body.pairing.map(|lookup| pairing(&lookup)).transpose()?;
    if append.pairing.is_some() && append.agents_added.is_empty() {
        return Err(Fault::bad_request("pairing: it goes with an entry that adds an agent"));
    }
    if !body.names.is_empty() {
        append.names = names(chain, next, &body.names)?;
    }
    Ok(append)
}

/// The current epoch's secret for an author who replaces their own keys: without it these would open nothing until an owner begins
/// a new epoch.
fn resealed(before: &Entry, next: &Entry, given: Option<&Sealed>) -> Outcome<Option<SealedSlotRow>> {
    let replaced = before.slot(next.by).zip(next.slot(next.by)).filter(|(old, new)| {
        (old.kem, old.sign) != (new.kem, new.sign) && new.holds_epochs() && next.epoch == before.epoch
    });
    match (replaced, given) {
        (Some((_, new)), Some(sealed)) => {
            Ok(Some(SealedSlotRow { slot: new.slot, sealed: diff::sealed_secret(sealed)? }))
        }
        (None, None) => Ok(None),
        _ => Err(Fault::bad_request(
            "resealed: it goes with an entry that replaces its author's own keys and begins no epoch, and with no other",
        )),
    }
}

fn pairing(lookup: &str) -> Outcome<String> {
    let parsed: Result<Lookup, _> = lookup.parse();
    parsed
        .map(|lookup| lookup.as_str().to_owned())
        .map_err(|_| Fault::bad_request("pairing: expected the code's first 8 characters"))
}

/// Names sealed anew to the epoch that the entry begins.
fn names(chain: &Arc<Chain>, next: &VerifiedEntry, names: &[Signed]) -> Outcome<Vec<NameRow>> {
    let mut extended = (**chain).clone();
    extended.extend(std::slice::from_ref(next.signed())).map_err(|error| refused("entry", &error))?;
    let row = |signed: &Signed| {
        let subject = SealedName::parse(&signed.body.0).map_err(|error| refused("names", &error))?.subject;
        let name =
            SealedName::verify(signed, &extended, subject).map_err(|error| refused("names", &error))?;
        if name.epoch != next.entry().epoch {
            return Err(Fault::bad_request("names: each is sealed to the epoch that the entry is in"));
        }
        let camera = match subject {
            Subject::Home(_) => None,
            Subject::Camera(camera) => Some(camera),
        };
        Ok(NameRow { camera, name: rows::signed(signed) })
    };
    names.iter().map(row).collect()
}
