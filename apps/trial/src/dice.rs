//! Seeded chance: decisions that repeat for the same seed, whatever the timing.
//!
//! A decision is a pure function of the seed and of *where* it is taken (connection, frame), not of how many were taken before, so that
//! two runs differ only where the machine's timing makes different frames. Well spread (SplitMix64), by no means secret.

/// Draws for one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dice(u64);

impl Dice {
    /// The dice of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Other dice for a part of the whole: an event, a step, a connection.
    pub const fn of(self, part: u64) -> Self {
        Self(mix(self.0 ^ mix(part.wrapping_add(0x5851_f42d_4c95_7f2d))))
    }

    /// Other dice for a part with a name.
    pub fn named(self, name: &str) -> Self {
        name.bytes().fold(self, |dice, byte| dice.of(u64::from(byte)))
    }

    /// The number at this place.
    pub const fn at(self, place: u64) -> u64 {
        self.of(place).0
    }

    /// The number at this place, within `low..=high`.
    pub const fn between(self, place: u64, low: u64, high: u64) -> u64 {
        low + ((self.at(place) as u128 * (high - low + 1) as u128) >> 64) as u64
    }

    /// The seed itself, to be named and given again.
    pub const fn seed(self) -> u64 {
        self.0
    }
}

/// A sequence of draws, for a task that decides one thing after another.
#[derive(Clone, Debug)]
pub struct Draws {
    dice: Dice,
    next: u64,
}

impl Draws {
    /// The sequence of these dice.
    pub const fn new(dice: Dice) -> Self {
        Self { dice, next: 0 }
    }

    /// The next number within `low..=high`.
    pub const fn between(&mut self, low: u64, high: u64) -> u64 {
        self.next += 1;
        self.dice.between(self.next, low, high)
    }

    /// The next number within `0..count`, as an index. `count` must not be 0.
    pub fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.between(0, count as u64 - 1)).expect("it is below a usize")
    }
}

const fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_depends_on_seed_and_place_only() {
        let draw = |seed| Dice::new(seed).named("lost-reply").of(3).between(17, 1, 1000);
        assert_eq!(draw(7), draw(7));
        assert!((0..50).any(|seed| draw(seed) != draw(seed + 1)));
    }

    #[test]
    fn draws_reach_both_ends_and_nothing_beyond() {
        let mut draws = Draws::new(Dice::new(1));
        let drawn: std::collections::BTreeSet<u64> = (0..1000).map(|_| draws.between(4, 9)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [4, 5, 6, 7, 8, 9]);
    }
}
