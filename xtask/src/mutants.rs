//! Takes guards out one at a time, in the one build that can, and names the test that notices.

use anyhow::{Context, bail};
use std::collections::BTreeMap;

use crate::steps::{cargo, output};

/// The tests that run with guards taken out.
const TESTS: [(&str, &str); 6] = [
    ("keepsight-gate", "mutants"),
    ("keepsight-cache", "mutants"),
    ("keepsight-store", "history"),
    ("keepsight-store", "walls"),
    ("keepsight-cloud", "mutants"),
    ("keepsight-sim", "open_walls"),
];

/// `cargo xtask mutants`: prints the list; the last line is JSON `{"mutants":N,"caught":N}`.
///
/// The test build prints `mutant NAME` for each that exists and `mutant NAME caught by TEST` for each that a test saw.
pub fn run() -> anyhow::Result<()> {
    let mut text = String::new();
    for (package, test) in TESTS {
        let mut command =
            cargo(&["test", "--quiet", "--features", "sabotage", "--package", package, "--test", test]);
        command.args(["--", "--nocapture"]);
        text += &output(&mut command).with_context(|| format!("the sabotage test {test} of {package}"))?;
    }
    let mut mutants: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for line in text.lines().filter_map(|line| Some(line.split_once("mutant ")?.1)) {
        match line.split_once(" caught by ") {
            Some((name, test)) => drop(mutants.insert(name, Some(test))),
            None => drop(mutants.entry(line).or_default()),
        }
    }
    for (name, test) in &mutants {
        println!("{name:<40} {}", test.map_or("NOT CAUGHT".to_owned(), |test| format!("caught by {test}")));
    }
    let caught = mutants.values().flatten().count();
    println!("{}", serde_json::json!({ "mutants": mutants.len(), "caught": caught }));
    if mutants.is_empty() || caught < mutants.len() {
        bail!("{caught} of {} mutants were caught", mutants.len());
    }
    Ok(())
}
