//! One file, two gates over it as two nodes would have them, homes whose owners grant and remove, and those who check.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keepsight_gate::{Action, Ask, Credential, Gate, OperatorDeed, RelationRow, Rights, Tag, Write};
use keepsight_ids::{SlotId, UnixMillis};
use keepsight_store::truth::suite::{Bench, Home, Person};
use keepsight_store::truth::{SqliteTruth, Truth};
use keepsight_world::World;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::judge::{Answer, Change, Effect, History};
use super::operator::{OperatorProcess, Order};

const HOMES: usize = 3;
const CHECKERS_PER_GATE: usize = 24;

/// A home with an owner who grants and removes one member.
#[derive(Clone)]
struct Place {
    owner: Person,
    member: Person,
    slot: SlotId,
    home: Home,
}

/// The file and what stands over it.
pub struct Scene {
    bench: Arc<Bench>,
    gates: [Arc<Gate>; 2],
    second: Arc<SqliteTruth>,
    places: Vec<Place>,
    folder: tempfile::TempDir,
}

fn file(folder: &Path) -> PathBuf {
    folder.join("truth.db")
}

impl Scene {
    /// Homes with an owner each, and a member-to-be.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        let first = path.clone();
        let open = move |world: World| Arc::new(SqliteTruth::open(&first, world).unwrap()) as Arc<dyn Truth>;
        let bench = Arc::new(Bench::new(Arc::new(open)).await);
        let second = Arc::new(SqliteTruth::open(&path, bench.world.clone()).unwrap());
        let gates = [bench.gate.clone(), Gate::start(second.clone(), bench.world.clone())];
        let mut places = Vec::new();
        for number in 0..HOMES {
            let owner = bench.person(&format!("owner {number}")).await;
            let member = bench.person(&format!("member {number}")).await;
            let home = bench.home(&owner).await;
            let slot = SlotId::from_bytes(bench.world.random());
            places.push(Place { owner, member, slot, home });
        }
        Self { bench, gates, second, places, folder }
    }

    /// The database, for another process.
    pub fn path(&self) -> PathBuf {
        file(self.folder.path())
    }

    /// Lets everybody loose for so long.
    pub async fn play(&mut self, operator: Option<OperatorProcess>, long: Duration) -> History {
        let over = Arc::new(AtomicBool::new(false));
        let (mut writers, mut checkers) = (JoinSet::new(), JoinSet::new());
        for (number, place) in self.places.iter().enumerate() {
            writers.spawn(own(self.bench.clone(), self.gates.clone(), number, place.clone(), over.clone()));
        }
        match operator {
            Some(process) => writers.spawn(operate(self.places.clone(), process, over.clone())),
            None => writers.spawn(operate_here(
                self.second.clone(),
                self.bench.clone(),
                self.places.clone(),
                over.clone(),
            )),
        };
        for checker in 0..2 * CHECKERS_PER_GATE {
            let asks = self.places.iter().map(ask_of).collect();
            checkers.spawn(check(self.gates[checker % 2].clone(), asks, checker, over.clone()));
        }
        tokio::time::sleep(long).await;
        over.store(true, Ordering::SeqCst);
        let mut history = History::default();
        for (changes, answers) in writers.join_all().await {
            history.changes.extend(changes);
            history.answers.extend(answers);
        }
        for (answers, unavailable) in checkers.join_all().await {
            history.answers.push(answers);
            history.unavailable += unavailable;
        }
        history
    }
}

type Wrote = (Vec<Change>, Vec<Vec<Answer>>);

fn ask_of(place: &Place) -> (Credential, Ask) {
    (place.member.credential, Ask::home(Action::ListEvents, place.home.home))
}

/// Asks and notes the answer; `None` when the truth could not be asked.
async fn note(gate: &Gate, home: usize, (credential, ask): (Credential, Ask)) -> Option<Answer> {
    let asked = Instant::now();
    let answer = gate.check_told(&credential, ask).await;
    let told = Instant::now();
    let (denied, revision) = match answer {
        Ok(permit) => (None, permit.revision()),
        Err(refused) if refused.denied == keepsight_gate::Denied::Unavailable => return None,
        Err(refused) => (Some(refused.denied), refused.revision),
    };
    Some(Answer { home, asked, told, denied, revision })
}

/// One checker: a question after the other, about every home in turn.
async fn check(
    gate: Arc<Gate>,
    asks: Vec<(Credential, Ask)>,
    first: usize,
    over: Arc<AtomicBool>,
) -> (Vec<Answer>, usize) {
    let (mut answers, mut unavailable) = (Vec::new(), 0);
    for turn in first.. {
        if over.load(Ordering::SeqCst) {
            break;
        }
        let home = turn % asks.len();
        match note(&gate, home, asks[home]).await {
            Some(answer) => answers.push(answer),
            None => unavailable += 1,
        }
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
    (answers, unavailable)
}

/// An owner: grants, removes, and asks both gates at once after each acknowledgement. Odd homes write through the second gate.
async fn own(
    bench: Arc<Bench>,
    gates: [Arc<Gate>; 2],
    number: usize,
    mut place: Place,
    over: Arc<AtomicBool>,
) -> Wrote {
    let (mut changes, mut answers) = (Vec::new(), [Vec::new(), Vec::new()]);
    let mut belongs = false;
    while !over.load(Ordering::SeqCst) {
        belongs = !belongs;
        let row = relation(&place);
        let asked = Instant::now();
        let done = bench
            .append_through(&gates[number % 2], &place.owner, &mut place.home, |append| {
                if belongs { append.relations.push(row) } else { append.ended.push(place.slot) }
            })
            .await;
        // An operator's removal may have overtaken it five times in a row, or the database may be busy: not done, not noted.
        let Ok(done) = done else {
            belongs = !belongs;
            continue;
        };
        let effect = Effect::Member(number, belongs);
        let (acked, revision) = (Instant::now(), done.revision);
        changes.push(Change { asked, acked, revision, effect, by_operator: false });
        for (gate, answers) in gates.iter().zip(&mut answers) {
            answers.extend(note(gate, number, ask_of(&place)).await);
        }
    }
    (changes, answers.into())
}

fn relation(place: &Place) -> RelationRow {
    RelationRow {
        account: place.member.account,
        slot: place.slot,
        rights: Rights::MEMBER,
        cameras: None,
        from: UnixMillis(0),
        until: None,
    }
}

/// What the operator does in turn: lockdowns on and off, and removals.
fn orders(places: &[Place]) -> Vec<(OperatorDeed, Effect)> {
    let mut orders = Vec::new();
    for (number, place) in places.iter().enumerate() {
        let (home, account) = (place.home.home, place.member.account);
        for on in [true, false] {
            orders.push((OperatorDeed::LockHome { home, on }, Effect::LockHome(number, on)));
        }
        orders.push((OperatorDeed::EndRelation { home, account }, Effect::Member(number, false)));
    }
    for on in [true, false] {
        orders.push((OperatorDeed::LockEverything { on }, Effect::LockAll(on)));
    }
    orders
}

/// The operator's own process.
async fn operate(places: Vec<Place>, mut process: OperatorProcess, over: Arc<AtomicBool>) -> Wrote {
    let mut changes = Vec::new();
    for (deed, effect) in orders(&places).iter().cycle() {
        if over.load(Ordering::SeqCst) && !matches!(effect, Effect::LockAll(true)) {
            break;
        }
        let asked = Instant::now();
        // Refused: the member to be removed is none just now.
        if let Some(revision) = process.order(&Order::of(deed)).await {
            changes.push(Change {
                asked,
                acked: Instant::now(),
                revision,
                effect: *effect,
                by_operator: true,
            });
        }
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    process.stop().await;
    (changes, Vec::new())
}

/// The operator in this process, through the second opening of the file: where a fault is in the process, it is here too.
async fn operate_here(
    truth: Arc<SqliteTruth>,
    bench: Arc<Bench>,
    places: Vec<Place>,
    over: Arc<AtomicBool>,
) -> Wrote {
    use keepsight_gate::Truth as _;
    let mut changes = Vec::new();
    for (deed, effect) in orders(&places).iter().cycle() {
        if over.load(Ordering::SeqCst) {
            break;
        }
        let asked = Instant::now();
        let tag = Tag(bench.world.random());
        if let Ok(done) = truth.commit(Write::by_operator(deed.clone(), tag)).await {
            let (acked, revision) = (Instant::now(), done.revision);
            changes.push(Change { asked, acked, revision, effect: *effect, by_operator: true });
        }
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    (changes, Vec::new())
}
