//! Faults of the gate's own, each caught by the scenario that it breaks.
//!
//! Every scenario is run as it is and must hold. In a build with `sabotage` it is run again with its fault in the process, and
//! must fail: a test that can't tell the difference holds nothing.

mod stage;

use std::sync::Arc;

use keepsight_gate::memory::MemoryTruth;
use keepsight_gate::{Denied, Gate, Key};
use keepsight_world::World;
use stage::{Act, COOKIE, HOME, LIST, ME, NOW, Stage, grant_until, others_run, revoke, settle, small_home};
use tokio::sync::Notify;

macro_rules! scenario {
    ($name:ident catches $mutant:ident) => {
        #[tokio::test(start_paused = true)]
        async fn $name() {
            #[cfg(feature = "sabotage")]
            let held = keepsight_gate::sabotage::hold(None);
            scenarios::$name().await.unwrap();
            #[cfg(feature = "sabotage")]
            {
                use keepsight_gate::sabotage::{Mutant, hold};
                drop(held);
                let _held = hold(Some(Mutant::$mutant));
                let caught = scenarios::$name().await;
                assert!(caught.is_err(), "{} was not noticed", Mutant::$mutant.name());
                #[allow(clippy::print_stdout, reason = "collected by xtask")]
                {
                    println!("mutant {} caught by {}", Mutant::$mutant.name(), stringify!($name));
                }
            }
        }
    };
}

scenario!(a_check_that_arrives_in_flight_waits_for_the_next_fence catches AdmitLateArrivals);
scenario!(what_is_loaded_is_of_the_fences_own_snapshot catches LoadOutsideFence);
scenario!(a_standby_decides_nothing catches FenceFromStandby);
scenario!(another_history_of_the_same_length_is_noticed catches NoTag);
scenario!(windows_close_by_the_truths_clock catches ExpiryByLocalClock);

mod scenarios {
    use super::*;

    type Outcome = Result<(), String>;

    async fn must_be(gate: &Gate, denied: Denied) -> Outcome {
        match gate.check(&COOKIE, LIST).await {
            Err(found) if found == denied => Ok(()),
            other => Err(format!("expected {denied:?}, got {other:?}")),
        }
    }

    async fn allowed(gate: &Gate) -> Outcome {
        gate.check(&COOKIE, LIST).await.map(|_| ()).map_err(|denied| format!("refused: {denied:?}"))
    }

    /// A fence is in flight, its snapshot taken; a revocation is acknowledged; then a check arrives.
    pub async fn a_check_that_arrives_in_flight_waits_for_the_next_fence() -> Outcome {
        let (stage, gate) = Stage::with_gate();
        allowed(&gate).await?;
        let hold = Arc::new(Notify::new());
        stage.plays([Act::Hold(hold.clone())]);
        let early = tokio::spawn({
            let gate = gate.clone();
            async move { allowed(&gate).await }
        });
        settle().await;
        revoke(&stage.truth());
        let late = tokio::spawn({
            let gate = gate.clone();
            async move { must_be(&gate, Denied::NotFound).await }
        });
        // In no time, or a second fence would be sent beside the held one.
        others_run().await;
        hold.notify_one();
        early.await.map_err(|error| error.to_string())??;
        late.await.map_err(|error| error.to_string())?
    }

    /// The account is being loaded; a revocation commits just after that read; later checks must see it.
    pub async fn what_is_loaded_is_of_the_fences_own_snapshot() -> Outcome {
        let (stage, gate) = Stage::with_gate();
        allowed(&gate).await?;
        grant_until(&stage.truth(), None);
        stage.after_loading(Key::Account(ME), revoke);
        // Began before the revocation: either answer is right.
        let _ = gate.check(&COOKIE, LIST).await;
        must_be(&gate, Denied::NotFound).await
    }

    /// The primary has moved on; a standby that has not answers in its place.
    pub async fn a_standby_decides_nothing() -> Outcome {
        let (stage, gate) = Stage::with_gate();
        allowed(&gate).await?;
        let behind = Arc::new(small_home());
        revoke(&stage.truth());
        stage.plays([Act::Standby(behind)]);
        must_be(&gate, Denied::Unavailable).await
    }

    /// A failover lost a revision, and another took its number.
    pub async fn another_history_of_the_same_length_is_noticed() -> Outcome {
        let (stage, gate) = Stage::with_gate();
        allowed(&gate).await?;
        let other = MemoryTruth::with_tags(NOW, 0xb);
        for key in [Key::Home(HOME), Key::Home(HOME), Key::Home(HOME)] {
            other.set(key, None);
        }
        *stage.truth.lock().unwrap() = Arc::new(other);
        must_be(&gate, Denied::NotSignedIn).await
    }

    /// The membership has ended by the truth's clock; this node's is slow.
    pub async fn windows_close_by_the_truths_clock() -> Outcome {
        let stage = Stage::new();
        let slow = World::simulated(NOW.0 - 3_600_000, 1);
        let gate = Gate::start(stage.clone(), slow);
        grant_until(&stage.truth(), Some(NOW.plus_ms(1_000)));
        allowed(&gate).await?;
        stage.truth().set_time(NOW.plus_ms(1_000));
        must_be(&gate, Denied::NotFound).await
    }
}
