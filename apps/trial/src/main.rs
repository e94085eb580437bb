//! `keepsight-trial`: parses what is asked, runs it, maps the outcome to an exit code.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Parser;
use keepsight_trial::cli::{Cli, Command, Proxy as ProxyArguments, Run};
use keepsight_trial::clients::{Entry, TEMPLATE, registry};
use keepsight_trial::dice::Dice;
use keepsight_trial::events::{self, Event};
use keepsight_trial::proxy::{Plan, Proxy, Sockets};
use keepsight_trial::run::{Order, run};
use keepsight_trial::step::Terms;
use keepsight_trial::verdict::{EventVerdict, Outcome, TraceLine, Traced, Trial};
use keepsight_trial::{again, exit, report, server};
use keepsight_world::World;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let is_proxy = matches!(cli.command, Command::Proxy(_));
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(if is_proxy { "keepsight_trial=debug" } else { "off" }));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error.into()),
    };
    let outcome = runtime.block_on(async {
        match cli.command {
            Command::Run(arguments) => trial(&arguments).await,
            Command::Proxy(arguments) => proxy(&arguments).await,
            Command::Clients => Ok(list_clients()),
            Command::Events => Ok(list_events()),
            Command::Template => {
                say(TEMPLATE.trim_end());
                Ok(ExitCode::SUCCESS)
            }
        }
    });
    // What a client library left running is not waited for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome.unwrap_or_else(|error| complain(&error))
}

fn complain(error: &anyhow::Error) -> ExitCode {
    eprintln!("keepsight-trial: {error:#}");
    exit::USAGE.into()
}

/// Whoever has read enough may close the pipe: that is no fault, and files are written all the same.
fn say(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}

fn list_clients() -> ExitCode {
    for entry in registry::all() {
        say(&format!("{:<18} {}", entry.name, entry.about));
        if let Err(missing) = (entry.available)() {
            say(&format!("{:<18} not here: {missing}", ""));
        }
    }
    say(&format!("{:<18} any program that speaks the line protocol", "driver:COMMAND"));
    ExitCode::SUCCESS
}

fn list_events() -> ExitCode {
    for event in events::ALL {
        say(&format!("{:<18} {}", event.name, event.about));
    }
    ExitCode::SUCCESS
}

async fn trial(arguments: &Run) -> anyhow::Result<ExitCode> {
    let terms = Terms {
        world: World::real(),
        server: server::find(&arguments.server)?,
        call_timeout: Duration::from_millis(arguments.call_timeout),
        dice: Dice::new(arguments.seed),
    };
    let order = Order {
        command: command_line(arguments, &terms),
        clients: clients(&arguments.clients())?,
        events: chosen_events(&arguments.events)?,
        terms,
        step: arguments.step,
        operations: {
            let operations = arguments.operations.clone();
            Box::new(move |entry| operations.of(entry.name))
        },
        at_once: arguments.at_once,
        server_named: arguments.server.clone(),
    };
    eprintln!("seed {}, {} clients, {} events", arguments.seed, order.clients.len(), order.events.len());
    let found = tokio::select! {
        found = run(&order, &progress) => found,
        // Dropped, it takes its servers and drivers with it.
        _ = tokio::signal::ctrl_c() => bail!("interrupted; nothing was written"),
    };
    say(&report::table(&found));
    show_first_wrong(&found);
    write(arguments.report.as_deref(), || report::html(&found))?;
    write(arguments.junit.as_deref(), || report::junit(&found))?;
    write(arguments.json.as_deref(), || serde_json::to_string_pretty(&found).unwrap_or_default())?;
    say(&report::summary(&found));
    Ok(exit::code(&found, arguments.clients() != ["all"]).into())
}

fn progress(entry: &Entry, verdict: &EventVerdict) {
    let outcome = match &verdict.outcome {
        Outcome::Passed => "passed".to_owned(),
        Outcome::Wrong => "WRONG ANSWERS".to_owned(),
        Outcome::Stale => "STALE ANSWERS".to_owned(),
        Outcome::Stalled => "CALLS STALLED".to_owned(),
        Outcome::NotHealed => "did not recover".to_owned(),
        Outcome::NotInjected => "NOTHING SHOWN: the fault was never injected".to_owned(),
        Outcome::NotApplicable(why) => format!("not applicable: {why}"),
        Outcome::Broken(why) => format!("COULD NOT RUN: {why}"),
    };
    eprintln!(
        "{:<30} {:<18} {:>8} calls {:>7} wrong {:>5} stale {:>6} errors {:>6} faults  {outcome}",
        entry.label,
        verdict.event,
        verdict.operations,
        verdict.wrong,
        verdict.stale_after_invalidation,
        verdict.errors,
        verdict.faults_injected
    );
}

fn show_first_wrong(found: &Trial) {
    for client in &found.clients {
        let Some((event, first)) =
            client.events.iter().find_map(|event| Some((event, event.first_wrong.as_ref()?)))
        else {
            continue;
        };
        say(&format!(
            "{}: the first wrong answer, in {} after {} ms:",
            client.label, event.event, first.at_ms
        ));
        say(&format!("  asked     {}", first.asked));
        say(&format!("  expected  {}", first.expected));
        say(&format!("  got       {}", first.got));
        for line in telling(&first.trace) {
            let what = format!("{:?}", line.what).to_lowercase();
            say(&format!("  {:>7} ms  {what:<8} {:>6}  {}", line.at_ms, line.frame, line.text));
        }
        say(&format!("  again:    {}\n", first.replay));
    }
}

/// The last fault with what stands around it, and the end.
fn telling(trace: &[TraceLine]) -> impl Iterator<Item = &TraceLine> {
    let fault = trace.iter().rposition(|line| line.what == Traced::Fault).unwrap_or(trace.len());
    let end = trace.len().saturating_sub(8);
    let around = fault.saturating_sub(4)..fault + 5;
    trace
        .iter()
        .enumerate()
        .filter(move |(place, _)| *place >= end || around.contains(place))
        .map(|(_, line)| line)
}

fn clients(names: &[&str]) -> anyhow::Result<Vec<Entry>> {
    if names == ["all"] {
        return Ok(registry::all());
    }
    let find = |name: &&str| {
        let hint = || format!("there is no client named {name}: `keepsight-trial clients` lists them");
        registry::find(name).with_context(hint)
    };
    names.iter().map(find).collect()
}

fn chosen_events(names: &[String]) -> anyhow::Result<Vec<&'static Event>> {
    if names == ["all"] {
        return Ok(events::ALL.iter().collect());
    }
    let find = |name: &String| {
        let hint = || format!("there is no event named {name}: `keepsight-trial events` lists them");
        events::find(name).with_context(hint)
    };
    names.iter().map(find).collect()
}

fn command_line(arguments: &Run, terms: &Terms) -> String {
    let events: Vec<&str> = arguments.events.iter().map(String::as_str).collect();
    let again = again::command(terms, &arguments.server, &arguments.clients(), &events);
    let step = arguments.step.map_or_else(String::new, |step| format!(" --step {step}"));
    format!("{again} --operations {} --at-once {}{step}", arguments.operations, arguments.at_once)
}

fn write(path: Option<&Path>, text: impl FnOnce() -> String) -> anyhow::Result<()> {
    let Some(path) = path.map(PathBuf::from) else { return Ok(()) };
    std::fs::write(&path, text()).with_context(|| format!("writing {}", path.display()))
}

async fn proxy(arguments: &ProxyArguments) -> anyhow::Result<ExitCode> {
    let world = World::real();
    let Some(upstream) = tokio::net::lookup_host(&arguments.upstream).await?.next() else {
        bail!("{} has no address", arguments.upstream);
    };
    let proxy = Proxy::start(&world, arguments.listen, upstream, Sockets::default())?;
    let millis = Duration::from_millis;
    proxy.arm(Some(Plan {
        kinds: arguments.faults.clone(),
        dice: Dice::new(arguments.seed),
        gap: arguments.gap,
        per_connection: arguments.per_connection,
        delay: (millis(arguments.delay.0), millis(arguments.delay.1)),
    }));
    say(&format!("listening at {}, before {upstream}, seed {}", proxy.address(), arguments.seed));
    let over = async {
        match arguments.seconds {
            Some(seconds) => world.sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = over => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    let injected = proxy.injected();
    for (kind, count) in &injected.kinds {
        say(&format!("{:<18} {count}", kind.name()));
    }
    Ok(if injected.planned() == 0 { exit::NOTHING_SHOWN.into() } else { ExitCode::SUCCESS })
}
