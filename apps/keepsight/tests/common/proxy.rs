//! A listener between agents and server that notes what was asked and how it was answered. It changes nothing.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// An answer that passed by.
#[derive(Debug, Clone)]
pub struct Answered {
    /// When.
    pub at: Instant,
    /// The request's method and path.
    pub request: String,
    /// The status.
    pub status: u16,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
}

/// A listener in front of a server.
pub struct Proxy {
    /// Where it listens.
    pub port: u16,
    seen: Arc<Mutex<Vec<Answered>>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// Listens and passes on to `port`; while nobody listens there, connections are closed.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a loopback port");
        let own = listener.local_addr().expect("it is bound").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = seen.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, port, notes.clone()));
            }
        });
        Self { port: own, seen, accepting }
    }

    /// What passed by until now.
    pub fn seen(&self) -> MutexGuard<'_, Vec<Answered>> {
        self.seen.lock().expect("no panic while it is held")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass(client: TcpStream, port: u16, seen: Arc<Mutex<Vec<Answered>>>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let (_, _) = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // HTTP/1.1 without pipelining: the last request is the one that is answered.
    let asked = Arc::new(Mutex::new(String::new()));
    let ask = asked.clone();
    let up = copy(from_client, to_server, move |chunk| {
        if let Some(line) = request_line(chunk) {
            *ask.lock().expect("no panic while it is held") = line;
        }
    });
    let down = copy(from_server, to_client, move |chunk| {
        if let Some((status, retry_after)) = answer_head(chunk) {
            let request = asked.lock().expect("no panic while it is held").clone();
            let answered = Answered { at: Instant::now(), request, status, retry_after };
            seen.lock().expect("no panic while it is held").push(answered);
        }
    });
    tokio::select! {
        () = up => {}
        () = down => {}
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut look: impl FnMut(&[u8])) {
    let mut chunk = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        look(&chunk[..count]);
        if to.write_all(&chunk[..count]).await.is_err() {
            return;
        }
    }
}

fn request_line(chunk: &[u8]) -> Option<String> {
    let line = chunk.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?.strip_suffix(" HTTP/1.1")?;
    ["GET /", "PUT /", "POST /"].iter().any(|start| line.starts_with(start)).then(|| line.to_owned())
}

fn answer_head(chunk: &[u8]) -> Option<(u16, Option<u64>)> {
    let rest = chunk.strip_prefix(b"HTTP/1.1 ")?;
    let head = String::from_utf8_lossy(rest).to_ascii_lowercase();
    let head = head.split("\r\n\r\n").next()?;
    let wait = head.lines().find_map(|line| line.strip_prefix("retry-after: ")?.trim().parse().ok());
    Some((head.get(..3)?.parse().ok()?, wait))
}
