//! Room for the bodies that are being received: so many bytes in memory at a time, and a few uploads of one agent.
//!
//! Small bodies need none: their number is bounded by the requests in work. A large one takes its room before its first byte is read
//! and keeps it until it is dealt with; without room the caller is told to come back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keepsight_ids::AgentId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bodies up to this size need no room.
pub(crate) const SMALL: usize = 64 * 1024;
/// What room is counted in.
const UNIT: usize = 4 * 1024;
/// How long a body may wait for room.
const WAIT: Duration = Duration::from_millis(250);

/// What is left of it.
pub(crate) struct Uploads {
    units: Arc<Semaphore>,
    units_most: u32,
    agents: Arc<Mutex<HashMap<AgentId, usize>>>,
    per_agent: usize,
}

/// A body's room; given back when dropped.
pub(crate) struct Room {
    _units: OwnedSemaphorePermit,
    _agent: Option<OneOf>,
}

/// One of an agent's uploads.
struct OneOf {
    agent: AgentId,
    agents: Arc<Mutex<HashMap<AgentId, usize>>>,
}

impl Drop for OneOf {
    fn drop(&mut self) {
        let mut agents = self.agents.lock().expect("no panic while the agents are held");
        if let Some(uploads) = agents.get_mut(&self.agent) {
            *uploads -= 1;
            if *uploads == 0 {
                agents.remove(&self.agent);
            }
        }
    }
}

impl Uploads {
    pub(crate) fn new(bytes: usize, per_agent: usize) -> Self {
        let units_most = units(bytes);
        let units = Arc::new(Semaphore::new(units_most as usize));
        Self { units, units_most, agents: Arc::default(), per_agent }
    }

    /// Room for a large body of at most so many bytes, if there is any soon.
    pub(crate) async fn room(&self, agent: Option<AgentId>, bytes: usize) -> Option<Room> {
        let agent = match agent {
            Some(agent) => Some(self.one_of(agent)?),
            None => None,
        };
        // What is larger than all the room there is, gets all of it.
        let wanted = units(bytes).min(self.units_most);
        let units = tokio::time::timeout(WAIT, self.units.clone().acquire_many_owned(wanted)).await;
        Some(Room { _units: units.ok()?.ok()?, _agent: agent })
    }

    fn one_of(&self, agent: AgentId) -> Option<OneOf> {
        let mut agents = self.agents.lock().expect("no panic while the agents are held");
        let uploads = agents.get(&agent).copied().unwrap_or_default();
        if uploads >= self.per_agent {
            return None;
        }
        agents.insert(agent, uploads + 1);
        Some(OneOf { agent, agents: self.agents.clone() })
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ELM: AgentId = AgentId::from_bytes([1; 16]);
    const OAK: AgentId = AgentId::from_bytes([2; 16]);

    #[tokio::test(start_paused = true)]
    async fn no_more_bytes_are_let_in_than_there_is_room_for() {
        let uploads = Uploads::new(1 << 20, 100);
        let first = uploads.room(Some(ELM), 600 << 10).await.unwrap();
        assert!(uploads.room(Some(OAK), 600 << 10).await.is_none());
        let second = uploads.room(Some(OAK), 400 << 10).await.unwrap();
        drop(first);
        assert!(uploads.room(Some(OAK), 600 << 10).await.is_some());
        drop(second);
        assert!(uploads.room(None, 1 << 30).await.is_some(), "alone even the largest fits");
    }

    #[tokio::test(start_paused = true)]
    async fn one_agent_does_not_take_the_room_of_all() {
        let uploads = Uploads::new(1 << 30, 2);
        let rooms = [uploads.room(Some(ELM), 1).await.unwrap(), uploads.room(Some(ELM), 1).await.unwrap()];
        assert!(uploads.room(Some(ELM), 1).await.is_none());
        assert!(uploads.room(Some(OAK), 1).await.is_some());
        drop(rooms);
        assert!(uploads.room(Some(ELM), 1).await.is_some());
    }
}
