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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn facts(device: String, at: i64) -> Facts {
        Facts {
            v: Record::VERSION,
            kind: Kind::Opened,
            viewer: AccountId::from_bytes([1; 16]),
            session: Some(SessionId::from_bytes([2; 16])),
            device,
            home: HomeId::from_bytes([3; 16]),
            camera: Some(CameraId::from_bytes([4; 16])),
            event: None,
            span: Some(Span { from: UnixMillis(at), until: UnixMillis(at) }),
            revision: Revision(7),
            at: UnixMillis(at),
        }
    }

    proptest! {
        #[test]
        fn a_record_is_read_back_as_it_was(device in ".{0,40}", at: i64) {
            let record = Record::seal(facts(device, at));
            prop_assert_eq!(Record::read(record.bytes()), Ok(record.clone()));
        }

        #[test]
        fn a_changed_byte_is_another_record_or_none(at: usize, bit in 0u8..8) {
            let record = Record::seal(facts("a browser".to_owned(), 1));
            let mut bytes = record.bytes().to_vec();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            if let Ok(other) = Record::read(&bytes) {
                prop_assert_ne!(other.hash(), record.hash());
            }
        }
    }

    #[test]
    fn another_spelling_of_the_same_facts_is_refused() {
        let record = Record::seal(facts("a browser".to_owned(), 1));
        let spaced = String::from_utf8(record.bytes().to_vec()).unwrap().replacen(':', ": ", 1);
        assert_eq!(Record::read(spaced.as_bytes()), Err(Unreadable));
        let other_version = Record::seal(Facts { v: 2, ..record.facts().clone() });
        assert_eq!(Record::read(other_version.bytes()), Err(Unreadable));
    }
}
