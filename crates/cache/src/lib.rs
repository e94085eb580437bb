//! A caching client that cannot answer for another key.
//!
//! (Filled in below.)

mod backend;
mod cache;
mod cached;
mod codec;
mod config;
mod env;
mod envelope;
mod error;
mod flight;
mod generation;
mod hashing;
mod key;
mod limit;
mod load;
mod observe;
mod ring;
pub mod sabotage;
mod seal;
#[cfg(feature = "suite")]
pub mod suite;
mod tier;
mod typed;
mod versions;

#[cfg(feature = "redis")]
pub mod conn;
#[cfg(feature = "redis")]
mod dial;
#[cfg(feature = "redis")]
mod driver;
#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
pub mod resp;

pub use backend::{Backend, BackendError, Completer, Found, Leased, Reply, Token};
pub use cache::Cache;
pub use cached::{Cached, Level};
pub use codec::{Codec, CodecError, Json, Postcard, Raw};
pub use config::{Builder, LocalBound, Mismatch};
#[cfg(feature = "redis")]
pub use dial::{Dial, Dialing, Stream};
pub use env::Env;
pub use error::{Error, NotInvalidated};
pub use key::{Canonical, CanonicalKey, KeyWriter, Location};
pub use limit::OriginLimit;
#[cfg(feature = "memory")]
pub use memory::Memory;
#[cfg(feature = "redis")]
pub use redis::{Redis, RedisConfig};
pub use ring::{KeyRing, KeyRingError, MasterKey};
pub use sabotage::SABOTAGE;
pub use typed::Typed;
