//! Whom the agent believes to be its server.
//!
//! Pairing carries the certificate's hash from the owner's browser under the code's secret, so a self-signed server needs no
//! authority. A server that renews a publicly trusted certificate stays reachable: beside the pin, a certificate that this
//! machine's authorities vouch for under the server's name is accepted. The agent's session is bound to the certificate that
//! it sees, so one in between could read ciphertext that it can't open, and write nothing.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use keepsight_ids::B32;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::Stream;

/// Which certificates are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Any: only to look, while pairing. What is learned must then be proven by the pairing code.
    DangerAny,
    /// The one with this SHA-256, and what this machine's authorities vouch for.
    Pinned(B32),
    /// What this machine's authorities vouch for: the server stands behind a proxy that speaks TLS for it.
    Public,
}

/// TLS to one server.
pub struct Tls {
    config: Arc<ClientConfig>,
    verifier: Arc<Verifier>,
}

impl Tls {
    pub fn new(trust: Trust) -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = Arc::new(Verifier::new(trust, &provider)?);
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone())
            .with_no_client_auth();
        Ok(Self { config: Arc::new(config), verifier })
    }

    pub fn seen(&self) -> Option<B32> {
        *self.verifier.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub async fn connect(&self, host: &str, stream: Box<dyn Stream>) -> io::Result<Box<dyn Stream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let stream = tokio_rustls::TlsConnector::from(self.config.clone()).connect(name, stream).await?;
        Ok(Box::new(stream))
    }
}

#[derive(Debug)]
struct Verifier {
    trust: Trust,
    /// Absent when this machine has no authorities: then only the pin counts.
    authorities: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    seen: Mutex<Option<B32>>,
}

impl Verifier {
    fn new(trust: Trust, provider: &Arc<CryptoProvider>) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let authorities = if roots.is_empty() {
            None
        } else {
            let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
            Some(builder.build().map_err(|error| Error::General(error.to_string()))?)
        };
        Ok(Self { trust, authorities, provider: provider.clone(), seen: Mutex::new(None) })
    }

    fn accepts(&self, hash: B32) -> bool {
        match self.trust {
            Trust::DangerAny => true,
            Trust::Pinned(pin) => pin == hash,
            Trust::Public => false,
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let hash = keepsight_seal::sha256(end_entity);
        let verified = if self.accepts(hash) {
            ServerCertVerified::assertion()
        } else {
            let authorities = self.authorities.as_ref().ok_or_else(|| {
                Error::General("the server's certificate is not the one that was paired with".to_owned())
            })?;
            authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)?
        };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(hash);
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
