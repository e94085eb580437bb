//! Making entries: the founder's first one, and the next one by whoever may.
//!
//! A draft is checked by the same rules as a stranger's entry before it is signed away: what [`Draft::sign`] returns is valid.

use keepsight_ids::{AccountId, AgentId, EpochNo, HomeId, SlotId, UnixMillis};
use keepsight_wire::EpochPackage;
use keepsight_wire::people::Right;
use rand_core::CryptoRng;

use super::entry::{AgentPlace, Entry, Slot};
use super::rules::VerifiedEntry;
use super::view::Chain;
use crate::epoch::seal_package;
use crate::json::V1;
use crate::signed::{Label, sign};
use crate::{AccountKeys, EpochSecret, Invitation, SealError, SignPublic, SignSecret};

/// A new home: what its founder keeps and sends.
#[derive(Debug)]
pub struct Founded {
    /// The chain, one entry long.
    pub chain: Chain,
    /// The first epoch's package.
    pub epoch: EpochPackage,
    /// The first epoch's secret.
    pub secret: EpochSecret,
}

/// Makes a home whose only member is its founder, an owner with all rights from `now` on.
///
/// # Errors
/// [`SealError::BadKey`], which only a faulty random generator brings about.
pub fn found_home(
    home: HomeId,
    slot: SlotId,
    account: AccountId,
    keys: &AccountKeys,
    now: UnixMillis,
    rng: &mut impl CryptoRng,
) -> Result<Founded, SealError> {
    let secret = EpochSecret::random(rng);
    let owner = Slot {
        slot,
        account: Some(account),
        rights: OWNER.to_vec(),
        cameras: None,
        from: now,
        until: None,
        kem: keys.kem.public(),
        sign: keys.sign.public(),
    };
    let entry = Entry {
        v: V1,
        home,
        seq: 0,
        prev: None,
        epoch: EpochNo(1),
        epoch_key: secret.public(),
        by: slot,
        slots: vec![owner],
        agents: Vec::new(),
    };
    let epoch = seal_package(&entry, &secret, None, rng)?;
    let genesis = VerifiedEntry::genesis(home, &sign(Label::ChainEntry, &entry, &keys.sign))?;
    Ok(Founded { chain: Chain::begin(genesis)?, epoch, secret })
}

const OWNER: [Right; 5] = [Right::Live, Right::Review, Right::Download, Right::Manage, Right::Delete];

impl Slot {
    /// What an owner may do: everything.
    pub const fn owner_rights() -> [Right; 5] {
        OWNER
    }

    /// What a member may do: watch live, review and download.
    pub const fn member_rights() -> [Right; 3] {
        [Right::Live, Right::Review, Right::Download]
    }

    /// The pending slot of an invitation.
    pub fn pending(invitation: &Invitation, rights: &[Right], now: UnixMillis) -> Self {
        Self {
            slot: invitation.slot,
            account: None,
            rights: rights.to_vec(),
            cameras: None,
            from: now,
            until: None,
            kem: invitation.kem().public(),
            sign: invitation.sign().public(),
        }
    }
}

/// The next entry while it is being written: a copy of the one before, by one of its slots.
#[derive(Debug, Clone)]
pub struct Draft<'a> {
    before: &'a VerifiedEntry,
    entry: Entry,
}

impl<'a> Draft<'a> {
    /// The entry after `before`, by the slot `by` of it.
    pub fn after(before: &'a VerifiedEntry, by: SlotId) -> Self {
        let mut entry = before.entry().clone();
        (entry.seq, entry.prev, entry.by) = (entry.seq + 1, Some(before.hash()), by);
        Self { before, entry }
    }

    /// The entry as it stands now, to change what has no method here.
    pub fn entry(&mut self) -> &mut Entry {
        &mut self.entry
    }

    /// Adds a slot, such as [`Slot::pending`].
    pub fn add(&mut self, slot: Slot) -> &mut Self {
        self.entry.slots.push(slot);
        self
    }

    /// Adds an agent, or gives the one that is there a new key.
    pub fn add_agent(&mut self, agent: AgentId, sign: SignPublic) -> &mut Self {
        self.remove_agent(agent);
        self.entry.agents.push(AgentPlace { agent, sign });
        self
    }

    /// Takes an agent out.
    pub fn remove_agent(&mut self, agent: AgentId) -> &mut Self {
        self.entry.agents.retain(|place| place.agent != agent);
        self
    }

    /// Takes a member or an invitation out. A new epoch has to begin with it ([`Draft::rotate`]).
    pub fn remove(&mut self, slot: SlotId) -> &mut Self {
        self.entry.slots.retain(|s| s.slot != slot);
        self
    }

    /// Begins the next epoch with a new secret, sealed to the slots as they stand in the draft now.
    ///
    /// # Errors
    /// [`SealError::EpochMismatch`] when `previous` isn't the secret of the epoch that ends; [`SealError::BadKey`] for a member
    /// with an unusable key.
    pub fn rotate(
        &mut self,
        previous: &EpochSecret,
        rng: &mut impl CryptoRng,
    ) -> Result<(EpochSecret, EpochPackage), SealError> {
        let ended = self.before.entry();
        if previous.public() != ended.epoch_key {
            return Err(SealError::EpochMismatch { epoch: ended.epoch });
        }
        let secret = EpochSecret::random(rng);
        (self.entry.epoch, self.entry.epoch_key) = (ended.epoch.next(), secret.public());
        let package = seal_package(&self.entry, &secret, Some(previous), rng)?;
        Ok((secret, package))
    }

    /// Puts an account and its keys into the author's own pending slot: accepts the invitation.
    pub fn accept(&mut self, account: AccountId, keys: &AccountKeys) -> &mut Self {
        self.own(|slot| slot.account = Some(account));
        self.replace_own_keys(keys)
    }

    /// Puts other keys into the author's own slot. The old ones sign the entry.
    pub fn replace_own_keys(&mut self, keys: &AccountKeys) -> &mut Self {
        self.own(|slot| (slot.kem, slot.sign) = (keys.kem.public(), keys.sign.public()));
        self
    }

    /// Signs it with the author's key as it stands in the entry before.
    ///
    /// # Errors
    /// The chain's refusal, when the author may not do this.
    pub fn sign(&self, key: &SignSecret) -> Result<VerifiedEntry, SealError> {
        self.entry.check_shape()?;
        self.before.follow(&sign(Label::ChainEntry, &self.entry, key))
    }

    fn own(&mut self, change: impl FnOnce(&mut Slot)) {
        let by = self.entry.by;
        if let Some(slot) = self.entry.slots.iter_mut().find(|slot| slot.slot == by) {
            change(slot);
        }
    }
}
