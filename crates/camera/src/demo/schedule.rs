//! When something passes in a built-in camera: soon after the start, then now and then; different for every camera.

/// The first passage begins within these bounds.
const FIRST_MS: (i64, i64) = (4_000, 7_500);
/// How long a passage lasts.
const LENGTH_MS: (i64, i64) = (6_000, 8_000);
/// From the beginning of one to the beginning of the next.
const EVERY_MS: (i64, i64) = (40_000, 70_000);

/// One passage at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Passage {
    /// How far through it is, 0 to 1.
    pub share: f32,
    /// Since its beginning.
    pub ms: i64,
    /// Which one it is, for choosing who passes.
    pub kind: u64,
    /// From right to left.
    pub leftwards: bool,
}

/// The passages of one camera, made as they are needed.
#[derive(Debug)]
pub(super) struct Schedule {
    seed: u64,
    number: u64,
    begin_ms: i64,
    length_ms: i64,
}

impl Schedule {
    pub(super) fn new(seed: u64) -> Self {
        let mut schedule = Self { seed, number: 0, begin_ms: 0, length_ms: 0 };
        schedule.begin_ms = schedule.between(FIRST_MS, 1);
        schedule.length_ms = schedule.between(LENGTH_MS, 2);
        schedule
    }

    /// What passes at this time after the start. Times only grow.
    pub(super) fn at(&mut self, elapsed_ms: i64) -> Option<Passage> {
        while elapsed_ms >= self.begin_ms + self.length_ms {
            self.begin_ms += self.between(EVERY_MS, 3);
            self.number += 1;
            self.length_ms = self.between(LENGTH_MS, 2);
        }
        let ms = elapsed_ms - self.begin_ms;
        let share = ms as f32 / self.length_ms as f32;
        let leftwards = self.draw(4) % 2 == 1;
        (ms >= 0).then(|| Passage { share, ms, kind: self.draw(5), leftwards })
    }

    fn between(&self, (least, most): (i64, i64), what: u64) -> i64 {
        least + (self.draw(what) % (most - least + 1) as u64) as i64
    }

    /// SplitMix64 of seed, number and purpose.
    fn draw(&self, what: u64) -> u64 {
        let mut z = self.seed
            ^ self.number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ what.wrapping_mul(0xd1b5_4a32_d192_ed03);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_passes_soon_and_then_now_and_then() {
        for seed in 0..200 {
            let mut schedule = Schedule::new(seed);
            let busy: Vec<i64> = (0..6000).map(|n| n * 100).filter(|ms| schedule.at(*ms).is_some()).collect();
            assert!((4_000..=8_000).contains(&busy[0]), "{}", busy[0]);
            let pauses: Vec<i64> = busy.windows(2).map(|w| w[1] - w[0]).filter(|gap| *gap > 100).collect();
            assert!(
                pauses.len() >= 8 && pauses.iter().all(|gap| (30_000..=65_000).contains(gap)),
                "{pauses:?}"
            );
        }
    }

    #[test]
    fn cameras_differ() {
        let first = |seed| Schedule::new(seed).begin_ms;
        assert!((0..20).map(first).collect::<std::collections::BTreeSet<_>>().len() > 10);
    }
}
