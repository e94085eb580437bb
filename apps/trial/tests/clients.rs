//! Every client that the kit drives does what the kit asks of it, against a real server and without any fault: or the trial of it would
//! show nothing. Run by `cargo xtask test`, which installs the server and the clients of other languages.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use keepsight_trial::clients::{Client, Entry, Origin, Setup, Style, registry};
use keepsight_trial::server::{self, Server};

const PATIENCE: Duration = Duration::from_secs(30);
const TTL: Duration = Duration::from_secs(60);

struct Nothing;

#[async_trait]
impl Origin for Nothing {
    async fn load(&self, _instance: usize, _key: &str) -> Option<Bytes> {
        None
    }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("it ends")
}

async fn connected(entry: &Entry, server: &Server) -> Box<dyn Client> {
    (entry.available)().unwrap_or_else(|why| panic!("{}: {why}", entry.name));
    let setup = Setup {
        address: server.address(),
        call_timeout: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(5),
        seed: 1,
        instance: 0,
        origin: Arc::new(Nothing),
    };
    within((entry.connect)(setup)).await.unwrap_or_else(|why| panic!("{}: {why}", entry.name))
}

fn stored(entry: &Entry, at: usize) -> Bytes {
    Bytes::from(format!("{} {at}\r\n$5\r\nwith \"every\" \u{1f5dd} kind of text", entry.name))
}

async fn try_one(entry: Entry, server: &Server) {
    let client = connected(&entry, server).await;
    let name = entry.name;
    assert!(client.version().starts_with(|c: char| c.is_ascii_digit()), "{name}: {}", client.version());
    values(&entry, &*client).await;
    many_at_once(&entry, &*client).await;
    if client.capabilities().leases {
        leases(name, &*client).await;
    }
    if client.capabilities().cancellation {
        given_up(&entry, &*client).await;
    }
    within(client.close()).await;
}

async fn values(entry: &Entry, client: &dyn Client) {
    let (name, key) = (entry.name, format!("{}:value", entry.name));
    assert_eq!(within(client.get(&key)).await, Ok(None), "{name}");
    within(client.set(&key, stored(entry, 0), TTL)).await.unwrap();
    assert_eq!(within(client.get(&key)).await, Ok(Some(stored(entry, 0))), "{name}");
    within(client.invalidate(&key)).await.unwrap();
    assert_eq!(within(client.get(&key)).await, Ok(None), "{name}");
    within(client.invalidate(&key))
        .await
        .unwrap_or_else(|why| panic!("{name}: nothing to remove is no error: {why}"));
}

async fn many_at_once(entry: &Entry, client: &dyn Client) {
    let keys: Vec<String> = (0..64).map(|at| format!("{}:many:{at}", entry.name)).collect();
    let sets = keys.iter().enumerate().map(|(at, key)| client.set(key, stored(entry, at), TTL));
    assert!(within(futures_util::future::join_all(sets)).await.iter().all(Result::is_ok), "{}", entry.name);
    let gets = within(futures_util::future::join_all(keys.iter().map(|key| client.get(key)))).await;
    for (at, got) in gets.into_iter().enumerate() {
        assert_eq!(got, Ok(Some(stored(entry, at))), "{}", entry.name);
    }
}

async fn leases(name: &str, client: &dyn Client) {
    let key = format!("{name}:lease");
    let take = async |holder| within(client.lease(&key, holder, TTL)).await.unwrap();
    assert!(take("first").await && !take("second").await, "{name}: one holder");
    within(client.release(&key, "second")).await.unwrap();
    assert!(!take("second").await, "{name}: nobody releases what somebody else holds");
    within(client.release(&key, "first")).await.unwrap();
    assert!(take("second").await, "{name}: a released lease is free");
}

/// Calls given up at many moments; whoever comes after them gets the right answers from a healthy client.
async fn given_up(entry: &Entry, client: &dyn Client) {
    for at in 0..64 {
        let key = format!("{}:many:{at}", entry.name);
        let moment = Duration::from_micros(at as u64 * 20);
        // Whether it was given up or came first is all the same here.
        drop(tokio::time::timeout(moment, client.get(&key)).await);
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let key = format!("{}:many:1", entry.name);
    assert!(within(client.get(&key)).await.is_ok(), "{}", entry.name);
}

async fn try_all(wanted: impl Fn(&Entry) -> bool) {
    let server = Server::start(&server::find("redis").unwrap()).await.unwrap();
    let mut tried = 0;
    for entry in registry::all().into_iter().filter(wanted) {
        let probe = connected(&entry, &server).await;
        let style = probe.capabilities().style;
        if style == Style::Loading {
            leases(entry.name, &*probe).await;
        }
        within(probe.close()).await;
        if style == Style::Store {
            try_one(entry, &server).await;
            tried += 1;
        }
    }
    assert!(tried >= 3, "{tried}");
}

fn is_driver(entry: &Entry) -> bool {
    entry.about.contains("line protocol")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rust_clients_do_what_is_asked() {
    try_all(|entry| !is_driver(entry)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drivers_do_what_is_asked() {
    try_all(is_driver).await;
}
