//! What the cases are made of: counted randomness, named identities, keys, and raw signing, for what the crate itself refuses to sign.

use aws_lc_rs::hkdf;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use data_encoding::BASE64URL_NOPAD;
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use keepsight_ids::{
    AccountId, AgentId, B32, B64, CameraId, EventId, HomeId, SegmentKind, SegmentNo, SlotId, UnixMillis,
};
use keepsight_seal::{AccountKeys, Asked, ContentKey, EventOpener, SealError, sha256};
use keepsight_wire::Signed;
use rand_core::{CryptoRng, Rng};
use serde_json::{Value, json};

use crate::run::{bytes, bytes32, get, text};

/// Counted randomness: SHA-256 of a name and a counter. Every case begins its own, so that adding one moves no other.
pub struct Dice {
    name: String,
    drawn: u64,
}

pub fn dice(name: &str) -> Dice {
    Dice { name: name.to_owned(), drawn: 0 }
}

impl rand_core::TryRng for Dice {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut four = [0; 4];
        self.try_fill_bytes(&mut four)?;
        Ok(u32::from_be_bytes(four))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut eight = [0; 8];
        self.try_fill_bytes(&mut eight)?;
        Ok(u64::from_be_bytes(eight))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in out.chunks_mut(32) {
            let hash = sha256(format!("{} {}", self.name, self.drawn).as_bytes());
            chunk.copy_from_slice(&hash.0[..chunk.len()]);
            self.drawn += 1;
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Dice {}

fn sixteen(name: &str) -> [u8; 16] {
    sha256(name.as_bytes()).0[..16].try_into().expect("16 of 32")
}

pub fn home(name: &str) -> HomeId {
    HomeId::from_bytes(sixteen(&format!("home {name}")))
}

pub fn slot(name: &str) -> SlotId {
    SlotId::from_bytes(sixteen(&format!("slot {name}")))
}

pub fn account(name: &str) -> AccountId {
    AccountId::from_bytes(sixteen(&format!("account {name}")))
}

pub fn agent(name: &str) -> AgentId {
    AgentId::from_bytes(sixteen(&format!("agent {name}")))
}

pub fn camera(name: &str) -> CameraId {
    CameraId::from_bytes(sixteen(&format!("camera {name}")))
}

pub fn event(name: &str) -> EventId {
    EventId::from_bytes(sixteen(&format!("event {name}")))
}

pub fn keys(name: &str) -> AccountKeys {
    AccountKeys::random(&mut dice(&format!("keys of {name}")))
}

pub const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

pub fn b64(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

pub fn asked(value: &Value) -> Asked {
    Asked { home: get(value, "home"), camera: get(value, "camera"), event: get(value, "event") }
}

/// Signs any bytes under a label, also what no honest implementation would.
pub fn raw_sign(label: &str, document: &[u8], seed: &[u8; 32]) -> Signed {
    let key = Ed25519KeyPair::from_seed_unchecked(seed).expect("any seed");
    let message = [label.as_bytes(), &[0], document].concat();
    Signed { body: B64(document.to_vec()), signature: B64(key.sign(&message).as_ref().to_vec()) }
}

/// The document with its first occurrence of `from` replaced; it has to be there.
pub fn edited(document: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = std::str::from_utf8(document).expect("documents are UTF-8");
    assert!(text.contains(from), "{from} is not in {text}");
    text.replacen(from, to, 1).into_bytes()
}

pub fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut altered = bytes.to_vec();
    altered[at] ^= 1;
    altered
}

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;

/// Hands out the given bytes, and nothing after them.
struct Given(Vec<u8>);

impl rand_core::TryRng for Given {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        unreachable!("HPKE draws bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        unreachable!("HPKE draws bytes")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        out.copy_from_slice(&self.0.split_off(self.0.len() - out.len()));
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Given {}

/// RFC 9180, section 7.1.3: the key pair of some key material.
pub fn derived_private(material: &[u8]) -> [u8; 32] {
    X25519HkdfSha256::derive_keypair(material).0.to_bytes().into()
}

pub fn hpke_seal_raw(
    public: &[u8; 32],
    info: &[u8],
    plain: &[u8],
    aad: &[u8],
    rng: &mut impl CryptoRng,
) -> ([u8; 32], Vec<u8>) {
    let key = PublicKey::from_bytes(public).expect("a public key");
    let (enc, mut context) = hpke::setup_sender_with_rng::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &key,
        info,
        rng,
    )
    .expect("a usable public key");
    (enc.to_bytes().into(), context.seal(plain, aad).expect("a short text"))
}

/// As [`hpke_seal_raw`], with the ephemeral key that derives from this material.
pub fn hpke_seal_with(
    public: &[u8; 32],
    info: &[u8],
    plain: &[u8],
    aad: &[u8],
    material: &[u8],
) -> ([u8; 32], Vec<u8>) {
    hpke_seal_raw(public, info, plain, aad, &mut Given(material.to_vec()))
}

pub fn hpke_run(operation: &str, input: &Value) -> Result<Value, SealError> {
    let info = bytes(input, "info");
    if operation == "seal" {
        let material = bytes(input, "ephemeral_material");
        assert_eq!(derived_private(&material), bytes32(input, "ephemeral_private"));
        let public = bytes32(input, "recipient_public");
        let (enc, ct) = hpke_seal_with(&public, &info, &bytes(input, "plain"), b"", &material);
        return Ok(json!({ "enc": b64(&enc), "ct": b64(&ct) }));
    }
    let refuse = |_| SealError::CannotOpen { what: "text" };
    let key = PrivateKey::from_bytes(&bytes(input, "recipient_private")).expect("a private key");
    let enc = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&bytes(input, "enc")).map_err(refuse)?;
    let mut context =
        hpke::setup_receiver::<AesGcm256, HkdfSha256, X25519HkdfSha256>(&OpModeR::Base, &key, &enc, &info)
            .map_err(refuse)?;
    let plain = context.open(&bytes(input, "ct"), b"").map_err(refuse)?;
    Ok(json!({ "plain": b64(&plain) }))
}

pub fn primitive_run(operation: &str, input: &Value) -> Result<Value, SealError> {
    match operation {
        "hkdf" => {
            let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(&bytes(input, "secret"));
            let info = bytes(input, "info");
            let info = [info.as_slice()];
            let mut okm = [0; 32];
            prk.expand(&info, hkdf::HKDF_SHA256).and_then(|out| out.fill(&mut okm)).expect("32 bytes");
            Ok(json!({ "okm": b64(&okm) }))
        }
        "sign" => {
            let seed = bytes32(input, "seed");
            let signed = raw_sign(text(input, "label"), &bytes(input, "document"), &seed);
            let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("any seed");
            Ok(json!({ "public": b64(pair.public_key().as_ref()), "signature": signed.signature }))
        }
        "verify" => {
            let signed: Signed = get(input, "signed");
            let message = [text(input, "label").as_bytes(), &[0], &signed.body.0].concat();
            UnparsedPublicKey::new(&ED25519, bytes32(input, "public"))
                .verify(&message, &signed.signature.0)
                .map(|()| json!({}))
                .map_err(|_| SealError::BadSignature { what: "document" })
        }
        other => panic!("no such operation: {other}"),
    }
}

pub fn segment_run(input: &Value) -> Result<Value, SealError> {
    let wanted = &input["asked"];
    let (kind, number): (SegmentKind, SegmentNo) = (get(wanted, "kind"), get(wanted, "number"));
    let key = ContentKey::from_bytes(bytes32(input, "content_key"));
    let opener = EventOpener::with_key(asked(wanted), get::<B32>(input, "header_sha256"), key);
    Ok(json!({ "plain": b64(&opener.open(kind, number, &bytes(input, "sealed"))?) }))
}

pub fn draw<const N: usize>(rng: &mut Dice) -> [u8; N] {
    let mut out = [0; N];
    rng.fill_bytes(&mut out);
    out
}
