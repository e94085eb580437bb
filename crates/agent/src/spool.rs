//! The disk spool: sealed footage on its way to the cloud, and what became of the rest.
//!
//! Invariants. Nothing leaves but by [`Spool::settle`] (the server has it, or will never take it) or by eviction, and eviction
//! writes a gap *before* it removes anything. What [`Spool::append`] returned `Ok` for survives a crash. Only sealed bytes are
//! here: no content key, no plain footage.
//!
//! On the disk: `spool/{place}-{event}/` holds `header` and one file per segment (`record`); the name gets `.gone` appended
//! to remove an Event in one step. `gaps/` holds one file per gap, `reserve` keeps room for them, `quarantine/` what the server
//! refuses for good.

pub mod backlog;
mod record;
mod recovery;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keepsight_ids::{CameraId, EventId, GapId, SegmentKind, SegmentNo, UnixMillis};
use keepsight_wire::Signed;
use keepsight_wire::agent::GapPut;
use keepsight_wire::people::GapReason;
use keepsight_world::World;
use serde::{Deserialize, Serialize};

use crate::disk::{self, Disk};
use backlog::{Backlog, Gap, Item, Part, Span, Waiting, order};
pub use recovery::{Heartbeat, HeartbeatCamera};

/// Files take whole blocks.
const BLOCK: u64 = 4096;
/// Room for some hundred gaps, given up when the disk is full.
const RESERVE: usize = 256 * 1024;

/// What can go wrong with the spool.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The disk failed.
    #[error("the spool's disk failed at {path}: {source}")]
    Disk {
        /// Where.
        path: PathBuf,
        /// How.
        source: io::Error,
    },
    /// There was no room for this Event: it has been dropped and a gap recorded.
    #[error("no room: {0} was dropped")]
    Dropped(EventId),
    /// The server says that this Event was deleted: nothing more of it is wanted.
    #[error("{0} was deleted")]
    Gone(EventId),
    /// No such Event is being recorded.
    #[error("{0} is not being recorded")]
    NotOpen(EventId),
    /// That segment was spooled before. Sealing a number twice would break the seal, so it is never replaced.
    #[error("{kind} {number} of {event} is there already")]
    Twice {
        /// The Event.
        event: EventId,
        /// Kind.
        kind: SegmentKind,
        /// Number.
        number: SegmentNo,
    },
    /// The item is not in the spool (any more).
    #[error("{0} is not in the spool")]
    NotHere(Item),
    /// The disk gave back other bytes than were written.
    #[error("{0} is damaged on the disk")]
    Damaged(Item),
}

/// The first sight of an Event: what [`Spool::begin`] stores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewEvent {
    /// Its camera.
    pub camera: CameraId,
    /// Which.
    pub event: EventId,
    /// When it was captured, by the agent's clock.
    pub captured: UnixMillis,
    /// The signed header.
    pub header: Signed,
}

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// The server stored it and named the same hash.
    Acked,
    /// The Event was deleted on the server.
    Gone,
    /// The server will never take it; it is put aside (and leaves first when room is short).
    Refused,
}

/// The request body for an item.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    /// For a header.
    Header(CameraId, Signed),
    /// For a segment: the sealed bytes.
    Segment(CameraId, Vec<u8>),
    /// For a gap.
    Gap(CameraId, GapPut),
}

/// The spool.
pub struct Spool {
    disk: Arc<dyn Disk>,
    world: World,
    budget: u64,
    /// What stays free on the disk for others.
    margin: u64,
    used: u64,
    backlog: Backlog,
    next_place: u64,
    /// Put aside, oldest first, with its size.
    quarantine: Vec<(String, u64)>,
    quarantined: u64,
    /// Taken away while being recorded, and why.
    ended: std::collections::HashMap<EventId, Ended>,
    /// Gaps that found no room yet.
    unwritten: HashSet<GapId>,
    has_reserve: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    Dropped,
    Gone,
}

impl Spool {
    /// Reads what the disk holds: drafts and half-removed Events are discarded, an Event without trailer is cut.
    ///
    /// `budget` is the most that it takes on the disk, in bytes.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn open(disk: Arc<dyn Disk>, budget: u64, world: World) -> Result<Self, SpoolError> {
        let mut spool = Self {
            disk,
            world,
            budget,
            margin: 0,
            used: 0,
            backlog: Backlog::default(),
            next_place: 0,
            quarantine: Vec::new(),
            quarantined: 0,
            ended: std::collections::HashMap::new(),
            unwritten: HashSet::new(),
            has_reserve: false,
        };
        spool.scan()?;
        spool.restore_reserve();
        Ok(spool)
    }

    /// From now on footage leaves so many bytes of the disk free, whatever the budget is: somebody else needs them. Gaps do not count.
    #[must_use]
    pub const fn leaving(mut self, margin: u64) -> Self {
        self.margin = margin;
        self
    }

    /// What waits.
    pub const fn backlog(&self) -> &Backlog {
        &self.backlog
    }

    /// What it takes on the disk, in bytes.
    pub const fn bytes(&self) -> u64 {
        self.used
    }

    /// How many things the server refused for good since the folder was made.
    pub const fn quarantined(&self) -> u64 {
        self.quarantined
    }

    /// Stores the header of an Event that is beginning to be recorded. Durable on return.
    ///
    /// # Errors
    /// [`SpoolError::Dropped`] when there is no room (a gap is recorded); when the disk fails.
    pub fn begin(&mut self, new: &NewEvent) -> Result<(), SpoolError> {
        let bytes = serde_json::to_vec(new).expect("a header is plain JSON");
        let place = self.next_place;
        self.next_place += 1;
        let folder = folder_name(place, new.event);
        let record = record::write(Span::default(), &record::hash(&bytes), &bytes);
        let size = blocks(record.len()) + BLOCK;
        let waiting = Waiting {
            event: new.event,
            camera: new.camera,
            captured: new.captured,
            header_sha256: record::hash(&new.header.body.0),
            header_acked: false,
            open: true,
            began: Some(self.world.now()),
            header_bytes: size,
            parts: std::collections::BTreeMap::new(),
            footage_ms: 0,
            cut: false,
        };
        self.backlog.insert(place, waiting);
        self.used += size;
        // Its size is the Event's own, and goes when that goes.
        let stored = self.store(new.event, 0, |disk| {
            disk.create_dir(&folder)?;
            disk::replace(disk, &folder.join("header"), &record)?;
            disk.sync_dir(Path::new(SPOOL))
        });
        if let Err(SpoolError::Disk { .. }) = stored {
            self.forget(new.event)?;
        }
        stored
    }

    /// Stores a sealed segment of an Event that is being recorded. Durable on return. Returns the bytes' SHA-256.
    ///
    /// # Errors
    /// [`SpoolError::Dropped`] when the Event had to make room, [`SpoolError::Gone`] when the server deleted it: the recorder
    /// stops it then. When the disk fails, the segment is not there and the Event goes on.
    pub fn append(
        &mut self,
        event: EventId,
        kind: SegmentKind,
        number: SegmentNo,
        span: Span,
        bytes: &[u8],
    ) -> Result<[u8; 32], SpoolError> {
        let file = self.open_folder(event)?.join(file_name(kind, number));
        let waiting = self.backlog.event(event).ok_or(SpoolError::NotOpen(event))?;
        if waiting.parts.contains_key(&order(kind, number)) {
            return Err(SpoolError::Twice { event, kind, number });
        }
        let sha256 = record::hash(bytes);
        let record = record::write(span, &sha256, bytes);
        let size = blocks(record.len());
        self.used += size;
        let stored = self.store(event, size, |disk| disk::replace(disk, &file, &record));
        let Some(waiting) = self.backlog.event_mut(event) else {
            // Dropped while making room; its bytes are accounted for there, this segment's are not.
            return Err(stored.err().unwrap_or(SpoolError::Dropped(event)));
        };
        if let Err(error) = stored {
            self.used -= size;
            return Err(error);
        }
        waiting.footage_ms = waiting.footage_ms.max(span.until_ms);
        waiting.parts.insert(order(kind, number), Part { sha256, bytes: size, span });
        Ok(sha256)
    }

    /// The recorder is done with an Event, with or without a trailer. What waits of it is still uploaded.
    ///
    /// # Errors
    /// When the disk fails at writing down that it was cut.
    pub fn close(&mut self, event: EventId) -> Result<(), SpoolError> {
        self.ended.remove(&event);
        let Some(waiting) = self.backlog.event_mut(event) else { return Ok(()) };
        waiting.open = false;
        let trailer = waiting.has_trailer();
        self.finish(event)?;
        if trailer { Ok(()) } else { self.mark_cut(event) }
    }

    /// Records a stretch without footage. It is never evicted. A continued gap that the server can't know yet grows instead.
    ///
    /// # Errors
    /// When the disk fails; the gap is then kept in memory and written as soon as that works.
    pub fn gap(
        &mut self,
        camera: CameraId,
        from: UnixMillis,
        until: UnixMillis,
        reason: GapReason,
    ) -> Result<(), SpoolError> {
        if until <= from {
            return Ok(());
        }
        let (id, put) = match self.backlog.continued(camera, from, reason) {
            Some(id) => {
                let old = &self.backlog.gaps[&id].put;
                (id, GapPut { from: old.from, until: old.until.max(until), reason })
            }
            None => (GapId::from_bytes(self.world.random()), GapPut { from, until, reason }),
        };
        self.put_gap(id, camera, put)
    }

    /// The request body for an item. A gap is not changed any more from here on.
    ///
    /// # Errors
    /// [`SpoolError::NotHere`], [`SpoolError::Damaged`], or when the disk fails.
    pub fn load(&mut self, item: Item) -> Result<Payload, SpoolError> {
        let here = || SpoolError::NotHere(item);
        if !self.backlog.holds(item) {
            return Err(here());
        }
        let camera = self.backlog.camera(item).ok_or_else(here)?;
        match item {
            Item::Gap(id) => {
                let gap = self.backlog.gaps.get_mut(&id).ok_or_else(here)?;
                gap.sent = true;
                Ok(Payload::Gap(camera, gap.put.clone()))
            }
            Item::Header(event) => {
                let bytes = self.read(item, &self.folder(event)?.join("header"))?;
                let new: NewEvent = serde_json::from_slice(&bytes).map_err(|_| SpoolError::Damaged(item))?;
                Ok(Payload::Header(camera, new.header))
            }
            Item::Segment(event, kind, number) => {
                let path = self.folder(event)?.join(file_name(kind, number));
                Ok(Payload::Segment(camera, self.read(item, &path)?))
            }
        }
    }

    /// Takes out what the server has, has deleted, or will never take. Fine if it is not here.
    ///
    /// # Errors
    /// When the disk fails; the item is then sent again later, which does no harm.
    pub fn settle(&mut self, item: Item, settled: Settled) -> Result<(), SpoolError> {
        if !self.backlog.holds(item) {
            return Ok(());
        }
        match (item, settled) {
            (Item::Gap(gap), _) => self.remove_gap(gap),
            (Item::Header(event), Settled::Acked) => {
                if let Some(waiting) = self.backlog.event_mut(event) {
                    waiting.header_acked = true;
                }
                self.finish(event)
            }
            (Item::Segment(event, kind, number), Settled::Acked) => self.remove_part(event, kind, number),
            (Item::Header(event) | Item::Segment(event, ..), Settled::Gone) => self.end(event, Ended::Gone),
            (Item::Header(event), Settled::Refused) => self.quarantine_event(event),
            (Item::Segment(event, kind, number), Settled::Refused) => {
                self.quarantine_part(event, kind, number)
            }
        }
    }

    /// The server lost an Event's header that it had: it goes first again.
    pub fn header_lost(&mut self, event: EventId) {
        if let Some(waiting) = self.backlog.event_mut(event) {
            waiting.header_acked = false;
        }
    }

    /// True when the disk below may wait for hardware.
    pub fn waits(&self) -> bool {
        self.disk.waits()
    }

    /// Writes gaps that found no room before, and gets the reserve back. Called now and then.
    pub fn tidy(&mut self) {
        for id in self.unwritten.clone() {
            if let Some(gap) = self.backlog.gaps.get(&id).cloned()
                && self.put_gap(id, gap.camera, gap.put).is_err()
            {
                return;
            }
        }
        self.restore_reserve();
    }

    // How things are stored and removed.

    /// Runs `write` of so many bytes with room made for it: within the budget, and again after each eviction while the disk is full.
    fn store(
        &mut self,
        event: EventId,
        size: u64,
        write: impl Fn(&dyn Disk) -> io::Result<()>,
    ) -> Result<(), SpoolError> {
        while self.used > self.budget || self.is_disk_low(size) {
            self.make_room(event, size)?;
        }
        loop {
            match write(self.disk.as_ref()) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::StorageFull => self.make_room(event, size)?,
                Err(source) => return Err(SpoolError::Disk { path: self.folder(event)?, source }),
            }
        }
    }

    fn is_disk_low(&self, size: u64) -> bool {
        // A disk that can't tell says at the write that it is full.
        self.margin > 0 && self.disk.free().is_ok_and(|free| free < self.margin.saturating_add(size))
    }

    /// Drops what is put aside, else the oldest Event. If that is `event` itself, its unstored `size` goes with it.
    fn make_room(&mut self, event: EventId, size: u64) -> Result<(), SpoolError> {
        if !self.quarantine.is_empty() {
            let (name, bytes) = self.quarantine.remove(0);
            self.used = self.used.saturating_sub(bytes);
            let path = Path::new(QUARANTINE).join(name);
            return self.disk.remove(&path).map_err(|source| SpoolError::Disk { path, source });
        }
        let oldest = self.backlog.oldest().unwrap_or(event);
        tracing::warn!(event = %oldest, "the spool is full: the oldest Event that is not uploaded yet is dropped");
        self.end(oldest, Ended::Dropped)?;
        if oldest == event {
            self.used = self.used.saturating_sub(size);
            return Err(SpoolError::Dropped(event));
        }
        Ok(())
    }

    /// Takes an Event away before its time, with a gap if its footage is lost by that.
    fn end(&mut self, event: EventId, why: Ended) -> Result<(), SpoolError> {
        let Some(waiting) = self.backlog.event(event) else { return Ok(()) };
        let (camera, open, lost) = (waiting.camera, waiting.open, waiting.unsent_footage());
        if let (Ended::Dropped, Some((from, until))) = (why, lost)
            && let Err(error) = self.gap(camera, from, until, GapReason::SpoolFull)
        {
            // It stays in memory and is written once there is room, which this eviction makes.
            tracing::warn!(%error, "a gap could not be written yet");
        }
        if open {
            self.ended.insert(event, why);
        }
        self.forget(event)?;
        self.tidy();
        Ok(())
    }

    /// Removes an Event in one step: first its name, then its content.
    fn forget(&mut self, event: EventId) -> Result<(), SpoolError> {
        let folder = self.folder(event)?;
        let Some(waiting) = self.backlog.remove(event) else { return Ok(()) };
        self.used = self.used.saturating_sub(waiting.bytes());
        let gone = gone_name(&folder);
        let removed = match self.disk.rename(&folder, &gone) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => self.disk.sync_dir(Path::new(SPOOL)).and_then(|()| self.disk.remove(&gone)),
        };
        removed.map_err(|source| SpoolError::Disk { path: folder, source })
    }

    fn finish(&mut self, event: EventId) -> Result<(), SpoolError> {
        match self.backlog.event(event) {
            Some(waiting) if waiting.is_done() => self.forget(event),
            _ => Ok(()),
        }
    }

    fn remove_part(
        &mut self,
        event: EventId,
        kind: SegmentKind,
        number: SegmentNo,
    ) -> Result<(), SpoolError> {
        let path = self.folder(event)?.join(file_name(kind, number));
        self.disk.remove(&path).map_err(|source| SpoolError::Disk { path, source })?;
        self.take_part(event, kind, number);
        self.finish(event)
    }

    fn take_part(&mut self, event: EventId, kind: SegmentKind, number: SegmentNo) -> u64 {
        let part =
            self.backlog.event_mut(event).and_then(|waiting| waiting.parts.remove(&order(kind, number)));
        let bytes = part.map_or(0, |part| part.bytes);
        self.used = self.used.saturating_sub(bytes);
        bytes
    }

    fn quarantine_part(
        &mut self,
        event: EventId,
        kind: SegmentKind,
        number: SegmentNo,
    ) -> Result<(), SpoolError> {
        let folder = self.folder(event)?;
        let name = format!("{event}.{}", file_name(kind, number));
        self.put_aside(&folder.join(file_name(kind, number)), name.clone())?;
        let bytes = self.take_part(event, kind, number);
        self.keep_aside(name, bytes);
        self.finish(event)
    }

    fn quarantine_event(&mut self, event: EventId) -> Result<(), SpoolError> {
        let name = event.to_string();
        self.put_aside(&self.folder(event)?, name.clone())?;
        let Some(waiting) = self.backlog.remove(event) else { return Ok(()) };
        self.used = self.used.saturating_sub(waiting.bytes());
        if waiting.open {
            self.ended.insert(event, Ended::Gone);
        }
        self.keep_aside(name, waiting.bytes());
        Ok(())
    }

    fn put_aside(&self, from: &Path, name: String) -> Result<(), SpoolError> {
        let to = Path::new(QUARANTINE).join(name);
        let from_dir = from.parent().unwrap_or(Path::new(""));
        let moved = self
            .disk
            .rename(from, &to)
            .and_then(|()| self.disk.sync_dir(Path::new(QUARANTINE)))
            .and_then(|()| self.disk.sync_dir(from_dir));
        moved.map_err(|source| SpoolError::Disk { path: from.to_owned(), source })
    }

    fn keep_aside(&mut self, name: String, bytes: u64) {
        self.quarantined += 1;
        self.used += bytes;
        self.quarantine.push((name, bytes));
    }

    fn mark_cut(&mut self, event: EventId) -> Result<(), SpoolError> {
        let Some(waiting) = self.backlog.event_mut(event) else { return Ok(()) };
        waiting.cut = true;
        let path = self.folder(event)?.join(CUT);
        let written = match disk::replace(self.disk.as_ref(), &path, b"") {
            // A crash before there is room again makes one more gap record, no loss.
            Err(error) if error.kind() == io::ErrorKind::StorageFull => Ok(()),
            other => other,
        };
        written.map_err(|source| SpoolError::Disk { path, source })
    }

    fn put_gap(&mut self, id: GapId, camera: CameraId, put: GapPut) -> Result<(), SpoolError> {
        let file = GapFile { camera, from: put.from, until: put.until, reason: put.reason };
        let bytes = serde_json::to_vec(&file).expect("a gap is plain JSON");
        let gap = Gap { camera, put, sent: false };
        if self.backlog.gaps.insert(id, gap).is_none() {
            self.used += BLOCK;
        }
        self.unwritten.insert(id);
        let path = Path::new(GAPS).join(id.to_string());
        let mut written = disk::replace(self.disk.as_ref(), &path, &bytes);
        if matches!(&written, Err(error) if error.kind() == io::ErrorKind::StorageFull) && self.has_reserve {
            self.has_reserve = false;
            self.disk.remove(Path::new(RESERVED)).ok();
            written = disk::replace(self.disk.as_ref(), &path, &bytes);
        }
        written.map_err(|source| SpoolError::Disk { path, source })?;
        self.unwritten.remove(&id);
        Ok(())
    }

    fn remove_gap(&mut self, gap: GapId) -> Result<(), SpoolError> {
        let path = Path::new(GAPS).join(gap.to_string());
        self.disk.remove(&path).map_err(|source| SpoolError::Disk { path, source })?;
        if self.backlog.gaps.remove(&gap).is_some() {
            self.used = self.used.saturating_sub(BLOCK);
        }
        self.unwritten.remove(&gap);
        Ok(())
    }

    fn restore_reserve(&mut self) {
        if !self.has_reserve {
            self.has_reserve =
                disk::replace(self.disk.as_ref(), Path::new(RESERVED), &[0x5a; RESERVE]).is_ok();
        }
    }

    fn read(&self, item: Item, path: &Path) -> Result<Vec<u8>, SpoolError> {
        match self.disk.read(path, u64::MAX) {
            Ok(record) => record::body(record).ok_or(SpoolError::Damaged(item)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(SpoolError::Damaged(item)),
            Err(source) => Err(SpoolError::Disk { path: path.to_owned(), source }),
        }
    }

    fn open_folder(&self, event: EventId) -> Result<PathBuf, SpoolError> {
        match self.ended.get(&event) {
            Some(Ended::Dropped) => return Err(SpoolError::Dropped(event)),
            Some(Ended::Gone) => return Err(SpoolError::Gone(event)),
            None => {}
        }
        match self.backlog.event(event) {
            Some(waiting) if waiting.open => self.folder(event),
            _ => Err(SpoolError::NotOpen(event)),
        }
    }

    fn folder(&self, event: EventId) -> Result<PathBuf, SpoolError> {
        let place = self.backlog.places.get(&event).ok_or(SpoolError::NotOpen(event))?;
        Ok(folder_name(*place, event))
    }
}

/// A gap's file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GapFile {
    camera: CameraId,
    from: UnixMillis,
    until: UnixMillis,
    reason: GapReason,
}

const SPOOL: &str = "spool";
const GAPS: &str = "gaps";
const QUARANTINE: &str = "quarantine";
const RESERVED: &str = "reserve";
const CUT: &str = "cut";
const GONE: &str = ".gone";

/// The folders that a reset removes.
pub(crate) const FOLDERS: [&str; 4] = [SPOOL, GAPS, QUARANTINE, RESERVED];

fn folder_name(place: u64, event: EventId) -> PathBuf {
    Path::new(SPOOL).join(format!("{place:012}-{event}"))
}

fn gone_name(folder: &Path) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(GONE);
    name.into()
}

fn file_name(kind: SegmentKind, number: SegmentNo) -> String {
    format!("{kind}-{number}")
}

const fn blocks(bytes: usize) -> u64 {
    (bytes as u64).div_ceil(BLOCK) * BLOCK
}
