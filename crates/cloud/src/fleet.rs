//! The agents that this process knows of, and how fast they may come back.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use keepsight_ids::AgentId;
use keepsight_world::{Instant, World};

use crate::edge::fault::{Code, Fault, Outcome};
use crate::edge::limits::{Buckets, Rate};
use crate::pace;

/// An agent that says nothing for so long is taken for a new arrival.
const SILENCE: Duration = Duration::from_secs(45);

/// Who is out there.
pub(crate) struct Fleet {
    heard: Mutex<HashMap<AgentId, Instant>>,
    /// How many there were when the server started, by what it has of theirs.
    known: AtomicU64,
    arrivals: Buckets<()>,
    per_second: u64,
}

impl Fleet {
    pub(crate) fn new(per_second: u64, world: World) -> Self {
        let per_second = per_second.max(1);
        let burst = u32::try_from(per_second.saturating_mul(2)).unwrap_or(u32::MAX);
        let rate = Rate::new(burst, Duration::from_secs(1) / u32::try_from(per_second).unwrap_or(u32::MAX));
        Self {
            heard: Mutex::default(),
            known: AtomicU64::new(0),
            arrivals: Buckets::new(rate, world),
            per_second,
        }
    }

    /// What is known from before this process.
    pub(crate) fn expect(&self, agents: u64) {
        self.known.fetch_max(agents, Ordering::Relaxed);
    }

    pub(crate) fn known(&self) -> u64 {
        let heard = self.heard.lock().expect("no panic while the fleet is held").len() as u64;
        heard.max(self.known.load(Ordering::Relaxed))
    }

    /// Notes that an agent was heard. True when it had been silent.
    pub(crate) fn heard(&self, agent: AgentId, world: &World) -> bool {
        let now = world.now();
        let mut heard = self.heard.lock().expect("no panic while the fleet is held");
        let before = heard.insert(agent, now);
        before.is_none_or(|then| now.duration_since(then) > SILENCE)
    }

    /// Forgets agents that have been silent for a day.
    pub(crate) fn tidy(&self, world: &World) {
        let now = world.now();
        let mut heard = self.heard.lock().expect("no panic while the fleet is held");
        heard.retain(|_, then| now.duration_since(*then) < Duration::from_secs(24 * 3600));
    }

    /// A place among the agents that come back this second, or when to come instead: spread over the time that all of them need.
    pub(crate) fn take_back(&self, world: &World) -> Outcome<()> {
        if self.arrivals.take(()).is_ok() {
            return Ok(());
        }
        Err(self.come_back(world))
    }

    /// Gives back a place that was not used.
    pub(crate) fn give_back(&self) {
        self.arrivals.give_back(&());
    }

    pub(crate) fn come_back(&self, world: &World) -> Fault {
        let wait = pace::come_back_in(world, self.known(), self.per_second);
        Fault::new(
            Code::Unavailable,
            "Too many agents come back at once. Try again when the Retry-After header says.",
        )
        .retry_after(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_returning_fleet_is_let_in_at_its_pace_and_all_of_it() {
        let world = World::simulated(0, 3);
        let fleet = Fleet::new(10, world.clone());
        fleet.expect(200);
        let mut due: Vec<u64> = vec![0; 200];
        let mut second = 0;
        while !due.is_empty() {
            let mut later = Vec::new();
            for wait in due {
                if wait > second {
                    later.push(wait);
                } else if let Err(fault) = fleet.take_back(&world) {
                    later.push(second + fault.retry_after_s.expect("a time to come back"));
                }
            }
            due = later;
            second += 1;
            assert!(second < 120, "{} agents still wait", due.len());
            world.sleep(Duration::from_secs(1)).await;
        }
        assert!(second >= 18, "200 agents at 10 a second can't be back in {second} s");
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_is_an_arrival_after_a_silence_only() {
        let world = World::simulated(0, 3);
        let fleet = Fleet::new(10, world.clone());
        let agent = AgentId::from_bytes([1; 16]);
        assert!(fleet.heard(agent, &world));
        assert!(!fleet.heard(agent, &world));
        world.sleep(Duration::from_secs(60)).await;
        assert!(fleet.heard(agent, &world));
    }
}
