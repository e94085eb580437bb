//! fred, as its examples configure it for production: time-outs for commands and connecting, exponential backoff without end, and the check
//! that closes a connection which owes a reply for too long. Everything else is the library's default.

use std::time::Duration;

use ::fred::prelude::*;
use ::fred::types::config::UnresponsiveConfig;
use async_trait::async_trait;
use bytes::Bytes;

use super::{Capabilities, Client as Trialled, Connecting, Fault, RELEASE_SCRIPT, Setup, versions};

/// One client, which reconnects by itself.
pub fn connect(setup: Setup) -> Connecting {
    Box::pin(async move {
        let client = build(&setup).map_err(fault)?;
        client.init().await.map_err(fault)?;
        Ok(Box::new(Fred(client)) as Box<dyn Trialled>)
    })
}

fn build(setup: &Setup) -> Result<Client, Error> {
    let address = setup.address;
    let config = Config {
        server: ServerConfig::new_centralized(address.ip().to_string(), address.port()),
        ..Config::default()
    };
    Builder::from_config(config)
        .with_performance_config(|config| config.default_command_timeout = setup.call_timeout)
        .with_connection_config(|config| {
            config.connection_timeout = setup.connect_timeout;
            config.internal_command_timeout = setup.call_timeout;
            config.tcp = TcpConfig { nodelay: Some(true), ..TcpConfig::default() };
            // In its example the interval is about a third of the patience.
            config.unresponsive = UnresponsiveConfig {
                max_timeout: Some(setup.call_timeout),
                interval: setup.call_timeout / 3,
            };
        })
        .set_policy(ReconnectPolicy::new_exponential(0, 100, 30_000, 2))
        .build()
}

fn fault(error: Error) -> Fault {
    let text = error.to_string();
    match error.kind() {
        ErrorKind::Timeout => Fault::TimedOut,
        ErrorKind::IO | ErrorKind::Canceled => Fault::Connection(text),
        ErrorKind::Parse | ErrorKind::Protocol => Fault::Refused(text),
        ErrorKind::Unknown => Fault::Server(text),
        _ => Fault::Other(text),
    }
}

fn expiring(ttl: Duration) -> Option<Expiration> {
    Some(Expiration::PX(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX)))
}

struct Fred(Client);

#[async_trait]
impl Trialled for Fred {
    fn version(&self) -> String {
        versions::locked("fred")
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::STORE
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Fault> {
        self.0.get(key).await.map_err(fault)
    }

    async fn set(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), Fault> {
        self.0.set(key, value, expiring(ttl), None, false).await.map_err(fault)
    }

    async fn invalidate(&self, key: &str) -> Result<(), Fault> {
        self.0.del::<u64, _>(key).await.map(drop).map_err(fault)
    }

    async fn lease(&self, key: &str, holder: &str, ttl: Duration) -> Result<bool, Fault> {
        let options = Some(SetOptions::NX);
        let taken: Option<String> =
            self.0.set(key, holder, expiring(ttl), options, false).await.map_err(fault)?;
        Ok(taken.is_some())
    }

    async fn release(&self, key: &str, holder: &str) -> Result<(), Fault> {
        self.0.eval::<u64, _, _, _>(RELEASE_SCRIPT, key, holder).await.map(drop).map_err(fault)
    }

    async fn close(&self) {
        // It can only fail when there is no connection to say goodbye on.
        if let Err(error) = self.0.quit().await {
            tracing::debug!(%error, "fred was not connected when it ended");
        }
    }
}
