//! What is durable, what is being made so, and who waits for it. No IO and no clock: the minute comes with the keys.

use std::collections::{HashMap, HashSet};

use keepsight_ids::{AccountId, CameraId, EventId, HomeId, Revision, SessionId};
use tokio::sync::oneshot;

use crate::{Facts, JournalError, Kind, Record, Span};

/// Records in one commit.
const BATCH_MAX: usize = 512;
/// Records that may wait for their commit.
const PENDING_MAX: usize = 8_192;
/// Askings that may wait for a commit.
const WAITERS_MAX: usize = 65_536;
/// Keys that are remembered as durable.
const DURABLE_MAX: usize = 100_000;

type Outcome = Result<(), JournalError>;

/// Two askings with the same key are one disclosure.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    viewer: (AccountId, Option<SessionId>),
    place: (HomeId, Option<CameraId>, Option<EventId>),
    span: Option<Span>,
    kind: Kind,
    touched: Revision,
    minute: i64,
}

impl Key {
    pub(super) fn of(facts: &Facts, touched: Revision) -> Self {
        Self {
            viewer: (facts.viewer, facts.session),
            place: (facts.home, facts.camera, facts.event),
            span: facts.span,
            kind: facts.kind,
            touched,
            minute: facts.at.0.div_euclid(60_000),
        }
    }
}

/// Where an asking stands.
pub(super) enum Entered {
    /// It is on record.
    Durable,
    /// Too many wait.
    Full,
    /// It will be; `start` says that nobody is writing yet.
    Wait { answer: oneshot::Receiver<Outcome>, start: bool },
}

#[derive(Default)]
pub(super) struct Books {
    durable: HashSet<Key>,
    waiting: HashMap<Key, Vec<oneshot::Sender<Outcome>>>,
    waiters: usize,
    pending: Vec<(Key, Record)>,
    writing: bool,
    minute: i64,
}

impl Books {
    pub(super) fn enter(&mut self, key: Key, record: impl FnOnce() -> Record) -> Entered {
        if self.durable.contains(&key) {
            return Entered::Durable;
        }
        let first = !self.waiting.contains_key(&key);
        if self.waiters >= WAITERS_MAX || (first && self.pending.len() >= PENDING_MAX) {
            return Entered::Full;
        }
        let (sender, answer) = oneshot::channel();
        if first {
            self.pending.push((key.clone(), record()));
        }
        self.waiting.entry(key).or_default().push(sender);
        self.waiters += 1;
        Entered::Wait { answer, start: !std::mem::replace(&mut self.writing, true) }
    }

    /// What to commit next. `None`: nothing waits, and whoever asked is the writer no longer.
    pub(super) fn next_batch(&mut self) -> Option<(Vec<Key>, Vec<Record>)> {
        if self.pending.is_empty() {
            self.writing = false;
            return None;
        }
        let take = self.pending.len().min(BATCH_MAX);
        Some(self.pending.drain(..take).unzip())
    }

    /// After a commit: only now is a disclosure remembered.
    pub(super) fn settle(&mut self, keys: Vec<Key>, outcome: &Outcome) {
        for key in keys {
            let waiting = self.waiting.remove(&key).unwrap_or_default();
            self.waiters -= waiting.len();
            if outcome.is_ok() {
                self.remember(key);
            }
            for sender in waiting {
                // Whoever asked may have gone.
                let _ = sender.send(outcome.clone());
            }
        }
    }

    /// The writer is gone in the middle of its work.
    pub(super) fn abandon(&mut self, mut keys: Vec<Key>) {
        keys.extend(std::mem::take(&mut self.pending).into_iter().map(|(key, _)| key));
        self.settle(keys, &Err(JournalError::Unavailable("its writer stopped".to_owned())));
        self.writing = false;
    }

    fn remember(&mut self, key: Key) {
        if key.minute > self.minute {
            self.minute = key.minute;
            // A Permit lives for seconds: none of an earlier minute than the last is asked with any more.
            self.durable.retain(|old| old.minute >= key.minute - 1);
        }
        if self.durable.len() >= DURABLE_MAX {
            self.durable.clear();
        }
        self.durable.insert(key);
    }
}

#[cfg(test)]
mod tests {
    use keepsight_ids::UnixMillis;

    use super::*;

    fn facts(event: u32, at: i64) -> Facts {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&event.to_be_bytes());
        Facts {
            v: Record::VERSION,
            kind: Kind::Opened,
            viewer: AccountId::from_bytes([1; 16]),
            session: None,
            device: String::new(),
            home: HomeId::from_bytes([1; 16]),
            camera: None,
            event: Some(EventId::from_bytes(id)),
            span: None,
            revision: Revision(0),
            at: UnixMillis(at),
        }
    }

    fn enter(books: &mut Books, event: u32, at: i64) -> Entered {
        let facts = facts(event, at);
        books.enter(Key::of(&facts, Revision(0)), || Record::seal(facts))
    }

    fn commit(books: &mut Books) {
        while let Some((keys, _)) = books.next_batch() {
            books.settle(keys, &Ok(()));
        }
    }

    #[test]
    fn what_waits_is_bounded_and_room_comes_back() {
        let mut books = Books::default();
        let mut kept = Vec::new();
        for event in 0..PENDING_MAX as u32 {
            kept.push(enter(&mut books, event, 0));
        }
        assert!(matches!(enter(&mut books, u32::MAX, 0), Entered::Full));
        assert!(
            matches!(enter(&mut books, 0, 0), Entered::Wait { start: false, .. }),
            "a follower costs no record"
        );
        commit(&mut books);
        assert!(matches!(enter(&mut books, u32::MAX, 0), Entered::Wait { start: true, .. }));
        assert_eq!(books.waiters, 1);
    }

    #[test]
    fn what_is_remembered_is_bounded_by_number_and_by_age() {
        let mut books = Books::default();
        for event in 0..(DURABLE_MAX as u32 + 10) {
            let _ = enter(&mut books, event, 0);
            if event % 1000 == 0 {
                commit(&mut books);
            }
        }
        commit(&mut books);
        assert!(books.durable.len() <= DURABLE_MAX);
        let _ = enter(&mut books, 0, 10 * 60_000);
        commit(&mut books);
        assert_eq!(books.durable.len(), 1, "nine minutes later only the new one counts");
    }
}
