//! keepsight-cache, twice: as it is meant to be used (sealed values, own copies), and with everything off that could hide its connection
//! (values in clear beside their keys, no own copies: every get goes to the server).
//!
//! It is a loading cache: values come from the judge's origin, so there is nothing to set. Its leases are judged twice: by which loads run at the same
//! time, and, taken through the same connection as loads take them, by who was told that one is theirs.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use keepsight_cache::{
    Backend, Cache, Cached, CanonicalKey, Error, KeyRing, Level, LocalBound, Location, MasterKey, Raw, Redis,
    RedisConfig, Token, Typed,
};

use super::counted::FromServer;
use super::{Capabilities, Client, Connecting, Fault, Origin, Setup, Style};

/// Own copies live this long here, instead of a second: so that within one step there are many hits, and many gets behind them.
const COPIES_LIVE: Duration = Duration::from_millis(20);
const VALUE_BYTES_MAX: usize = 8 << 20;

/// As it is meant to be used.
pub fn sealed(setup: Setup) -> Connecting {
    let copies = LocalBound { lifetime: COPIES_LIVE, ..LocalBound::default() };
    connect::<SealedItems>(setup, copies).boxed()
}

/// Without seal and without own copies.
pub fn bound(setup: Setup) -> Connecting {
    let copies = LocalBound { entries: 0, lifetime: COPIES_LIVE, ..LocalBound::default() };
    connect::<BoundItems>(setup, copies).boxed()
}

async fn connect<T>(setup: Setup, copies: LocalBound) -> Result<Box<dyn Client>, Fault>
where
    T: Cached<Key = Key, Tenant = String, Value = Bytes>,
{
    let config = RedisConfig::tcp(setup.address.to_string())
        .timeout(setup.call_timeout)
        .connect_timeout(setup.connect_timeout)
        .reconnect_most(setup.call_timeout);
    let redis = Redis::start(config);
    if !redis.wait_connected(setup.connect_timeout * 5).await {
        return Err(Fault::Connection("it did not connect".to_owned()));
    }
    // Instances share the server, so they share the key; nobody else has to open what a trial stored.
    let ring = KeyRing::new([MasterKey::new([7; 32])]).map_err(|error| Fault::Other(error.to_string()))?;
    let cache = Cache::builder(redis.clone())
        .keys(ring)
        .local(copies)
        .load_timeout(setup.call_timeout)
        .deadline(setup.call_timeout * 4)
        .value_most(VALUE_BYTES_MAX)
        .build();
    let from_server = FromServer::default();
    let items = metrics::with_local_recorder(&from_server, || cache.typed::<T>());
    Ok(Box::new(Instance { items, redis, from_server, origin: setup.origin, number: setup.instance }))
}

/// A tenant and the whole name.
type Key = (String, String);

fn key(name: &str) -> Key {
    let (tenant, _) = name.split_once('/').unwrap_or((name, ""));
    (tenant.to_owned(), name.to_owned())
}

fn location(name: &str) -> Location {
    let (tenant, name) = key(name);
    CanonicalKey::new("trial", &tenant, &name, "lease", 1).location()
}

/// The holder's name, which is short enough.
fn token(holder: &str) -> Token {
    let mut token = Token([0; 16]);
    token.0.iter_mut().zip(holder.bytes()).for_each(|(place, byte)| *place = byte);
    token
}

macro_rules! items {
    ($($items:ident = $level:ident),*) => {$(
        struct $items;

        impl Cached for $items {
            type Tenant = String;
            type Key = Key;
            type Value = Bytes;
            type Codec = Raw;
            const NAMESPACE: &'static str = "trial";
            const NAME: &'static str = "item";
            const VERSION: u32 = 1;
            const LEVEL: Level = Level::$level;
            const LIFETIME: Duration = Duration::from_secs(60);

            fn tenant(key: &Key) -> String {
                key.0.clone()
            }
        }
    )*};
}
items!(SealedItems = Sealed, BoundItems = Bound);

struct Instance<T: Cached> {
    items: Typed<T>,
    redis: Redis,
    from_server: FromServer,
    origin: Arc<dyn Origin>,
    number: usize,
}

#[async_trait]
impl<T: Cached<Key = Key, Tenant = String, Value = Bytes>> Client for Instance<T> {
    fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            style: Style::Loading,
            leases: true,
            tenants: true,
            cancellation: true,
            pipelines: true,
            none_means_absent: true,
            // Without copies too: a load that another get began may be joined for so long.
            stale_elsewhere_ms: u64::try_from(COPIES_LIVE.as_millis()).unwrap_or(u64::MAX),
            value_bytes_max: VALUE_BYTES_MAX,
        }
    }

    async fn get(&self, name: &str) -> Result<Option<Bytes>, Fault> {
        let (origin, number, asked) = (self.origin.clone(), self.number, name.to_owned());
        let load = move || async move { Ok::<_, Infallible>(origin.load(number, &asked).await) };
        let found = self.items.get_or_load(&key(name), load).await;
        found.map(|value| value.map(|value| Bytes::clone(&value))).map_err(|error| match error {
            Error::Deadline => Fault::TimedOut,
            other => Fault::Other(other.to_string()),
        })
    }

    async fn set(&self, _name: &str, _value: Bytes, _ttl: Duration) -> Result<(), Fault> {
        Err(Fault::Other("values are loaded, not set".to_owned()))
    }

    async fn invalidate(&self, name: &str) -> Result<(), Fault> {
        self.items.invalidate(&key(name)).await.map_err(|error| Fault::Connection(error.to_string()))
    }

    async fn invalidate_tenant(&self, tenant: &str) -> Result<(), Fault> {
        let done = self.items.invalidate_tenant(&tenant.to_owned()).await;
        done.map_err(|error| Fault::Connection(error.to_string()))
    }

    async fn lease(&self, name: &str, holder: &str, ttl: Duration) -> Result<bool, Fault> {
        let leased = self.redis.lease(location(name), token(holder), ttl).await;
        leased.map(|leased| leased.won).map_err(|error| Fault::Connection(error.to_string()))
    }

    async fn release(&self, name: &str, holder: &str) -> Result<(), Fault> {
        let released = self.redis.release(location(name), token(holder)).await;
        released.map_err(|error| Fault::Connection(error.to_string()))
    }

    fn answered_by_server(&self) -> Option<u64> {
        Some(self.from_server.count())
    }

    async fn close(&self) {}
}
