//! What really happened, noted by the doubles: what a spool confirmed, what the server acknowledged, who came when.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use keepsight_ids::{EventId, HomeId, SegmentKind, SegmentNo};

/// A segment of some Event.
pub type Part = (EventId, SegmentKind, SegmentNo);

/// One Event, as its camera knows it.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its home.
    pub home: HomeId,
    /// When it was captured, in milliseconds since 1970 UTC.
    pub captured: i64,
    /// The spool confirmed its header.
    pub begun: bool,
    /// Of confirmed footage, in milliseconds.
    pub footage_ms: i64,
    /// The spool confirmed its trailer and that it was closed.
    pub closed: bool,
    /// Confirmed segments: the sealed bytes' hash and what they show.
    pub parts: BTreeMap<(SegmentKind, SegmentNo), ([u8; 32], Vec<u8>)>,
    /// When the power went while it was being recorded.
    pub cut: Option<i64>,
    /// It left the spool before all of it was acknowledged.
    pub dropped: bool,
}

/// What somebody who listens was told of an Event.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// Which.
    pub event: EventId,
    /// As news.
    pub fresh: bool,
    /// When, in milliseconds since 1970 UTC.
    pub at: i64,
}

/// All notes of one simulation.
#[derive(Debug, Default)]
pub struct Notes {
    /// Every Event that a camera began.
    pub events: BTreeMap<EventId, Known>,
    /// What answers acknowledged, and with which hash.
    pub acked: BTreeMap<Part, [u8; 32]>,
    /// When an agent's request of any kind reached the cloud, in milliseconds since 1970 UTC, and from which home.
    pub requests: Vec<(i64, IpAddr)>,
    /// When agents asked for a session, in milliseconds since 1970 UTC.
    pub knocks: Vec<i64>,
    /// When they got one.
    pub admitted: Vec<i64>,
    /// What listeners were told.
    pub told: Vec<Told>,
    /// What must never happen.
    pub violations: BTreeSet<String>,
    trace: Vec<(i64, String, String)>,
}

impl Notes {
    /// A step of an agent towards its network or its disk.
    pub(super) fn trace(&mut self, at: i64, host: &str, line: String) {
        self.trace.push((at, host.to_owned(), line));
    }
}

/// The notes, shared by all hosts.
#[derive(Debug, Default)]
pub struct Book(Mutex<Notes>);

impl Book {
    /// The notes.
    pub fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The agents' steps: how many, and a hash over them, sorted within a tick.
    pub fn trace(&self) -> (usize, u64) {
        let mut lines = self.notes().trace.clone();
        lines.sort();
        let mut hasher = DefaultHasher::new();
        lines.hash(&mut hasher);
        (lines.len(), hasher.finish())
    }

    /// The first steps in which two runs differ, for whoever must find out why.
    pub fn differs(&self, other: &Self) -> Option<String> {
        let sorted = |book: &Self| {
            let mut lines = book.notes().trace.clone();
            lines.sort();
            lines
        };
        let (ours, theirs) = (sorted(self), sorted(other));
        let at = ours.iter().zip(&theirs).position(|(one, two)| one != two);
        let at = at.or((ours.len() != theirs.len()).then_some(ours.len().min(theirs.len())))?;
        Some(format!("{:#?}\n{:#?}", ours.get(at), theirs.get(at)))
    }

    pub(super) fn violated(&self, what: String) {
        self.notes().violations.insert(what);
    }
}

/// The most moments within any one second.
pub(super) fn peak(moments: &[i64]) -> usize {
    let mut sorted = moments.to_vec();
    sorted.sort_unstable();
    let within = |at: usize| sorted[at..].iter().take_while(|&&next| next < sorted[at] + 1000).count();
    (0..sorted.len()).map(within).max().unwrap_or(0)
}
