//! Every client behind one face: get a random key of ten thousand and look at all of its value.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use fred::prelude::{ClientLike, KeysInterface};
use futures_util::future::BoxFuture;
use keepsight_cache::suite::Server;
use keepsight_cache::{Cache, Cached, KeyRing, Level, LocalBound, MasterKey, Raw, Redis, RedisConfig, Typed};

use crate::{KEYS, Measured, VALUE, throughput};

/// A client that can be measured.
pub trait Client: Send + Sync {
    /// Its name in the table.
    fn name(&self) -> &'static str;

    /// So many tasks for so long.
    fn measure(&mut self, tasks: usize, each: Duration) -> BoxFuture<'_, anyhow::Result<Measured>>;
}

/// All of them, their values stored.
pub async fn all(server: &Server) -> anyhow::Result<Vec<Box<dyn Client>>> {
    let connection = redis::Client::open(format!("redis://{}/", server.address()))?;
    let mut multiplexed = connection.get_multiplexed_async_connection().await?;
    for n in 0..KEYS {
        let () = redis::cmd("SET").arg(name(n)).arg(&value(n)[..]).query_async(&mut multiplexed).await?;
    }
    Ok(vec![
        Box::new(RedisRs(multiplexed)),
        Box::new(Fred(fred(server).await?)),
        Box::new(Ours::<Bound>::connect(server, "bound", 512).await?),
        Box::new(Ours::<Sealed>::connect(server, "sealed", 512).await?),
        Box::new(Ours::<Sealed>::connect(server, "sealed, no batches", 1).await?),
    ])
}

fn name(n: u64) -> String {
    format!("tenant:{}:item:{n}", n % 100)
}

/// A value that tells whose it is.
pub fn value(n: u64) -> Bytes {
    let mut value = n.to_be_bytes().to_vec();
    value.resize(VALUE, b'v');
    value.into()
}

fn check(n: u64, value: &[u8]) -> anyhow::Result<()> {
    ensure!(value.len() == VALUE && value[..8] == n.to_be_bytes(), "a wrong answer for {n}");
    Ok(())
}

struct RedisRs(redis::aio::MultiplexedConnection);

impl Client for RedisRs {
    fn name(&self) -> &'static str {
        "redis-rs"
    }

    fn measure(&mut self, tasks: usize, each: Duration) -> BoxFuture<'_, anyhow::Result<Measured>> {
        let connection = self.0.clone();
        Box::pin(throughput(tasks, each, move |n| {
            let mut connection = connection.clone();
            async move {
                let found: Vec<u8> = redis::cmd("GET").arg(name(n)).query_async(&mut connection).await?;
                check(n, &found)
            }
        }))
    }
}

struct Fred(fred::clients::Client);

async fn fred(server: &Server) -> anyhow::Result<fred::clients::Client> {
    let config = fred::types::config::Config::from_url(&format!("redis://{}/", server.address()))?;
    let client = fred::types::Builder::from_config(config).build()?;
    client.init().await?;
    Ok(client)
}

impl Client for Fred {
    fn name(&self) -> &'static str {
        "fred"
    }

    fn measure(&mut self, tasks: usize, each: Duration) -> BoxFuture<'_, anyhow::Result<Measured>> {
        let client = self.0.clone();
        Box::pin(throughput(tasks, each, move |n| {
            let client = client.clone();
            async move {
                let found: bytes::Bytes = client.get(name(n)).await?;
                check(n, &found)
            }
        }))
    }
}

macro_rules! items {
    ($name:ident) => {
        pub struct $name;

        impl Cached for $name {
            type Tenant = u64;
            type Key = (u64, u64);
            type Value = Bytes;
            type Codec = Raw;
            const NAMESPACE: &'static str = "bench";
            const NAME: &'static str = stringify!($name);
            const VERSION: u32 = 1;
            const LEVEL: Level = Level::$name;
            const LIFETIME: Duration = Duration::from_secs(3_600);
            fn tenant(key: &Self::Key) -> u64 {
                key.0
            }
        }
    };
}
items!(Bound);
items!(Sealed);

/// A cache of a process on this server.
pub fn cache(redis: Redis, local: LocalBound) -> anyhow::Result<Cache> {
    let ring = KeyRing::new([MasterKey::new([7; 32])])?;
    Ok(Cache::builder(redis).keys(ring).local(local).build())
}

/// Connected, with batches of so many.
pub async fn connect(server: &Server, batch_most: usize) -> anyhow::Result<Redis> {
    let redis = Redis::start(RedisConfig::tcp(server.address()).batch_most(batch_most));
    ensure!(redis.wait_connected(Duration::from_secs(5)).await, "the server lets us in");
    Ok(redis)
}

struct Ours<T: Cached> {
    name: &'static str,
    items: Typed<T>,
}

impl<T: Cached<Key = (u64, u64), Value = Bytes>> Ours<T> {
    /// Without own copies: every get goes to the server.
    async fn connect(server: &Server, name: &'static str, batch_most: usize) -> anyhow::Result<Self> {
        let redis = connect(server, batch_most).await?;
        let items = cache(redis, LocalBound { entries: 0, ..LocalBound::default() })?.typed::<T>();
        for n in 0..KEYS {
            items
                .get_or_load(&(n % 100, n), move || async move { Ok::<_, Infallible>(Some(value(n))) })
                .await?;
        }
        Ok(Self { name, items })
    }
}

impl<T: Cached<Key = (u64, u64), Value = Bytes>> Client for Ours<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn measure(&mut self, tasks: usize, each: Duration) -> BoxFuture<'_, anyhow::Result<Measured>> {
        let items = self.items.clone();
        Box::pin(throughput(tasks, each, move |n| {
            let items = items.clone();
            async move {
                let missing = || async { Err(Missing) };
                let found: Option<Arc<Bytes>> = items.get_or_load(&(n % 100, n), missing).await?;
                check(n, &found.context("it was stored")?)
            }
        }))
    }
}

/// Everything that is asked for was stored before.
#[derive(Debug)]
struct Missing;

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a load in the middle of the measurement")
    }
}

impl std::error::Error for Missing {}
