//! Two writers who can't both be right, many pairs at a time, so that they meet in one group commit.

use std::sync::Arc;

use futures_util::future::join_all;
use keepsight_gate::{Action, AppendChain, Ask, Change, Rights};
use keepsight_ids::SlotId;
use keepsight_store::truth::suite::{Bench, Home, Person, entry};
use keepsight_store::truth::{SqliteTruth, Truth};

struct Pair {
    elm: Person,
    oak: Person,
    home: Home,
    oaks_slot: SlotId,
}

async fn bench() -> (Bench, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truth.db");
    let open = move |world| Arc::new(SqliteTruth::open(&path, world).unwrap()) as Arc<dyn Truth>;
    (Bench::new(Arc::new(open)).await, folder)
}

/// Homes with two owners each.
async fn pairs(bench: &Bench, count: usize) -> Vec<Pair> {
    bench.person("first").await;
    let make = |number: usize| async move {
        let elm = bench.person(&format!("elm {number}")).await;
        let mut home = bench.home(&elm).await;
        let (oak, oaks_slot) = bench.member(&elm, &mut home, &format!("oak {number}"), Rights::OWNER).await;
        Pair { elm, oak, home, oaks_slot }
    };
    join_all((0..count).map(make)).await
}

fn removal(home: &Home, slot: SlotId) -> Change {
    let mut append = AppendChain::of(entry(home));
    append.ended.push(slot);
    Change::AppendChain(Box::new(append))
}

/// In each home both owners leave at the same moment: one of them must stay.
pub async fn mutual_removal(count: usize) -> Result<(), String> {
    let (bench, _folder) = bench().await;
    let pairs = pairs(&bench, count).await;
    let bench = &bench;
    let contest = |pair: &Pair| {
        let ask = Ask::home(Action::LeaveHome, pair.home.home);
        let (elm, oak) = (pair.elm.credential, pair.oak.credential);
        async move {
            let (first, second) = tokio::join!(bench.check(&elm, ask), bench.check(&oak, ask));
            let (first, second) = (first.unwrap(), second.unwrap());
            let _ = tokio::join!(
                bench.gate.change(first, Change::LeaveHome),
                bench.gate.change(second, Change::LeaveHome)
            );
            let still = tokio::join!(bench.check(&elm, ask), bench.check(&oak, ask));
            u32::from(still.0.is_ok()) + u32::from(still.1.is_ok())
        }
    };
    let owners = join_all(pairs.iter().map(contest)).await;
    let orphaned = owners.iter().filter(|left| **left == 0).count();
    if orphaned > 0 { Err(format!("{orphaned} of {count} homes were left without an owner")) } else { Ok(()) }
}

/// In each home an owner is removed while they write: what they wrote, they wrote before.
pub async fn removed_author(count: usize) -> Result<(), String> {
    let (bench, _folder) = bench().await;
    let pairs = pairs(&bench, count).await;
    let bench = &bench;
    let contest = |pair: &Pair| {
        let remove = removal(&pair.home, pair.oaks_slot);
        let (elm, oak, home) = (pair.elm.credential, pair.oak.credential, pair.home.home);
        async move {
            let lock = Change::LockHome { on: true };
            let (may_remove, may_lock) = tokio::join!(
                bench.check(&elm, Ask::home(Action::AppendChain, home)),
                bench.check(&oak, Ask::home(Action::SetLockdown, home))
            );
            tokio::join!(
                bench.gate.change(may_remove.unwrap(), remove),
                bench.gate.change(may_lock.unwrap(), lock)
            )
        }
    };
    for (removed, wrote) in join_all(pairs.iter().map(contest)).await {
        let removed = removed.map_err(|error| format!("the removal failed: {error}"))?;
        if let Ok(wrote) = wrote
            && wrote.revision > removed.revision
        {
            return Err(format!("removed at {}, wrote at {}", removed.revision, wrote.revision));
        }
    }
    Ok(())
}
