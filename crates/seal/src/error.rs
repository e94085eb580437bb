//! Everything that can be refused here, one variant for each reason.
//!
//! The refusals of a home's chain are read by people who never heard of a chain: they say what changed and that nothing was
//! believed. [`SealError::code`] is the same reason for programs; the vectors name it.

use keepsight_ids::{AccountId, AgentId, EpochNo, HomeId, SegmentKind, SegmentNo, SlotId};

/// Why something was refused or could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// More bytes than the format allows.
    #[error("the {what} is larger than the {limit} bytes that it may have")]
    TooLarge {
        /// Which document.
        what: &'static str,
        /// Bytes.
        limit: usize,
    },
    /// Not the document that it should be.
    #[error("this is not a valid {what}: {why}")]
    Malformed {
        /// Which document.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The signature isn't that of the key that should have made it.
    #[error("the {what} was not signed by the one it names")]
    BadSignature {
        /// Which document.
        what: &'static str,
    },
    /// A public key that nobody can have made honestly.
    #[error("a public key is not usable")]
    BadKey,
    /// The key at hand does not open it, or it was altered.
    #[error("the {what} does not open with this key: it is meant for somebody else, or it was altered")]
    CannotOpen {
        /// What was to be opened.
        what: &'static str,
    },

    /// A chain without entries.
    #[error("the server sent no list of members for this home")]
    ChainEmpty,
    /// Another home's entry.
    #[error(
        "the server answered with the members of another home ({found} instead of {expected}); nothing was believed"
    )]
    ForeignHome {
        /// The home that was asked for.
        expected: HomeId,
        /// The home that the entry states.
        found: HomeId,
    },
    /// The first entry is not the one that was pinned.
    #[error(
        "the server shows another beginning of this home than the one known here; somebody may have set up a false home in its place"
    )]
    OtherGenesis,
    /// The first entry is not the one that the invitation names.
    #[error(
        "the server shows another home than the one you were invited to; you did not join it, and nothing was opened. Tell the one who invited you"
    )]
    NotTheInvitedHome,
    /// The first entry breaks a rule of first entries.
    #[error("the first entry of this home is not valid: {0}")]
    BadGenesis(&'static str),
    /// An entry is missing or stands twice.
    #[error("the list of members has a gap: entry {expected} was expected, {found} came")]
    ChainGap {
        /// The next number.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// The entry does not continue the one before.
    #[error(
        "entry {seq} of this home does not continue the entry before it; the server's list of members was altered"
    )]
    BrokenLink {
        /// The entry's number.
        seq: u64,
    },
    /// The author isn't in the entry before.
    #[error("entry {seq} of this home was made by {by}, who did not belong to the home")]
    UnknownAuthor {
        /// The entry's number.
        seq: u64,
        /// Who it names.
        by: SlotId,
    },
    /// Not signed by its author, and nothing tells more.
    #[error("entry {seq} of this home was not signed by a member; the server's list of members was altered")]
    BadEntrySignature {
        /// The entry's number.
        seq: u64,
    },
    /// Not signed by its author; a member's keys or account differ.
    #[error(
        "the server put another key in the place of a member's ({slot}) without that member's signature; refused, so that nothing is encrypted to a stranger"
    )]
    SubstitutedMemberKey {
        /// The slot whose keys differ.
        slot: SlotId,
    },
    /// Not signed by its author; an agent's key differs or was added.
    #[error(
        "the server put in a key for an agent ({agent}) that no owner signed; refused, so that no false camera box is believed"
    )]
    SubstitutedAgentKey {
        /// The agent whose key differs.
        agent: AgentId,
    },
    /// Not signed by its author; the epoch or its key differs.
    #[error(
        "the server put in a home key (number {epoch}) that no owner signed; refused, so that nothing is encrypted to a stranger"
    )]
    SubstitutedEpoch {
        /// The epoch that the entry states.
        epoch: EpochNo,
    },
    /// The same slot twice.
    #[error("the list of members names {0} twice")]
    RepeatedSlot(SlotId),
    /// The same account in two slots.
    #[error("the list of members names the account {0} twice")]
    RepeatedAccount(AccountId),
    /// The same agent twice.
    #[error("the list of agents names {0} twice")]
    RepeatedAgent(AgentId),
    /// More slots or agents than a home can have.
    #[error("a home can have at most {limit} {what}")]
    TooMany {
        /// Members or agents.
        what: &'static str,
        /// How many.
        limit: usize,
    },
    /// Nobody could change the home any longer.
    #[error("entry {seq} would leave the home without an owner")]
    NoOwner {
        /// The entry's number.
        seq: u64,
    },
    /// An owner wrote another member's account or keys anew.
    #[error(
        "entry {seq} replaces the keys or the account of a member ({slot}), which only that member can do"
    )]
    ForeignSlotReplaced {
        /// The entry's number.
        seq: u64,
        /// Whose slot.
        slot: SlotId,
    },
    /// Somebody who isn't an owner changed more than their own keys.
    #[error("entry {seq} was made by {by}, who is not an owner, and changes more than their own keys")]
    NotAnOwner {
        /// The entry's number.
        seq: u64,
        /// Its author.
        by: SlotId,
    },
    /// Somebody who isn't an owner signed the state as it is.
    #[error("entry {seq} was made by {by}, who is not an owner, and changes nothing")]
    NothingChanged {
        /// The entry's number.
        seq: u64,
        /// Its author.
        by: SlotId,
    },
    /// An invitation was used for more than accepting it.
    #[error("entry {seq} accepts the invitation {by} and changes something else with it")]
    InvitationOverreach {
        /// The entry's number.
        seq: u64,
        /// The pending slot.
        by: SlotId,
    },
    /// The epoch neither stays nor is the next.
    #[error("entry {seq} jumps to home key number {epoch}")]
    EpochJump {
        /// The entry's number.
        seq: u64,
        /// The epoch that it states.
        epoch: EpochNo,
    },
    /// Another key under the same number, or the same key under the next.
    #[error("entry {seq} names home key number {epoch}, but its key is not one that can have that number")]
    EpochKeyMixed {
        /// The entry's number.
        seq: u64,
        /// The epoch that it states.
        epoch: EpochNo,
    },
    /// Somebody lost their sight of the home and its key stayed.
    #[error("entry {seq} takes somebody's sight of the home away without a new home key")]
    RotationMissing {
        /// The entry's number.
        seq: u64,
    },
    /// Older than what was seen already.
    #[error(
        "the server shows an older list of members (entry {found}) than the one seen here before (entry {pinned}); somebody who was removed might be back in it, so it was refused"
    )]
    Rollback {
        /// The highest entry seen before.
        pinned: u64,
        /// The highest entry shown now.
        found: u64,
    },
    /// Two entries with one number.
    #[error(
        "the server shows two different lists of members (entry {seq}); one of them is false, so both were refused"
    )]
    Fork {
        /// The entry's number.
        seq: u64,
    },

    /// What opens isn't what was asked for.
    #[error("this is another {what} than the one asked for; it was not shown")]
    NotWhatWasAskedFor {
        /// home, camera, Event, kind or number.
        what: &'static str,
    },
    /// The Event's agent never belonged to this home in that epoch.
    #[error("the Event was made by an agent ({agent}) that did not belong to this home")]
    AgentNotListed {
        /// The agent that the header names.
        agent: AgentId,
    },
    /// The name was given by somebody who couldn't.
    #[error("the name was given by somebody who could not name it")]
    AuthorNotListed,
    /// The home never had this epoch.
    #[error("home key number {epoch} is not one of this home's")]
    UnknownEpoch {
        /// The epoch that was named.
        epoch: EpochNo,
    },
    /// The secret isn't at hand.
    #[error("home key number {epoch} is not open here")]
    EpochNotOpen {
        /// The epoch whose secret is missing.
        epoch: EpochNo,
    },
    /// A secret whose public key isn't the chain's.
    #[error(
        "the server sent another home key (number {epoch}) than the one its members agreed on; it was refused"
    )]
    EpochMismatch {
        /// The epoch.
        epoch: EpochNo,
    },
    /// A package that doesn't fit its entry.
    #[error("the home key's package does not fit its entry: {0}")]
    BadPackage(&'static str),
    /// Not sealed to this reader.
    #[error("the {what} is not encrypted to you")]
    NoRecipient {
        /// What was to be opened.
        what: &'static str,
    },
    /// The content key isn't the one committed to.
    #[error("the Event's key is not the one that its header commits to")]
    Commitment,

    /// The same (kind, number) again.
    #[error("{kind} {number} of this Event was sealed already; a segment is sealed once")]
    SealedTwice {
        /// Its kind.
        kind: SegmentKind,
        /// Its number.
        number: SegmentNo,
    },

    /// The password would be stretched too little or absurdly much.
    #[error("the server asks for {iterations} password rounds; between 600000 and 10000000 are accepted")]
    PasswordParameters {
        /// What the server asked for.
        iterations: u32,
    },
    /// Not a recovery code.
    #[error("this is not a recovery code: {0}")]
    RecoveryCode(&'static str),
    /// Not an invitation link.
    #[error("this is not an invitation link: {0}")]
    InvitationLink(&'static str),
    /// The chain has no such pending slot.
    #[error("the invitation is not one of this home's, or it was used already")]
    InvitationNotListed,
    /// Not a pairing code.
    #[error("this is not a pairing code: {0}")]
    PairingCode(&'static str),
    /// The MAC doesn't match: another code, or somebody in between.
    #[error("the pairing {what} was not made with this code")]
    PairingMac {
        /// offer or answer.
        what: &'static str,
    },
    /// The answer belongs to another offer.
    #[error("the agent answered another offer")]
    OtherOffer,
    /// Somebody is between the agent and the server.
    #[error(
        "the server's certificate seen by the agent is not the one seen by the browser; somebody may be between them"
    )]
    OtherCertificate,
    /// The offer's owner isn't one of the chain.
    #[error("the pairing was offered by somebody who is not an owner of this home")]
    OfferNotByOwner,
}

impl SealError {
    /// The reason as a stable word, the same in the vectors and in the browser.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::Malformed { .. } => "malformed",
            Self::BadSignature { .. } => "bad_signature",
            Self::BadKey => "bad_key",
            Self::CannotOpen { .. } => "cannot_open",
            Self::ChainEmpty => "chain_empty",
            Self::ForeignHome { .. } => "foreign_home",
            Self::OtherGenesis => "other_genesis",
            Self::NotTheInvitedHome => "not_the_invited_home",
            Self::BadGenesis(_) => "bad_genesis",
            Self::ChainGap { .. } => "chain_gap",
            Self::BrokenLink { .. } => "broken_link",
            Self::UnknownAuthor { .. } => "unknown_author",
            Self::BadEntrySignature { .. } => "bad_entry_signature",
            Self::SubstitutedMemberKey { .. } => "substituted_member_key",
            Self::SubstitutedAgentKey { .. } => "substituted_agent_key",
            Self::SubstitutedEpoch { .. } => "substituted_epoch",
            Self::RepeatedSlot(_) => "repeated_slot",
            Self::RepeatedAccount(_) => "repeated_account",
            Self::RepeatedAgent(_) => "repeated_agent",
            Self::TooMany { .. } => "too_many",
            Self::NoOwner { .. } => "no_owner",
            Self::ForeignSlotReplaced { .. } => "foreign_slot_replaced",
            Self::NotAnOwner { .. } => "not_an_owner",
            Self::NothingChanged { .. } => "nothing_changed",
            Self::InvitationOverreach { .. } => "invitation_overreach",
            Self::EpochJump { .. } => "epoch_jump",
            Self::EpochKeyMixed { .. } => "epoch_key_mixed",
            Self::RotationMissing { .. } => "rotation_missing",
            Self::Rollback { .. } => "rollback",
            Self::Fork { .. } => "fork",
            Self::NotWhatWasAskedFor { .. } => "not_what_was_asked_for",
            Self::AgentNotListed { .. } => "agent_not_listed",
            Self::AuthorNotListed => "author_not_listed",
            Self::UnknownEpoch { .. } => "unknown_epoch",
            Self::EpochNotOpen { .. } => "epoch_not_open",
            Self::EpochMismatch { .. } => "epoch_mismatch",
            Self::BadPackage(_) => "bad_package",
            Self::NoRecipient { .. } => "no_recipient",
            Self::Commitment => "commitment",
            Self::SealedTwice { .. } => "sealed_twice",
            Self::PasswordParameters { .. } => "password_parameters",
            Self::RecoveryCode(_) => "recovery_code",
            Self::InvitationLink(_) => "invitation_link",
            Self::InvitationNotListed => "invitation_not_listed",
            Self::PairingCode(_) => "pairing_code",
            Self::PairingMac { .. } => "pairing_mac",
            Self::OtherOffer => "other_offer",
            Self::OtherCertificate => "other_certificate",
            Self::OfferNotByOwner => "offer_not_by_owner",
        }
    }

    pub(crate) fn malformed(what: &'static str, why: impl Into<String>) -> Self {
        Self::Malformed { what, why: why.into() }
    }
}
