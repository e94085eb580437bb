//! redis-rs, synchronous, on blocking threads, with read and write time-outs: once through an `r2d2` pool, as its documentation
//! recommends, and once without a pool, as many programs keep a `Connection` for each thread.
//!
//! The pool asks every connection for a PONG before it hands it out. Without it, a connection is used again unless the library says that
//! it is no longer open. A blocking call can't be given up: whoever waited stops waiting, the thread goes on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use redis::{Cmd, Connection, ConnectionLike, FromRedisValue, RedisError, RedisResult};

use super::redis_rs::{client, fault, if_free, releasing, storing};
use super::{Capabilities, Client, Connecting, Fault, Setup, versions};

/// Blocking connections, as many as there are calls at one time.
pub fn threads(setup: Setup) -> Connecting {
    Box::pin(async move {
        let threads = Threads {
            client: client(&setup)?,
            timeouts: Timeouts(setup.call_timeout),
            connect_timeout: setup.connect_timeout,
            idle: Mutex::default(),
        };
        let client = Synchronous(Arc::new(threads));
        client.call::<String>(redis::cmd("PING")).await?;
        Ok(Box::new(client) as Box<dyn Client>)
    })
}

/// The recommended pool, of its default size.
pub fn pool(setup: Setup) -> Connecting {
    Box::pin(async move {
        let client = client(&setup)?;
        let settings = r2d2::Pool::builder()
            .connection_timeout(setup.connect_timeout)
            .connection_customizer(Box::new(Timeouts(setup.call_timeout)));
        let pool = tokio::task::spawn_blocking(move || settings.build(client)).await;
        let pool = pool.map_err(|error| Fault::Other(error.to_string()))?.map_err(no_connection)?;
        Ok(Box::new(Synchronous(Arc::new(pool))) as Box<dyn Client>)
    })
}

fn no_connection(error: r2d2::Error) -> Fault {
    Fault::Connection(error.to_string())
}

/// For reading and for writing.
#[derive(Debug)]
struct Timeouts(Duration);

impl r2d2::CustomizeConnection<Connection, RedisError> for Timeouts {
    fn on_acquire(&self, connection: &mut Connection) -> RedisResult<()> {
        connection.set_read_timeout(Some(self.0))?;
        connection.set_write_timeout(Some(self.0))
    }
}

/// What a blocking thread calls.
trait Blocking: Send + Sync + 'static {
    fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Fault>;

    fn close(&self) {}
}

impl Blocking for r2d2::Pool<redis::Client> {
    fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Fault> {
        let mut connection = self.get().map_err(no_connection)?;
        command.query(&mut *connection).map_err(fault)
    }
}

/// The connections that no thread is using.
struct Threads {
    client: redis::Client,
    timeouts: Timeouts,
    connect_timeout: Duration,
    idle: Mutex<Vec<Connection>>,
}

impl Blocking for Threads {
    fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Fault> {
        let mut connection = self.take().map_err(fault)?;
        let result = command.query(&mut connection);
        if connection.is_open() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        result.map_err(fault)
    }

    fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Threads {
    fn take(&self) -> RedisResult<Connection> {
        if let Some(connection) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(connection);
        }
        let mut connection = self.client.get_connection_with_timeout(self.connect_timeout)?;
        r2d2::CustomizeConnection::on_acquire(&self.timeouts, &mut connection)?;
        Ok(connection)
    }
}

struct Synchronous<B>(Arc<B>);

impl<B: Blocking> Synchronous<B> {
    async fn call<T: FromRedisValue + Send + 'static>(&self, command: Cmd) -> Result<T, Fault> {
        let threads = self.0.clone();
        let result = tokio::task::spawn_blocking(move || threads.query(&command)).await;
        result.map_err(|error| Fault::Other(error.to_string()))?
    }
}

#[async_trait]
impl<B: Blocking> Client for Synchronous<B> {
    fn version(&self) -> String {
        versions::locked("redis")
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { cancellation: false, pipelines: false, ..Capabilities::STORE }
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
        self.0.close();
    }
}
