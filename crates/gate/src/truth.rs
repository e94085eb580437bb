//! What the gate asks of the source of truth: one read that answers many checks, and one checked write.
//!
//! An implementation must answer a fence from one snapshot taken after the call, and must validate a write behind its lock.
//! Nothing about the head may be remembered between calls: another process may write.

use std::sync::Arc;

use async_trait::async_trait;
use keepsight_ids::{Revision, UnixMillis};

use crate::{Change, Key, Loaded, OperatorDeed, Permit, Refusal};

/// A fence returns at most this many log rows; that many means that the replica must forget everything.
pub const LOG_ROWS_MAX: usize = 1001;

/// 128 random bits that name a revision, so that the same number from another history is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag(pub [u8; 16]);

/// The two connections of a gate: the second is used when the first is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Asked first.
    First,
    /// Asked when the first has not answered in time.
    Hedge,
}

/// One fence's question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FenceQuery {
    /// Must come back as it is.
    pub nonce: u128,
    /// The replica has applied the log up to this revision.
    pub applied: Revision,
    /// The aggregates that the batch lacks.
    pub wanted: Vec<Key>,
}

/// One fence's answer, all of one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FenceReply {
    /// The question's.
    pub nonce: u128,
    /// The newest revision.
    pub head: Revision,
    /// Its tag.
    pub head_tag: Tag,
    /// The answer comes from a standby: it may be old.
    pub in_recovery: bool,
    /// The truth's time.
    pub time: UnixMillis,
    /// The tag of the log at the question's `applied`, if there is such a row.
    pub applied_tag: Option<Tag>,
    /// Log rows after `applied`, lowest first, at most [`LOG_ROWS_MAX`].
    pub log: Vec<LogRow>,
    /// The wanted aggregates that exist, and perhaps an account that a wanted session names.
    pub loaded: Vec<(Key, Loaded)>,
}

/// A revision touched an aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogRow {
    /// The revision.
    pub revision: Revision,
    /// Its tag.
    pub tag: Tag,
    /// What it touched.
    pub key: Key,
}

/// A fence got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the truth can't be read: {0}")]
pub struct TruthError(pub String);

/// Who writes.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "one at a time, and moved twice")]
pub enum Author {
    /// A principal, by a Permit whose revision the write is validated against.
    Permit(Permit),
    /// The operator, who has the machine.
    Operator,
}

/// One change to be validated and written in one transaction, or not at all.
#[derive(Debug)]
pub struct Write {
    /// Who writes. What the change is about (home, camera, account) is the Permit's.
    pub author: Author,
    /// What.
    pub deed: Deed,
    /// The tag of the revision that it takes, if it takes one.
    pub tag: Tag,
}

/// What is written.
#[derive(Debug, Clone)]
pub enum Deed {
    /// A principal's change.
    Change(Arc<Change>),
    /// The operator's.
    Operator(OperatorDeed),
}

/// A write is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The head after it: the revision that it took, or the one it found when it took none.
    pub revision: Revision,
    /// The truth's time.
    pub at: UnixMillis,
}

/// A write did not happen, or it is not known whether it did.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// A log row after the Permit's revision names what it was decided on: decide again.
    #[error("overtaken by another change")]
    Overtaken,
    /// It would break an invariant, or what it needs is no longer there.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No answer in time: the outcome is unknown.
    #[error("the truth can't be written: {0}")]
    Unavailable(String),
}

/// The source of truth, as far as the gate needs it.
#[async_trait]
pub trait Truth: Send + Sync + 'static {
    /// Answers one fence from one snapshot, taken after this call began.
    ///
    /// # Errors
    /// When it can't be read.
    async fn fence(&self, lane: Lane, query: FenceQuery) -> Result<FenceReply, TruthError>;

    /// Closes a lane's connection, whose answers are no longer believed; the next fence on it opens a new one.
    fn close(&self, lane: Lane);

    /// Validates and writes one change, in one transaction; returns after its COMMIT is durable.
    ///
    /// # Errors
    /// [`WriteError`]; only `Unavailable` leaves the outcome open.
    async fn commit(&self, write: Write) -> Result<Committed, WriteError>;
}

impl Write {
    /// The operator's write, from a process that has the database.
    pub const fn by_operator(deed: OperatorDeed, tag: Tag) -> Self {
        Self { author: Author::Operator, deed: Deed::Operator(deed), tag }
    }

    pub(crate) const fn by_permit(permit: Permit, change: Arc<Change>, tag: Tag) -> Self {
        Self { author: Author::Permit(permit), deed: Deed::Change(change), tag }
    }
}

impl Permit {
    /// The aggregates that it was decided on: a later log row that names one of them overtakes it.
    pub fn stands_on(&self) -> Vec<Key> {
        let (credential, _) = self.question();
        let mut keys = vec![Key::Service];
        match credential {
            crate::Credential::None => {}
            crate::Credential::Session(token) => keys.push(Key::Session(token)),
            crate::Credential::Invitation { token, session, .. } => {
                keys.push(Key::Session(token));
                keys.extend(session.map(Key::Session));
            }
        }
        keys.extend(self.account().map(Key::Account));
        keys.extend(self.home().map(Key::Home));
        keys
    }
}
