//! The kit itself on trial, against a real server: clients with known faults must be caught, a client without must not be, and where nothing
//! was injected nothing may count as shown. Run by `cargo xtask test`, which installs the server.

mod culprits;

use std::sync::Arc;
use std::time::Duration;

use culprits::{Careless, Deaf, Forgetful, Generous, Hermit};
use futures_util::FutureExt;
use keepsight_trial::clients::{Client, Entry, Setup, registry};
use keepsight_trial::dice::Dice;
use keepsight_trial::events;
use keepsight_trial::run::{Order, run};
use keepsight_trial::server;
use keepsight_trial::step::Terms;
use keepsight_trial::verdict::{EventVerdict, Outcome, Traced, Wrong};
use keepsight_world::World;

fn order(entry: Entry, event: &str, seed: u64, step: Option<u64>) -> Order {
    Order {
        clients: vec![entry],
        events: vec![events::find(event).unwrap()],
        terms: Terms {
            world: World::real(),
            server: server::find("redis").unwrap(),
            // A busy machine must not be what makes a call time out where nothing else is to go wrong.
            call_timeout: Duration::from_millis(if event == "calm" { 3000 } else { 150 }),
            dice: Dice::new(seed),
        },
        step,
        operations: Box::new(|_| 300),
        at_once: 1,
        command: "a test".to_owned(),
        server_named: "redis".to_owned(),
    }
}

async fn tried(entry: Entry, event: &str, seed: u64, step: Option<u64>) -> EventVerdict {
    let mut trial = run(&order(entry, event, seed, step), &|_, _| {}).await;
    let mut client = trial.clients.remove(0);
    assert_eq!(client.left_out, None);
    client.events.remove(0)
}

fn culprit<C, F>(connect: fn(Setup) -> F) -> Entry
where
    C: Client + 'static,
    F: Future<Output = C> + Send + 'static,
{
    Entry {
        name: "culprit",
        label: "culprit",
        about: "made to be caught",
        instances_most: 4,
        available: || Ok(()),
        connect: Arc::new(move |setup| {
            connect(setup).map(|client| Ok(Box::new(client) as Box<dyn Client>)).boxed()
        }),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_keeps_its_connection_after_a_time_out_is_caught_and_the_step_replays() {
    let found = tried(culprit(Careless::connect), "late-reply", 3, None).await;
    assert_eq!(found.outcome, Outcome::Wrong, "{found:?}");
    let first = found.first_wrong.unwrap();
    assert!(matches!(first.kind, Wrong::Foreign | Wrong::Garbled | Wrong::Missing), "{first:?}");
    assert!(first.trace.iter().any(|line| line.what == Traced::Fault && line.text == "late"), "{first:?}");
    assert!(first.replay.ends_with(&format!("--seed 3 --step {}", first.step)), "{}", first.replay);
    let again = tried(culprit(Careless::connect), "late-reply", 3, Some(first.step)).await;
    assert_eq!((again.outcome, again.steps), (Outcome::Wrong, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_whose_given_up_calls_leave_their_reply_behind_is_caught() {
    let found = tried(culprit(Careless::connect), "mass-cancel", 1, None).await;
    assert_eq!(found.outcome, Outcome::Wrong, "{found:?}");
    assert!(found.cancelled > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_writes_on_behind_half_a_command_is_caught_and_redis_rs_synchronous_is_one() {
    let resuming = culprit(Careless::resuming);
    // What is only late or lost does it no harm: it is the half-written command that does.
    let late = tried(resuming.clone(), "late-reply", 1, None).await;
    assert_eq!((late.outcome, late.wrong), (Outcome::Passed, 0), "{:?}", late.first_wrong);
    for entry in [resuming, registry::find("redis-rs-sync").unwrap()] {
        let name = entry.name;
        // Harm is done only when what comes behind half a command is long enough: a matter of luck, and each seed is another draw.
        let mut wrong = 0;
        for seed in 1..=8 {
            let found = tried(entry.clone(), "slow-reader", seed, None).await;
            assert!(found.faults_injected > 0, "{name}: {found:?}");
            wrong += found.wrong;
            if wrong > 0 {
                break;
            }
        }
        assert!(wrong > 0, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_opened_after_the_fault_are_counted_for_each_instance() {
    // It has eight connections for each instance, and several are half-open when the fault ends; on a busy machine perhaps not the first time.
    let mut most = 0;
    for seed in 1..=6 {
        let found = tried(culprit(Careless::resuming), "half-open", seed, None).await;
        most = most.max(found.reconnects);
        if most > 1 {
            break;
        }
    }
    assert!((2..=8).contains(&most), "{most}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_waits_for_ever_stalls() {
    let found = tried(culprit(Careless::patient), "half-open", 1, None).await;
    assert_eq!((found.outcome, found.wrong), (Outcome::Stalled, 0), "{:?}", found.first_wrong);
    assert!(found.stalls > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_client_without_a_fault_is_not_accused() {
    let found = tried(culprit(Careless::connect), "calm", 1, None).await;
    assert_eq!((found.outcome, found.wrong, found.stale_after_invalidation), (Outcome::Passed, 0, 0));
    assert!(found.operations >= 300 && found.double_lease == Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_on_with_what_it_removed_is_stale() {
    let found = tried(culprit(Forgetful::connect), "calm", 1, None).await;
    assert_eq!((found.outcome, found.wrong), (Outcome::Stale, 0));
    assert!(found.stale_after_invalidation > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_that_does_not_forget_a_tenant_is_stale() {
    let found = tried(culprit(Deaf::connect), "calm", 1, None).await;
    assert_eq!((found.outcome, found.wrong), (Outcome::Stale, 0), "{:?}", found.first_wrong);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_gives_every_lease_to_everybody_is_caught() {
    let found = tried(culprit(Generous::connect), "calm", 1, None).await;
    assert_eq!(found.outcome, Outcome::Wrong);
    assert_eq!(found.first_wrong.unwrap().kind, Wrong::DoubleLease);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_that_never_reached_the_client_shows_nothing() {
    for event in ["lost-reply", "mass-reconnect", "out-of-memory"] {
        let found = tried(culprit(Hermit::connect), event, 1, Some(0)).await;
        assert_eq!(
            (found.outcome, found.wrong, found.faults_injected),
            (Outcome::NotInjected, 0, 0),
            "{event}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cache_is_right_under_the_events_that_catch_others() {
    for name in ["keepsight-cache", "keepsight-cache-bound"] {
        for event in [
            "calm",
            "late-reply",
            "duplicate-reply",
            "unsolicited-reply",
            "slow-reader",
            "mass-cancel",
            "restarted-empty",
            "mixed",
        ] {
            let found = tried(registry::find(name).unwrap(), event, 5, None).await;
            let counts = (found.wrong, found.stale_after_invalidation, found.double_lease.unwrap_or(0));
            assert_eq!(counts, (0, 0, 0), "{name} in {event}: {found:?}");
            assert_eq!(
                found.double_lease.is_some(),
                event != "restarted-empty",
                "leases are judged in {event}"
            );
            assert!(found.answers + found.errors + found.cancelled == found.operations, "{name} in {event}");
            // Every get of the second goes to the server, but may find another's load under way; the first has copies of its own.
            assert!((1..=found.answers).contains(&found.from_server), "{name} in {event}: {found:?}");
            assert!(found.reconnects <= 1, "{name} in {event} opened {} connections", found.reconnects);
            let is_shown = !matches!(found.outcome, Outcome::NotInjected | Outcome::Broken(_));
            assert!(is_shown, "{name} in {event}: {:?}", found.outcome);
        }
    }
}
