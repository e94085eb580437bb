//! How requests travel: hyper's pooled client over any connector, behind a trait that a simulator can implement.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::Connect;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::{Connector, PersonError, Trust};

/// Any error of a connection.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// An answer's body as it arrives.
pub type Body = BoxBody<Bytes, BoxError>;
/// An answer that is on its way.
pub type Pending<'a> = Pin<Box<dyn Future<Output = Result<Response<Body>, PersonError>> + Send + 'a>>;

/// Carries one request, whose URI is absolute, and brings its answer.
pub trait Transport: Send + Sync {
    /// Sends a request. Dropping the future gives it up.
    fn send(&self, request: Request<Full<Bytes>>) -> Pending<'_>;
}

/// hyper's client: HTTP/1.1, connections kept and used again.
#[derive(Debug, Clone)]
pub struct HyperTransport<C>(Client<C, Full<Bytes>>);

impl HyperTransport<Connector> {
    /// Over TCP, with TLS for `https` addresses.
    pub fn tcp(trust: Trust) -> Self {
        Self::over(Connector::new(trust))
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> HyperTransport<C> {
    /// Over any connector, such as a simulated network's.
    pub fn over(connector: C) -> Self {
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).timer(TokioTimer::new());
        Self(builder.build(connector))
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> Transport for HyperTransport<C> {
    fn send(&self, request: Request<Full<Bytes>>) -> Pending<'_> {
        let answer = self.0.request(request);
        Box::pin(async move {
            let answer = answer.await.map_err(|why| PersonError::Unreachable(chain_of(&why)))?;
            Ok(answer.map(|body| body.map_err(|why| Box::new(why) as BoxError).boxed()))
        })
    }
}

/// An error with its causes, in one line.
pub(crate) fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(below) = cause {
        text.push_str(": ");
        text.push_str(&below.to_string());
        cause = below.source();
    }
    text
}

/// `base` and a path that begins with `/`, which may have a query.
pub(crate) fn address(base: &str, path: &str) -> Result<Uri, PersonError> {
    format!("{base}{path}").parse().map_err(|_| PersonError::BadAddress(format!("{base}{path}")))
}
