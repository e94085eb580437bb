//! One line of the ledger: who saw what, when, as of which revision. Its bytes are canonical and its hash is over them.

use aws_lc_rs::digest::{SHA256, digest};
use keepsight_ids::{AccountId, B32, CameraId, EventId, HomeId, Revision, SessionId, UnixMillis};
use serde::{Deserialize, Serialize};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Shown in a list: one record per page.
    Offered,
    /// Its thumbnail, card or preview was fetched.
    Thumbnail,
    /// Its video or audio was fetched.
    Opened,
    /// Fetched to be saved.
    Downloaded,
    /// Asked for and refused.
    Refused,
}

/// A span of time: from, and until just before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The earliest moment in it.
    pub from: UnixMillis,
    /// The first moment after it.
    pub until: UnixMillis,
}

/// What a record says. Its JSON, in this order and without spaces, is the canonical form.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The canonical form's version.
    pub v: u32,
    /// What happened.
    pub kind: Kind,
    /// Who saw it.
    pub viewer: AccountId,
    /// In which sign-in.
    pub session: Option<SessionId>,
    /// What its browser called itself.
    pub device: String,
    /// Whose it is.
    pub home: HomeId,
    /// Of which camera; absent when a list of several was shown.
    pub camera: Option<CameraId>,
    /// Which Event; absent for lists.
    pub event: Option<EventId>,
    /// What span of time a list covered.
    pub span: Option<Span>,
    /// The revision at which it was decided.
    pub revision: Revision,
    /// The truth's time when it was decided.
    pub at: UnixMillis,
}

/// A stored record's bytes are not the canonical form of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a ledger record in its canonical form")]
pub struct Unreadable;

/// A record with its canonical bytes and their SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    facts: Facts,
    bytes: Vec<u8>,
    hash: B32,
}

impl Record {
    /// The version that is written now.
    pub const VERSION: u32 = 1;

    /// Puts facts into their canonical form.
    pub fn seal(facts: Facts) -> Self {
        let bytes = serde_json::to_vec(&facts).expect("identities, numbers and text have a JSON form");
        let hash = hash(&bytes);
        Self { facts, bytes, hash }
    }

    /// Reads a stored record back.
    ///
    /// # Errors
    /// [`Unreadable`] unless the bytes are exactly what [`Record::seal`] would make of what they say.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let facts: Facts = serde_json::from_slice(bytes).map_err(|_| Unreadable)?;
        let record = Self::seal(facts);
        if record.bytes == bytes && record.facts.v == Self::VERSION { Ok(record) } else { Err(Unreadable) }
    }

    /// What it says.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The canonical bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the canonical bytes.
    pub const fn hash(&self) -> B32 {
        self.hash
    }
}

fn hash(bytes: &[u8]) -> B32 {
    B32(digest(&SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes"))
}
