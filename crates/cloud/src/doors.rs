//! The server's doors: how many may be connected at once, and how long a connection may be written to without taking anything.
//!
//! Who comes when all places are taken is told so in HTTP, with a time to come back; for that there are a few places more, each for
//! seconds only. When those are taken too, a connection is closed without a word. Nothing here knows a request: what is decided is
//! decided behind it. The operator's commands don't come this way: they open the database.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use axum_server::accept::Accept;
use futures_util::future::BoxFuture;
use http::HeaderValue;
use http::header::CONNECTION;
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tower::Service;

use crate::cloud::Cloud;
use crate::edge::dispatch;

/// Those who are told that all places are taken, at once.
const TOLD_AT_ONCE: usize = 64;
/// How long telling may take, from TLS to the last byte.
const TOLD_WITHIN: Duration = Duration::from_secs(5);

/// Lets connections in, before the inner acceptor (TLS) speaks with them.
#[derive(Clone)]
pub(crate) struct Doors<A> {
    inner: A,
    cloud: Arc<Cloud>,
    places: Arc<Semaphore>,
    told: Arc<Semaphore>,
}

impl<A> Doors<A> {
    pub(crate) fn new(inner: A, cloud: Arc<Cloud>) -> Self {
        let places = cloud.config.limits.connections.min(Semaphore::MAX_PERMITS);
        Self {
            inner,
            cloud,
            places: Arc::new(Semaphore::new(places)),
            told: Arc::new(Semaphore::new(TOLD_AT_ONCE)),
        }
    }
}

impl<A, S> Accept<TcpStream, S> for Doors<A>
where
    A: Accept<Guarded, S>,
    A::Future: Send + 'static,
{
    type Stream = A::Stream;
    type Service = Welcome<A::Service>;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let place = self.places.clone().try_acquire_owned();
        let full = place.is_err();
        let Ok(place) = place.or_else(|_| self.told.clone().try_acquire_owned()) else {
            return Box::pin(async { Err(io::Error::other("all places are taken")) });
        };
        let until = full.then(|| Box::pin(tokio::time::sleep(TOLD_WITHIN)));
        let patience = self.cloud.config.limits.write_idle;
        let stream = Guarded { stream, patience, stuck: None, until, _place: place };
        let accepted = self.inner.accept(stream, service);
        let full = full.then(|| self.cloud.clone());
        Box::pin(async move {
            let (stream, service) = accepted.await?;
            Ok((stream, Welcome { service, full }))
        })
    }
}

/// A connection's service; with all places taken, one that says so.
#[derive(Clone)]
pub(crate) struct Welcome<S> {
    service: S,
    full: Option<Arc<Cloud>>,
}

impl<S> Service<Request<Incoming>> for Welcome<S>
where
    S: Service<Request<Incoming>, Response = Response>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let Some(cloud) = &self.full else { return Box::pin(self.service.call(request)) };
        let mut response = dispatch::full(cloud, &request);
        // HTTP/2 has no such header; there the connection's few seconds end it.
        if request.version() < http::Version::HTTP_2 {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Box::pin(async { Ok(response) })
    }
}

/// A connection that holds its place, and fails when its other end takes nothing for too long.
pub(crate) struct Guarded {
    stream: TcpStream,
    patience: Duration,
    /// Runs while something waits to be taken.
    stuck: Option<Pin<Box<Sleep>>>,
    /// Everything has to be said by then.
    until: Option<Pin<Box<Sleep>>>,
    _place: OwnedSemaphorePermit,
}

impl Guarded {
    fn in_time(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let over = self.until.as_mut().is_some_and(|until| until.as_mut().poll(context).is_ready());
        if over { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }

    fn watch<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let patience = self.patience;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(stuck.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.in_time(context)?;
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.in_time(context)?;
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.in_time(context)?;
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watch(context, shut)
    }
}
