//! A disk in memory that forgets at a crash whatever was not synced: the double that tests and simulations run on.
//!
//! It is harsher than most file systems: at a crash every unsynced name and every unsynced content is kept or lost by its own
//! throw of the coin, in any order, contents also in part. It promises exactly what [`super::Disk`] says, so code that keeps
//! its word here does so on a real disk.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path};
use std::sync::{Arc, Mutex, MutexGuard};

use super::{Disk, Entry};

type Node = usize;
const ROOT: Node = 0;

/// The disk. Clones share it, as processes of one machine do.
#[derive(Clone)]
pub struct Forgetful {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    nodes: Vec<Content>,
    capacity: u64,
    calls: u64,
    dies_at: Option<u64>,
    chance: u64,
}

#[derive(Clone)]
enum Content {
    File { now: Vec<u8>, durable: Vec<u8> },
    Dir { now: BTreeMap<String, Node>, durable: BTreeMap<String, Node> },
}

impl Content {
    fn file() -> Self {
        Self::File { now: Vec::new(), durable: Vec::new() }
    }

    fn dir() -> Self {
        Self::Dir { now: BTreeMap::new(), durable: BTreeMap::new() }
    }
}

impl Forgetful {
    /// An empty disk of unlimited size. What survives a crash follows from `seed`.
    pub fn new(seed: u64) -> Self {
        let inner =
            Inner { nodes: vec![Content::dir()], capacity: u64::MAX, calls: 0, dies_at: None, chance: seed };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// From now on the files together may hold so many bytes; a write beyond it stores what fits and fails.
    pub fn set_capacity(&self, bytes: u64) {
        self.lock().capacity = bytes;
    }

    /// How many changing calls there were so far.
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// The power goes at the changing call with this number ([`Forgetful::calls`]): it and all later ones do nothing and
    /// fail, until [`Forgetful::crash`].
    pub fn die_at(&self, call: u64) {
        self.lock().dies_at = Some(call);
    }

    /// True once the power went.
    pub fn is_dead(&self) -> bool {
        let inner = self.lock();
        inner.dies_at.is_some_and(|at| inner.calls > at)
    }

    /// The machine starts again: what was synced is there, of the rest what the coin says.
    pub fn crash(&self) {
        let mut inner = self.lock();
        for node in 0..inner.nodes.len() {
            let settled = match inner.nodes[node].clone() {
                Content::File { now, durable } => inner.settle_file(now, durable),
                Content::Dir { now, durable } => inner.settle_dir(now, durable),
            };
            inner.nodes[node] = settled;
        }
        inner.dies_at = None;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn change<T>(&self, act: impl FnOnce(&mut Inner) -> io::Result<T>) -> io::Result<T> {
        let mut inner = self.lock();
        inner.calls += 1;
        if inner.dies_at.is_some_and(|at| inner.calls > at) {
            return Err(io::Error::other("the power is gone"));
        }
        act(&mut inner)
    }
}

impl Inner {
    /// SplitMix64: repeatable.
    fn draw(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.chance;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn coin(&mut self) -> bool {
        self.draw() & 1 == 1
    }

    fn settle_file(&mut self, now: Vec<u8>, durable: Vec<u8>) -> Content {
        let kept = if now == durable {
            durable
        } else {
            match self.draw() % 3 {
                0 => durable,
                1 => now,
                _ => {
                    let most = now.len() as u64 + 1;
                    let part = (self.draw() % most) as usize;
                    now[..part].to_vec()
                }
            }
        };
        Content::File { now: kept.clone(), durable: kept }
    }

    fn settle_dir(&mut self, now: BTreeMap<String, Node>, durable: BTreeMap<String, Node>) -> Content {
        let mut kept = durable.clone();
        let names = now.keys().chain(durable.keys()).cloned().collect::<std::collections::BTreeSet<_>>();
        for name in names {
            if now.get(&name) == durable.get(&name) || !self.coin() {
                continue;
            }
            match now.get(&name) {
                Some(&node) => kept.insert(name, node),
                None => kept.remove(&name),
            };
        }
        Content::Dir { now: kept.clone(), durable: kept }
    }

    fn used(&self) -> u64 {
        // Removed files keep their room until a crash in this double; only names that are there count.
        self.used_below(ROOT)
    }

    fn used_below(&self, node: Node) -> u64 {
        match &self.nodes[node] {
            Content::File { now, .. } => now.len() as u64,
            Content::Dir { now, .. } => now.values().map(|&child| self.used_below(child)).sum(),
        }
    }

    fn find(&self, path: &Path) -> io::Result<Node> {
        let mut node = ROOT;
        for part in path.components() {
            let Component::Normal(name) = part else { return Err(io::ErrorKind::InvalidInput.into()) };
            let name = name.to_str().ok_or(io::ErrorKind::InvalidInput)?;
            node = *self.names(node)?.get(name).ok_or(io::ErrorKind::NotFound)?;
        }
        Ok(node)
    }

    fn names(&self, node: Node) -> io::Result<&BTreeMap<String, Node>> {
        match &self.nodes[node] {
            Content::Dir { now, .. } => Ok(now),
            Content::File { .. } => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn names_mut(&mut self, node: Node) -> io::Result<&mut BTreeMap<String, Node>> {
        match &mut self.nodes[node] {
            Content::Dir { now, .. } => Ok(now),
            Content::File { .. } => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn split(&self, path: &Path) -> io::Result<(Node, String)> {
        let name = path.file_name().and_then(|name| name.to_str()).ok_or(io::ErrorKind::InvalidInput)?;
        Ok((self.find(super::parent(path))?, name.to_owned()))
    }

    fn add(&mut self, path: &Path, content: Content) -> io::Result<Node> {
        let (folder, name) = self.split(path)?;
        self.nodes.push(content);
        let node = self.nodes.len() - 1;
        self.names_mut(folder)?.insert(name, node);
        Ok(node)
    }

    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let node = match self.find(path) {
            Ok(node) => node,
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.add(path, Content::file())?,
            Err(error) => return Err(error),
        };
        let Content::File { now, .. } = &mut self.nodes[node] else {
            return Err(io::ErrorKind::IsADirectory.into());
        };
        now.clear();
        let room = self.capacity.saturating_sub(self.used());
        let fits = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        if let Content::File { now, .. } = &mut self.nodes[node] {
            now.extend_from_slice(&bytes[..fits]);
        }
        if fits == bytes.len() { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }
}

impl Disk for Forgetful {
    fn waits(&self) -> bool {
        false
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.change(|inner| match inner.find(path) {
            Ok(_) => Ok(()),
            Err(_) => inner.add(path, Content::dir()).map(drop),
        })
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.change(|inner| inner.write(path, bytes))
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.change(|inner| {
            let node = inner.find(path)?;
            if let Content::File { now, durable } = &mut inner.nodes[node] {
                durable.clone_from(now);
            }
            Ok(())
        })
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.change(|inner| {
            let node = inner.find(path)?;
            if let Content::Dir { now, durable } = &mut inner.nodes[node] {
                durable.clone_from(now);
            }
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(|inner| {
            let node = inner.find(from)?;
            let (old, old_name) = inner.split(from)?;
            let (new, new_name) = inner.split(to)?;
            inner.names_mut(old)?.remove(&old_name);
            inner.names_mut(new)?.insert(new_name, node);
            Ok(())
        })
    }

    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let inner = self.lock();
        match &inner.nodes[inner.find(path)?] {
            Content::File { now, .. } => {
                Ok(now[..now.len().min(usize::try_from(most).unwrap_or(usize::MAX))].to_vec())
            }
            Content::Dir { .. } => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let inner = self.lock();
        let names = inner.names(inner.find(path)?)?;
        let entry = |(name, &node): (&String, &Node)| match &inner.nodes[node] {
            Content::File { now, .. } => Entry { name: name.clone(), is_dir: false, bytes: now.len() as u64 },
            Content::Dir { .. } => Entry { name: name.clone(), is_dir: true, bytes: 0 },
        };
        Ok(names.iter().map(entry).collect())
    }

    fn free(&self) -> io::Result<u64> {
        let inner = self.lock();
        Ok(inner.capacity.saturating_sub(inner.used()))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(|inner| {
            if inner.find(path).is_ok() {
                let (folder, name) = inner.split(path)?;
                inner.names_mut(folder)?.remove(&name);
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{read_if_there, replace};
    use super::*;

    #[test]
    fn an_unsynced_name_may_be_forgotten_and_a_synced_one_never() {
        let mut lost = 0;
        for seed in 0..40 {
            let disk = Forgetful::new(seed);
            disk.create_dir(Path::new("a")).unwrap();
            disk.sync_dir(Path::new("")).unwrap();
            disk.write(Path::new("a/quick"), b"quick").unwrap();
            replace(&disk, Path::new("a/sure"), b"sure").unwrap();
            disk.write(Path::new("a/later"), b"later").unwrap();
            disk.crash();
            assert_eq!(
                read_if_there(&disk, Path::new("a/sure")).unwrap().as_deref(),
                Some(b"sure".as_slice())
            );
            lost +=
                usize::from(read_if_there(&disk, Path::new("a/later")).unwrap().as_deref() != Some(b"later"));
        }
        assert!((5..40).contains(&lost), "{lost}");
    }

    #[test]
    fn replacing_leaves_the_old_or_the_new_at_every_power_cut() {
        for cut in 0..8 {
            for seed in 0..20 {
                let disk = Forgetful::new(seed);
                replace(&disk, Path::new("state"), b"old").unwrap();
                disk.die_at(disk.calls() + cut);
                let done = replace(&disk, Path::new("state"), b"new");
                disk.crash();
                let found = read_if_there(&disk, Path::new("state")).unwrap().expect("one of the two");
                assert!(found == b"new" || (found == b"old" && done.is_err()), "{cut} {seed} {found:?}");
            }
        }
    }

    #[test]
    fn a_full_disk_stores_a_part_and_says_so() {
        let disk = Forgetful::new(1);
        disk.set_capacity(10);
        disk.write(Path::new("a"), &[0; 8]).unwrap();
        let error = disk.write(Path::new("b"), &[0; 8]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(disk.read(Path::new("b"), 100).unwrap().len(), 2);
        disk.remove(Path::new("a")).unwrap();
        disk.write(Path::new("b"), &[0; 8]).unwrap();
    }
}
