//! How a whole fleet comes back after an outage: each agent is told when, spread over the time that the server needs for all.

use keepsight_world::World;

/// Seconds after which an agent should come back, when `known` agents return to a server that takes `per_second` of them.
///
/// Uniform over the whole span, so that the load is the server's capacity from the first second to the last.
pub(crate) fn come_back_in(world: &World, known: u64, per_second: u64) -> u64 {
    let span = known.div_ceil(per_second.max(1)).clamp(2, 3600);
    1 + world.random_up_to(span - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fleet_is_spread_over_the_time_it_needs() {
        let world = World::simulated(0, 7);
        let waits: Vec<u64> = (0..2000).map(|_| come_back_in(&world, 2000, 50)).collect();
        let most = (1..=40).map(|second| waits.iter().filter(|wait| **wait == second).count()).max().unwrap();
        assert!(waits.iter().all(|wait| (1..=40).contains(wait)));
        assert!(most < 100, "{most} agents in one second of 50");
    }

    #[tokio::test]
    async fn a_single_agent_waits_shortly_and_a_huge_fleet_an_hour_at_most() {
        let world = World::simulated(0, 7);
        assert!(come_back_in(&world, 1, 50) <= 2);
        assert!(come_back_in(&world, u64::MAX, 1) <= 3600);
    }
}
