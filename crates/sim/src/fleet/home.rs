//! A home as a host: the real uploader over a real spool, and a camera that seals text now and then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use keepsight_agent::disk::Forgetful;
use keepsight_agent::light::LightAgent;
use keepsight_agent::spool::backlog::Span;
use keepsight_agent::spool::{NewEvent, SpoolError};
use keepsight_agent::upload::Account;
use keepsight_ids::{AgentId, CameraId, EventId, HomeId, SegmentKind, SegmentNo, UnixMillis};
use keepsight_person::Person;
use keepsight_seal::{Chain, EventSealer, SignSecret};
use keepsight_world::World;
use tokio_util::sync::CancellationToken;

use super::book::{Book, Known};
use super::disk::WatchedDisk;
use super::network::Line;
use super::server::ADDRESS;

/// How a camera goes about it.
#[derive(Debug, Clone)]
pub struct Habits {
    /// Between two Events, on average.
    pub every: Duration,
    /// No Event begins later than this after the beginning of the simulation.
    pub until: Duration,
    /// Video segments of an Event, a second each.
    pub seconds: u32,
    /// What a video segment shows, in bytes.
    pub bytes: usize,
    /// The spool's budget in bytes.
    pub spool_bytes: u64,
}

/// A home, its owner, its agent and its disk.
pub struct Home {
    /// Its host's name on the network.
    pub host: Arc<str>,
    /// Whose it is.
    pub owner: Arc<Person>,
    /// Which.
    pub home: HomeId,
    /// Its camera.
    pub camera: CameraId,
    /// Its disk, which outlives the agent.
    pub disk: Forgetful,
    pub(super) agent: AgentId,
    pub(super) key: SignSecret,
    pub(super) chain: Chain,
    pub(super) world: World,
    pub(super) habits: Habits,
    pub(super) book: Arc<Book>,
    /// When the simulation began, in milliseconds since 1970 UTC.
    pub origin: i64,
    pub(super) running: Mutex<Option<LightAgent>>,
}

impl Home {
    /// Nothing waits in its spool, and its agent runs.
    pub fn is_done(&self) -> bool {
        let running = self.running();
        // Between two ticks nobody holds the spool.
        running.as_ref().is_some_and(|agent| agent.is_done().now_or_never().unwrap_or(false))
    }

    /// Its agent runs, and its last exchange with the cloud succeeded.
    pub fn is_connected(&self) -> bool {
        self.running().as_ref().is_some_and(LightAgent::is_connected)
    }

    pub(super) fn running(&self) -> MutexGuard<'_, Option<LightAgent>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The power is gone: what was being recorded is cut.
    pub(super) fn power_went(&self) {
        *self.running() = None;
        self.disk.crash();
        let now = self.world.unix_millis();
        let mut notes = self.book.notes();
        let open = notes.events.values_mut().filter(|known| known.home == self.home && !known.closed);
        open.filter(|known| known.cut.is_none() && !known.dropped).for_each(|known| known.cut = Some(now));
    }

    /// One life of the agent.
    pub(super) async fn live(self: Arc<Self>) -> turmoil::Result {
        let Ok(agent) = self.start() else {
            // The power went again while it read its disk.
            return std::future::pending().await;
        };
        *self.running() = Some(agent.clone());
        let (ran, ()) = tokio::join!(agent.run(CancellationToken::new()), self.watch(&agent));
        Ok(ran?)
    }

    fn start(&self) -> Result<LightAgent, SpoolError> {
        let (book, host, world) = (self.book.clone(), self.host.clone(), self.world.clone());
        let disk = WatchedDisk {
            disk: self.disk.clone(),
            book: book.clone(),
            host: host.clone(),
            world: world.clone(),
        };
        let line = Line { book, host, world: world.clone() };
        let account = Account {
            server: ADDRESS.parse().expect("an address"),
            tls: None,
            agent: self.agent,
            key: self.key.clone(),
        };
        let entry = self.chain.head().entry();
        let at = (entry.seq, entry.epoch.0);
        LightAgent::new(account, at, Arc::new(disk), Arc::new(line), self.habits.spool_bytes, world)
    }

    async fn watch(&self, agent: &LightAgent) {
        let every = u64::try_from(self.habits.every.as_millis()).unwrap_or(u64::MAX);
        let until = self.origin + i64::try_from(self.habits.until.as_millis()).unwrap_or(i64::MAX);
        loop {
            let wait = every / 2 + self.world.random_up_to(every);
            self.world.sleep(Duration::from_millis(wait)).await;
            if self.world.unix_millis() >= until {
                return;
            }
            // What fails was not confirmed, or a gap will tell of it.
            self.record(agent).await.ok();
        }
    }

    async fn record(&self, agent: &LightAgent) -> Result<(), SpoolError> {
        let (camera, event) = (self.camera, EventId::from_bytes(self.world.random()));
        let captured = UnixMillis(self.world.unix_millis());
        let begun = EventSealer::begin(
            &self.chain,
            self.agent,
            &self.key,
            camera,
            event,
            captured,
            true,
            &mut self.world.rng(),
        );
        let (header, sealer) = begun.expect("the chain lists this agent");
        let mut known = Known {
            home: self.home,
            captured: captured.0,
            begun: false,
            footage_ms: 0,
            closed: false,
            parts: Default::default(),
            cut: None,
            dropped: false,
        };
        self.book.notes().events.insert(event, known.clone());
        let new = NewEvent { camera, event, captured, header };
        agent.depot().add(move |spool| spool.begin(&new)).await?;
        known.begun = true;
        self.book.notes().events.insert(event, known);
        let mut recording = Recording { home: self, agent, event, sealer };
        recording.parts().await?;
        agent.depot().add(move |spool| spool.close(event)).await?;
        self.note(event, |known| known.closed = true);
        Ok(())
    }

    fn note(&self, event: EventId, note: impl FnOnce(&mut Known)) {
        if let Some(known) = self.book.notes().events.get_mut(&event) {
            note(known);
        }
    }
}

/// An Event that is being recorded.
struct Recording<'h> {
    home: &'h Home,
    agent: &'h LightAgent,
    event: EventId,
    sealer: EventSealer,
}

impl Recording<'_> {
    async fn parts(&mut self) -> Result<(), SpoolError> {
        self.part(SegmentKind::Init, SegmentNo(0), b"init".to_vec(), Span::default()).await?;
        for number in 0..self.home.habits.seconds {
            self.home.world.sleep(Duration::from_secs(1)).await;
            let mut plain = format!("{} {} {number} ", self.home.host, self.event).into_bytes();
            plain.resize(self.home.habits.bytes.max(plain.len()), b'.');
            let span = Span { from_ms: number * 1000, until_ms: (number + 1) * 1000 };
            self.part(SegmentKind::Video, SegmentNo(number), plain, span).await?;
        }
        let sealed = self.sealer.seal_trailer().expect("sealed once");
        self.store(SegmentKind::Trailer, SegmentNo(0), Vec::new(), Span::default(), sealed).await
    }

    async fn part(
        &mut self,
        kind: SegmentKind,
        number: SegmentNo,
        plain: Vec<u8>,
        span: Span,
    ) -> Result<(), SpoolError> {
        let sealed = self.sealer.seal(kind, number, &plain).expect("sealed once");
        self.store(kind, number, plain, span, sealed).await
    }

    async fn store(
        &self,
        kind: SegmentKind,
        number: SegmentNo,
        plain: Vec<u8>,
        span: Span,
        sealed: Vec<u8>,
    ) -> Result<(), SpoolError> {
        let event = self.event;
        let stored =
            self.agent.depot().add(move |spool| spool.append(event, kind, number, span, &sealed)).await;
        let sha256 = stored?;
        self.home.note(event, |known| {
            known.parts.insert((kind, number), (sha256, plain));
            known.footage_ms = known.footage_ms.max(span.until_ms.into());
        });
        Ok(())
    }
}
