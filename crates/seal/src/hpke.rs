//! HPKE (RFC 9180) in the one suite of the formats: base mode, single shot, X25519, HKDF-SHA256, AES-256-GCM, empty `aad`.
//!
//! Every `info` begins with its use and names all that the sealed secret belongs to, so that what was sealed for one
//! purpose, home or Event opens for no other.

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use keepsight_ids::{B32, B64};
use keepsight_wire::Sealed;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{KemPublic, SealError};

/// Seals `plain` to a public key.
///
/// # Errors
/// [`SealError::BadKey`] for a public key of low order.
pub(crate) fn seal(
    to: &KemPublic,
    info: &[u8],
    plain: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Sealed, SealError> {
    let key = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&to.0.0).map_err(|_| SealError::BadKey)?;
    let (enc, mut context) = hpke::setup_sender_with_rng::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &key,
        info,
        rng,
    )
    .map_err(|_| SealError::BadKey)?;
    let ct = context.seal(plain, &[]).map_err(|_| SealError::BadKey)?;
    Ok(Sealed { enc: B32(enc.to_bytes().into()), ct: B64(ct) })
}

/// Opens what was sealed to the public key of `secret` under the same `info`; `what` is for the error.
///
/// # Errors
/// [`SealError::CannotOpen`] for another key or info, or any altered bit.
pub(crate) fn open(
    secret: &[u8; 32],
    info: &[u8],
    enc: &B32,
    ct: &[u8],
    what: &'static str,
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let refuse = |_| SealError::CannotOpen { what };
    let key = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(secret).map_err(refuse)?;
    let enc = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&enc.0).map_err(refuse)?;
    let mut context =
        hpke::setup_receiver::<AesGcm256, HkdfSha256, X25519HkdfSha256>(&OpModeR::Base, &key, &enc, info)
            .map_err(refuse)?;
    context.open(ct, &[]).map(Zeroizing::new).map_err(refuse)
}
