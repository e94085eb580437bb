//! What a server must be told. Read from a file by the application; nothing here reads one.

use std::net::SocketAddr;
use std::path::PathBuf;

use keepsight_wire::people::SignUpPolicy;

pub use crate::edge::client::{Network, ParseNetworkError};
pub use crate::edge::limits::{Limits, Rate};

/// A server's configuration.
#[derive(Debug, Clone)]
pub struct CloudConfig {
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// How connections are encrypted.
    pub tls: TlsSource,
    /// The address that people type, when it is not the one they reach: `https://cameras.example`.
    pub public_url: Option<String>,
    /// Proxies whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// Who may sign up.
    pub sign_up: SignUpPolicy,
    /// A demo says so to its browsers, which then take a link that signs in by itself. Never for a server with real homes.
    pub demo: bool,
    /// The folder for this server's own files: the certificate that it makes itself.
    pub data: PathBuf,
    /// Records of who saw what are kept for so many days, and as long as the Event is that they speak of; 0 keeps them for ever.
    pub ledger_days: u32,
    /// Limits against guessing and flooding.
    pub limits: Limits,
}

/// Where the certificate comes from.
#[derive(Debug, Clone)]
pub enum TlsSource {
    /// None: plain HTTP, for loopback or behind a proxy that encrypts.
    Plain,
    /// PEM files.
    Files {
        /// The certificate and its chain.
        certificate: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
    /// Made at first start and kept in the data folder, for these names and addresses.
    SelfSigned {
        /// `localhost`, `192.0.2.7`, ..
        names: Vec<String>,
    },
}

impl CloudConfig {
    /// A server on this address with its own files in that folder, and everything else as it is by default: plain HTTP, sign-up by
    /// invitation.
    pub fn new(listen: SocketAddr, data: PathBuf) -> Self {
        Self {
            listen,
            tls: TlsSource::Plain,
            public_url: None,
            trusted_proxies: Vec::new(),
            sign_up: SignUpPolicy::Invitation,
            demo: false,
            data,
            ledger_days: 365,
            limits: Limits::default(),
        }
    }
}
