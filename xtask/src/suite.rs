//! `cargo xtask test`: all there is to prove, in the order in which a failure is cheapest to learn of.

use std::process::Command;

use crate::peers::Peers;
use crate::setup;
use crate::steps::{self, Steps, cargo};
use crate::{e2e, mutants, trial};

/// Every test, or with `quick` only what needs nothing installed.
pub fn run(quick: bool, only: Option<&str>) -> anyhow::Result<()> {
    let mut plan = Steps::new(only);
    all(&mut plan, quick)?;
    plan.finish()
}

fn all(plan: &mut Steps<'_>, quick: bool) -> anyhow::Result<()> {
    let found = if quick { None } else { Some(setup::everything()?) };
    plan.step("format", || steps::run(&mut cargo(&["fmt", "--all", "--check"])));
    plan.step("lint", || {
        steps::run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))
    });
    plan.step("rust", || steps::run(&mut cargo(&["test", "--workspace", "--quiet", "--no-fail-fast"])));
    plan.step("documentation", || {
        let mut doc = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
        steps::run(doc.env("RUSTDOCFLAGS", "-D warnings"))
    });
    plan.step("collisions", || {
        let tests =
            ["test", "--quiet", "--package", "keepsight-cache", "--features", "suite,colliding-hasher"];
        steps::run(&mut cargo(&tests))
    });
    plan.step("mutants", mutants::run);
    let Some(found) = found else {
        for name in [
            "camera",
            "full disk",
            "licences",
            "advisories",
            "clients",
            "drivers",
            "kit",
            "trial",
            "trial-incident",
            "servers",
            "web",
            "types",
            "browser",
            "e2e",
        ] {
            plan.leave_out(name, "--quick runs only what needs nothing installed");
        }
        return Ok(());
    };
    step_unless(plan, "camera", found.lacks_for_camera(), || {
        steps::run(&mut cargo(&["test", "--quiet", "--package", "keepsight-camera", "--", "--ignored"]))
    });
    step_unless(plan, "full disk", setup::lacks_for_disk(), || {
        let tests = ["test", "--quiet", "--package", "keepsight", "--test", "full_disk", "--", "--ignored"];
        steps::run(&mut cargo(&tests))
    });
    plan.step("licences", || {
        let deny = setup::cargo_deny()?;
        // Building fetches this platform's packages only; all of them are looked at.
        steps::run(&mut cargo(&["fetch", "--locked", "--quiet"]))?;
        steps::run(Command::new(deny).args(["--offline", "check", "bans", "licenses", "sources"]))
    });
    let lacks_advisories = (!setup::has_advisories()).then(|| {
        "no copy of the RustSec database here, so known weaknesses of dependencies are not looked up: `cargo deny fetch` gets it"
            .to_owned()
    });
    step_unless(plan, "advisories", lacks_advisories, || {
        steps::run(Command::new(setup::cargo_deny()?).args(["--offline", "check", "advisories"]))
    });
    step_unless(plan, "servers", found.lacks_for_servers(), || {
        let mut tests = cargo(&["test", "--quiet", "--package", "keepsight-cache"]);
        tests.args(["--features", "suite,tls", "--test", "servers"]);
        steps::run(tests.envs(Peers::valkey().map(|program| ("KEEPSIGHT_VALKEY_SERVER", program))))
    });
    step_unless(plan, "clients", found.lacks_for_trial(), || trial::clients_work("rust_"));
    step_unless(plan, "drivers", found.lacks_for_drivers(), || trial::clients_work("drivers_"));
    step_unless(plan, "kit", found.lacks_for_trial(), trial::kit_works);
    step_unless(plan, "trial", found.lacks_for_trial(), trial::bounded);
    step_unless(plan, "trial-incident", found.lacks_for_incident(), trial::incident_is_caught);
    step_unless(plan, "web", found.lacks_for_node(), e2e::web_units);
    step_unless(plan, "types", found.lacks_for_browser(), || e2e::web_types(&found));
    step_unless(plan, "browser", found.lacks_for_browser(), || e2e::web_in_browser(&found));
    step_unless(plan, "e2e", found.lacks_for_e2e(), || e2e::with_browser(&found, None));
    Ok(())
}

fn step_unless(
    plan: &mut Steps<'_>,
    name: &str,
    lacks: Option<String>,
    work: impl FnOnce() -> anyhow::Result<()>,
) {
    match lacks {
        Some(why) => plan.leave_out(name, &why),
        None => plan.step(name, work),
    }
}
