//! What decisions rest on, as aggregates: each is loaded, kept and dropped as a whole.
//!
//! A session says who speaks; an account says to which homes it belongs (looked at first, so that a stranger's question loads
//! nothing of a home); a home says its cameras, agents and lockdown; the service says what holds for everybody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keepsight_ids::{AccountId, AgentId, CameraId, HomeId, OrgId, Revision, SessionId, SlotId, UnixMillis};

use crate::{Rights, TokenHash};

/// Names an aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// What holds for everybody.
    Service,
    /// A person's account.
    Account(AccountId),
    /// A home.
    Home(HomeId),
    /// A session of a person or an agent, or an invitation: whatever a token's hash names.
    Session(TokenHash),
}

/// An aggregate, as of one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loaded {
    /// Of [`Key::Service`].
    Service(Arc<ServiceFacts>),
    /// Of [`Key::Account`].
    Account(Arc<AccountFacts>),
    /// Of [`Key::Home`].
    Home(Arc<HomeFacts>),
    /// Of [`Key::Session`].
    Session(Arc<SessionFacts>),
}

/// Whether an account, home or agent is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// In use.
    Active,
    /// Stopped by the operator: may only look at itself and end its sign-ins.
    Suspended,
    /// Going away: may look and leave, nothing new begins.
    Closing,
}

/// What holds for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceFacts {
    /// Viewing is stopped everywhere.
    pub lockdown: bool,
    /// Sessions made before this revision have ended: one row ends everybody's.
    pub sessions_since: Revision,
}

/// What a token's hash stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFacts {
    /// Whose it is.
    pub subject: Subject,
    /// Its public name; an invitation has none.
    pub session: Option<SessionId>,
    /// What the browser called itself; empty for agents and invitations.
    pub device: String,
    /// The head when it was made.
    pub since: Revision,
    /// It lapses then, by the truth's time.
    pub expires: UnixMillis,
    /// Ended, used up or revoked.
    pub ended: bool,
}

/// Whose a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A person's sign-in.
    Person(AccountId),
    /// An agent's session.
    Agent {
        /// The home it writes to.
        home: HomeId,
        /// Which.
        agent: AgentId,
    },
    /// An invitation.
    Invitation {
        /// Into which home.
        home: HomeId,
        /// For which pending slot.
        slot: SlotId,
    },
}

/// A person's account and its relations to homes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountFacts {
    /// Which.
    pub account: AccountId,
    /// Whether it is in use.
    pub state: State,
    /// The last revision that touched it.
    pub touched: Revision,
    /// Its relations that have not been ended. Windows are decided, not filtered.
    pub relations: Vec<Relation>,
}

/// One row of rights. Several rows for one home add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// The home.
    pub home: HomeId,
    /// The account's place in the home's chain.
    pub slot: SlotId,
    /// What it may do.
    pub rights: Rights,
    /// With which cameras; `None` is all, present and future.
    pub cameras: Option<BTreeSet<CameraId>>,
    /// In force from then on.
    pub from: UnixMillis,
    /// Until just before then.
    pub until: Option<UnixMillis>,
    /// The revision that made it.
    pub since: Revision,
}

impl Relation {
    /// Whether it is in force at that time.
    pub fn in_force(&self, now: UnixMillis) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }

    /// Whether it covers that camera.
    pub fn covers(&self, camera: CameraId) -> bool {
        self.cameras.as_ref().is_none_or(|some| some.contains(&camera))
    }
}

/// A home, without its people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeFacts {
    /// Which.
    pub home: HomeId,
    /// Who runs it. Their staff is never turned into viewers.
    pub org: OrgId,
    /// Whether it is in use.
    pub state: State,
    /// Viewing is stopped.
    pub lockdown: bool,
    /// The chain's highest entry.
    pub chain_seq: u64,
    /// The last revision that touched it.
    pub touched: Revision,
    /// Its cameras.
    pub cameras: BTreeMap<CameraId, CameraFacts>,
    /// Its agents.
    pub agents: BTreeMap<AgentId, AgentFacts>,
}

/// A camera of a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CameraFacts {
    /// The agent that watches it.
    pub agent: AgentId,
    /// Switched on by its people.
    pub on: bool,
    /// Viewing is stopped.
    pub lockdown: bool,
    /// Taken out of the home: nothing more is taken from it, and its Events stay for those who may see them.
    pub removed: bool,
}

/// An agent of a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentFacts {
    /// Whether it is in use.
    pub state: State,
}
