//! Installs what the tests need and finds out what could not be installed. Nothing outside `target/` but Debian packages is touched.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::peers::Peers;
use crate::steps::{cargo, run};
use crate::{root, target};

/// A need of some tests: how it is recognised, and which Debian packages bring it.
struct Need {
    what: &'static str,
    present: fn() -> bool,
    packages: &'static [&'static str],
}

const BROWSER: Need = Need { what: "Chromium", present: || on_path("chromium"), packages: &["chromium"] };
const NODE: Need =
    Need { what: "Node.js 20 and npm", present: node_is_new_enough, packages: &["nodejs", "npm"] };
const FFMPEG: Need =
    Need { what: "ffmpeg", present: || on_path("ffmpeg") && on_path("ffprobe"), packages: &["ffmpeg"] };
const CAMERA: Need = Need {
    what: "the RTSP test camera (GStreamer)",
    present: || {
        let script = "import gi; gi.require_version('GstRtspServer','1.0'); from gi.repository import Gst, GstRtspServer; \
                      Gst.init(None); assert all(Gst.ElementFactory.find(n) for n in ('h264parse','rtph264pay','rtpmp4gpay'))";
        succeeds(Command::new("/usr/bin/python3").args(["-c", script]))
    },
    packages: &[
        "python3-gi",
        "gir1.2-gst-rtsp-server-1.0",
        "gstreamer1.0-plugins-base",
        "gstreamer1.0-plugins-good",
        "gstreamer1.0-plugins-bad",
    ],
};
const ASSEMBLER: Need =
    Need { what: "nasm (openh264 decodes faster with it)", present: || on_path("nasm"), packages: &["nasm"] };
const REDIS: Need =
    Need { what: "redis-server", present: || on_path("redis-server"), packages: &["redis-server"] };
const PIP: Need = Need {
    what: "Python 3.9 with pip",
    present: || {
        let new_enough = "import sys; sys.exit(sys.version_info < (3, 9))";
        succeeds(Command::new("python3").args(["-c", new_enough]))
            && succeeds(Command::new("python3").args(["-m", "pip", "--version"]))
    },
    packages: &["python3", "python3-pip"],
};
const FOOTAGE: Need = Need {
    what: "real footage (vtest.avi)",
    present: || Path::new(FOOTAGE_FILE).exists(),
    packages: &["opencv-doc"],
};

// Pedestrians filmed from above, 79 s: free for research, so it is installed at test time and never shipped.
const FOOTAGE_FILE: &str = "/usr/share/doc/opencv-doc/examples/data/vtest.avi";

/// What the machine has now.
pub struct Found {
    missing: Vec<&'static str>,
    node_modules: Option<PathBuf>,
    peers: Peers,
}

impl Found {
    /// Why browser tests can't run, if they can't.
    pub fn lacks_for_browser(&self) -> Option<String> {
        self.lacks(&[BROWSER.what, NODE.what, FFMPEG.what], true)
    }

    /// Why tests in Node.js can't run, if they can't.
    pub fn lacks_for_node(&self) -> Option<String> {
        self.lacks(&[NODE.what], false)
    }

    /// Why tests with a real camera can't run, if they can't.
    pub fn lacks_for_camera(&self) -> Option<String> {
        self.lacks(&[CAMERA.what, FFMPEG.what], false)
    }

    /// Why tests with a real camera and a browser can't run, if they can't.
    pub fn lacks_for_e2e(&self) -> Option<String> {
        self.lacks(&[BROWSER.what, NODE.what, FFMPEG.what, CAMERA.what, FOOTAGE.what], true)
    }

    /// Why cache clients can't be put on trial, if they can't. Clients that are missing are the kit's to name.
    pub fn lacks_for_trial(&self) -> Option<String> {
        self.lacks(&[REDIS.what], false)
    }

    /// Why the client of the March 2023 incident can't be tried, if it can't.
    pub fn lacks_for_incident(&self) -> Option<String> {
        let missing = self.peers.missing().iter().find(|what| what.contains(Peers::INCIDENT));
        self.lacks_for_trial().or(missing.map(|what| format!("missing here: {what}")))
    }

    /// Why clients in other languages can't be driven, if one of them can't.
    pub fn lacks_for_drivers(&self) -> Option<String> {
        let missing = self.peers.missing();
        let peers = (!missing.is_empty()).then(|| format!("missing here: {}", missing.join(", ")));
        self.lacks_for_trial().or(peers)
    }

    /// Why the cache can't be tested against both kinds of server, if it can't.
    pub fn lacks_for_servers(&self) -> Option<String> {
        let no_valkey = Peers::valkey().is_none().then(|| "missing here: valkey-server".to_owned());
        self.lacks(&[REDIS.what], false).or(no_valkey)
    }

    /// Where npm put its packages.
    pub fn node_modules(&self) -> anyhow::Result<&Path> {
        self.node_modules.as_deref().context("npm packages are not installed")
    }

    /// Prints what is missing.
    pub fn report(&self) {
        for what in self.peers.missing() {
            println!("missing: {what}");
        }
        if self.missing.is_empty() && self.node_modules.is_some() && self.peers.missing().is_empty() {
            println!("everything that the tests need is here");
        }
        for what in &self.missing {
            println!("missing: {what}");
        }
        if self.node_modules.is_none() {
            println!("missing: npm packages of web/tests/package.json");
        }
    }

    fn lacks(&self, needs: &[&str], npm: bool) -> Option<String> {
        let mut lacks: Vec<&str> = self.missing.iter().filter(|what| needs.contains(what)).copied().collect();
        if npm && self.node_modules.is_none() {
            lacks.push("npm packages");
        }
        (!lacks.is_empty()).then(|| format!("missing here: {}", lacks.join(", ")))
    }
}

/// Installs what can be installed, and says what the machine then has.
pub fn everything() -> anyhow::Result<Found> {
    let needs = [&BROWSER, &NODE, &FFMPEG, &CAMERA, &ASSEMBLER, &FOOTAGE, &REDIS, &PIP];
    let wanted: Vec<&str> =
        needs.iter().filter(|need| !(need.present)()).flat_map(|need| need.packages).copied().collect();
    if !wanted.is_empty() {
        install_packages(&wanted);
    }
    let missing: Vec<_> = needs.iter().filter(|need| !(need.present)()).map(|need| need.what).collect();
    let node_modules = if missing.contains(&NODE.what) { None } else { install_npm() };
    let peers = Peers::install(!missing.contains(&PIP.what), !missing.contains(&NODE.what));
    Ok(Found { missing, node_modules, peers })
}

/// `cargo-deny`, of the version that the configuration was written for.
pub fn cargo_deny() -> anyhow::Result<PathBuf> {
    let tools = target().join("tools");
    let binary = tools.join("bin/cargo-deny");
    if !binary.exists() {
        let root = tools.to_str().context("the target folder's path is not UTF-8")?;
        run(&mut cargo(&["install", "cargo-deny", "--version", "0.20.2", "--locked", "--root", root]))?;
    }
    Ok(binary)
}

/// Whether `cargo deny fetch` has been run on this machine.
pub fn has_advisories() -> bool {
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo"));
    cargo.or_else(home).is_some_and(|cargo| cargo.join("advisory-dbs").exists())
}

/// Why tests on a full disk can't run, if they can't: a small one has to be mounted.
pub fn lacks_for_disk() -> Option<String> {
    let folder = target().join("tmp/mount");
    let may = std::fs::create_dir_all(&folder).is_ok()
        && succeeds(Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(&folder))
        && succeeds(Command::new("umount").arg(&folder));
    (!may).then(|| "no tmpfs can be mounted here: that takes root".to_owned())
}

fn install_packages(packages: &[&str]) {
    println!("installing {}", packages.join(" "));
    let wait = ["-o", "DPkg::Lock::Timeout=120"];
    let update = run(apt_get().args(wait).args(["-q", "update"]));
    let install =
        run(apt_get().args(wait).args(["-q", "-y", "--no-install-recommends", "install"]).args(packages));
    for error in [update, install].into_iter().filter_map(Result::err) {
        println!("not installed: {error:#}");
    }
}

fn apt_get() -> Command {
    let as_root = succeeds(Command::new("sh").args(["-c", "[ \"$(id -u)\" = 0 ]"]));
    let mut command = Command::new(if as_root { "env" } else { "sudo" });
    if !as_root {
        command.arg("--non-interactive");
    }
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    command
}

fn install_npm() -> Option<PathBuf> {
    let folder = target().join("node");
    let wanted = std::fs::read(root().join("web/tests/package.json")).ok()?;
    let modules = folder.join("node_modules");
    let manifest = folder.join("package.json");
    if std::fs::read(&manifest).is_ok_and(|have| have == wanted) && modules.join("playwright-core").exists() {
        return Some(modules);
    }
    std::fs::create_dir_all(&folder).ok()?;
    std::fs::write(folder.join("package.json"), &wanted).ok()?;
    let flags = ["install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"];
    match run(Command::new("npm").args(flags).current_dir(&folder)) {
        Ok(()) => Some(modules),
        Err(error) => {
            println!("not installed: {error:#}");
            None
        }
    }
}

fn node_is_new_enough() -> bool {
    let script = "process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)";
    on_path("npm") && succeeds(Command::new("node").args(["-e", script]))
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}
