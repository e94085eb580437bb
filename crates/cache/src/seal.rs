//! AES-256-GCM with nonces that cannot repeat: each process start has a sub-key of its own, and counts.
//!
//! Random 96-bit nonces under one key would run out of safety within hours at the rates of a cache. The sub-key is HKDF(master, random id); id and counter travel
//! in the envelope. Invariant: no (sub-key, counter) seals twice. A machine snapshot that is resumed twice would break it: restart the process after resuming one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use quick_cache::sync::Cache;

use crate::env::Chance;
use crate::ring::KeyRing;
use crate::sabotage::{Mutant, active};

// Sub-keys of other processes that are kept ready; each costs a kilobyte or so. A fleet restarts, old ones fall out.
const OPENERS: usize = 4_096;

/// Seals with this process's sub-key, opens with anybody's.
pub(crate) struct Sealer {
    ring: KeyRing,
    key_id: [u8; 8],
    process: [u8; 16],
    counter: AtomicU64,
    own: Opener,
    ids: Vec<[u8; 8]>,
    openers: Cache<([u8; 8], [u8; 16]), Opener>,
    chance: Chance,
}

/// The key of one process.
#[derive(Clone)]
pub(crate) struct Opener(Arc<LessSafeKey>);

impl Sealer {
    pub fn new(ring: KeyRing, chance: Chance) -> Self {
        let process = if active(Mutant::RandomNonces) { [0; 16] } else { chance.bytes() };
        let newest = ring.newest();
        let (key_id, own) = (newest.id(), Opener::new(&newest.sub_key(&process)));
        let ids = ring.keys().iter().map(|key| key.id()).collect();
        let counter = AtomicU64::new(0);
        Self { key_id, process, counter, own, ids, openers: Cache::new(OPENERS), ring, chance }
    }

    /// What the next envelope states: the master key's id, this process's, and a counter that was never given out before.
    pub fn next(&self) -> ([u8; 8], [u8; 16], u64) {
        let counter = if active(Mutant::RandomNonces) {
            // As drawn by chance, on a scale on which it shows.
            self.chance.u64() & 0xffff
        } else {
            self.counter.fetch_add(1, Ordering::Relaxed)
        };
        (self.key_id, self.process, counter)
    }

    /// Encrypts `buffer[from..]` in place and appends the tag.
    pub fn seal(&self, counter: u64, associated: &[u8], buffer: &mut Vec<u8>, from: usize) {
        let (_, plain) = buffer.split_at_mut(from);
        let tag = self.own.0.seal_in_place_separate_tag(nonce(counter), Aad::from(associated), plain);
        // It fails above 64 GiB only; values are limited far below.
        buffer.extend_from_slice(tag.expect("a value is shorter than AES-GCM's limit").as_ref());
    }

    /// The key of a process, if its master key is in the ring.
    pub fn opener(&self, key_id: [u8; 8], process: [u8; 16]) -> Option<Opener> {
        if (key_id, process) == (self.key_id, self.process) {
            return Some(self.own.clone());
        }
        let n = self.ids.iter().position(|id| *id == key_id)?;
        if let Some(opener) = self.openers.get(&(key_id, process)) {
            return Some(opener);
        }
        let opener = Opener::new(&self.ring.keys()[n].sub_key(&process));
        self.openers.insert((key_id, process), opener.clone());
        Some(opener)
    }
}

impl Opener {
    fn new(key: &[u8; 32]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("the key has 32 bytes");
        Self(Arc::new(LessSafeKey::new(key)))
    }

    /// Decrypts in place; the length of the plain text, or nothing if it was not sealed for this.
    pub fn open(&self, counter: u64, associated: &[u8], buffer: &mut [u8]) -> Option<usize> {
        let plain = self.0.open_in_place(nonce(counter), Aad::from(associated), buffer).ok()?;
        Some(plain.len())
    }
}

fn nonce(counter: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&counter.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}
