//! This server's own small secret: for salts of names that don't exist, and for challenges that it needn't remember.

use std::fs;
use std::path::Path;

use aws_lc_rs::hmac;
use keepsight_world::World;

use crate::error::CloudError;
use crate::tls::write_private;

/// Makes and recognises what only this server can have made.
pub(crate) struct ServerSecret(hmac::Key);

impl ServerSecret {
    /// Reads it from the folder, or makes it at first start.
    pub(crate) fn open(folder: &Path, world: &World) -> Result<Self, CloudError> {
        let path = folder.join("server.secret");
        let fail = |source| CloudError::File { path: path.clone(), source };
        fs::create_dir_all(folder).map_err(fail)?;
        if !path.exists() {
            write_private(&path, &world.random::<32>())?;
        }
        let bytes = fs::read(&path).map_err(fail)?;
        if bytes.len() != 32 {
            return Err(fail(std::io::Error::new(std::io::ErrorKind::InvalidData, "expected 32 bytes")));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
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
    fn the_secret_is_kept_over_restarts_and_differs_between_servers() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let world = World::real();
        let code = |folder: &Path| ServerSecret::open(folder, &world).unwrap().mac("salt", &[b"elm"]);
        assert_eq!(code(one.path()), code(one.path()));
        assert_ne!(code(one.path()), code(other.path()));
    }

    #[test]
    fn parts_are_not_run_together() {
        let folder = tempfile::tempdir().unwrap();
        let secret = ServerSecret::open(folder.path(), &World::real()).unwrap();
        assert_ne!(secret.mac("x", &[b"ab", b"c"]), secret.mac("x", &[b"a", b"bc"]));
        assert_ne!(secret.mac("x", &[b"ab"]), secret.mac("xa", &[b"b"]));
    }
}
