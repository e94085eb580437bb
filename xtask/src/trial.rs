//! `cargo xtask trial`: the stress kit, built for speed, with a server and with every client that could be installed.

use anyhow::bail;

use crate::peers::Peers;
use crate::setup;
use crate::steps::{self, cargo};

/// Runs `keepsight-trial` with these arguments.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let found = setup::everything()?;
    if let Some(why) = found.lacks_for_trial() {
        bail!("nothing can be put on trial: {why}");
    }
    let mut kit = cargo(&["run", "--release", "--quiet", "--package", "keepsight-trial", "--"]);
    kit.args(arguments).env("KEEPSIGHT_TRIAL_LIBS", Peers::libraries());
    if let Some(valkey) = Peers::valkey() {
        kit.env("KEEPSIGHT_VALKEY_SERVER", valkey);
    }
    steps::run(&mut kit)
}

/// Tests whose name begins so: every client does what the kit asks of it, against a real server without faults.
pub fn clients_work(prefix: &str) -> anyhow::Result<()> {
    let mut tests = cargo(&[
        "test",
        "--quiet",
        "--package",
        "keepsight-trial",
        "--features",
        "servers",
        "--test",
        "clients",
    ]);
    steps::run(tests.args(["--", prefix]).env("KEEPSIGHT_TRIAL_LIBS", Peers::libraries()))
}
