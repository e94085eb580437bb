//! Reading the spool's folders at start: what is whole is taken up, the rest is removed.

use std::path::Path;

use keepsight_ids::{EventId, SegmentKind, SegmentNo};

use super::backlog::{Gap, Part, Waiting, order};
use super::{
    BLOCK, CUT, GAPS, GONE, GapFile, NewEvent, QUARANTINE, SPOOL, Spool, SpoolError, blocks, record,
};
use crate::disk::{Entry, is_draft, read_if_there};
use keepsight_wire::agent::GapPut;

impl Spool {
    pub(super) fn scan(&mut self) -> Result<(), SpoolError> {
        for folder in [SPOOL, GAPS, QUARANTINE] {
            self.on_disk(Path::new(folder), |disk, path| disk.create_dir(path))?;
        }
        self.on_disk(Path::new(""), |disk, path| disk.sync_dir(path))?;
        for entry in self.on_disk(Path::new(SPOOL), |disk, path| disk.list(path))? {
            self.scan_event(&entry)?;
        }
        for entry in self.on_disk(Path::new(GAPS), |disk, path| disk.list(path))? {
            self.scan_gap(&entry)?;
        }
        self.scan_quarantine()
    }

    fn scan_event(&mut self, entry: &Entry) -> Result<(), SpoolError> {
        let path = Path::new(SPOOL).join(&entry.name);
        let named = parse_folder(&entry.name);
        if let Some((place, _)) = named {
            self.next_place = self.next_place.max(place + 1);
        }
        let waiting = match named {
            Some((_, event)) => self.read_event(&path, event)?,
            None => None,
        };
        match (named, waiting) {
            (Some((place, _)), Some(waiting)) => {
                self.used += waiting.bytes();
                self.backlog.insert(place, waiting);
                Ok(())
            }
            // Without a whole header it never began; without a segment it has nothing to tell.
            _ => self.on_disk(&path, |disk, path| disk.remove(path)),
        }
    }

    fn read_event(&self, folder: &Path, event: EventId) -> Result<Option<Waiting>, SpoolError> {
        let header = self.on_disk(&folder.join("header"), |disk, path| read_if_there(disk, path))?;
        let Some(new) = header.clone().and_then(record::body) else { return Ok(None) };
        let Ok(new) = serde_json::from_slice::<NewEvent>(&new) else { return Ok(None) };
        if new.event != event || self.backlog.event(event).is_some() {
            return Ok(None);
        }
        let mut waiting = Waiting {
            event,
            camera: new.camera,
            captured: new.captured,
            header_sha256: record::hash(&new.header.body.0),
            header_acked: false,
            open: false,
            began: None,
            header_bytes: blocks(header.map_or(0, |bytes| bytes.len())) + BLOCK,
            parts: std::collections::BTreeMap::new(),
            footage_ms: 0,
            cut: false,
        };
        for entry in self.on_disk(folder, |disk, path| disk.list(path))? {
            self.scan_part(folder, &entry, &mut waiting)?;
        }
        Ok(Some(waiting))
    }

    fn scan_part(&self, folder: &Path, entry: &Entry, waiting: &mut Waiting) -> Result<(), SpoolError> {
        let path = folder.join(&entry.name);
        match parse_file(&entry.name) {
            _ if entry.name == "header" => Ok(()),
            _ if entry.name == CUT => {
                waiting.cut = true;
                Ok(())
            }
            Some((kind, number)) => {
                let head = self.on_disk(&path, |disk, path| disk.read(path, record::HEAD as u64))?;
                let Some((span, sha256)) = record::head(&head) else {
                    return self.on_disk(&path, |disk, path| disk.remove(path));
                };
                let bytes = blocks(usize::try_from(entry.bytes).unwrap_or(usize::MAX));
                waiting.footage_ms = waiting.footage_ms.max(span.until_ms);
                waiting.parts.insert(order(kind, number), Part { sha256, bytes, span });
                Ok(())
            }
            None => self.on_disk(&path, |disk, path| disk.remove(path)),
        }
    }

    fn scan_gap(&mut self, entry: &Entry) -> Result<(), SpoolError> {
        let path = Path::new(GAPS).join(&entry.name);
        let bytes = self.on_disk(&path, |disk, path| disk.read(path, 4096))?;
        let id = if is_draft(&entry.name) { None } else { entry.name.parse().ok() };
        let (Some(id), Ok(file)) = (id, serde_json::from_slice::<GapFile>(&bytes)) else {
            return self.on_disk(&path, |disk, path| disk.remove(path));
        };
        let put = GapPut { from: file.from, until: file.until, reason: file.reason };
        // An earlier run may have sent it, with the answer lost.
        self.backlog.gaps.insert(id, Gap { camera: file.camera, put, sent: true });
        self.used += BLOCK;
        Ok(())
    }

    fn scan_quarantine(&mut self) -> Result<(), SpoolError> {
        for entry in self.on_disk(Path::new(QUARANTINE), |disk, path| disk.list(path))? {
            let mut bytes = blocks(usize::try_from(entry.bytes).unwrap_or(usize::MAX));
            if entry.is_dir {
                let inner =
                    self.on_disk(&Path::new(QUARANTINE).join(&entry.name), |disk, path| disk.list(path))?;
                bytes += BLOCK + inner.iter().map(|file| file.bytes.div_ceil(BLOCK) * BLOCK).sum::<u64>();
            }
            self.keep_aside(entry.name, bytes);
        }
        Ok(())
    }

    pub(super) fn on_disk<T>(
        &self,
        path: &Path,
        act: impl FnOnce(&dyn crate::disk::Disk, &Path) -> std::io::Result<T>,
    ) -> Result<T, SpoolError> {
        act(self.disk.as_ref(), path).map_err(|source| SpoolError::Disk { path: path.to_owned(), source })
    }
}

fn parse_folder(name: &str) -> Option<(u64, EventId)> {
    if name.ends_with(GONE) {
        return None;
    }
    let (place, event) = name.split_once('-')?;
    Some((place.parse().ok()?, event.parse().ok()?))
}

fn parse_file(name: &str) -> Option<(SegmentKind, SegmentNo)> {
    let (kind, number) = name.split_once('-')?;
    Some((kind.parse().ok()?, SegmentNo(number.parse().ok()?)))
}
