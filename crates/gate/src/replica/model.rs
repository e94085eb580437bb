//! The check protocol explored state by state: every order in which writes, acknowledgements, arrivals, fences, snapshots,
//! answers, a standby and a failover can happen, around the real [`Replica`] and the real `decide()`.
//!
//! Each fault is put into what stands around them, and the exploration must find the answer that it makes wrong.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use keepsight_ids::{AccountId, HomeId, OrgId, Revision, SessionId, SlotId, UnixMillis};
use stateright::{Checker, Model, Property};

use super::*;
use crate::{
    AccountFacts, Action, HomeFacts, LogRow, Relation, Rights, ServiceFacts, SessionFacts, State as Use,
    TokenHash,
};

const TOKEN: TokenHash = TokenHash::from_bytes([1; 32]);
const ME: AccountId = AccountId::from_bytes([1; 16]);
const HOME: HomeId = HomeId::from_bytes([1; 16]);
const COOKIE: Credential = Credential::Session(TOKEN);
const LIST: Ask = Ask::home(Action::ListEvents, HOME);

/// Of each history.
const COMMITS_MAX: usize = 2;
const FLIGHTS_MAX: usize = 2;
const CHECKS: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Fault {
    AdmitLateArrivals,
    LoadOutsideFence,
    FenceFromStandby,
    NoTag,
    StreamKeepsPermit,
    HeadInMemory,
    AckBeforeCommit,
}

/// One revision: the membership or the lockdown, set to that. The membership is written through this node, the lockdown through
/// another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Write {
    Member(bool),
    Lock(bool),
}

/// Where a point of history is: which history, and how far along it.
type Point = (usize, usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Check {
    NotYet,
    /// Arrived when this had been acknowledged.
    Waiting(Point, u8),
    /// Answered with a decision of that point.
    Yes(Point),
    No,
    /// Answered, and wrong.
    Wrong,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Flight {
    batch: Vec<usize>,
    plan: (Point, Vec<Key>),
    beside: Option<Point>,
    snapshot: Option<(Point, bool)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    /// Every history there was; the last is the truth's.
    histories: Vec<Vec<Write>>,
    acked: usize,
    /// Acknowledged, and not committed.
    owed: Option<Write>,
    /// This node's own newest write.
    remembered: usize,
    replica: Held,
    open: Vec<usize>,
    flights: Vec<Flight>,
    checks: [Check; CHECKS],
    /// How much of the first history the second one keeps.
    kept: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    Commit(Write),
    AckEarly(Write),
    Arrive(usize),
    Send,
    LoadBeside(usize),
    Snapshot(usize),
    StandbySnapshot(usize),
    Deliver(usize),
    /// The last so many revisions are lost.
    Failover(usize),
}

/// The replica, compared by what it holds.
#[derive(Debug, Clone)]
struct Held(Replica);

impl Held {
    fn outline(&self) -> (Revision, Option<Tag>, Vec<(Key, bool)>) {
        let told = |loaded: &Loaded| match loaded {
            Loaded::Account(facts) => !facts.relations.is_empty(),
            Loaded::Home(facts) => facts.lockdown,
            Loaded::Service(_) | Loaded::Session(_) => true,
        };
        let mut held: Vec<_> = self.0.held.iter().map(|(key, loaded)| (*key, told(loaded))).collect();
        held.sort();
        (self.0.applied, self.0.tag, held)
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.outline() == other.outline()
    }
}

impl Eq for Held {}

impl Hash for Held {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.outline().hash(state);
    }
}

impl World {
    fn begin() -> Self {
        let mut world = Self {
            histories: vec![vec![]],
            acked: 0,
            owed: None,
            remembered: 0,
            replica: Held(Replica::default()),
            open: vec![],
            flights: vec![],
            checks: [Check::NotYet; CHECKS],
            kept: 0,
        };
        // Warm: everything held, as of the beginning.
        let wanted = vec![Key::Service, Key::Session(TOKEN), Key::Account(ME), Key::Home(HOME)];
        let plan = world.replica.0.plan(wanted);
        let reply = world.reply(&plan, (0, 0), (0, 0), 0);
        world.replica.0.apply(&plan, reply);
        world
    }

    fn now(&self) -> Point {
        (self.histories.len() - 1, self.histories[self.histories.len() - 1].len())
    }

    fn commit(&mut self, write: Write) {
        self.histories.last_mut().expect("there is one").push(write);
        if matches!(write, Write::Member(_)) {
            self.remembered = self.now().1;
        }
    }

    /// (member, locked) at that point.
    fn at(&self, (history, revision): Point) -> (bool, bool) {
        self.histories[history][..revision].iter().fold((true, false), |(member, locked), write| match *write
        {
            Write::Member(on) => (on, locked),
            Write::Lock(on) => (member, on),
        })
    }

    fn right(&self, point: Point) -> bool {
        self.at(point) == (true, false)
    }

    /// What a truth at `point` answers; the aggregates as of `loads`, the head as remembered by whoever remembers.
    fn reply(&self, plan: &Plan, point: Point, loads: Point, head: usize) -> FenceReply {
        let (history, _) = point;
        let log = (1..=head).filter(|at| *at as u64 > plan.applied.0).map(|at| LogRow {
            revision: Revision(at as u64),
            tag: tag(self.kept, (history, at)),
            key: match self.histories[history][at - 1] {
                Write::Member(_) => Key::Account(ME),
                Write::Lock(_) => Key::Home(HOME),
            },
        });
        let applied = plan.applied.0 as usize;
        FenceReply {
            nonce: 0,
            head: Revision(head as u64),
            head_tag: tag(self.kept, (history, head)),
            in_recovery: false,
            time: UnixMillis(0),
            applied_tag: (applied <= point.1).then(|| tag(self.kept, (history, applied))),
            log: log.collect(),
            loaded: plan.wanted.iter().map(|key| (*key, self.facts(*key, loads))).collect(),
        }
    }

    fn facts(&self, key: Key, point: Point) -> Loaded {
        let (member, lockdown) = self.at(point);
        match key {
            Key::Service => {
                Loaded::Service(Arc::new(ServiceFacts { lockdown: false, sessions_since: Revision(0) }))
            }
            Key::Session(_) => Loaded::Session(Arc::new(SessionFacts {
                subject: Subject::Person(ME),
                session: Some(SessionId::from_bytes([1; 16])),
                device: String::new(),
                since: Revision(0),
                expires: UnixMillis(1),
                ended: false,
            })),
            Key::Account(account) => Loaded::Account(Arc::new(AccountFacts {
                account,
                state: Use::Active,
                touched: Revision(0),
                relations: member.then(relation).into_iter().collect(),
            })),
            Key::Home(home) => Loaded::Home(Arc::new(HomeFacts {
                home,
                org: OrgId::from_bytes([0; 16]),
                state: Use::Active,
                lockdown,
                chain_seq: 0,
                touched: Revision(0),
                cameras: Default::default(),
                agents: Default::default(),
            })),
        }
    }
}

fn relation() -> Relation {
    Relation {
        home: HOME,
        slot: SlotId::from_bytes([1; 16]),
        rights: Rights::MEMBER,
        cameras: None,
        from: UnixMillis(0),
        until: None,
        since: Revision(0),
    }
}

/// Two points have the same tag only if they are the same revision: of the first history, up to what a failover kept.
fn tag(kept: usize, (history, revision): Point) -> Tag {
    let mut tag = [0; 16];
    tag[0] = u8::from(history > 0 && revision > kept);
    tag[1] = revision as u8;
    Tag(tag)
}

/// What is explored: every order of what these let happen.
#[derive(Clone, Copy)]
struct Protocol {
    fault: Option<Fault>,
    failover: bool,
    standby: bool,
}

impl Protocol {
    fn is(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn deliver(&self, world: &mut World, number: usize) {
        let flight = world.flights.remove(number);
        let (point, in_recovery) = flight.snapshot.expect("an answer has a snapshot");
        let mut batch = flight.batch;
        if in_recovery && !self.is(Fault::FenceFromStandby) {
            batch.into_iter().for_each(|check| world.checks[check] = Check::No);
            return;
        }
        if self.is(Fault::AdmitLateArrivals) {
            batch.append(&mut world.open);
        }
        let (sent_at, wanted) = flight.plan;
        let plan = Plan { applied: Revision(sent_at.1 as u64), tag: Some(tag(world.kept, sent_at)), wanted };
        let head = if self.is(Fault::HeadInMemory) { world.remembered.min(point.1) } else { point.1 };
        let mut reply = world.reply(&plan, point, flight.beside.unwrap_or(point), head);
        if self.is(Fault::NoTag) {
            reply.applied_tag = plan.tag;
        }
        let mut replica = world.replica.0.clone();
        let decided = replica.apply(&plan, reply);
        let point = (point.0, decided.replica().applied.0 as usize);
        let verdict = decide(&decided, &COOKIE, &LIST, UnixMillis(0));
        world.replica = Held(replica);
        for check in batch {
            let Check::Waiting(arrived, rounds) = world.checks[check] else {
                unreachable!("only who waits is in a batch")
            };
            world.checks[check] = match verdict {
                Verdict::Lack(_) if rounds < 2 => {
                    world.open.push(check);
                    Check::Waiting(arrived, rounds + 1)
                }
                Verdict::Lack(_) => Check::No,
                Verdict::Allow(_) => judged(world, arrived, point, true),
                Verdict::Deny(_) => judged(world, arrived, point, false),
            };
        }
    }
}

/// Right is what stood at the point that it was decided at, and that point is not before what had been acknowledged.
fn judged(world: &World, arrived: Point, point: Point, allowed: bool) -> Check {
    let within = world.histories[point.0].len() >= point.1;
    if !within || point < arrived || world.right(point) != allowed {
        Check::Wrong
    } else if allowed {
        Check::Yes(point)
    } else {
        Check::No
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World::begin()]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        let (history, head) = world.now();
        let (member, locked) = world.at((history, head));
        if head < COMMITS_MAX && world.owed.is_none() {
            let writes = [Write::Member(!member), Write::Lock(!locked)];
            let early = self.is(Fault::AckBeforeCommit);
            steps.extend(writes.map(|write| if early { Step::AckEarly(write) } else { Step::Commit(write) }));
        }
        steps.extend(world.owed.map(Step::Commit));
        if history == 0 && self.failover {
            steps.extend((1..=head).map(Step::Failover));
        }
        let next = world.checks.iter().position(|check| *check == Check::NotYet);
        steps.extend(next.map(Step::Arrive));
        if !world.open.is_empty() && world.flights.len() < FLIGHTS_MAX {
            steps.push(Step::Send);
        }
        for (number, flight) in world.flights.iter().enumerate() {
            match flight.snapshot {
                Some(_) => steps.push(Step::Deliver(number)),
                None if self.is(Fault::LoadOutsideFence) && flight.beside.is_none() => {
                    steps.push(Step::LoadBeside(number))
                }
                None => {
                    steps.push(Step::Snapshot(number));
                    // One is enough to see what a standby's answer does.
                    steps.extend((number == 0 && self.standby).then_some(Step::StandbySnapshot(number)));
                }
            }
        }
    }

    fn next_state(&self, before: &World, step: Step) -> Option<World> {
        let mut world = before.clone();
        let now = world.now();
        match step {
            Step::Commit(write) => {
                world.commit(write);
                // Acknowledged at once: the hardest to keep.
                (world.acked, world.owed) = (world.now().1, None);
            }
            Step::AckEarly(write) => {
                (world.owed, world.acked) = (Some(write), now.1 + 1);
            }
            Step::Arrive(check) => {
                let arrived = (now.0, world.acked);
                let stream = match world.checks[0] {
                    Check::Yes(point) if check == 1 && self.is(Fault::StreamKeepsPermit) => Some(point),
                    _ => None,
                };
                match stream {
                    Some(point) => world.checks[check] = judged(&world, arrived, point, true),
                    None => {
                        world.checks[check] = Check::Waiting(arrived, 0);
                        world.open.push(check);
                    }
                }
            }
            Step::Send => send(&mut world),
            Step::LoadBeside(number) => world.flights[number].beside = Some(now),
            Step::Snapshot(number) => world.flights[number].snapshot = Some((now, false)),
            // A standby is one revision behind.
            Step::StandbySnapshot(number) => {
                world.flights[number].snapshot = Some(((now.0, now.1.checked_sub(1)?), true))
            }
            Step::Deliver(number) => self.deliver(&mut world, number),
            Step::Failover(lost) => {
                let mut kept = world.histories[now.0].clone();
                kept.truncate(now.1 - lost);
                world.kept = kept.len();
                // Neither what was promised by the lost history nor what was remembered of it counts.
                (world.acked, world.owed) = (world.acked.min(kept.len()), None);
                world.remembered = world.remembered.min(kept.len());
                world.histories.push(kept);
            }
        }
        (world != *before).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties =
            vec![Property::always(PROMISE, |_: &Self, world: &World| !world.checks.contains(&Check::Wrong))];
        if self.fault.is_none() {
            properties.push(Property::sometimes(
                "a check is allowed after changes",
                |_: &Self, world: &World| {
                    world.checks.iter().any(|check| matches!(check, Check::Yes((_, 2))))
                },
            ));
        }
        if self.fault.is_none() && self.failover {
            properties.push(Property::sometimes(
                "a check is allowed after a failover",
                |_: &Self, world: &World| {
                    world.checks.iter().any(|check| matches!(check, Check::Yes((1, _))))
                },
            ));
        }
        properties
    }
}

/// Closes the batch, and sends its fence.
fn send(world: &mut World) {
    let batch = std::mem::take(&mut world.open);
    let mut wanted = HashSet::new();
    for check in &batch {
        let again = matches!(world.checks[*check], Check::Waiting(_, rounds) if rounds > 0);
        world.replica.0.lacking(&COOKIE, &LIST, again, &mut wanted);
    }
    let mut wanted: Vec<Key> = wanted.into_iter().collect();
    wanted.sort();
    let history = (0..world.histories.len()).rev().find(|history| {
        let applied = world.replica.0.applied.0 as usize;
        world.histories[*history].len() >= applied
            && world.replica.0.tag == Some(tag(world.kept, (*history, applied)))
    });
    let applied = (history.expect("the replica is of some history"), world.replica.0.applied.0 as usize);
    world.flights.push(Flight { batch, plan: (applied, wanted), beside: None, snapshot: None });
}

const PROMISE: &str = "no answer is from before what was acknowledged";
const ALL: Protocol = Protocol { fault: None, failover: true, standby: false };

fn explore(protocol: Protocol) -> impl Checker<Protocol> {
    protocol.checker().threads(2).spawn_bfs().join()
}

fn holds(protocol: Protocol) {
    let checked = explore(protocol);
    checked.assert_properties();
    let states = checked.unique_state_count();
    assert!(states > 5_000, "{states} states are not many");
}

#[test]
fn no_order_of_events_gives_an_answer_from_before_an_acknowledged_change() {
    holds(Protocol { failover: false, standby: true, ..ALL });
}

#[test]
fn no_failover_gives_an_answer_of_a_history_that_has_ended() {
    holds(ALL);
}

#[test]
fn the_exploration_finds_what_each_fault_does() {
    for fault in [
        Fault::AdmitLateArrivals,
        Fault::LoadOutsideFence,
        Fault::FenceFromStandby,
        Fault::NoTag,
        Fault::StreamKeepsPermit,
        Fault::HeadInMemory,
        Fault::AckBeforeCommit,
    ] {
        let (failover, standby) = (fault == Fault::NoTag, fault == Fault::FenceFromStandby);
        let found = explore(Protocol { fault: Some(fault), failover, standby }).discovery(PROMISE).is_some();
        assert!(found, "{fault:?} was not found");
    }
}
