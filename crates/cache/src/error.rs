//! What a caller of the cache can be told. That the cache server is away is not among the errors of a get: the origin answers then.

use std::sync::Arc;

use crate::backend::BackendError;

/// Why a value could not be had. `E` is the loader's own error, shared by all who waited for the same load.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error<E> {
    /// The loader failed.
    #[error("loading failed: {0}")]
    Load(Arc<E>),
    /// The origin has as much to do as it bears; this load was shed.
    #[error("overloaded: the load was shed")]
    Overloaded,
    /// The load, or waiting for it, took too long.
    #[error("out of time")]
    Deadline,
    /// The loader panicked.
    #[error("the loader panicked")]
    Panicked,
}

impl<E> Clone for Error<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Load(error) => Self::Load(error.clone()),
            Self::Overloaded => Self::Overloaded,
            Self::Deadline => Self::Deadline,
            Self::Panicked => Self::Panicked,
        }
    }
}

/// An invalidation was not acknowledged: this process forgot its own copies, others may not have. Say it again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not acknowledged by the cache server: {0}")]
pub struct NotInvalidated(#[from] pub BackendError);
