//! The standard parts under one roof: SHA-256, HKDF-SHA256, HMAC-SHA256 and AES-256-GCM, all from aws-lc.
//!
//! Nothing else in the crate names an algorithm. Lengths are fixed by the formats, so what can't fail doesn't return an error.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{digest, hkdf, hmac};
use keepsight_ids::B32;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What AES-256-GCM adds to a text.
pub(crate) const TAG_LEN: usize = 16;

/// SHA-256 of the bytes.
pub fn sha256(bytes: &[u8]) -> B32 {
    let digest = digest::digest(&digest::SHA256, bytes);
    B32(digest.as_ref().try_into().expect("SHA-256 gives 32 bytes"))
}

/// HKDF-SHA256 (RFC 5869) with an empty salt; `info` is joined from its parts.
pub(crate) fn hkdf32(secret: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(secret);
    let mut out = Zeroizing::new([0; 32]);
    prk.expand(info, hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(out.as_mut()))
        .expect("32 bytes are within what HKDF-SHA256 can give");
    out
}

/// HMAC-SHA256.
pub(crate) fn hmac(key: &[u8; 32], bytes: &[u8]) -> B32 {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), bytes);
    B32(tag.as_ref().try_into().expect("HMAC-SHA256 gives 32 bytes"))
}

/// Equality that takes the same time wherever the first difference is.
pub(crate) fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.ct_eq(b).into()
}

/// An AES-256-GCM key, set up once.
pub(crate) struct Aes(LessSafeKey);

impl Aes {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("32 bytes make an AES-256 key")))
    }

    /// The ciphertext and its tag, behind `prefix`. The caller never uses a nonce twice under one key.
    pub(crate) fn seal(&self, nonce: [u8; 12], aad: &[u8], prefix: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(prefix.len() + plain.len() + TAG_LEN);
        out.extend_from_slice(prefix);
        out.extend_from_slice(plain);
        let body = &mut out[prefix.len()..];
        let tag = self
            .0
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), body)
            .expect("the text is shorter than AES-GCM's 64 GiB");
        out.extend_from_slice(tag.as_ref());
        out
    }

    /// The plain text, or nothing when any bit differs.
    pub(crate) fn open(&self, nonce: [u8; 12], aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let mut buffer = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let len = self.0.open_in_place(nonce, Aad::from(aad), &mut buffer).ok()?.len();
        buffer.truncate(len);
        Some(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    #[test]
    fn hkdf_gives_rfc_5869_test_case_3() {
        // A.3: zero-length salt and info.
        let ikm = [0x0b; 22];
        let okm = hkdf32(&ikm, &[]);
        assert_eq!(
            HEXLOWER.encode(okm.as_ref()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
        );
    }

    #[test]
    fn info_parts_are_joined() {
        assert_eq!(hkdf32(b"k", &[b"ab", b"c"]), hkdf32(b"k", &[b"a", b"bc"]));
    }

    #[test]
    fn any_flipped_bit_of_an_aes_text_is_refused() {
        let aes = Aes::new(&[7; 32]);
        let sealed = aes.seal([1; 12], b"aad", b"", b"text");
        assert_eq!(aes.open([1; 12], b"aad", &sealed).as_deref(), Some(&b"text"[..]));
        for bit in 0..sealed.len() * 8 {
            let mut altered = sealed.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(aes.open([1; 12], b"aad", &altered), None);
        }
        assert_eq!(aes.open([1; 12], b"aae", &sealed), None);
        assert_eq!(aes.open([2; 12], b"aad", &sealed), None);
        assert_eq!(aes.open([1; 12], b"aad", &sealed[..TAG_LEN - 1]), None);
    }
}
