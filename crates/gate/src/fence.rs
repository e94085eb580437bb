//! The fence task: gathers checks into batches and answers each batch from one read sent after the batch was closed.
//!
//! It is a task of its own, nobody's future: a caller who goes away never takes an answer with them. A check that arrives while
//! a fence is in flight waits for the next one, for only a fence sent after a check arrived can say what was true by then.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use keepsight_ids::Revision;
use keepsight_world::{Instant, World};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::decide::refused_member;
use crate::replica::{Plan, Replica};
use crate::sabotage::{self, Mutant};
use crate::truth::{FenceQuery, FenceReply, Lane, Truth};
use crate::{Ask, Credential, Denied, Key, Permit, Refused, Verdict, decide};

/// An answer that takes longer is no answer.
const DEADLINE: Duration = Duration::from_secs(2);
/// Then the same question goes over the second connection too.
const HEDGE_AFTER: Duration = Duration::from_millis(100);
/// Fences are at least this far apart.
const PACE: Duration = Duration::from_millis(1);
/// With a long round trip a further fence is sent after this, or an eighth of the round trip.
const STAGGER: Duration = Duration::from_millis(5);
/// At most so many at a time.
const IN_FLIGHT_MAX: usize = 8;
/// Loads that a check may need before it is given up.
const ROUNDS_MAX: u8 = 3;
/// Aggregates that one fence asks for; checks beyond wait for the next.
const WANTED_MAX: usize = 4096;

/// A check in the queue.
pub struct Waiting {
    pub credential: Credential,
    pub ask: Ask,
    pub rounds: u8,
    pub answer: oneshot::Sender<Result<Permit, Refused>>,
}

/// A batch whose fence has come back, or has not.
struct Flight {
    batch: Vec<Waiting>,
    plan: Plan,
    sent: Instant,
    reply: Result<FenceReply, FenceFailed>,
}

/// No reply that can be believed.
#[derive(Debug)]
struct FenceFailed(String);

/// The task's state.
pub struct FenceTask {
    truth: Arc<dyn Truth>,
    world: World,
    arriving: mpsc::Receiver<Waiting>,
    applied: watch::Sender<Revision>,
    replica: Replica,
    open: Vec<Waiting>,
    flights: JoinSet<Flight>,
    last_sent: Option<Instant>,
    round_trip: Duration,
}

impl FenceTask {
    pub fn new(
        truth: Arc<dyn Truth>,
        world: World,
        arriving: mpsc::Receiver<Waiting>,
        applied: watch::Sender<Revision>,
    ) -> Self {
        Self {
            truth,
            world,
            arriving,
            applied,
            replica: Replica::default(),
            open: Vec::new(),
            flights: JoinSet::new(),
            last_sent: None,
            round_trip: Duration::ZERO,
        }
    }

    /// Runs until every [`Gate`](crate::Gate) handle is gone and the last batch is answered.
    pub async fn run(mut self) {
        let mut closed = false;
        while !(closed && self.open.is_empty() && self.flights.is_empty()) {
            let next_send = self.may_send_at();
            tokio::select! {
                biased;
                Some(flight) = self.flights.join_next() => match flight {
                    Ok(flight) => self.settle(flight),
                    Err(error) => tracing::error!(%error, "a fence ended without an answer"),
                },
                arrived = self.arriving.recv(), if !closed => match arrived {
                    Some(waiting) => self.open.push(waiting),
                    None => closed = true,
                },
                () = sleep_until(next_send), if next_send.is_some() => self.send(),
            }
        }
    }

    /// When the open batch may be sent; `None` while there is nothing to send or no room.
    fn may_send_at(&self) -> Option<Instant> {
        if self.open.is_empty() || self.flights.len() >= IN_FLIGHT_MAX {
            return None;
        }
        let apart = if self.flights.is_empty() { PACE } else { STAGGER.max(self.round_trip / 8) };
        Some(self.last_sent.map_or_else(|| self.world.now(), |last| last + apart))
    }

    /// Closes the batch, then sends its fence. In this order: a check that arrives after the batch is closed is not answered by it.
    fn send(&mut self) {
        while let Ok(waiting) = self.arriving.try_recv() {
            self.open.push(waiting);
        }
        let (batch, wanted) = self.close_batch();
        let plan = self.replica.plan(wanted);
        let sent = self.world.now();
        self.last_sent = Some(sent);
        let (truth, world) = (self.truth.clone(), self.world.clone());
        self.flights.spawn(async move {
            let reply = fly(&*truth, &world, &plan).await;
            Flight { batch, plan, sent, reply }
        });
    }

    fn close_batch(&mut self) -> (Vec<Waiting>, Vec<Key>) {
        let mut wanted = HashSet::new();
        let mut batch = Vec::with_capacity(self.open.len());
        let mut open = std::mem::take(&mut self.open).into_iter();
        for waiting in open.by_ref() {
            self.replica.lacking(&waiting.credential, &waiting.ask, waiting.rounds > 0, &mut wanted);
            batch.push(waiting);
            if wanted.len() >= WANTED_MAX {
                break;
            }
        }
        self.open = open.collect();
        (batch, wanted.into_iter().collect())
    }

    /// Applies the reply and decides its batch in the same breath.
    fn settle(&mut self, mut flight: Flight) {
        let reply = match flight.reply {
            Ok(reply) => reply,
            Err(FenceFailed(why)) => {
                tracing::warn!(
                    checks = flight.batch.len(),
                    why,
                    "no fence: every check of the batch is refused"
                );
                return refuse_all(flight.batch);
            }
        };
        self.round_trip = self.world.now().duration_since(flight.sent);
        if sabotage::active(Mutant::AdmitLateArrivals) {
            flight.batch.append(&mut self.open);
            flight.batch.extend(std::iter::from_fn(|| self.arriving.try_recv().ok()));
        }
        let decided = self.replica.apply(&flight.plan, reply);
        let (revision, tag, time) = decided.replica().as_of();
        let now = if sabotage::active(Mutant::ExpiryByLocalClock) {
            keepsight_ids::UnixMillis(self.world.unix_millis())
        } else {
            time
        };
        for mut waiting in flight.batch {
            let answer = match decide(&decided, &waiting.credential, &waiting.ask, now) {
                Verdict::Allow(grant) => Ok(Permit::new(
                    grant,
                    (waiting.credential, waiting.ask),
                    (revision, tag, time),
                    flight.sent,
                )),
                Verdict::Deny(denied) => {
                    let member = refused_member(&decided, &waiting.credential, &waiting.ask, denied);
                    Err(Refused { denied, member: member.map(Box::new), revision, at: time })
                }
                Verdict::Lack(_) if waiting.rounds + 1 < ROUNDS_MAX => {
                    waiting.rounds += 1;
                    self.open.push(waiting);
                    continue;
                }
                Verdict::Lack(_) => Err(Denied::Unavailable.into()),
            };
            // Who has stopped waiting needs no answer.
            let _ = waiting.answer.send(answer);
        }
        self.applied.send_if_modified(|seen| std::mem::replace(seen, revision) != revision);
    }
}

fn refuse_all(batch: Vec<Waiting>) {
    for waiting in batch {
        let _ = waiting.answer.send(Err(Denied::Unavailable.into()));
    }
}

async fn sleep_until(at: Option<Instant>) {
    if let Some(at) = at {
        tokio::time::sleep_until(at).await;
    }
}

/// One fence: asked once, and after 100 ms once more on the second connection. The first good reply wins.
async fn fly(truth: &dyn Truth, world: &World, plan: &Plan) -> Result<FenceReply, FenceFailed> {
    if sabotage::active(Mutant::LoadOutsideFence) {
        return fly_with_loads_beside(truth, world, plan).await;
    }
    let both = async {
        let first = ask(truth, world, Lane::First, plan);
        tokio::pin!(first);
        if let Ok(answered) = tokio::time::timeout(HEDGE_AFTER, &mut first).await {
            return answered;
        }
        let second = ask(truth, world, Lane::Hedge, plan);
        tokio::pin!(second);
        tokio::select! {
            reply = &mut first => if reply.is_ok() { reply } else { second.await },
            reply = &mut second => if reply.is_ok() { reply } else { first.await },
        }
    };
    match tokio::time::timeout(DEADLINE, both).await {
        Ok(reply) => reply,
        Err(_) => {
            truth.close(Lane::First);
            truth.close(Lane::Hedge);
            Err(FenceFailed("no reply within two seconds".into()))
        }
    }
}

async fn ask(truth: &dyn Truth, world: &World, lane: Lane, plan: &Plan) -> Result<FenceReply, FenceFailed> {
    let nonce = u128::from_le_bytes(world.random());
    let query = FenceQuery { nonce, applied: plan.applied, wanted: plan.wanted.clone() };
    let why = match truth.fence(lane, query).await {
        Ok(reply) if reply.nonce != nonce => "another question's reply".into(),
        Ok(reply) if reply.in_recovery && !sabotage::active(Mutant::FenceFromStandby) => {
            "a standby's reply".into()
        }
        Ok(reply) => return Ok(reply),
        Err(error) => error.to_string(),
    };
    truth.close(lane);
    Err(FenceFailed(why))
}

/// The mutant's way: the aggregates by a read of their own, and the fence without them.
async fn fly_with_loads_beside(
    truth: &dyn Truth,
    world: &World,
    plan: &Plan,
) -> Result<FenceReply, FenceFailed> {
    let beside = ask(truth, world, Lane::First, plan).await?;
    let fence = Plan { wanted: Vec::new(), ..plan.clone() };
    let mut reply = ask(truth, world, Lane::First, &fence).await?;
    reply.loaded = beside.loaded;
    Ok(reply)
}
