//! Where records become durable.

use async_trait::async_trait;

use crate::Record;

/// Why records could not be made durable. What was to be disclosed is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The disk is full.
    #[error("no space left for the ledger")]
    NoSpace,
    /// Anything else that may pass.
    #[error("the ledger can't be written: {0}")]
    Unavailable(String),
}

/// Keeps records for ever.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Appends all of them, or none. They are durable when it returns `Ok`.
    ///
    /// # Errors
    /// A [`JournalError`]; whether the records were kept is then not known, and it may be that they were.
    async fn append(&self, batch: Vec<Record>) -> Result<(), JournalError>;
}
