//! What keeps the bytes: a server, or this process's memory. It knows locations and envelopes, never keys or values.
//!
//! A backend need not be trusted to answer for the right location: what it returns is believed only under its own key. It is trusted to keep the order of
//! calls about one location and to compare lease tokens. [`suite`](crate::suite) holds every backend to this.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::key::Location;

/// Who may store the result of a load: whoever holds the lease of that location.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token(pub [u8; 16]);

/// What a get found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The envelope; none is a miss.
    pub envelope: Option<Bytes>,
    /// Which connection said so, see [`Backend::generation`].
    pub generation: u64,
}

/// What asking for a lease brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leased {
    /// Whether the lease is held now under the token that was given.
    pub won: bool,
    /// What was stored there at that moment.
    pub found: Found,
}

/// Keeps envelopes.
///
/// Calls about one location take effect in the order in which they were made, not in which their replies are awaited; calls about different ones in any order. Every reply comes within a bounded time: a backend
/// has its own deadline. A reply that is dropped changes nothing for others.
pub trait Backend: Send + Sync + 'static {
    /// What is stored at a location.
    fn get(&self, at: Location) -> Reply<Found>;

    /// Asks for the lease of a location for so long; won only if nobody holds it.
    fn lease(&self, at: Location, token: Token, lifetime: Duration) -> Reply<Leased>;

    /// Stores an envelope; with a token only if that lease is still held, and the lease ends. Says whether it was stored.
    fn fill(&self, at: Location, token: Option<Token>, envelope: Bytes, lifetime: Duration) -> Reply<bool>;

    /// Ends a lease, if it is held under this token.
    fn release(&self, at: Location, token: Token) -> Reply<()>;

    /// Removes what is stored and ends the lease, so that a load that began before is not stored after.
    fn invalidate(&self, at: Location) -> Reply<()>;

    /// What is stored at a location; if nothing is, `fresh` is stored and returned.
    fn adopt(&self, at: Location, fresh: Bytes, lifetime: Duration) -> Reply<Found>;

    /// A number that grows whenever the connection is a new one. Copies kept outside the backend are dropped then.
    fn generation(&self) -> u64;

    /// An answer of this generation was somebody else's: nothing more of that connection may be believed.
    fn distrust(&self, generation: u64);
}

/// Why a backend did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// Nothing was sent: there is no connection now.
    #[error("the cache server cannot be reached")]
    Unavailable,
    /// It was sent, and the connection ended before its reply: whether it was done is not known.
    #[error("the connection to the cache server ended; whether it was done is not known")]
    OutcomeUnknown,
    /// Nothing was sent: the envelope is larger than the backend keeps.
    #[error("larger than the backend keeps")]
    TooLarge,
    /// The server said no (out of memory, read-only, no permission, ..).
    #[error("the cache server refused: {0}")]
    Refused(String),
}

/// A reply on its way. Dropping it leaves its place to its owner.
#[derive(Debug)]
pub struct Reply<T>(State<T>);

#[derive(Debug)]
enum State<T> {
    Ready(Option<Result<T, BackendError>>),
    Pending(oneshot::Receiver<Result<T, BackendError>>),
}

/// The other end of a [`Reply`].
#[derive(Debug)]
pub struct Completer<T>(oneshot::Sender<Result<T, BackendError>>);

impl<T> Reply<T> {
    /// A reply that is already there.
    pub fn ready(result: Result<T, BackendError>) -> Self {
        Self(State::Ready(Some(result)))
    }

    /// A reply that somebody will complete.
    pub fn pending() -> (Completer<T>, Self) {
        let (sender, receiver) = oneshot::channel();
        (Completer(sender), Self(State::Pending(receiver)))
    }
}

impl<T> Completer<T> {
    /// Delivers; without effect if nobody waits any more. A completer that is dropped instead delivers [`BackendError::OutcomeUnknown`].
    pub fn complete(self, result: Result<T, BackendError>) {
        // The caller may be gone: that is its right.
        let _ = self.0.send(result);
    }

    /// Whether nobody waits any more.
    pub fn is_abandoned(&self) -> bool {
        self.0.is_closed()
    }
}

impl<T: Unpin> Future for Reply<T> {
    type Output = Result<T, BackendError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.get_mut().0 {
            State::Ready(result) => Poll::Ready(result.take().expect("a reply is awaited once")),
            State::Pending(receiver) => Pin::new(receiver)
                .poll(context)
                .map(|delivered| delivered.unwrap_or(Err(BackendError::OutcomeUnknown))),
        }
    }
}
