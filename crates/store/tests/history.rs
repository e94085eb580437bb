//! Histories through the real store: no check answers from before an acknowledged change.
//!
//! Several gates over one file, members granted and removed by their owners, lockdowns and removals by an operator's process of its
//! own, and all the while checks. Every answer carries the revision that it was decided at; afterwards each is held to what was
//! acknowledged before it was asked, and to what stood at that revision. With a fault in the process the same must be noticed.

#[path = "history_parts/mod.rs"]
mod parts;

use std::time::Duration;

use parts::contests::Arena;
use parts::judge;
use parts::operator::OperatorProcess;
use parts::scene::Scene;

/// How long a healthy history runs, and how long a fault may hide.
const RUN: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_check_answers_from_before_an_acknowledged_change() {
    #[cfg(feature = "sabotage")]
    let _healthy = keepsight_gate::sabotage::hold(None);
    let mut scene = Scene::new().await;
    let operator = OperatorProcess::start(scene.path()).await;
    let history = scene.play(Some(operator), RUN).await;
    let summary = judge::judge(&history).unwrap();
    // A history in which little happened shows little.
    assert!(summary.checks > 5_000 && summary.changes > 100, "{summary:?}");
    assert!(summary.allowed > 500 && summary.refused > 500 && summary.locked > 100, "{summary:?}");
    assert!(summary.by_operator > 20, "{summary:?}");
    assert!(history.unavailable < summary.checks / 100, "{} unavailable, {summary:?}", history.unavailable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_owners_removing_each_other_leave_one() {
    #[cfg(feature = "sabotage")]
    let _healthy = keepsight_gate::sabotage::hold(None);
    Arena::new(300).await.mutual_removal().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_author_removed_before_writes_nothing_after() {
    #[cfg(feature = "sabotage")]
    let _healthy = keepsight_gate::sabotage::hold(None);
    Arena::new(300).await.removed_author().await.unwrap();
}

/// Not a test of its own: the operator's process, when the environment names a database.
#[test]
fn operator_process() {
    parts::operator::serve_if_asked();
}

#[cfg(feature = "sabotage")]
mod mutants {
    use std::time::Instant;

    use keepsight_gate::sabotage::{Mutant, hold, set};

    use super::*;

    /// Faults that a history notices by chance get so long.
    const HIDE: Duration = Duration::from_secs(15);

    #[allow(clippy::print_stdout, reason = "collected by xtask")]
    fn caught(mutant: Mutant, by: &str) {
        println!("mutant {} caught by {by}", mutant.name());
    }

    #[test]
    #[allow(clippy::print_stdout, reason = "collected by xtask")]
    fn every_mutant_is_named() {
        for mutant in Mutant::ALL {
            println!("mutant {}", mutant.name());
        }
    }

    async fn history_notices(mutant: Mutant) {
        let _held = hold(None);
        let began = Instant::now();
        while began.elapsed() < HIDE {
            // The scene is set in health: a fault may be so bad that not even that succeeds.
            set(None);
            let mut scene = Scene::new().await;
            set(Some(mutant));
            let history = scene.play(None, Duration::from_secs(2)).await;
            if judge::judge(&history).is_err() {
                return caught(mutant, "no_check_answers_from_before_an_acknowledged_change");
            }
        }
        panic!("{} was not noticed", mutant.name());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_history_notices_late_arrivals() {
        history_notices(Mutant::AdmitLateArrivals).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_history_notices_loads_beside_the_fence() {
        history_notices(Mutant::LoadOutsideFence).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_history_notices_a_remembered_head() {
        history_notices(Mutant::HeadInMemory).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_history_notices_early_acknowledgements() {
        history_notices(Mutant::AckBeforeCommit).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn mutual_removal_notices_validation_outside_the_transaction() {
        let _held = hold(None);
        let arena = Arena::new(300).await;
        set(Some(Mutant::OneStatementWrite));
        assert!(arena.mutual_removal().await.is_err());
        caught(Mutant::OneStatementWrite, "two_owners_removing_each_other_leave_one");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_removed_author_notices_validation_before_the_lock() {
        let _held = hold(None);
        let arena = Arena::new(300).await;
        set(Some(Mutant::ValidateBeforeLock));
        assert!(arena.removed_author().await.is_err());
        caught(Mutant::ValidateBeforeLock, "an_author_removed_before_writes_nothing_after");
    }
}
