//! What the kit asks of a cache client, and what a client says of itself.
//!
//! A client is driven through [`Client`] by many tasks at once. It is *not* judged here: it hands over whatever the library under
//! trial answered, unchanged and unchecked. What a client cannot do it says in [`Capabilities`]; the kit then reports "not applicable",
//! never a pass.
//!
//! Cancellation is dropping the returned future, at any moment. A client whose library has no cancellation (a blocking one) says so.

pub mod registry;

mod cachekit;
mod counted;
mod drivers;
mod fred;
mod keepsight;
mod line;
mod redis_rs;
mod redis_sync;
mod versions;

pub use drivers::TEMPLATE;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

/// A cache client under trial: one instance, as one process of an application would hold it. Called by many tasks at once.
#[async_trait]
pub trait Client: Send + Sync {
    /// The library's own version, as it says itself when it runs, for example `4.5.1`.
    fn version(&self) -> String;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// The value under this key, or `None` when the client says that there is none.
    ///
    /// # Errors
    /// Whatever the library reports: the kit counts it and does not mind; what it minds is a wrong answer.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, Fault>;

    /// Stores a value for `ttl`. Only called with [`Capabilities::style`] being [`Style::Store`].
    ///
    /// # Errors
    /// As in [`Self::get`]; the kit then takes it that the value may or may not have been stored.
    async fn set(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), Fault>;

    /// Removes the value. `Ok` is an acknowledgement: a get that begins afterwards must not return what was stored before.
    ///
    /// # Errors
    /// As in [`Self::get`]; the kit then takes it that the value may or may not be gone.
    async fn invalidate(&self, key: &str) -> Result<(), Fault>;

    /// Removes all values of a tenant, with the same acknowledgement for each. Only called with [`Capabilities::tenants`].
    ///
    /// # Errors
    /// As in [`Self::invalidate`].
    async fn invalidate_tenant(&self, _tenant: &str) -> Result<(), Fault> {
        Err(Fault::Other("it knows no tenants".to_owned()))
    }

    /// Takes a lease for a holder, for example by `SET key holder NX PX ttl`: `true` when this call got it, `false` when somebody has it.
    /// Only called with [`Capabilities::leases`].
    ///
    /// # Errors
    /// As in [`Self::get`]; the kit then takes it that the lease may have been taken.
    async fn lease(&self, key: &str, holder: &str, ttl: Duration) -> Result<bool, Fault>;

    /// Gives a lease back, if this holder still has it: compare and delete, for example by the script [`RELEASE_SCRIPT`].
    ///
    /// # Errors
    /// As in [`Self::get`].
    async fn release(&self, key: &str, holder: &str) -> Result<(), Fault>;

    /// How many gets the server has answered until now, where a client has answers of its own; none where every answer is the server's.
    fn answered_by_server(&self) -> Option<u64> {
        None
    }

    /// Why nothing more can be learned about the client, if its driver has broken the protocol. The step then says nothing.
    fn broken(&self) -> Option<Fault> {
        None
    }

    /// Ends the instance: connections closed, child processes gone when it returns.
    async fn close(&self);
}

/// Deletes `KEYS[1]` if it still holds `ARGV[1]`: how a lease is given back without taking it from the next holder.
pub const RELEASE_SCRIPT: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) else return 0 end";

/// What a client library can do, so that nothing it can't is counted as passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Whether values are put by the caller or loaded by the cache.
    pub style: Style,
    /// Whether [`Client::lease`] and [`Client::release`] do anything.
    pub leases: bool,
    /// Whether [`Client::invalidate_tenant`] does anything.
    pub tenants: bool,
    /// Whether a call under way can be given up.
    pub cancellation: bool,
    /// Whether several calls share a connection at the same time. Where they don't, replies can't change places.
    pub pipelines: bool,
    /// Whether `None` means that the server said so. Some libraries answer `None` after an error too.
    pub none_means_absent: bool,
    /// For how long another instance may go on answering with what was invalidated through this one, in milliseconds.
    pub stale_elsewhere_ms: u64,
    /// The largest value that it takes, in bytes.
    pub value_bytes_max: usize,
}

impl Capabilities {
    /// An asynchronous client that maps calls to commands: everything is possible, nothing is cached locally.
    pub const STORE: Self = Self {
        style: Style::Store,
        leases: true,
        tenants: false,
        cancellation: true,
        pipelines: true,
        none_means_absent: true,
        stale_elsewhere_ms: 0,
        value_bytes_max: 64 << 20,
    };
}

/// How values come to be in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// The caller sets them: GET, SET, DEL.
    Store,
    /// The cache loads them from [`Origin`] when it lacks them: get-or-load, invalidate.
    Loading,
}

/// Why a call brought no answer. Only counted and shown, never judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The client's own time-out passed.
    #[error("timed out")]
    TimedOut,
    /// The connection is gone, or could not be made.
    #[error("connection: {0}")]
    Connection(String),
    /// The server answered with an error.
    #[error("server: {0}")]
    Server(String),
    /// The client saw that an answer was not the one to its question, and refused it.
    #[error("refused: {0}")]
    Refused(String),
    /// The driver of a client in another language can't be run, or breaks the protocol: nothing is said about the client.
    #[error("driver: {0}")]
    Broken(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// What an instance is made with.
#[derive(Clone)]
pub struct Setup {
    /// Where the server (in truth the fault proxy) listens.
    pub address: SocketAddr,
    /// The time-out of each call, to be set in the library the way its users would.
    pub call_timeout: Duration,
    /// The time-out of connecting.
    pub connect_timeout: Duration,
    /// For the library's own randomness, where it can be given.
    pub seed: u64,
    /// Which instance of several this is, from 0.
    pub instance: usize,
    /// The source of truth, for clients of [`Style::Loading`].
    pub origin: Arc<dyn Origin>,
}

/// The source of truth behind a loading cache. The kit keeps it, and knows each answer that it ever gave.
#[async_trait]
pub trait Origin: Send + Sync {
    /// The value of this key as of now, after a while; `None` when there is none.
    async fn load(&self, instance: usize, key: &str) -> Option<Bytes>;
}

/// Makes an instance, connected or about to connect.
pub type Connect = Arc<dyn Fn(Setup) -> Connecting + Send + Sync>;

/// An instance in the making.
pub type Connecting = BoxFuture<'static, Result<Box<dyn Client>, Fault>>;

/// A client that the kit knows.
#[derive(Clone)]
pub struct Entry {
    /// What `--client` takes: `redis-py-4.5.1`.
    pub name: &'static str,
    /// What tables and JSON show: `redis-py 4.5.1`.
    pub label: &'static str,
    /// One line for `keepsight-trial clients`.
    pub about: &'static str,
    /// How many instances one machine bears: those of other languages are processes of their own.
    pub instances_most: usize,
    /// Whether it can run on this machine; the error says what is missing.
    pub available: fn() -> Result<(), String>,
    /// Makes an instance.
    pub connect: Connect,
}
