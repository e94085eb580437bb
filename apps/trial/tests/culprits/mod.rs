//! Clients that are wrong on purpose, each in one way that real ones have been.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Mutex as StdMutex;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use keepsight_trial::clients::{Capabilities, Client, Fault, RELEASE_SCRIPT, Setup, registry};
use keepsight_trial::proxy::resp::{Scan, Scanner};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// Asks and reads the next reply, whosesoever it is: after a time-out or a call given up, that of the call before. So was the client of
/// the incident of March 2023.
pub struct Careless {
    lines: Vec<Mutex<Line>>,
    call_timeout: Duration,
    /// Opens a new connection after a reply that did not come in time; but resumes after a command that was not written in time.
    renews: Option<SocketAddr>,
}

struct Line {
    stream: TcpStream,
    got: Vec<u8>,
    scanner: Scanner,
}

impl Careless {
    pub async fn connect(setup: Setup) -> Self {
        let mut lines = Vec::new();
        for _ in 0..8 {
            lines.push(Mutex::new(Line::open(setup.address).await));
        }
        Self { lines, call_timeout: setup.call_timeout, renews: None }
    }

    /// Careless with commands only: what it writes next goes behind the half of a command.
    pub async fn resuming(setup: Setup) -> Self {
        let renews = Some(setup.address);
        Self { renews, ..Self::connect(setup).await }
    }

    /// Careless with time: it waits for ever.
    pub async fn patient(setup: Setup) -> Self {
        Self::connect(Setup { call_timeout: Duration::from_secs(3600), ..setup }).await
    }

    async fn ask(&self, words: &[&[u8]]) -> Result<Reply, Fault> {
        let place = words.get(1).map_or(0, |key| key.iter().map(|&byte| usize::from(byte)).sum::<usize>());
        let lost = |error: std::io::Error| Fault::Connection(error.to_string());
        let mut line = timeout(self.call_timeout, self.lines[place % self.lines.len()].lock())
            .await
            .map_err(|_| Fault::TimedOut)?;
        let writing = timeout(self.call_timeout, line.write(words)).await;
        writing.map_err(|_| Fault::TimedOut)?.map_err(lost)?;
        let read = timeout(self.call_timeout, line.read()).await.map_err(|_| Fault::TimedOut);
        if let (Some(address), Err(_) | Ok(Err(_))) = (self.renews, &read) {
            *line = Line::open(address).await;
        }
        read?.map_err(lost)
    }
}

enum Reply {
    Bulk(Bytes),
    Nil,
    Other(Bytes),
}

impl Line {
    async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self { stream, got: Vec::new(), scanner: Scanner::default() }
    }

    async fn write(&mut self, words: &[&[u8]]) -> std::io::Result<()> {
        let mut command = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            command.extend(format!("${}\r\n", word.len()).bytes());
            command.extend(*word);
            command.extend(b"\r\n");
        }
        self.stream.write_all(&command).await
    }

    async fn read(&mut self) -> std::io::Result<Reply> {
        loop {
            match self.scanner.scan(&self.got) {
                Scan::Frame(length) => {
                    let frame: Vec<u8> = self.got.drain(..length).collect();
                    return Ok(reply(frame));
                }
                Scan::Partial => {}
                Scan::Alien => return Err(std::io::ErrorKind::InvalidData.into()),
            }
            if self.stream.read_buf(&mut self.got).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

fn reply(frame: Vec<u8>) -> Reply {
    if frame.starts_with(b"$-1") {
        return Reply::Nil;
    }
    if !frame.starts_with(b"$") {
        return Reply::Other(frame[1..frame.len() - 2].to_vec().into());
    }
    let line = frame.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    Reply::Bulk(frame[line..frame.len() - 2].to_vec().into())
}

#[async_trait]
impl Client for Careless {
    fn version(&self) -> String {
        "1".to_owned()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { pipelines: false, ..Capabilities::STORE }
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Fault> {
        match self.ask(&[b"GET", key.as_bytes()]).await? {
            Reply::Bulk(value) | Reply::Other(value) => Ok(Some(value)),
            Reply::Nil => Ok(None),
        }
    }

    async fn set(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), Fault> {
        let ttl = ttl.as_millis().to_string();
        self.ask(&[b"PSETEX", key.as_bytes(), ttl.as_bytes(), &value]).await.map(drop)
    }

    async fn invalidate(&self, key: &str) -> Result<(), Fault> {
        self.ask(&[b"DEL", key.as_bytes()]).await.map(drop)
    }

    async fn lease(&self, key: &str, holder: &str, ttl: Duration) -> Result<bool, Fault> {
        let ttl = ttl.as_millis().to_string();
        let words: [&[u8]; 6] = [b"SET", key.as_bytes(), holder.as_bytes(), b"NX", b"PX", ttl.as_bytes()];
        Ok(!matches!(self.ask(&words).await?, Reply::Nil))
    }

    async fn release(&self, key: &str, holder: &str) -> Result<(), Fault> {
        let words: [&[u8]; 5] = [b"EVAL", RELEASE_SCRIPT.as_bytes(), b"1", key.as_bytes(), holder.as_bytes()];
        self.ask(&words).await.map(drop)
    }

    async fn close(&self) {}
}

/// Never asks anybody: right as long as there is one of it, and no fault can reach it.
pub struct Hermit {
    values: StdMutex<HashMap<String, Bytes>>,
}

static HERMITS_SHARE: std::sync::LazyLock<Hermit> =
    std::sync::LazyLock::new(|| Hermit { values: StdMutex::default() });

impl Hermit {
    pub async fn connect(_: Setup) -> Self {
        HERMITS_SHARE.values.lock().unwrap().clear();
        Self { values: StdMutex::default() }
    }
}

#[async_trait]
impl Client for Hermit {
    fn version(&self) -> String {
        "1".to_owned()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { leases: false, ..Capabilities::STORE }
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Fault> {
        tokio::time::sleep(Duration::from_micros(50)).await;
        Ok(HERMITS_SHARE.values.lock().unwrap().get(key).cloned())
    }

    async fn set(&self, key: &str, value: Bytes, _: Duration) -> Result<(), Fault> {
        HERMITS_SHARE.values.lock().unwrap().insert(key.to_owned(), value);
        Ok(())
    }

    async fn invalidate(&self, key: &str) -> Result<(), Fault> {
        HERMITS_SHARE.values.lock().unwrap().remove(key);
        Ok(())
    }

    async fn lease(&self, _: &str, _: &str, _: Duration) -> Result<bool, Fault> {
        Ok(false)
    }

    async fn release(&self, _: &str, _: &str) -> Result<(), Fault> {
        Ok(())
    }

    async fn close(&self) {}
}

/// Keeps what it once got, and forgets to forget it.
pub struct Forgetful {
    inner: Careless,
    kept: StdMutex<HashMap<String, Bytes>>,
}

impl Forgetful {
    pub async fn connect(setup: Setup) -> Self {
        Self { inner: Careless::connect(setup).await, kept: StdMutex::default() }
    }
}

#[async_trait]
impl Client for Forgetful {
    fn version(&self) -> String {
        "1".to_owned()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { leases: false, ..self.inner.capabilities() }
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Fault> {
        if let Some(kept) = self.kept.lock().unwrap().get(key) {
            return Ok(Some(kept.clone()));
        }
        let found = self.inner.get(key).await?;
        if let Some(value) = &found {
            self.kept.lock().unwrap().insert(key.to_owned(), value.clone());
        }
        Ok(found)
    }

    async fn set(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), Fault> {
        self.inner.set(key, value, ttl).await
    }

    async fn invalidate(&self, key: &str) -> Result<(), Fault> {
        self.inner.invalidate(key).await
    }

    async fn lease(&self, _: &str, _: &str, _: Duration) -> Result<bool, Fault> {
        Ok(false)
    }

    async fn release(&self, _: &str, _: &str) -> Result<(), Fault> {
        Ok(())
    }

    async fn close(&self) {}
}

/// Takes any answer to a lease for a yes.
pub struct Generous {
    inner: Careless,
}

impl Generous {
    pub async fn connect(setup: Setup) -> Self {
        Self { inner: Careless::connect(setup).await }
    }
}

#[async_trait]
impl Client for Generous {
    fn version(&self) -> String {
        "1".to_owned()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Fault> {
        self.inner.get(key).await
    }

    async fn set(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), Fault> {
        self.inner.set(key, value, ttl).await
    }

    async fn invalidate(&self, key: &str) -> Result<(), Fault> {
        self.inner.invalidate(key).await
    }

    async fn lease(&self, key: &str, holder: &str, ttl: Duration) -> Result<bool, Fault> {
        self.inner.lease(key, holder, ttl).await.map(|_| true)
    }

    async fn release(&self, key: &str, holder: &str) -> Result<(), Fault> {
        self.inner.release(key, holder).await
    }

    async fn close(&self) {}
}

/// Says that it forgot a tenant, and did not.
pub struct Deaf(Box<dyn Client>);

impl Deaf {
    pub async fn connect(setup: Setup) -> Self {
        let entry = registry::find("keepsight-cache-bound").unwrap();
        Self((entry.connect)(setup).await.unwrap())
    }
}

#[async_trait]
impl Client for Deaf {
    fn version(&self) -> String {
        self.0.version()
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Fault> {
        self.0.get(key).await
    }

    async fn set(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), Fault> {
        self.0.set(key, value, ttl).await
    }

    async fn invalidate(&self, key: &str) -> Result<(), Fault> {
        self.0.invalidate(key).await
    }

    async fn invalidate_tenant(&self, _: &str) -> Result<(), Fault> {
        Ok(())
    }

    async fn lease(&self, key: &str, holder: &str, ttl: Duration) -> Result<bool, Fault> {
        self.0.lease(key, holder, ttl).await
    }

    async fn release(&self, key: &str, holder: &str) -> Result<(), Fault> {
        self.0.release(key, holder).await
    }

    async fn close(&self) {
        self.0.close().await;
    }
}
