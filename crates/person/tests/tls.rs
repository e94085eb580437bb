//! A certificate is trusted by its hash, and nothing else is.

use std::sync::Arc;

use keepsight_ids::B32;
use keepsight_person::{Api, PersonError, Trust};
use keepsight_seal::sha256;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const SERVICE: &str =
    r#"{"version":"0.1.0","sign_up":"open","setup_needed":false,"tls":null,"now":1700000000000}"#;

/// A TLS server that answers every connection's first request; gives its address and the SHA-256 of its certificate.
async fn served() -> (String, B32) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let der = made.cert.der().clone();
    let hash = sha256(&der);
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![der], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(mut tls) = acceptor.accept(tcp).await else { continue };
            let mut request = [0; 4096];
            let read = tls.read(&mut request).await.unwrap_or(0);
            assert!(request[..read].starts_with(b"GET /api/v1/service HTTP/1.1\r\n"));
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{SERVICE}", SERVICE.len());
            let _ = tls.write_all(answer.as_bytes()).await;
            let _ = tls.shutdown().await;
        }
    });
    (address, hash)
}

#[tokio::test]
async fn the_certificate_with_the_known_hash_is_trusted() {
    let (address, hash) = served().await;
    let api = Api::new(&address, Trust::Certificate(hash)).unwrap();
    assert_eq!(api.service().await.unwrap().version, "0.1.0");
}

#[tokio::test]
async fn another_certificate_is_refused() {
    let (address, mut hash) = served().await;
    hash.0[0] ^= 1;
    let api = Api::new(&address, Trust::Certificate(hash)).unwrap();
    let Err(PersonError::Unreachable(why)) = api.service().await else { panic!("trusted") };
    assert!(why.contains("not the one that is trusted here"), "{why}");
}

#[tokio::test]
async fn tls_without_a_known_hash_is_refused() {
    let (address, _) = served().await;
    let api = Api::new(&address, Trust::Plain).unwrap();
    let Err(PersonError::Unreachable(why)) = api.service().await else { panic!("trusted") };
    assert!(why.contains("needs the SHA-256"), "{why}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_to_be_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let api = Api::new(&address, Trust::Plain).unwrap();
    assert!(matches!(api.service().await, Err(PersonError::Unreachable(_))));
}
