//! The agent's HTTP client: one server, bounded in time and size, over connections that somebody else may dial.
//!
//! It knows no route and no session. Every request ends within its deadline; an answer larger than its limit is an error.

mod tls;

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use keepsight_ids::B32;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use url::Url;

use tls::Tls;
pub use tls::Trust;

/// Making a connection, name look-up and TLS included.
const CONNECT: Duration = Duration::from_secs(15);
/// A request without much body.
const REQUEST: Duration = Duration::from_secs(30);
/// The slowest line that a large body is given time for, in bytes per second.
const SLOWEST: u64 = 16 * 1024;
/// The longest pause that a server is believed to mean.
const RETRY_AFTER_MOST: Duration = Duration::from_secs(3600);
/// Everything but chains is small.
const ANSWER_MOST: usize = 8 << 20;

/// A byte stream to a server.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What [`Dial::dial`] returns.
pub type Dialing<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send + 'a>>;

/// Opens byte streams: over TCP, or over a simulated network.
pub trait Dial: Send + Sync {
    /// A stream to this host (a name or an address, without brackets) and port.
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a>;
}

/// Dials over TCP.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpDial;

impl Dial for TcpDial {
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a> {
        Box::pin(async move {
            let stream = tokio::net::TcpStream::connect((host, port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}

/// A request below the server's address.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: http::Method,
    /// Below the server's address, beginning with `/`; may have a query.
    pub path: String,
    /// For `Authorization: Bearer`.
    pub token: Option<String>,
    /// The body.
    pub body: Body,
}

/// A request's body.
#[derive(Debug, Clone)]
pub enum Body {
    /// None.
    Empty,
    /// A JSON document.
    Json(Bytes),
    /// Sealed bytes.
    Sealed(Bytes),
}

impl Body {
    /// This value as JSON.
    pub fn json<T: serde::Serialize>(value: &T) -> Self {
        Self::Json(serde_json::to_vec(value).expect("wire bodies are plain JSON").into())
    }
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// In how long the server wants to be asked again.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// No connection could be made.
    #[error("no connection: {0}")]
    NotConnected(String),
    /// The connection broke, or what came over it was no HTTP.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// No answer in time.
    #[error("no answer in time")]
    TooSlow,
}

/// An HTTP client of one server. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client {
    base: Url,
    tls: Option<Arc<Tls>>,
    pool: Pool<Connector, Full<Bytes>>,
}

/// Why an address can't be a server's.
#[derive(Debug, thiserror::Error)]
#[error("not a server's address: {0}; expected http:// or https://, a host, and perhaps a port")]
pub struct BadAddress(String);

impl Client {
    /// A client of the server at `base` (`http` or `https`).
    ///
    /// # Errors
    /// When the address is not one of a server, or the machine's trusted certificates can't be used.
    pub fn new(base: &Url, trust: Trust, dial: Arc<dyn Dial>) -> Result<Self, BadAddress> {
        let refuse = |why: &str| BadAddress(format!("{base}: {why}"));
        let tls = match base.scheme() {
            "http" => None,
            "https" => Some(Arc::new(Tls::new(trust).map_err(|error| refuse(&error.to_string()))?)),
            _ => return Err(refuse("another protocol")),
        };
        if base.host_str().is_none_or(str::is_empty)
            || !base.username().is_empty()
            || base.password().is_some()
        {
            return Err(refuse("no host, or a login in it"));
        }
        let connector = Connector { dial, tls: tls.clone() };
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(55))
            .pool_max_idle_per_host(4)
            .retry_canceled_requests(false)
            .build(connector);
        Ok(Self { base: base.clone(), tls, pool })
    }

    /// SHA-256 of the certificate that the server showed last; `None` before the first connection and without TLS.
    pub fn certificate(&self) -> Option<B32> {
        self.tls.as_ref().and_then(|tls| tls.seen())
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// [`Lost`]: whether the server did what was asked is then unknown.
    pub async fn send(&self, request: Request) -> Result<Answer, Lost> {
        let time = REQUEST + CONNECT + Duration::from_secs(request.body.len() as u64 / SLOWEST);
        let request = self.build(request)?;
        tokio::time::timeout(time, self.exchange(request)).await.unwrap_or(Err(Lost::TooSlow))
    }

    fn build(&self, request: Request) -> Result<http::Request<Full<Bytes>>, Lost> {
        let base = self.base.as_str().trim_end_matches('/');
        let mut builder =
            http::Request::builder().method(request.method).uri(format!("{base}{}", request.path));
        builder =
            builder.header(http::header::USER_AGENT, concat!("keepsight-agent/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = request.token {
            builder = builder.header(http::header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let (kind, bytes) = match request.body {
            Body::Empty => (None, Bytes::new()),
            Body::Json(bytes) => (Some("application/json"), bytes),
            Body::Sealed(bytes) => (Some("application/octet-stream"), bytes),
        };
        if let Some(kind) = kind {
            builder = builder.header(http::header::CONTENT_TYPE, kind);
        }
        // A token with a line break in it, say: nothing that a well-meaning server sends.
        builder.body(Full::new(bytes)).map_err(|error| Lost::Broken(error.to_string()))
    }

    async fn exchange(&self, request: http::Request<Full<Bytes>>) -> Result<Answer, Lost> {
        let response = self.pool.request(request).await.map_err(|error| {
            let text = innermost(&error);
            if error.is_connect() { Lost::NotConnected(text) } else { Lost::Broken(text) }
        })?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let body = Limited::new(response.into_body(), ANSWER_MOST).collect().await;
        let body = body.map_err(|error| Lost::Broken(error.to_string()))?.to_bytes();
        Ok(Answer { status, retry_after, body })
    }
}

impl Body {
    fn len(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Json(bytes) | Self::Sealed(bytes) => bytes.len(),
        }
    }
}

/// What a person can act on stands at the end of a chain of errors.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// Seconds only: Keepsight's servers say nothing else, and a date would need a clock that is right.
fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let seconds = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MOST))
}

/// Dials, and speaks TLS where the address says so.
#[derive(Clone)]
struct Connector {
    dial: Arc<dyn Dial>,
    tls: Option<Arc<Tls>>,
}

impl Connector {
    async fn connect(self, uri: http::Uri) -> io::Result<TokioIo<Wire>> {
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let default = if self.tls.is_some() { 443 } else { 80 };
        let stream = self.dial.dial(&host, uri.port_u16().unwrap_or(default)).await?;
        let stream = match &self.tls {
            Some(tls) => tls.connect(&host, stream).await?,
            None => stream,
        };
        Ok(TokioIo::new(Wire(stream)))
    }
}

impl tower::Service<http::Uri> for Connector {
    type Response = TokioIo<Wire>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Wire>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: http::Uri) -> Self::Future {
        let connecting = self.clone().connect(uri);
        Box::pin(async {
            let late = |_| Err(io::Error::new(io::ErrorKind::TimedOut, "the server does not answer"));
            tokio::time::timeout(CONNECT, connecting).await.unwrap_or_else(late)
        })
    }
}

/// A boxed stream that the connection pool can hold.
struct Wire(Box<dyn Stream>);

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
