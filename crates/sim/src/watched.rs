//! Stores that write down what is asked of them, and pass it on unchanged.
//!
//! The objects need no decorator: they are read with a `StoredSegment` alone, which only `Records::segment` hands out, and written
//! under a Permit only.

mod records;
mod truth;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use keepsight_gate::{FenceQuery, FenceReply, Key, Permit};
use keepsight_ids::HomeId;

/// One call of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The function's name.
    pub name: &'static str,
    /// The homes that it was about: the Permit's, or those that a fence asked for or brought.
    pub homes: BTreeSet<HomeId>,
    /// How many aggregates of each sort a fence asked for: service, accounts, homes, sessions.
    pub wanted: [usize; 4],
}

/// What the service does by itself, whoever asks for what.
const OWN_DEEDS: [&str; 10] = [
    "start_service",
    "retention_rules",
    "truth_sweep",
    "identity",
    "homes_with_records",
    "sweep",
    "doomed",
    "buried",
    "orphans",
    "close",
];

/// Every call of the stores of one server.
#[derive(Debug, Default)]
pub struct Book(Mutex<Vec<Call>>);

impl Book {
    /// The calls since the last taking, without the service's own deeds.
    pub fn take(&self) -> Vec<Call> {
        let mut calls = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        calls.retain(|call| !OWN_DEEDS.contains(&call.name));
        calls
    }

    fn note(&self, call: Call) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    }

    fn plain(&self, name: &'static str) {
        self.note(Call { name, homes: BTreeSet::new(), wanted: [0; 4] });
    }

    fn about(&self, name: &'static str, permit: &Permit) {
        self.note(Call { name, homes: permit.home().into_iter().collect(), wanted: [0; 4] });
    }

    fn fence(&self, query: &FenceQuery, reply: Option<&FenceReply>) {
        let brought = reply.into_iter().flat_map(|reply| reply.loaded.iter().map(|(key, _)| key));
        let homes = query.wanted.iter().chain(brought).filter_map(|key| match key {
            Key::Home(home) => Some(*home),
            _ => None,
        });
        let mut wanted = [0; 4];
        for key in &query.wanted {
            wanted[match key {
                Key::Service => 0,
                Key::Account(_) => 1,
                Key::Home(_) => 2,
                Key::Session(_) => 3,
            }] += 1;
        }
        self.note(Call { name: "fence", homes: homes.collect(), wanted });
    }
}

/// A store and the book that its calls are written into.
#[derive(Debug)]
pub struct Watched<S> {
    inner: Arc<S>,
    book: Arc<Book>,
}

impl<S> Watched<S> {
    /// Watches `inner`.
    pub const fn new(inner: Arc<S>, book: Arc<Book>) -> Self {
        Self { inner, book }
    }
}
