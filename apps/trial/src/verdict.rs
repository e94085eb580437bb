//! What a run has found: plain data, written as JSON, drawn by the report. Nothing is judged here.
//!
//! Every rate is per second, every time in milliseconds, every count an absolute number. What could not be judged is `None`, not 0.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clients::Capabilities;
use crate::proxy::FaultKind;

/// A whole run: several clients over several events.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trial {
    /// The version of the kit.
    pub kit: String,
    /// Everything seeded was drawn from this.
    pub seed: u64,
    /// The only step that was run, when `--step` asked for one.
    pub step: Option<u64>,
    /// The server behind the proxy, as it names itself: `Redis 7.0.15`.
    pub server: String,
    /// When it began, in milliseconds since 1970 UTC.
    pub started_unix_ms: i64,
    /// How long it took.
    pub took_ms: u64,
    /// The command that repeats it.
    pub command: String,
    /// Per client.
    pub clients: Vec<ClientVerdict>,
}

/// One client over all events asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClientVerdict {
    /// What `--client` takes.
    pub name: String,
    /// What tables show: `redis-py 4.5.1`.
    pub label: String,
    /// The version that the library says it is.
    pub version: String,
    /// What it can do; `None` when it could not be started.
    pub capabilities: Option<Capabilities>,
    /// Why it was not run at all, when it was not: something is not installed.
    pub left_out: Option<String>,
    /// Per event, in the order of the catalogue.
    pub events: Vec<EventVerdict>,
}

/// One client in one event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventVerdict {
    /// The event's name in the catalogue.
    pub event: String,
    /// What the event is, in one line.
    pub about: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Calls made and judged, whatever came of them.
    pub operations: u64,
    /// Calls that ended in an answer, which was judged: errors, stalls and calls given up are not among them.
    pub answers: u64,
    /// Answers that came from the server, through the proxy: not from the client's own copies, nor by waiting for what another get brought.
    pub from_server: u64,
    /// Answers that belong to another question: [`Wrong`] says in which ways.
    pub wrong: u64,
    /// Answers that were invalidated before they were asked for, and the invalidation acknowledged.
    pub stale_after_invalidation: u64,
    /// Moments at which two holders had both been told that the lease is theirs; `None` where that can't be judged.
    pub double_lease: Option<u64>,
    /// Calls that ended in an error, which is allowed.
    pub errors: u64,
    /// Calls that did not end within the kit's patience (several times the client's own time-out).
    pub stalls: u64,
    /// Calls that the kit itself gave up, on purpose.
    pub cancelled: u64,
    /// From the end of the fault until goodput is back; `None` when it did not come back.
    pub time_until_healthy_ms: Option<u64>,
    /// Connections that one instance opened from the end of the fault until goodput was back, at most of all instances and steps.
    pub reconnects: u64,
    /// Good answers per second around the fault.
    pub goodput: Goodput,
    /// How often the fault was really injected.
    pub faults_injected: u64,
    /// How often each fault of single replies was, where there are such.
    pub fault_kinds: BTreeMap<FaultKind, u64>,
    /// Steps run: each has its own server, connections and seed, and can be replayed alone.
    pub steps: u64,
    /// The first wrong answer.
    pub first_wrong: Option<FirstWrong>,
    /// Examples of errors and how often each came, most frequent first, at most eight.
    pub error_kinds: Vec<(String, u64)>,
    /// Counts over time in the first step (or in that of the first wrong answer).
    pub timeline: Vec<Sample>,
}

/// How an event ended for a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is", content = "why")]
pub enum Outcome {
    /// The fault was injected and no answer was wrong.
    Passed,
    /// At least one answer was wrong, or a lease had two holders.
    Wrong,
    /// Nothing was wrong, but an acknowledged invalidation did not hold.
    Stale,
    /// Nothing was wrong, but a call took longer than the kit's patience: several times the client's own time-out, and a second.
    Stalled,
    /// Nothing was wrong, but the client was not healthy again when the time was over.
    NotHealed,
    /// The fault was never injected, so nothing was shown: a failure of the run.
    NotInjected,
    /// The client can't do what the event needs; why.
    NotApplicable(String),
    /// The client or the server could not be run; why. A failure of the run.
    Broken(String),
}

/// Good answers per second.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Goodput {
    /// Before the fault.
    pub before: f64,
    /// While it lasted.
    pub during: f64,
    /// After it.
    pub after: f64,
}

/// In which way an answer is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// The value of another key.
    Foreign,
    /// Not a value that was ever stored: torn, or a reply of another type.
    Garbled,
    /// A version of this key that nobody had begun to write.
    Invented,
    /// "There is none", though it was stored, acknowledged and not removed.
    Missing,
    /// A lease granted to two holders at once.
    DoubleLease,
    /// What was removed or replaced before it was asked for. Counted apart, and shown as the first one only where nothing else was wrong.
    Stale,
}

/// The first wrong answer of a client in an event, with what led to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FirstWrong {
    /// In which way.
    pub kind: Wrong,
    /// The step in which it came.
    pub step: u64,
    /// When, in milliseconds since that step began.
    pub at_ms: u64,
    /// What was asked for.
    pub asked: String,
    /// What should have come.
    pub expected: String,
    /// What came, shortened.
    pub got: String,
    /// The connection that carried it, as the proxy numbers them from 0.
    pub connection: Option<u64>,
    /// The last commands, replies and faults on that connection, oldest first.
    pub trace: Vec<TraceLine>,
    /// The command that replays this step.
    pub replay: String,
}

/// A line of a trace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TraceLine {
    /// When, in milliseconds since the step began.
    pub at_ms: u64,
    /// What it is.
    pub what: Traced,
    /// The number of the frame in its direction on that connection, from 0; for a fault, that of the reply it hit.
    pub frame: u64,
    /// The frame, shortened, or the name of the fault.
    pub text: String,
}

/// What a line of a trace is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Traced {
    /// From the client to the server.
    Command,
    /// From the server to the client.
    Reply,
    /// What the proxy did.
    Fault,
}

/// Counts of one slice of time.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Sample {
    /// When the slice ended, in milliseconds since traffic began, which is some time after the step did.
    pub at_ms: u64,
    /// Which part of the event it belongs to.
    pub phase: Phase,
    /// Good answers.
    pub good: u64,
    /// Errors and stalls.
    pub errors: u64,
    /// Wrong answers.
    pub wrong: u64,
}

/// The parts of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Steady traffic, no fault.
    Before,
    /// The fault is on.
    During,
    /// The fault is over.
    After,
}
