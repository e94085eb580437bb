//! The service's own small secret, at work: salts for names that don't exist, and challenges that needn't be remembered.
//!
//! It is kept in the truth, so that every node makes the same ones, and never leaves the server.

use aws_lc_rs::hmac;

/// Makes and recognises what only this service can have made.
pub(crate) struct ServerSecret(hmac::Key);

impl ServerSecret {
    pub(crate) fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// A code over the parts, each under its length, so that no two lists of parts give one code.
    pub(crate) fn mac(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in std::iter::once(label.as_bytes()).chain(parts.iter().copied()) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut code = [0; 32];
        code.copy_from_slice(context.sign().as_ref());
        code
    }
}

/// Compares without telling by time where two codes differ.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && subtle::ConstantTimeEq::ct_eq(one, other).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_differ_between_services_and_repeat_within_one() {
        let code = |secret: u8| ServerSecret::new(&[secret; 32]).mac("salt", &[b"elm"]);
        assert_eq!(code(1), code(1));
        assert_ne!(code(1), code(2));
    }

    #[test]
    fn parts_are_not_run_together() {
        let secret = ServerSecret::new(&[1; 32]);
        assert_ne!(secret.mac("x", &[b"ab", b"c"]), secret.mac("x", &[b"a", b"bc"]));
        assert_ne!(secret.mac("x", &[b"ab"]), secret.mac("xa", &[b"b"]));
    }
}
