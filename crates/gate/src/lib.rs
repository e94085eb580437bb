//! Who may do what, decided against the truth as of after the request arrived.
//!
//! [`Gate::check`] is the only maker of a [`Permit`]; [`Gate::change`] is the only way to write what decisions rest on. The crate
//! knows identities and time, nothing of SQL, keys or HTTP: the [`Truth`] it reads and writes is a trait. The invariant: if a
//! change committed before a check arrived, the check is decided with it; when the truth can't be reached, the answer is no.

mod action;
mod change;
mod credential;
mod decide;
mod facts;
mod fence;
mod gate;
pub mod memory;
mod permit;
mod replica;
pub mod sabotage;
mod truth;

pub use action::{Action, PrincipalKind, Right, Rights, Scope};
pub use change::{
    AgentRow, AppendChain, ChainRow, Change, EpochRow, HandOverRow, InvitationRow, NameRow, NewAccount,
    NewSession, OperatorDeed, PasswordRow, RecoveryRow, Refusal, RelationRow, ReplaceKeys, SealedRow,
    SealedSlotRow, SignUpTicket, SignedRow,
};
pub use credential::{Ask, Credential, Denied, TokenHash};
pub use decide::{Grant, Look, RefusedMember, Verdict, View, decide};
pub use facts::{
    AccountFacts, AgentFacts, CameraFacts, HomeFacts, Key, Loaded, Relation, ServiceFacts, SessionFacts,
    State, Subject,
};
pub use gate::{ChangeError, Changed, Gate, Refused};
pub use permit::{CameraScope, PERMIT_LIFE, Permit, Principal, StalePermit};
pub use sabotage::SABOTAGE;
pub use truth::{
    Author, Committed, Deed, FenceQuery, FenceReply, LOG_ROWS_MAX, Lane, LogRow, Tag, Truth, TruthError,
    Write, WriteError,
};
