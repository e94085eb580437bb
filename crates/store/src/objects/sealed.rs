//! An object's own word about whose it is: its first 57 bytes.

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use keepsight_ids::{B32, CameraId, EventId, HomeId, SegmentKind, SegmentNo};
use keepsight_ledger::{Identified, Identity};
use keepsight_world::Instant;

use super::ObjectKey;
use crate::StoreError;
use crate::records::Place;

/// Bytes of the identity in clear, and of the tag that every ciphertext ends in.
const IDENTITY: usize = 57;
const TAG: usize = 16;
/// The most that a sealed segment may have.
pub const SEALED_MAX: usize = 16 * 1024 * 1024;

/// What a sealed segment states about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SealedIdentity {
    pub(crate) place: Place,
    pub(crate) kind: SegmentKind,
    pub(crate) number: SegmentNo,
}

impl SealedIdentity {
    pub(crate) const fn of(place: Place, kind: SegmentKind, number: SegmentNo) -> Self {
        Self { place, kind, number }
    }

    /// Reads it from the sealed bytes.
    pub(crate) fn read(sealed: &[u8]) -> Result<Self, StoreError> {
        if sealed.len() > SEALED_MAX {
            return Err(StoreError::TooMany { what: "bytes of a segment" });
        }
        let corrupt = || StoreError::Corrupt { what: "sealed bytes without an identity".to_owned() };
        if sealed.len() < IDENTITY + TAG {
            return Err(corrupt());
        }
        let id = |at: usize| <[u8; 16]>::try_from(&sealed[at..at + 16]).expect("16 bytes are taken");
        let number = u64::from_be_bytes(sealed[49..57].try_into().expect("8 bytes are taken"));
        Ok(Self {
            place: Place {
                home: HomeId::from_bytes(id(0)),
                camera: CameraId::from_bytes(id(16)),
                event: EventId::from_bytes(id(32)),
            },
            kind: SegmentKind::from_number(sealed[48]).ok_or_else(corrupt)?,
            number: SegmentNo(u32::try_from(number).map_err(|_| corrupt())?),
        })
    }

    const fn identity(self) -> Identity {
        Identity::segment(self.place.home, self.place.camera, self.place.event, self.kind, self.number)
    }
}

/// A durable object that no row names yet.
#[derive(Debug)]
#[must_use]
pub struct StoredObject {
    pub(crate) identity: SealedIdentity,
    pub(crate) key: ObjectKey,
    pub(crate) sha256: B32,
    pub(crate) bytes: u64,
    pub(crate) written: Instant,
}

impl StoredObject {
    pub(crate) fn new(identity: SealedIdentity, key: ObjectKey, sealed: &[u8], written: Instant) -> Self {
        Self { identity, key, sha256: sha256(sealed), bytes: sealed.len() as u64, written }
    }

    /// SHA-256 of the sealed bytes.
    pub const fn sha256(&self) -> B32 {
        self.sha256
    }

    /// Where it lies.
    pub const fn key(&self) -> &ObjectKey {
        &self.key
    }
}

/// Where a segment's bytes are, as its row says. Only [`super::Objects::read`] can use it.
#[derive(Debug)]
#[must_use]
pub struct StoredSegment {
    pub(crate) identity: SealedIdentity,
    pub(crate) key: ObjectKey,
    pub(crate) bytes: u64,
}

impl StoredSegment {
    /// Sealed size in bytes.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// A segment's sealed bytes, with its row's identity and its own.
#[derive(Debug)]
pub struct SealedObject {
    row: SealedIdentity,
    own: SealedIdentity,
    bytes: Bytes,
}

impl SealedObject {
    pub(super) const fn new(row: SealedIdentity, own: SealedIdentity, bytes: Bytes) -> Self {
        Self { row, own, bytes }
    }

    /// The sealed bytes, identity and all.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

impl Identified for SealedObject {
    const FOOTAGE: bool = true;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        tell(self.row.identity());
        tell(self.own.identity());
    }
}

/// SHA-256 of sealed bytes, as acknowledgements name it.
pub fn sha256(bytes: &[u8]) -> B32 {
    B32(digest(&SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes"))
}
