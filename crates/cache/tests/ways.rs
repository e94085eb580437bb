//! What else can be chosen: rotated keys, bypass, many keys at once, early refresh, the danger of stale values, and the bound of own copies. In virtual time.

mod common;

mod ways {
    mod conformance;
    mod deadlines;
    mod elsewhere;
    mod leases;
    mod lifetimes;
    mod refusals;
    mod rings;
    mod sizes;
    mod told;
}

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use common::{BoundNotes, Origin, Scripted, SealedNotes, connect, key, over, pass};
use keepsight_cache::{
    Backend, BackendError, Cache, Cached, Error, Found, KeyRing, Leased, LocalBound, Location, MasterKey,
    Memory, NotInvalidated, Redis, RedisConfig, Reply, Token,
};

fn ring(keys: &[u8]) -> KeyRing {
    KeyRing::new(keys.iter().map(|n| MasterKey::new([*n; 32]))).unwrap()
}

#[tokio::test(start_paused = true)]
async fn old_keys_open_and_a_retired_key_is_a_miss() {
    let (memory, origin) = (Memory::default(), Origin::default());
    let with = |keys: &[u8]| over(memory.clone(), 1).keys(ring(keys)).build().typed::<SealedNotes>();
    assert_eq!(origin.get(&with(&[1]), 1, "a").await.unwrap(), Some("1/a load 0".into()));
    assert_eq!(
        origin.get(&with(&[1, 2]), 1, "a").await.unwrap(),
        Some("1/a load 0".into()),
        "an old key opens"
    );
    assert_eq!(origin.get(&with(&[1, 2]), 1, "b").await.unwrap(), Some("1/b load 1".into()));
    assert_eq!(
        origin.get(&with(&[2]), 1, "b").await.unwrap(),
        Some("1/b load 1".into()),
        "the newest sealed"
    );
    assert_eq!(origin.get(&with(&[2]), 1, "a").await.unwrap(), Some("1/a load 2".into()), "a retired key");
}

#[tokio::test(start_paused = true)]
async fn bypassed_every_value_comes_from_the_origin_and_none_is_stored() {
    let cache = over(Memory::default(), 1).local(LocalBound::default()).build();
    let (notes, origin) = (cache.typed::<BoundNotes>(), Origin::default());
    cache.bypass(true);
    for n in 0..3 {
        assert_eq!(origin.get(&notes, 1, "a").await.unwrap(), Some(format!("1/a load {n}")));
    }
    cache.bypass(false);
    assert_eq!(origin.get(&notes, 1, "a").await.unwrap(), Some("1/a load 3".into()));
    assert_eq!(origin.get(&notes, 1, "a").await.unwrap(), Some("1/a load 3".into()));
}

#[tokio::test(start_paused = true)]
async fn who_bypasses_the_cache_is_not_given_what_others_find_there() {
    let memory = Memory::default();
    let [here, there] = [1, 2].map(|n| over(memory.clone(), n).build());
    let slow = Origin::taking(Duration::from_millis(100));
    let get = |cache: &Cache| {
        let (notes, slow) = (cache.typed::<BoundNotes>(), slow.clone());
        tokio::spawn(async move { slow.get(&notes, 1, "a").await.unwrap() })
    };
    let stored = get(&there);
    pass(Duration::from_millis(10)).await;
    // Waits for what the other process will store.
    let found = get(&here);
    pass(Duration::from_millis(10)).await;
    here.bypass(true);
    let own = [get(&here), get(&here)];
    assert_eq!(stored.await.unwrap(), Some("1/a load 0".into()));
    assert_eq!(found.await.unwrap(), Some("1/a load 0".into()));
    for own in own {
        assert_eq!(own.await.unwrap(), Some("1/a load 1".into()), "from the origin, once for both");
    }
}

#[tokio::test(start_paused = true)]
async fn many_keys_travel_together_and_each_has_its_own_result() {
    let server = Scripted::new();
    let notes = over(connect(&server).await, 1).build().typed::<SealedNotes>();
    let load = |key: (u32, String)| async move {
        if key.1 == "bad" { Err("no".to_owned()) } else { Ok(Some(format!("{}/{}", key.0, key.1))) }
    };
    let keys: Vec<_> = ["a", "b", "bad", "c"].map(|name| key(1, name)).into();
    for _ in 0..2 {
        let before = server.executed("ECHO");
        let values = notes.get_many(&keys, load).await;
        for (key, value) in keys.iter().zip(values) {
            match value {
                Ok(value) => assert_eq!(*value.unwrap(), format!("1/{}", key.1)),
                Err(error) => assert!(key.1 == "bad" && matches!(error, Error::Load(_))),
            }
        }
        assert!(server.executed("ECHO") - before <= 8, "gets, leases and stores travel together");
    }
}

#[tokio::test(start_paused = true)]
async fn what_ends_soon_is_loaded_anew_before_it_ends() {
    let notes = over(Memory::default(), 1).early_refresh(3.0).build().typed::<BoundNotes>();
    let origin = Origin::taking(Duration::from_millis(400));
    origin.get(&notes, 1, "a").await.unwrap();
    let began = tokio::time::Instant::now();
    // Asked for all the time: nobody ever waits for a load, through three lifetimes.
    while began.elapsed() < 3 * BoundNotes::LIFETIME {
        let asked = tokio::time::Instant::now();
        assert!(origin.get(&notes, 1, "a").await.unwrap().is_some());
        assert_eq!(asked.elapsed(), Duration::ZERO, "somebody waited");
        pass(Duration::from_millis(50)).await;
    }
    assert!((3..10).contains(&origin.loads()), "{} loads", origin.loads());
}

#[tokio::test(start_paused = true)]
async fn stale_values_are_served_in_danger_only_and_never_after_an_invalidation() {
    let (memory, failing) = (Memory::default(), || async { Err::<Option<String>, _>("down".to_owned()) });
    let minute = Duration::from_secs(60);
    let safe = over(memory.clone(), 1).build().typed::<BoundNotes>();
    let dared = over(memory.clone(), 2).danger_serve_stale_on_error(minute).build().typed::<BoundNotes>();
    Origin::default().get(&dared, 1, "a").await.unwrap();
    pass(BoundNotes::LIFETIME).await;
    assert!(matches!(safe.get_or_load(&key(1, "a"), failing).await, Err(Error::Load(_))));
    let stale = dared.get_or_load(&key(1, "a"), failing).await.unwrap();
    assert_eq!(stale.as_deref().map(String::as_str), Some("1/a load 0"));
    dared.invalidate(&key(1, "a")).await.unwrap();
    assert!(dared.get_or_load(&key(1, "a"), failing).await.is_err(), "it was invalidated");
}

#[tokio::test(start_paused = true)]
async fn own_copies_are_bounded_by_count_and_by_bytes() {
    for (bound, most) in [
        (LocalBound { entries: 100, ..LocalBound::default() }, 100),
        // A thousand bytes each, and what an entry itself takes.
        (LocalBound { bytes: 50_000, ..LocalBound::default() }, 45),
    ] {
        let server = Scripted::new();
        server.inside().unreachable = true;
        let redis = Redis::start(RedisConfig::dialing(server));
        let notes = over(redis, 1).local(bound).build().typed::<BoundNotes>();
        let loads = Arc::new(AtomicUsize::new(0));
        for _ in 0..2 {
            loads.store(0, Ordering::SeqCst);
            for n in 0..500 {
                let loads = loads.clone();
                let load = move || async move {
                    loads.fetch_add(1, Ordering::SeqCst);
                    Ok::<_, String>(Some("x".repeat(998)))
                };
                notes.get_or_load(&key(1, &n.to_string()), load).await.unwrap();
            }
        }
        let kept = 500 - loads.load(Ordering::SeqCst);
        assert!(kept <= most, "{kept} copies");
    }
}

#[tokio::test(start_paused = true)]
async fn an_invalidation_that_nobody_acknowledged_says_so_and_still_forgets_here() {
    let server = Scripted::new();
    let redis = connect(&server).await;
    let notes = over(redis.clone(), 1).local(LocalBound::default()).build().typed::<BoundNotes>();
    let origin = Origin::default();
    origin.get(&notes, 1, "a").await.unwrap();
    server.restart();
    server.inside().unreachable = true;
    let told: Result<(), NotInvalidated> = notes.invalidate(&key(1, "a")).await;
    assert!(told.is_err());
    assert_eq!(origin.get(&notes, 1, "a").await.unwrap(), Some("1/a load 1".into()));
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "two types are named")]
async fn two_types_of_one_name_are_refused() {
    mod other {
        use keepsight_cache::{Cached, Json, Level};

        pub struct Impostor;

        impl Cached for Impostor {
            type Tenant = ();
            type Key = u8;
            type Value = u8;
            type Codec = Json;
            const NAMESPACE: &'static str = "tests";
            const NAME: &'static str = "BoundNotes";
            const VERSION: u32 = 1;
            const LEVEL: Level = Level::Bound;
            const LIFETIME: std::time::Duration = std::time::Duration::from_secs(1);
            fn tenant(_: &u8) {}
        }
    }
    let cache = over(Memory::default(), 1).build();
    cache.typed::<BoundNotes>();
    cache.typed::<other::Impostor>();
}

/// A server that does what it is asked, whose connection breaks before some of the answers.
#[derive(Clone)]
struct Breaking {
    memory: Memory,
    breaks: Arc<AtomicUsize>,
    at: Breaks,
}

#[derive(Clone, Copy, PartialEq)]
enum Breaks {
    Lease,
    Fill,
}

impl Breaking {
    fn answer<T: Unpin>(&self, here: bool, reply: Reply<T>) -> Reply<T> {
        let left = |left: usize| left.checked_sub(1);
        if here && self.breaks.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok() {
            return Reply::ready(Err(BackendError::OutcomeUnknown));
        }
        reply
    }
}

impl Backend for Breaking {
    fn get(&self, at: Location) -> Reply<Found> {
        self.memory.get(at)
    }

    fn lease(&self, at: Location, token: Token, lifetime: Duration) -> Reply<Leased> {
        self.answer(self.at == Breaks::Lease, self.memory.lease(at, token, lifetime))
    }

    fn fill(&self, at: Location, token: Option<Token>, envelope: Bytes, lifetime: Duration) -> Reply<bool> {
        if self.at == Breaks::Fill && self.breaks.load(Ordering::SeqCst) > 0 {
            return self.answer(true, Reply::ready(Ok(false)));
        }
        self.memory.fill(at, token, envelope, lifetime)
    }

    fn release(&self, at: Location, token: Token) -> Reply<()> {
        if self.breaks.load(Ordering::SeqCst) > 0 {
            return self.answer(true, Reply::ready(Ok(())));
        }
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

#[tokio::test(start_paused = true)]
async fn a_lease_that_a_broken_connection_left_behind_is_given_back() {
    for at in [Breaks::Lease, Breaks::Fill] {
        // The answer is lost, and so are the first tries to give the lease back.
        let (memory, breaks) = (Memory::default(), Arc::new(AtomicUsize::new(4)));
        let broken = Breaking { memory: memory.clone(), breaks: breaks.clone(), at };
        let (here, there) = (over(broken, 1).build(), over(memory, 2).build());
        let origin = Origin::default();
        assert!(origin.get(&here.typed::<SealedNotes>(), 1, "a").await.is_ok());
        pass(Duration::from_millis(200)).await;
        assert_eq!(breaks.load(Ordering::SeqCst), 0, "all tries were lost that should be");
        let began = tokio::time::Instant::now();
        for _ in 0..2 {
            let value = origin.get(&there.typed::<SealedNotes>(), 1, "a").await.unwrap();
            assert_eq!(value, Some("1/a load 1".into()), "loaded once more, and stored");
        }
        assert!(began.elapsed() < Duration::from_millis(50), "nobody waits: {:?}", began.elapsed());
    }
}
