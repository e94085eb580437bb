//! The hand-over: what an account's old key says when other keys take its place.
//!
//! It names the new keys and the logins of the new password and recovery code, so that whoever has a stolen sign-in but not the
//! keys can replace nothing. What happens in each home is an entry of its chain (docs/formats/home-chain.md).

use keepsight_ids::{AccountId, B32};
use keepsight_wire::Signed;
use serde::{Deserialize, Serialize};

use crate::json::{self, V1};
use crate::signed::{Label, sign, signed_by};
use crate::{KemPublic, SealError, SignPublic, SignSecret};

const HAND_OVER: &str = "hand-over of keys";
const HAND_OVER_LIMIT: usize = 4 * 1024;

/// Other keys for an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandOver {
    /// The format.
    pub v: V1,
    /// Whose keys.
    pub account: AccountId,
    /// Things are sealed to this key from now on.
    pub kem: KemPublic,
    /// And signed by this one.
    pub sign: SignPublic,
    /// SHA-256 of the new password's `login` half.
    pub password: B32,
    /// SHA-256 of the new recovery code's `login` half.
    pub recovery: B32,
}

impl HandOver {
    /// Signs it with the key that it replaces.
    pub fn signed(&self, old: &SignSecret) -> Signed {
        sign(Label::AccountKeys, self, old)
    }

    /// Verifies a hand-over of `account`, whose key is `old` until now.
    ///
    /// # Errors
    /// [`SealError::Malformed`], [`SealError::TooLarge`]; [`SealError::BadSignature`] when it is another account's, or not signed
    /// by its key.
    pub fn verify(signed: &Signed, account: AccountId, old: &SignPublic) -> Result<Self, SealError> {
        let stated: Self = json::parse(HAND_OVER, HAND_OVER_LIMIT, &signed.body.0)?;
        if stated.account != account || !signed_by(Label::AccountKeys, signed, old) {
            return Err(SealError::BadSignature { what: HAND_OVER });
        }
        Ok(stated)
    }
}
