//! redis-rs, asynchronous, in the two ways that its documentation offers: a shared `MultiplexedConnection`, which the application makes
//! anew when an error says that it is gone, and a `ConnectionManager`, which does that by itself.
//!
//! Time-outs are set, everything else is the library's default. Answers are read into the types that an application would ask for.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::{
    AsyncConnectionConfig, Cmd, ErrorKind, ExistenceCheck, FromRedisValue, RedisError, RedisResult,
    SetExpiry, SetOptions,
};
use tokio::sync::Mutex;

use super::{Capabilities, Client, Connecting, Fault, RELEASE_SCRIPT, Setup, versions};

/// One shared multiplexed connection, replaced when it is lost.
pub fn multiplexed(setup: Setup) -> Connecting {
    Box::pin(async move {
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(Some(setup.call_timeout))
            .set_connection_timeout(Some(setup.connect_timeout));
        let source = Replaced { client: client(&setup)?, config, current: Mutex::default() };
        source.connection().await.map_err(fault)?;
        Ok(Box::new(Asynchronous(source)) as Box<dyn Client>)
    })
}

/// The library's own manager of one connection.
pub fn manager(setup: Setup) -> Connecting {
    Box::pin(async move {
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(setup.call_timeout))
            .set_connection_timeout(Some(setup.connect_timeout));
        let manager = ConnectionManager::new_with_config(client(&setup)?, config).await.map_err(fault)?;
        Ok(Box::new(Asynchronous(manager)) as Box<dyn Client>)
    })
}

/// How a redis-rs client is opened here, by all three.
pub(super) fn client(setup: &Setup) -> Result<redis::Client, Fault> {
    redis::Client::open(format!("redis://{}/", setup.address)).map_err(fault)
}

/// What an error of redis-rs means to the kit.
pub(super) fn fault(error: RedisError) -> Fault {
    if error.is_timeout() {
        return Fault::TimedOut;
    }
    let text = error.to_string();
    match error.kind() {
        ErrorKind::Io => Fault::Connection(text),
        ErrorKind::Server(_) | ErrorKind::Extension => Fault::Server(text),
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => Fault::Refused(text),
        _ => Fault::Other(text),
    }
}

/// `PSETEX`, the library's own call for a value that expires.
pub(super) fn storing(key: &str, value: &[u8], ttl: Duration) -> Cmd {
    Cmd::pset_ex(key, value, millis(ttl))
}

/// `SET .. NX PX`.
pub(super) fn if_free(ttl: Duration) -> SetOptions {
    SetOptions::default().with_expiration(SetExpiry::PX(millis(ttl))).conditional_set(ExistenceCheck::NX)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Gives a lease back.
pub(super) fn releasing(key: &str, holder: &str) -> Cmd {
    let mut command = redis::cmd("EVAL");
    command.arg(RELEASE_SCRIPT).arg(1).arg(key).arg(holder);
    command
}

/// Where the next call's connection comes from.
#[async_trait]
trait Source: Send + Sync {
    type Connection: ConnectionLike + Send + Sync;

    async fn connection(&self) -> RedisResult<(u64, Self::Connection)>;

    /// An error said that this connection is of no more use.
    async fn lost(&self, _generation: u64) {}

    /// Nobody will call any more.
    async fn close(&self) {}
}

/// A multiplexed connection and how often it was made anew.
struct Replaced {
    client: redis::Client,
    config: AsyncConnectionConfig,
    current: Mutex<(u64, Option<MultiplexedConnection>)>,
}

#[async_trait]
impl Source for Replaced {
    type Connection = MultiplexedConnection;

    async fn connection(&self) -> RedisResult<(u64, MultiplexedConnection)> {
        let mut current = self.current.lock().await;
        if let Some(connection) = &current.1 {
            return Ok((current.0, connection.clone()));
        }
        let made = self.client.get_multiplexed_async_connection_with_config(&self.config).await?;
        *current = (current.0 + 1, Some(made.clone()));
        Ok((current.0, made))
    }

    async fn lost(&self, generation: u64) {
        let mut current = self.current.lock().await;
        if current.0 == generation {
            current.1 = None;
        }
    }

    async fn close(&self) {
        self.current.lock().await.1 = None;
    }
}

#[async_trait]
impl Source for ConnectionManager {
    type Connection = ConnectionManager;

    async fn connection(&self) -> RedisResult<(u64, ConnectionManager)> {
        Ok((0, self.clone()))
    }
}

struct Asynchronous<S>(S);

impl<S: Source> Asynchronous<S> {
    async fn call<T: FromRedisValue>(&self, command: Cmd) -> Result<T, Fault> {
        let (generation, mut connection) = self.0.connection().await.map_err(fault)?;
        let result = command.query_async(&mut connection).await;
        if result.as_ref().is_err_and(RedisError::is_unrecoverable_error) {
            self.0.lost(generation).await;
        }
        result.map_err(fault)
    }
}

#[async_trait]
impl<S: Source> Client for Asynchronous<S> {
    fn version(&self) -> String {
        versions::locked("redis")
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::STORE
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Fault> {
        let value: Option<Vec<u8>> = self.call(Cmd::get(key)).await?;
        Ok(value.map(Bytes::from))
    }

    async fn set(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), Fault> {
        self.call(storing(key, &value, ttl)).await
    }

    async fn invalidate(&self, key: &str) -> Result<(), Fault> {
        self.call::<u64>(Cmd::del(key)).await.map(drop)
    }

    async fn lease(&self, key: &str, holder: &str, ttl: Duration) -> Result<bool, Fault> {
        let taken: Option<String> = self.call(Cmd::set_options(key, holder, if_free(ttl))).await?;
        Ok(taken.is_some())
    }

    async fn release(&self, key: &str, holder: &str) -> Result<(), Fault> {
        self.call::<u64>(releasing(key, holder)).await.map(drop)
    }

    async fn close(&self) {
        self.0.close().await;
    }
}
