//! An account's keys, and how the password or the recovery code both signs in and unwraps them.
//!
//! The server gets `login`, from which `wrap` can't be computed, and the keys wrapped under `wrap`; it never gets a password
//! or a key.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use keepsight_ids::{AccountId, B32};
use rand_core::CryptoRng;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::primitives::{Aes, hkdf32};
use crate::{KemSecret, SealError, SignSecret};

/// Fewer rounds than this are refused, whoever asks for them.
pub const ITERATIONS_LEAST: u32 = 600_000;
/// More are refused too: a server could keep a browser busy for ever.
pub const ITERATIONS_MOST: u32 = 10_000_000;
/// Wrapped keys: a nonce, two private keys, a tag.
pub const WRAPPED_LEN: usize = 12 + 64 + 16;
const VERSION: u32 = 1;
const KEYS: &str = "account's keys";

/// What an account seals with and signs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountKeys {
    /// Opens what is sealed to the person.
    pub kem: KemSecret,
    /// Signs for them.
    pub sign: SignSecret,
}

impl AccountKeys {
    /// New keys.
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        Self { kem: KemSecret::random(rng), sign: SignSecret::random(rng) }
    }

    /// The keys wrapped for the server to keep: [`WRAPPED_LEN`] bytes.
    pub fn wrap(&self, account: AccountId, key: &WrapKey, rng: &mut impl CryptoRng) -> Vec<u8> {
        let mut nonce = [0; 12];
        rng.fill_bytes(&mut nonce);
        let plain = Zeroizing::new([&self.kem.expose()[..], self.sign.expose()].concat());
        Aes::new(&key.0).seal(nonce, &associated(account), &nonce, &plain)
    }

    /// The keys that were wrapped for this account.
    ///
    /// # Errors
    /// [`SealError::CannotOpen`]: a wrong password or code, another account's keys, or altered bytes.
    pub fn unwrap(account: AccountId, key: &WrapKey, wrapped: &[u8]) -> Result<Self, SealError> {
        let refuse = SealError::CannotOpen { what: KEYS };
        if wrapped.len() != WRAPPED_LEN {
            return Err(refuse);
        }
        let (nonce, sealed) = wrapped.split_first_chunk::<12>().expect("92 bytes, by the length");
        let plain = Aes::new(&key.0).open(*nonce, &associated(account), sealed).map(Zeroizing::new);
        let plain = plain.ok_or(refuse)?;
        let half = |at: usize| plain[at..at + 32].try_into().expect("64 bytes, by the length");
        Ok(Self { kem: KemSecret::from_bytes(half(0)), sign: SignSecret::from_bytes(half(32)) })
    }
}

fn associated(account: AccountId) -> Vec<u8> {
    [&account.as_bytes()[..], &VERSION.to_be_bytes()].concat()
}

/// What account keys are wrapped under.
#[derive(Clone)]
pub struct WrapKey(Zeroizing<[u8; 32]>);

impl WrapKey {
    /// The key with these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key itself; for vectors.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for WrapKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WrapKey(..)")
    }
}

/// A stretched password: one half for the server, one that stays here.
#[derive(Debug, Clone)]
pub struct PasswordSplit {
    /// Shown to the server to sign in.
    pub login: B32,
    /// Unwraps the account's keys.
    pub wrap: WrapKey,
}

/// A recovery code's two halves.
#[derive(Debug, Clone)]
pub struct RecoverySplit {
    /// Shown to the server to open the recovery.
    pub login: B32,
    /// Unwraps the account's keys.
    pub wrap: WrapKey,
}

/// Stretches a password (NFKC, UTF-8) and splits it.
///
/// # Errors
/// [`SealError::PasswordParameters`] for too few or too many rounds; [`SealError::Malformed`] for a salt that isn't 16 bytes.
pub fn split_password(password: &str, salt: &[u8], iterations: u32) -> Result<PasswordSplit, SealError> {
    if !(ITERATIONS_LEAST..=ITERATIONS_MOST).contains(&iterations) {
        return Err(SealError::PasswordParameters { iterations });
    }
    if salt.len() != 16 {
        return Err(SealError::malformed("password salt", "it is not 16 bytes"));
    }
    let rounds = NonZeroU32::new(iterations).expect("at least 600000, by the check above");
    let text: Zeroizing<String> = Zeroizing::new(password.nfkc().collect());
    let mut master = Zeroizing::new([0; 32]);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, salt, text.as_bytes(), master.as_mut());
    Ok(PasswordSplit {
        login: B32(*hkdf32(master.as_ref(), &[b"ks/account/v1/login"])),
        wrap: WrapKey(hkdf32(master.as_ref(), &[b"ks/account/v1/wrap"])),
    })
}

impl RecoverySplit {
    pub(crate) fn of(code: &[u8; 20]) -> Self {
        Self {
            login: B32(*hkdf32(code, &[b"ks/recovery/v1/login"])),
            wrap: WrapKey(hkdf32(code, &[b"ks/recovery/v1/wrap"])),
        }
    }
}
