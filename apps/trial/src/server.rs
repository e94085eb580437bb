//! A private Redis or Valkey: its own process on a free loopback port, in a temporary folder, gone when dropped.
//!
//! It can be paused, killed, and brought back empty or as it was at a snapshot, always at the same port. It keeps nothing on disk by itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::proxy::resp::{Scan, Scanner};

const START: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(5);
// What the server loads when it starts, and where it saves to; it is there only when a snapshot was put there.
const LIVE: &str = "live.rdb";
const SNAPSHOT: &str = "snapshot.rdb";

/// A running server.
pub struct Server {
    binary: PathBuf,
    folder: TempDir,
    address: SocketAddr,
    child: Child,
}

/// Finds a server's program: `redis`, `valkey`, or a path.
///
/// `KEEPSIGHT_REDIS_SERVER` and `KEEPSIGHT_VALKEY_SERVER` name one; otherwise `redis-server` and `valkey-server` are looked for in `PATH`.
///
/// # Errors
/// When there is none; the text says what to do.
pub fn find(which: &str) -> anyhow::Result<PathBuf> {
    let (variable, program) = match which {
        "redis" => ("KEEPSIGHT_REDIS_SERVER", "redis-server"),
        "valkey" => ("KEEPSIGHT_VALKEY_SERVER", "valkey-server"),
        path if Path::new(path).is_file() => return Ok(PathBuf::from(path)),
        other => {
            bail!("there is no server at {other}: --server takes redis, valkey, or the path of a program")
        }
    };
    if let Some(path) = std::env::var_os(variable) {
        let path = PathBuf::from(path);
        if !path.is_file() {
            bail!("{variable} names {}, which is no file", path.display());
        }
        return Ok(path);
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
        .with_context(|| {
            format!(
                "{program} is not installed: install it (`cargo xtask setup` does), or name it in {variable}"
            )
        })
}

impl Server {
    /// Starts an empty server and waits until it answers.
    ///
    /// # Errors
    /// When it does not start or not answer.
    pub async fn start(binary: &Path) -> anyhow::Result<Self> {
        let mut tries = 0;
        // Between finding a free port and the server taking it, somebody else may.
        loop {
            tries += 1;
            let folder = tempfile::Builder::new().prefix("keepsight-trial-").tempdir()?;
            let address = free_port()?;
            let child = spawn(binary, folder.path(), address)?;
            let mut server = Self { binary: binary.to_owned(), folder, address, child };
            match server.answers().await {
                Ok(()) => return Ok(server),
                Err(error) if tries == 5 => return Err(error),
                Err(_) => {}
            }
        }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it calls itself: `Redis 7.0.15`.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn version(&self) -> anyhow::Result<String> {
        let info = self.ask(&["INFO", "server"]).await?;
        let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        Ok(match field("valkey_version") {
            Some(version) => format!("Valkey {version}"),
            None => format!("Redis {}", field("redis_version").unwrap_or("of an unknown version")),
        })
    }

    /// A number out of `INFO`.
    ///
    /// # Errors
    /// When it does not answer, or has no such field.
    pub async fn info(&self, field: &str) -> anyhow::Result<u64> {
        let info = self.ask(&["INFO"]).await?;
        let value = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        Ok(value.with_context(|| format!("INFO has no {field}"))?.trim().parse()?)
    }

    /// Asks on a connection of its own, past the proxy; gives the raw reply as text.
    ///
    /// # Errors
    /// When it does not answer in time, or answers with an error.
    pub async fn ask(&self, words: &[&str]) -> anyhow::Result<String> {
        timeout(ANSWER, ask(self.address, words)).await.with_context(|| format!("no answer to {words:?}"))?
    }

    /// Stops it from running; its sockets stay. See [`Self::resume`].
    ///
    /// # Errors
    /// When it is gone.
    pub fn pause(&self) -> anyhow::Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it run again.
    ///
    /// # Errors
    /// When it is gone.
    pub fn resume(&self) -> anyhow::Result<()> {
        self.signal(Signal::CONT)
    }

    /// Writes down what it holds now, for [`Self::restart_old`].
    ///
    /// # Errors
    /// When it can't.
    pub async fn snapshot(&self) -> anyhow::Result<()> {
        self.ask(&["SAVE"]).await?;
        let folder = self.folder.path();
        std::fs::rename(folder.join(LIVE), folder.join(SNAPSHOT)).context("keeping the snapshot")
    }

    /// Kills it and waits until it is gone.
    ///
    /// # Errors
    /// When it can't be waited for.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("killing the server")
    }

    /// Starts it again at the same port with nothing in it.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart_empty(&mut self) -> anyhow::Result<()> {
        self.restart().await
    }

    /// Starts it again at the same port as it was at the snapshot.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart_old(&mut self) -> anyhow::Result<()> {
        let folder = self.folder.path();
        std::fs::copy(folder.join(SNAPSHOT), folder.join(LIVE)).context("there must be a snapshot")?;
        self.restart().await?;
        std::fs::remove_file(self.folder.path().join(LIVE)).context("putting the snapshot away")
    }

    async fn restart(&mut self) -> anyhow::Result<()> {
        self.kill().await?;
        self.child = spawn(&self.binary, self.folder.path(), self.address)?;
        self.answers().await
    }

    async fn answers(&mut self) -> anyhow::Result<()> {
        let asking = async {
            loop {
                if let Some(status) = self.child.try_wait()? {
                    let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                    let tail: Vec<_> = log.lines().rev().take(3).collect();
                    bail!("the server ended with {status}: {}", tail.join(" / "));
                }
                if ask(self.address, &["PING"]).await.is_ok_and(|reply| reply.starts_with("+PONG")) {
                    return Ok(());
                }
                sleep(Duration::from_millis(3)).await;
            }
        };
        timeout(START, asking).await.context("the server did not answer in time")?
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let id = self.child.id().context("the server is gone")?;
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw).context("the server has no usable id")?;
        kill_process(pid, signal).context("signalling the server")
    }
}

fn spawn(binary: &Path, folder: &Path, address: SocketAddr) -> anyhow::Result<Child> {
    let port = address.port().to_string();
    Command::new(binary)
        .args([
            "--port",
            &port,
            "--bind",
            "127.0.0.1",
            "--daemonize",
            "no",
            "--appendonly",
            "no",
            "--save",
            "",
        ])
        .args(["--dbfilename", LIVE, "--logfile", "log", "--tcp-backlog", "1024", "--databases", "1"])
        .arg("--dir")
        .arg(folder)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("starting {}", binary.display()))
}

fn free_port() -> anyhow::Result<SocketAddr> {
    let probe = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(probe.local_addr()?)
}

async fn ask(address: SocketAddr, words: &[&str]) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let mut command = format!("*{}\r\n", words.len());
    for word in words {
        command += &format!("${}\r\n{word}\r\n", word.len());
    }
    stream.write_all(command.as_bytes()).await?;
    let (mut reply, mut scanner) = (Vec::new(), Scanner::default());
    loop {
        if stream.read_buf(&mut reply).await? == 0 {
            bail!("the server closed the connection");
        }
        match scanner.scan(&reply) {
            Scan::Frame(_) => break,
            Scan::Partial => {}
            Scan::Alien => bail!("the server does not speak RESP"),
        }
    }
    let reply = String::from_utf8_lossy(&reply).into_owned();
    if reply.starts_with('-') {
        bail!("the server answered {}", reply.trim_end());
    }
    Ok(reply)
}
