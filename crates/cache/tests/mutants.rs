//! The eight promises, each as scenarios that must hold, and the fault that each would notice.
//!
//! Every scenario is run as it is and must hold. In a build with `sabotage` it is run again with its fault in the process, and must fail: a test that can't tell the
//! difference holds nothing. All in virtual time.

mod common;

mod mutants {
    pub mod cluster;
    pub mod exchange;
}

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use common::scripted::{Fault, Scripted};
use common::{BoundNotes, Origin, SealedNotes, connect, key, over, pass, place, same};
use keepsight_cache::{
    Backend, BackendError, Cached, Found, Leased, LocalBound, Location, Memory, OriginLimit, Redis,
    RedisConfig, Reply, Token,
};

macro_rules! scenario {
    ($name:ident catches $($mutant:ident),+) => {
        #[tokio::test(start_paused = true)]
        async fn $name() {
            #[cfg(feature = "sabotage")]
            let held = keepsight_cache::sabotage::hold(None);
            scenarios::$name().await.unwrap();
            #[cfg(feature = "sabotage")]
            {
                use keepsight_cache::sabotage::{Mutant, hold};
                drop(held);
                $({
                    let _held = hold(Some(Mutant::$mutant));
                    let caught = scenarios::$name().await;
                    assert!(caught.is_err(), "{} was not noticed", Mutant::$mutant.name());
                    #[allow(clippy::print_stdout, reason = "collected by xtask")]
                    {
                        println!("mutant {} caught by {}", Mutant::$mutant.name(), stringify!($name));
                    }
                })+
            }
        }
    };
}

#[cfg(feature = "sabotage")]
#[test]
fn every_mutant_is_listed() {
    for mutant in keepsight_cache::sabotage::Mutant::ALL {
        #[allow(clippy::print_stdout, reason = "collected by xtask")]
        {
            println!("mutant {}", mutant.name());
        }
    }
}

// 1 Bound
scenario!(a_bound_value_of_another_key_is_refused catches NoBinding);
scenario!(a_sealed_value_of_another_key_is_refused catches NoBinding);
scenario!(a_value_of_another_type_or_version_is_refused catches NoBinding);
scenario!(two_tenants_with_one_name_have_two_values catches DropTenant);
scenario!(keys_whose_hashes_collide_are_two_keys catches CompareHashesOnly);
scenario!(no_nonce_seals_twice catches RandomNonces);
// 2 Correlated
scenario!(a_lost_reply_is_no_miss catches NoEcho);
scenario!(each_caller_gets_the_answer_to_its_own_question catches PopWrongSlot);
scenario!(a_lease_is_held_by_whom_it_was_given_to catches NoScriptNonce);
// 3 Fail-stop
scenario!(a_reply_that_nobody_asked_for_ends_the_connection catches SwallowUnsolicited);
scenario!(a_time_out_ends_the_connection catches KeepAfterTimeout);
scenario!(a_command_half_written_ends_the_connection catches ReuseAfterShortWrite);
scenario!(nothing_travels_with_auth catches PipelineAuth);
scenario!(what_was_in_flight_is_never_sent_again catches SendTwice);
// 4 Cancel-safe
scenario!(followers_get_their_value_when_the_leader_goes_away catches LeaderDiesWithCaller);
scenario!(an_abandoned_get_keeps_its_place catches AbandonPlace);
// 5 No stampede
scenario!(one_load_for_all_callers_of_a_key catches NoSingleFlight);
scenario!(one_load_for_all_processes_of_a_cluster catches NoLease);
scenario!(what_is_not_there_is_asked_for_once catches AbsentIsMiss);
// 6 Bounded staleness
scenario!(a_load_that_began_before_an_invalidation_is_not_stored catches StoreAfterInvalidate);
scenario!(another_process_does_not_store_it_either catches IgnoreLease);
scenario!(no_copy_is_left_after_an_invalidation catches KeepLocalAfterInvalidate);
scenario!(no_copy_outlives_its_connection catches LocalSurvivesReconnect);
scenario!(a_value_ends_even_if_the_server_keeps_it catches TrustServersExpiry);
// 7 Bounded origin load
scenario!(the_origin_never_gets_more_than_it_bears catches NoLimit);
scenario!(an_origin_that_gets_slow_gets_fewer_loads catches FixedLimit);
// 8 Fast
scenario!(concurrent_gets_ride_in_one_batch catches NoBatching);
scenario!(a_lonely_get_goes_at_once catches WaitForCompany);

mod scenarios {
    use super::*;

    pub use crate::mutants::cluster::one_load_for_all_processes_of_a_cluster;
    pub use crate::mutants::exchange::{
        a_bound_value_of_another_key_is_refused, a_sealed_value_of_another_key_is_refused,
        a_value_of_another_type_or_version_is_refused,
    };

    pub type Outcome = Result<(), String>;

    pub async fn two_tenants_with_one_name_have_two_values() -> Outcome {
        let cache = over(Memory::default(), 1).build();
        let (notes, origin) = (cache.typed::<BoundNotes>(), Origin::default());
        same(origin.get(&notes, 1, "door").await.unwrap(), Some("1/door load 0".into()), "one")?;
        same(origin.get(&notes, 2, "door").await.unwrap(), Some("2/door load 1".into()), "other")
    }

    /// In a build whose hashers collide, that is; in others it is a plain test.
    pub async fn keys_whose_hashes_collide_are_two_keys() -> Outcome {
        let cache = over(Memory::default(), 1).local(LocalBound::default()).build();
        let notes = cache.typed::<SealedNotes>();
        let origin = Origin::taking(Duration::from_millis(10));
        let names: Vec<String> = (0..8).map(|n| format!("note {n}")).collect();
        for round in 0..2 {
            let gets = names.iter().map(|name| origin.get(&notes, 1, name));
            for (name, value) in names.iter().zip(futures_util::future::join_all(gets).await) {
                let value = value.unwrap().unwrap_or_default();
                if !value.starts_with(&format!("1/{name} ")) {
                    return Err(format!("round {round}: {name} is {value}"));
                }
            }
        }
        Ok(())
    }

    /// Two processes with one key ring seal thousands of values: no (sub-key, counter) comes twice.
    pub async fn no_nonce_seals_twice() -> Outcome {
        let spy = Spy::default();
        for process in 0..2 {
            let notes = over(spy.clone(), process).build().typed::<SealedNotes>();
            let origin = Origin::default();
            for n in 0..2_000 {
                origin.get(&notes, process as u32, &n.to_string()).await.unwrap();
            }
        }
        let sealed = spy.filled.lock().unwrap();
        let sealed: Vec<&Bytes> = sealed.iter().filter(|envelope| envelope.starts_with(b"ks1s")).collect();
        same(sealed.len(), 4_000, "values sealed")?;
        // Magic 4, master key 8, generations 16, then process 16 and counter 8.
        let nonces: HashSet<&[u8]> = sealed.iter().map(|envelope| &envelope[28..52]).collect();
        same(nonces.len(), 4_000, "different nonces")
    }

    /// The reply to one get is lost; the next reply, to another get, has its shape.
    pub async fn a_lost_reply_is_no_miss() -> Outcome {
        let server = Scripted::new();
        let redis = connect(&server).await;
        redis.fill(place(1), None, "there".into(), Duration::from_secs(60)).await.unwrap();
        server.plays([Fault::Lose]);
        let first = tokio::spawn(redis.get(place(1)));
        pass(Duration::from_millis(1)).await;
        let second = redis.get(place(2)).await;
        same(first.await.unwrap(), Err(BackendError::OutcomeUnknown), "the get whose reply was lost")?;
        match second {
            Ok(Found { envelope: None, .. }) | Err(_) => Ok(()),
            Ok(found) => Err(format!("nothing was stored there: {found:?}")),
        }
    }

    pub async fn each_caller_gets_the_answer_to_its_own_question() -> Outcome {
        let server = Scripted::new();
        let redis = connect(&server).await;
        for n in 1..=3 {
            redis.fill(place(n), None, vec![n].into(), Duration::from_secs(60)).await.unwrap();
        }
        let replies = [redis.get(place(1)), redis.get(place(2)), redis.get(place(3))];
        for (n, reply) in (1..=3).zip(replies) {
            same(reply.await.unwrap().envelope, Some(vec![n].into()), "its own value")?;
        }
        Ok(())
    }

    /// Two leases are asked for at once, one of them is taken, and the replies are exchanged.
    pub async fn a_lease_is_held_by_whom_it_was_given_to() -> Outcome {
        let server = Scripted::new();
        let redis = connect(&server).await;
        let long = Duration::from_secs(60);
        redis.lease(place(1), Token([1; 16]), long).await.unwrap();
        server.plays([Fault::Swap]);
        let taken = redis.lease(place(1), Token([2; 16]), long);
        let free = redis.lease(place(2), Token([2; 16]), long);
        for (what, reply) in [("taken", taken.await), ("free", free.await)] {
            same(reply, Err(BackendError::OutcomeUnknown), what)?;
        }
        Ok(())
    }

    pub async fn a_reply_that_nobody_asked_for_ends_the_connection() -> Outcome {
        let server = Scripted::new();
        let redis = connect(&server).await;
        // The second reply is the ECHO's; doubled, one of the two belongs to nobody.
        server.plays([Fault::None, Fault::Duplicate]);
        redis.get(place(1)).await.unwrap();
        pass(Duration::from_secs(1)).await;
        same(redis.generation(), 2, "the connection's number")?;
        same(redis.get(place(1)).await.map(|found| found.envelope), Ok(None), "back")
    }

    pub async fn a_time_out_ends_the_connection() -> Outcome {
        let server = Scripted::new();
        let redis = connect(&server).await;
        server.plays([Fault::Lose, Fault::Lose]);
        let lost = redis.get(place(1)).await;
        same(lost, Err(BackendError::OutcomeUnknown), "no reply")?;
        pass(Duration::from_secs(1)).await;
        same(redis.get(place(1)).await.map(|found| found.envelope), Ok(None), "back")?;
        same(redis.generation(), 2, "the connection's number")
    }

    /// The server reads slowly: a large value is not written in time.
    pub async fn a_command_half_written_ends_the_connection() -> Outcome {
        let server = Scripted::new();
        server.inside().window = 16 << 10;
        let redis = connect(&server).await;
        server.plays([Fault::None, Fault::StopReading(Duration::from_millis(400))]);
        redis.get(place(1)).await.unwrap();
        let large = redis.fill(place(1), None, vec![b'x'; 1 << 20].into(), Duration::from_secs(60));
        same(large.await, Err(BackendError::OutcomeUnknown), "the large value")?;
        pass(Duration::from_secs(1)).await;
        same(redis.get(place(2)).await.map(|found| found.envelope), Ok(None), "back")?;
        same(redis.generation(), 2, "the connection's number")?;
        same(server.inside().garbage, false, "a command inside of another")
    }

    pub async fn nothing_travels_with_auth() -> Outcome {
        let server = Scripted::new();
        server.inside().password = Some("secret".to_owned());
        let config = RedisConfig::dialing(server.clone()).auth("keepsight", "secret");
        let redis = Redis::start(config);
        let early = redis.get(place(1));
        redis.wait_connected(Duration::from_secs(1)).await;
        drop(early.await);
        same(server.inside().auth_was_pipelined, false, "something travelled with AUTH")?;
        same(redis.get(place(1)).await.map(|found| found.envelope), Ok(None), "let in")
    }

    /// The connection ends after a command was executed and before its reply.
    pub async fn what_was_in_flight_is_never_sent_again() -> Outcome {
        let server = Scripted::new();
        let redis = connect(&server).await;
        server.plays([Fault::Close]);
        let filled = redis.fill(place(1), None, "once".into(), Duration::from_secs(60)).await;
        pass(Duration::from_secs(1)).await;
        same(server.executed("fill"), 1, "times executed")?;
        same(filled, Err(BackendError::OutcomeUnknown), "what the caller knows")
    }

    pub async fn followers_get_their_value_when_the_leader_goes_away() -> Outcome {
        let notes = over(Memory::default(), 1).build().typed::<BoundNotes>();
        let origin = Origin::taking(Duration::from_millis(100));
        let leader = tokio::spawn({
            let (notes, origin) = (notes.clone(), origin.clone());
            async move { drop(origin.get(&notes, 1, "a").await) }
        });
        pass(Duration::from_millis(10)).await;
        let follower = tokio::spawn({
            let (notes, origin) = (notes.clone(), origin.clone());
            async move { origin.get(&notes, 1, "a").await.map_err(|error| error.to_string()) }
        });
        pass(Duration::from_millis(10)).await;
        leader.abort();
        same(follower.await.unwrap(), Ok(Some("1/a load 0".into())), "the follower")
    }

    pub async fn an_abandoned_get_keeps_its_place() -> Outcome {
        let server = Scripted::new();
        let redis = connect(&server).await;
        for n in 1..=3 {
            redis.fill(place(n), None, vec![n].into(), Duration::from_secs(60)).await.unwrap();
        }
        server.plays([Fault::Stall(Duration::from_millis(50))]);
        let [first, abandoned, third] = [1, 2, 3].map(|n| redis.get(place(n)));
        pass(Duration::from_millis(10)).await;
        drop(abandoned);
        same(first.await.unwrap().envelope, Some(vec![1].into()), "the one before")?;
        same(third.await.unwrap().envelope, Some(vec![3].into()), "the one behind")
    }

    pub async fn one_load_for_all_callers_of_a_key() -> Outcome {
        let notes = over(Memory::default(), 1).leases(false).build().typed::<BoundNotes>();
        let origin = Origin::taking(Duration::from_millis(50));
        let gets = (0..1_000).map(|_| origin.get(&notes, 1, "hot"));
        for value in futures_util::future::join_all(gets).await {
            same(value.unwrap(), Some("1/hot load 0".into()), "everybody's value")?;
        }
        same(origin.loads(), 1, "loads")
    }

    pub async fn what_is_not_there_is_asked_for_once() -> Outcome {
        let notes = over(Memory::default(), 1).build().typed::<SealedNotes>();
        let origin = Origin::default();
        *origin.absent.lock().unwrap() = true;
        for _ in 0..3 {
            same(origin.get(&notes, 1, "nothing").await.unwrap(), None, "there is no such thing")?;
        }
        same(origin.loads(), 1, "loads")?;
        pass(Duration::from_secs(21)).await;
        same(origin.get(&notes, 1, "nothing").await.unwrap(), None, "there is still no such thing")?;
        same(origin.loads(), 2, "loads after the lifetime of an absence")
    }

    pub async fn a_load_that_began_before_an_invalidation_is_not_stored() -> Outcome {
        let notes = over(Memory::default(), 1).build().typed::<BoundNotes>();
        overtaken(&notes, &notes).await
    }

    pub async fn another_process_does_not_store_it_either() -> Outcome {
        let memory = Memory::default();
        let one = over(memory.clone(), 1).build().typed::<BoundNotes>();
        let other = over(memory, 2).build().typed::<BoundNotes>();
        overtaken(&one, &other).await
    }

    /// A load goes on here, an invalidation happens there, the load ends: the next get loads anew.
    async fn overtaken(
        here: &keepsight_cache::Typed<BoundNotes>,
        there: &keepsight_cache::Typed<BoundNotes>,
    ) -> Outcome {
        let origin = Origin::taking(Duration::from_millis(100));
        let old = tokio::spawn({
            let (notes, origin) = (here.clone(), origin.clone());
            async move { origin.get(&notes, 1, "a").await.map_err(|error| error.to_string()) }
        });
        pass(Duration::from_millis(10)).await;
        there.invalidate(&key(1, "a")).await.unwrap();
        same(old.await.unwrap(), Ok(Some("1/a load 0".into())), "who asked before")?;
        same(origin.get(here, 1, "a").await.unwrap(), Some("1/a load 1".into()), "who asks after")
    }

    pub async fn no_copy_is_left_after_an_invalidation() -> Outcome {
        let cache = over(Memory::default(), 1).local(LocalBound::default()).build();
        let (notes, origin) = (cache.typed::<BoundNotes>(), Origin::default());
        for (loads, forget) in [(0, 0), (1, 1), (2, 2), (3, 3)] {
            let expected = Some(format!("1/a load {loads}"));
            same(origin.get(&notes, 1, "a").await.unwrap(), expected.clone(), "loaded")?;
            same(origin.get(&notes, 1, "a").await.unwrap(), expected, "a copy")?;
            match forget {
                0 => notes.invalidate(&key(1, "a")).await.unwrap(),
                1 => notes.invalidate_tenant(&1).await.unwrap(),
                _ => notes.invalidate_all().await.unwrap(),
            }
        }
        Ok(())
    }

    pub async fn no_copy_outlives_its_connection() -> Outcome {
        let server = Scripted::new();
        let redis = connect(&server).await;
        let cache = over(redis.clone(), 1).local(LocalBound::default()).build();
        let (notes, origin) = (cache.typed::<BoundNotes>(), Origin::default());
        same(origin.get(&notes, 1, "a").await.unwrap(), Some("1/a load 0".into()), "loaded")?;
        // The server restarts empty; what it was told meanwhile by others is not known here.
        server.forget();
        redis.distrust(redis.generation());
        pass(Duration::from_millis(50)).await;
        same(redis.generation(), 2, "the connection's number")?;
        same(origin.get(&notes, 1, "a").await.unwrap(), Some("1/a load 1".into()), "after the reconnect")
    }

    pub async fn a_value_ends_even_if_the_server_keeps_it() -> Outcome {
        let server = Scripted::new();
        server.inside().never_expires = true;
        let cache = over(connect(&server).await, 1).leases(false).build();
        let (notes, origin) = (cache.typed::<SealedNotes>(), Origin::default());
        same(origin.get(&notes, 1, "a").await.unwrap(), Some("1/a load 0".into()), "loaded")?;
        pass(SealedNotes::LIFETIME * 8 / 10).await;
        same(origin.get(&notes, 1, "a").await.unwrap(), Some("1/a load 0".into()), "still good")?;
        pass(SealedNotes::LIFETIME).await;
        same(origin.get(&notes, 1, "a").await.unwrap(), Some("1/a load 1".into()), "ended")
    }

    /// Thousands of keys are asked for at once, and there is no cache server.
    pub async fn the_origin_never_gets_more_than_it_bears() -> Outcome {
        let server = Scripted::new();
        server.inside().unreachable = true;
        let redis = Redis::start(RedisConfig::dialing(server));
        let bounds = OriginLimit { start: 8, least: 1, most: 8, waiting: 500, ..OriginLimit::default() };
        let notes = over(redis, 1).origin(bounds).build().typed::<BoundNotes>();
        let origin = Origin::taking(Duration::from_millis(50));
        let names: Vec<String> = (0..2_000).map(|n| n.to_string()).collect();
        let gets = names.iter().map(|name| origin.get(&notes, 1, name));
        let values = futures_util::future::join_all(gets).await;
        let most = origin.most_at_once.load(Ordering::SeqCst);
        if most > 8 {
            return Err(format!("{most} loads at once"));
        }
        same(
            values.iter().filter(|value| value.is_ok()).count(),
            origin.loads(),
            "loads that were for nothing",
        )?;
        // 500 ms of patience, 50 ms a load, 8 at once: what could be done was done.
        if origin.loads() < 70 { Err(format!("only {} loads", origin.loads())) } else { Ok(()) }
    }

    /// It bears sixteen at once; with more, each takes as much longer.
    pub async fn an_origin_that_gets_slow_gets_fewer_loads() -> Outcome {
        let bounds = OriginLimit { start: 64, most: 64, ..OriginLimit::default() };
        let cache = over(Memory::default(), 1).origin(bounds).build();
        let (notes, running) = (cache.typed::<BoundNotes>(), Arc::new(AtomicUsize::new(0)));
        let callers = (0..64).map(|caller| {
            let (notes, running) = (notes.clone(), running.clone());
            tokio::spawn(async move {
                for n in 0..200 {
                    let running = running.clone();
                    let load = move || async move {
                        let beside = running.fetch_add(1, Ordering::SeqCst) + 1;
                        pass(Duration::from_millis(20).mul_f64((beside as f64 / 16.0).max(1.0))).await;
                        running.fetch_sub(1, Ordering::SeqCst);
                        Ok::<_, Infallible>(None)
                    };
                    // Who is shed asks for another key next.
                    drop(notes.get_or_load(&key(1, &format!("{caller}/{n}")), load).await);
                }
            })
        });
        futures_util::future::join_all(callers.collect::<Vec<_>>()).await;
        let (_, limit) = cache.origin_load();
        if limit > 40 { Err(format!("still {limit} loads at once")) } else { Ok(()) }
    }

    pub async fn concurrent_gets_ride_in_one_batch() -> Outcome {
        let server = Scripted::new();
        let redis = connect(&server).await;
        let before = server.executed("ECHO");
        let gets = (0..200).map(|n| {
            let redis = redis.clone();
            tokio::spawn(async move { redis.get(place(n)).await.map(|found| found.envelope) })
        });
        for found in futures_util::future::join_all(gets.collect::<Vec<_>>()).await {
            same(found.unwrap(), Ok(None), "a get")?;
        }
        same(server.executed("ECHO") - before, 1, "batches")
    }

    pub async fn a_lonely_get_goes_at_once() -> Outcome {
        let server = Scripted::new();
        let redis = connect(&server).await;
        let began = tokio::time::Instant::now();
        redis.get(place(1)).await.unwrap();
        same(began.elapsed(), Duration::ZERO, "waited")
    }
}

/// A memory that remembers what it was given.
#[derive(Clone, Default)]
struct Spy {
    memory: Memory,
    filled: Arc<Mutex<Vec<Bytes>>>,
}

impl Backend for Spy {
    fn get(&self, at: Location) -> Reply<Found> {
        self.memory.get(at)
    }

    fn lease(&self, at: Location, token: Token, lifetime: Duration) -> Reply<Leased> {
        self.memory.lease(at, token, lifetime)
    }

    fn fill(&self, at: Location, token: Option<Token>, envelope: Bytes, lifetime: Duration) -> Reply<bool> {
        self.filled.lock().unwrap().push(envelope.clone());
        self.memory.fill(at, token, envelope, lifetime)
    }

    fn release(&self, at: Location, token: Token) -> Reply<()> {
        self.memory.release(at, token)
    }

    fn invalidate(&self, at: Location) -> Reply<()> {
        self.memory.invalidate(at)
    }

    fn adopt(&self, at: Location, fresh: Bytes, lifetime: Duration) -> Reply<Found> {
        self.memory.adopt(at, fresh, lifetime)
    }

    fn generation(&self) -> u64 {
        self.memory.generation()
    }

    fn distrust(&self, generation: u64) {
        self.memory.distrust(generation);
    }
}
