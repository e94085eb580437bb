//! Why a server did not start. What goes wrong with a single request is told by the edge instead.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a server could not start or stop cleanly.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CloudError {
    /// The address is taken, or not this machine's.
    #[error("can't listen on {address}: {source}; is another server running there?")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A file could not be read or written.
    #[error("can't use the file {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The certificate or key can't be used.
    #[error("the certificate or key in {} can't be used: {why}", path.display())]
    Certificate {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The stores could not be asked what is there.
    #[error("the database does not answer: {0}")]
    Store(String),
}
