//! Every fault, at every reply, with a caller that leaves at every poll, over every call: what the simulation draws, one by one. Three processes and a server, in
//! virtual time.
//!
//! Judged: a value names its key; after an acknowledged invalidation nobody in that process gets what was before, and nobody elsewhere a second later; every call
//! ends; and soon after the fault everybody is served at once: no connection and no lease is left to wait for.

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::scripted::{Fault, OOM, READONLY};
use common::{Leaving, Scripted, SealedNotes, Seeded, key, place, ring};
use keepsight_cache::{Backend, Cache, LocalBound, Redis, RedisConfig, Typed};
use tokio::time::{Instant, sleep, timeout};

const MS: Duration = Duration::from_millis(1);
const LOAD: Duration = Duration::from_millis(8);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    /// Of what is on the server.
    Get,
    /// Of what is not: asked for, leased, loaded and stored.
    Load,
    Invalidate,
    InvalidateTenant,
}

#[derive(Debug, Clone, Copy)]
struct Case {
    call: Call,
    fault: Fault,
    /// The next connection's dial hangs too.
    hangs: bool,
    /// The number of the reply, of whatever process, that is spoilt.
    reply: usize,
    /// After which the caller leaves.
    polls: u64,
}

/// What came of a case.
struct Ran {
    injected: bool,
    left: bool,
}

#[derive(Clone)]
struct Process {
    redis: Redis,
    notes: Typed<SealedNotes>,
    truth: Arc<AtomicU64>,
}

impl Process {
    fn start(number: u64, server: &Scripted, truth: &Arc<AtomicU64>) -> Self {
        let env = Seeded::new(number);
        let redis = Redis::start(RedisConfig::dialing(server.clone()).env(env.clone()));
        let cache = Cache::builder(redis.clone()).keys(ring()).early_refresh(0.0).env(env);
        Self { redis, notes: cache.build().typed(), truth: truth.clone() }
    }

    /// The version of a note that this process is given.
    async fn version(&self, name: &'static str) -> u64 {
        let truth = self.truth.clone();
        let load = move || async move {
            let version = truth.load(Ordering::SeqCst);
            sleep(LOAD).await;
            Ok::<_, String>(Some(format!("{name}#{version}")))
        };
        let wanted = key(1, name);
        let got = timeout(Duration::from_secs(9), self.notes.get_or_load(&wanted, load)).await;
        let value = got.expect("every get ends").expect("the loader does not fail").expect("a note");
        let (whose, version) = value.split_once('#').expect("every value states its version");
        assert_eq!(whose, name, "a value of another key");
        version.parse().expect("a number")
    }

    async fn call(&self, call: Call) -> bool {
        match call {
            Call::Get => self.version("stored").await == 0,
            Call::Load => self.version("loading").await == 0,
            Call::InvalidateTenant => self.notes.invalidate_tenant(&1).await.is_ok(),
            Call::Invalidate => {
                let (stored, loading) = (key(1, "stored"), key(1, "loading"));
                let both =
                    futures_util::join!(self.notes.invalidate(&stored), self.notes.invalidate(&loading));
                both.0.is_ok() && both.1.is_ok()
            }
        }
    }
}

fn run(case: Case) -> Ran {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.unwrap().block_on(play(case))
}

async fn play(case: Case) -> Ran {
    let (server, truth) = (Scripted::new(), Arc::default());
    let [one, two, three] = [1, 2, 3].map(|number| Process::start(number, &server, &truth));
    for process in [&one, &two, &three] {
        assert!(process.redis.wait_connected(Duration::from_secs(1)).await);
    }
    // The third process has a copy of its own, and who invalidates has one too.
    assert_eq!(three.version("stored").await, 0);
    let changes = matches!(case.call, Call::Invalidate | Call::InvalidateTenant);
    if changes {
        assert_eq!(one.version("stored").await, 0);
    }
    server.plays((0..case.reply).map(|_| Fault::None).chain([case.fault]));
    server.inside().dials_that_hang = usize::from(case.hangs);
    // The second is in the middle of a load, and the third waits for it.
    let others = [("loading", &two), ("loading", &three)].map(|(name, process)| {
        let process = process.clone();
        tokio::spawn(async move { process.version(name).await })
    });
    sleep(LOAD / 2).await;
    truth.store(u64::from(changes), Ordering::SeqCst);
    let done = Leaving::after(case.polls, one.call(case.call)).await;
    let left = done.is_none();
    let injected = server.inside().plan.is_empty();
    if changes && done != Some(true) {
        acknowledged(&one, case.call).await;
    }
    let acknowledged = Instant::now();
    let floor = u64::from(changes);
    for name in ["stored", "loading"] {
        assert!(one.version(name).await >= floor, "what this process invalidated: {name}");
    }
    for other in others {
        other.await.expect("whoever asked before is answered");
    }
    // A plan that was not played to its end is about somebody who asks later.
    let injected = injected || server.inside().plan.is_empty();
    server.inside().plan.clear();
    let local = LocalBound::default().lifetime;
    sleep((local + MS).saturating_sub(acknowledged.elapsed())).await;
    for process in [&two, &three] {
        for name in ["stored", "loading"] {
            assert!(process.version(name).await >= floor, "what another process invalidated: {name}");
        }
    }
    healed(&[one, two, three], case.fault).await;
    Ran { injected, left }
}

async fn acknowledged(process: &Process, call: Call) {
    for _ in 0..200 {
        if process.call(call).await {
            return;
        }
        sleep(20 * MS).await;
    }
    panic!("an invalidation gets through some time");
}

/// Soon everybody is served over a good connection, from the server, without a load, and without waiting for anybody's lease.
async fn healed(processes: &[Process], fault: Fault) {
    // A server that reads late can grant a lease to a connection that is gone, after it was given back over the next. It lives as long as leases live.
    let reads_late = matches!(fault, Fault::StopReading(_) | Fault::Stall(_));
    sleep(Duration::from_secs(if reads_late { 7 } else { 3 })).await;
    for process in processes {
        let began = Instant::now();
        assert!(process.redis.get(place(9)).await.is_ok(), "served again");
        for name in ["stored", "loading", "new"] {
            process.version(name).await;
        }
        assert!(began.elapsed() <= 4 * LOAD, "at once, and not after {:?}", began.elapsed());
    }
    let generations = processes.iter().map(|process| process.redis.generation());
    assert!(generations.max() <= Some(4), "a fault costs a reconnect or two");
}

fn faults() -> Vec<(Fault, bool)> {
    let short = Duration::from_millis(5);
    let long = Duration::from_millis(600);
    let mut faults = vec![(Fault::Close, true)];
    let others = [
        // One that leaves the connection as good as it was, and one that does not.
        Fault::Refuse(OOM),
        Fault::Refuse(READONLY),
        Fault::Lose,
        Fault::Duplicate,
        Fault::Swap,
        Fault::Stall(short),
        Fault::Stall(long),
        Fault::Split,
        Fault::Cut,
        Fault::Unsolicited,
        Fault::Close,
        Fault::Nil,
        Fault::StopReading(long),
        Fault::HalfOpen,
    ];
    faults.extend(others.map(|fault| (fault, false)));
    faults
}

/// All replies and all polls, as many as there are.
fn sweep(call: Call) {
    let (mut cases, mut most_polls) = (0, 0);
    for (fault, hangs) in faults() {
        let mut replies = BTreeSet::new();
        for polls in 1.. {
            let mut anybody_left = false;
            for reply in 0.. {
                let case = Case { call, fault, hangs, reply, polls };
                let ran = std::panic::catch_unwind(|| run(case));
                let ran = ran.unwrap_or_else(|_| panic!("{case:?} failed: its reason stands above"));
                cases += 1;
                anybody_left |= ran.left;
                if !ran.injected {
                    break;
                }
                replies.insert(reply);
            }
            most_polls = most_polls.max(polls);
            if !anybody_left {
                break;
            }
        }
        assert!(replies.len() >= 6, "{fault:?} was tried at {} replies only", replies.len());
    }
    assert!(cases > 300, "{cases} cases");
    assert!(most_polls > 1, "nobody ever left");
}

#[test]
fn a_get_stands_every_fault_at_every_reply_and_poll() {
    sweep(Call::Get);
}

#[test]
fn a_load_stands_every_fault_at_every_reply_and_poll() {
    sweep(Call::Load);
}

#[test]
fn an_invalidation_stands_every_fault_at_every_reply_and_poll() {
    sweep(Call::Invalidate);
}

#[test]
fn a_tenants_invalidation_stands_every_fault_at_every_reply_and_poll() {
    sweep(Call::InvalidateTenant);
}
