//! A home's chain as somebody verified it, and what they remember of it.
//!
//! The server stores the chain and could show an older or another one. Whoever has seen it once keeps a [`Pin`] (its first
//! entry and the highest one) and believes nothing that contradicts it.

use keepsight_ids::{AgentId, B32, EpochNo, HomeId};
use keepsight_wire::Signed;
use serde::{Deserialize, Serialize};

use super::entry::{AgentPlace, Entry, Slot};
use super::rules::VerifiedEntry;
use crate::{KemPublic, Offer, SealError, SignPublic};

/// The most entries that one place may add while it is not an owner's: each replaces its own keys. After that an owner invites anew.
pub const MAX_OWN_ENTRIES: usize = 32;
/// The most bytes that a server takes of one chain. The second half is for owners: nobody else can use up their room.
pub const MAX_CHAIN_BYTES: usize = 16 << 20;

/// What a client or an agent remembers of a home's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Whose.
    pub home: HomeId,
    /// SHA-256 of its first entry.
    pub genesis: B32,
    /// The highest entry seen.
    pub seq: u64,
    /// SHA-256 of that entry.
    pub hash: B32,
}

impl Pin {
    /// What is known when only the beginning is: from pairing.
    pub const fn at_genesis(home: HomeId, genesis: B32) -> Self {
        Self { home, genesis, seq: 0, hash: genesis }
    }
}

/// A chain from its first entry on, each entry verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    entries: Vec<VerifiedEntry>,
}

impl Chain {
    /// Verifies all entries of `home`, lowest first, against what is remembered of it.
    ///
    /// Without a pin the beginning is believed as it stands: only for the server's own use and for the home's founder. An invitee
    /// knows the beginning from the link ([`crate::Invitation::verify`]).
    ///
    /// # Errors
    /// One of the chain's refusals, [`SealError::OtherGenesis`], [`SealError::Rollback`] or [`SealError::Fork`].
    pub fn verify(home: HomeId, entries: &[Signed], pin: Option<&Pin>) -> Result<Self, SealError> {
        let (first, rest) = entries.split_first().ok_or(SealError::ChainEmpty)?;
        if let Some(pin) = pin {
            if pin.home != home {
                return Err(SealError::ForeignHome { expected: home, found: pin.home });
            }
            if crate::sha256(&first.body.0) != pin.genesis {
                return Err(foreign_or(home, first, SealError::OtherGenesis));
            }
        }
        let mut chain = Self { entries: vec![VerifiedEntry::genesis(home, first)?] };
        chain.entries.reserve(rest.len());
        for signed in rest {
            let next = chain.head().follow(signed)?;
            check_fork(pin, &next)?;
            chain.entries.push(next);
        }
        chain.check_not_older(pin)?;
        Ok(chain)
    }

    /// The chain that begins with this entry.
    pub fn begin(genesis: VerifiedEntry) -> Result<Self, SealError> {
        if genesis.entry().seq != 0 {
            return Err(SealError::BadGenesis("it says that something came before"));
        }
        Ok(Self { entries: vec![genesis] })
    }

    /// Verifies and adds later entries. Entries that are known already must be the same. Nothing is added when one is refused.
    ///
    /// # Errors
    /// One of the chain's refusals or [`SealError::Fork`].
    pub fn extend(&mut self, entries: &[Signed]) -> Result<(), SealError> {
        let known = self.entries.len();
        let outcome = entries.iter().try_for_each(|signed| self.push(signed));
        if outcome.is_err() {
            self.entries.truncate(known);
        }
        outcome
    }

    fn push(&mut self, signed: &Signed) -> Result<(), SealError> {
        let entry = Entry::parse(&signed.body.0)?;
        if let Some(known) = usize::try_from(entry.seq).ok().and_then(|seq| self.entries.get(seq)) {
            return if known.signed().body == signed.body {
                Ok(())
            } else {
                Err(foreign_or(self.home(), signed, SealError::Fork { seq: entry.seq }))
            };
        }
        let next = self.head().follow(signed)?;
        self.entries.push(next);
        Ok(())
    }

    /// The entry that continues this chain, if it is valid and there is room for it: for a server, before it stores one. Room is
    /// the server's affair and no rule of the chain: who reads a longer one believes it.
    ///
    /// # Errors
    /// As [`VerifiedEntry::follow`]; [`SealError::TooMany`] and [`SealError::TooLarge`] when there is no room.
    pub fn accept(&self, signed: &Signed) -> Result<VerifiedEntry, SealError> {
        let next = self.head().follow(signed)?;
        let by = next.entry().by;
        let is_owner = |entry: &VerifiedEntry| entry.entry().slot(by).is_some_and(Slot::is_owner);
        let owner = is_owner(self.head());
        let own = |pair: &&[VerifiedEntry]| pair[1].entry().by == by && !is_owner(&pair[0]);
        if !owner && self.entries.windows(2).filter(own).count() >= MAX_OWN_ENTRIES {
            let what = "changes of keys by one member who is not an owner; an owner can remove them and invite them again";
            return Err(SealError::TooMany { what, limit: MAX_OWN_ENTRIES });
        }
        let limit = if owner { MAX_CHAIN_BYTES } else { MAX_CHAIN_BYTES / 2 };
        let bytes: usize = self.entries.iter().map(|entry| entry.signed().body.0.len()).sum();
        if bytes + signed.body.0.len() > limit {
            return Err(SealError::TooLarge { what: "home's whole list of changes", limit });
        }
        Ok(next)
    }

    /// Whose it is.
    pub fn home(&self) -> HomeId {
        self.entries[0].entry().home
    }

    /// The highest entry.
    pub fn head(&self) -> &VerifiedEntry {
        self.entries.last().expect("a chain begins with its genesis")
    }

    /// All entries, lowest first.
    pub fn entries(&self) -> &[VerifiedEntry] {
        &self.entries
    }

    /// What to remember from now on.
    pub fn pin(&self) -> Pin {
        let head = self.head();
        Pin { home: self.home(), genesis: self.entries[0].hash(), seq: head.entry().seq, hash: head.hash() }
    }

    /// An epoch's public key, if this home ever had that epoch.
    pub fn epoch_key(&self, epoch: EpochNo) -> Option<KemPublic> {
        self.of_epoch(epoch).next().map(|entry| entry.epoch_key)
    }

    /// Every key that this agent had while the epoch lasted.
    ///
    /// An agent that was removed later made valid Events earlier, and one that was away seals to an older epoch for a while: so an
    /// Event is believed if *any* entry of its epoch lists its agent, not only the highest entry.
    pub(crate) fn agents_of(&self, epoch: EpochNo, agent: AgentId) -> impl Iterator<Item = &AgentPlace> {
        self.of_epoch(epoch).filter_map(move |entry| entry.agent(agent))
    }

    pub(crate) fn of_epoch(&self, epoch: EpochNo) -> impl Iterator<Item = &Entry> {
        self.entries.iter().map(VerifiedEntry::entry).filter(move |entry| entry.epoch == epoch)
    }

    /// That the one who offered the pairing is an owner of this home, by any entry: for an agent that has just fetched the chain.
    ///
    /// # Errors
    /// [`SealError::OfferNotByOwner`].
    pub fn confirms(&self, offer: &Offer) -> Result<(), SealError> {
        let owns = |sign: SignPublic, entry: &Entry| {
            entry.slot(offer.slot).is_some_and(|slot| slot.is_owner() && slot.sign == sign)
        };
        let found = self.entries.iter().any(|verified| owns(offer.sign, verified.entry()));
        if found { Ok(()) } else { Err(SealError::OfferNotByOwner) }
    }

    fn check_not_older(&self, pin: Option<&Pin>) -> Result<(), SealError> {
        let found = self.head().entry().seq;
        match pin {
            Some(pin) if found < pin.seq => Err(SealError::Rollback { pinned: pin.seq, found }),
            _ => Ok(()),
        }
    }
}

fn check_fork(pin: Option<&Pin>, next: &VerifiedEntry) -> Result<(), SealError> {
    let seq = next.entry().seq;
    match pin {
        Some(pin) if pin.seq == seq && pin.hash != next.hash() => Err(SealError::Fork { seq }),
        _ => Ok(()),
    }
}

/// The more telling reason when the bytes are plainly another home's.
fn foreign_or(expected: HomeId, signed: &Signed, otherwise: SealError) -> SealError {
    match Entry::parse(&signed.body.0) {
        Ok(entry) if entry.home != expected => SealError::ForeignHome { expected, found: entry.home },
        _ => otherwise,
    }
}
