//! A node's copy of the aggregates that it was asked about, and how a fence's reply brings it up to date.
//!
//! A state machine without IO: a [`Plan`] is taken when a fence is sent, and [`Replica::apply`] gets the reply. Invariant: after
//! `apply`, every aggregate held is what the truth held at `applied`, and `applied` is not before the fence was sent.

use std::collections::{HashMap, HashSet};

use keepsight_ids::{Revision, UnixMillis};

use crate::decide::{Look, View};
use crate::sabotage::{self, Mutant};
use crate::truth::{FenceReply, LOG_ROWS_MAX};
use crate::{Ask, Credential, Key, Loaded, LogRow, Subject, Tag, Verdict, decide};

/// More aggregates than this are never held; forgetting all is always right.
const AGGREGATES_MAX: usize = 200_000;

/// The aggregates held, as of one revision.
#[derive(Debug, Clone, Default)]
pub struct Replica {
    applied: Revision,
    tag: Option<Tag>,
    time: UnixMillis,
    held: HashMap<Key, Loaded>,
}

/// What a fence was sent with.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The replica's revision at that moment.
    pub applied: Revision,
    /// And its tag; `None` before the first reply.
    pub tag: Option<Tag>,
    /// The aggregates that the batch lacked.
    pub wanted: Vec<Key>,
}

/// A replica together with what one reply said does not exist: what a batch is decided with.
///
/// A reply that is behind the replica, overtaken by a fence sent beside it, decides nothing: whether the replica follows from it
/// can't be told (it may be of a history that a failover has ended), so everything counts as lacking and the next fence decides.
pub struct Decided<'r> {
    replica: &'r Replica,
    absent: HashSet<Key>,
    behind: bool,
}

impl Replica {
    /// The revision that it is as of, that revision's tag, and the newest time that the truth has said.
    pub fn as_of(&self) -> (Revision, Tag, UnixMillis) {
        (self.applied, self.tag.unwrap_or(Tag([0; 16])), self.time)
    }

    /// Taken at the moment that a fence is sent, after its batch was closed.
    pub fn plan(&self, wanted: Vec<Key>) -> Plan {
        Plan { applied: self.applied, tag: self.tag, wanted }
    }

    /// What deciding this question will need. `again` is true for a question that has already lacked something: then all of its
    /// aggregates are loaded anew, so that changes arriving meanwhile can't starve it.
    pub fn lacking(&self, credential: &Credential, ask: &Ask, again: bool, wanted: &mut HashSet<Key>) {
        if let Verdict::Lack(key) = decide(self, credential, ask, self.time) {
            wanted.insert(key);
            if key == Key::Service {
                wanted.extend(credential.tokens().map(Key::Session));
            }
        }
        if again {
            self.path(credential, ask, wanted);
        }
    }

    /// Every aggregate on the question's way, as far as it is known; the home only for an account that has a row for it.
    fn path(&self, credential: &Credential, ask: &Ask, wanted: &mut HashSet<Key>) {
        wanted.insert(Key::Service);
        for token in credential.tokens() {
            wanted.insert(Key::Session(token));
            let Some(Loaded::Session(session)) = self.held.get(&Key::Session(token)) else { continue };
            match session.subject {
                Subject::Agent { home, .. } | Subject::Invitation { home, .. } => {
                    wanted.insert(Key::Home(home));
                }
                Subject::Person(account) => {
                    wanted.insert(Key::Account(account));
                    let Some(Loaded::Account(facts)) = self.held.get(&Key::Account(account)) else {
                        continue;
                    };
                    let row = facts.relations.iter().find(|row| Some(row.home) == ask.home);
                    wanted.extend(row.map(|row| Key::Home(row.home)));
                }
            }
        }
    }

    /// Brings the replica up to the reply, or clears it where the reply shows that it can't be brought.
    pub fn apply(&mut self, plan: &Plan, reply: FenceReply) -> Decided<'_> {
        self.time = self.time.max(reply.time);
        if self.must_forget(plan, &reply) {
            self.held.clear();
            (self.applied, self.tag) = (reply.head, Some(reply.head_tag));
        } else if reply.head > self.applied {
            for row in &reply.log {
                self.held.remove(&row.key);
            }
            (self.applied, self.tag) = (reply.head, Some(reply.head_tag));
        }
        let mut absent = HashSet::new();
        if self.applied == reply.head && self.tag == Some(reply.head_tag) {
            absent.extend(plan.wanted.iter().copied());
            if self.held.len() + reply.loaded.len() > AGGREGATES_MAX {
                self.held.clear();
            }
            for (key, loaded) in reply.loaded {
                absent.remove(&key);
                self.held.insert(key, loaded);
            }
        }
        let behind = reply.head < self.applied;
        Decided { replica: self, absent, behind }
    }

    /// Another history, a head that went back, a gap in the log, or more rows than fit.
    fn must_forget(&self, plan: &Plan, reply: &FenceReply) -> bool {
        let other_history = plan.tag != reply.applied_tag && !sabotage::active(Mutant::NoTag);
        plan.tag.is_none()
            || other_history
            || reply.head < plan.applied
            || reply.log.len() >= LOG_ROWS_MAX
            || has_gap(plan.applied, reply)
            || self.moved_off(plan, reply)
    }

    /// Whether another fence, sent beside this one, has brought the replica to a revision that this reply does not know.
    fn moved_off(&self, plan: &Plan, reply: &FenceReply) -> bool {
        let moved = self.applied != plan.applied || self.tag != plan.tag;
        let passed = |row: &LogRow| row.revision == self.applied && Some(row.tag) == self.tag;
        moved && reply.head >= self.applied && !reply.log.iter().any(passed)
    }
}

/// Whether some revision after `applied`, up to the head, has no row.
fn has_gap(applied: Revision, reply: &FenceReply) -> bool {
    let mut last = applied;
    for row in &reply.log {
        if row.revision != last && row.revision != last.next() {
            return true;
        }
        last = row.revision;
    }
    last != reply.head
}

impl Credential {
    /// The hashes of the tokens in it.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = crate::TokenHash> + use<> {
        let (first, second) = match *self {
            Self::None => (None, None),
            Self::Session(token) => (Some(token), None),
            Self::Invitation { token, session, .. } => (Some(token), session),
        };
        first.into_iter().chain(second)
    }
}

impl View for Replica {
    fn look(&self, key: Key) -> Look<'_> {
        self.held.get(&key).map_or(Look::Lacking, Look::Here)
    }
}

impl View for Decided<'_> {
    fn look(&self, key: Key) -> Look<'_> {
        match self.replica.look(key) {
            _ if self.behind => Look::Lacking,
            Look::Lacking if self.absent.contains(&key) => Look::Absent,
            look => look,
        }
    }
}

impl Decided<'_> {
    /// The replica that it looks at.
    pub const fn replica(&self) -> &Replica {
        self.replica
    }
}

#[cfg(test)]
mod model;
