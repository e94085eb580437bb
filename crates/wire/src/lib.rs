//! The bodies of both HTTP APIs, in one place for the server, the agent and the people's side in Rust.
//!
//! [`people`] is `/api/v1`, [`agent`] is `/agent/v1`; they are versioned apart. Bodies are JSON, except sealed segments, which are
//! bytes. Unknown keys in a request are refused. What is signed or sealed is opaque here: see docs/formats.

pub mod agent;
pub mod people;

use keepsight_ids::{B32, B64, SlotId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A signed document: the exact bytes and the Ed25519 signature over its label and them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The signed bytes (JSON, by the format's document).
    pub body: B64,
    /// 64 bytes.
    pub signature: B64,
}

/// An HPKE ciphertext and its encapsulated key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// The encapsulated X25519 key.
    pub enc: B32,
    /// The ciphertext with its tag.
    pub ct: B64,
}

/// An epoch's secret, sealed to one slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SealedToSlot {
    /// Whose key it is sealed to.
    pub slot: SlotId,
    /// The encapsulated X25519 key.
    pub enc: B32,
    /// The ciphertext with its tag.
    pub ct: B64,
}

/// What goes with an entry that begins an epoch (docs/formats/home-chain.md).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EpochPackage {
    /// The epoch that begins.
    pub epoch: u32,
    /// Its secret, sealed to each slot (when read back: to the caller's slot only).
    pub sealed: Vec<SealedToSlot>,
    /// The secret of the epoch before, sealed to this epoch's key; absent for the first.
    pub previous: Option<Sealed>,
}

/// What every error answer holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorBody {
    /// The error.
    pub error: ErrorInfo,
}

/// An error, for programs and for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorInfo {
    /// Stable, snake_case: `not_found`, `sign_in_needed`, `not_allowed`, `lockdown`, `bad_request`, `too_large`, `conflict`,
    /// `gone`, `too_many`, `too_many_events`, `unavailable`, `no_space`, `home_full`, ..
    pub code: String,
    /// What happened and what to do next, in words.
    pub message: String,
    /// Names this request in the server's log.
    pub request: String,
}
