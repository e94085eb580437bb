//! Points of small order: public keys that nobody made honestly, of both curves.
//!
//! Sealing to one fails, and whether a signature under one is good depends on who verifies it. So a document with one in it is
//! refused where it is read, by every implementation alike: nobody can put in a key that others trip over later.
//!
//! The list is complete. An X25519 key's highest bit is ignored (RFC 7748, section 5); an Ed25519 key's is the sign of x, and a
//! point and its negative have one order.

/// 0, 1, -1, and the first two in the forms with the prime added: of small order on both curves.
const BOTH: [[u8; 32]; 5] = [
    little_endian(0x00, 0x00, 0x00),
    little_endian(0x01, 0x00, 0x00),
    little_endian(0xec, 0xff, 0x7f),
    little_endian(0xed, 0xff, 0x7f),
    little_endian(0xee, 0xff, 0x7f),
];

/// The coordinates of order 8 on the Montgomery curve.
const X25519: [[u8; 32]; 2] = [
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda,
        0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04,
        0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
    ],
];

/// And those on the Edwards curve.
const ED25519: [[u8; 32]; 2] = [
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

/// Whether every shared secret with this X25519 key is zero.
pub(crate) fn is_small_x25519(key: &[u8; 32]) -> bool {
    stands_in(key, &X25519)
}

/// Whether this Ed25519 key is a point of small order.
pub(crate) fn is_small_ed25519(key: &[u8; 32]) -> bool {
    stands_in(key, &ED25519)
}

fn stands_in(key: &[u8; 32], own: &[[u8; 32]; 2]) -> bool {
    let mut key = *key;
    key[31] &= 0x7f;
    BOTH.contains(&key) || own.contains(&key)
}

const fn little_endian(lowest: u8, between: u8, highest: u8) -> [u8; 32] {
    let mut bytes = [between; 32];
    (bytes[0], bytes[31]) = (lowest, highest);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counted::Dice;
    use crate::{KemPublic, KemSecret, SealError, SignPublic, SignSecret, hpke};
    use keepsight_ids::B32;

    #[test]
    fn the_list_is_of_those_to_which_nothing_can_be_sealed() {
        let mut rng = Dice(0);
        for key in BOTH.iter().chain(&X25519) {
            for top in [0, 0x80] {
                let mut key = *key;
                key[31] |= top;
                assert!(is_small_x25519(&key));
                let sealed = hpke::seal(&KemPublic(B32(key)), b"", b"", &mut rng);
                assert_eq!(sealed.unwrap_err(), SealError::BadKey, "{key:02x?}");
                let text = serde_json::to_string(&B32(key)).unwrap();
                assert!(serde_json::from_str::<KemPublic>(&text).is_err());
            }
        }
        for key in BOTH.iter().chain(&ED25519) {
            let text = serde_json::to_string(&B32(*key)).unwrap();
            assert!(serde_json::from_str::<SignPublic>(&text).is_err());
        }
    }

    #[test]
    fn honest_keys_are_not_on_it() {
        let mut rng = Dice(0);
        for _ in 0..200 {
            assert!(!is_small_x25519(&KemSecret::random(&mut rng).public().0.0));
            assert!(!is_small_ed25519(&SignSecret::random(&mut rng).public().0.0));
        }
    }
}
