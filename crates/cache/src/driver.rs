//! The task that owns the connection: it opens the stream, gathers what callers want into batches, and opens the next stream when one died.
//!
//! It decides nothing about replies: [`Conn`] does. Gathering adds no waiting: when something is wanted the task lets everything that is ready to run go first, once,
//! and then takes all that has come together; a lonely get goes at once.
//!
//! Invariant: whatever was handed to a connection that died is failed, never sent again.

use std::collections::{HashSet, VecDeque};
use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncWrite;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};
use tokio_util::io::poll_read_buf;

use crate::backend::{BackendError, Reply};
use crate::conn::{Command, Conn, Death, Event, Moment, Phase};
use crate::dial::Stream;
use crate::hashing::KeyHasher;
use crate::key::Location;
use crate::redis::{Caller, RedisConfig};
use crate::sabotage::{Mutant, active};

const READ_CHUNK: usize = 64 << 10;
// A stalled server must not collect more than this; what comes after waits in the queue, which has its own bound.
const IN_FLIGHT_MOST: usize = 64;
const OUTGOING_MOST: usize = 4 << 20;
// Larger ones travel alone, so that what is small does not wait for many of them.
const BATCH_BYTES_MOST: usize = 1 << 20;
// A connection that served for so long was a good one.
const STEADY: Duration = Duration::from_secs(1);

/// Where callers hand their commands in.
pub(crate) struct Door {
    queue: Mutex<Queue>,
    // The connection that is up, or the last that was.
    generation: AtomicU64,
    connected: watch::Sender<bool>,
    queue_most: usize,
}

struct Queue {
    wanted: VecDeque<Ticket>,
    // Where values lie that a connection died of: removed by the next, or it would die of them too.
    too_large: Vec<Location>,
    driver: Option<Waker>,
    state: State,
    distrusted: u64,
    closed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing is known to be wrong: commands wait for the connection.
    Connecting,
    /// Commands flow.
    Up,
    /// The last try failed: commands fail at once.
    Down,
}

/// A command and who waits for it.
struct Ticket {
    command: Command,
    caller: Caller,
}

impl Ticket {
    /// Removes what lies there; nobody waits for it.
    fn removal(at: Location) -> Self {
        let (nobody, _) = Reply::pending();
        Self { command: Command::Invalidate(at), caller: Caller::Done(nobody) }
    }
}

impl Door {
    pub fn submit(&self, command: Command, caller: Caller) {
        let mut queue = self.lock();
        if queue.state == State::Down || queue.wanted.len() >= self.queue_most {
            drop(queue);
            return caller.fail(BackendError::Unavailable);
        }
        queue.wanted.push_back(Ticket { command, caller });
        let driver = queue.driver.take();
        drop(queue);
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub fn distrust(&self, generation: u64) {
        let mut queue = self.lock();
        queue.distrusted = queue.distrusted.max(generation);
        if let Some(driver) = queue.driver.take() {
            driver.wake();
        }
    }

    pub async fn wait_connected(&self, patience: Duration) -> bool {
        let mut connected = self.connected.subscribe();
        let up = tokio::time::timeout(patience, connected.wait_for(|up| *up)).await;
        up.is_ok_and(|up| up.is_ok())
    }

    fn is_closed(&self) -> bool {
        self.lock().closed
    }

    async fn wait_closed(&self) {
        poll_fn(|context| {
            let mut queue = self.lock();
            if queue.closed {
                return Poll::Ready(());
            }
            queue.driver = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn close(&self) {
        let mut queue = self.lock();
        queue.closed = true;
        if let Some(driver) = queue.driver.take() {
            driver.wake();
        }
    }

    fn set_state(&self, state: State) {
        let mut queue = self.lock();
        queue.state = state;
        let waiting = if state == State::Down { std::mem::take(&mut queue.wanted) } else { VecDeque::new() };
        drop(queue);
        self.connected.send_replace(state == State::Up);
        waiting.into_iter().for_each(|ticket| ticket.caller.fail(BackendError::Unavailable));
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The callers' side of the door. When the last is gone, the driver goes too.
pub(crate) struct Held(Arc<Door>);

impl Deref for Held {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Starts the driver in a task of its own.
pub(crate) fn start(config: RedisConfig) -> Held {
    let queue = Queue {
        wanted: VecDeque::new(),
        too_large: Vec::new(),
        driver: None,
        state: State::Connecting,
        distrusted: 0,
        closed: false,
    };
    let door = Arc::new(Door {
        queue: Mutex::new(queue),
        generation: AtomicU64::new(0),
        connected: watch::Sender::new(false),
        queue_most: config.queue_most,
    });
    tokio::spawn(drive(config, door.clone()));
    Held(door)
}

/// Opens one connection after another until nobody is left.
async fn drive(config: RedisConfig, door: Arc<Door>) {
    let _gone = Gone(door.clone());
    let mut failures = 0u32;
    for generation in 1.. {
        let served = match open(&config, &door).await {
            Ok(stream) => {
                let mut link = Link::new(stream, generation, &config, &door);
                let death = poll_fn(|context| link.poll(context)).await;
                tracing::warn!(generation, %death, "the connection to the cache server ended");
                metrics::counter!("keepsight_cache_connection_deaths_total").increment(1);
                link.ready_at.map(|at| at.elapsed())
            }
            Err(error) => {
                tracing::warn!(%error, "the cache server cannot be reached");
                None
            }
        };
        if door.is_closed() {
            return;
        }
        let steady = served.is_some_and(|served| served >= STEADY);
        failures = if steady { 0 } else { failures.saturating_add(1) };
        // One early death can happen; a server that lets in and then refuses, again and again, is not waited for.
        let may_be_back = served.is_some() && failures < 2;
        door.set_state(if may_be_back { State::Connecting } else { State::Down });
        let wait = wait_before(failures, &config);
        tokio::select! {
            biased;
            () = door.wait_closed() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Takes what may travel together: so many commands and bytes at most, and no get behind a script that is about the same location, since gets go first in a batch.
fn take_batch(wanted: &mut VecDeque<Ticket>, most: usize) -> Vec<Ticket> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    let mut changed = HashSet::<Location, KeyHasher>::default();
    while batch.len() < most
        && let Some(Ticket { command, .. }) = wanted.front()
    {
        bytes += command.payload();
        let too_much = bytes > BATCH_BYTES_MOST && !batch.is_empty();
        let is_get = matches!(command, Command::Get(_));
        if too_much || is_get && changed.contains(&command.location()) {
            break;
        }
        if !is_get {
            changed.insert(command.location());
        }
        batch.extend(wanted.pop_front());
    }
    batch
}

/// When the driver ends, also with its runtime, nobody waits for it any more.
struct Gone(Arc<Door>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.set_state(State::Down);
    }
}

/// Opens a stream. Those who wait for it meanwhile wait no longer than for a reply.
async fn open(config: &RedisConfig, door: &Door) -> std::io::Result<Box<dyn Stream>> {
    let mut dialing = config.dial.dial();
    let waited_for = config.timeout.min(config.connect_timeout);
    if let Ok(opened) = tokio::time::timeout(waited_for, &mut dialing).await {
        return opened;
    }
    door.set_state(State::Down);
    let left = config.connect_timeout - waited_for;
    let opened = tokio::time::timeout(left, dialing).await;
    opened.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
}

/// Full jitter: uniformly random below a bound that doubles with every failure. After a connection that served well, next to nothing.
fn wait_before(failures: u32, config: &RedisConfig) -> Duration {
    let bound = Duration::from_millis(10).saturating_mul(1 << failures.min(10)).min(config.reconnect_most);
    bound.mul_f64(config.chance.fraction())
}

/// One stream and its state machine.
struct Link<'a> {
    stream: Box<dyn Stream>,
    conn: Conn<Flying>,
    config: &'a RedisConfig,
    door: &'a Door,
    read: BytesMut,
    origin: Instant,
    // Fires at the deadline that was the first when it was set; a later one is set when it fires.
    timer: Pin<Box<Sleep>>,
    armed: bool,
    // Something is wanted, and everything that is ready to run has been let go first.
    gathering: bool,
    ready_at: Option<Instant>,
    #[cfg(feature = "sabotage")]
    company: Option<Pin<Box<Sleep>>>,
}

#[cfg(feature = "sabotage")]
const COMPANY: Duration = Duration::from_millis(2);

/// Who waits for a command that was sent.
struct Flying {
    caller: Caller,
    at: Location,
    #[cfg(feature = "sabotage")]
    command: Command,
}

impl<'a> Link<'a> {
    fn new(stream: Box<dyn Stream>, generation: u64, config: &'a RedisConfig, door: &'a Door) -> Self {
        let mut conn = Conn::new(config.settings.clone(), generation);
        #[cfg(feature = "sabotage")]
        conn.knows_abandoned(|flying: &Flying| flying.caller.is_abandoned());
        conn.start(config.chance.bytes(), config.timeout);
        let origin = Instant::now();
        Self {
            stream,
            conn,
            config,
            door,
            read: BytesMut::with_capacity(READ_CHUNK),
            origin,
            timer: Box::pin(tokio::time::sleep_until(origin)),
            armed: false,
            gathering: false,
            ready_at: None,
            #[cfg(feature = "sabotage")]
            company: None,
        }
    }

    /// Goes on until the connection is dead, and says why.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Death> {
        loop {
            self.poll_read(context);
            self.give_out();
            self.poll_time(context);
            let took = self.take_wanted(context);
            self.poll_write(context);
            self.give_out();
            if let Phase::Dead(death) = self.conn.phase() {
                return Poll::Ready(death);
            }
            if !took {
                return Poll::Pending;
            }
        }
    }

    fn poll_read(&mut self, context: &mut Context<'_>) {
        loop {
            if self.read.capacity() - self.read.len() < READ_CHUNK / 4 {
                self.read.reserve(READ_CHUNK);
            }
            match poll_read_buf(Pin::new(&mut self.stream), context, &mut self.read) {
                Poll::Pending => return,
                Poll::Ready(Ok(1..)) => self.conn.on_bytes(&mut self.read),
                Poll::Ready(Ok(0) | Err(_)) => self.conn.on_closed(),
            }
            if matches!(self.conn.phase(), Phase::Dead(_)) {
                return;
            }
            if self.conn.phase() == Phase::Ready && self.ready_at.is_none() {
                self.ready_at = Some(Instant::now());
                self.door.generation.store(self.conn.generation(), Ordering::Release);
                self.door.set_state(State::Up);
            }
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>) {
        while !self.conn.outgoing().is_empty() {
            match Pin::new(&mut self.stream).poll_write(context, self.conn.outgoing()) {
                Poll::Pending => break,
                Poll::Ready(Ok(1..)) if matches!(self.conn.phase(), Phase::Dead(_)) => return,
                Poll::Ready(Ok(written @ 1..)) => self.conn.wrote(written),
                Poll::Ready(Ok(0) | Err(_)) => return self.conn.on_closed(),
            }
        }
        // TLS keeps what the socket did not take; flushing is free for TCP.
        if let Poll::Ready(Err(_)) = Pin::new(&mut self.stream).poll_flush(context) {
            self.conn.on_closed();
        }
    }

    fn poll_time(&mut self, context: &mut Context<'_>) {
        while let Some(deadline) = self.conn.next_deadline() {
            if !self.armed {
                self.timer.as_mut().reset(self.origin + deadline);
                self.armed = true;
            }
            if self.timer.as_mut().poll(context).is_pending() {
                return;
            }
            self.armed = false;
            self.conn.on_time(self.now());
        }
    }

    /// Takes what is wanted as one batch, when everything ready to run has had its turn; whether anything was taken.
    fn take_wanted(&mut self, context: &mut Context<'_>) -> bool {
        let mut queue = self.door.lock();
        if queue.distrusted >= self.conn.generation() {
            self.conn.on_foreign();
        }
        if queue.closed {
            self.conn.on_closed();
        }
        let room = self.conn.in_flight() < IN_FLIGHT_MOST && self.conn.outgoing().len() < OUTGOING_MOST;
        let ready = self.conn.phase() == Phase::Ready && room;
        if !ready || (queue.wanted.is_empty() && queue.too_large.is_empty()) {
            queue.driver = Some(context.waker().clone());
            return false;
        }
        #[cfg(feature = "sabotage")]
        if active(Mutant::WaitForCompany) && queue.wanted.len() < self.config.batch_most {
            let company = self.company.get_or_insert_with(|| Box::pin(tokio::time::sleep(COMPANY)));
            if company.as_mut().poll(context).is_pending() {
                return false;
            }
            self.company = None;
        }
        if !std::mem::replace(&mut self.gathering, true) {
            drop(queue);
            // To the end of the run queue: whoever is ready to ask goes first. With nobody there it is our turn at once.
            context.waker().wake_by_ref();
            return false;
        }
        self.gathering = false;
        let most = if active(Mutant::NoBatching) { 1 } else { self.config.batch_most };
        let removals: Vec<Ticket> = queue.too_large.drain(..).map(Ticket::removal).collect();
        let wanted = if removals.is_empty() { take_batch(&mut queue.wanted, most) } else { removals };
        drop(queue);
        self.send(wanted);
        true
    }

    fn send(&mut self, wanted: Vec<Ticket>) {
        // Who only wanted to know, and went away before it was asked, takes no place.
        let idle =
            |ticket: &Ticket| matches!(ticket.command, Command::Get(_)) && ticket.caller.is_abandoned();
        let wanted = wanted.into_iter().filter(|ticket| !idle(ticket));
        let flying = wanted.map(|Ticket { command, caller }| {
            #[cfg(feature = "sabotage")]
            let flying = Flying { caller, at: command.location(), command: command.clone() };
            #[cfg(not(feature = "sabotage"))]
            let flying = Flying { caller, at: command.location() };
            (command, flying)
        });
        let deadline = self.now() + self.config.timeout;
        self.conn.enqueue(flying, self.config.chance.bytes(), deadline);
    }

    fn give_out(&mut self) {
        let generation = self.conn.generation();
        while let Some(event) = self.conn.next_event() {
            match event {
                Event::Answered(flying, answer) => flying.caller.answer(answer, generation),
                Event::Lost(flying) => {
                    #[cfg(feature = "sabotage")]
                    if active(Mutant::SendTwice) {
                        self.door.submit(flying.command, flying.caller);
                        continue;
                    }
                    flying.caller.fail(BackendError::OutcomeUnknown);
                }
                Event::TooLarge(flying) => {
                    tracing::warn!("a stored value is too large for this client, and will be removed");
                    self.door.lock().too_large.push(flying.at);
                    flying.caller.fail(BackendError::OutcomeUnknown);
                }
            }
        }
    }

    fn now(&self) -> Moment {
        self.origin.elapsed()
    }
}
