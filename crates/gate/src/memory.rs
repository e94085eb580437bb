//! A truth in memory: facts put in by hand, fences answered as a database would.
//!
//! For tests of what stands on the gate, and for models. It takes no principal's changes; what it holds is edited by
//! [`MemoryTruth::set`], each edit a revision of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use keepsight_ids::{Revision, UnixMillis};

use crate::truth::{
    Committed, FenceQuery, FenceReply, LOG_ROWS_MAX, Lane, LogRow, Tag, Truth, TruthError, Write, WriteError,
};
use crate::{Key, Loaded, Refusal, ServiceFacts};

/// Facts in memory.
#[derive(Debug)]
pub struct MemoryTruth {
    inner: Mutex<Inner>,
}

#[derive(Debug, Clone)]
struct Inner {
    facts: BTreeMap<Key, Loaded>,
    log: Vec<LogRow>,
    tags: Vec<Tag>,
    time: UnixMillis,
    history: u8,
}

impl MemoryTruth {
    /// A service without accounts, whose time is this.
    pub fn new(time: UnixMillis) -> Self {
        Self::with_tags(time, 0)
    }

    /// The same in another history: its revisions' tags begin with that byte.
    pub fn with_tags(time: UnixMillis, history: u8) -> Self {
        let service = ServiceFacts { lockdown: false, sessions_since: Revision(0) };
        let facts = BTreeMap::from([(Key::Service, Loaded::Service(Arc::new(service)))]);
        let mut inner = Inner { facts, log: Vec::new(), tags: Vec::new(), time, history };
        inner.take_revision(Key::Service);
        Self { inner: Mutex::new(inner) }
    }

    /// Puts an aggregate, or takes it away; the revision that it took.
    pub fn set(&self, key: Key, facts: Option<Loaded>) -> Revision {
        let mut inner = self.lock();
        match facts {
            Some(facts) => inner.facts.insert(key, facts),
            None => inner.facts.remove(&key),
        };
        inner.take_revision(key)
    }

    /// Sets the truth's time.
    pub fn set_time(&self, time: UnixMillis) {
        self.lock().time = time;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn head(&self) -> Revision {
        Revision(self.tags.len() as u64 - 1)
    }

    fn take_revision(&mut self, key: Key) -> Revision {
        let revision = Revision(self.tags.len() as u64);
        let mut tag = [self.history; 16];
        tag[8..].copy_from_slice(&revision.0.to_le_bytes());
        self.tags.push(Tag(tag));
        self.log.push(LogRow { revision, tag: Tag(tag), key });
        revision
    }

    fn answer(&self, query: &FenceQuery) -> FenceReply {
        let head = self.head();
        let later = self.log.iter().filter(|row| row.revision > query.applied);
        let found = |key: &Key| self.facts.get(key).map(|facts| (*key, facts.clone()));
        FenceReply {
            nonce: query.nonce,
            head,
            head_tag: self.tags[head.0 as usize],
            in_recovery: false,
            time: self.time,
            applied_tag: self.tags.get(query.applied.0 as usize).copied(),
            log: later.take(LOG_ROWS_MAX).copied().collect(),
            loaded: query.wanted.iter().filter_map(found).collect(),
        }
    }
}

#[async_trait]
impl Truth for MemoryTruth {
    async fn fence(&self, _: Lane, query: FenceQuery) -> Result<FenceReply, TruthError> {
        Ok(self.lock().answer(&query))
    }

    fn close(&self, _: Lane) {}

    async fn commit(&self, _: Write) -> Result<Committed, WriteError> {
        Err(WriteError::Refused(Refusal::NotFound))
    }
}
