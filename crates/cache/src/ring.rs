//! Key ring: the newest master key seals, all of them open. Rotating is adding a key; retiring one makes what it sealed a miss.
//!
//! A master key is 32 random bytes. It never encrypts anything itself: every process seals with a sub-key of its own (see `seal`).

use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::hkdf;
use zeroize::Zeroizing;

/// One secret of 32 bytes, wiped when dropped.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// A master key of these bytes, which must be random.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A name for the key that says nothing about it.
    pub(crate) fn id(&self) -> [u8; 8] {
        let mut id = [0; 8];
        self.derive(b"", b"keepsight-cache/key-id/v1", &mut id);
        id
    }

    /// The sub-key of one process.
    pub(crate) fn sub_key(&self, process: &[u8; 16]) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        self.derive(process, b"keepsight-cache/seal/v1", key.as_mut());
        key
    }

    fn derive(&self, salt: &[u8], info: &[u8], out: &mut [u8]) {
        struct Length(usize);
        impl hkdf::KeyType for Length {
            fn len(&self) -> usize {
                self.0
            }
        }
        let pseudo_random = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(self.0.as_ref());
        let info = [info];
        let derived = pseudo_random.expand(&info, Length(out.len()));
        derived.and_then(|derived| derived.fill(out)).expect("HKDF-SHA256 gives up to 8,160 bytes");
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// The master keys in use, oldest first.
#[derive(Debug, Clone)]
pub struct KeyRing {
    keys: Arc<[MasterKey]>,
}

/// Why there is no key ring.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// The file could not be read.
    #[error("the key file {path} cannot be read")]
    Unreadable {
        /// Its path.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The environment variable is not there, or not text.
    #[error("the environment variable {0} holds no keys")]
    NotSet(String),
    /// A line is not 64 hexadecimal digits.
    #[error("line {0} is not a key of 64 hexadecimal digits")]
    NotAKey(usize),
    /// There is not one key.
    #[error("the key ring is empty")]
    Empty,
}

impl KeyRing {
    /// A ring of these keys, oldest first: the last one seals.
    ///
    /// # Errors
    /// There is none.
    pub fn new(keys: impl IntoIterator<Item = MasterKey>) -> Result<Self, KeyRingError> {
        let keys: Arc<[MasterKey]> = keys.into_iter().collect();
        if keys.is_empty() { Err(KeyRingError::Empty) } else { Ok(Self { keys }) }
    }

    /// A ring from wherever the closure has it: a secret store, say.
    ///
    /// # Errors
    /// The closure's own, or that it returned no key.
    pub fn from_fn<E: From<KeyRingError>>(
        keys: impl FnOnce() -> Result<Vec<MasterKey>, E>,
    ) -> Result<Self, E> {
        Ok(Self::new(keys()?)?)
    }

    /// A ring from a file: one key of 64 hexadecimal digits a line, oldest first; empty lines and lines after `#` count for nothing.
    ///
    /// # Errors
    /// The file cannot be read, or a line is no key.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, KeyRingError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|source| KeyRingError::Unreadable { path: path.display().to_string(), source })?;
        Self::parse(&Zeroizing::new(text))
    }

    /// A ring from an environment variable: keys of 64 hexadecimal digits, oldest first, separated by commas or line ends.
    ///
    /// # Errors
    /// The variable is not set, or holds something else.
    pub fn from_env(variable: &str) -> Result<Self, KeyRingError> {
        let text = std::env::var(variable).map_err(|_| KeyRingError::NotSet(variable.to_owned()))?;
        Self::parse(&Zeroizing::new(text.replace(',', "\n")))
    }

    fn parse(text: &str) -> Result<Self, KeyRingError> {
        let lines = text.lines().map(str::trim).enumerate();
        let keys = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let keys: Result<Vec<_>, _> =
            keys.map(|(n, line)| parse_key(line).ok_or(KeyRingError::NotAKey(n + 1))).collect();
        Self::new(keys?)
    }

    pub(crate) fn newest(&self) -> &MasterKey {
        self.keys.last().expect("a ring is never empty")
    }

    pub(crate) fn keys(&self) -> &[MasterKey] {
        &self.keys
    }
}

fn parse_key(digits: &str) -> Option<MasterKey> {
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = MasterKey::new([0; 32]);
    for (n, byte) in key.0.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * n..2 * n + 2], 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_is_read_from_lines_and_refuses_anything_else() {
        let ring = KeyRing::parse(&format!("# old\n{}\n\n{}\n", "01".repeat(32), "02".repeat(32))).unwrap();
        assert_eq!(ring.newest().0.as_ref(), &[2; 32]);
        assert_eq!(ring.keys().len(), 2);
        assert!(matches!(KeyRing::parse("# nothing"), Err(KeyRingError::Empty)));
        for bad in ["01".repeat(31), "01".repeat(33), "zz".repeat(32), "+1".repeat(32)] {
            assert!(KeyRing::parse(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_and_processes_have_sub_keys_of_their_own() {
        let (one, two) = (MasterKey::new([1; 32]), MasterKey::new([2; 32]));
        assert_ne!(one.id(), two.id());
        assert_ne!(one.sub_key(&[1; 16]), one.sub_key(&[2; 16]));
        assert_ne!(one.sub_key(&[1; 16]), two.sub_key(&[1; 16]));
    }
}
