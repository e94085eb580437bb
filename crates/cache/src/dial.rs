//! How a connection is opened: TCP, TLS, or whatever a simulation puts in their place.

use std::future::Future;
use std::io;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A byte stream in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A stream that is being opened.
pub type Dialing = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send>>;

/// Opens streams to the server. The caller limits the time.
pub trait Dial: Send + Sync + 'static {
    /// Opens one.
    fn dial(&self) -> Dialing;
}

/// Plain TCP.
#[derive(Debug, Clone)]
pub(crate) struct Tcp {
    address: String,
}

impl Tcp {
    pub fn new(address: impl Into<String>) -> Self {
        Self { address: address.into() }
    }
}

impl Dial for Tcp {
    fn dial(&self) -> Dialing {
        let address = self.address.clone();
        Box::pin(async move { Ok(Box::new(connect(&address).await?) as Box<dyn Stream>) })
    }
}

async fn connect(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    // Batches are gathered above; the kernel must not wait for more.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// TLS over TCP.
#[cfg(feature = "tls")]
pub(crate) struct Tls {
    address: String,
    connector: tokio_rustls::TlsConnector,
}

#[cfg(feature = "tls")]
impl Tls {
    pub fn new(address: impl Into<String>, config: std::sync::Arc<rustls::ClientConfig>) -> Self {
        Self { address: address.into(), connector: config.into() }
    }
}

#[cfg(feature = "tls")]
impl Dial for Tls {
    fn dial(&self) -> Dialing {
        let (address, connector) = (self.address.clone(), self.connector.clone());
        Box::pin(async move {
            let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
            let name = host.trim_matches(['[', ']']).to_owned();
            let name = rustls::pki_types::ServerName::try_from(name)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
            let stream = connector.connect(name, connect(&address).await?).await?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}
