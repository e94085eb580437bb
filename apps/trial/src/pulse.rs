//! The pulse of a step: counts in slices of time, and from them when a client was healthy again.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::judge::{Counts, Judge};
use crate::verdict::{Goodput, Phase, Sample};

/// How long a slice is.
const SLICE: Duration = Duration::from_millis(20);
/// So many slices must be good together, so that one lucky answer is no health.
const TOGETHER: usize = 5;
/// Health is this part of the goodput before: other programs share the machine, and full speed is not the question.
const ENOUGH: f64 = 1.0 / 3.0;

/// Takes the pulse until dropped.
pub struct Pulse {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    judge: Arc<Judge>,
    phase: AtomicU8,
    samples: Mutex<Vec<Sample>>,
}

impl Pulse {
    /// Begins, with [`Phase::Before`].
    pub fn take(judge: Arc<Judge>) -> Self {
        let shared = Arc::new(Shared { judge, phase: AtomicU8::new(0), samples: Mutex::default() });
        let task = tokio::spawn(beat(shared.clone()));
        Self { shared, task }
    }

    /// What is counted from now on belongs to this phase.
    pub fn enter(&self, phase: Phase) {
        self.shared.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// All slices until now.
    pub fn samples(&self) -> Vec<Sample> {
        self.shared.lock().clone()
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<Sample>> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn beat(shared: Arc<Shared>) {
    let mut beat = interval(SLICE);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first comes at once: what went before it was the starting of clients, some of which take seconds.
    beat.tick().await;
    let began = shared.judge.now_ms();
    let mut last = shared.judge.counts();
    loop {
        beat.tick().await;
        let now = shared.judge.counts();
        let phase = match shared.phase.load(Ordering::Relaxed) {
            0 => Phase::Before,
            1 => Phase::During,
            _ => Phase::After,
        };
        let sample = slice(shared.judge.now_ms() - began, phase, last, now);
        shared.lock().push(sample);
        last = now;
    }
}

fn slice(at_ms: u64, phase: Phase, last: Counts, now: Counts) -> Sample {
    Sample {
        at_ms,
        phase,
        good: now.good - last.good,
        errors: now.errors + now.stalls - last.errors - last.stalls,
        wrong: now.wrong + now.double_lease - last.wrong - last.double_lease,
    }
}

/// Good answers per second in each phase.
pub fn goodput(samples: &[Sample]) -> Goodput {
    let rate = |phase: Phase| {
        let of_phase = || with_length(samples).filter(|(sample, _)| sample.phase == phase);
        let good: u64 = of_phase().map(|(sample, _)| sample.good).sum();
        let length: u64 = of_phase().map(|(_, length)| length).sum();
        per_second(good, length)
    };
    Goodput { before: rate(Phase::Before), during: rate(Phase::During), after: rate(Phase::After) }
}

/// From the end of the fault until goodput is back and no answer is wrong any more; `None` when that is not so (yet).
pub fn time_until_healthy_ms(samples: &[Sample]) -> Option<u64> {
    let enough = goodput(samples).before * ENOUGH;
    let end = samples.iter().rposition(|sample| sample.phase != Phase::After)?;
    let after: Vec<(Sample, u64)> = with_length(samples).skip(end + 1).collect();
    let last_wrong = after.iter().rposition(|(sample, _)| sample.wrong > 0).map_or(0, |place| place + 1);
    let first = (last_wrong..after.len().saturating_sub(TOGETHER - 1)).find(|&from| {
        let together = &after[from..from + TOGETHER];
        let (good, length) =
            together.iter().fold((0, 0), |(good, sum), (sample, length)| (good + sample.good, sum + length));
        good > 0 && per_second(good, length) >= enough
    })?;
    let begin = after[first].0.at_ms - after[first].1;
    Some(begin.saturating_sub(samples[end].at_ms))
}

fn with_length(samples: &[Sample]) -> impl Iterator<Item = (Sample, u64)> {
    let befores = std::iter::once(0).chain(samples.iter().map(|sample| sample.at_ms));
    samples.iter().copied().zip(befores).map(|(sample, before)| (sample, sample.at_ms - before))
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few seconds are far below 2^52")]
fn per_second(count: u64, length_ms: u64) -> f64 {
    if length_ms == 0 { 0.0 } else { count as f64 * 1000.0 / length_ms as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(before: &[u64], after: &[(u64, u64)]) -> Vec<Sample> {
        let before = before.iter().map(|&good| (Phase::Before, good, 0));
        let during = [(Phase::During, 0, 0)];
        let after = after.iter().map(|&(good, wrong)| (Phase::After, good, wrong));
        let all = before.chain(during).chain(after).enumerate();
        all.map(|(place, (phase, good, wrong))| Sample {
            at_ms: 20 * (place as u64 + 1),
            phase,
            good,
            errors: 0,
            wrong,
        })
        .collect()
    }

    #[test]
    fn health_is_goodput_that_lasts() {
        let mut after = vec![(0, 0), (9, 0), (0, 0), (0, 0), (0, 0), (0, 0)];
        assert_eq!(time_until_healthy_ms(&samples(&[10, 10], &after)), None);
        after.extend([(10, 0); 5]);
        let healthy = time_until_healthy_ms(&samples(&[10, 10], &after)).unwrap();
        assert!((60..=120).contains(&healthy), "{healthy}");
    }

    #[test]
    fn a_wrong_answer_is_no_health_however_many_there_are() {
        let mut after = vec![(100, 1); 10];
        assert_eq!(time_until_healthy_ms(&samples(&[10], &after)), None);
        after.extend([(100, 0); 5]);
        assert_eq!(time_until_healthy_ms(&samples(&[10], &after)), Some(200));
    }

    #[test]
    fn goodput_is_per_second_of_its_phase() {
        let goodput = goodput(&samples(&[10, 30], &[(5, 0)]));
        assert_eq!((goodput.before, goodput.during, goodput.after), (1000.0, 0.0, 250.0));
    }
}
