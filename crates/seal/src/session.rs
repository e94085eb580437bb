//! An agent's sign-in: its key over the server's challenge and over the certificate that it sees.
//!
//! With the certificate inside, an answer that somebody in between passes on to the real server is worth nothing there.

use keepsight_ids::{B32, B64};

use crate::signed::{Label, sign_bytes, verifies};
use crate::{SealError, SignPublic, SignSecret};

/// Signs a challenge; `tls` is SHA-256 of the server's certificate, absent without TLS.
pub fn sign_session(key: &SignSecret, challenge: &[u8], tls: Option<B32>) -> B64 {
    sign_bytes(Label::AgentSession, &message(challenge, tls), key)
}

/// Verifies an agent's answer in the server.
///
/// # Errors
/// [`SealError::BadSignature`].
pub fn verify_session(
    key: &SignPublic,
    challenge: &[u8],
    tls: Option<B32>,
    signature: &B64,
) -> Result<(), SealError> {
    if verifies(Label::AgentSession, &message(challenge, tls), &signature.0, key) {
        return Ok(());
    }
    Err(SealError::BadSignature { what: "agent's sign-in" })
}

fn message(challenge: &[u8], tls: Option<B32>) -> Vec<u8> {
    let tls = tls.map_or([0; 32], |hash| hash.0);
    [challenge, &tls].concat()
}
