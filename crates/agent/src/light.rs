//! An agent without cameras: it uploads Events that somebody else sealed. For load tests and simulated fleets.
//!
//! It is the real uploader over the real spool; only the recorder is missing, and the chain is not followed: whoever seals
//! the Events answers for the epoch.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use keepsight_ids::{CameraId, EventId, SegmentKind, SegmentNo, UnixMillis};
use keepsight_wire::Signed;
use keepsight_wire::agent::{CameraPut, Status};
use keepsight_world::World;
use tokio_util::sync::CancellationToken;

use crate::disk::Disk;
use crate::http::{BadAddress, Dial};
use crate::spool::backlog::Span;
use crate::spool::{NewEvent, Spool, SpoolError};
use crate::upload::{Account, Depot, Host, Uploader};

/// An Event with all that belongs to it, sealed.
#[derive(Debug, Clone)]
pub struct SealedEvent {
    /// Its camera.
    pub camera: CameraId,
    /// Which.
    pub event: EventId,
    /// When it was captured.
    pub captured: UnixMillis,
    /// The signed header.
    pub header: Signed,
    /// The sealed segments; the trailer among them, unless the Event is to look cut.
    pub segments: Vec<(SegmentKind, SegmentNo, Vec<u8>)>,
}

/// An agent without cameras.
#[derive(Clone)]
pub struct LightAgent {
    account: Account,
    dial: Arc<dyn Dial>,
    depot: Depot,
    host: Arc<LightHost>,
    world: World,
}

struct LightHost {
    chain_seq: u64,
    epoch: u32,
    connected: AtomicBool,
    sessions: AtomicU64,
}

impl LightAgent {
    /// An agent that the home's chain lists in entry `chain_seq`, of epoch `epoch`, with its spool on `disk`.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn new(
        account: Account,
        (chain_seq, epoch): (u64, u32),
        disk: Arc<dyn Disk>,
        dial: Arc<dyn Dial>,
        spool_bytes: u64,
        world: World,
    ) -> Result<Self, SpoolError> {
        let mut spool = Spool::open(disk, spool_bytes, world.clone())?;
        spool.recover(None, UnixMillis(world.unix_millis()))?;
        let host =
            LightHost { chain_seq, epoch, connected: AtomicBool::new(false), sessions: AtomicU64::new(0) };
        Ok(Self { account, dial, depot: Depot::new(spool), host: Arc::new(host), world })
    }

    /// Spools an Event. Durable on return.
    ///
    /// # Errors
    /// As [`Spool::begin`] and [`Spool::append`].
    pub async fn add(&self, sealed: SealedEvent) -> Result<(), SpoolError> {
        self.depot.add(move |spool| store(spool, sealed)).await
    }

    /// Uploads until `shutdown`; may be run again after that.
    ///
    /// # Errors
    /// When the server's address is not one.
    pub async fn run(&self, shutdown: CancellationToken) -> Result<(), BadAddress> {
        let client = self.account.client(self.dial.clone())?;
        let host: Arc<dyn Host> = self.host.clone();
        let seq = Some(self.host.chain_seq);
        // Nobody speaks to it, and the uploader outlives that.
        let (uploader, _words) =
            Uploader::new(self.account.clone(), client, self.depot.clone(), host, seq, self.world.clone());
        uploader.run(shutdown).await;
        Ok(())
    }

    /// Nothing waits any more.
    pub async fn is_done(&self) -> bool {
        self.depot.lock().await.backlog().is_empty()
    }

    /// The spool, to look at.
    pub const fn depot(&self) -> &Depot {
        &self.depot
    }

    /// The last exchange with the server succeeded.
    pub fn is_connected(&self) -> bool {
        self.host.connected.load(Ordering::Relaxed)
    }

    /// How often it was let in.
    pub fn sessions(&self) -> u64 {
        self.host.sessions.load(Ordering::Relaxed)
    }
}

fn store(spool: &mut Spool, sealed: SealedEvent) -> Result<(), SpoolError> {
    let SealedEvent { camera, event, captured, header, segments } = sealed;
    spool.begin(&NewEvent { camera, event, captured, header })?;
    let mut until_ms = 0;
    for (kind, number, bytes) in segments {
        let span = if kind == SegmentKind::Video {
            until_ms += 1000;
            Span { from_ms: until_ms - 1000, until_ms }
        } else {
            Span::default()
        };
        spool.append(event, kind, number, span, &bytes)?;
    }
    spool.close(event)
}

impl Host for LightHost {
    fn status(&self, spool_bytes: u64) -> Status {
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            chain_seq: self.chain_seq,
            epoch: self.epoch,
            spool_bytes,
            cameras: Vec::new(),
        }
    }

    fn camera(&self, _: CameraId) -> Option<CameraPut> {
        None
    }

    fn entries(&self, _: Vec<Signed>) -> Option<u64> {
        Some(self.chain_seq)
    }

    fn camera_known(&self, _: CameraId) {}

    fn server_time(&self, _: UnixMillis) {}

    fn switched_off(&self, _: HashSet<CameraId>) {}

    fn rolled_back(&self, _: Option<(u64, u64)>) {}

    fn admitted(&self, admitted: bool) {
        if admitted {
            self.sessions.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn connected(&self, connected: bool) {
        self.connected.store(connected, Ordering::Relaxed);
    }
}
