//! Runs named steps one after another, goes on after a failure, and ends with one honest line of counts.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};

/// The steps of one run and how they ended.
pub struct Steps<'a> {
    only: Option<&'a str>,
    passed: Vec<String>,
    failed: Vec<String>,
    left_out: Vec<String>,
}

impl<'a> Steps<'a> {
    /// A run of all steps, or of those whose name contains a word.
    pub fn new(only: Option<&'a str>) -> Self {
        Self { only, passed: Vec::new(), failed: Vec::new(), left_out: Vec::new() }
    }

    /// Does one step now.
    pub fn step(&mut self, name: &str, work: impl FnOnce() -> anyhow::Result<()>) {
        if self.only.is_some_and(|word| !name.contains(word)) {
            return;
        }
        println!("\n=== {name}");
        let start = Instant::now();
        let outcome = work();
        let seconds = start.elapsed().as_secs_f32();
        match outcome {
            Ok(()) => {
                println!("=== {name}: passed in {seconds:.0} s");
                self.passed.push(name.to_owned());
            }
            Err(error) => {
                println!("=== {name}: FAILED after {seconds:.0} s: {error:#}");
                self.failed.push(name.to_owned());
            }
        }
    }

    /// Says that a step is left out, and what is not tested because of that.
    pub fn leave_out(&mut self, name: &str, why: &str) {
        if self.only.is_some_and(|word| !name.contains(word)) {
            return;
        }
        println!("\n=== {name}: LEFT OUT: {why}");
        self.left_out.push(name.to_owned());
    }

    /// The counts; an error if a step failed or none ran.
    pub fn finish(self) -> anyhow::Result<()> {
        println!("\npassed: {}", self.passed.join(", "));
        if !self.left_out.is_empty() {
            println!("left out: {}", self.left_out.join(", "));
        }
        println!(
            "steps: {} passed, {} failed, {} skipped",
            self.passed.len(),
            self.failed.len(),
            self.left_out.len()
        );
        if !self.failed.is_empty() {
            bail!("failed: {}", self.failed.join(", "));
        }
        if self.passed.is_empty() {
            bail!("no step ran");
        }
        Ok(())
    }
}

/// Runs a command to its end, its output passed on; an error if it does not exit with 0.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let status =
        command.stdin(Stdio::null()).status().with_context(|| format!("cannot start {}", shown(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs a command to its end and returns what it printed; an error if it does not exit with 0.
pub fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("{} ended with {}\n{text}", shown(command), output.status);
    }
    Ok(text)
}

/// `cargo` with these arguments.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
