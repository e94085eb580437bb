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

/// So many at a time: enough to meet in one group commit, few enough for a busy machine.
const AT_A_TIME: usize = 25;

/// Homes with two owners each, over one database.
pub struct Arena {
    bench: Bench,
    pairs: Vec<Pair>,
    _folder: tempfile::TempDir,
}

impl Arena {
    /// Sets the scene, in health.
    pub async fn new(count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("truth.db");
        let open = move |world| Arc::new(SqliteTruth::open(&path, world).unwrap()) as Arc<dyn Truth>;
        let bench = Bench::new(Arc::new(open)).await;
        bench.person("first").await;
        let mut pairs = Vec::new();
        while pairs.len() < count {
            let these = pairs.len()..count.min(pairs.len() + AT_A_TIME);
            pairs.extend(join_all(these.map(|number| two_owners(&bench, number))).await);
        }
        Self { bench, pairs, _folder: folder }
    }

    /// In each home both owners leave at the same moment: one of them must stay.
    pub async fn mutual_removal(&self) -> Result<(), String> {
        let mut orphaned = 0;
        for pairs in self.pairs.chunks(AT_A_TIME) {
            let owners = join_all(pairs.iter().map(|pair| both_leave(&self.bench, pair))).await;
            orphaned += owners.into_iter().filter(|left| *left == 0).count();
        }
        let count = self.pairs.len();
        if orphaned > 0 {
            Err(format!("{orphaned} of {count} homes were left without an owner"))
        } else {
            Ok(())
        }
    }

    /// In each home an owner is removed while they write: what they wrote, they wrote before.
    pub async fn removed_author(&self) -> Result<(), String> {
        for pairs in self.pairs.chunks(AT_A_TIME) {
            let outcomes = join_all(pairs.iter().map(|pair| removed_while_writing(&self.bench, pair))).await;
            outcomes.into_iter().collect::<Result<(), _>>()?;
        }
        Ok(())
    }
}

async fn two_owners(bench: &Bench, number: usize) -> Pair {
    let elm = bench.person(&format!("elm {number}")).await;
    let mut home = bench.home(&elm).await;
    let (oak, oaks_slot) = bench.member(&elm, &mut home, &format!("oak {number}"), Rights::OWNER).await;
    Pair { elm, oak, home, oaks_slot }
}

/// How many owners are left.
async fn both_leave(bench: &Bench, pair: &Pair) -> u32 {
    let ask = Ask::home(Action::LeaveHome, pair.home.home);
    let (elm, oak) = (pair.elm.credential, pair.oak.credential);
    let (first, second) = tokio::join!(bench.check(&elm, ask), bench.check(&oak, ask));
    let (first, second) = (first.unwrap(), second.unwrap());
    let _ = tokio::join!(
        bench.gate.change(first, Change::LeaveHome),
        bench.gate.change(second, Change::LeaveHome)
    );
    let still = tokio::join!(bench.check(&elm, ask), bench.check(&oak, ask));
    u32::from(still.0.is_ok()) + u32::from(still.1.is_ok())
}

async fn removed_while_writing(bench: &Bench, pair: &Pair) -> Result<(), String> {
    let mut append = AppendChain::of(entry(&pair.home));
    append.ended.push(pair.oaks_slot);
    let (remove, lock) = (Change::AppendChain(Box::new(append)), Change::LockHome { on: true });
    let home = pair.home.home;
    let (may_remove, may_lock) = tokio::join!(
        bench.check(&pair.elm.credential, Ask::home(Action::AppendChain, home)),
        bench.check(&pair.oak.credential, Ask::home(Action::SetLockdown, home))
    );
    let (removed, wrote) = tokio::join!(
        bench.gate.change(may_remove.unwrap(), remove),
        bench.gate.change(may_lock.unwrap(), lock)
    );
    let removed = removed.map_err(|error| format!("the removal failed: {error}"))?;
    match wrote {
        Ok(wrote) if wrote.revision > removed.revision => {
            Err(format!("removed at {}, wrote at {}", removed.revision, wrote.revision))
        }
        _ => Ok(()),
    }
}
