//! A home's disk: forgetful, and watched, so that nothing leaves the spool unnoticed.

use std::io;
use std::path::Path;
use std::sync::Arc;

use keepsight_agent::disk::{Disk, Entry, Forgetful};
use keepsight_ids::{EventId, SegmentKind, SegmentNo};
use keepsight_world::World;

use super::book::Book;

#[derive(Clone)]
pub(super) struct WatchedDisk {
    pub(super) disk: Forgetful,
    pub(super) book: Arc<Book>,
    pub(super) host: Arc<str>,
    pub(super) world: World,
}

impl WatchedDisk {
    fn trace(&self, call: &str, path: &Path, bytes: usize) {
        let line = format!("{call} {} {bytes}", path.display());
        self.book.notes().trace(self.world.unix_millis(), &self.host, line);
    }

    /// A segment's file was removed: only an acknowledgement of equal hash allows that.
    fn removed(&self, path: &Path) {
        let Some((event, Some((kind, number)))) = spooled(path) else { return };
        let notes = self.book.notes();
        let known = notes.events.get(&event).and_then(|known| known.parts.get(&(kind, number)));
        let acked = notes.acked.get(&(event, kind, number));
        let right = known.is_none_or(|(sha256, _)| acked == Some(sha256));
        drop(notes);
        if !right {
            self.book.violated(format!("{kind} {number} of {event} left the spool unacknowledged"));
        }
    }

    /// A whole Event went: all of it is acknowledged, or it was dropped and a gap must tell.
    fn went(&self, path: &Path) {
        let Some((event, None)) = spooled(path) else { return };
        let mut notes = self.book.notes();
        let Some(known) = notes.events.get(&event) else { return };
        let acked = |kind, number| notes.acked.get(&(event, kind, number));
        let all =
            known.parts.iter().all(|(&(kind, number), (sha256, _))| acked(kind, number) == Some(sha256));
        if !all && let Some(known) = notes.events.get_mut(&event) {
            known.dropped = true;
        }
    }
}

/// The Event, and the segment, that a path below `spool/` names.
fn spooled(path: &Path) -> Option<(EventId, Option<(SegmentKind, SegmentNo)>)> {
    let mut names = path.strip_prefix("spool").ok()?.iter().map(|name| name.to_str());
    let event = names.next()??.split_once('-')?.1.parse().ok()?;
    let Some(file) = names.next() else { return Some((event, None)) };
    let (kind, number) = file?.split_once('-')?;
    Some((event, Some((kind.parse().ok()?, SegmentNo(number.parse().ok()?)))))
}

impl Disk for WatchedDisk {
    fn waits(&self) -> bool {
        false
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.trace("create_dir", path, 0);
        self.disk.create_dir(path)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.trace("write", path, bytes.len());
        self.disk.write(path, bytes)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.trace("sync_file", path, 0);
        self.disk.sync_file(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.trace("sync_dir", path, 0);
        self.disk.sync_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.trace("rename", from, 0);
        self.disk.rename(from, to)?;
        if to.starts_with("quarantine") {
            self.book.violated(format!("the server refuses {} for good", from.display()));
        } else {
            self.went(from);
        }
        Ok(())
    }

    fn free(&self) -> io::Result<u64> {
        self.disk.free()
    }

    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        self.disk.read(path, most)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        self.disk.list(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.trace("remove", path, 0);
        self.disk.remove(path)?;
        self.removed(path);
        self.went(path);
        Ok(())
    }
}
