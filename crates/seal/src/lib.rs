//! Who can open what: the home's key chain, Event headers, sealed segments, names, invitations and pairing.
//!
//! The formats are docs/formats/sealed-media.md and docs/formats/home-chain.md; the browser's side (web/crypto) follows the
//! same pages, and both run the vectors in `vectors/`. Nothing here reads a clock, a file or a network, and randomness is
//! handed in. What comes from outside is parsed into a type that can't be wrong, or refused with a [`SealError`].
//!
//! ```
//! # fn main() -> Result<(), keepsight_seal::SealError> {
//! use keepsight_ids::{AccountId, HomeId, SlotId, UnixMillis};
//! use keepsight_seal::{AccountKeys, found_home};
//!
//! # struct Dice(u64);
//! # impl rand_core::TryRng for Dice {
//! #     type Error = std::convert::Infallible;
//! #     fn try_next_u32(&mut self) -> Result<u32, Self::Error> { self.0 += 1; Ok(self.0 as u32) }
//! #     fn try_next_u64(&mut self) -> Result<u64, Self::Error> { self.0 += 1; Ok(self.0) }
//! #     fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> { self.0 += 1; out.fill(self.0 as u8); Ok(()) }
//! # }
//! # impl rand_core::TryCryptoRng for Dice {}
//! # let mut rng = Dice(0);
//! let keys = AccountKeys::random(&mut rng);
//! let (home, slot, account) =
//!     (HomeId::from_bytes([1; 16]), SlotId::from_bytes([2; 16]), AccountId::from_bytes([3; 16]));
//! let founded = found_home(home, slot, account, &keys, UnixMillis(1_700_000_000_000), &mut rng)?;
//! assert_eq!(founded.chain.head().entry().seq, 0);
//! # Ok(())
//! # }
//! ```

mod account;
mod base32;
mod chain;
mod content;
#[cfg(test)]
mod counted;
mod epoch;
mod error;
mod event;
mod handover;
mod hpke;
mod invitation;
mod json;
mod keys;
mod name;
mod pairing;
mod primitives;
mod recovery;
mod segment;
mod session;
mod signed;
mod small_order;

pub use account::{
    AccountKeys, ITERATIONS_LEAST, ITERATIONS_MOST, PasswordSplit, RecoverySplit, WRAPPED_LEN, WrapKey,
    split_password,
};
pub use chain::{
    AgentPlace, Chain, Draft, Entry, Founded, MAX_AGENTS, MAX_CHAIN_BYTES, MAX_OWN_ENTRIES, MAX_SLOTS, Pin,
    Slot, VerifiedEntry, found_home,
};
pub use content::{Area, Audio, Card, Counts, Label, Trailer, Video};
pub use epoch::{EpochSecrets, check_package, open_for_slot, seal_package, seal_to_slot};
pub use error::SealError;
pub use event::{Asked, EventHeader, EventOpener, EventSealer, Recipient, To, VerifiedHeader};
pub use handover::HandOver;
pub use invitation::Invitation;
pub use json::V1;
pub use keys::{ContentKey, EpochSecret, KemPublic, KemSecret, SignPublic, SignSecret};
pub use name::{NamedBy, SealedName, Subject, make_name, open_name};
pub use pairing::{Answer, Offer, PairingCode, PairingKey, parse_lookup};
pub use primitives::sha256;
pub use recovery::RecoveryCode;
pub use segment::{IDENTITY_LEN, SegmentIdentity};
pub use session::{sign_session, verify_session};
pub use signed::Label as SignatureLabel;
