//! Limits against guessing and flooding: buckets per address, slow answers per name, requests at once.
//!
//! All in memory and of bounded size. A limit may turn an answer into *come back later*; it never skips a check.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keepsight_gate::TokenHash;
use keepsight_ids::{AccountId, AgentId, HomeId};
use keepsight_world::{Instant, World};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::fault::{Code, Fault, Outcome};

/// How many keys are remembered before the idle ones are dropped.
const KEYS_MAX: usize = 50_000;

/// How much is allowed: `burst` at once, and one more every `refill`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// At once.
    pub burst: u32,
    /// One more after this long.
    pub refill: Duration,
}

impl Rate {
    /// `burst` at once and one more every `refill`.
    pub const fn new(burst: u32, refill: Duration) -> Self {
        Self { burst, refill }
    }
}

/// What a server allows. The defaults suit a small deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Connections open at once; who comes then is told to come back. Each takes a file descriptor and some tens of kilobytes.
    pub connections: usize,
    /// How long a request's head may take, and how long a connection over HTTP/1 is kept without a request.
    pub head_time: Duration,
    /// How long nothing of a body may arrive.
    pub body_idle: Duration,
    /// How long a client may take nothing of what is written to it.
    pub write_idle: Duration,
    /// Requests in work at once; more wait shortly and are then sent away.
    pub requests: usize,
    /// Open update streams, all homes together.
    pub streams: usize,
    /// Open update streams of one account.
    pub streams_per_account: usize,
    /// Requests with a session that does not exist, by address.
    pub unknown_credentials: Rate,
    /// Sign-ins, recoveries and questions for password parameters, by address.
    pub sign_in: Rate,
    /// Sign-ups and set-up tokens, by address.
    pub sign_up: Rate,
    /// Look-ups of pairings and invitations, by address.
    pub look_up: Rate,
    /// Agents that a server of this size takes back a second after an outage.
    pub agents_per_second: u64,
    /// Sessions that one agent opens.
    pub agent_sessions: Rate,
    /// Bytes of large bodies in memory at a time.
    pub upload_bytes: usize,
    /// Large bodies of one agent at a time.
    pub uploads_per_agent: usize,
    /// How long a body may take as a whole.
    pub body_time: Duration,
    /// How long a handler may take.
    pub handler_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            head_time: Duration::from_secs(30),
            body_idle: Duration::from_secs(15),
            write_idle: Duration::from_secs(30),
            requests: 512,
            streams: 4096,
            streams_per_account: 16,
            unknown_credentials: Rate::new(60, Duration::from_secs(1)),
            sign_in: Rate::new(30, Duration::from_secs(4)),
            sign_up: Rate::new(20, Duration::from_secs(10)),
            look_up: Rate::new(20, Duration::from_secs(6)),
            agents_per_second: 50,
            agent_sessions: Rate::new(30, Duration::from_secs(20)),
            upload_bytes: 128 << 20,
            uploads_per_agent: 8,
            body_time: Duration::from_secs(60),
            handler_time: Duration::from_secs(30),
        }
    }
}

/// Whom a limit counts: an IPv4 address, or an IPv6 network of 64 bits, which one customer usually has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Neighbour([u8; 8]);

impl From<IpAddr> for Neighbour {
    fn from(address: IpAddr) -> Self {
        let mut key = [0; 8];
        match address.to_canonical() {
            IpAddr::V4(v4) => key[4..].copy_from_slice(&v4.octets()),
            IpAddr::V6(v6) => key.copy_from_slice(&v6.octets()[..8]),
        }
        Self(key)
    }
}

/// Buckets that empty with use and refill with time, one per key.
pub(crate) struct Buckets<K> {
    rate: Rate,
    world: World,
    /// When each key's bucket will be full again; absent means full.
    full_at: Mutex<HashMap<K, Instant>>,
}

impl<K: Hash + Eq> Buckets<K> {
    pub(crate) fn new(rate: Rate, world: World) -> Self {
        Self { rate, world, full_at: Mutex::new(HashMap::new()) }
    }

    /// Takes one, or says how long until there is one again.
    pub(crate) fn take(&self, key: K) -> Result<(), Duration> {
        let now = self.world.now();
        let mut full_at = self.full_at.lock().expect("no panic while the buckets are held");
        if full_at.len() >= KEYS_MAX {
            full_at.retain(|_, full| *full > now);
        }
        // More busy keys than are remembered means a flood from everywhere: nobody new is let in.
        if full_at.len() >= KEYS_MAX && !full_at.contains_key(&key) {
            return Err(self.rate.refill);
        }
        let full = full_at.entry(key).or_insert(now);
        let after = (*full).max(now) + self.rate.refill;
        let room = self.rate.refill * self.rate.burst;
        if after.duration_since(now) > room {
            return Err(after.duration_since(now) - room);
        }
        *full = after;
        Ok(())
    }

    /// True when one could be taken now.
    pub(crate) fn has(&self, key: &K) -> Result<(), Duration> {
        let now = self.world.now();
        let full_at = self.full_at.lock().expect("no panic while the buckets are held");
        let room = self.rate.refill * self.rate.burst;
        let Some(full) = full_at.get(key) else { return Ok(()) };
        let owed = full.saturating_duration_since(now) + self.rate.refill;
        if owed > room { Err(owed - room) } else { Ok(()) }
    }

    /// Puts back one that was taken and not used.
    pub(crate) fn give_back(&self, key: &K) {
        let mut full_at = self.full_at.lock().expect("no panic while the buckets are held");
        if let Some(full) = full_at.get_mut(key) {
            *full -= self.rate.refill;
        }
    }

    /// Forgets a key's use.
    pub(crate) fn forgive(&self, key: &K) {
        self.full_at.lock().expect("no panic while the buckets are held").remove(key);
    }
}

/// The limits of one server, at work.
pub(crate) struct Guard {
    pub(crate) unknown: Buckets<Neighbour>,
    pub(crate) sign_in: Buckets<Neighbour>,
    pub(crate) sign_up: Buckets<Neighbour>,
    pub(crate) look_up: Buckets<Neighbour>,
    pub(crate) agent_sessions: Buckets<AgentId>,
    /// Failed sign-ins by name, whether or not such an account exists.
    tarpit: Buckets<[u8; 32]>,
    /// Those who wait in the tarpit.
    slow: Semaphore,
    /// Tokens that the gate took lately; only to tell a guest of long standing from a guesser.
    good: Mutex<HashSet<TokenHash>>,
    requests: Arc<Semaphore>,
    pub(crate) streams: Arc<Semaphore>,
    seats: Arc<Mutex<HashMap<Sitter, usize>>>,
    /// Homes in which retention lately found nothing that it may let go.
    pub(crate) full_homes: Buckets<HomeId>,
    world: World,
}

/// Whose open update streams are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sitter {
    Account(AccountId),
    Home(HomeId),
}

/// One of the update streams that an account or a home may have open; given back when dropped.
pub(crate) struct Seat {
    sitter: Sitter,
    seats: Arc<Mutex<HashMap<Sitter, usize>>>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.seats.lock().expect("no panic while the seats are held");
        if let Some(taken) = seats.get_mut(&self.sitter) {
            *taken -= 1;
            if *taken == 0 {
                seats.remove(&self.sitter);
            }
        }
    }
}

/// How long a home in which all is kept is not searched again for what may go.
const FULL_HOME_REST: Duration = Duration::from_secs(10);
/// How long a request may wait for its turn before it is sent away.
const TURN_WAIT: Duration = Duration::from_millis(250);

impl Guard {
    pub(crate) fn new(limits: &Limits, world: World) -> Self {
        let buckets = |rate| Buckets::new(rate, world.clone());
        Self {
            unknown: buckets(limits.unknown_credentials),
            sign_in: buckets(limits.sign_in),
            sign_up: buckets(limits.sign_up),
            look_up: buckets(limits.look_up),
            agent_sessions: Buckets::new(limits.agent_sessions, world.clone()),
            tarpit: Buckets::new(Rate::new(10, Duration::from_secs(30)), world.clone()),
            slow: Semaphore::new((limits.requests / 8).max(1)),
            good: Mutex::default(),
            requests: Arc::new(Semaphore::new(limits.requests)),
            streams: Arc::new(Semaphore::new(limits.streams)),
            seats: Arc::default(),
            full_homes: Buckets::new(Rate::new(1, FULL_HOME_REST), world.clone()),
            world,
        }
    }

    /// A place among the requests in work, or *come back later*.
    pub(crate) async fn turn(&self) -> Outcome<OwnedSemaphorePermit> {
        let place = tokio::time::timeout(TURN_WAIT, self.requests.clone().acquire_owned());
        match place.await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(self.shed()),
        }
    }

    /// A seat for one more update stream, if there are fewer than `most`.
    pub(crate) fn seat(&self, sitter: Sitter, most: usize) -> Option<Seat> {
        let mut seats = self.seats.lock().expect("no panic while the seats are held");
        let taken = seats.get(&sitter).copied().unwrap_or_default();
        if taken >= most {
            return None;
        }
        seats.insert(sitter, taken + 1);
        Some(Seat { sitter, seats: self.seats.clone() })
    }

    pub(crate) fn shed(&self) -> Fault {
        let message = "The service is busy. Try again when the Retry-After header says.";
        Fault::new(Code::Unavailable, message).retry_after(1 + self.world.random_up_to(4)).logged("shed")
    }

    /// Sign-ins under one name get slower with failures, from wherever they come; the account is never locked. True when it
    /// made the caller wait.
    pub(crate) async fn tarpit(&self, name: [u8; 32]) -> Outcome<bool> {
        let Err(wait) = self.tarpit.has(&name) else { return Ok(false) };
        // Those who are made to wait must not take the places of all others.
        let _place = self.slow.try_acquire().map_err(|_| Fault::too_many(wait.as_secs() + 1))?;
        let jitter = Duration::from_millis(self.world.random_up_to(500));
        self.world.sleep(wait.min(Duration::from_secs(4)) + jitter).await;
        Ok(true)
    }

    /// Notes that a token was good a moment ago, so that its holder isn't made to answer for a neighbour's guesses.
    pub(crate) fn was_good(&self, token: TokenHash) {
        let mut good = self.good.lock().expect("no panic while the tokens are held");
        if good.len() >= KEYS_MAX {
            good.clear();
        }
        good.insert(token);
    }

    /// Whether a token may be tried from this address. Never an answer about the token: that is the gate's.
    pub(crate) fn may_try(&self, neighbour: &Neighbour, token: TokenHash) -> Outcome<()> {
        if self.good.lock().expect("no panic while the tokens are held").contains(&token) {
            return Ok(());
        }
        allowed(self.unknown.has(neighbour))
    }

    /// Counts a token that was no good.
    pub(crate) fn was_bad(&self, neighbour: Neighbour, token: TokenHash) -> Outcome<()> {
        self.good.lock().expect("no panic while the tokens are held").remove(&token);
        allowed(self.unknown.take(neighbour))
    }

    pub(crate) fn sign_in_failed(&self, name: [u8; 32]) {
        let _ = self.tarpit.take(name);
    }

    pub(crate) fn sign_in_worked(&self, name: &[u8; 32]) {
        self.tarpit.forgive(name);
    }
}

/// Turns a bucket's answer into a refusal.
pub(crate) fn allowed(taken: Result<(), Duration>) -> Outcome<()> {
    taken.map_err(|wait| Fault::too_many(wait.as_secs() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_bucket_empties_and_refills() {
        let world = World::simulated(0, 1);
        let buckets = Buckets::new(Rate::new(3, Duration::from_secs(2)), world.clone());
        for _ in 0..3 {
            assert!(buckets.take("elm").is_ok());
        }
        assert!(buckets.take("elm").is_err());
        assert!(buckets.has(&"elm").is_err());
        assert!(buckets.take("oak").is_ok(), "another key has its own bucket");
        world.sleep(Duration::from_secs(2)).await;
        assert!(buckets.take("elm").is_ok());
        assert!(buckets.take("elm").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_given_back_can_be_taken_again() {
        let buckets = Buckets::new(Rate::new(1, Duration::from_secs(2)), World::simulated(0, 1));
        assert!(buckets.take("elm").is_ok());
        buckets.give_back(&"elm");
        buckets.give_back(&"oak");
        assert!(buckets.take("elm").is_ok() && buckets.take("elm").is_err());
    }

    #[test]
    fn one_customer_of_ipv6_is_one_neighbour() {
        let of = |text: &str| Neighbour::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[tokio::test(start_paused = true)]
    async fn too_many_at_once_are_sent_away_with_a_time_to_come_back() {
        let limits = Limits { requests: 1, ..Limits::default() };
        let guard = Guard::new(&limits, World::simulated(0, 1));
        let held = guard.turn().await.unwrap();
        let fault = guard.turn().await.unwrap_err();
        assert_eq!(fault.code, Code::Unavailable);
        assert!(fault.retry_after_s.is_some_and(|seconds| seconds >= 1));
        drop(held);
        assert!(guard.turn().await.is_ok());
    }
}
