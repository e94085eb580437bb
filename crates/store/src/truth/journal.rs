//! The journal of revocations: a file beside the objects that only grows, so that a restored backup gives nobody back what was
//! taken from them since.
//!
//! Every change that takes something away is written here, synced, after its COMMIT and before anybody is told that it was made
//! (`outbox.rs` sees to it that none is forgotten on the way). It is not a log of the truth: what was given stands in the database alone. A backup restores the database, never this file. One
//! line is one revision: JSON with the revision, its tag, and what it took. Several processes may append.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use keepsight_gate::{Committed, Tag};
use keepsight_ids::{AccountId, AgentId, B64, CameraId, HomeId, Revision, SlotId, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// Something that was taken, or a lock or state that was set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum Revoked {
    /// Some session; which doesn't matter, for a restored backup ends them all.
    Session,
    /// A member's or guest's rights, or those that were replaced by others.
    Slot { home: HomeId, slot: SlotId },
    /// An invitation was revoked, or used.
    Invitation { home: HomeId, slot: SlotId },
    /// An agent.
    Agent { home: HomeId, agent: AgentId },
    /// A camera.
    Camera { home: HomeId, camera: CameraId },
    /// Viewing everywhere was stopped, or allowed again.
    Lockdown { on: bool },
    /// Viewing in a home likewise.
    HomeLockdown { home: HomeId, on: bool },
    /// Viewing of a camera likewise.
    CameraLockdown { home: HomeId, camera: CameraId, on: bool },
    /// An account's state was set.
    AccountState { account: AccountId, state: i64 },
    /// A home's.
    HomeState { home: HomeId, state: i64 },
    /// An agent's.
    AgentState { home: HomeId, agent: AgentId, state: i64 },
}

/// One revision, as far as it took something.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The revision.
    pub rev: Revision,
    /// Its tag: the same number in another history has another.
    pub tag: B64,
    /// When.
    pub at: UnixMillis,
    /// What it took; nothing in the line of a start.
    pub revoked: Vec<Revoked>,
    /// After a restored backup: so many of the lines above were done again by this revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<u64>,
}

impl Line {
    /// The line of a revision.
    pub fn of(committed: Committed, tag: Tag, revoked: Vec<Revoked>) -> Self {
        let (rev, at) = (committed.revision, committed.at);
        Self { rev, tag: B64(tag.0.to_vec()), at, revoked, settled: None }
    }
}

/// The open file. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Journal(Arc<File>);

impl Journal {
    /// Opens it, and makes it if absent. Blocks.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let open = || {
            let file = File::options().create(true).read(true).append(true).open(path)?;
            file.sync_all()?;
            // Its name must outlast a power cut too.
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                File::open(folder)?.sync_all()?;
            }
            let journal = Self(Arc::new(file));
            journal.locked(|_| Ok(()))?;
            Ok(journal)
        };
        open().map_err(|error| StoreError::io("open the journal of revocations", error))
    }

    /// Every line. Blocks.
    pub fn read(&self) -> Result<Vec<Line>, StoreError> {
        let mut text = String::new();
        let read = self.locked(|mut file| {
            file.seek(SeekFrom::Start(0))?;
            file.read_to_string(&mut text)
        });
        read.map_err(|error| StoreError::io("read the journal of revocations", error))?;
        let parse = |(at, line): (usize, &str)| {
            serde_json::from_str(line).map_err(|error| StoreError::Corrupt {
                what: format!("line {} of the journal of revocations: {error}", at + 1),
            })
        };
        text.lines().enumerate().map(parse).collect()
    }

    /// Adds lines; they are durable on return.
    pub async fn append(&self, lines: Vec<Line>) -> Result<(), StoreError> {
        let journal = self.clone();
        let appended = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            for line in &lines {
                serde_json::to_writer(&mut bytes, line).expect("a line is plain JSON");
                bytes.push(b'\n');
            }
            journal.locked(|mut file| {
                file.write_all(&bytes)?;
                file.sync_data()
            })
        });
        appended
            .await
            .map_err(|_| StoreError::Lost { transaction: "write the journal of revocations" })?
            .map_err(|error| StoreError::io("write the journal of revocations", error))
    }

    /// Under the file's lock, which other processes heed, and the threads of this one. What a crash or a full disk left half written
    /// is taken away first, so that no line is ever glued to it: whole, it comes again from where it came from.
    fn locked<T>(&self, work: impl FnOnce(&File) -> std::io::Result<T>) -> std::io::Result<T> {
        static THREADS: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _threads = THREADS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.0.lock()?;
        let done = repair(&self.0).and_then(|()| work(&self.0));
        self.0.unlock()?;
        done
    }
}

fn repair(mut file: &File) -> std::io::Result<()> {
    if is_whole(file)? {
        return Ok(());
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    if whole < bytes.len() {
        file.set_len(whole as u64)?;
        file.sync_all()?;
    }
    Ok(())
}

fn is_whole(mut file: &File) -> std::io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(rev: u64) -> Line {
        let revoked = vec![
            Revoked::Session,
            Revoked::Slot { home: HomeId::from_bytes([1; 16]), slot: SlotId::from_bytes([2; 16]) },
        ];
        Line::of(Committed { revision: Revision(rev), at: UnixMillis(7) }, Tag([rev as u8; 16]), revoked)
    }

    #[tokio::test]
    async fn a_line_is_never_glued_to_one_that_was_cut_off_by_a_full_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revocations");
        let journal = Journal::open(&path).unwrap();
        journal.append(vec![line(1)]).await.unwrap();
        let whole = std::fs::read(&path).unwrap();
        for cut in [1, whole.len() / 2, whole.len() - 1] {
            File::options().append(true).open(&path).unwrap().write_all(&whole[..cut]).unwrap();
            journal.append(vec![line(2)]).await.unwrap();
            assert_eq!(Journal::open(&path).unwrap().read().unwrap().last(), Some(&line(2)));
        }
    }

    #[tokio::test]
    async fn what_a_crash_left_half_written_is_taken_away_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revocations");
        let journal = Journal::open(&path).unwrap();
        journal.append(vec![line(1)]).await.unwrap();
        journal.append(vec![line(2)]).await.unwrap();
        let whole = std::fs::read(&path).unwrap();
        for cut in [1, 10, whole.len() / 2 - 1] {
            std::fs::write(&path, [&whole[..], &whole[..cut]].concat()).unwrap();
            let again = Journal::open(&path).unwrap();
            assert_eq!(again.read().unwrap(), [line(1), line(2)]);
            again.append(vec![line(3)]).await.unwrap();
            assert_eq!(again.read().unwrap(), [line(1), line(2), line(3)]);
        }
    }

    #[tokio::test]
    async fn a_line_that_is_not_understood_is_damage_and_never_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revocations");
        let journal = Journal::open(&path).unwrap();
        journal.append(vec![line(1)]).await.unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("\"slot\"", "\"slat\"")).unwrap();
        let error = Journal::open(&path).unwrap().read().unwrap_err();
        assert!(error.to_string().contains("line 1 of the journal"), "{error}");
    }

    #[tokio::test]
    async fn two_that_append_do_not_mix_their_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revocations");
        let journals = [Journal::open(&path).unwrap(), Journal::open(&path).unwrap()];
        let tasks: Vec<_> = (0..40)
            .map(|n| {
                let journal = journals[n % 2].clone();
                tokio::spawn(async move { journal.append(vec![line(n as u64)]).await.unwrap() })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let mut revs: Vec<u64> = journals[0].read().unwrap().iter().map(|line| line.rev.0).collect();
        revs.sort_unstable();
        assert_eq!(revs, (0..40).collect::<Vec<_>>());
    }
}
