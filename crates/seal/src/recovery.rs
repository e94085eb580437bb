//! The recovery code: 160 random bits that a person writes down, with four characters that catch a slip of the pen.

use std::fmt;
use std::str::FromStr;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::account::RecoverySplit;
use crate::primitives::sha256;
use crate::{SealError, base32};

const CHARACTERS: usize = 36;

/// A recovery code. Its text is what the person keeps.
#[derive(Clone)]
pub struct RecoveryCode(Zeroizing<[u8; 20]>);

impl RecoveryCode {
    /// The code with these bytes.
    pub fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A new code.
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; 20]);
        rng.fill_bytes(bytes.as_mut());
        Self(bytes)
    }

    /// Nine groups of four characters, joined by dashes.
    pub fn text(&self) -> Zeroizing<String> {
        let digits = base32::digits(self.0.as_ref()) + &check(&self.0);
        Zeroizing::new(base32::grouped(&digits))
    }

    /// What signs in, and what unwraps the keys.
    pub fn split(&self) -> RecoverySplit {
        RecoverySplit::of(&self.0)
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(..)")
    }
}

impl FromStr for RecoveryCode {
    type Err = SealError;

    /// Reads what somebody typed, without regard to case, spaces and dashes.
    fn from_str(text: &str) -> Result<Self, SealError> {
        let digits = Zeroizing::new(base32::typed(text));
        if digits.chars().count() != CHARACTERS {
            return Err(SealError::RecoveryCode("it has nine groups of four characters"));
        }
        let (code, checked) = digits
            .split_at_checked(CHARACTERS - 4)
            .ok_or(SealError::RecoveryCode("a character in it is never used"))?;
        let bytes = base32::bytes(code).ok_or(SealError::RecoveryCode("a character in it is never used"))?;
        let bytes: [u8; 20] =
            bytes.try_into().map_err(|_| SealError::RecoveryCode("a character is missing"))?;
        if check(&bytes) != checked {
            return Err(SealError::RecoveryCode("a character in it is mistyped"));
        }
        Ok(Self::from_bytes(bytes))
    }
}

fn check(bytes: &[u8; 20]) -> String {
    base32::check_digits(&sha256(&[b"ks/recovery/v1", &bytes[..]].concat()).0)
}
