//! Challenges for agents: made without remembering anything, answered once.
//!
//! A challenge carries its own proof and age, so that agents which never come back with it cost nothing. Only those that were
//! answered by the right key are remembered, and only for as long as they would be good: who listened in, or kept one, can't answer
//! it again. A challenge is good at the process that made it alone; for another it is as if nobody had made it, so that two
//! processes, or a restart, don't make two answers of it. Invariant: one challenge opens at most one session.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use keepsight_world::{Instant, World};

use crate::secret::{ServerSecret, same};

/// How long a challenge is good for.
const LIFE: Duration = Duration::from_secs(60);
/// The most that are remembered as answered: over a thousand sessions a second, for a minute.
const ANSWERED_MAX: usize = 100_000;
/// Age and chance; the rest of a challenge is their proof.
const STATED: usize = 24;

/// The challenges of one process.
pub(crate) struct Challenges {
    /// Tells this process's challenges from another's.
    process: [u8; 16],
    began: Instant,
    world: World,
    /// Milliseconds of the making, then chance: the oldest first.
    answered: Mutex<BTreeSet<[u8; STATED]>>,
}

/// Why a challenge does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoGood {
    /// Not made here within the last minute, or answered before.
    Spent,
    /// Too many were answered lately to tell.
    Full,
}

impl Challenges {
    pub(crate) fn new(world: World) -> Self {
        Self { process: world.random(), began: world.now(), world, answered: Mutex::default() }
    }

    /// A new one.
    pub(crate) fn make(&self, secret: &ServerSecret) -> Vec<u8> {
        let mut bytes = self.age_ms().to_be_bytes().to_vec();
        bytes.extend(self.world.random::<16>());
        bytes.extend(self.proof(secret, &bytes));
        bytes
    }

    /// Whether it was made here within the last minute. Says nothing of answers before.
    pub(crate) fn is_ours(&self, secret: &ServerSecret, challenge: &[u8]) -> bool {
        let Some((stated, code)) = challenge.split_at_checked(STATED) else { return false };
        let made = u64::from_be_bytes(stated[..8].try_into().expect("8 of 24 bytes"));
        same(&self.proof(secret, stated), code) && (self.oldest_ms()..=self.age_ms()).contains(&made)
    }

    /// Takes it as answered. Call with one of ours whose answer was right: what fills the memory is paid for with a key.
    pub(crate) fn spend(&self, challenge: &[u8]) -> Result<(), NoGood> {
        let stated: [u8; STATED] =
            challenge.get(..STATED).and_then(|bytes| bytes.try_into().ok()).ok_or(NoGood::Spent)?;
        let mut oldest = [0; STATED];
        oldest[..8].copy_from_slice(&self.oldest_ms().to_be_bytes());
        let mut answered = self.answered.lock().expect("no panic while the answered are held");
        *answered = answered.split_off(&oldest);
        if stated < oldest || answered.contains(&stated) {
            return Err(NoGood::Spent);
        }
        if answered.len() >= ANSWERED_MAX {
            return Err(NoGood::Full);
        }
        answered.insert(stated);
        Ok(())
    }

    fn proof(&self, secret: &ServerSecret, stated: &[u8]) -> [u8; 32] {
        secret.mac("agent's challenge", &[&self.process, stated])
    }

    /// By the clock that never goes back, so that no challenge comes to life again.
    fn age_ms(&self) -> u64 {
        let age = self.world.now().saturating_duration_since(self.began);
        u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
    }

    fn oldest_ms(&self) -> u64 {
        self.age_ms().saturating_sub(LIFE.as_millis() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both() -> (World, ServerSecret, Challenges) {
        let world = World::simulated(0, 5);
        (world.clone(), ServerSecret::new(&[1; 32]), Challenges::new(world))
    }

    #[tokio::test(start_paused = true)]
    async fn one_is_spent_once_and_forgotten_when_it_is_too_old_anyway() {
        let (world, secret, challenges) = both();
        world.sleep(Duration::from_secs(300)).await;
        let (one, other) = (challenges.make(&secret), challenges.make(&secret));
        assert!(challenges.is_ours(&secret, &one));
        assert_eq!(challenges.spend(&one), Ok(()));
        assert_eq!(challenges.spend(&one), Err(NoGood::Spent));
        world.sleep(LIFE).await;
        assert_eq!(challenges.spend(&one), Err(NoGood::Spent), "to the last millisecond of its minute");
        assert_eq!(challenges.spend(&other), Ok(()));
        world.sleep(Duration::from_millis(1)).await;
        assert!(!challenges.is_ours(&secret, &one));
        assert_eq!(challenges.spend(&one), Err(NoGood::Spent));
        assert!(challenges.answered.lock().unwrap().is_empty(), "nothing is kept longer than it is good");
    }

    #[tokio::test(start_paused = true)]
    async fn what_another_process_made_or_nobody_is_not_ours() {
        let (world, secret, challenges) = both();
        let elsewhere = Challenges::new(world.clone()).make(&secret);
        assert!(!challenges.is_ours(&secret, &elsewhere));
        let mut other = challenges.make(&secret);
        other[10] ^= 1;
        for bad in [&other[..], b"", &[0; STATED], &[0xff; 56]] {
            assert!(!challenges.is_ours(&secret, bad));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn with_the_memory_full_none_counts_until_some_are_forgotten() {
        let (world, secret, challenges) = both();
        let fill = |n: usize| {
            let mut stated = [0; STATED];
            stated[16..].copy_from_slice(&(n as u64).to_be_bytes());
            stated
        };
        challenges.answered.lock().unwrap().extend((0..ANSWERED_MAX).map(fill));
        let one = challenges.make(&secret);
        assert_eq!(challenges.spend(&one), Err(NoGood::Full));
        world.sleep(LIFE + Duration::from_millis(1)).await;
        assert_eq!(challenges.spend(&challenges.make(&secret)), Ok(()));
    }
}
