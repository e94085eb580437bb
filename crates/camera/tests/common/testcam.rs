//! Starts xtask/assets/testcam.py, a real RTSP camera. What it needs is installed by `cargo xtask setup`; a test without it fails.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use keepsight_camera::RtspUrl;

const PYTHON: &str = "/usr/bin/python3";

/// A running camera; it ends with this value.
pub struct TestCam {
    process: Child,
    pub port: u16,
}

/// The folder with what the camera shows, made once.
pub fn content() -> &'static Path {
    static CONTENT: OnceLock<PathBuf> = OnceLock::new();
    CONTENT.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("camera-content");
        let made = Command::new("bash").arg(asset("make_content.sh")).arg("scene").arg(&folder).status();
        assert!(made.is_ok_and(|status| status.success()), "ffmpeg with libx264 makes what the camera shows");
        folder
    })
}

fn asset(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../xtask/assets").join(name)
}

impl TestCam {
    /// Starts a camera with these further arguments; port 0 takes a free one.
    pub fn start(port: u16, arguments: &[String]) -> Self {
        let mut process = Command::new(PYTHON)
            .arg(asset("testcam.py"))
            .args(["--port", &port.to_string()])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 with GStreamer: `cargo xtask setup` installs it");
        let output = process.stdout.take().expect("it is piped");
        let line = BufReader::new(output).lines().next().expect("the camera says when it is ready").unwrap();
        let port = line.strip_prefix("ready ").and_then(|port| port.parse().ok()).expect(&line);
        Self { process, port }
    }

    pub fn url(&self, path: &str) -> RtspUrl {
        format!("rtsp://127.0.0.1:{}/{path}", self.port).parse().unwrap()
    }

    /// Everything stands still, but the connections stay.
    pub fn freeze(&self) {
        self.signal("-USR1");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").arg(signal).arg(self.process.id().to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()), "the camera is running");
    }
}

impl Drop for TestCam {
    fn drop(&mut self) {
        // It may have been killed already by the test.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
