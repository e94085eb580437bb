//! The drivers that come with the kit, and whatever driver somebody names on the command line.
//!
//! The scripts are part of this program and written to a temporary folder for each instance; the libraries that they drive are looked for
//! in `KEEPSIGHT_TRIAL_LIBS`, where `cargo xtask setup` puts them. What is not there is named, never silently left out.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::process::Command;

use super::{Client, Connect, Connecting, Fault, Setup, line};

/// The script that somebody copies who wants to try a client of their own.
pub const TEMPLATE: &str = include_str!("../../drivers/template.py");
const REDIS_PY: &str = include_str!("../../drivers/redis_py.py");
const IOREDIS: &str = include_str!("../../drivers/ioredis.mjs");

/// redis-py of the version that lies in this folder of the libraries.
pub fn redis_py(folder: &'static str) -> Connect {
    Arc::new(move |setup| {
        started(setup, move |scripts| {
            let mut command = Command::new("python3");
            command.arg(write(scripts, "redis_py.py", REDIS_PY)?);
            write(scripts, "template.py", TEMPLATE)?;
            command.env("PYTHONPATH", libraries().join(folder)).env("PYTHONDONTWRITEBYTECODE", "1");
            Ok(command)
        })
    })
}

/// ioredis.
pub fn ioredis() -> Connect {
    Arc::new(|setup| {
        started(setup, |scripts| {
            let mut command = Command::new("node");
            command.arg(write(scripts, "ioredis.mjs", IOREDIS)?);
            command.env("KEEPSIGHT_TRIAL_NODE", std::path::absolute(libraries().join("node"))?);
            Ok(command)
        })
    })
}

/// Any program, given as a command line for the shell.
pub fn named(command_line: &'static str) -> Connect {
    Arc::new(move |setup| {
        started(setup, move |_| {
            let mut command = Command::new("sh");
            // `exec`, so that ending the child ends the driver and not only the shell before it.
            command.arg("-c").arg(format!("exec {command_line}"));
            Ok(command)
        })
    })
}

/// Whether redis-py of this version can run here.
pub fn redis_py_available(folder: &str) -> Result<(), String> {
    runs("python3", &["-c", "import sys; sys.exit(sys.version_info < (3, 9))"], "Python 3.9 or newer")?;
    is_there(&libraries().join(folder).join("redis/asyncio"), folder)
}

/// Whether ioredis can run here.
pub fn ioredis_available() -> Result<(), String> {
    let script = "process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)";
    runs("node", &["-e", script], "Node.js 20 or newer")?;
    is_there(&libraries().join("node/node_modules/ioredis"), "ioredis")
}

fn libraries() -> PathBuf {
    std::env::var_os("KEEPSIGHT_TRIAL_LIBS").map_or_else(|| "target/trial".into(), PathBuf::from)
}

fn is_there(folder: &Path, what: &str) -> Result<(), String> {
    let missing = || format!("{what} is not in {}: `cargo xtask setup` installs it", folder.display());
    folder.is_dir().then_some(()).ok_or_else(missing)
}

fn runs(program: &str, arguments: &[&str], what: &str) -> Result<(), String> {
    let mut command = std::process::Command::new(program);
    let quiet = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let works = quiet.status().is_ok_and(|status| status.success());
    works.then_some(()).ok_or_else(|| format!("{what} is missing"))
}

fn write(folder: &TempDir, name: &str, script: &str) -> std::io::Result<PathBuf> {
    let path = folder.path().join(name);
    std::fs::write(&path, script)?;
    Ok(path)
}

/// Starts a driver. The scripts are read once, so their folder may go as soon as it has said hello.
fn started(
    setup: Setup,
    command: impl Fn(&TempDir) -> std::io::Result<Command> + Send + Sync + 'static,
) -> Connecting {
    Box::pin(async move {
        let unwritable =
            |error: std::io::Error| Fault::Broken(format!("the driver can't be written: {error}"));
        let scripts = TempDir::new().map_err(unwritable)?;
        let command = command(&scripts).map_err(unwritable)?;
        let client: Result<Box<dyn Client>, Fault> = line::start(command, &setup).await;
        client
    })
}
