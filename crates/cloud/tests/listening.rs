//! Real sockets: TLS with a certificate made at first start, slow clients, and stopping.

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keepsight_cloud::{Cloud, CloudConfig, RunningCloud, TlsSource};
use keepsight_store::{Objects, Reserve, SqliteRecords, SqliteTruth};
use keepsight_wire::people::Service;
use keepsight_world::World;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

async fn start(folder: &Path, change: impl FnOnce(&mut CloudConfig)) -> RunningCloud {
    let mut config = support::config(folder);
    change(&mut config);
    let world = World::real();
    let truth = Arc::new(SqliteTruth::open(&folder.join("truth.db"), world.clone()).unwrap());
    let records = Arc::new(SqliteRecords::open(&folder.join("records.db"), world.clone()).unwrap());
    let objects = Objects::open_folder(&folder.join("objects"), Reserve::NONE, world.clone()).unwrap();
    Cloud::start(config, world, truth, records, objects).await.unwrap()
}

async fn fetch(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A peer that closes without saying so is fine: the whole answer has its length.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn it_listens_says_where_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), |_| {}).await;
    let address: SocketAddr = server.local_addr();
    assert_eq!(server.url(), format!("http://{address}"));
    let link = server.setup_link().unwrap();
    assert!(link.starts_with(&format!("http://{address}/set-up#")) && link.len() > 60, "{link}");
    assert!(server.cloud().is_ready().await);
    let answer = fetch(TcpStream::connect(address).await.unwrap(), "/api/v1/service").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    let begun = Instant::now();
    server.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn its_own_certificate_is_the_one_that_it_states() {
    let folder = tempfile::tempdir().unwrap();
    let tls = TlsSource::SelfSigned { names: vec!["localhost".into()] };
    let server = start(folder.path(), |config| config.tls = tls).await;
    assert!(server.url().starts_with("https://"));
    let pem = std::fs::read(folder.path().join("cloud/certificate.pem")).unwrap();
    let certificate = CertificateDer::from_pem_slice(&pem).unwrap();
    let hash = keepsight_seal::sha256(&certificate);
    assert_eq!(server.fingerprint(), Some(hash));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    let stream = TcpStream::connect(server.local_addr()).await.unwrap();
    let stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    let answer = fetch(stream, "/api/v1/service").await;
    let service: Service = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(service.tls, Some(hash));
    server.stop().await;
}

#[tokio::test]
async fn an_address_that_is_taken_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), |_| {}).await;
    let other = tempfile::tempdir().unwrap();
    let mut config = support::config(other.path());
    config.listen = server.local_addr();
    let world = World::real();
    let truth = Arc::new(SqliteTruth::open(&other.path().join("truth.db"), world.clone()).unwrap());
    let records = Arc::new(SqliteRecords::open(&other.path().join("records.db"), world.clone()).unwrap());
    let objects = Objects::open_folder(&other.path().join("objects"), Reserve::NONE, world.clone()).unwrap();
    let error = Cloud::start(config, world, truth, records, objects).await.unwrap_err().to_string();
    assert!(error.contains(&server.local_addr().to_string()), "{error}");
    server.stop().await;
}

#[tokio::test]
async fn a_huge_head_is_refused_and_the_next_request_answered() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), |_| {}).await;
    let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
    let head = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "y".repeat(100_000));
    let _ = stream.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 200"));
    let answer = fetch(TcpStream::connect(server.local_addr()).await.unwrap(), "/api/v1/service").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    server.stop().await;
}
