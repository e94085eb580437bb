//! keepsight-cache with one guard taken out at a time: those whose loss shows in what comes back are seen by the kit, from outside.
//!
//! Most guards have another behind them, so that a client without one of them is still right; every one is caught by name in `crates/cache`. Run
//! by `cargo xtask test`, which installs the server.

#![expect(clippy::print_stdout, reason = "which mutants were seen is worth a line")]

use std::time::Duration;

use keepsight_cache::sabotage::{self, Mutant};
use keepsight_trial::clients::registry;
use keepsight_trial::dice::Dice;
use keepsight_trial::events;
use keepsight_trial::run::{Order, run};
use keepsight_trial::server;
use keepsight_trial::step::Terms;
use keepsight_trial::verdict::{EventVerdict, Outcome};
use keepsight_world::World;

/// What gives a mutant away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Answers of another key, or two instances that load the same.
    Wrong,
    /// Answers that were invalidated.
    Stale,
}

const CAUGHT: [(Mutant, &str, &str, Seen); 4] = [
    (Mutant::CompareHashesOnly, "keepsight-cache-bound", "calm", Seen::Wrong),
    (Mutant::PopWrongSlot, "keepsight-cache-bound", "calm", Seen::Wrong),
    (Mutant::StoreAfterInvalidate, "keepsight-cache-bound", "slow-origin", Seen::Stale),
    (Mutant::KeepLocalAfterInvalidate, "keepsight-cache", "slow-origin", Seen::Stale),
];

/// Some are a matter of luck: each step is another draw.
const TRIES: u64 = 10;

async fn tried(client: &str, event: &str, seed: u64) -> EventVerdict {
    let order = Order {
        clients: vec![registry::find(client).unwrap()],
        events: vec![events::find(event).unwrap()],
        terms: Terms {
            world: World::real(),
            server: server::find("redis").unwrap(),
            // A busy machine must not be what makes a call time out where nothing is to go wrong.
            call_timeout: Duration::from_millis(1000),
            dice: Dice::new(seed),
        },
        step: None,
        operations: Box::new(|_| 3000),
        at_once: 1,
        command: "a test".to_owned(),
        server_named: "redis".to_owned(),
    };
    let mut trial = run(&order, &|_, _| {}).await;
    trial.clients.remove(0).events.remove(0)
}

fn seen(found: &EventVerdict) -> Option<Seen> {
    match found.outcome {
        Outcome::Wrong => Some(Seen::Wrong),
        Outcome::Stale => Some(Seen::Stale),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guards_whose_loss_shows_are_seen_from_outside() {
    let healthy = sabotage::hold(None);
    for client in ["keepsight-cache", "keepsight-cache-bound"] {
        for event in ["calm", "slow-origin"] {
            let found = tried(client, event, 1).await;
            assert_eq!(seen(&found), None, "{client} in {event} without a mutant: {found:?}");
        }
    }
    drop(healthy);
    for (mutant, client, event, how) in CAUGHT {
        let held = sabotage::hold(Some(mutant));
        let (mut last, mut tries) = (None, 0);
        for seed in 1..=TRIES {
            (last, tries) = (seen(&tried(client, event, seed).await), seed);
            if last == Some(how) {
                break;
            }
        }
        drop(held);
        assert_eq!(last, Some(how), "{}", mutant.name());
        println!("mutant {} seen by the stress kit in {event} at look {tries}: {how:?}", mutant.name());
    }
}
