//! The one hasher of every in-process map. With the feature `colliding-hasher` all hashes are equal: what then still answers right compares whole keys.

#[cfg(feature = "sabotage")]
use std::hash::BuildHasher;

#[cfg(not(feature = "colliding-hasher"))]
pub(crate) type KeyHasher = quick_cache::DefaultHashBuilder;

#[cfg(feature = "colliding-hasher")]
pub(crate) type KeyHasher = std::hash::BuildHasherDefault<Colliding>;

/// Finds everything equal.
#[cfg(feature = "colliding-hasher")]
#[derive(Default)]
pub(crate) struct Colliding;

#[cfg(feature = "colliding-hasher")]
impl std::hash::Hasher for Colliding {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, _: &[u8]) {}
}

/// A hash within this build; the same bytes may have another one in another process.
#[cfg(feature = "sabotage")]
pub(crate) fn hash_of(bytes: &[u8]) -> u64 {
    KeyHasher::default().hash_one(bytes)
}

/// Which of `stripes` (a power of two) these bytes belong to: the same in every process and run (FNV-1a), so that a simulation repeats. Whoever chooses keys
/// to share a stripe makes more die with an invalidation than has to, and nothing worse.
pub(crate) fn stripe(bytes: &[u8], stripes: usize) -> usize {
    if cfg!(feature = "colliding-hasher") {
        return 0;
    }
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix);
    (hash ^ (hash >> 32)) as usize & (stripes - 1)
}
