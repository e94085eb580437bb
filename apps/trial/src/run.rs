//! A whole run: clients over events, step by step, and what it all comes to.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures_util::{StreamExt, stream};

use crate::again;
use crate::clients::{Capabilities, Entry};
use crate::events::{Event, Loses};
use crate::judge::Counts;
use crate::proxy::FaultKind;
use crate::pulse;
use crate::step::{self, Found, Terms};
use crate::verdict::{ClientVerdict, EventVerdict, FirstWrong, Goodput, Outcome, Trial};

/// Steps of one event at most, however few operations they bring.
const STEPS_MOST: u64 = 50;
/// Steps until each kind of fault must have come.
const STEPS_FOR_KINDS: u64 = 5;
/// No step begins later than this in an event: on a slow machine a run has fewer calls, and ends.
const EVENT_MOST: Duration = Duration::from_secs(20);
const ERROR_KINDS: usize = 8;

/// What is to be run.
pub struct Order {
    /// Clients.
    pub clients: Vec<Entry>,
    /// Events.
    pub events: Vec<&'static Event>,
    /// What every step needs.
    pub terms: Terms,
    /// Only this step.
    pub step: Option<u64>,
    /// Steps go on until so many operations of this client were judged in an event; where values are large, a part of that is enough.
    pub operations: Box<dyn Fn(&Entry) -> u64 + Send + Sync>,
    /// How many clients run at the same time.
    pub at_once: usize,
    /// The command that repeats it.
    pub command: String,
    /// The server as the command names it, for replaying one step.
    pub server_named: String,
}

/// Runs it. `progress` is told of each client and event when it is over.
pub async fn run(order: &Order, progress: &(dyn Fn(&Entry, &EventVerdict) + Sync)) -> Trial {
    let world = &order.terms.world;
    let (began, started_unix_ms) = (world.now(), world.unix_millis());
    let clients = stream::iter(&order.clients)
        .map(|entry| one_client(order, entry, progress))
        .buffered(order.at_once.max(1))
        .collect()
        .await;
    Trial {
        kit: env!("CARGO_PKG_VERSION").to_owned(),
        seed: order.terms.dice.seed(),
        step: order.step,
        server: server_version(order).await,
        started_unix_ms,
        took_ms: u64::try_from((world.now() - began).as_millis()).unwrap_or(u64::MAX),
        command: order.command.clone(),
        clients,
    }
}

async fn server_version(order: &Order) -> String {
    match crate::server::Server::start(&order.terms.server).await {
        Ok(server) => server.version().await.unwrap_or_else(|error| format!("{error:#}")),
        Err(error) => format!("{error:#}"),
    }
}

async fn one_client(
    order: &Order,
    entry: &Entry,
    progress: &(dyn Fn(&Entry, &EventVerdict) + Sync),
) -> ClientVerdict {
    let mut verdict = ClientVerdict {
        name: entry.name.to_owned(),
        label: entry.label.to_owned(),
        version: String::new(),
        capabilities: None,
        left_out: None,
        events: Vec::new(),
    };
    let asked = match (entry.available)() {
        Ok(()) => step::capabilities(&order.terms, entry).await.map_err(|error| format!("{error:#}")),
        Err(missing) => Err(missing),
    };
    let (version, capabilities) = match asked {
        Ok(found) => found,
        Err(why) => {
            verdict.left_out = Some(why);
            return verdict;
        }
    };
    verdict.version = version;
    verdict.capabilities = Some(capabilities);
    for event in &order.events {
        let found = one_event(order, entry, capabilities, event).await;
        progress(entry, &found);
        verdict.events.push(found);
    }
    verdict
}

async fn one_event(order: &Order, entry: &Entry, capabilities: Capabilities, event: &Event) -> EventVerdict {
    let mut verdict = blank(event);
    if let Some(why) = event.inapplicable(capabilities) {
        verdict.outcome = Outcome::NotApplicable(why.to_owned());
        return verdict;
    }
    // One step alone need not see all that a run must.
    let mut sum = Sum { is_replay: order.step.is_some(), ..Sum::default() };
    let (began, kinds) = (order.terms.world.now(), event.kinds(capabilities));
    let enough = (order.operations)(entry) / event.load.weight();
    let steps = order.step.map_or(0..STEPS_MOST, |step| step..step + 1);
    for number in steps {
        match step::step(&order.terms, entry, capabilities, event, number).await {
            Ok(found) => sum.add(number, found),
            Err(error) => {
                verdict.outcome = Outcome::Broken(format!("step {number}: {error:#}"));
                break;
            }
        }
        // What never comes in so many steps will not come.
        let is_seen = sum.saw(&kinds) || sum.steps >= STEPS_FOR_KINDS;
        let is_late = order.terms.world.now() - began > EVENT_MOST;
        if is_late || is_seen && sum.counts.operations >= enough {
            break;
        }
    }
    let again = again::command(&order.terms, &order.server_named, &[entry.name], &[event.name]);
    let replay = |step| format!("{again} --step {step}");
    sum.write_to(&mut verdict, event, capabilities, replay);
    verdict
}

/// An event of which nothing is known yet.
pub(crate) fn blank(event: &Event) -> EventVerdict {
    EventVerdict {
        event: event.name.to_owned(),
        about: event.about.to_owned(),
        outcome: Outcome::Passed,
        operations: 0,
        answers: 0,
        from_server: 0,
        wrong: 0,
        stale_after_invalidation: 0,
        double_lease: None,
        errors: 0,
        stalls: 0,
        cancelled: 0,
        time_until_healthy_ms: None,
        reconnects: 0,
        goodput: Goodput::default(),
        faults_injected: 0,
        fault_kinds: BTreeMap::new(),
        steps: 0,
        first_wrong: None,
        error_kinds: Vec::new(),
        timeline: Vec::new(),
    }
}

/// What the steps of one event come to together.
#[derive(Default)]
struct Sum {
    is_replay: bool,
    counts: Counts,
    from_server: u64,
    steps: u64,
    without_fault: u64,
    injected: u64,
    kinds: BTreeMap<FaultKind, u64>,
    healthy_ms: Option<u64>,
    unhealthy: u64,
    reconnects: u64,
    goodput: Goodput,
    first: Option<(u64, crate::judge::Finding)>,
    timeline: Vec<crate::verdict::Sample>,
    error_kinds: HashMap<String, u64>,
}

impl Sum {
    fn add(&mut self, number: u64, found: Found) {
        self.counts = added(self.counts, found.counts);
        self.from_server += found.from_server;
        self.steps += 1;
        self.injected += found.injected;
        for (kind, count) in found.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
        self.without_fault += u64::from(found.injected == 0);
        self.unhealthy += u64::from(found.healthy_ms.is_none());
        self.healthy_ms = self.healthy_ms.max(found.healthy_ms);
        self.reconnects = self.reconnects.max(found.reconnects);
        let goodput = pulse::goodput(&found.samples);
        self.goodput.before += goodput.before;
        self.goodput.during += goodput.during;
        self.goodput.after += goodput.after;
        let is_first_wrong = self.first.is_none() && found.first.is_some();
        if is_first_wrong || self.timeline.is_empty() {
            self.timeline = found.samples;
        }
        if is_first_wrong {
            self.first = found.first.map(|finding| (number, finding));
        }
        for (kind, count) in found.error_kinds {
            *self.error_kinds.entry(kind).or_default() += count;
        }
    }

    fn saw(&self, kinds: &[FaultKind]) -> bool {
        kinds.iter().all(|kind| self.kinds.contains_key(kind))
    }

    fn write_to(
        self,
        verdict: &mut EventVerdict,
        event: &Event,
        capabilities: Capabilities,
        replay: impl Fn(u64) -> String,
    ) {
        let counts = self.counts;
        let lacks_kinds = !self.is_replay && !self.saw(&event.kinds(capabilities));
        let without_fault = self.without_fault + u64::from(lacks_kinds);
        let leases_judged = capabilities.leases && event.loses == Loses::Nothing;
        verdict.operations = counts.operations;
        verdict.answers = counts.answers;
        verdict.from_server = self.from_server;
        verdict.wrong = counts.wrong;
        verdict.stale_after_invalidation = counts.stale;
        verdict.double_lease = leases_judged.then_some(counts.double_lease);
        verdict.errors = counts.errors;
        verdict.stalls = counts.stalls;
        verdict.cancelled = counts.cancelled;
        verdict.reconnects = self.reconnects;
        verdict.time_until_healthy_ms = self.healthy_ms.filter(|_| self.unhealthy == 0);
        #[expect(clippy::cast_precision_loss, reason = "a number of steps is small")]
        let steps = self.steps.max(1) as f64;
        verdict.goodput = Goodput {
            before: self.goodput.before / steps,
            during: self.goodput.during / steps,
            after: self.goodput.after / steps,
        };
        verdict.faults_injected = self.injected;
        verdict.fault_kinds = self.kinds;
        verdict.steps = self.steps;
        verdict.timeline = self.timeline;
        let mut kinds: Vec<_> = self.error_kinds.into_iter().collect();
        kinds.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        kinds.truncate(ERROR_KINDS);
        verdict.error_kinds = kinds;
        if verdict.outcome == Outcome::Passed {
            verdict.outcome = outcome(event, counts, without_fault, self.unhealthy);
        }
        verdict.first_wrong = self.first.map(|(step, finding)| FirstWrong {
            kind: finding.kind,
            step,
            at_ms: finding.at_ms,
            asked: finding.asked,
            expected: finding.expected,
            got: finding.got,
            connection: finding.connection,
            trace: finding.trace,
            replay: replay(step),
        });
    }
}

/// How an event ended: wrong before everything else, and a fault that was not injected before anything good.
fn outcome(event: &Event, counts: Counts, without_fault: u64, unhealthy: u64) -> Outcome {
    let is_stale = counts.stale > 0 && event.loses != Loses::Time;
    match () {
        () if counts.wrong + counts.double_lease > 0 => Outcome::Wrong,
        () if event.has_fault() && without_fault > 0 => Outcome::NotInjected,
        () if counts.operations == 0 => Outcome::NotInjected,
        () if is_stale => Outcome::Stale,
        () if counts.stalls > 0 => Outcome::Stalled,
        () if unhealthy > 0 => Outcome::NotHealed,
        () => Outcome::Passed,
    }
}

fn added(one: Counts, other: Counts) -> Counts {
    Counts {
        operations: one.operations + other.operations,
        answers: one.answers + other.answers,
        gets: one.gets + other.gets,
        good: one.good + other.good,
        wrong: one.wrong + other.wrong,
        stale: one.stale + other.stale,
        double_lease: one.double_lease + other.double_lease,
        errors: one.errors + other.errors,
        stalls: one.stalls + other.stalls,
        cancelled: one.cancelled + other.cancelled,
        loads: one.loads + other.loads,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::find;

    const SOME: Counts = Counts {
        operations: 100,
        answers: 90,
        gets: 80,
        good: 90,
        wrong: 0,
        stale: 0,
        double_lease: 0,
        errors: 10,
        stalls: 0,
        cancelled: 0,
        loads: 0,
    };

    #[test]
    fn an_event_whose_fault_was_not_injected_is_never_passed() {
        let event = find("lost-reply").unwrap();
        assert_eq!(outcome(event, SOME, 0, 0), Outcome::Passed);
        assert_eq!(outcome(event, SOME, 1, 0), Outcome::NotInjected);
        assert_eq!(outcome(find("calm").unwrap(), SOME, 1, 0), Outcome::Passed);
        assert_eq!(outcome(find("calm").unwrap(), Counts::default(), 1, 0), Outcome::NotInjected);
    }

    #[test]
    fn wrong_comes_before_everything_else() {
        let event = find("lost-reply").unwrap();
        assert_eq!(outcome(event, Counts { wrong: 1, ..SOME }, 1, 1), Outcome::Wrong);
        assert_eq!(outcome(event, Counts { double_lease: 1, ..SOME }, 1, 1), Outcome::Wrong);
    }

    #[test]
    fn a_kind_of_fault_that_never_came_is_never_passed() {
        let event = find("mixed").unwrap();
        let ended = |is_replay, kinds: &[FaultKind]| {
            let kinds = kinds.iter().map(|&kind| (kind, 1)).collect();
            let sum = Sum { is_replay, counts: SOME, steps: 2, injected: 9, kinds, ..Sum::default() };
            let mut verdict = blank(event);
            sum.write_to(&mut verdict, event, Capabilities::STORE, |_| String::new());
            verdict.outcome
        };
        let all = event.kinds(Capabilities::STORE);
        assert_eq!(ended(false, &all), Outcome::Passed);
        assert_eq!(ended(false, &all[1..]), Outcome::NotInjected);
        assert_eq!(ended(true, &all[1..]), Outcome::Passed);
    }

    #[test]
    fn a_call_that_does_not_end_is_never_passed() {
        let stalled = Counts { stalls: 1, ..SOME };
        assert_eq!(outcome(find("half-open").unwrap(), stalled, 0, 0), Outcome::Stalled);
        assert_eq!(outcome(find("half-open").unwrap(), stalled, 0, 1), Outcome::Stalled);
    }

    #[test]
    fn what_a_server_brings_back_from_the_past_is_not_held_against_the_client() {
        let stale = Counts { stale: 3, ..SOME };
        assert_eq!(outcome(find("restarted-old").unwrap(), stale, 0, 0), Outcome::Passed);
        assert_eq!(outcome(find("restarted-empty").unwrap(), stale, 0, 0), Outcome::Stale);
        assert_eq!(outcome(find("half-open").unwrap(), SOME, 0, 1), Outcome::NotHealed);
    }
}
