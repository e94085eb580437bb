//! Keys as types: what seals, what signs, what opens an epoch, what opens an Event.
//!
//! Secrets are wiped when dropped and show nothing of themselves. Public keys of the two kinds can't be swapped.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use hpke::{Deserializable, Kem, Serializable};
use keepsight_ids::B32;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::SealError;
use crate::primitives::{hkdf32, same};
use crate::small_order::{is_small_ed25519, is_small_x25519};

type X25519 = hpke::kem::X25519HkdfSha256;

/// An X25519 public key: things are sealed to it. One that was read from a document can be sealed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "B32", into = "B32")]
pub struct KemPublic(pub B32);

/// An Ed25519 public key: signatures are checked by it. One that was read from a document is no point of small order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "B32", into = "B32")]
pub struct SignPublic(pub B32);

impl TryFrom<B32> for KemPublic {
    type Error = SealError;

    fn try_from(key: B32) -> Result<Self, SealError> {
        if is_small_x25519(&key.0) { Err(SealError::BadKey) } else { Ok(Self(key)) }
    }
}

impl TryFrom<B32> for SignPublic {
    type Error = SealError;

    fn try_from(key: B32) -> Result<Self, SealError> {
        if is_small_ed25519(&key.0) { Err(SealError::BadKey) } else { Ok(Self(key)) }
    }
}

impl From<KemPublic> for B32 {
    fn from(key: KemPublic) -> Self {
        key.0
    }
}

impl From<SignPublic> for B32 {
    fn from(key: SignPublic) -> Self {
        key.0
    }
}

macro_rules! secret {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Zeroizing<[u8; 32]>);

        impl $name {
            /// The secret with these bytes.
            pub fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(Zeroizing::new(bytes))
            }

            /// A new secret.
            pub fn random(rng: &mut impl CryptoRng) -> Self {
                let mut bytes = Zeroizing::new([0; 32]);
                rng.fill_bytes(bytes.as_mut());
                Self(bytes)
            }

            /// The secret itself, for storing or wrapping it.
            pub fn expose(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                same(&self.0, &other.0)
            }
        }

        impl Eq for $name {}
    )*};
}

secret!(
    /// An X25519 private key: opens what was sealed to one person or one invitation.
    KemSecret,
    /// An Ed25519 seed: signs for one person, one invitation or one agent.
    SignSecret,
    /// An epoch's X25519 private key: opens what was sealed to a home in that epoch.
    EpochSecret,
    /// What one Event is encrypted with. Made for one recording and never stored by the agent.
    ContentKey
);

impl KemSecret {
    /// The public key.
    pub fn public(&self) -> KemPublic {
        public_of(&self.0)
    }
}

impl EpochSecret {
    /// The public key, as the chain's entries state it.
    pub fn public(&self) -> KemPublic {
        public_of(&self.0)
    }
}

impl SignSecret {
    /// The public key.
    pub fn public(&self) -> SignPublic {
        let key = self.pair();
        SignPublic(B32(key.public_key().as_ref().try_into().expect("Ed25519 public keys have 32 bytes")))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair().sign(message).as_ref().to_vec()
    }

    fn pair(&self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&self.0[..]).expect("any 32 bytes are an Ed25519 seed")
    }
}

impl SignPublic {
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0.0).verify(message, signature).is_ok()
    }
}

impl ContentKey {
    /// What a header states, so that it can't mean two keys: `HKDF(content key, "ks/commit/v1")`.
    pub fn commitment(&self) -> B32 {
        B32(*hkdf32(&self.0[..], &[b"ks/commit/v1"]))
    }

    pub(crate) fn from_opened(bytes: &[u8]) -> Result<Self, SealError> {
        from_opened(bytes).map(Self).ok_or(SealError::CannotOpen { what: "Event" })
    }
}

impl EpochSecret {
    pub(crate) fn from_opened(bytes: &[u8]) -> Result<Self, SealError> {
        from_opened(bytes).map(Self).ok_or(SealError::CannotOpen { what: "home key" })
    }
}

fn from_opened(bytes: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    bytes.try_into().ok().map(Zeroizing::new)
}

fn public_of(secret: &[u8; 32]) -> KemPublic {
    let secret =
        <X25519 as Kem>::PrivateKey::from_bytes(secret).expect("any 32 bytes are an X25519 private key");
    KemPublic(B32(X25519::sk_to_pk(&secret).to_bytes().into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    fn hex(text: &str) -> [u8; 32] {
        HEXLOWER.decode(text.as_bytes()).unwrap().try_into().unwrap()
    }

    #[test]
    fn ed25519_gives_rfc_8032_test_1() {
        let key =
            SignSecret::from_bytes(hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
        assert_eq!(key.public().0.0, hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"));
        assert!(
            HEXLOWER.encode(&key.sign(b"")).starts_with("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974")
        );
    }

    #[test]
    fn x25519_gives_rfc_7748_section_6_1() {
        let key =
            KemSecret::from_bytes(hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
        assert_eq!(key.public().0.0, hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"));
    }

    #[test]
    fn secrets_do_not_show_themselves() {
        assert_eq!(format!("{:?}", ContentKey::from_bytes([9; 32])), "ContentKey(..)");
    }
}
