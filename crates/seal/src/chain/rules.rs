//! Which entry may follow which (docs/formats/home-chain.md, "An entry is valid when").
//!
//! A [`VerifiedEntry`] exists only for an entry that passed these rules, so that nothing downstream asks again. The signature
//! is checked before what changed: an entry that no member signed is never weighed, only told apart for the message.

use keepsight_ids::{B32, EpochNo, HomeId};
use keepsight_wire::Signed;
use keepsight_wire::people::Right;

use super::entry::{AgentPlace, Entry, Slot};
use crate::SealError;
use crate::primitives::sha256;
use crate::signed::{Label, signed_by};

/// An entry that is the genesis of its home or validly follows another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedEntry {
    signed: Signed,
    entry: Entry,
    hash: B32,
}

impl VerifiedEntry {
    /// Verifies the first entry of `home`.
    ///
    /// # Errors
    /// [`SealError::ForeignHome`], [`SealError::BadGenesis`], [`SealError::BadEntrySignature`], and what [`Entry::parse`] gives.
    pub fn genesis(home: HomeId, signed: &Signed) -> Result<Self, SealError> {
        let entry = Entry::parse(&signed.body.0)?;
        check_home(home, &entry)?;
        let owner = check_genesis(&entry).map_err(SealError::BadGenesis)?;
        if !signed_by(Label::ChainEntry, signed, &owner.sign) {
            return Err(SealError::BadEntrySignature { seq: 0 });
        }
        Ok(Self::new(signed, entry))
    }

    /// Verifies the entry that follows this one.
    ///
    /// # Errors
    /// One of the chain's refusals; each rule has its own.
    pub fn follow(&self, signed: &Signed) -> Result<Self, SealError> {
        let entry = Entry::parse(&signed.body.0)?;
        check_home(self.entry.home, &entry)?;
        self.check_link(&entry)?;
        let author = self.author(signed, &entry)?;
        check_owner_left(&entry)?;
        check_author_may(author, &self.entry, &entry)?;
        check_epoch(&self.entry, &entry)?;
        Ok(Self::new(signed, entry))
    }

    /// What it says.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// SHA-256 of its bytes.
    pub fn hash(&self) -> B32 {
        self.hash
    }

    /// As it travels.
    pub fn signed(&self) -> &Signed {
        &self.signed
    }

    /// What no honest reader lets in: for tests of what stands behind the reader.
    #[cfg(test)]
    pub(crate) fn forced(&self, change: impl FnOnce(&mut Entry)) -> Self {
        let mut forced = self.clone();
        change(&mut forced.entry);
        forced
    }

    fn new(signed: &Signed, entry: Entry) -> Self {
        Self { signed: signed.clone(), hash: sha256(&signed.body.0), entry }
    }

    fn check_link(&self, next: &Entry) -> Result<(), SealError> {
        let expected = self.entry.seq + 1;
        if next.seq != expected {
            return Err(SealError::ChainGap { expected, found: next.seq });
        }
        if next.prev != Some(self.hash) {
            return Err(SealError::BrokenLink { seq: next.seq });
        }
        Ok(())
    }

    fn author(&self, signed: &Signed, next: &Entry) -> Result<&Slot, SealError> {
        let unknown = SealError::UnknownAuthor { seq: next.seq, by: next.by };
        let author = self.entry.slot(next.by).ok_or(unknown)?;
        if !signed_by(Label::ChainEntry, signed, &author.sign) {
            return Err(why_unsigned(&self.entry, next));
        }
        Ok(author)
    }
}

fn check_home(expected: HomeId, entry: &Entry) -> Result<(), SealError> {
    if entry.home != expected {
        return Err(SealError::ForeignHome { expected, found: entry.home });
    }
    Ok(())
}

fn check_genesis(entry: &Entry) -> Result<&Slot, &'static str> {
    let [owner] = entry.slots.as_slice() else { return Err("it names more or fewer than one member") };
    if entry.seq != 0 || entry.prev.is_some() {
        return Err("it says that something came before");
    }
    if entry.epoch != EpochNo(1) {
        return Err("its home key is not the first");
    }
    if !entry.agents.is_empty() {
        return Err("it names an agent");
    }
    if !owner.is_owner() || entry.by != owner.slot {
        return Err("it was not made by its owner");
    }
    Ok(owner)
}

/// A signature that doesn't fit is a refusal whatever else the entry says; what it says names what somebody tried.
fn why_unsigned(before: &Entry, next: &Entry) -> SealError {
    let altered =
        next.slots.iter().find(|slot| before.slot(slot.slot).is_some_and(|old| keys_differ(old, slot)));
    if let Some(slot) = altered {
        return SealError::SubstitutedMemberKey { slot: slot.slot };
    }
    if (next.epoch, next.epoch_key) != (before.epoch, before.epoch_key) {
        return SealError::SubstitutedEpoch { epoch: next.epoch };
    }
    if let Some(place) = next.agents.iter().find(|place| before.agent(place.agent) != Some(place)) {
        return SealError::SubstitutedAgentKey { agent: place.agent };
    }
    SealError::BadEntrySignature { seq: next.seq }
}

fn keys_differ(old: &Slot, new: &Slot) -> bool {
    (old.account, old.kem, old.sign) != (new.account, new.kem, new.sign)
}

fn check_owner_left(next: &Entry) -> Result<(), SealError> {
    if next.slots.iter().any(Slot::is_owner) { Ok(()) } else { Err(SealError::NoOwner { seq: next.seq }) }
}

fn check_author_may(author: &Slot, before: &Entry, next: &Entry) -> Result<(), SealError> {
    if author.is_owner() {
        return check_owners_entry(author, before, next);
    }
    let accepted = !author.is_pending();
    let (seq, by) = (next.seq, next.by);
    if changes_only_itself(author, before, next) {
        // Or everybody who belongs to a home could lengthen its chain without end.
        let nothing = next.slot(by) == Some(author);
        return if nothing { Err(SealError::NothingChanged { seq, by }) } else { Ok(()) };
    }
    Err(if accepted { SealError::NotAnOwner { seq, by } } else { SealError::InvitationOverreach { seq, by } })
}

fn check_owners_entry(author: &Slot, before: &Entry, next: &Entry) -> Result<(), SealError> {
    for slot in &next.slots {
        let Some(old) = before.slot(slot.slot) else { continue };
        let own = slot.slot == author.slot && slot.account == old.account;
        if keys_differ(old, slot) && !own {
            return Err(SealError::ForeignSlotReplaced { seq: next.seq, slot: slot.slot });
        }
    }
    Ok(())
}

/// Whether the entry is the one before but for the author's own keys, and for a pending author its account, which it gains.
fn changes_only_itself(author: &Slot, before: &Entry, next: &Entry) -> bool {
    let Some(own) = next.slot(author.slot) else { return false };
    if own.account.is_none() || (author.account.is_some() && own.account != author.account) {
        return false;
    }
    let mut allowed = before.clone();
    for slot in allowed.slots.iter_mut().filter(|slot| slot.slot == author.slot) {
        (slot.account, slot.kem, slot.sign) = (own.account, own.kem, own.sign);
    }
    (allowed.seq, allowed.prev, allowed.by) = (next.seq, next.prev, next.by);
    allowed == *next
}

fn check_epoch(before: &Entry, next: &Entry) -> Result<(), SealError> {
    let (seq, epoch) = (next.seq, next.epoch);
    let rotates = epoch == before.epoch.next();
    if !rotates && epoch != before.epoch {
        return Err(SealError::EpochJump { seq, epoch });
    }
    if rotates == (next.epoch_key == before.epoch_key) {
        return Err(SealError::EpochKeyMixed { seq, epoch });
    }
    if !rotates && before.slots.iter().any(|old| loses_sight(old, next)) {
        return Err(SealError::RotationMissing { seq });
    }
    Ok(())
}

fn loses_sight(old: &Slot, next: &Entry) -> bool {
    let Some(new) = next.slot(old.slot) else { return true };
    let reviews = |slot: &Slot| slot.rights.contains(&Right::Review);
    (reviews(old) && !reviews(new)) || (old.cameras.is_none() && new.cameras.is_some())
}

impl AgentPlace {
    pub(crate) fn signed(&self, label: Label, document: &Signed) -> bool {
        signed_by(label, document, &self.sign)
    }
}
