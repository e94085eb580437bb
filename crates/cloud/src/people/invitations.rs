//! Invitations, from the invitee's side: what the link lets its holder see, and accepting it.
//!
//! The proof stands in the body, so the gate is asked twice: first whether anybody (or a signed-in person) may ask at all, then,
//! with the proof in hand, about the invitation itself.

use keepsight_gate::{Action, Ask, Change, Credential, Permit};
use keepsight_seal::VerifiedEntry;
use keepsight_wire::people::{
    ChainHead, InvitationAccept, InvitationOpen, InvitationOpened, InvitationTicket,
};

use super::homes::refused;
use super::{chain, diff, rows};
use crate::chains::entry;
use crate::cloud::Cloud;
use crate::edge::answer::Answer;
use crate::edge::dispatch::{Asker, token_hash};
use crate::edge::fault::{Fault, Outcome};
use crate::edge::input::Json;
use crate::edge::limits::allowed;
use crate::edge::routes::Call;

pub(super) async fn open(call: Call<(), (), Json<InvitationOpen>>) -> Outcome<Answer> {
    let Call { cloud, asker, body: Json(InvitationOpen { ticket }), .. } = call;
    let permit = ask(&cloud, &asker, &ticket, Action::OpenInvitation).await?;
    let offered = cloud.truth.invitation(&permit).await?;
    let entries = cloud.truth.chain(&permit, None).await?;
    let receipt = cloud.plain_receipt(permit)?;
    let offered = cloud.open(offered, &receipt)?.ok_or_else(Fault::not_found)?;
    Answer::json(&InvitationOpened {
        entries: cloud.open(entries, &receipt)?.into_iter().map(entry).collect(),
        epoch: offered.epoch.0,
        sealed: rows::to_sealed(offered.sealed.ok_or_else(Fault::not_found)?),
        name: rows::to_signed(offered.name),
        expires: offered.expires,
    })
}

pub(super) async fn accept(call: Call<(), (), Json<InvitationAccept>>) -> Outcome<Answer> {
    let Call { cloud, permit, asker, body: Json(InvitationAccept { ticket, entry, sealed }), .. } = call;
    let account = permit.account().ok_or_else(Fault::not_found)?;
    let chain = cloud.chain(ask(&cloud, &asker, &ticket, Action::AcceptInvitation).await?).await?;
    let next: VerifiedEntry = chain::follow(&chain, &entry)?;
    if next.entry().by != ticket.slot {
        return Err(Fault::bad_request("entry: it is signed for another place than the invitation's"));
    }
    if next.entry().slot(ticket.slot).is_none_or(|slot| slot.account != Some(account)) {
        return Err(Fault::bad_request("entry: it puts in another account than the one signed in"));
    }
    // Nothing but the invitee's own slot differs, or the chain would have refused it.
    diff::diff(chain.head().entry(), &next, None).map_err(|_| {
        refused(
            "entry",
            &keepsight_seal::SealError::InvitationOverreach { seq: next.entry().seq, by: ticket.slot },
        )
    })?;
    let change =
        Change::AcceptInvitation { entry: diff::chain_row(&next), sealed: diff::sealed_secret(&sealed)? };
    let permit = ask(&cloud, &asker, &ticket, Action::AcceptInvitation).await?;
    cloud.change(permit, change).await?;
    Answer::json(&ChainHead { seq: next.entry().seq, hash: next.hash() })
}

/// Asks with the invitation's proof. Guesses are counted by address.
async fn ask(cloud: &Cloud, asker: &Asker, ticket: &InvitationTicket, action: Action) -> Outcome<Permit> {
    allowed(cloud.guard.look_up.has(&asker.neighbour()))?;
    let credential = Credential::Invitation {
        home: ticket.home,
        slot: ticket.slot,
        token: token_hash(&ticket.token.0),
        session: asker.session(),
    };
    let asked = asker.ask_as(cloud, credential, Ask::of(action)).await;
    if asked.is_err() {
        allowed(cloud.guard.look_up.take(asker.neighbour()))?;
    }
    asked
}
