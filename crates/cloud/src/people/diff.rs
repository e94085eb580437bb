//! What an entry changes, computed from it and the entry before: the relation rows always equal the chain.
//!
//! Pure. The rules of the chain itself are the seal's (`VerifiedEntry::follow`); here are only the ones that rows need: people join
//! by invitation, an invitation is not altered but made anew, and an agent's key stays.

use std::collections::BTreeSet;

use keepsight_gate::{
    AgentRow, AppendChain, ChainRow, InvitationRow, RelationRow, Rights, SealedRow, TokenHash,
};
use keepsight_ids::SlotId;
use keepsight_seal::{Entry, Slot, VerifiedEntry};
use keepsight_wire::people::NewInvitation;

use super::rows;
use crate::edge::fault::{Fault, Outcome};

/// How long an invitation is good for.
pub(crate) const INVITATION_LIFE_MS: i64 = 7 * 24 * 3600 * 1000;

/// The rows that go with `next` after `before`, without epoch, names and pairing.
pub(crate) fn diff(
    before: &Entry,
    next: &VerifiedEntry,
    invitation: Option<&NewInvitation>,
) -> Outcome<AppendChain> {
    let entry = next.entry();
    let mut append = AppendChain::of(chain_row(next));
    append.ended = gone(before, entry, false);
    append.invitations_revoked = gone(before, entry, true);
    for slot in &entry.slots {
        match (before.slot(slot.slot), slot.is_pending()) {
            (None, false) => return Err(bad("a new member joins by an invitation")),
            (None, true) => invite(&mut append, slot, invitation)?,
            (Some(old), true) if !same_grant(old, slot) => {
                return Err(bad("an open invitation can't be altered; remove it and make another"));
            }
            (Some(old), false) if !same_grant(old, slot) => append.relations.extend(relation(slot)),
            (Some(_), _) => {}
        }
    }
    agents(&mut append, before, entry)?;
    if invitation.is_some() != append.invitation.is_some() {
        return Err(bad("an invitation goes with an entry that adds its pending slot, and with no other"));
    }
    Ok(append)
}

/// The entry as a row.
pub(crate) fn chain_row(verified: &VerifiedEntry) -> ChainRow {
    let entry = verified.entry();
    ChainRow {
        seq: entry.seq,
        hash: verified.hash().0,
        prev: entry.prev.map(|hash| hash.0),
        epoch: entry.epoch,
        entry: rows::signed(verified.signed()),
    }
}

fn bad(why: &'static str) -> Fault {
    Fault::bad_request(format!("entry: {why}"))
}

fn gone(before: &Entry, next: &Entry, pending: bool) -> Vec<SlotId> {
    let left =
        before.slots.iter().filter(|slot| slot.is_pending() == pending && next.slot(slot.slot).is_none());
    left.map(|slot| slot.slot).collect()
}

/// Whether two states of a slot give the same rights; keys are the seal's affair.
fn same_grant(one: &Slot, other: &Slot) -> bool {
    let of = |slot: &Slot| (slot.account, rights(slot), cameras(slot), slot.from, slot.until);
    of(one) == of(other)
}

fn rights(slot: &Slot) -> Rights {
    slot.rights.iter().map(|right| rows::right(*right)).collect()
}

fn cameras(slot: &Slot) -> Option<BTreeSet<keepsight_ids::CameraId>> {
    slot.cameras.as_ref().map(|some| some.iter().copied().collect())
}

fn relation(slot: &Slot) -> Option<RelationRow> {
    Some(RelationRow {
        account: slot.account?,
        slot: slot.slot,
        rights: rights(slot),
        cameras: cameras(slot),
        from: slot.from,
        until: slot.until,
    })
}

fn invite(append: &mut AppendChain, slot: &Slot, invitation: Option<&NewInvitation>) -> Outcome<()> {
    let Some(given) = invitation.filter(|given| given.slot == slot.slot) else {
        return Err(bad("a pending slot needs its invitation, one in each entry"));
    };
    append.invitation = Some(InvitationRow {
        slot: slot.slot,
        token: TokenHash::from_bytes(given.token_hash.0),
        rights: rights(slot),
        cameras: cameras(slot),
        from: slot.from,
        until: slot.until,
        sealed: sealed_secret(&given.sealed)?,
        life_ms: INVITATION_LIFE_MS,
    });
    Ok(())
}

/// An epoch's secret under HPKE: 32 bytes and a tag.
pub(crate) fn sealed_secret(sealed: &keepsight_wire::Sealed) -> Outcome<SealedRow> {
    if sealed.ct.0.len() != 48 {
        return Err(Fault::bad_request("sealed: ct: a sealed epoch secret has 48 bytes"));
    }
    Ok(rows::sealed(sealed))
}

fn agents(append: &mut AppendChain, before: &Entry, next: &Entry) -> Outcome<()> {
    for place in &next.agents {
        match before.agent(place.agent) {
            None => append.agents_added.push(AgentRow { agent: place.agent, key: place.sign.0.0 }),
            Some(old) if old != place => return Err(bad("an agent's key can't change; pair it anew")),
            Some(_) => {}
        }
    }
    let gone = before.agents.iter().filter(|place| next.agent(place.agent).is_none());
    append.agents_removed = gone.map(|place| place.agent).collect();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use keepsight_ids::{AccountId, AgentId, B32, B64, HomeId, UnixMillis};
    use keepsight_seal::{AccountKeys, Draft, EpochSecret, Invitation, SignSecret, found_home};
    use keepsight_wire::Sealed;
    use keepsight_wire::people::Right;
    use keepsight_world::World;

    const NOW: UnixMillis = UnixMillis(1_795_000_000_000);

    struct Elm {
        world: World,
        keys: AccountKeys,
        slot: SlotId,
        genesis: B32,
        head: VerifiedEntry,
        secret: EpochSecret,
    }

    fn elm() -> Elm {
        let world = World::real();
        let mut rng = world.rng();
        let keys = AccountKeys::random(&mut rng);
        let (home, slot) = (HomeId::from_bytes([1; 16]), SlotId::from_bytes([2; 16]));
        let founded = found_home(home, slot, AccountId::from_bytes([3; 16]), &keys, NOW, &mut rng).unwrap();
        let head = founded.chain.head().clone();
        Elm { world, keys, slot, genesis: head.hash(), head, secret: founded.secret }
    }

    impl Elm {
        fn invitation(&self, n: u8) -> (Invitation, NewInvitation) {
            let home = self.head.entry().home;
            let slot = SlotId::from_bytes([n; 16]);
            let invitation = Invitation::random(home, slot, self.genesis, &mut self.world.rng());
            let sealed = Sealed { enc: B32([0; 32]), ct: B64(vec![0; 48]) };
            let new = NewInvitation { slot: invitation.slot, token_hash: invitation.token_hash(), sealed };
            (invitation, new)
        }

        fn invited(&mut self, n: u8, rights: &[Right]) -> (Invitation, NewInvitation, AppendChain) {
            let (invitation, new) = self.invitation(n);
            let next = Draft::after(&self.head, self.slot)
                .add(Slot::pending(&invitation, rights, NOW))
                .sign(&self.keys.sign)
                .unwrap();
            let append = diff(self.head.entry(), &next, Some(&new)).unwrap();
            self.head = next;
            (invitation, new, append)
        }

        fn accepted(&mut self, invitation: &Invitation, account: AccountId) {
            let keys = AccountKeys::random(&mut self.world.rng());
            let mut draft = Draft::after(&self.head, invitation.slot);
            self.head = draft.accept(account, &keys).sign(&invitation.sign()).unwrap();
        }
    }

    #[test]
    fn an_invitation_gives_what_its_slot_says() {
        let mut elm = elm();
        let (invitation, new, append) = elm.invited(9, &Slot::member_rights());
        let row = append.invitation.unwrap();
        assert_eq!((row.slot, row.rights), (invitation.slot, Rights::MEMBER));
        assert_eq!(row.token.as_bytes(), &new.token_hash.0);
        assert!(append.relations.is_empty() && append.ended.is_empty());
    }

    #[test]
    fn removing_a_member_ends_the_relation_and_removing_an_invitation_revokes_it() {
        let mut elm = elm();
        let (first, ..) = elm.invited(9, &Slot::member_rights());
        elm.accepted(&first, AccountId::from_bytes([7; 16]));
        let (second, ..) = elm.invited(10, &Slot::member_rights());
        let mut draft = Draft::after(&elm.head, elm.slot);
        draft.remove(first.slot).remove(second.slot);
        draft.rotate(&elm.secret, &mut elm.world.rng()).unwrap();
        let next = draft.sign(&elm.keys.sign).unwrap();
        let append = diff(elm.head.entry(), &next, None).unwrap();
        assert_eq!(append.ended, [first.slot]);
        assert_eq!(append.invitations_revoked, [second.slot]);
    }

    #[test]
    fn changing_a_members_rights_writes_their_relation_anew() {
        let mut elm = elm();
        let (invitation, ..) = elm.invited(9, &Slot::member_rights());
        elm.accepted(&invitation, AccountId::from_bytes([7; 16]));
        let mut draft = Draft::after(&elm.head, elm.slot);
        let slot = draft.entry().slots.iter_mut().find(|slot| slot.slot == invitation.slot).unwrap();
        slot.rights = Slot::owner_rights().to_vec();
        let next = draft.sign(&elm.keys.sign).unwrap();
        let append = diff(elm.head.entry(), &next, None).unwrap();
        assert_eq!(append.relations.len(), 1);
        assert_eq!(append.relations[0].rights, Rights::OWNER);
        assert_eq!(append.relations[0].account, AccountId::from_bytes([7; 16]));
    }

    #[test]
    fn nobody_is_made_a_member_without_an_invitation() {
        let elm = elm();
        let mut slot = elm.head.entry().slots[0].clone();
        (slot.slot, slot.account) = (SlotId::from_bytes([8; 16]), Some(AccountId::from_bytes([8; 16])));
        let next = Draft::after(&elm.head, elm.slot).add(slot).sign(&elm.keys.sign).unwrap();
        assert!(diff(elm.head.entry(), &next, None).is_err());
    }

    #[test]
    fn a_pending_slot_and_its_invitation_come_together_or_not_at_all() {
        let elm = elm();
        let (invitation, new) = elm.invitation(9);
        let (_, other) = elm.invitation(10);
        let pending = Slot::pending(&invitation, &Slot::member_rights(), NOW);
        let next = Draft::after(&elm.head, elm.slot).add(pending).sign(&elm.keys.sign).unwrap();
        assert!(diff(elm.head.entry(), &next, None).is_err());
        assert!(diff(elm.head.entry(), &next, Some(&other)).is_err());
        let none = Draft::after(&elm.head, elm.slot).sign(&elm.keys.sign).unwrap();
        assert!(diff(elm.head.entry(), &none, Some(&new)).is_err());
    }

    #[test]
    fn agents_come_and_go_and_keep_their_keys() {
        let mut elm = elm();
        let agent = AgentId::from_bytes([5; 16]);
        let key = SignSecret::random(&mut elm.world.rng()).public();
        let next = Draft::after(&elm.head, elm.slot).add_agent(agent, key).sign(&elm.keys.sign).unwrap();
        let append = diff(elm.head.entry(), &next, None).unwrap();
        assert_eq!(append.agents_added, [AgentRow { agent, key: key.0.0 }]);
        elm.head = next;
        let other = SignSecret::random(&mut elm.world.rng()).public();
        let swapped = Draft::after(&elm.head, elm.slot).add_agent(agent, other).sign(&elm.keys.sign).unwrap();
        assert!(diff(elm.head.entry(), &swapped, None).is_err());
        let gone = Draft::after(&elm.head, elm.slot).remove_agent(agent).sign(&elm.keys.sign).unwrap();
        assert_eq!(diff(elm.head.entry(), &gone, None).unwrap().agents_removed, [agent]);
    }
}
