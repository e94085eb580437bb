//! `cargo xtask trial`: the stress kit, built for speed, with a server and with every client that could be installed.
//!
//! Without arguments it is the bounded form that `cargo xtask test` runs too: every client over every event, the cache held to what it promises, the
//! client of the March 2023 incident held to be caught. Others are shown as they are.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::peers::Peers;
use crate::steps::{self, cargo};
use crate::{setup, target};

/// So many answers of the cache must have come from the server, through the proxy, and been judged; in all events together.
const MILLION: u64 = 1_000_000;
/// Calls asked of the cache in each event, so that it comes to a million such answers; and of the others.
const OPERATIONS: &str = "300,keepsight-cache=45000";
const SEED: &str = "1";
const JSON: &str = "trial.json";
/// Held to its promises, and together to a million answers. The first has copies of its own, so a part of its answers never sees the proxy.
const CACHE: [&str; 2] = ["keepsight-cache", "keepsight-cache-bound"];
const INCIDENT: &str = "redis-py-4.5.1";

/// Runs `keepsight-trial` with these arguments, or the bounded form.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let found = setup::everything()?;
    if let Some(why) = found.lacks_for_trial() {
        bail!("nothing can be put on trial: {why}");
    }
    if !arguments.is_empty() {
        return steps::run(kit()?.args(arguments));
    }
    bounded()?;
    match found.lacks_for_incident() {
        None => incident_is_caught(),
        Some(why) => bail!("that the kit catches {INCIDENT} was not shown: {why}"),
    }
}

/// Every client over every event, in under three minutes. The kit's last line, JSON, is the last line.
pub fn bounded() -> anyhow::Result<()> {
    let folder = folder();
    fs::create_dir_all(&folder)?;
    let json = folder.join(JSON);
    // What an earlier run found says nothing of this one.
    if json.exists() {
        fs::remove_file(&json)?;
    }
    let mut kit = kit()?;
    kit.args(["run", "--client", "all", "--events", "all", "--seed", SEED, "--at-once", "6"])
        .args(["--operations", OPERATIONS])
        .arg("--json")
        .arg(&json)
        .arg("--report")
        .arg(folder.join("trial.html"))
        .arg("--junit")
        .arg(folder.join("trial.xml"));
    // The kit's own exit code says that some client was wrong; here it matters which.
    kit.stdin(Stdio::null()).status().context("starting the stress kit")?;
    judge()
}

/// Tests whose name begins so: every client does what the kit asks of it, against a real server without faults.
pub fn clients_work(prefix: &str) -> anyhow::Result<()> {
    let mut tests = tests("clients");
    steps::run(tests.args(["--", prefix]).env("KEEPSIGHT_TRIAL_LIBS", Peers::libraries()))
}

/// The kit catches clients that are wrong on purpose, and the cache with a guard taken out.
pub fn kit_works() -> anyhow::Result<()> {
    steps::run(&mut tests("kit"))?;
    let mutants = ["--package", "keepsight-trial", "--features", "sabotage", "--test", "mutants"];
    steps::run(cargo(&["test", "--quiet"]).args(mutants))
}

fn tests(name: &str) -> Command {
    cargo(&["test", "--quiet", "--package", "keepsight-trial", "--features", "servers", "--test", name])
}

fn kit() -> anyhow::Result<Command> {
    steps::run(&mut cargo(&["build", "--release", "--quiet", "--package", "keepsight-trial"]))?;
    let program: PathBuf = target().join("release/keepsight-trial");
    let mut kit = Command::new(program);
    kit.env("KEEPSIGHT_TRIAL_LIBS", Peers::libraries());
    if let Some(valkey) = Peers::valkey() {
        kit.env("KEEPSIGHT_VALKEY_SERVER", valkey);
    }
    Ok(kit)
}

fn folder() -> PathBuf {
    target().join("trial").join("found")
}

fn found() -> anyhow::Result<Value> {
    let text = fs::read_to_string(folder().join(JSON)).context("the kit wrote nothing")?;
    Ok(serde_json::from_str(&text)?)
}

fn judge() -> anyhow::Result<()> {
    let trial = found()?;
    eprintln!("xtask: the trial took {} s", trial["took_ms"].as_u64().unwrap_or_default() / 1000);
    let clients = trial["clients"].as_array().context("no clients were tried")?;
    for client in clients {
        shown(client)?;
    }
    let named = |name: &str| clients.iter().find(|client| client["name"] == name);
    let mut answers = 0;
    for name in CACHE {
        let client = named(name).with_context(|| format!("{name} was not tried"))?;
        passed(client)?;
        let (judged, from_server) = (sum(client, "answers"), sum(client, "from_server"));
        eprintln!("xtask: {name}: {judged} answers judged, {from_server} of them from the server");
        answers += from_server;
    }
    ensure!(answers >= MILLION, "{answers} answers came from the server, and not a million");
    Ok(())
}

/// In the last bounded run the client of the incident was seen to be wrong: or else the kit shows nothing.
pub fn incident_is_caught() -> anyhow::Result<()> {
    let trial = found()?;
    let clients = trial["clients"].as_array().context("no clients were tried")?;
    let client = clients.iter().find(|client| client["name"] == INCIDENT);
    let wrong = client.map_or(0, |client| sum(client, "wrong"));
    ensure!(wrong > 0, "{INCIDENT} was not caught: the kit shows nothing");
    Ok(())
}

/// A fault that was not injected, or a client that could not run, shows nothing, whosever it is.
fn shown(client: &Value) -> anyhow::Result<()> {
    for (event, outcome) in outcomes(client) {
        let name = &client["name"];
        ensure!(outcome["is"] != "not_injected", "{event} was never injected into {name}");
        ensure!(outcome["is"] != "broken", "{event} could not be run with {name}: {}", outcome["why"]);
    }
    Ok(())
}

fn passed(client: &Value) -> anyhow::Result<()> {
    let name = client["name"].as_str().context("a client without a name")?;
    ensure!(client["left_out"].is_null(), "{name} was left out: {}", client["left_out"]);
    for event in events(client) {
        let (event_name, outcome) = (event["event"].as_str().unwrap_or("?"), &event["outcome"]);
        if outcome["is"] == "not_healed" {
            heals_alone(name, event_name)?;
            continue;
        }
        ensure!(outcome["is"] == "passed", "{name} did not pass {event_name}: {outcome}");
        held_to_one_connection(name, event)?;
    }
    Ok(())
}

/// Six clients at once take goodput from each other, so that it may not come back in time though the client is well: then it must when it is alone.
fn heals_alone(name: &str, event: &str) -> anyhow::Result<()> {
    eprintln!("xtask: {name} did not recover from {event} beside others: once more, alone");
    let json = folder().join("alone.json");
    let mut kit = kit()?;
    kit.args(["run", "--client", name, "--events", event, "--seed", SEED, "--operations", OPERATIONS]);
    kit.arg("--json").arg(&json);
    // The last line is that of the run with all clients.
    kit.stdin(Stdio::null()).stdout(Stdio::null()).status().context("starting the stress kit")?;
    let alone: Value = serde_json::from_str(&fs::read_to_string(&json)?)?;
    let found = &alone["clients"][0]["events"][0];
    ensure!(found["outcome"]["is"] == "passed", "{name} did not pass {event} alone: {}", found["outcome"]);
    held_to_one_connection(name, found)
}

fn held_to_one_connection(name: &str, event: &Value) -> anyhow::Result<()> {
    let reconnects = event["reconnects"].as_u64().context("reconnects were not counted")?;
    ensure!(reconnects <= 1, "{name} needed {reconnects} connections after {}", event["event"]);
    Ok(())
}

fn outcomes(client: &Value) -> impl Iterator<Item = (&str, &Value)> {
    events(client).map(|event| (event["event"].as_str().unwrap_or("?"), &event["outcome"]))
}

fn events(client: &Value) -> impl Iterator<Item = &Value> {
    client["events"].as_array().into_iter().flatten()
}

fn sum(client: &Value, field: &str) -> u64 {
    events(client).filter_map(|event| event[field].as_u64()).sum()
}
