//! One entry: the full state of who belongs to a home. Parsed strictly; whether it may follow another is for `rules`.
//!
//! An entry has one form: what was parsed, written anew, is the bytes that came. So no two readers see two things in it, and
//! nobody can make one larger than what it says (docs/decisions/0011).

use keepsight_ids::{AccountId, AgentId, B32, CameraId, EpochNo, HomeId, SlotId, UnixMillis};
use keepsight_wire::people::Right;
use serde::{Deserialize, Serialize};

use crate::json::{self, V1};
use crate::{KemPublic, SealError, SignPublic};

/// The most slots, accepted and pending together.
pub const MAX_SLOTS: usize = 64;
/// The most agents.
pub const MAX_AGENTS: usize = 16;
const ENTRY_LIMIT: usize = 64 * 1024;
pub(super) const ENTRY: &str = "list of members";

/// One entry of a home's chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The format.
    pub v: V1,
    /// Whose chain.
    pub home: HomeId,
    /// Its number, from 0.
    pub seq: u64,
    /// SHA-256 of the previous entry's bytes.
    pub prev: Option<B32>,
    /// The key period that new Events are sealed to.
    pub epoch: EpochNo,
    /// Its public key.
    pub epoch_key: KemPublic,
    /// The slot that made this entry.
    pub by: SlotId,
    /// Who belongs to the home.
    pub slots: Vec<Slot>,
    /// The boxes that may record for it.
    pub agents: Vec<AgentPlace>,
}

/// A place in a home: a person, or an open invitation while `account` is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Which.
    pub slot: SlotId,
    /// Whose; absent while the invitation is open.
    pub account: Option<AccountId>,
    /// What they may do; none twice.
    pub rights: Vec<Right>,
    /// The cameras that they may see; absent means the whole home.
    pub cameras: Option<Vec<CameraId>>,
    /// From when.
    pub from: UnixMillis,
    /// Until when, if there is an end.
    pub until: Option<UnixMillis>,
    /// Things are sealed to this key.
    pub kem: KemPublic,
    /// And signed by this one.
    pub sign: SignPublic,
}

/// An agent of a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentPlace {
    /// Which.
    pub agent: AgentId,
    /// Its Events are signed by this key.
    pub sign: SignPublic,
}

impl Slot {
    /// Accepted and allowed to manage.
    pub fn is_owner(&self) -> bool {
        self.account.is_some() && self.rights.contains(&Right::Manage)
    }

    /// An invitation that nobody has accepted yet.
    pub fn is_pending(&self) -> bool {
        self.account.is_none()
    }

    /// Whether each epoch's secret is sealed to this slot: it may review, and the whole home.
    pub fn holds_epochs(&self) -> bool {
        self.rights.contains(&Right::Review) && self.cameras.is_none()
    }

    /// Whether this camera's Events are sealed to the slot itself: a guest who may review, now in force.
    pub fn is_guest_of(&self, camera: CameraId, now: UnixMillis) -> bool {
        let in_force = self.from <= now && self.until.is_none_or(|until| now < until);
        let sees = self.cameras.as_ref().is_some_and(|cameras| cameras.contains(&camera));
        self.account.is_some() && in_force && sees && self.rights.contains(&Right::Review)
    }
}

impl Entry {
    /// Reads an entry's bytes; the signature and what came before are not looked at.
    ///
    /// # Errors
    /// [`SealError::TooLarge`], [`SealError::Malformed`], [`SealError::TooMany`] and the `Repeated..` ones.
    pub fn parse(bytes: &[u8]) -> Result<Self, SealError> {
        let entry: Self = json::parse(ENTRY, ENTRY_LIMIT, bytes)?;
        if json::write(&entry) != bytes {
            return Err(SealError::malformed(
                ENTRY,
                "it is not written as entries are: in their order, without spaces",
            ));
        }
        entry.check_shape()?;
        Ok(entry)
    }

    /// The slot with this identity.
    pub fn slot(&self, slot: SlotId) -> Option<&Slot> {
        self.slots.iter().find(|s| s.slot == slot)
    }

    /// The slot of this account.
    pub fn slot_of(&self, account: AccountId) -> Option<&Slot> {
        self.slots.iter().find(|s| s.account == Some(account))
    }

    /// The agent with this identity.
    pub fn agent(&self, agent: AgentId) -> Option<&AgentPlace> {
        self.agents.iter().find(|a| a.agent == agent)
    }

    /// The rules that need no other entry: nothing twice, not too much of anything, and no time that a browser can't read.
    pub(super) fn check_shape(&self) -> Result<(), SealError> {
        if self.slots.len() > MAX_SLOTS {
            return Err(SealError::TooMany { what: "members and invitations", limit: MAX_SLOTS });
        }
        if self.agents.len() > MAX_AGENTS {
            return Err(SealError::TooMany { what: "agents", limit: MAX_AGENTS });
        }
        if let Some(slot) = repeated(self.slots.iter().map(|s| s.slot)) {
            return Err(SealError::RepeatedSlot(slot));
        }
        if let Some(account) = repeated(self.slots.iter().filter_map(|s| s.account)) {
            return Err(SealError::RepeatedAccount(account));
        }
        if let Some(agent) = repeated(self.agents.iter().map(|a| a.agent)) {
            return Err(SealError::RepeatedAgent(agent));
        }
        for slot in &self.slots {
            let cameras = slot.cameras.iter().flatten().copied();
            if repeated(slot.rights.iter().copied()).is_some() || repeated(cameras).is_some() {
                return Err(SealError::malformed(ENTRY, "a right or a camera stands twice in one slot"));
            }
            if slot.from.0 < 0 || slot.until.is_some_and(|until| until.0 < 0) {
                return Err(SealError::malformed(ENTRY, "a time before 1970"));
            }
        }
        Ok(())
    }
}

fn repeated<T: Ord + Copy>(items: impl Iterator<Item = T>) -> Option<T> {
    let mut sorted: Vec<T> = items.collect();
    sorted.sort_unstable();
    sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}
