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

/// A TLS client that trusts this certificate alone.
fn trusting(pem: &[u8]) -> tokio_rustls::TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tokio_rustls::TlsConnector::from(Arc::new(client))
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
    let connector = trusting(&pem);
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

const SERVICE: &[u8] = b"GET /api/v1/service HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// Reads until the other end closes, which it has to do within `most`; what was read, and after how long.
async fn closed_within(stream: &mut TcpStream, most: Duration) -> (String, Duration) {
    let begun = Instant::now();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(most, stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "still open after {most:?}: {}", String::from_utf8_lossy(&answer));
    (String::from_utf8_lossy(&answer).into_owned(), begun.elapsed())
}

#[tokio::test]
async fn who_comes_when_all_places_are_taken_is_told_when_to_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), |config| config.limits.connections = 2).await;
    let connect = async || TcpStream::connect(server.local_addr()).await.unwrap();
    let mut places = Vec::new();
    for _ in 0..2 {
        let mut stream = connect().await;
        stream.write_all(SERVICE).await.unwrap();
        let mut head = [0; 15];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200 OK");
        places.push(stream);
    }
    let refused = |answer: &str| {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("connection: close"), "{head}");
        assert!(head.contains("retry-after: ") && body.contains("\"unavailable\""), "{answer}");
    };
    // With a request that says nothing of closing: it is closed all the same.
    let mut third = connect().await;
    third.write_all(SERVICE).await.unwrap();
    refused(&closed_within(&mut third, Duration::from_secs(3)).await.0);
    let mut agent = connect().await;
    agent.write_all(b"POST /agent/v1/challenge HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    refused(&closed_within(&mut agent, Duration::from_secs(3)).await.0);
    // One who doesn't even ask holds none of the few places for being told.
    let (nothing, _) = closed_within(&mut connect().await, Duration::from_secs(15)).await;
    assert_eq!(nothing, "");
    // A place that is given back is taken by the next.
    places.pop();
    let begun = Instant::now();
    while !fetch(connect().await, "/api/v1/service").await.starts_with("HTTP/1.1 200 OK") {
        assert!(begun.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn over_tls_too_who_finds_no_place_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let tls = TlsSource::SelfSigned { names: vec!["localhost".into()] };
    let change = |config: &mut CloudConfig| {
        config.tls = tls;
        config.limits.connections = 0;
    };
    let server = start(folder.path(), change).await;
    let connector = trusting(&std::fs::read(folder.path().join("cloud/certificate.pem")).unwrap());
    let stream = TcpStream::connect(server.local_addr()).await.unwrap();
    let stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    let answer = fetch(stream, "/api/v1/service").await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: "), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_and_an_idle_connection_are_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let time = Duration::from_millis(600);
    let server = start(folder.path(), |config| config.limits.head_time = time).await;
    let begun = Instant::now();
    let mut slow = TcpStream::connect(server.local_addr()).await.unwrap();
    for byte in SERVICE.iter().cycle().take(400) {
        // A letter every 50 ms: the whole head would take seconds.
        if *byte == b'\n' || slow.write_all(&[*byte]).await.is_err() || begun.elapsed() > 3 * time {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (answer, _) = closed_within(&mut slow, 3 * time).await;
    assert!(!answer.contains("200 OK"), "{answer}");
    assert!(begun.elapsed() < 5 * time, "{:?}", begun.elapsed());
    // One request, and then nothing more.
    let mut idle = TcpStream::connect(server.local_addr()).await.unwrap();
    idle.write_all(SERVICE).await.unwrap();
    let (answer, after) = closed_within(&mut idle, 5 * time).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && after >= time / 2, "{after:?} {answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_stops_arriving_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let idle = Duration::from_millis(500);
    let server = start(folder.path(), |config| config.limits.body_idle = idle).await;
    let head = "POST /api/v1/sign-in HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n";
    let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // While something arrives it is waited for.
    for _ in 0..6 {
        tokio::time::sleep(idle / 2).await;
        stream.write_all(b" ").await.unwrap();
    }
    let (answer, after) = closed_within(&mut stream, Duration::from_secs(5)).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(after >= idle / 2 && after < 6 * idle, "{after:?}");
    server.stop().await;
}

#[tokio::test]
async fn who_never_reads_what_was_asked_for_is_cut_off_and_gives_the_place_back() {
    let folder = tempfile::tempdir().unwrap();
    let change = |config: &mut CloudConfig| {
        config.limits.connections = 1;
        config.limits.write_idle = Duration::from_millis(700);
    };
    let server = start(folder.path(), change).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(server.local_addr()).await.unwrap();
    // Asks again and again in one connection and reads nothing: the answers fill every buffer on the way.
    let page = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(64);
    let asked = tokio::spawn(async move {
        let mut stream = stream;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(20) {
            match tokio::time::timeout(Duration::from_secs(20), stream.write_all(&page)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return true,
                Err(_) => return false,
            }
        }
        false
    });
    assert!(asked.await.unwrap(), "the server went on waiting for a reader");
    let answer = fetch(TcpStream::connect(server.local_addr()).await.unwrap(), "/api/v1/service").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    server.stop().await;
}
