//! redis-rs, synchronous: a `Connection` with read and write time-outs for each blocking thread, as a threaded server keeps them. A
//! connection goes back for the next thread unless the library says that it is no longer open, the check which its `r2d2` support makes.
//!
//! A blocking call can't be given up: whoever waited stops waiting, the thread goes on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use redis::{Cmd, Connection, ConnectionLike, FromRedisValue, RedisResult};

use super::redis_rs::{client, expiring, fault, if_free, releasing};
use super::{Capabilities, Client, Connecting, Fault, Setup, versions};

/// Blocking connections, as many as there are calls at one time.
pub fn synchronous(setup: Setup) -> Connecting {
    Box::pin(async move {
        let threads = Threads {
            client: client(&setup)?,
            call_timeout: setup.call_timeout,
            connect_timeout: setup.connect_timeout,
            idle: Mutex::default(),
        };
        let client = Synchronous(Arc::new(threads));
        client.call::<String>(redis::cmd("PING")).await?;
        Ok(Box::new(client) as Box<dyn Client>)
    })
}

/// The connections that no thread is using.
struct Threads {
    client: redis::Client,
    call_timeout: Duration,
    connect_timeout: Duration,
    idle: Mutex<Vec<Connection>>,
}

impl Threads {
    fn query<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let mut connection = self.take()?;
        let result = command.query(&mut connection);
        if connection.is_open() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        result
    }

    fn take(&self) -> RedisResult<Connection> {
        if let Some(connection) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(connection);
        }
        let connection = self.client.get_connection_with_timeout(self.connect_timeout)?;
        connection.set_read_timeout(Some(self.call_timeout))?;
        connection.set_write_timeout(Some(self.call_timeout))?;
        Ok(connection)
    }
}

struct Synchronous(Arc<Threads>);

impl Synchronous {
    async fn call<T: FromRedisValue + Send + 'static>(&self, command: Cmd) -> Result<T, Fault> {
        let threads = self.0.clone();
        let result = tokio::task::spawn_blocking(move || threads.query(&command)).await;
        result.map_err(|error| Fault::Other(error.to_string()))?.map_err(fault)
    }
}

#[async_trait]
impl Client for Synchronous {
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
        self.call(Cmd::set_options(key, &value[..], expiring(ttl))).await
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
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
