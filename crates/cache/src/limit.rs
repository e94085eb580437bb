//! How many loads the origin gets at once: as many as it bears, found out by trying, and never more than configured.
//!
//! Additive increase, multiplicative decrease (Chiu and Jain, 1989), on latency as well as on failure: when loads take more than twice as long as they take when
//! the origin has little to do, there are fewer. Compared are medians of whole rounds, so that an origin whose times vary is not taken for a slow one. What loads take
//! with little to do is measured when that happens by itself, or by quartering the limit for a round now and then (as BBR does, Cardwell et al., 2016): an
//! overload that lasts is never taken for the usual. Who waits longer than its patience is shed, and so is who finds the waiting room full.

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
// Loads in a round, at least: the median of fewer says little.
const ROUND: usize = 32;
// How long it is believed what loads take with little to do.
const BELIEVED: Duration = Duration::from_secs(10);

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
    round: Round,
    // What a load takes when the origin has little to do, and since when this is known.
    calm: Option<(f64, Instant)>,
    // One decrease per failure of many at once: loads that began before the last one say nothing new.
    decreased_at: Option<Instant>,
}

/// Loads whose times are looked at together.
#[derive(Debug)]
struct Round {
    took_ms: Vec<f64>,
    most_running: usize,
    // A quarter of the limit only, to see what loads take then.
    quartered: bool,
    // Ends of loads that say nothing: they began beside too many, or are the quick ones of those that began together.
    warm_up: usize,
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
        let (waiting, round) = (VecDeque::new(), Round::new(0));
        let state = State { limit, running: 0, waiting, round, calm: None, decreased_at: None };
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
        if state.running >= state.allowed(&self.bounds) {
            return None;
        }
        state.running += 1;
        state.round.most_running = state.round.most_running.max(state.running);
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

impl Round {
    fn new(running: usize) -> Self {
        Self { took_ms: Vec::new(), most_running: running, quartered: false, warm_up: 0 }
    }

    fn quartered(limit: usize) -> Self {
        Self { quartered: true, warm_up: 2 * limit, ..Self::new(0) }
    }

    fn median_ms(&mut self) -> f64 {
        let middle = self.took_ms.len() / 2;
        *self.took_ms.select_nth_unstable_by(middle, f64::total_cmp).1
    }
}

impl State {
    fn allowed(&self, bounds: &OriginLimit) -> usize {
        let limit = self.limit as usize;
        if self.round.quartered { (limit / 4).max(bounds.least).max(1) } else { limit }
    }

    fn learn(&mut self, bounds: &OriginLimit, began: Instant, good: bool) {
        if !good {
            if self.decreased_at.is_none_or(|at| began > at) {
                self.decrease(bounds);
            }
            return;
        }
        if self.round.warm_up > 0 {
            self.round.warm_up -= 1;
            return;
        }
        self.round.took_ms.push(began.elapsed().as_secs_f64() * 1e3);
        if self.round.took_ms.len() >= ROUND.max(self.limit as usize) {
            self.end_round(bounds);
        }
    }

    fn end_round(&mut self, bounds: &OriginLimit) {
        let (now, median_ms) = (Instant::now(), self.round.median_ms());
        let (limit, most_running) = (self.limit as usize, self.round.most_running);
        let little_to_do = self.round.quartered || 4 * most_running <= limit || limit <= bounds.least.max(1);
        if little_to_do || self.calm.is_none() {
            self.calm = Some((median_ms, now));
        }
        let (calm_ms, known_since) = self.calm.expect("it was just made sure");
        // A millisecond more or less says nothing.
        if median_ms > SLOW * calm_ms + 1.0 {
            self.decrease(bounds);
        } else if 2 * most_running >= limit {
            self.limit = (self.limit + 1.0).min(bounds.most.max(1) as f64);
        }
        let ask_again = now - known_since > BELIEVED;
        self.round = if ask_again { Round::quartered(limit) } else { Round::new(self.running) };
    }

    fn decrease(&mut self, bounds: &OriginLimit) {
        if active(Mutant::FixedLimit) {
            return;
        }
        self.limit = (self.limit * DECREASE).max(bounds.least.max(1) as f64);
        self.decreased_at = Some(Instant::now());
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    use super::*;

    const BOUNDS: OriginLimit =
        OriginLimit { start: 16, least: 1, most: 128, waiting: 1_000, patience: Duration::from_secs(60) };

    /// Keeps the origin busy with 256 callers for a while; the limit at every tenth of it.
    async fn under_load(limiter: &Limiter, lasting: Duration, load_ms: fn(usize, f64) -> f64) -> Vec<usize> {
        let (running, seed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(1)));
        let end = Instant::now() + lasting;
        let callers: Vec<_> = (0..256)
            .map(|_| {
                let (limiter, running, seed) = (limiter.clone(), running.clone(), seed.clone());
                tokio::spawn(async move {
                    while Instant::now() < end {
                        let permit = limiter.acquire().await.expect("patience is long");
                        let beside = running.fetch_add(1, Ordering::SeqCst) + 1;
                        let drawn = seed.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                        let drawn = (drawn ^ (drawn >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 11;
                        let fraction = drawn as f64 / (1u64 << 53) as f64;
                        tokio::time::sleep(Duration::from_secs_f64(load_ms(beside, fraction) / 1e3)).await;
                        running.fetch_sub(1, Ordering::SeqCst);
                        permit.done(true);
                    }
                })
            })
            .collect();
        let mut limits = Vec::new();
        for _ in 0..10 {
            tokio::time::sleep(lasting / 10).await;
            limits.push(limiter.limit());
        }
        for caller in callers {
            caller.await.unwrap();
        }
        limits
    }

    /// From a millisecond to hundreds, most around fifteen: an origin as they are.
    fn varying(_: usize, fraction: f64) -> f64 {
        1.0 + 20.0 * -(1.0 - fraction).ln()
    }

    /// Bears sixteen at once; with more each takes as much longer.
    fn queueing(beside: usize, fraction: f64) -> f64 {
        (20.0 + 2.0 * fraction) * (beside as f64 / 16.0).max(1.0)
    }

    #[tokio::test(start_paused = true)]
    async fn an_origin_whose_times_vary_is_not_taken_for_a_slow_one() {
        let limits = under_load(&Limiter::new(BOUNDS), Duration::from_secs(40), varying).await;
        assert!(limits[3..].iter().all(|limit| *limit > 100), "{limits:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_overload_that_lasts_is_not_taken_for_the_usual() {
        let limits = under_load(&Limiter::new(BOUNDS), Duration::from_secs(200), queueing).await;
        assert!(limits[1..].iter().all(|limit| (16..=40).contains(limit)), "{limits:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_origin_that_became_slower_for_good_gets_its_loads_back() {
        let limiter = Limiter::new(BOUNDS);
        under_load(&limiter, Duration::from_secs(20), |_, fraction| 50.0 + 10.0 * fraction).await;
        let limits =
            under_load(&limiter, Duration::from_secs(300), |_, fraction| 500.0 + 10.0 * fraction).await;
        assert!(limits[5..].iter().all(|limit| *limit > 60), "{limits:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn failures_make_fewer_at_once_and_never_fewer_than_the_least() {
        let limiter = Limiter::new(OriginLimit { least: 3, ..BOUNDS });
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(1)).await;
            limiter.try_acquire().expect("nobody else loads").done(false);
        }
        assert_eq!(limiter.limit(), 3);
    }
}
