//! A real server that hangs, dies and comes back; and one that is reached over TLS only.

use std::time::{Duration, Instant};

use keepsight_cache::suite::Engine;
use keepsight_cache::{Backend, Cache, LocalBound, Location, Redis};

use super::fixture::{BoundNotes, connect, server};

/// A cache without own copies, and how to get a note that is loaded at once.
fn cache(redis: &Redis) -> keepsight_cache::Typed<BoundNotes> {
    let local = LocalBound { entries: 0, ..LocalBound::default() };
    Cache::builder(redis.clone()).local(local).build().typed()
}

async fn get(notes: &keepsight_cache::Typed<BoundNotes>) -> Duration {
    let began = Instant::now();
    let load = || async { Ok::<_, std::io::Error>(Some("value".to_owned())) };
    let value = notes.get_or_load(&(1, "a".to_owned()), load).await.expect("the origin is there");
    assert_eq!(value.as_deref().map(String::as_str), Some("value"));
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_is_not_waited_for_and_taken_back_when_it_answers() {
    for engine in Engine::ALL {
        let Some(server) = server(engine, &[]).await else { continue };
        let redis = connect(&server).await;
        let notes = cache(&redis);
        get(&notes).await;
        server.pause().unwrap();
        // Generous: other work shares this machine. The time-out of a reply is 250 ms, and a get has three to wait for at most.
        assert!(get(&notes).await < Duration::from_secs(5), "a get is answered by the origin");
        server.resume().unwrap();
        let place = Location::from_bytes([9; 16]);
        let began = Instant::now();
        while redis.get(place).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "taken back");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(redis.generation() >= 2, "over a new connection");
        get(&notes).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_restarts_empty_is_filled_again() {
    for engine in Engine::ALL {
        let Some(mut server) = server(engine, &[]).await else { continue };
        let redis = connect(&server).await;
        let notes = cache(&redis);
        get(&notes).await;
        server.kill().unwrap();
        get(&notes).await;
        notes.invalidate(&(1, "a".to_owned())).await.expect_err("nobody acknowledges");
        server.restart().await.unwrap();
        assert!(redis.wait_connected(Duration::from_secs(20)).await);
        get(&notes).await;
        notes.invalidate(&(1, "a".to_owned())).await.expect("acknowledged");
    }
}

#[cfg(feature = "tls")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_over_tls_lets_in_who_trusts_it_and_knows_the_password() {
    use keepsight_cache::RedisConfig;
    use std::sync::Arc;

    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, issued.cert.pem()).unwrap();
    std::fs::write(&key, issued.signing_key.serialize_pem()).unwrap();
    let (cert_path, key_path) = (cert.to_str().unwrap(), key.to_str().unwrap());
    let options = [
        "--port",
        "0",
        "--tls-port",
        "{port}",
        "--tls-cert-file",
        cert_path,
        "--tls-key-file",
        key_path,
        "--tls-ca-cert-file",
        cert_path,
        "--tls-auth-clients",
        "no",
        "--requirepass",
        "secret",
    ];
    let Some(server) = server(Engine::Redis, &options).await else { return };
    let address = server.address().replace("127.0.0.1", "localhost");
    let trusting = |roots: rustls::RootCertStore| {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
        RedisConfig::tls(address.clone(), Arc::new(config.with_no_client_auth()))
    };
    let mut roots = rustls::RootCertStore::empty();
    roots.add(issued.cert.der().clone()).unwrap();
    let redis = Redis::start(trusting(roots.clone()).auth("", "secret"));
    assert!(redis.wait_connected(Duration::from_secs(10)).await);
    get(&cache(&redis)).await;
    let second = Duration::from_secs(1);
    let wrong = Redis::start(trusting(roots).auth("", "guess"));
    assert!(!wrong.wait_connected(second).await, "a wrong password");
    let stranger = Redis::start(trusting(rustls::RootCertStore::empty()).auth("", "secret"));
    assert!(!stranger.wait_connected(second).await, "a certificate that nobody vouches for");
}
