//! The folder that holds objects by default, and what `object_store` does not do for it: making directories durable for
//! concurrent writers, and asking how much of the disk is free.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use object_store::local::LocalFileSystem;
use tokio::sync::Mutex;

use super::Reserve;
use crate::StoreError;

/// Folders remembered as durable before the memory is begun anew.
const KNOWN_MAX: usize = 10_000;

pub(super) struct Folder {
    root: PathBuf,
    reserve: Reserve,
    known: Mutex<HashSet<String>>,
}

impl Folder {
    pub(super) fn open(root: &Path, reserve: Reserve) -> Result<(LocalFileSystem, Self), StoreError> {
        let io = |error| StoreError::io("open the objects' folder", error);
        std::fs::create_dir_all(root).map_err(io)?;
        let root = root.canonicalize().map_err(io)?;
        // The folder itself may be new: its own name must outlast a power cut, too.
        make(root.parent().unwrap_or(&root), &root).map_err(io)?;
        let store = LocalFileSystem::new_with_prefix(&root)
            .map_err(|error| super::failed("open the objects' folder", error))?
            .with_fsync(true)
            // A deleted Event leaves no empty folder behind.
            .with_automatic_cleanup(true);
        Ok((store, Self { root, reserve, known: Mutex::default() }))
    }

    pub(super) fn check_reserve(&self) -> Result<(), StoreError> {
        let at = rustix::fs::statvfs(&self.root)
            .map_err(|error| StoreError::io("ask for free space", error.into()))?;
        if self.reserve.leaves_room(at.f_bavail * at.f_frsize, at.f_blocks * at.f_frsize) {
            return Ok(());
        }
        Err(StoreError::NoSpace { what: "the objects' disk is at its reserve" })
    }

    /// Makes an Event's folder and syncs it up to the root. The store below syncs only the folders that it made itself, so that
    /// a second writer could be acknowledged while the first one's folder is not yet durable.
    pub(super) async fn make_durable(&self, folder: &str) -> Result<(), StoreError> {
        let mut known = self.known.lock().await;
        if known.contains(folder) {
            return Ok(());
        }
        let (root, leaf) = (self.root.clone(), self.root.join(folder));
        let made = tokio::task::spawn_blocking(move || make(&root, &leaf)).await;
        made.map_err(|_| StoreError::Lost { transaction: "make a folder" })?
            .map_err(|error| StoreError::io("make a folder", error))?;
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(folder.to_owned());
        Ok(())
    }
}

fn make(root: &Path, leaf: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(leaf)?;
    for folder in leaf.ancestors() {
        std::fs::File::open(folder)?.sync_all()?;
        if folder == root {
            break;
        }
    }
    Ok(())
}
