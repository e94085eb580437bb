//! No view and no offer without a record.
//!
//! What a store reads comes back as [`Locked`]. It opens only with a [`Receipt`], which only [`Ledger::disclose`] makes, and only
//! once a [`Record`] of who saw what is durable; opening compares the identity that the row or object itself states with what
//! the Permit was for. This crate knows neither SQL nor HTTP: what makes records durable is a [`Journal`].
//!
//! A Permit is used up by its disclosure, and can't be doubled:
//!
//! ```compile_fail,E0382
//! # use keepsight_ledger::{Disclosure, Ledger};
//! async fn twice(ledger: &std::sync::Arc<Ledger>, permit: keepsight_gate::Permit, what: Disclosure) {
//!     let _ = ledger.disclose(permit, what).await;
//!     let _ = ledger.disclose(permit, what).await;
//! }
//! ```
//!
//! ```compile_fail,E0277
//! fn double(permit: &keepsight_gate::Permit) -> keepsight_gate::Permit {
//!     keepsight_gate::Permit::clone(permit)
//! }
//! ```

mod identity;
mod journal;
mod ledger;
mod locked;
mod receipt;
mod record;
#[cfg(test)]
mod testing;

pub use identity::{Identified, Identity};
pub use journal::{Journal, JournalError};
pub use ledger::{Disclosure, Ledger, LedgerError, Refusal};
pub use locked::Locked;
pub use receipt::{Misfiled, Receipt};
pub use record::{Facts, Kind, Record, Span, Unreadable};
