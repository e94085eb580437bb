//! How an item lies on the disk: its hash and span in front, so that damage is seen before it is sent.
//!
//! `"KSP1" || u32 from_ms || u32 until_ms || SHA-256 of the bytes || bytes`, integers big-endian.

use super::backlog::Span;

/// What stands before the bytes.
pub const HEAD: usize = 44;
const MAGIC: &[u8; 4] = b"KSP1";

/// SHA-256.
pub fn hash(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// The record of these bytes.
pub fn write(span: Span, sha256: &[u8; 32], bytes: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(HEAD + bytes.len());
    record.extend_from_slice(MAGIC);
    record.extend_from_slice(&span.from_ms.to_be_bytes());
    record.extend_from_slice(&span.until_ms.to_be_bytes());
    record.extend_from_slice(sha256);
    record.extend_from_slice(bytes);
    record
}

/// The head of a record: the span and the hash of what follows.
pub fn head(record: &[u8]) -> Option<(Span, [u8; 32])> {
    let rest = record.strip_prefix(MAGIC)?;
    let (from, rest) = rest.split_first_chunk::<4>()?;
    let (until, rest) = rest.split_first_chunk::<4>()?;
    let sha256 = rest.first_chunk::<32>()?;
    let span = Span { from_ms: u32::from_be_bytes(*from), until_ms: u32::from_be_bytes(*until) };
    Some((span, *sha256))
}

/// The bytes of a whole record, if they are what was written.
pub fn body(mut record: Vec<u8>) -> Option<Vec<u8>> {
    let (_, sha256) = head(&record)?;
    let body = record.split_off(HEAD);
    (hash(&body) == sha256).then_some(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_record_reads_back_and_any_changed_byte_is_seen(
            bytes in proptest::collection::vec(any::<u8>(), 0..200), from_ms: u32, until_ms: u32, at: prop::sample::Index
        ) {
            let span = Span { from_ms, until_ms };
            let record = write(span, &hash(&bytes), &bytes);
            prop_assert_eq!(head(&record), Some((span, hash(&bytes))));
            prop_assert_eq!(body(record.clone()), Some(bytes));
            let mut broken = record;
            let at = at.index(broken.len());
            broken[at] ^= 1;
            // The span (bytes 4 to 11) only dates a gap; it is not covered.
            prop_assert!((4..12).contains(&at) || body(broken).is_none());
        }

        #[test]
        fn rubbish_is_no_record(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(head(&bytes).is_none() || bytes.starts_with(b"KSP1"));
            prop_assert!(body(bytes).is_none());
        }
    }
}
