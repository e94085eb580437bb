//! One step: a client in an event, once, from nothing: a server, connections and dice of its own. Its number is all it takes to replay it.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use keepsight_world::World;
use tokio::time::{sleep, timeout};

use crate::clients::{Capabilities, Client, Entry, Setup, Style};
use crate::crew::{Crew, Work};
use crate::dice::Dice;
use crate::events::{Event, Loses};
use crate::judge::{Case, Counts, Finding, Judge, Rules};
use crate::proxy::FaultKind;
use crate::pulse::{self, Pulse};
use crate::stage::Stage;
use crate::verdict::{Phase, Sample};

const BEFORE: Duration = Duration::from_millis(200);
const AFTER_LEAST: Duration = Duration::from_millis(240);
/// How long the kit waits for a client to be healthy again.
pub const AFTER_MOST: Duration = Duration::from_secs(3);
const STEP_MOST: Duration = Duration::from_secs(40);
// How much later than promised a copy may be taken for one that is a little too old: both look at a clock in milliseconds.
const STALE_SLACK: Duration = Duration::from_millis(5);

/// What every step needs to know.
#[derive(Clone)]
pub struct Terms {
    /// Clock.
    pub world: World,
    /// The server's program.
    pub server: PathBuf,
    /// The client's time-out.
    pub call_timeout: Duration,
    /// Where chance comes from.
    pub dice: Dice,
}

/// What a step found.
pub struct Found {
    /// The library's version.
    pub version: String,
    /// What the server calls itself.
    pub server: String,
    /// Everything that was judged.
    pub counts: Counts,
    /// Answers that came from the server.
    pub from_server: u64,
    /// How often the fault was injected.
    pub injected: u64,
    /// How often each fault of single replies was.
    pub kinds: BTreeMap<FaultKind, u64>,
    /// See [`pulse::time_until_healthy_ms`].
    pub healthy_ms: Option<u64>,
    /// Connections that one instance opened from the end of the fault until it was healthy, at most.
    pub reconnects: u64,
    /// The slices.
    pub samples: Vec<Sample>,
    /// The first wrong answer.
    pub first: Option<Finding>,
    /// Which errors came how often.
    pub error_kinds: HashMap<String, u64>,
}

/// Asks a client what it can do, without a server.
///
/// # Errors
/// When it can't even be started.
pub async fn capabilities(terms: &Terms, entry: &Entry) -> anyhow::Result<(String, Capabilities)> {
    let server = crate::server::Server::start(&terms.server).await?;
    let judge = Arc::new(Judge::new(&terms.world, case(Capabilities::STORE, None, terms.dice)));
    let setup = setup(terms, server.address(), 0, &judge);
    let client = connect(entry, setup).await?;
    let found = (client.version(), client.capabilities());
    client.close().await;
    Ok(found)
}

/// Does one step.
///
/// # Errors
/// When the server, the proxy or the client can't be run, or the step does not end.
pub async fn step(
    terms: &Terms,
    entry: &Entry,
    capabilities: Capabilities,
    event: &Event,
    number: u64,
) -> anyhow::Result<Found> {
    let dice = terms.dice.named(event.name).of(number);
    let doing = perform(terms, entry, capabilities, event, dice);
    timeout(STEP_MOST, doing).await.context("the step did not end in time")?
}

async fn perform(
    terms: &Terms,
    entry: &Entry,
    capabilities: Capabilities,
    event: &Event,
    dice: Dice,
) -> anyhow::Result<Found> {
    let wanted = event.load.instances.min(entry.instances_most);
    let mut stage = Stage::set(&terms.world, &terms.server, event, wanted, terms.call_timeout, dice).await?;
    let server = stage.server.version().await?;
    let judge = Arc::new(Judge::new(&terms.world, case(capabilities, Some(event), dice)));
    let proxy = stage.proxy.clone();
    judge.call_witness(Box::new(move |answer, question| proxy.trace(answer, question)));
    let mut instances: Vec<Arc<dyn Client>> = Vec::new();
    for (instance, door) in stage.proxy.doors().enumerate() {
        let setup = setup(terms, door, instance, &judge);
        instances.push(connect(entry, setup).await?.into());
    }
    let work = Work {
        tasks: event.load.tasks,
        // Each change of a loading cache's key costs a load besides.
        gets: if capabilities.style == Style::Loading { event.load.gets.max(95) } else { event.load.gets },
        patience: terms.call_timeout * 4 + Duration::from_secs(1),
    };
    let crew = Crew::start(&instances, judge.clone(), work, dice.named("crew")).await;
    let pulse = Pulse::take(judge.clone());
    sleep(BEFORE).await;
    pulse.enter(Phase::During);
    let acted = stage.act(event, capabilities, &crew).await;
    let opened = stage.proxy.opened();
    pulse.enter(Phase::After);
    recover(&pulse).await;
    let samples = pulse.samples();
    let reconnects = stage.proxy.opened().iter().zip(&opened).map(|(now, then)| now - then).max();
    crew.stop().await;
    if let Some(why) = instances.iter().find_map(|instance| instance.broken()) {
        return Err(why.into());
    }
    for instance in &instances {
        drop(timeout(terms.call_timeout * 10, instance.close()).await);
    }
    let counts = judge.counts();
    let gets: Option<u64> = instances.iter().map(|instance| instance.answered_by_server()).sum();
    Ok(Found {
        version: instances[0].version(),
        server,
        counts,
        // Some gets that the server answered were given up before their caller knew.
        from_server: counts.answers - counts.gets + gets.unwrap_or(counts.gets).min(counts.gets),
        injected: acted?,
        kinds: stage.proxy.injected().kinds,
        healthy_ms: pulse::time_until_healthy_ms(&samples),
        reconnects: reconnects.unwrap_or(0),
        samples,
        first: judge.first(),
        error_kinds: judge.error_kinds(),
    })
}

async fn recover(pulse: &Pulse) {
    sleep(AFTER_LEAST).await;
    let mut waited = AFTER_LEAST;
    while waited < AFTER_MOST && pulse::time_until_healthy_ms(&pulse.samples()).is_none() {
        sleep(Duration::from_millis(20)).await;
        waited += Duration::from_millis(20);
    }
}

async fn connect(entry: &Entry, setup: Setup) -> anyhow::Result<Box<dyn Client>> {
    let patience = setup.connect_timeout * 10 + Duration::from_secs(5);
    let connecting = timeout(patience, (entry.connect)(setup));
    Ok(connecting.await.context("the client did not connect in time")??)
}

fn setup(terms: &Terms, address: std::net::SocketAddr, instance: usize, judge: &Arc<Judge>) -> Setup {
    Setup {
        address,
        call_timeout: terms.call_timeout,
        connect_timeout: terms.call_timeout * 2,
        seed: terms.dice.named("client").at(instance as u64),
        instance,
        origin: judge.clone(),
    }
}

fn case(capabilities: Capabilities, event: Option<&Event>, dice: Dice) -> Case {
    let rules = Rules {
        loading: capabilities.style == Style::Loading,
        none_means_absent: capabilities.none_means_absent,
        stale_elsewhere: match capabilities.stale_elsewhere_ms {
            0 => Duration::ZERO,
            some => Duration::from_millis(some) + STALE_SLACK,
        },
        server_forgets: event.is_some_and(|event| event.loses != Loses::Nothing),
    };
    let load = event.map_or(crate::events::ALL[0].load, |event| event.load);
    Case {
        rules,
        keys: load.keys,
        leases: 48,
        value_bytes: load.value_bytes,
        large_every: load.large_every,
        origin_delay: (Duration::from_millis(load.origin_ms.0), Duration::from_millis(load.origin_ms.1)),
        // Without the server's answer each instance loads for itself; so only where it always answers.
        loads_alone: capabilities.leases && event.is_some_and(|event| !event.has_fault()),
        dice: dice.named("values"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loading_cache_is_held_to_what_it_promises_elsewhere_and_a_few_milliseconds() {
        let loading = Capabilities { stale_elsewhere_ms: 20, ..Capabilities::STORE };
        let grace = |capabilities| case(capabilities, None, Dice::new(1)).rules.stale_elsewhere;
        assert_eq!(grace(Capabilities::STORE), Duration::ZERO);
        assert!((20..30).contains(&grace(loading).as_millis()));
    }
}
