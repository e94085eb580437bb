//! What a home's uploads are measured against, and what is done when they don't fit.
//!
//! A full home is no fault of what is sent: retention makes room first, and when it can't, the agent hears when to come again. Nothing
//! leaves its spool for that.

use keepsight_ids::{HomeId, UnixMillis};
use keepsight_store::StoreError;
use keepsight_store::records::Room;
use keepsight_store::truth::{HomeLimits, RetentionRow};
use keepsight_world::World;

use crate::cloud::Cloud;
use crate::edge::fault::Outcome;
use crate::housekeeping;

/// When to try again in a full home: soon after somebody made room.
const FULL_WAIT_S: u64 = 60;
/// At most so long until it is seen that the day is over, or that the operator allowed more.
const DAY_WAIT_S: i64 = 15 * 60;
const DAY_MS: i64 = 24 * 3_600_000;
/// What is let go at once is at least this part of what a home may hold, so that not every upload has to make its own room.
const MARGIN: u64 = 64;

pub(super) const fn room(limits: &HomeLimits) -> Room {
    Room { bytes_max: limits.bytes_max, events_a_day_max: limits.events_a_day_max }
}

pub(super) const fn is_full<T>(stored: &Result<T, StoreError>) -> bool {
    matches!(stored, Err(StoreError::HomeFull { .. }))
}

/// Lets the home's retention do its work now, for so many bytes to come. Whether anything went.
pub(super) async fn make_room(
    cloud: &Cloud,
    home: HomeId,
    limits: &HomeLimits,
    bytes: usize,
) -> Outcome<bool> {
    // Where all is kept, looking again for every upload would find nothing again.
    if cloud.guard.full_homes.has(&home).is_err() {
        return Ok(false);
    }
    let margin = (limits.bytes_max / MARGIN).max(bytes as u64);
    let rule = RetentionRow {
        home,
        days: limits.retention_days,
        bytes: limits.retention_bytes,
        total: limits.bytes_max.saturating_sub(margin),
    };
    let went = housekeeping::retain(cloud, &rule).await?;
    if went == 0 {
        let _ = cloud.guard.full_homes.take(home);
    }
    Ok(went > 0)
}

pub(super) fn wait_for_room(world: &World) -> u64 {
    FULL_WAIT_S + world.random_up_to(FULL_WAIT_S / 2)
}

pub(super) fn wait_for_tomorrow(world: &World, now: UnixMillis) -> u64 {
    let left_s = (DAY_MS - now.0.rem_euclid(DAY_MS)) / 1000 + 1;
    left_s.min(DAY_WAIT_S).unsigned_abs() + world.random_up_to(FULL_WAIT_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_days_end_is_waited_for_and_a_quarter_of_an_hour_at_most() {
        let world = World::simulated(0, 7);
        for _ in 0..50 {
            let late = wait_for_tomorrow(&world, UnixMillis(3 * DAY_MS - 30_000));
            assert!((31..=91).contains(&late), "{late}");
            let early = wait_for_tomorrow(&world, UnixMillis(3 * DAY_MS));
            assert!((900..=960).contains(&early), "{early}");
        }
    }
}
