//! The listening side: sockets, TLS, slow clients, and stopping without cutting anybody off in the middle of a sentence.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum_server::Handle;
use axum_server::accept::DefaultAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustls::ServerConfig;
use tokio::task::JoinHandle;

use crate::cloud::Cloud;
use crate::doors::Doors;
use crate::edge::dispatch;
use crate::error::CloudError;

/// How often an idle HTTP/2 connection is asked for a sign of life, and how long that may take.
const ALIVE_TIME: Duration = Duration::from_secs(30);
/// The largest head of a request, in bytes; cookies and a few headers need far less.
const HEAD_BYTES: usize = 32 * 1024;
/// How long requests in work may take when the server stops.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// The whole server as a router, for whoever brings their own sockets. All it does is hand requests to the edge.
#[expect(clippy::disallowed_methods, reason = "the one place where the edge is mounted")]
pub(crate) fn router(cloud: Arc<Cloud>) -> Router {
    Router::new().fallback_service(tower::service_fn(move |request: Request| {
        let cloud = cloud.clone();
        async move { Ok::<_, std::convert::Infallible>(dispatch::serve(cloud, request).await) }
    }))
}

/// A listening server.
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    handle: Handle<SocketAddr>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Listening {
    /// Begins to listen.
    pub(crate) fn start(
        cloud: &Arc<Cloud>,
        address: SocketAddr,
        tls: Option<Arc<ServerConfig>>,
    ) -> Result<Self, CloudError> {
        let fail = |source| CloudError::Listen { address, source };
        let socket = std::net::TcpListener::bind(address).map_err(fail)?;
        let address = socket.local_addr().map_err(fail)?;
        let handle = Handle::new();
        let head_time = cloud.config.limits.head_time;
        let mut server = axum_server::from_tcp(socket)
            .map_err(fail)?
            .handle(handle.clone())
            .first_request_timeout(head_time);
        let http = server.http_builder();
        http.http1().header_read_timeout(head_time).max_buf_size(HEAD_BYTES).max_headers(64);
        http.http2().max_header_list_size(HEAD_BYTES as u32).max_concurrent_streams(64);
        http.http2().keep_alive_interval(ALIVE_TIME).keep_alive_timeout(ALIVE_TIME);
        let service = router(cloud.clone()).into_make_service_with_connect_info::<SocketAddr>();
        let served = match tls {
            None => tokio::spawn(server.acceptor(Doors::new(DefaultAcceptor, cloud.clone())).serve(service)),
            Some(config) => {
                let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(config));
                tokio::spawn(server.acceptor(Doors::new(acceptor, cloud.clone())).serve(service))
            }
        };
        Ok(Self { address, handle, served })
    }

    /// Takes no new connection, lets requests in work finish, and returns when all is still.
    pub(crate) async fn stop(self) {
        self.handle.graceful_shutdown(Some(DRAIN_TIME));
        if let Err(error) = self.served.await {
            tracing::error!(%error, "the listening task failed");
        }
    }
}
