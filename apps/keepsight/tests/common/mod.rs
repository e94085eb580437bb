//! Keepsight as it is installed: the built binary in processes of its own, on loopback ports and temporary folders.
//!
//! A process here is stopped by its id, and with its owner at the latest. What it says to standard error goes to a file, whose
//! end is shown when a test fails. Nothing waits for a time: every wait is for a condition, with a bound for slow machines.
#![allow(dead_code, unused_imports, reason = "each test uses its part")]

mod house;
mod proxy;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub use house::{House, Listed, Plan, all_events};
pub use proxy::{Answered, Proxy};

/// Everybody's password here.
pub const PASSWORD: &str = "gravel under the porch";

/// Looks again and again until there is something.
pub async fn eventually<T>(what: &str, seconds: u64, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < until, "not within {seconds} s: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A port that nobody listens on just now.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port");
    listener.local_addr().expect("it is bound").port()
}

/// The binary with these words, in this folder, with nothing of this shell's environment that it would listen to.
fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keepsight"));
    command.args(words).current_dir(folder).stdin(Stdio::null());
    for name in ["RUST_LOG", "KEEPSIGHT_CONFIG", "KEEPSIGHT_AGENT_DATA"] {
        command.env_remove(name);
    }
    command
}

/// What a command said before it ended.
#[derive(Debug)]
pub struct Said {
    /// It ended well.
    pub ok: bool,
    /// To standard output.
    pub out: String,
    /// To standard error.
    pub err: String,
}

/// Runs one command to its end.
pub async fn run(folder: &Path, words: &[&str]) -> Said {
    let mut command = tokio::process::Command::from(command(folder, words));
    let ended = tokio::time::timeout(Duration::from_secs(120), command.kill_on_drop(true).output()).await;
    let output = ended.unwrap_or_else(|_| panic!("{words:?} did not end")).expect("the binary starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it speaks UTF-8");
    Said { ok: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
}

/// The same for a command that has to work; gives back what it said.
pub async fn must(folder: &Path, words: &[&str]) -> String {
    let said = run(folder, words).await;
    assert!(said.ok, "{words:?}: {}{}", said.out, said.err);
    said.out
}

/// A process that runs until it is ended.
pub struct Process {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    log: PathBuf,
}

impl Process {
    /// Starts the binary. What it logs is added to the file `log` of the folder.
    pub fn start(folder: &Path, log: &str, words: &[&str]) -> Self {
        let log = folder.join(log);
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log).expect("a log file");
        let mut command = command(folder, words);
        let mut child = command.stdout(Stdio::piped()).stderr(file).spawn().expect("the binary starts");
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let heard = lines.clone();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                heard.lock().expect("no panic while it is held").push(line);
            }
        });
        Self { child, lines, log }
    }

    /// Waits for a line with `part` in it.
    pub async fn says(&mut self, part: &str) -> String {
        eventually(&format!("a process says {part:?}"), 60, async || {
            assert!(self.is_alive(), "it ended instead of saying {part:?}");
            let lines = self.lines.lock().expect("no panic while it is held");
            lines.iter().find(|line| line.contains(part)).cloned()
        })
        .await
    }

    /// What it has said until now.
    pub fn said(&self, part: &str) -> Option<String> {
        let lines = self.lines.lock().expect("no panic while it is held");
        lines.iter().find(|line| line.contains(part)).cloned()
    }

    /// It has not ended by itself.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("it can be asked for").is_none()
    }

    /// SIGKILL, at once. It must have been alive.
    pub fn kill(mut self) {
        assert!(self.is_alive(), "it ended before it was killed");
        self.child.kill().expect("it runs until it is killed");
        self.child.wait().expect("it was killed");
    }

    /// SIGTERM, and waits until it has stopped.
    pub async fn stop(mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().expect("there is a kill command");
        assert!(told.success(), "it could not be told to stop");
        eventually("a process stops", 60, async || self.child.try_wait().expect("it can be asked for")).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let text = std::fs::read_to_string(&self.log).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            eprintln!("--- the end of {}", self.log.display());
            lines.iter().skip(lines.len().saturating_sub(40)).for_each(|line| eprintln!("{line}"));
        }
    }
}

/// SplitMix64: a seed repeats a run's moments.
pub struct Dice(pub u64);

impl Dice {
    /// From `KEEPSIGHT_SEED`, or a new one; prints which.
    pub fn cast() -> Self {
        let given = std::env::var("KEEPSIGHT_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| u64::from_be_bytes(keepsight_world::World::real().random()));
        println!("KEEPSIGHT_SEED={seed} chooses the same moments again");
        Self(seed)
    }

    /// Below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    /// Up to so many milliseconds.
    pub fn moment(&mut self, most_ms: u64) -> Duration {
        Duration::from_millis(self.roll(most_ms + 1))
    }
}
