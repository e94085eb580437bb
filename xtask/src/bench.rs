//! Benchmarks: both sides of a ratio from one run, raw output kept, never a timed test.

use std::fs;
use std::process::Command;

use anyhow::{Context, bail};
use clap::ValueEnum;

use crate::steps::{cargo, output, run};
use crate::{e2e, setup, target};

/// What can be measured.
#[derive(Clone, Copy, ValueEnum)]
pub enum Bench {
    /// CPU of watching one camera, against ffmpeg decoding its main stream and its substream
    Agent,
    /// From the click on a tile to the first decoded frame, on this machine
    FirstFrame,
    /// The cache against redis-rs and fred on a private Redis, its own copies against quick_cache and moka, and a stampede
    Cache,
}

/// `cargo xtask bench NAME`: the last line is JSON.
pub fn run_bench(bench: Bench, seconds: u32) -> anyhow::Result<()> {
    let found = setup::everything()?;
    let name = match bench {
        Bench::Agent => "agent",
        Bench::FirstFrame => "first-frame",
        Bench::Cache => return run_cache(&found, seconds),
    };
    if let Some(why) = found.lacks_for_e2e() {
        bail!("cannot measure: {why}");
    }
    let media = e2e::footage()?;
    run(&mut cargo(&["build", "--release", "--package", "keepsight", "--bins"]))?;
    run(&mut cargo(&["build", "--release", "--package", "keepsight-camera", "--example", "watch_one"]))?;
    let folder = target().join("bench");
    fs::create_dir_all(&folder)?;
    let text = output(
        Command::new("node")
            .arg(format!("e2e/bench/{name}.mjs"))
            .env("KEEPSIGHT_BIN", target().join("release/keepsight"))
            .env("KEEPSIGHT_WATCH_ONE", target().join("release/examples/watch_one"))
            .env("KEEPSIGHT_MEDIA", media)
            .env("KEEPSIGHT_OUT", &folder)
            .env("KEEPSIGHT_SECONDS", seconds.to_string())
            .env("KEEPSIGHT_NODE_MODULES", found.node_modules()?),
    )?;
    let raw = folder.join(format!("{name}.txt"));
    fs::write(&raw, &text)?;
    print!("{text}");
    let last = text.lines().last().context("the benchmark printed nothing")?;
    serde_json::from_str::<serde_json::Value>(last).context("the benchmark's last line is not JSON")?;
    Ok(())
}

/// Fifteen clients and task counts, each measured twice: a thirtieth of the time for each.
fn run_cache(found: &setup::Found, seconds: u32) -> anyhow::Result<()> {
    if let Some(why) = found.lacks_for_trial() {
        bail!("cannot measure: {why}");
    }
    run(&mut cargo(&["build", "--release", "--package", "keepsight-cache-bench"]))?;
    let each = f64::from(seconds) / 30.0;
    let text = output(Command::new(target().join("release/keepsight-cache-bench")).arg(each.to_string()))?;
    let folder = target().join("bench");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("cache.txt"), &text)?;
    print!("{text}");
    let last = text.lines().last().context("the benchmark printed nothing")?;
    serde_json::from_str::<serde_json::Value>(last).context("the benchmark's last line is not JSON")?;
    Ok(())
}
