//! The simulated network's streams, as the agent and the people's client want them.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use keepsight_agent::http::{Dial, Dialing, Stream};
use keepsight_person::{HyperTransport, Transport};
use keepsight_world::World;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use turmoil::net::{TcpListener, TcpStream};

use super::book::Book;

/// How a home's agent reaches the cloud; every try, request line and status line goes into the trace.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) book: Arc<Book>,
    pub(super) host: Arc<str>,
    pub(super) world: World,
}

impl Line {
    fn trace(&self, line: String) {
        self.book.notes().trace(self.world.unix_millis(), &self.host, line);
    }
}

impl Dial for Line {
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a> {
        Box::pin(async move {
            let dialed = TcpStream::connect((host, port)).await;
            self.trace(format!("dial: {:?}", dialed.as_ref().map(drop).map_err(io::Error::kind)));
            let stream = Spoken { stream: dialed?, line: Some(self.clone()) };
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}

/// People's requests over the simulated network.
pub(super) fn transport() -> Arc<dyn Transport> {
    let connect = |uri: http::Uri| {
        Box::pin(async move {
            let address = (uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(80));
            let stream = TcpStream::connect(address).await?;
            Ok::<_, io::Error>(TokioIo::new(Spoken { stream, line: None }))
        })
    };
    Arc::new(HyperTransport::over(tower::service_fn(connect)))
}

/// A listening port for `axum::serve`.
pub(super) struct Port(pub(super) TcpListener);

impl axum::serve::Listener for Port {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            if let Ok(accepted) = self.0.accept().await {
                return accepted;
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A stream whose HTTP first lines are noted.
struct Spoken {
    stream: TcpStream,
    line: Option<Line>,
}

impl Spoken {
    fn note(&self, bytes: &[u8]) {
        let Some(line) = &self.line else { return };
        let begins = [&b"PUT "[..], b"POST ", b"GET ", b"HTTP/1."].iter().any(|word| bytes.starts_with(word));
        let first = bytes.split(|&byte| byte == b'\r').next().unwrap_or_default();
        if begins {
            line.trace(String::from_utf8_lossy(first).into_owned());
        }
    }
}

impl Connection for Spoken {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Spoken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.note(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Spoken {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        self.note(&buf[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
