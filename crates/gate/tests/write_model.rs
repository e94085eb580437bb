//! The write protocol explored state by state: two owners, each with a Permit, who remove each other or write something.
//!
//! S1 takes the lock, S2 validates behind it. Each of the two ways to validate too early must lead to a home without an owner, or
//! to something written by somebody who had been removed.

use stateright::{Checker, Model, Property};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Fault {
    /// One statement: everything is validated on a snapshot from before the wait for the lock.
    OneStatement,
    /// The log is looked at before the lock; the invariant behind it.
    ValidateBeforeLock,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Deed {
    RemoveTheOther,
    Write,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Author {
    /// Has not asked, or is to ask again; so many tries are left.
    Begin(u8),
    /// Was allowed at this revision.
    Permitted(usize, u8),
    /// Took a snapshot (or looked at the log) at this revision, before the lock.
    Looked(usize, usize, u8),
    /// Holds the lock; validates with what was there at the second.
    Locked(usize, usize, u8),
    Done,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Truth {
    /// Who did what, a revision each.
    log: Vec<(usize, Deed)>,
    deeds: [Deed; 2],
    authors: [Author; 2],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    Check(usize),
    Look(usize),
    Lock(usize),
    WriteAndCommit(usize),
}

struct Protocol(Option<Fault>);

impl Truth {
    fn is_owner(&self, author: usize, at: usize) -> bool {
        !self.log[..at].contains(&(1 - author, Deed::RemoveTheOther))
    }

    fn locked(&self) -> bool {
        self.authors.iter().any(|author| matches!(author, Author::Locked(..)))
    }
}

impl Protocol {
    /// S2: validates on what it sees, then appends or refuses.
    fn write(&self, truth: &mut Truth, author: usize, (permitted, saw, tries): (usize, usize, u8)) {
        let now = truth.log.len();
        let (log_seen, invariant_seen) = match self.0 {
            None => (now, now),
            Some(Fault::OneStatement) => (saw, saw),
            Some(Fault::ValidateBeforeLock) => (saw, now),
        };
        // Every change names the home, and so overtakes every Permit of it.
        if log_seen > permitted {
            truth.authors[author] = if tries > 0 { Author::Begin(tries - 1) } else { Author::Done };
            return;
        }
        truth.authors[author] = Author::Done;
        let deed = truth.deeds[author];
        if deed == Deed::Write || truth.is_owner(author, invariant_seen) {
            truth.log.push((author, deed));
        }
    }
}

impl Model for Protocol {
    type State = Truth;
    type Action = Step;

    fn init_states(&self) -> Vec<Truth> {
        let pairs = [[Deed::RemoveTheOther; 2], [Deed::RemoveTheOther, Deed::Write]];
        pairs.map(|deeds| Truth { log: vec![], deeds, authors: [Author::Begin(4); 2] }).to_vec()
    }

    fn actions(&self, truth: &Truth, steps: &mut Vec<Step>) {
        for (number, author) in truth.authors.iter().enumerate() {
            match author {
                Author::Begin(_) => steps.push(Step::Check(number)),
                Author::Permitted(..) => steps.push(Step::Look(number)),
                Author::Looked(..) if !truth.locked() => steps.push(Step::Lock(number)),
                Author::Locked(..) => steps.push(Step::WriteAndCommit(number)),
                Author::Looked(..) | Author::Done => {}
            }
        }
    }

    fn next_state(&self, before: &Truth, step: Step) -> Option<Truth> {
        let mut truth = before.clone();
        let now = truth.log.len();
        match step {
            Step::Check(number) => {
                let Author::Begin(tries) = truth.authors[number] else { return None };
                let may = truth.is_owner(number, now);
                truth.authors[number] = if may { Author::Permitted(now, tries) } else { Author::Done };
            }
            Step::Look(number) => {
                let Author::Permitted(permitted, tries) = truth.authors[number] else { return None };
                truth.authors[number] = Author::Looked(permitted, now, tries);
            }
            Step::Lock(number) => {
                let Author::Looked(permitted, saw, tries) = truth.authors[number] else { return None };
                truth.authors[number] = Author::Locked(permitted, saw, tries);
            }
            Step::WriteAndCommit(number) => {
                let Author::Locked(permitted, saw, tries) = truth.authors[number] else { return None };
                self.write(&mut truth, number, (permitted, saw, tries));
            }
        }
        Some(truth)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(OWNED, |_: &Self, truth: &Truth| {
                (0..2).any(|author| truth.is_owner(author, truth.log.len()))
            }),
            Property::always(BY_OWNERS, |_: &Self, truth: &Truth| {
                truth.log.iter().enumerate().all(|(at, (author, _))| truth.is_owner(*author, at))
            }),
            Property::sometimes("an owner writes and is removed after", |_: &Self, truth: &Truth| {
                truth.log == [(1, Deed::Write), (0, Deed::RemoveTheOther)]
            }),
        ]
    }
}

const OWNED: &str = "somebody owns the home";
const BY_OWNERS: &str = "what was written was written by an owner";

#[test]
fn two_statements_behind_the_lock_keep_both_promises() {
    Protocol(None).checker().spawn_bfs().join().assert_properties();
}

#[test]
fn one_statement_orphans_a_home() {
    let checked = Protocol(Some(Fault::OneStatement)).checker().spawn_bfs().join();
    assert!(checked.discovery(OWNED).is_some());
}

#[test]
fn validating_before_the_lock_lets_the_removed_write() {
    let checked = Protocol(Some(Fault::ValidateBeforeLock)).checker().spawn_bfs().join();
    assert!(checked.discovery(BY_OWNERS).is_some());
}
