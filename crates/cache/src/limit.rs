//! How many loads the origin gets at once: as many as it bears, found out by trying, and never more than configured.
//!
//! Additive increase, multiplicative decrease (Chiu and Jain, 1989), on latency as well as on failure: when loads take more than twice as long as they take when
//! the origin has nothing to do, there are fewer. Who waits longer than its patience is shed, and so is who finds the waiting room full.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::sabotage::{Mutant, active};

/// Bounds of the load that the cache puts on the origin.
#[derive(Debug, Clone, Copy)]
pub struct OriginLimit {
    /// Loads at once in the beginning.
    pub start: usize,
    /// Loads at once at least, however slow the origin is.
    pub least: usize,
    /// Loads at once at most: never exceeded.
    pub most: usize,
    /// Loads that may wait for their turn; more are shed at once.
    pub waiting: usize,
    /// How long a load waits for its turn before it is shed.
    pub patience: Duration,
}

impl Default for OriginLimit {
    fn default() -> Self {
        Self { start: 16, least: 1, most: 128, waiting: 10_000, patience: Duration::from_millis(500) }
    }
}

const SLOW: f64 = 2.0;
const DECREASE: f64 = 0.9;

/// Hands out permits to load.
#[derive(Debug, Clone)]
pub(crate) struct Limiter {
    bounds: OriginLimit,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    limit: f64,
    running: usize,
    waiting: VecDeque<oneshot::Sender<Permit>>,
    // What a load takes when the origin has nothing to do: follows decreases at once, increases slowly.
    calm_ms: Option<f64>,
    // One decrease per round of loads: those that began before the last one say nothing new.
    decreased_at: Option<Instant>,
}

/// The right to load once. Dropped without [`done`](Permit::done), nothing is learned from it.
#[derive(Debug)]
pub(crate) struct Permit {
    limiter: Limiter,
    began: Instant,
    counted: bool,
}

impl Limiter {
    pub fn new(bounds: OriginLimit) -> Self {
        let limit = bounds.start.clamp(bounds.least.max(1), bounds.most.max(1)) as f64;
        let state = State { limit, running: 0, waiting: VecDeque::new(), calm_ms: None, decreased_at: None };
        Self { bounds, state: Arc::new(Mutex::new(state)) }
    }

    /// A permit, at once or within the patience; none is a load that is shed.
    pub async fn acquire(&self) -> Option<Permit> {
        let turn = {
            let mut state = self.lock();
            if let Some(permit) = self.take(&mut state) {
                return Some(permit);
            }
            // Who gave up waiting takes no room.
            state.waiting.retain(|waiting| !waiting.is_closed());
            if state.waiting.len() >= self.bounds.waiting {
                return None;
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.push_back(sender);
            receiver
        };
        tokio::time::timeout(self.bounds.patience, turn).await.ok()?.ok()
    }

    /// A permit if one is free: for work that can be left undone.
    pub fn try_acquire(&self) -> Option<Permit> {
        self.take(&mut self.lock())
    }

    /// Loads at once that the origin is trusted with now.
    pub fn limit(&self) -> usize {
        self.lock().limit as usize
    }

    /// Loads that run now.
    pub fn running(&self) -> usize {
        self.lock().running
    }

    fn take(&self, state: &mut State) -> Option<Permit> {
        if active(Mutant::NoLimit) {
            return Some(Permit { limiter: self.clone(), began: Instant::now(), counted: false });
        }
        if state.running >= state.limit as usize {
            return None;
        }
        state.running += 1;
        Some(Permit { limiter: self.clone(), began: Instant::now(), counted: true })
    }

    /// Gives free places to those who wait, first come first served.
    fn hand_on(&self) {
        loop {
            let mut state = self.lock();
            let Some(next) = state.waiting.pop_front() else { return };
            if next.is_closed() {
                continue;
            }
            let Some(permit) = self.take(&mut state) else {
                state.waiting.push_front(next);
                return;
            };
            drop(state);
            // If it gave up just now, the permit comes back by being dropped.
            drop(next.send(permit));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn learn(&mut self, bounds: &OriginLimit, began: Instant, good: bool) {
        let took_ms = began.elapsed().as_secs_f64() * 1e3;
        let calm = self.calm_ms.unwrap_or(took_ms);
        if good {
            self.calm_ms = Some(if took_ms < calm { took_ms } else { calm + (took_ms - calm) * 0.01 });
        }
        // A millisecond more or less says nothing.
        if good && took_ms <= SLOW * calm + 1.0 {
            let in_use = 2 * self.running >= self.limit as usize;
            if in_use {
                self.limit = (self.limit + 1.0 / self.limit).min(bounds.most.max(1) as f64);
            }
        } else if self.decreased_at.is_none_or(|at| began > at) {
            self.limit = (self.limit * DECREASE).max(bounds.least.max(1) as f64);
            self.decreased_at = Some(Instant::now());
        }
    }
}

impl Permit {
    /// The load has ended: well, or in failure or out of time.
    pub fn done(self, good: bool) {
        let limiter = self.limiter.clone();
        limiter.lock().learn(&limiter.bounds, self.began, good);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.counted {
            self.limiter.lock().running -= 1;
            self.limiter.hand_on();
        }
    }
}
