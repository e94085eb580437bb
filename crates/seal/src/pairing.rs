//! Pairing: a code that an owner's browser shows and somebody types into the agent, and the two messages made with it.
//!
//! The server sees the look-up part only, and passes on an offer and an answer that it can neither make nor alter.

use std::fmt;
use std::str::FromStr;

use keepsight_ids::{AgentId, B32, HomeId, SlotId};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::json::{self, V1};
use crate::primitives::{hkdf32, hmac, same, sha256};
use crate::{SealError, SignPublic, base32};

const CHARACTERS: usize = 24;
const LOOKUP: usize = 8;
const LIMIT: usize = 4096;
const OFFER: &str = "offer";
const ANSWER: &str = "answer";

/// A pairing code: five bytes of look-up, ten of secret.
#[derive(Clone)]
pub struct PairingCode(Zeroizing<[u8; 15]>);

impl PairingCode {
    /// The code with these bytes.
    pub fn from_bytes(bytes: [u8; 15]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A new code.
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; 15]);
        rng.fill_bytes(bytes.as_mut());
        Self(bytes)
    }

    /// Six groups of four characters, joined by dashes.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(base32::grouped(&base32::digits(self.0.as_ref())))
    }

    /// The 8 characters that the server sees.
    pub fn lookup(&self) -> String {
        base32::digits(&self.0[..5])
    }

    /// What the messages are made with.
    pub fn key(&self) -> PairingKey {
        PairingKey(hkdf32(&self.0[5..], &[b"ks/pair/v1", &self.0[..5]]))
    }
}

impl fmt::Debug for PairingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PairingCode({}..)", self.lookup())
    }
}

impl FromStr for PairingCode {
    type Err = SealError;

    /// Reads what somebody typed, without regard to case, spaces and dashes.
    fn from_str(text: &str) -> Result<Self, SealError> {
        let digits = Zeroizing::new(base32::typed(text));
        if digits.chars().count() != CHARACTERS {
            return Err(SealError::PairingCode("it has six groups of four characters"));
        }
        let bytes = base32::bytes(&digits).and_then(|bytes| <[u8; 15]>::try_from(bytes).ok());
        bytes.map(Self::from_bytes).ok_or(SealError::PairingCode("a character in it is never used"))
    }
}

/// Reads the look-up part alone, as it stands in a path: 8 upper-case characters.
///
/// # Errors
/// [`SealError::PairingCode`].
pub fn parse_lookup(text: &str) -> Result<&str, SealError> {
    let whole = text.len() == LOOKUP && base32::bytes(text).is_some();
    if whole { Ok(text) } else { Err(SealError::PairingCode("its look-up part has 8 characters")) }
}

/// What the two messages of a pairing are made with.
#[derive(Clone)]
pub struct PairingKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for PairingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairingKey(..)")
    }
}

/// What an owner's browser offers to the agent that knows the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// The format.
    pub v: V1,
    /// The home.
    pub home: HomeId,
    /// SHA-256 of its chain's first entry.
    pub genesis: B32,
    /// The owner's slot.
    pub slot: SlotId,
    /// The owner's key.
    pub sign: SignPublic,
    /// SHA-256 of the server's certificate as the server states it; absent where it serves no TLS itself.
    pub tls: Option<B32>,
}

/// What the agent answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The format.
    pub v: V1,
    /// SHA-256 of the offer's bytes.
    pub offer: B32,
    /// The agent.
    pub agent: AgentId,
    /// Its key.
    pub sign: SignPublic,
    /// SHA-256 of the server's certificate as the agent sees it.
    pub tls: Option<B32>,
}

impl Offer {
    /// The bytes to send and their MAC.
    pub fn seal(&self, key: &PairingKey) -> (Vec<u8>, B32) {
        let bytes = json::write(self);
        let mac = key.mac(OFFER, &bytes);
        (bytes, mac)
    }

    /// Opens an offer in the agent.
    ///
    /// # Errors
    /// [`SealError::PairingMac`] (a mistyped secret part, or a server that made it up), [`SealError::Malformed`].
    pub fn open(key: &PairingKey, bytes: &[u8], mac: &B32) -> Result<Self, SealError> {
        key.check(OFFER, bytes, mac)?;
        json::parse("pairing offer", LIMIT, bytes)
    }

    /// In the agent: that an offer which states a certificate states the one that the agent sees.
    ///
    /// # Errors
    /// [`SealError::OtherCertificate`].
    pub fn check_certificate(&self, seen: Option<B32>) -> Result<(), SealError> {
        if self.tls.is_some() && self.tls != seen {
            return Err(SealError::OtherCertificate);
        }
        Ok(())
    }
}

impl Answer {
    /// The agent's answer to the offer with these bytes.
    pub fn to(offer: &[u8], agent: AgentId, sign: SignPublic, tls: Option<B32>) -> Self {
        Self { v: V1, offer: sha256(offer), agent, sign, tls }
    }

    /// The bytes to send and their MAC.
    pub fn seal(&self, key: &PairingKey) -> (Vec<u8>, B32) {
        let bytes = json::write(self);
        let mac = key.mac(ANSWER, &bytes);
        (bytes, mac)
    }

    /// Opens an answer in the owner's browser, which made the offer with the bytes `offer`.
    ///
    /// # Errors
    /// [`SealError::PairingMac`], [`SealError::Malformed`], [`SealError::OtherOffer`], and [`SealError::OtherCertificate`] when
    /// the offer stated a certificate and the agent saw another.
    pub fn open(key: &PairingKey, offer: &[u8], bytes: &[u8], mac: &B32) -> Result<Self, SealError> {
        key.check(ANSWER, bytes, mac)?;
        let answer: Self = json::parse("pairing answer", LIMIT, bytes)?;
        if answer.offer != sha256(offer) {
            return Err(SealError::OtherOffer);
        }
        let offered: Offer = json::parse("pairing offer", LIMIT, offer)?;
        offered.check_certificate(answer.tls)?;
        Ok(answer)
    }
}

impl PairingKey {
    fn mac(&self, label: &str, bytes: &[u8]) -> B32 {
        hmac(&self.0, &[label.as_bytes(), &[0], bytes].concat())
    }

    fn check(&self, what: &'static str, bytes: &[u8], mac: &B32) -> Result<(), SealError> {
        if same(&self.mac(what, bytes).0, &mac.0) { Ok(()) } else { Err(SealError::PairingMac { what }) }
    }
}
