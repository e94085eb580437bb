//! Crockford's base32 as people type it: upper case, in groups of four; reading forgives case, spaces, dashes and look-alikes.

use std::sync::LazyLock;

use data_encoding::{Encoding, Specification};

static UPPER: LazyLock<Encoding> = LazyLock::new(|| {
    let mut spec = Specification::new();
    spec.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    spec.encoding().expect("32 distinct symbols make an encoding")
});

/// The digits of these bytes (a multiple of five, so that no bits are left over).
pub(crate) fn digits(bytes: &[u8]) -> String {
    debug_assert!(bytes.len().is_multiple_of(5));
    UPPER.encode(bytes)
}

/// The bytes of these digits, if their number makes whole bytes.
pub(crate) fn bytes(digits: &str) -> Option<Vec<u8>> {
    UPPER.decode(digits.as_bytes()).ok()
}

/// The first 20 bits of a hash, as four digits.
pub(crate) fn check_digits(hash: &[u8; 32]) -> String {
    UPPER.encode(&hash[..5])[..4].to_owned()
}

/// What somebody typed, as digits: upper case, without spaces and dashes, O read as 0, I and L as 1.
pub(crate) fn typed(text: &str) -> String {
    let kept = text.chars().filter(|c| !c.is_whitespace() && *c != '-');
    kept.map(|c| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    })
    .collect()
}

/// Groups of four joined by dashes.
pub(crate) fn grouped(digits: &str) -> String {
    digits.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group)).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_forgives_case_spaces_dashes_and_look_alikes() {
        assert_eq!(typed(" o1-il\tzZ "), "0111ZZ");
        assert_eq!(bytes(&typed("oooo oooi")), Some(vec![0, 0, 0, 0, 1]));
        assert_eq!(bytes("UUUUUUUU"), None);
        assert_eq!(grouped("ABCDEFGHJ"), "ABCD-EFGH-J");
    }
}
