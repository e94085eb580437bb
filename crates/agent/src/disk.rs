//! The few things that the agent does with a disk, behind a trait, so that a disk which forgets can stand in for it.
//!
//! Paths are relative to the agent's folder. A write is durable only after [`Disk::sync_file`] of the file *and*
//! [`Disk::sync_dir`] of the folder that names it: that is what POSIX promises, and [`Forgetful`] promises no more.

mod forgetful;
mod real;

use std::io;
use std::path::{Path, PathBuf};

pub use forgetful::Forgetful;
pub use real::RealDisk;

/// What a folder holds: one entry of [`Disk::list`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name within the folder.
    pub name: String,
    /// A folder, not a file.
    pub is_dir: bool,
    /// The size of a file in bytes; 0 for a folder.
    pub bytes: u64,
}

/// A disk as the spool needs it. Every call blocks until it is done.
pub trait Disk: Send + Sync {
    /// True when calls may wait for hardware, so that callers move them off the async threads.
    fn waits(&self) -> bool;

    /// Makes a folder in a folder that exists; fine if it is there already. Not durable until the parent is synced.
    ///
    /// # Errors
    /// As the file system says; so for every method here. A full disk is [`io::ErrorKind::StorageFull`].
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Creates or replaces a file. Not durable until synced; after an error the file may hold a part.
    ///
    /// # Errors
    /// As the file system says.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Makes a file's content durable.
    ///
    /// # Errors
    /// As the file system says.
    fn sync_file(&self, path: &Path) -> io::Result<()>;

    /// Makes a folder's names durable.
    ///
    /// # Errors
    /// As the file system says.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Moves a file or folder, replacing a file of that name. Durable when both parents are synced.
    ///
    /// # Errors
    /// As the file system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// The first `most` bytes of a file, or all of it when it is shorter.
    ///
    /// # Errors
    /// As the file system says.
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>>;

    /// What a folder holds, in no order.
    ///
    /// # Errors
    /// As the file system says.
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>>;

    /// How many bytes can still be written.
    ///
    /// # Errors
    /// As the file system says.
    fn free(&self) -> io::Result<u64>;

    /// Removes a file, or a folder with all that is in it. Fine if there is none.
    ///
    /// # Errors
    /// As the file system says.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// Puts a file in place whole and durably: after a crash there is the old one or the new one.
///
/// # Errors
/// As the file system says; the old file is then still there.
pub fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = draft_of(path);
    let written = disk
        .write(&draft, bytes)
        .and_then(|()| disk.sync_file(&draft))
        .and_then(|()| disk.rename(&draft, path));
    if let Err(error) = written {
        // The room that a half-written file takes is what a full disk lacks; that it stays is no harm beyond that.
        disk.remove(&draft).ok();
        return Err(error);
    }
    disk.sync_dir(parent(path))
}

/// Reads a whole file; `None` when there is none.
///
/// # Errors
/// As the file system says.
pub fn read_if_there(disk: &dyn Disk, path: &Path) -> io::Result<Option<Vec<u8>>> {
    match disk.read(path, u64::MAX) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// True for names that [`replace`] uses for files not yet in place: after a crash they are rubbish.
pub fn is_draft(name: &str) -> bool {
    name.ends_with(DRAFT)
}

const DRAFT: &str = ".draft";

fn draft_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(DRAFT);
    PathBuf::from(name)
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}
