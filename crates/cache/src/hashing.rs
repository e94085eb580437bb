//! The one hasher of every in-process map. With the feature `colliding-hasher` all hashes are equal: what then still answers right compares whole keys.

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

/// Which of `stripes` (a power of two) a key belongs to.
pub(crate) fn stripe<K: std::hash::Hash + ?Sized>(hasher: &KeyHasher, key: &K, stripes: usize) -> usize {
    hasher.hash_one(key) as usize & (stripes - 1)
}
