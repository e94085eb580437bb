//! The room that ingest leaves free, so that a full disk stops uploads before it stops a revocation or a record.

/// How much of the disk ingest may not take: the larger of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserve {
    /// Bytes.
    pub bytes: u64,
    /// Percent of the file system.
    pub percent: u8,
}

impl Default for Reserve {
    fn default() -> Self {
        Self { bytes: 1 << 30, percent: 2 }
    }
}

impl Reserve {
    /// No reserve, for tests on small disks.
    pub const NONE: Self = Self { bytes: 0, percent: 0 };

    /// Whether `free` bytes of a file system of `total` are above it.
    pub(super) fn leaves_room(self, free: u64, total: u64) -> bool {
        let share = u128::from(total) * u128::from(self.percent) / 100;
        u128::from(free) >= share.max(u128::from(self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_of_the_two_counts() {
        let reserve = Reserve::default();
        let gib = 1 << 30;
        assert!(reserve.leaves_room(gib, 10 * gib));
        assert!(!reserve.leaves_room(gib - 1, 10 * gib));
        assert!(!reserve.leaves_room(gib, 100 * gib));
        assert!(reserve.leaves_room(2 * gib, 100 * gib));
        assert!(Reserve::NONE.leaves_room(0, gib));
    }
}
