//! Signed documents: Ed25519 over `label || 0x00 || bytes`, the bytes exactly as they travel.

use keepsight_ids::B64;
use keepsight_wire::Signed;
use serde::Serialize;

use crate::json;
use crate::{SignPublic, SignSecret};

/// What a signature is for; one made under a label is worth nothing under another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Label {
    /// An Event's header, by an agent.
    EventHeader,
    /// An entry of a home's chain, by one of its slots.
    ChainEntry,
    /// The name of a home or camera.
    Name,
    /// An agent's sign-in.
    AgentSession,
    /// Other keys for an account, by its old one.
    AccountKeys,
}

impl Label {
    /// The text in front of the signed bytes.
    pub const fn text(self) -> &'static str {
        match self {
            Self::EventHeader => "ks/event-header/v1",
            Self::ChainEntry => "ks/chain-entry/v1",
            Self::Name => "ks/name/v1",
            Self::AgentSession => "ks/agent-session/v1",
            Self::AccountKeys => "ks/account-keys/v1",
        }
    }

    fn message(self, bytes: &[u8]) -> Vec<u8> {
        [self.text().as_bytes(), &[0], bytes].concat()
    }
}

pub(crate) fn sign_bytes(label: Label, bytes: &[u8], key: &SignSecret) -> B64 {
    B64(key.sign(&label.message(bytes)))
}

pub(crate) fn verifies(label: Label, bytes: &[u8], signature: &[u8], key: &SignPublic) -> bool {
    key.verifies(&label.message(bytes), signature)
}

pub(crate) fn sign<T: Serialize>(label: Label, document: &T, key: &SignSecret) -> Signed {
    let body = json::write(document);
    let signature = sign_bytes(label, &body, key);
    Signed { body: B64(body), signature }
}

pub(crate) fn signed_by(label: Label, document: &Signed, key: &SignPublic) -> bool {
    verifies(label, &document.body.0, &document.signature.0, key)
}
