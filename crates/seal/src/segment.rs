//! A segment's identity: 57 bytes in clear in front of the ciphertext, and inside what is authenticated.
//!
//! The server and every reader compare it with what was asked for before anything is opened.

use keepsight_ids::{CameraId, EventId, HomeId, SegmentKind, SegmentNo};

use crate::SealError;

/// home (16), camera (16), Event (16), kind (1), number (8).
pub const IDENTITY_LEN: usize = 57;
const SEGMENT: &str = "segment";

/// Which segment some sealed bytes state that they are. Only opening them proves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SegmentIdentity {
    /// Whose.
    pub home: HomeId,
    /// Its camera.
    pub camera: CameraId,
    /// Its Event.
    pub event: EventId,
    /// What it holds.
    pub kind: SegmentKind,
    /// Its number among its kind.
    pub number: SegmentNo,
}

impl SegmentIdentity {
    /// The binary form.
    pub fn to_bytes(&self) -> [u8; IDENTITY_LEN] {
        let mut bytes = [0; IDENTITY_LEN];
        bytes[..16].copy_from_slice(self.home.as_bytes());
        bytes[16..32].copy_from_slice(self.camera.as_bytes());
        bytes[32..48].copy_from_slice(self.event.as_bytes());
        bytes[48] = self.kind as u8;
        bytes[49..].copy_from_slice(&u64::from(self.number.0).to_be_bytes());
        bytes
    }

    /// The identity at the beginning of sealed bytes.
    ///
    /// # Errors
    /// [`SealError::Malformed`] for bytes too short to hold an identity and a tag, an unknown kind or an impossible number.
    pub fn of(sealed: &[u8]) -> Result<Self, SealError> {
        if sealed.len() < IDENTITY_LEN + crate::primitives::TAG_LEN {
            return Err(SealError::malformed(SEGMENT, "it is shorter than an identity and a tag"));
        }
        let sixteen =
            |at: usize| -> [u8; 16] { sealed[at..at + 16].try_into().expect("16 bytes, by the length") };
        let number = u64::from_be_bytes(sealed[49..IDENTITY_LEN].try_into().expect("8 bytes, by the length"));
        Ok(Self {
            home: HomeId::from_bytes(sixteen(0)),
            camera: CameraId::from_bytes(sixteen(16)),
            event: EventId::from_bytes(sixteen(32)),
            kind: SegmentKind::from_number(sealed[48])
                .ok_or_else(|| SealError::malformed(SEGMENT, "its kind is not known"))?,
            number: u32::try_from(number)
                .map(SegmentNo)
                .map_err(|_| SealError::malformed(SEGMENT, "its number is too large"))?,
        })
    }

    /// Compares with what was asked for.
    ///
    /// # Errors
    /// [`SealError::NotWhatWasAskedFor`], naming the first part that differs.
    pub fn check(&self, asked: &Self) -> Result<(), SealError> {
        let differs = [
            ("home", self.home != asked.home),
            ("camera", self.camera != asked.camera),
            ("Event", self.event != asked.event),
            ("kind of segment", self.kind != asked.kind),
            ("segment", self.number != asked.number),
        ];
        match differs.into_iter().find(|(_, differs)| *differs) {
            Some((what, _)) => Err(SealError::NotWhatWasAskedFor { what }),
            None => Ok(()),
        }
    }
}
