//! The browser side: module tests in Node.js and in Chromium, and the whole way from a real camera to the screen.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};

use crate::setup::{self, Found};
use crate::steps::{cargo, run};
use crate::{root, target};

/// `cargo xtask e2e`
pub fn run_all(only: Option<&str>) -> anyhow::Result<()> {
    let found = setup::everything()?;
    if let Some(why) = found.lacks_for_e2e() {
        found.report();
        bail!("cannot run the end-to-end tests: {why}");
    }
    with_browser(&found, only)
}

/// Modules without a browser, against the shared vectors.
pub fn web_units() -> anyhow::Result<()> {
    run(Command::new("node").arg("--test").args(test_files("web/tests", None)?))
}

/// The client's JSDoc types, strictly.
pub fn web_types(found: &Found) -> anyhow::Result<()> {
    let tsc = found.node_modules()?.join("typescript/bin/tsc");
    run(Command::new("node").arg(tsc).args(["--project", "web/tests/tsconfig.json"]))
}

/// The same modules in Chromium under the production CSP.
pub fn web_in_browser(found: &Found) -> anyhow::Result<()> {
    let mut command = Command::new("node");
    run(command.arg("web/tests/browser/run.mjs").env("KEEPSIGHT_NODE_MODULES", found.node_modules()?))
}

/// A real camera, agent, server and Chromium.
pub fn with_browser(found: &Found, only: Option<&str>) -> anyhow::Result<()> {
    let media = footage()?;
    run(&mut cargo(&["build", "--quiet", "--package", "keepsight", "--bins"]))?;
    let sabotaged = ["--package", "keepsight-sim", "--features", "sabotage", "--bin", "open-walls"];
    run(cargo(&["build", "--quiet"]).args(sabotaged))?;
    let out = target().join("e2e");
    std::fs::create_dir_all(&out)?;
    let files = test_files("e2e", only)?;
    if files.is_empty() {
        bail!("no test file in e2e/ has {:?} in its name", only.unwrap_or_default());
    }
    run(Command::new("node")
        .args(["--test", "--test-concurrency=1", "--test-reporter=spec"])
        .args(files)
        .env("KEEPSIGHT_BIN", target().join("debug/keepsight"))
        .env("KEEPSIGHT_OPEN_WALLS_BIN", target().join("debug/open-walls"))
        .env("KEEPSIGHT_MEDIA", media)
        .env("KEEPSIGHT_OUT", out)
        .env("KEEPSIGHT_NODE_MODULES", found.node_modules()?))
}

/// Camera-like encodings of real footage, made once.
pub fn footage() -> anyhow::Result<PathBuf> {
    let folder = target().join("media");
    let done = folder.join("done");
    if !done.exists() {
        std::fs::create_dir_all(&folder)?;
        println!("encoding footage as cameras do");
        for what in ["street", "scene"] {
            run(Command::new("bash")
                .arg(root().join("xtask/assets/make_content.sh"))
                .arg(what)
                .arg(&folder))?;
        }
        std::fs::write(done, "")?;
    }
    Ok(folder)
}

fn test_files(folder: &str, only: Option<&str>) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(root().join(folder)).with_context(|| format!("cannot read {folder}"))?;
    let mut files: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    files.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".test.mjs") && only.is_none_or(|word| name.contains(word))
    });
    files.sort();
    Ok(files)
}
