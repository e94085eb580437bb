//! Everything that can go wrong between a person and their server.

use http::StatusCode;
use keepsight_seal::SealError;

/// Why something did not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PersonError {
    /// The server can't be reached, or the connection broke.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// The server said no.
    #[error("{message} ({code}, request {request})")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// The stable reason.
        code: String,
        /// For people.
        message: String,
        /// Names the request in the server's log.
        request: String,
    },
    /// The answer isn't what the API promises.
    #[error("the server's answer to {path} cannot be read: {why}")]
    Unreadable {
        /// What was asked.
        path: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// What came was refused here, whatever the server says.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The keys are locked: [`crate::Person::unlock`] first.
    #[error("the account is locked here: unlock it with the password first")]
    Locked,
    /// The home's chain doesn't list this account.
    #[error("the list of members of this home does not name this account")]
    NotAMember,
    /// The base address can't be used.
    #[error("this is not an address of a server: {0}")]
    BadAddress(String),
}

impl PersonError {
    /// The status of a refusal by the server.
    pub const fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The stable reason of a refusal by the server.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }
}
