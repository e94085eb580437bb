//! The judge: keeps the truth of every key and holds every answer against it.
//!
//! It is asked before a change begins and told when it ended, so that an answer that overlaps with a change may be either; it never
//! counts as wrong what could be right. What it does count as wrong is wrong whatever the timing was.

mod history;
mod leases;
pub mod value;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use keepsight_world::{Instant, World};

pub use self::history::{Ended, Left, Rules};
use self::history::{History, Judged};
use self::leases::Lease;
use crate::clients::{Fault, Origin};
use crate::dice::Dice;
use crate::events::LARGE_BYTES;
use crate::verdict::{TraceLine, Wrong};

/// What a judge is made with.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Which answers are right.
    pub rules: Rules,
    /// How many keys there are.
    pub keys: usize,
    /// How many leases there are.
    pub leases: usize,
    /// How long values are, at least and at most, in bytes.
    pub value_bytes: (usize, usize),
    /// Every how-manieth key has a value of [`LARGE_BYTES`] instead; 0: none.
    pub large_every: usize,
    /// How long the origin takes, at least and at most.
    pub origin_delay: (Duration, Duration),
    /// Whether one load per key at a time is promised of all instances together: where nothing goes wrong.
    pub loads_alone: bool,
    /// Where chance comes from.
    pub dice: Dice,
}

/// The judge of one step.
pub struct Judge {
    case: Case,
    world: World,
    began: Instant,
    keys: Vec<Mutex<History>>,
    leases: Vec<Mutex<Lease>>,
    loads: AtomicU64,
    tally: Tally,
    error_kinds: Mutex<HashMap<String, u64>>,
    first: Mutex<Option<Finding>>,
    witness: OnceLock<Witness>,
}

/// Asked at once, when the first wrong answer comes: what went over the connection. Given the answer and the question.
pub type Witness = Box<dyn Fn(&[u8], &[u8]) -> (Option<u64>, Vec<TraceLine>) + Send + Sync>;

/// Counts of everything that was judged.
#[derive(Debug, Default)]
pub struct Tally {
    operations: AtomicU64,
    answers: AtomicU64,
    gets: AtomicU64,
    good: AtomicU64,
    wrong: AtomicU64,
    stale: AtomicU64,
    double_lease: AtomicU64,
    errors: AtomicU64,
    stalls: AtomicU64,
    cancelled: AtomicU64,
    loads: AtomicU64,
    overtaken: AtomicU64,
}

/// The counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that ended, however.
    pub operations: u64,
    /// Those of them that ended in an answer, not in an error, a stall or by being given up.
    pub answers: u64,
    /// Answers to gets.
    pub gets: u64,
    /// Right answers.
    pub good: u64,
    /// Wrong ones, double leases not among them.
    pub wrong: u64,
    /// Right once, but invalidated since.
    pub stale: u64,
    /// Leases with two holders.
    pub double_lease: u64,
    /// Errors.
    pub errors: u64,
    /// Calls that never ended.
    pub stalls: u64,
    /// Calls given up on purpose.
    pub cancelled: u64,
    /// Loads from the origin.
    pub loads: u64,
}

/// The first wrong answer.
#[derive(Clone, Debug)]
pub struct Finding {
    /// In which way it is wrong.
    pub kind: Wrong,
    /// When, in milliseconds since the judge began.
    pub at_ms: u64,
    /// What was asked.
    pub asked: String,
    /// What may have been answered.
    pub expected: String,
    /// What was.
    pub got: String,
    /// The connection it came by.
    pub connection: Option<u64>,
    /// What went over it.
    pub trace: Vec<TraceLine>,
}

/// A change that is under way.
#[derive(Debug)]
#[must_use = "a change that is never ended blocks its key"]
pub struct Change {
    key: usize,
    version: u64,
}

/// How a call came to its end.
#[derive(Debug)]
pub enum Called<T> {
    /// The client answered, or reported a fault.
    Ended(Result<T, Fault>),
    /// It didn't, within the kit's patience.
    Stalled,
    /// The kit gave it up on purpose.
    Cancelled,
}

impl Judge {
    /// A judge who knows of nothing yet.
    pub fn new(world: &World, case: Case) -> Self {
        Self {
            case,
            world: world.clone(),
            began: world.now(),
            keys: (0..case.keys).map(|_| Mutex::default()).collect(),
            leases: (0..case.leases).map(|_| Mutex::default()).collect(),
            loads: AtomicU64::new(0),
            tally: Tally::default(),
            error_kinds: Mutex::default(),
            first: Mutex::default(),
            witness: OnceLock::new(),
        }
    }

    /// Who is asked for a trace. Only the first one given counts.
    pub fn call_witness(&self, witness: Witness) {
        drop(self.witness.set(witness));
    }

    /// What it judges by.
    pub const fn case(&self) -> &Case {
        &self.case
    }

    /// The time now, for [`Self::answer`] and [`Self::lease`].
    pub fn now(&self) -> Instant {
        self.world.now()
    }

    /// Milliseconds since it began.
    pub fn now_ms(&self) -> u64 {
        u64::try_from((self.now() - self.began).as_millis()).unwrap_or(u64::MAX)
    }

    /// Begins a change of a key; `None` while another one is under way.
    pub fn begin(&self, key: usize, left: Left) -> Option<Change> {
        let mut history = lock(&self.keys[key]);
        let version = history.begin(left)?;
        if history.is_loading() {
            self.tally.overtaken.fetch_add(1, Ordering::Relaxed);
        }
        Some(Change { key, version })
    }

    /// The value that a change stores.
    pub fn value(&self, change: &Change) -> Bytes {
        self.value_of(change.key, change.version)
    }

    /// Puts a first version under a key without telling any client: for caches that load.
    pub fn plant(&self, key: usize) {
        let mut history = lock(&self.keys[key]);
        if history.begin(Left::Value).is_some() {
            history.end(Ended::Done, 0, self.now());
        }
    }

    /// Begins a change of every key of this key's tenant that nobody else is changing.
    pub fn begin_tenant(&self, key: usize) -> Vec<Change> {
        value::tenant_keys(key, self.case.keys).filter_map(|key| self.begin(key, Left::Value)).collect()
    }

    /// Ends changes made by one call through instance `by`.
    pub fn end<T>(&self, changes: impl IntoIterator<Item = Change>, called: &Called<T>, by: usize) {
        let ended = if matches!(called, Called::Ended(Ok(_))) { Ended::Done } else { Ended::Unknown };
        let now = self.now();
        for change in changes {
            lock(&self.keys[change.key]).end(ended, by, now);
        }
        self.done(called);
    }

    /// Judges what instance `by` answered when it was asked at `asked` for this key. Gives back whether it was told "there is none".
    pub fn answer(&self, key: usize, by: usize, asked: Instant, called: &Called<Option<Bytes>>) -> bool {
        let Some(answer) = self.count(called) else { return false };
        self.tally.gets.fetch_add(1, Ordering::Relaxed);
        let rules = &self.case.rules;
        let stated = answer.as_deref().map(value::decode);
        let history = lock(&self.keys[key]);
        let floor = history.floor(rules, by, asked);
        let verdict = match stated {
            None => judged(history.judge_none(rules, floor)),
            Some(None) => Err(Wrong::Garbled),
            Some(Some(stated)) if stated.key != key => Err(Wrong::Foreign),
            Some(Some(stated)) => judged(history.judge_value(rules, floor, stated.version)),
        };
        let newest = history.version();
        drop(history);
        match verdict {
            Ok(()) => drop(self.tally.good.fetch_add(1, Ordering::Relaxed)),
            Err(kind) => {
                let counter = if kind == Wrong::Stale { &self.tally.stale } else { &self.tally.wrong };
                counter.fetch_add(1, Ordering::Relaxed);
                let expected = format!("a version from {floor} to {newest} of {}", value::key_name(key));
                let asked = format!("get {} of instance {by}", value::key_name(key));
                self.wrong(kind, &asked, expected, answer.as_deref());
            }
        }
        answer.is_none()
    }

    /// Judges the answer to a holder who asked for a lease at `asked`. Gives back whether it was granted.
    pub fn lease(
        &self,
        lease: usize,
        holder: u64,
        asked: Instant,
        ttl: Duration,
        called: &Called<bool>,
    ) -> bool {
        let Some(&granted) = self.count(called) else { return false };
        self.tally.good.fetch_add(1, Ordering::Relaxed);
        if granted {
            let other = lock(&self.leases[lease]).granted(holder, asked, ttl, self.now());
            if let Some(other) = other.filter(|_| !self.case.rules.server_forgets) {
                self.tally.double_lease.fetch_add(1, Ordering::Relaxed);
                let expected = format!("no, holder {other} has it");
                let asked = format!("{} for holder {holder}", lease_name(lease));
                self.wrong(Wrong::DoubleLease, &asked, expected, Some(b"yes"));
            }
        }
        granted
    }

    /// A holder begins to give a lease back.
    pub fn give_back(&self, lease: usize, holder: u64) {
        lock(&self.leases[lease]).given_back(holder);
    }

    /// Counts a call that has nothing else to be judged.
    pub fn done<T>(&self, called: &Called<T>) {
        if self.count(called).is_some() {
            self.tally.good.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The counts now.
    pub fn counts(&self) -> Counts {
        let tally = &self.tally;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            operations: read(&tally.operations),
            answers: read(&tally.answers),
            gets: read(&tally.gets),
            good: read(&tally.good),
            wrong: read(&tally.wrong),
            stale: read(&tally.stale),
            double_lease: read(&tally.double_lease),
            errors: read(&tally.errors),
            stalls: read(&tally.stalls),
            cancelled: read(&tally.cancelled),
            loads: read(&tally.loads),
        }
    }

    /// Changes so far of a key that was being loaded.
    pub fn overtaken(&self) -> u64 {
        self.tally.overtaken.load(Ordering::Relaxed)
    }

    /// The first wrong answer.
    pub fn first(&self) -> Option<Finding> {
        lock(&self.first).clone()
    }

    /// Which errors came how often.
    pub fn error_kinds(&self) -> HashMap<String, u64> {
        lock(&self.error_kinds).clone()
    }

    fn value_of(&self, key: usize, version: u64) -> Bytes {
        let is_large = self.case.large_every > 0 && key.is_multiple_of(self.case.large_every);
        let (least, most) = if is_large { LARGE_BYTES } else { self.case.value_bytes };
        let length = self.case.dice.of(key as u64).between(version, least as u64, most as u64);
        value::encode(key, version, usize::try_from(length).unwrap_or(least))
    }

    fn count<'a, T>(&self, called: &'a Called<T>) -> Option<&'a T> {
        self.tally.operations.fetch_add(1, Ordering::Relaxed);
        let counter = match called {
            Called::Ended(Ok(answer)) => {
                self.tally.answers.fetch_add(1, Ordering::Relaxed);
                return Some(answer);
            }
            Called::Ended(Err(fault)) => {
                self.note_error(fault);
                &self.tally.errors
            }
            Called::Stalled => &self.tally.stalls,
            Called::Cancelled => &self.tally.cancelled,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        None
    }

    fn note_error(&self, fault: &Fault) {
        let text: String = fault.to_string().chars().take(120).collect();
        let mut kinds = lock(&self.error_kinds);
        if kinds.len() < 64 || kinds.contains_key(&text) {
            *kinds.entry(text).or_default() += 1;
        }
    }

    fn wrong(&self, kind: Wrong, asked: &str, expected: String, got: Option<&[u8]>) {
        let mut first = lock(&self.first);
        if first.as_ref().is_some_and(|first| first.kind != Wrong::Stale || kind == Wrong::Stale) {
            return;
        }
        let question = asked.split(' ').find(|word| word.contains('/')).unwrap_or_default();
        let answer = got.map_or(&b"$-1"[..], value::header_of);
        let (connection, trace) = match self.witness.get() {
            Some(witness) => witness(answer, question.as_bytes()),
            None => (None, Vec::new()),
        };
        let got = got.map_or_else(
            || "there is none".to_owned(),
            |bytes| bytes[..bytes.len().min(60)].escape_ascii().to_string(),
        );
        let (asked, at_ms) = (asked.to_owned(), self.now_ms());
        *first = Some(Finding { kind, at_ms, asked, expected, got, connection, trace });
    }
}

impl Judge {
    /// A load begins; it ends when what this gives back is dropped, be it that the load was.
    fn begin_load(&self, key: usize, instance: usize) -> Running<'_> {
        self.tally.loads.fetch_add(1, Ordering::Relaxed);
        let number = self.loads.fetch_add(1, Ordering::Relaxed);
        let mut history = lock(&self.keys[key]);
        let other = history.begin_load(number, instance);
        drop(history);
        if let Some(other) = other.filter(|_| self.case.loads_alone) {
            self.tally.double_lease.fetch_add(1, Ordering::Relaxed);
            let asked = format!("load {} for instance {instance}", value::key_name(key));
            let expected = format!("no load, since instance {other} loads it");
            self.wrong(Wrong::DoubleLease, &asked, expected, Some(b"a load"));
        }
        Running { judge: self, key, number }
    }
}

/// A load under way.
struct Running<'a> {
    judge: &'a Judge,
    key: usize,
    number: u64,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        lock(&self.judge.keys[self.key]).end_load(self.number);
    }
}

/// The name of the lease with this number.
pub fn lease_name(lease: usize) -> String {
    format!("tenant-{}/lease-{lease}", lease % 7)
}

#[async_trait]
impl Origin for Judge {
    async fn load(&self, instance: usize, name: &str) -> Option<Bytes> {
        let key = value::key_number(name).filter(|&key| key < self.keys.len())?;
        let running = self.begin_load(key, instance);
        let micros = |delay: Duration| u64::try_from(delay.as_micros()).unwrap_or(0);
        let (least, most) = self.case.origin_delay;
        let half = self.case.dice.named("origin").between(running.number, micros(least), micros(most)) / 2;
        self.world.sleep(Duration::from_micros(half)).await;
        let (version, left) = {
            let history = lock(&self.keys[key]);
            (history.version(), history.newest())
        };
        // What was read grows old on its way back: the moment at which a cache must not store it any more.
        self.world.sleep(Duration::from_micros(half)).await;
        (left == Left::Value).then(|| self.value_of(key, version))
    }
}

const fn judged(judged: Judged) -> Result<(), Wrong> {
    match judged {
        Judged::Right => Ok(()),
        Judged::Stale => Err(Wrong::Stale),
        Judged::Invented => Err(Wrong::Invented),
        Judged::Missing => Err(Wrong::Missing),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
