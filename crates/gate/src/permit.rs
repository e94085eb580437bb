//! A decision in the caller's favour, as a value that carries what it is about.
//!
//! Only the gate makes one. It can't be cloned or kept: it is moved into what it allows, and refused when older than
//! [`PERMIT_LIFE`]. Store functions take no other ids than those in it.

use std::collections::BTreeSet;
use std::time::Duration;

use keepsight_ids::{AccountId, AgentId, CameraId, HomeId, Revision, SessionId, SlotId, UnixMillis};
use keepsight_world::{Instant, World};

use crate::decide::Grant;
use crate::{Action, Ask, Credential, Right, Rights, Tag};

/// How long a Permit is good for, measured on the monotonic timer from when its fence was sent.
pub const PERMIT_LIFE: Duration = Duration::from_secs(5);

/// Who was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Principal {
    /// Whoever reaches the server, for what everybody may do.
    Anyone,
    /// A person, signed in.
    Person(AccountId),
    /// An agent.
    Agent(AgentId),
    /// The holder of an invitation, for the pending slot.
    Invitee(SlotId),
}

/// Which cameras of the home a Permit covers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CameraScope {
    /// All of them, present, future and past.
    All,
    /// These.
    Some(BTreeSet<CameraId>),
}

impl CameraScope {
    /// Whether it covers that camera.
    pub fn covers(&self, camera: CameraId) -> bool {
        match self {
            Self::All => true,
            Self::Some(some) => some.contains(&camera),
        }
    }
}

/// A Permit was kept for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the permit is older than five seconds: check again")]
pub struct StalePermit;

/// The gate's yes: who, what, where, as of which revision. Not `Clone`, and only the gate makes one.
#[derive(Debug)]
#[must_use]
pub struct Permit {
    grant: Grant,
    credential: Credential,
    ask: Ask,
    revision: Revision,
    tag: Tag,
    truth_time: UnixMillis,
    sent: Instant,
}

impl Permit {
    pub(crate) const fn new(
        grant: Grant,
        (credential, ask): (Credential, Ask),
        (revision, tag, truth_time): (Revision, Tag, UnixMillis),
        sent: Instant,
    ) -> Self {
        Self { grant, credential, ask, revision, tag, truth_time, sent }
    }

    /// What is allowed.
    pub const fn action(&self) -> Action {
        self.ask.action
    }

    /// To whom.
    pub const fn principal(&self) -> Principal {
        self.grant.principal
    }

    /// The account, when it is a person's.
    pub const fn account(&self) -> Option<AccountId> {
        match self.grant.principal {
            Principal::Person(account) => Some(account),
            _ => None,
        }
    }

    /// The agent, when it is an agent's.
    pub const fn agent(&self) -> Option<AgentId> {
        match self.grant.principal {
            Principal::Agent(agent) => Some(agent),
            _ => None,
        }
    }

    /// The session that it was asked with.
    pub const fn session(&self) -> Option<SessionId> {
        self.grant.session
    }

    /// What the session's browser called itself; empty when there is none.
    pub fn device(&self) -> &str {
        &self.grant.device
    }

    /// The home that it is about. For agents and invitees it comes from their credential alone.
    pub const fn home(&self) -> Option<HomeId> {
        self.grant.home
    }

    /// The camera that it is about: in the home, and one that the caller may know of.
    pub const fn camera(&self) -> Option<CameraId> {
        self.grant.camera
    }

    /// The cameras that it covers. Under a lockdown of some cameras, viewing covers the others.
    pub const fn cameras(&self) -> &CameraScope {
        &self.grant.cameras
    }

    /// The caller's place in the home's chain.
    pub const fn slot(&self) -> Option<SlotId> {
        self.grant.slot
    }

    /// All that the caller may do with what it is about.
    pub const fn rights(&self) -> Rights {
        self.grant.rights
    }

    /// Whether the caller is an owner of the home: has `Manage` over the whole of it.
    pub const fn is_owner(&self) -> bool {
        self.grant.rights.has(Right::Manage)
    }

    /// Viewing is stopped, everywhere or in this home. Viewing actions are refused then; others may say so.
    pub const fn lockdown(&self) -> bool {
        self.grant.lockdown
    }

    /// The highest entry of the home's chain at this revision.
    pub const fn chain_seq(&self) -> Option<u64> {
        self.grant.chain_seq
    }

    /// The revision of who-may-see-what that it was decided at.
    pub const fn revision(&self) -> Revision {
        self.revision
    }

    /// That revision's tag: in another history the same number names something else.
    pub const fn tag(&self) -> Tag {
        self.tag
    }

    /// The last revision that touched the caller's account or the home.
    pub const fn touched(&self) -> Revision {
        self.grant.touched
    }

    /// The truth's time when it was decided.
    pub const fn truth_time(&self) -> UnixMillis {
        self.truth_time
    }

    /// Refuses a Permit that was kept.
    ///
    /// # Errors
    /// [`StalePermit`] when its fence was sent longer ago than [`PERMIT_LIFE`].
    pub fn check_fresh(&self, world: &World) -> Result<(), StalePermit> {
        if world.now().duration_since(self.sent) > PERMIT_LIFE { Err(StalePermit) } else { Ok(()) }
    }

    pub(crate) const fn question(&self) -> (Credential, Ask) {
        (self.credential, self.ask)
    }
}
