//! All that ever happened to one key, and from it: which answers are right now.
//!
//! Changes of a key are made one after the other; answers overlap with them freely. A change whose acknowledgement never came may have
//! happened, may happen later, or never: any of these is right.

use std::time::Duration;

use keepsight_world::Instant;

/// What a change leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// A value.
    Value,
    /// Nothing.
    Nothing,
}

/// How a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Acknowledged.
    Done,
    /// Nobody knows.
    Unknown,
}

/// The key's history. Version 0 is the beginning: nothing there.
#[derive(Debug, Default)]
pub struct History {
    changes: Vec<Change>,
    floors: Vec<Floor>,
    is_busy: bool,
    loads: Vec<Load>,
}

/// A load under way. An invalidation may have ended its lease before it began, so it says something only where none ever was: at version 1.
#[derive(Debug)]
struct Load {
    number: u64,
    instance: usize,
    is_first: bool,
}

#[derive(Debug)]
struct Change {
    left: Left,
    unknown: bool,
}

/// From some moment on, nothing older than a version may be answered.
#[derive(Debug)]
struct Floor {
    version: u64,
    at: Instant,
    by: usize,
}

/// Which answers are right, apart from their freshness.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Values are loaded from the judge's own origin, so every change is certain the moment it is made.
    pub loading: bool,
    /// "There is none" is a statement of the server, not of a failure.
    pub none_means_absent: bool,
    /// For how long another instance may go on with what was invalidated through this one.
    pub stale_elsewhere: Duration,
    /// The server loses what it acknowledged: it is restarted, or evicts.
    pub server_forgets: bool,
}

/// A judgement of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It may be so.
    Right,
    /// It was so, but an acknowledged change came before the question.
    Stale,
    /// It was never so.
    Invented,
    /// There must be something.
    Missing,
}

impl History {
    /// Begins a change; its version. `None` while another is under way.
    pub fn begin(&mut self, left: Left) -> Option<u64> {
        if self.is_busy {
            return None;
        }
        self.is_busy = true;
        self.changes.push(Change { left, unknown: true });
        Some(self.version())
    }

    /// Ends the change that is under way, made through instance `by`.
    pub fn end(&mut self, ended: Ended, by: usize, now: Instant) {
        self.is_busy = false;
        let version = self.version();
        if ended == Ended::Done {
            if let Some(change) = self.changes.last_mut() {
                change.unknown = false;
            }
            self.floors.push(Floor { version, at: now, by });
        }
    }

    /// A load begins. The instance that is already loading the same, if there is one and nothing was ever changed.
    pub fn begin_load(&mut self, number: u64, instance: usize) -> Option<usize> {
        let is_first = !self.is_busy && self.version() == 1;
        let twice = |load: &&Load| load.instance != instance && load.is_first && is_first;
        let other = self.loads.iter().find(twice).map(|load| load.instance);
        self.loads.push(Load { number, instance, is_first });
        other
    }

    /// Whether a load is under way.
    pub const fn is_loading(&self) -> bool {
        !self.loads.is_empty()
    }

    /// A load ends.
    pub fn end_load(&mut self, number: u64) {
        self.loads.retain(|load| load.number != number);
    }

    /// The newest version, begun or done.
    pub const fn version(&self) -> u64 {
        self.changes.len() as u64
    }

    /// What the newest version left.
    pub fn newest(&self) -> Left {
        self.changes.last().map_or(Left::Nothing, |change| change.left)
    }

    /// The oldest version that may be answered to a question that instance `by` asked at `asked`.
    pub fn floor(&self, rules: &Rules, by: usize, asked: Instant) -> u64 {
        let holds = |floor: &&Floor| {
            let grace = if floor.by == by { Duration::ZERO } else { rules.stale_elsewhere };
            floor.at + grace < asked
        };
        self.floors.iter().rev().find(holds).map_or(0, |floor| floor.version)
    }

    /// Judges a value that states this version of this key.
    pub fn judge_value(&self, rules: &Rules, floor: u64, version: u64) -> Judged {
        let index = usize::try_from(version).ok().and_then(|version| version.checked_sub(1));
        let Some(change) = index.and_then(|index| self.changes.get(index)) else { return Judged::Invented };
        let may_come_late = change.unknown && !rules.loading;
        match change.left {
            Left::Nothing => Judged::Invented,
            Left::Value if version >= floor || may_come_late => Judged::Right,
            Left::Value => Judged::Stale,
        }
    }

    /// Judges the answer that there is nothing.
    pub fn judge_none(&self, rules: &Rules, floor: u64) -> Judged {
        if !rules.loading && (!rules.none_means_absent || rules.server_forgets) {
            return Judged::Right;
        }
        let gone = |change: &Change| change.left == Left::Nothing;
        let from = usize::try_from(floor).unwrap_or(usize::MAX).saturating_sub(1).min(self.changes.len());
        let now = floor == 0 || self.changes[from..].iter().any(gone);
        let late = !rules.loading && self.changes.iter().any(|change| change.unknown && gone(change));
        match (now || late, self.changes[..from].iter().any(gone)) {
            (true, _) => Judged::Right,
            (false, true) if rules.loading => Judged::Stale,
            (false, _) => Judged::Missing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORE: Rules = Rules {
        loading: false,
        none_means_absent: true,
        stale_elsewhere: Duration::ZERO,
        server_forgets: false,
    };
    const LOADING: Rules = Rules { loading: true, stale_elsewhere: Duration::from_secs(1), ..STORE };

    fn after(changes: &[(Left, Ended)]) -> (History, Instant) {
        let (mut history, now) = (History::default(), Instant::now());
        for (left, ended) in changes {
            assert!(history.begin(*left).is_some());
            history.end(*ended, 0, now);
        }
        (history, now + Duration::from_millis(1))
    }

    #[test]
    fn what_was_acknowledged_before_the_question_replaces_what_was_before() {
        let (history, now) = after(&[(Left::Value, Ended::Done), (Left::Value, Ended::Done)]);
        let floor = history.floor(&STORE, 1, now);
        assert_eq!(history.judge_value(&STORE, floor, 2), Judged::Right);
        assert_eq!(history.judge_value(&STORE, floor, 1), Judged::Stale);
        assert_eq!(history.judge_value(&STORE, floor, 3), Judged::Invented);
        assert_eq!(history.judge_none(&STORE, floor), Judged::Missing);
    }

    #[test]
    fn a_removal_holds_once_it_is_acknowledged_and_not_before() {
        let (mut history, now) = after(&[(Left::Value, Ended::Done)]);
        history.begin(Left::Nothing);
        let floor = history.floor(&STORE, 0, now);
        assert_eq!(history.judge_value(&STORE, floor, 1), Judged::Right);
        assert_eq!(history.judge_none(&STORE, floor), Judged::Right);
        history.end(Ended::Done, 0, now);
        let floor = history.floor(&STORE, 0, now + Duration::from_millis(1));
        assert_eq!(history.judge_value(&STORE, floor, 1), Judged::Stale);
        assert_eq!(history.judge_none(&STORE, floor), Judged::Right);
        assert_eq!(history.judge_value(&STORE, floor, 2), Judged::Invented);
    }

    #[test]
    fn a_change_of_unknown_outcome_may_come_later_than_the_next() {
        let (history, now) = after(&[
            (Left::Value, Ended::Done),
            (Left::Value, Ended::Unknown),
            (Left::Nothing, Ended::Unknown),
            (Left::Value, Ended::Done),
        ]);
        let floor = history.floor(&STORE, 0, now);
        assert_eq!(history.judge_value(&STORE, floor, 2), Judged::Right);
        assert_eq!(history.judge_none(&STORE, floor), Judged::Right);
        assert_eq!(history.judge_value(&STORE, floor, 1), Judged::Stale);
    }

    #[test]
    fn a_server_that_forgets_may_have_nothing_but_not_something_older() {
        let rules = Rules { server_forgets: true, ..STORE };
        let (history, now) = after(&[(Left::Value, Ended::Done), (Left::Value, Ended::Done)]);
        let floor = history.floor(&rules, 0, now);
        assert_eq!(history.judge_none(&rules, floor), Judged::Right);
        assert_eq!(history.judge_value(&rules, floor, 1), Judged::Stale);
    }

    #[test]
    fn two_instances_that_load_the_same_at_once_are_seen_unless_it_was_changed() {
        let (mut history, _) = after(&[(Left::Value, Ended::Done)]);
        assert_eq!(history.begin_load(1, 0), None);
        assert_eq!(history.begin_load(2, 0), None, "one instance may have its own reasons");
        assert_eq!(history.begin_load(3, 1), Some(0));
        history.end_load(1);
        history.end_load(2);
        assert_eq!(history.begin_load(4, 1), None);
        history.begin(Left::Value);
        assert_eq!(history.begin_load(5, 0), None, "an invalidation is under way");
        history.end(Ended::Done, 0, Instant::now());
        assert_eq!(history.begin_load(6, 1), None, "it may have ended the other's lease");
    }

    #[test]
    fn a_loading_cache_is_held_to_its_own_promise_here_and_elsewhere() {
        let (history, now) =
            after(&[(Left::Value, Ended::Done), (Left::Nothing, Ended::Done), (Left::Value, Ended::Unknown)]);
        let (here, elsewhere) = (history.floor(&LOADING, 0, now), history.floor(&LOADING, 1, now));
        let later = history.floor(&LOADING, 1, now + Duration::from_secs(2));
        assert_eq!((here, elsewhere, later), (2, 0, 2));
        assert_eq!(history.judge_value(&LOADING, here, 1), Judged::Stale);
        assert_eq!(history.judge_value(&LOADING, elsewhere, 1), Judged::Right);
        assert_eq!(history.judge_value(&LOADING, here, 3), Judged::Right);
        assert_eq!(history.judge_none(&LOADING, here), Judged::Right);
        assert_eq!(history.judge_none(&LOADING, 3), Judged::Stale);
    }
}
