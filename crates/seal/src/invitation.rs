//! An invitation: a secret in a link, from which the keys of a pending slot derive.
//!
//! What follows the link's `#` never reaches a server. The server is shown a token derived from the secret, and keeps its hash.
//! The link also names the home's first entry, so that whoever has it knows the home from one that a server made up.

use keepsight_ids::{B32, HomeId, SlotId};
use keepsight_wire::Signed;
use keepsight_wire::people::InvitationTicket;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::primitives::{hkdf32, sha256};
use crate::{Chain, KemSecret, Pin, SealError, SignSecret};

/// Links of three parts were made before they named the beginning; one whose end was cut off looks the same.
const OLD_FORM: &str =
    "its end is missing, or it was made by an older version; ask the one who invited you for a new link";

/// An invitation into a home.
#[derive(Clone)]
pub struct Invitation {
    /// The home.
    pub home: HomeId,
    /// The pending slot.
    pub slot: SlotId,
    /// SHA-256 of the home's first entry.
    pub genesis: B32,
    secret: Zeroizing<[u8; 16]>,
}

impl std::fmt::Debug for Invitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Invitation({}, {})", self.home, self.slot)
    }
}

impl Invitation {
    /// The invitation with this secret.
    pub fn from_secret(home: HomeId, slot: SlotId, genesis: B32, secret: [u8; 16]) -> Self {
        Self { home, slot, genesis, secret: Zeroizing::new(secret) }
    }

    /// A new invitation into the home that begins with `genesis`.
    pub fn random(home: HomeId, slot: SlotId, genesis: B32, rng: &mut impl CryptoRng) -> Self {
        let mut secret = Zeroizing::new([0; 16]);
        rng.fill_bytes(secret.as_mut());
        Self { home, slot, genesis, secret }
    }

    /// What stands behind `{public_url}/join#`: `{home}.{slot}.{secret}.{genesis}`.
    pub fn fragment(&self) -> Zeroizing<String> {
        let secret = Zeroizing::new(data_encoding::BASE64URL_NOPAD.encode(self.secret.as_ref()));
        Zeroizing::new(format!("{}.{}.{}.{}", self.home, self.slot, *secret, self.genesis))
    }

    /// The whole link.
    pub fn link(&self, public_url: &str) -> Zeroizing<String> {
        Zeroizing::new(format!("{}/join#{}", public_url.trim_end_matches('/'), *self.fragment()))
    }

    /// Reads a link, or what stands behind its `#`.
    ///
    /// # Errors
    /// [`SealError::InvitationLink`].
    pub fn parse(link: &str) -> Result<Self, SealError> {
        let refuse = SealError::InvitationLink;
        let fragment = link.trim().rsplit('#').next().expect("a split has at least one part");
        let parts: Vec<&str> = fragment.split('.').collect();
        let [home, slot, secret, genesis] = parts[..] else {
            return Err(refuse(if parts.len() == 3 { OLD_FORM } else { "it has another form" }));
        };
        let secret = data_encoding::BASE64URL_NOPAD.decode(secret.as_bytes()).map(Zeroizing::new);
        let secret = secret.map_err(|_| refuse("its secret part is damaged"))?;
        let secret = secret.as_slice().try_into().map_err(|_| refuse("its secret part is damaged"))?;
        let home = home.parse().map_err(|_| refuse("it names no home"))?;
        let slot = slot.parse().map_err(|_| refuse("it names no place in the home"))?;
        let genesis = genesis.parse().map_err(|_| refuse("its last part is damaged"))?;
        Ok(Self::from_secret(home, slot, genesis, secret))
    }

    /// Verifies what the server shows to the invitation's holder, before anything is signed, sent or opened. `pin` is what they
    /// may have seen of this home already.
    ///
    /// # Errors
    /// As [`Chain::verify`] and [`Invitation::is_in`].
    pub fn verify(&self, entries: &[Signed], pin: Option<&Pin>) -> Result<Chain, SealError> {
        let chain = Chain::verify(self.home, entries, pin)?;
        self.is_in(&chain)?;
        Ok(chain)
    }

    /// The pending slot's private key.
    pub fn kem(&self) -> KemSecret {
        KemSecret::from_bytes(*self.derive(b"ks/invite/v1/kem"))
    }

    /// What signs the acceptance.
    pub fn sign(&self) -> SignSecret {
        SignSecret::from_bytes(*self.derive(b"ks/invite/v1/sign"))
    }

    /// What shows the server that one has the link.
    pub fn token(&self) -> B32 {
        B32(*self.derive(b"ks/invite/v1/token"))
    }

    /// What the server keeps of it.
    pub fn token_hash(&self) -> B32 {
        sha256(&self.token().0)
    }

    /// The proof as it is sent.
    pub fn ticket(&self) -> InvitationTicket {
        InvitationTicket { home: self.home, slot: self.slot, token: self.token() }
    }

    /// That the chain begins as the link says, and that its highest entry holds this invitation, still open. The slot's keys alone
    /// prove nothing: a server that makes up a home can copy them from the real one.
    ///
    /// # Errors
    /// [`SealError::ForeignHome`], [`SealError::NotTheInvitedHome`], [`SealError::InvitationNotListed`].
    pub fn is_in(&self, chain: &Chain) -> Result<(), SealError> {
        if chain.home() != self.home {
            return Err(SealError::ForeignHome { expected: self.home, found: chain.home() });
        }
        if chain.pin().genesis != self.genesis {
            return Err(SealError::NotTheInvitedHome);
        }
        let slot = chain.head().entry().slot(self.slot).ok_or(SealError::InvitationNotListed)?;
        let ours = slot.is_pending() && slot.kem == self.kem().public() && slot.sign == self.sign().public();
        if ours { Ok(()) } else { Err(SealError::InvitationNotListed) }
    }

    fn derive(&self, label: &[u8]) -> Zeroizing<[u8; 32]> {
        hkdf32(self.secret.as_ref(), &[label, self.home.as_bytes(), self.slot.as_bytes()])
    }
}
