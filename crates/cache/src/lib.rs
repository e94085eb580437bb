//! A caching client that cannot answer for another key.
//!
//! **Redis is down: does my site go down?** No. [`get_or_load`](Typed::get_or_load) never returns an error because of the cache server. While it is away, every get that
//! is not answered by this process's own copies asks the origin: once per key and process at a time, never with more loads at once than
//! [`OriginLimit::most`], and with fewer when the origin gets slow. What is more than that is shed with [`Error::Overloaded`] after a bounded wait, so that what is let
//! through is answered in time. A server that hangs is noticed after [`RedisConfig::timeout`] (250 ms). Calls then wait for the next connection: for the stream as long again,
//! and as long again to be let in. When that fails, or when connections die one after the other, nobody waits until there is one. It is tried for all the time, each try bounded by
//! [`RedisConfig::connect_timeout`] (1 s), the next one at most [`RedisConfig::reconnect_most`] (1 s) later, spread by jitter; then goodput returns by itself.
//! [`Cache::bypass`] takes the cache out by hand.
//!
//! ```
//! use std::convert::Infallible;
//! use std::time::Duration;
//! use keepsight_cache::{Cache, Cached, Json, Level, Memory};
//!
//! struct Profiles;
//!
//! impl Cached for Profiles {
//!     type Tenant = u64;
//!     type Key = (u64, String);
//!     type Value = String;
//!     type Codec = Json;
//!     const NAMESPACE: &'static str = "shop";
//!     const NAME: &'static str = "profile";
//!     const VERSION: u32 = 1;
//!     const LEVEL: Level = Level::Bound;
//!     const LIFETIME: Duration = Duration::from_secs(60);
//!     fn tenant(key: &Self::Key) -> u64 {
//!         key.0
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // In production: Redis::start(RedisConfig::tcp("redis.internal:6379")).
//! let cache = Cache::builder(Memory::default()).build();
//! let profiles = cache.typed::<Profiles>();
//! let key = (7, "anna".to_owned());
//! let load = || async { Ok::<_, Infallible>(Some("Anna".to_owned())) };
//! let profile = profiles.get_or_load(&key, load).await.expect("this loader does not fail");
//! assert_eq!(profile.as_deref().map(String::as_str), Some("Anna"));
//! profiles.invalidate(&key).await.expect("acknowledged");
//! # }
//! ```
//!
//! A value cannot be read as another type, nor under another type's key: it does not compile.
//!
//! ```compile_fail,E0308
//! # use std::time::Duration;
//! # use keepsight_cache::{Cache, Cached, Json, Level, Memory, Typed};
//! # macro_rules! kind { ($name:ident, $key:ty, $value:ty) => {
//! # struct $name;
//! # impl Cached for $name {
//! #     type Tenant = (); type Key = $key; type Value = $value; type Codec = Json;
//! #     const NAMESPACE: &'static str = "shop"; const NAME: &'static str = stringify!($name);
//! #     const VERSION: u32 = 1; const LEVEL: Level = Level::Bound; const LIFETIME: Duration = Duration::from_secs(60);
//! #     fn tenant(_: &Self::Key) {}
//! # } } }
//! kind!(Names, u32, String);
//! kind!(Prices, u64, u64);
//!
//! async fn price(names: Typed<Names>, key: u64) {
//!     names.get_or_load(&key, || async { Ok::<_, ()>(None) }).await; // a key of Prices
//! }
//! ```
//!
//! # 1 Bound: a value opens under its own key only
//!
//! *Promised.* A stored value states or authenticates its whole [`CanonicalKey`] (namespace, tenant, key, type name, version, each with its length before it) and is
//! accepted only under exactly that. At [`Level::Bound`] the key is compared; at [`Level::Sealed`] it is authenticated and the value encrypted (AES-256-GCM). Keys are compared whole, never
//! by hash alone. What belongs to another key is a miss, is counted, told to [`Builder::on_mismatch`], removed, and the connection that brought it is closed.
//!
//! *Not promised.* That the loader answered for the right key. That a type whose [`Canonical`] writes the same for unequal keys tells them apart. At `Bound`, that
//! somebody who can write to the server forges nothing; at `Sealed`, that they do not put an older value of the same key back while it lives.
//! Which locations are asked for, when, and how long values are, is visible at either level. A process that was restored twice from one memory snapshot
//! could repeat a nonce: restart it after restoring.
//!
//! *Held by* `a_bound_value_of_another_key_is_refused`, `a_sealed_value_of_another_key_is_refused`, `a_value_of_another_type_or_version_is_refused`, `two_tenants_with_one_name_have_two_values`,
//! `keys_whose_hashes_collide_are_two_keys`, `no_nonce_seals_twice`, `keys_are_told_apart_whatever_their_parts_contain`, and every test once more with a hasher that always collides.
//!
//! # 2 Correlated: a reply is believed only as the answer to its question
//!
//! *Promised.* Every batch of commands ends in an ECHO of a nonce that was never used before, and nothing of the batch is given to anybody before that ECHO has come back. Every
//! script (leases, stores, invalidations) returns a nonce of its own, since nil, OK and numbers cannot say whose they are.
//!
//! *Not promised.* Anything against a server that lies on purpose, beyond what level `Sealed` covers.
//!
//! *Held by* `a_lost_reply_is_no_miss`, `each_caller_gets_the_answer_to_its_own_question`, `a_lease_is_held_by_whom_it_was_given_to`, the simulation (`tests/simulation.rs`), the sweep (`tests/sweep.rs`: every
//! fault at every reply), and the stress kit.
//!
//! # 3 Fail-stop: at the first doubt the connection is dropped
//!
//! *Promised.* An unexpected frame, a mismatch, a time-out, a write that is not finished in time, or bytes that are no RESP2 end the connection and fail all that is in flight on it.
//! Nothing of it is read again. AUTH travels alone. The next connection begins empty, and comes at once after a single fault, ever later after one upon another. No command is sent twice.
//! A value that is larger than this client takes is removed by the connection after the one that met it.
//!
//! *Not promised.* That what was in flight was not done: [`BackendError::OutcomeUnknown`], [`NotInvalidated`].
//!
//! *Held by* `a_reply_that_nobody_asked_for_ends_the_connection`, `a_time_out_ends_the_connection`, `a_command_half_written_ends_the_connection`, `nothing_travels_with_auth`,
//! `what_was_in_flight_is_never_sent_again`, `after_a_single_fault_the_next_connection_comes_at_once`, `a_server_that_lets_in_and_then_refuses_is_not_asked_all_the_time`,
//! `a_value_that_is_too_large_here_ends_one_connection_and_is_removed`.
//!
//! # 4 Cancel-safe: who goes away takes nothing with them
//!
//! *Promised.* Dropping a future at any point shifts no later answer, and leaves nobody waiting: loads run in tasks of their own, and an abandoned command keeps its place.
//!
//! *Not promised.* That a load stops because its caller is gone: others may wait for it, and it is stored.
//!
//! *Held by* `followers_get_their_value_when_the_leader_goes_away`, `an_abandoned_get_keeps_its_place`, `a_load_that_panics_or_fails_gives_its_lease_back`, the simulation, and the sweep
//! (callers that leave at every poll).
//!
//! # 5 No stampede: one load for a key
//!
//! *Promised.* One load per key per process at a time; with leases (the default) one in the cluster, as long as a load takes less than [`Builder::lease_patience`] (1 s). Values end up to a tenth early, at
//! random, and the nearer their end the more likely one caller loads them anew in the background. "There is no such thing" is stored too, for [`Cached::ABSENT_LIFETIME`].
//!
//! *Not promised.* One load in the cluster while the cache server is away, or after an invalidation overtook a load. When a process dies while it loads, or a server executes a command after
//! the connection that brought it has ended, a lease that nobody uses can be left: until its end, who asks for that key waits [`Builder::lease_patience`] before loading.
//!
//! *Held by* `one_load_for_all_callers_of_a_key` in a process, `one_load_for_all_processes_of_a_cluster`, `a_lease_that_a_broken_connection_left_behind_is_given_back`,
//! `a_lease_lives_through_the_wait_for_the_origin`, `what_ends_soon_is_loaded_anew_before_it_ends`, `what_was_stored_together_does_not_end_together`, `what_is_not_there_is_asked_for_once`.
//!
//! # 6 Bounded staleness: what was forgotten stays forgotten
//!
//! *Promised.* When [`Typed::invalidate`], [`invalidate_tenant`](Typed::invalidate_tenant) or [`invalidate_all`](Typed::invalidate_all) has returned `Ok`, no get that begins afterwards in this process returns
//! what was there before, and no get that begins more than [`LocalBound::lifetime`] (1 s) later in another; a load that began before is not stored after. A value's end of life is inside its seal: a server that keeps
//! it longer, or comes back older after a failover, cannot make it live longer.
//!
//! *Not promised.* Anything after `Err`: say it again. If the server loses an acknowledged invalidation (failover, restart from an older snapshot), the old value can come back until its
//! [`Cached::LIFETIME`] ends. With [`Builder::leases`] off, or after [`Builder::danger_serve_stale_on_error`], staleness is bounded by the lifetime as well. Clocks of the machines should agree to within a second.
//!
//! *Held by* `a_load_that_began_before_an_invalidation_is_not_stored`, `another_process_does_not_store_it_either`, `no_copy_is_left_after_an_invalidation`, `no_copy_outlives_its_connection`,
//! `a_value_ends_even_if_the_server_keeps_it`, `a_value_waited_for_is_as_old_as_the_numbers_it_was_stored_under`, the simulation, and the sweep.
//!
//! # 7 Bounded origin load: the origin outlives the cache
//!
//! *Promised.* Never more loads at once than [`OriginLimit::most`]; fewer when loads get slow or fail, as many again when they no longer do; a bounded number waits for a bounded time, the rest is shed.
//! Every load has a deadline, and so has every caller, from a get's beginning to its end.
//!
//! *Not promised.* A limit across processes: divide it by their number.
//!
//! *Held by* `the_origin_never_gets_more_than_it_bears`, `an_origin_that_gets_slow_gets_fewer_loads`, the tests of `limit`, `the_origin_is_spared_through_an_outage_and_goodput_comes_back`,
//! `the_time_that_a_server_takes_is_part_of_the_deadline`, `beginning_anew_does_not_begin_the_deadline_anew`,
//! `who_bypasses_the_cache_is_not_given_what_others_find_there`.
//!
//! # 8 Fast: own copies first, then one batch for all
//!
//! *Promised.* Copies of this process's own, bounded by count and bytes ([`LocalBound`]), are looked at first. Concurrent gets of a process travel in one batch; a lonely one goes at once.
//!
//! *Not promised.* Numbers: they are measured by `cargo xtask bench cache`, against redis-rs and fred, and stand in the README.
//!
//! *Held by* `concurrent_gets_ride_in_one_batch`, `a_lonely_get_goes_at_once`, `what_is_large_has_the_time_that_it_takes_to_travel`.
//!
//! # What it is not
//!
//! Not a general Redis client: it has the six commands that a cache needs. No layer that caches HTTP responses: such a layer would have to know what a response depends on (who asks, by which
//! right), and the day it forgets one thing, somebody sees another's page. Cache values, under keys that name their tenant, behind the check of who asks.
//!
//! Needs Rust 1.89 and tokio. Tested with Redis 7.0 and Valkey 9.1; one server, with RESP2, Lua scripts, AUTH and TLS. Redis Cluster is not there yet: keys and leases already share a slot.

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
mod lease;
mod limit;
mod load;
mod observe;
mod ring;
pub mod sabotage;
mod seal;
#[cfg(any(test, feature = "suite"))]
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
