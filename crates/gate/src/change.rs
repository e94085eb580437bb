//! Every write to the truth, as typed rows, so that each is one transaction and its SQL stays in one place.
//!
//! The rows are opaque where they are signed or sealed: this crate knows nothing of keys. Whose home, camera or account a change
//! is about is never in it; that is the Permit's. (Keys are replaced in all homes of the Permit's account at once: there the truth
//! checks each home in the same transaction.) Which action allows which change stands in [`Change::fits`].

use std::collections::BTreeSet;

use keepsight_ids::{AccountId, AgentId, CameraId, EpochNo, HomeId, SessionId, SlotId, UnixMillis};

use crate::{Action, Permit, Rights, State, TokenHash};

/// A change that somebody with a Permit makes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Change {
    /// Makes an account and its first session. With [`Action::SignUp`].
    SignUp {
        /// The account.
        account: NewAccount,
        /// Why it may be made; until the first account exists only the set-up token counts.
        ticket: SignUpTicket,
        /// Signed in at once.
        session: NewSession,
    },
    /// Makes a session for an account whose login was proved. With [`Action::SignIn`].
    SignIn {
        /// The account.
        account: AccountId,
        /// SHA-256 of the login that was compared: it must still be the account's.
        login_hash: [u8; 32],
        /// The session.
        session: NewSession,
    },
    /// Replaces password and recovery code by a recovery code; every session ends, a new one begins. With [`Action::Recover`].
    ReplaceByRecovery {
        /// The account.
        account: AccountId,
        /// SHA-256 of the used code's login: it must still be the account's.
        login_hash: [u8; 32],
        /// The new password's way in.
        password: PasswordRow,
        /// The new recovery code's way in.
        recovery: RecoveryRow,
        /// Signed in at once.
        session: NewSession,
    },
    /// Replaces the password; the account's other sessions end. With [`Action::ChangeAccount`].
    ChangePassword {
        /// SHA-256 of the old login: it must still be the account's.
        login_hash: [u8; 32],
        /// The new way in.
        password: PasswordRow,
    },
    /// Replaces the recovery code. With [`Action::ChangeAccount`].
    ChangeRecovery {
        /// SHA-256 of the password's login: it must still be the account's.
        login_hash: [u8; 32],
        /// The new way in.
        recovery: RecoveryRow,
    },
    /// Replaces the account's keys, in the account and in its homes; the account's other sessions end. With
    /// [`Action::ChangeAccount`].
    ReplaceKeys(Box<ReplaceKeys>),
    /// Ends one session of the caller's account, perhaps the caller's own. With [`Action::EndSessions`].
    EndSession(SessionId),
    /// Ends all sessions of the caller's account but the caller's. With [`Action::EndSessions`].
    EndOtherSessions,
    /// Makes a home with the caller as its owner. With [`Action::CreateHome`].
    CreateHome {
        /// The home, made by the client.
        home: HomeId,
        /// The chain's first entry.
        genesis: ChainRow,
        /// The owner's slot in it.
        slot: SlotId,
        /// The first epoch.
        epoch: EpochRow,
        /// The sealed name.
        name: SignedRow,
        /// An IANA time zone.
        time_zone: String,
    },
    /// Appends an entry, and all that it changes with it. With [`Action::AppendChain`]; only an owner may do more than replace
    /// their own keys.
    AppendChain(Box<AppendChain>),
    /// Appends the invitee's entry, which makes the caller a member. With [`Action::AcceptInvitation`].
    AcceptInvitation {
        /// The entry.
        entry: ChainRow,
        /// The current epoch's secret, sealed to the invitee's own key.
        sealed: SealedRow,
    },
    /// Ends the caller's membership; the home's next owner's browser begins a new epoch. With [`Action::LeaveHome`].
    LeaveHome,
    /// Sets what an owner may set. With [`Action::ManageHome`].
    Settings {
        /// An IANA time zone.
        time_zone: String,
        /// Events older than this are deleted.
        retention_days: u32,
        /// Beyond this the oldest Events are deleted.
        retention_bytes: u64,
    },
    /// Names the home anew. With [`Action::ManageHome`].
    NameHome(SignedRow),
    /// Stops or allows viewing in the home. With [`Action::SetLockdown`].
    LockHome {
        /// Stop.
        on: bool,
    },
    /// Stops or allows viewing of the camera. With [`Action::ManageCamera`].
    LockCamera {
        /// Stop.
        on: bool,
    },
    /// Switches the camera on or off. With [`Action::ManageCamera`].
    SwitchCamera {
        /// On.
        on: bool,
    },
    /// Names the camera anew. With [`Action::ManageCamera`].
    NameCamera(SignedRow),
    /// Takes the camera out of the home: nothing more is taken from it, its Events stay. With [`Action::ManageCamera`].
    RemoveCamera,
    /// Offers a pairing. With [`Action::Pair`].
    OfferPairing {
        /// The code's look-up part.
        lookup: String,
        /// The offer's bytes.
        offer: Vec<u8>,
        /// HMAC under the code's secret part.
        mac: [u8; 32],
    },
    /// Answers a pairing, once. With [`Action::AnswerPairing`].
    AnswerPairing {
        /// The code's look-up part.
        lookup: String,
        /// The answer's bytes.
        answer: Vec<u8>,
        /// HMAC under the code's secret part.
        mac: [u8; 32],
    },
    /// Makes a session for an agent whose key was proved. With [`Action::OpenAgentSession`].
    OpenAgentSession {
        /// The agent.
        agent: AgentId,
        /// The key that was proved: it must still be the agent's.
        key: [u8; 32],
        /// The session; its device is not kept.
        session: NewSession,
    },
    /// Adds the agent's camera, or names it anew. With [`Action::AgentPutCamera`].
    PutCamera(SignedRow),
}

/// What an entry changes beside the chain. The caller has verified the entry and computed this from it.
#[derive(Debug, Clone)]
pub struct AppendChain {
    /// The entry.
    pub entry: ChainRow,
    /// Accepted slots that are gone: their relations end.
    pub ended: Vec<SlotId>,
    /// Accepted slots that are new, or whose rights, cameras or window differ: older relations of the slot end.
    pub relations: Vec<RelationRow>,
    /// Agents that are new.
    pub agents_added: Vec<AgentRow>,
    /// Agents that are gone: their sessions end.
    pub agents_removed: Vec<AgentId>,
    /// The pending slot that is new.
    pub invitation: Option<InvitationRow>,
    /// Pending slots that are gone.
    pub invitations_revoked: Vec<SlotId>,
    /// With an entry that begins an epoch.
    pub epoch: Option<EpochRow>,
    /// Names sealed anew.
    pub names: Vec<NameRow>,
    /// The pairing that brought the new agent: used up by this.
    pub pairing: Option<String>,
    /// The author's own keys are replaced and no epoch begins: the current epoch's secret, sealed to the new one. The home is due
    /// for rotation then, for whoever has the old keys knows that epoch.
    pub resealed: Option<SealedSlotRow>,
}

/// Other keys for an account. The caller has verified that the old ones handed over to them.
#[derive(Debug, Clone)]
pub struct ReplaceKeys {
    /// The Ed25519 public key that the hand-over was verified with: it must still be the account's.
    pub old_sign: [u8; 32],
    /// X25519 public key.
    pub kem: [u8; 32],
    /// Ed25519 public key.
    pub sign: [u8; 32],
    /// The new password's way in.
    pub password: PasswordRow,
    /// The new recovery code's way in.
    pub recovery: RecoveryRow,
    /// The homes in which the keys are replaced.
    pub homes: Vec<HandOverRow>,
}

/// A home in which a member's keys are replaced.
#[derive(Debug, Clone)]
pub struct HandOverRow {
    /// Which.
    pub home: HomeId,
    /// The member's slot: it must still be the account's.
    pub slot: SlotId,
    /// The entry and what goes with it; it must be a [hand-over](AppendChain::is_hand_over).
    pub append: AppendChain,
}

/// What the operator does, from a process that has the database. No Permit, no viewing: staff is never turned into viewers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OperatorDeed {
    /// Stops or allows viewing everywhere.
    LockEverything {
        /// Stop.
        on: bool,
    },
    /// Stops or allows viewing in a home.
    LockHome {
        /// Which.
        home: HomeId,
        /// Stop.
        on: bool,
    },
    /// Stops or allows viewing of a camera.
    LockCamera {
        /// Of which home.
        home: HomeId,
        /// Which.
        camera: CameraId,
        /// Stop.
        on: bool,
    },
    /// Ends every session of everybody.
    EndAllSessions,
    /// Ends every session of an account.
    EndSessionsOf(AccountId),
    /// Ends an account's membership of a home; the next owner's browser begins a new epoch.
    EndRelation {
        /// Of which home.
        home: HomeId,
        /// Whose.
        account: AccountId,
    },
    /// Suspends an account, closes it, or takes it back into use.
    SetAccountState(AccountId, State),
    /// Suspends a home, closes it, or takes it back into use.
    SetHomeState(HomeId, State),
    /// Suspends an agent, closes it, or takes it back into use.
    SetAgentState(HomeId, AgentId, State),
}

/// Why a change was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Another account has the name.
    #[error("another account has this name")]
    NameTaken,
    /// The client's new id is in use.
    #[error("this id is in use")]
    IdTaken,
    /// Signing up needs a ticket, and this one is not good (any longer).
    #[error("signing up needs a set-up link or an invitation that is still good")]
    NoTicket,
    /// The login that was proved is no longer the account's, or the key no longer the agent's.
    #[error("the credential was replaced meanwhile")]
    CredentialReplaced,
    /// The chain's highest entry is another one by now.
    #[error("the chain has moved on")]
    ChainMoved,
    /// The home would be left without an owner.
    #[error("a home needs at least one owner")]
    NoOwnerLeft,
    /// What the change is about is not there (any longer): a session, a camera, a slot, an account.
    #[error("not found")]
    NotFound,
    /// It was there, and is used up or has lapsed: an invitation, a pairing.
    #[error("used up or lapsed")]
    Gone,
    /// It is already there: a pairing's look-up part, an answer, a membership.
    #[error("already there")]
    AlreadyThere,
    /// More than the home's limit of what is named.
    #[error("the limit of {0} is reached")]
    Limit(&'static str),
}

/// What is signed: the exact bytes, and the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRow {
    /// The bytes.
    pub body: Vec<u8>,
    /// The Ed25519 signature.
    pub signature: Vec<u8>,
}

/// What is sealed by HPKE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRow {
    /// The encapsulated key.
    pub enc: [u8; 32],
    /// The ciphertext.
    pub ct: Vec<u8>,
}

/// An epoch's secret, sealed to a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSlotRow {
    /// To which.
    pub slot: SlotId,
    /// The secret.
    pub sealed: SealedRow,
}

/// An epoch's package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochRow {
    /// Which.
    pub epoch: EpochNo,
    /// Its secret, sealed to each slot.
    pub sealed: Vec<SealedSlotRow>,
    /// The secret of the epoch before, sealed to this one.
    pub previous: Option<SealedRow>,
}

/// A chain entry with what is needed to place it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainRow {
    /// Its number.
    pub seq: u64,
    /// SHA-256 of its bytes.
    pub hash: [u8; 32],
    /// The hash of the entry before.
    pub prev: Option<[u8; 32]>,
    /// The epoch in it.
    pub epoch: EpochNo,
    /// The entry.
    pub entry: SignedRow,
}

/// A right to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationRow {
    /// Whose.
    pub account: AccountId,
    /// Their slot in the chain.
    pub slot: SlotId,
    /// What they may do.
    pub rights: Rights,
    /// With which cameras; `None` is all.
    pub cameras: Option<BTreeSet<CameraId>>,
    /// From then on.
    pub from: UnixMillis,
    /// Until just before then.
    pub until: Option<UnixMillis>,
}

/// An agent that came into the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentRow {
    /// Which.
    pub agent: AgentId,
    /// Its Ed25519 public key.
    pub key: [u8; 32],
}

/// An invitation's server side. What it gives is what its slot in the chain says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationRow {
    /// The pending slot.
    pub slot: SlotId,
    /// SHA-256 of the token.
    pub token: TokenHash,
    /// The rights that it gives.
    pub rights: Rights,
    /// The cameras that it is for; `None` is all.
    pub cameras: Option<BTreeSet<CameraId>>,
    /// The membership's beginning; never before its acceptance.
    pub from: UnixMillis,
    /// The membership's end.
    pub until: Option<UnixMillis>,
    /// The current epoch's secret, sealed to the pending slot.
    pub sealed: SealedRow,
    /// It lapses so many milliseconds after it was made.
    pub life_ms: i64,
}

/// A sealed name of the home (`camera` is `None`) or of a camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameRow {
    /// Of which camera.
    pub camera: Option<CameraId>,
    /// The name.
    pub name: SignedRow,
}

/// An account to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// Made by the client.
    pub account: AccountId,
    /// As the person writes it.
    pub name: String,
    /// The name in the form that is compared: unique.
    pub name_key: String,
    /// The password's way in.
    pub password: PasswordRow,
    /// The recovery code's way in.
    pub recovery: RecoveryRow,
    /// X25519 public key.
    pub kem: [u8; 32],
    /// Ed25519 public key.
    pub sign: [u8; 32],
}

/// A password's way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordRow {
    /// 16 bytes.
    pub salt: Vec<u8>,
    /// PBKDF2 rounds.
    pub iterations: u32,
    /// SHA-256 of the `login` half.
    pub login_hash: [u8; 32],
    /// The account's keys under the `wrap` half.
    pub wrapped: Vec<u8>,
}

/// A recovery code's way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryRow {
    /// SHA-256 of the `login` half.
    pub login_hash: [u8; 32],
    /// The account's keys under the `wrap` half.
    pub wrapped: Vec<u8>,
}

/// A session to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Its public name.
    pub session: SessionId,
    /// SHA-256 of its token.
    pub token: TokenHash,
    /// What the browser calls itself.
    pub device: String,
    /// It lapses so many milliseconds after it was made, by the truth's time.
    pub life_ms: i64,
}

/// Why an account may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignUpTicket {
    /// Sign-up is open.
    Open,
    /// SHA-256 of the set-up link's token.
    Setup(TokenHash),
    /// An invitation, which is not used up by this.
    Invitation {
        /// Into which home.
        home: HomeId,
        /// The pending slot.
        slot: SlotId,
        /// SHA-256 of its token.
        token: TokenHash,
    },
}

impl Change {
    /// The action whose Permit allows it.
    pub const fn action(&self) -> Action {
        match self {
            Self::SignUp { .. } => Action::SignUp,
            Self::SignIn { .. } => Action::SignIn,
            Self::ReplaceByRecovery { .. } => Action::Recover,
            Self::ChangePassword { .. } | Self::ChangeRecovery { .. } | Self::ReplaceKeys(_) => {
                Action::ChangeAccount
            }
            Self::EndSession(_) | Self::EndOtherSessions => Action::EndSessions,
            Self::CreateHome { .. } => Action::CreateHome,
            Self::AppendChain(_) => Action::AppendChain,
            Self::AcceptInvitation { .. } => Action::AcceptInvitation,
            Self::LeaveHome => Action::LeaveHome,
            Self::Settings { .. } | Self::NameHome(_) => Action::ManageHome,
            Self::LockHome { .. } => Action::SetLockdown,
            Self::LockCamera { .. } | Self::SwitchCamera { .. } => Action::ManageCamera,
            Self::NameCamera(_) | Self::RemoveCamera => Action::ManageCamera,
            Self::OfferPairing { .. } => Action::Pair,
            Self::AnswerPairing { .. } => Action::AnswerPairing,
            Self::OpenAgentSession { .. } => Action::OpenAgentSession,
            Self::PutCamera(_) => Action::AgentPutCamera,
        }
    }

    /// Whether this Permit allows this change.
    pub fn fits(&self, permit: &Permit) -> bool {
        let allowed = match self {
            Self::AppendChain(append) => permit.is_owner() || !append.does_more_than_replace_keys(),
            // Who owns which of the homes is for the truth to say, in the same transaction.
            Self::ReplaceKeys(keys) => keys.homes.iter().all(|one| one.append.is_hand_over()),
            _ => true,
        };
        permit.action() == self.action() && allowed
    }
}

impl AppendChain {
    /// An entry that changes nothing but what is in the chain: its author's own keys.
    pub const fn of(entry: ChainRow) -> Self {
        Self {
            entry,
            ended: Vec::new(),
            relations: Vec::new(),
            agents_added: Vec::new(),
            agents_removed: Vec::new(),
            invitation: None,
            invitations_revoked: Vec::new(),
            epoch: None,
            names: Vec::new(),
            pairing: None,
            resealed: None,
        }
    }

    /// Whether it changes nobody but its author: their keys, and the epoch and names that an owner may begin and seal anew with it.
    pub const fn is_hand_over(&self) -> bool {
        let people = !self.ended.is_empty() || !self.relations.is_empty();
        let agents =
            !self.agents_added.is_empty() || !self.agents_removed.is_empty() || self.pairing.is_some();
        let pending = self.invitation.is_some() || !self.invitations_revoked.is_empty();
        !(people || agents || pending)
    }

    /// What only an owner may send.
    pub const fn does_more_than_replace_keys(&self) -> bool {
        !self.is_hand_over() || self.epoch.is_some() || !self.names.is_empty()
    }
}
