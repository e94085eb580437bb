//! Holds every answer of a history to what was acknowledged before it was asked, and to what stood at its revision.

use std::collections::BTreeMap;

use keepsight_gate::Denied;
use keepsight_ids::Revision;
use tokio::time::Instant;

/// What a change changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effect {
    /// Whether this home's member belongs to it.
    Member(usize, bool),
    /// Whether viewing in this home is stopped.
    LockHome(usize, bool),
    /// Whether viewing is stopped everywhere.
    LockAll(bool),
}

/// One acknowledged change.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    pub asked: Instant,
    pub acked: Instant,
    pub revision: Revision,
    pub effect: Effect,
    pub by_operator: bool,
}

/// One answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    pub home: usize,
    pub asked: Instant,
    pub told: Instant,
    /// `None` is yes.
    pub denied: Option<Denied>,
    /// What it was decided at.
    pub revision: Revision,
}

/// All that happened.
#[derive(Debug, Default)]
pub struct History {
    pub changes: Vec<Change>,
    /// By checker, each in its own order.
    pub answers: Vec<Vec<Answer>>,
    /// Answers that the truth could not be asked for.
    pub unavailable: usize,
}

/// What a history showed.
#[derive(Debug, Default)]
pub struct Summary {
    pub checks: usize,
    pub changes: usize,
    pub by_operator: usize,
    pub allowed: usize,
    pub refused: usize,
    pub locked: usize,
}

/// What stands from a revision on, of one thing.
type Line = BTreeMap<Revision, bool>;

#[derive(Default)]
struct States {
    members: BTreeMap<usize, Line>,
    homes: BTreeMap<usize, Line>,
    all: Line,
}

impl States {
    fn of(changes: &[Change]) -> Self {
        let mut states = Self::default();
        for change in changes {
            let (line, on) = match change.effect {
                Effect::Member(home, on) => (states.members.entry(home).or_default(), on),
                Effect::LockHome(home, on) => (states.homes.entry(home).or_default(), on),
                Effect::LockAll(on) => (&mut states.all, on),
            };
            line.insert(change.revision, on);
        }
        states
    }

    fn verdict(&self, home: usize, at: Revision) -> Option<Denied> {
        let on = |line: Option<&Line>| {
            line.and_then(|line| line.range(..=at).next_back()).is_some_and(|(_, on)| *on)
        };
        if !on(self.members.get(&home)) {
            Some(Denied::NotFound)
        } else if on(Some(&self.all)) || on(self.homes.get(&home)) {
            Some(Denied::Lockdown)
        } else {
            None
        }
    }
}

/// Says what the history showed, or the first answer that it can't have given.
pub fn judge(history: &History) -> Result<Summary, String> {
    one_revision_each(&history.changes)?;
    let states = States::of(&history.changes);
    let acked = acknowledged(&history.changes);
    let begun: BTreeMap<_, _> =
        history.changes.iter().map(|change| (change.revision, change.asked)).collect();
    let mut summary = Summary {
        changes: history.changes.len(),
        by_operator: history.changes.iter().filter(|change| change.by_operator).count(),
        ..Summary::default()
    };
    for answers in &history.answers {
        for answer in answers {
            let at_least = known_before(&acked, answer.asked);
            if answer.revision < at_least {
                return Err(format!("{at_least} was acknowledged before it was asked: {answer:?}"));
            }
            if begun.get(&answer.revision).is_some_and(|begun| *begun > answer.told) {
                return Err(format!("it was told before that revision was asked for: {answer:?}"));
            }
            let right = states.verdict(answer.home, answer.revision);
            if answer.denied != right {
                return Err(format!("at that revision the answer is {right:?}: {answer:?}"));
            }
            summary.checks += 1;
            match answer.denied {
                None => summary.allowed += 1,
                Some(Denied::Lockdown) => summary.locked += 1,
                Some(_) => summary.refused += 1,
            }
        }
        let back = answers.windows(2).find(|pair| pair[1].revision < pair[0].revision);
        if let Some(pair) = back {
            return Err(format!("a later answer is older: {pair:?}"));
        }
    }
    Ok(summary)
}

fn one_revision_each(changes: &[Change]) -> Result<(), String> {
    let mut seen = BTreeMap::new();
    for change in changes {
        if let Some(other) = seen.insert(change.revision, change) {
            return Err(format!("one revision for two changes: {other:?} {change:?}"));
        }
    }
    Ok(())
}

/// When each revision was acknowledged, as the highest so far.
fn acknowledged(changes: &[Change]) -> Vec<(Instant, Revision)> {
    let mut acked: Vec<_> = changes.iter().map(|change| (change.acked, change.revision)).collect();
    acked.sort();
    let mut highest = Revision(0);
    for entry in &mut acked {
        highest = highest.max(entry.1);
        entry.1 = highest;
    }
    acked
}

fn known_before(acked: &[(Instant, Revision)], asked: Instant) -> Revision {
    let earlier = acked.partition_point(|(at, _)| *at < asked);
    earlier.checked_sub(1).map_or(Revision(0), |last| acked[last].1)
}

mod tests {
    use std::time::Duration;

    use super::*;

    fn at(ms: u64) -> Instant {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        *START.get_or_init(Instant::now) + Duration::from_millis(ms)
    }

    fn history(asked: u64, revision: u64, denied: Option<Denied>) -> History {
        let change = |revision, asked, acked, on| Change {
            asked: at(asked),
            acked: at(acked),
            revision: Revision(revision),
            effect: Effect::Member(0, on),
            by_operator: false,
        };
        let answer =
            Answer { home: 0, asked: at(asked), told: at(asked + 1), denied, revision: Revision(revision) };
        History {
            changes: vec![change(1, 0, 10, true), change(2, 20, 30, false)],
            answers: vec![vec![answer]],
            unavailable: 0,
        }
    }

    #[test]
    fn the_judge_tells_a_stale_answer_from_a_right_one() {
        let gone = Some(Denied::NotFound);
        assert!(judge(&history(25, 1, None)).is_ok(), "not acknowledged yet");
        assert!(judge(&history(25, 2, gone)).is_ok(), "committed already");
        assert!(judge(&history(31, 2, gone)).is_ok());
        assert!(judge(&history(31, 1, None)).is_err(), "stale");
        assert!(judge(&history(31, 2, None)).is_err(), "wrong at its revision");
    }
}
