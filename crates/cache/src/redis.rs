//! The Redis and Valkey backend: one connection, driven by one task, and the door that callers hand their commands through.
//!
//! It is not a connection pool: one connection carries every command, in batches. The rules of the connection are in [`conn`](crate::conn); sockets, timers and
//! reconnecting are in `driver`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::backend::{Backend, BackendError, Completer, Found, Leased, Reply, Token};
use crate::conn::{Answer, Command, Settings};
use crate::dial::{Dial, Tcp};
use crate::driver::{self, Held};
use crate::env::{Chance, Env};
use crate::key::Location;
use crate::resp::Limits;

/// How to reach the server.
#[derive(Clone)]
pub struct RedisConfig {
    pub(crate) dial: Arc<dyn Dial>,
    pub(crate) settings: Settings,
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) reconnect_most: Duration,
    pub(crate) batch_most: usize,
    pub(crate) queue_most: usize,
    pub(crate) chance: Chance,
}

impl RedisConfig {
    /// A server at `host:port`, over TCP without TLS.
    pub fn tcp(address: impl Into<String>) -> Self {
        Self::dialing(Tcp::new(address))
    }

    /// A server at `host:port` over TLS, with a client configuration of yours (roots, client certificate).
    #[cfg(feature = "tls")]
    pub fn tls(address: impl Into<String>, config: Arc<rustls::ClientConfig>) -> Self {
        Self::dialing(crate::dial::Tls::new(address, config))
    }

    /// A server that is reached in another way.
    pub fn dialing(dial: impl Dial) -> Self {
        Self {
            dial: Arc::new(dial),
            settings: Settings { auth: None, limits: Limits::default() },
            timeout: Duration::from_millis(250),
            connect_timeout: Duration::from_secs(1),
            reconnect_most: Duration::from_secs(1),
            batch_most: 512,
            queue_most: 65_536,
            chance: Chance::system(),
        }
    }

    /// User name (may be empty) and password.
    pub fn auth(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.settings.auth = Some((user.into(), password.into()));
        self
    }

    /// How long a reply may take before the connection is given up, and a millisecond more for each 8 KiB that travel. The link must carry as much: over a slower
    /// one, values take their time from all others, so lower [`value_most`](Self::value_most). Default: 250 ms.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long opening a stream may take (TCP, TLS); being let in then has the time of one reply. Commands wait for it no longer than for a reply.
    /// Default: 1 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The longest wait between two tries to connect; waits are random below a bound that doubles up to this. Default: 1 s.
    pub fn reconnect_most(mut self, most: Duration) -> Self {
        self.reconnect_most = most;
        self
    }

    /// How many commands one batch carries at most; 1 switches batching off. Default: 512.
    pub fn batch_most(mut self, most: usize) -> Self {
        self.batch_most = most.max(1);
        self
    }

    /// The largest envelope in bytes (a value with its key and some 100 bytes) that is stored or taken: none is stored that would not be taken, whatever
    /// [`Builder::value_most`](crate::Builder::value_most) says. One that was stored by another process ends the connection that brings it, and is removed. Default: 16 MiB.
    pub fn value_most(mut self, bytes: usize) -> Self {
        self.settings.limits.bulk = bytes;
        self
    }

    /// Time and chance from somewhere else, for simulations.
    pub fn env(mut self, env: Arc<dyn Env>) -> Self {
        self.chance = Chance::new(env);
        self
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// A Redis or Valkey server as a backend. Cheap to clone; the connection ends when the last clone is dropped.
#[derive(Clone)]
pub struct Redis {
    door: Arc<Held>,
    value_most: usize,
}

impl Redis {
    /// Starts connecting, in a task of the current tokio runtime. Returns at once: without a server every call fails fast, and the origin is asked instead.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(config: RedisConfig) -> Self {
        Self { value_most: config.settings.limits.bulk, door: Arc::new(driver::start(config)) }
    }

    /// Waits until there is a connection; false after so long without one.
    pub async fn wait_connected(&self, patience: Duration) -> bool {
        self.door.wait_connected(patience).await
    }

    fn submit<T>(&self, command: Command, caller: impl FnOnce(Completer<T>) -> Caller) -> Reply<T> {
        if command.payload() > self.value_most {
            return Reply::ready(Err(BackendError::TooLarge));
        }
        let (completer, reply) = Reply::pending();
        self.door.submit(command, caller(completer));
        reply
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("generation", &self.generation()).finish()
    }
}

impl Backend for Redis {
    fn get(&self, at: Location) -> Reply<Found> {
        self.submit(Command::Get(at), Caller::Found)
    }

    fn lease(&self, at: Location, token: Token, lifetime: Duration) -> Reply<Leased> {
        self.submit(Command::Lease(at, token, lifetime), Caller::Leased)
    }

    fn fill(&self, at: Location, token: Option<Token>, envelope: Bytes, lifetime: Duration) -> Reply<bool> {
        self.submit(Command::Fill(at, token, envelope, lifetime), Caller::Stored)
    }

    fn release(&self, at: Location, token: Token) -> Reply<()> {
        self.submit(Command::Release(at, token), Caller::Done)
    }

    fn invalidate(&self, at: Location) -> Reply<()> {
        self.submit(Command::Invalidate(at), Caller::Done)
    }

    fn adopt(&self, at: Location, fresh: Bytes, lifetime: Duration) -> Reply<Found> {
        self.submit(Command::Adopt(at, fresh, lifetime), Caller::Found)
    }

    fn generation(&self) -> u64 {
        self.door.generation()
    }

    fn distrust(&self, generation: u64) {
        self.door.distrust(generation);
    }
}

/// Who waits for an answer.
#[derive(Debug)]
pub(crate) enum Caller {
    Found(Completer<Found>),
    Leased(Completer<Leased>),
    Stored(Completer<bool>),
    Done(Completer<()>),
}

impl Caller {
    /// Delivers what this kind of caller asked for.
    pub fn answer(self, answer: Answer, generation: u64) {
        match (self, answer) {
            (caller, Answer::Refused(text)) => caller.fail(BackendError::Refused(text)),
            (Self::Found(caller), Answer::Value(envelope)) => {
                caller.complete(Ok(Found { envelope, generation }));
            }
            (Self::Leased(caller), Answer::Leased(won, envelope)) => {
                caller.complete(Ok(Leased { won, found: Found { envelope, generation } }));
            }
            (Self::Stored(caller), Answer::Stored(stored)) => caller.complete(Ok(stored)),
            (Self::Done(caller), Answer::Done) => caller.complete(Ok(())),
            // Only a fault could bring an answer of another kind here; then nothing is known.
            (caller, _) => caller.fail(BackendError::OutcomeUnknown),
        }
    }

    /// Delivers a failure.
    pub fn fail(self, error: BackendError) {
        match self {
            Self::Found(caller) => caller.complete(Err(error)),
            Self::Leased(caller) => caller.complete(Err(error)),
            Self::Stored(caller) => caller.complete(Err(error)),
            Self::Done(caller) => caller.complete(Err(error)),
        }
    }

    /// Whether nobody waits any more.
    pub fn is_abandoned(&self) -> bool {
        match self {
            Self::Found(caller) => caller.is_abandoned(),
            Self::Leased(caller) => caller.is_abandoned(),
            Self::Stored(caller) => caller.is_abandoned(),
            Self::Done(caller) => caller.is_abandoned(),
        }
    }
}
