//! cachekit-rs, configured as its `secure` preset: values sealed by AES-GCM under their key, its retries, circuit breaker and reconnecting
//! on. The preset itself is not called because its time-out can't be set. The local tier is left out of the build: the kit judges what
//! comes from the server, and a local hit would hide that.
//!
//! Leases are the library's own distributed lock, whose holders it names itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::cachekit::backend::LockableBackend;
use ::cachekit::backend::redis::RedisBackend;
use ::cachekit::error::{BackendError, BackendErrorKind};
use ::cachekit::reliability::ReliabilityConfig;
use ::cachekit::{CacheKit, CachekitError};
use async_trait::async_trait;
use bytes::Bytes;
use serde_bytes::ByteBuf;
use tokio::task::AbortHandle;

use super::{Capabilities, Client, Connecting, Fault, Setup, versions};

/// One sealed cache over one connection.
pub fn connect(setup: Setup) -> Connecting {
    Box::pin(async move {
        let url = format!("redis://{}", setup.address);
        let backend = RedisBackend::builder().url(url).auto_reconnect().command_timeout(setup.call_timeout);
        let backend = Arc::new(backend.build().map_err(fault)?);
        let driving = backend.connect().await.map_err(lock_fault)?.abort_handle();
        let cache = CacheKit::builder()
            .backend(backend.clone())
            .reliability(ReliabilityConfig::default())
            .encryption(&key(), "trial")
            .and_then(|builder| builder.build())
            .map_err(fault)?;
        Ok(Box::new(Cachekit { cache, backend, driving, held: Mutex::default() }) as Box<dyn Client>)
    })
}

/// All instances of a run share it, as all processes of an application do. It protects nothing here.
fn key() -> String {
    "5a".repeat(32)
}

struct Cachekit {
    cache: CacheKit,
    backend: Arc<RedisBackend>,
    driving: AbortHandle,
    /// By key and the kit's holder: what the library calls that holder.
    held: Mutex<HashMap<(String, String), String>>,
}

fn fault(error: CachekitError) -> Fault {
    let text = error.to_string();
    match error {
        CachekitError::Backend(error) => lock_fault(error),
        CachekitError::Encryption(_) | CachekitError::Serialization(_) => Fault::Refused(text),
        _ => Fault::Other(text),
    }
}

fn lock_fault(error: BackendError) -> Fault {
    match error.kind {
        BackendErrorKind::Timeout => Fault::TimedOut,
        BackendErrorKind::Transient => Fault::Connection(error.message),
        _ => Fault::Other(error.message),
    }
}

#[async_trait]
impl Client for Cachekit {
    fn version(&self) -> String {
        versions::locked("cachekit-rs")
    }

    fn capabilities(&self) -> Capabilities {
        // Its limit is 5 MiB after encoding and sealing.
        Capabilities { value_bytes_max: 4 << 20, ..Capabilities::STORE }
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Fault> {
        let value: Option<ByteBuf> = self.cache.get(key).await.map_err(fault)?;
        Ok(value.map(|value| Bytes::from(value.into_vec())))
    }

    async fn set(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), Fault> {
        self.cache.set_with_ttl(key, &ByteBuf::from(value), ttl).await.map_err(fault)
    }

    async fn invalidate(&self, key: &str) -> Result<(), Fault> {
        self.cache.delete(key).await.map(drop).map_err(fault)
    }

    async fn lease(&self, key: &str, holder: &str, ttl: Duration) -> Result<bool, Fault> {
        let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        let taken = self.backend.acquire_lock(key, ttl_ms).await.map_err(lock_fault)?;
        let Some(id) = taken else { return Ok(false) };
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((key.to_owned(), holder.to_owned()), id);
        Ok(true)
    }

    async fn release(&self, key: &str, holder: &str) -> Result<(), Fault> {
        let name = (key.to_owned(), holder.to_owned());
        let id = self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
        let Some(id) = id else { return Ok(()) };
        self.backend.release_lock(key, &id).await.map(drop).map_err(lock_fault)
    }

    async fn close(&self) {
        self.driving.abort();
    }
}
