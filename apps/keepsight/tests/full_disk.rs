//! A disk that is full, on either side: ingest stops before a revocation does, the oldest footage makes room, nobody dies.
//!
//! The full disk is a real one: a small tmpfs, which only root may mount. `cargo xtask test --only disk` runs these tests.

#![allow(clippy::print_stdout, reason = "what a long test measured, and what it had to leave out, is told")]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use common::{House, Plan, Proxy, eventually, free_port};
use keepsight_agent::spool::NewEvent;
use keepsight_ids::{CameraId, EventId, UnixMillis};
use keepsight_person::EventQuery;
use keepsight_wire::people::{GapReason, Purpose};
use keepsight_world::World;

/// A small file system, unmounted when dropped.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// Of `size`, as `mount` understands it.
    fn mount(size: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size},mode=0700"), "tmpfs"]).arg(folder.path());
        let output = mount.output().expect("there is mount");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Bytes that are free.
    fn free(&self) -> u64 {
        let mut df = Command::new("df");
        let output = df.args(["--output=avail", "-B1"]).arg(self.path()).output().expect("there is df");
        let text = String::from_utf8(output.stdout).expect("df speaks ASCII");
        text.lines().last().and_then(|line| line.trim().parse().ok()).expect("df prints a number")
    }

    /// Leaves only so many bytes, until the file is removed.
    fn fill(&self, leave: u64) -> PathBuf {
        let path = self.path().join("filler");
        let bytes = self.free().checked_sub(leave).expect("there is more room than that");
        std::fs::write(&path, vec![0; usize::try_from(bytes).expect("a small disk")]).expect("it fits");
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: what still has a file open there lets it go when it ends.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs to mount a small disk"]
async fn a_full_server_refuses_footage_keeps_its_word_and_still_revokes() {
    let began = Instant::now();
    let disk = SmallDisk::mount("64m");
    let port = free_port();
    let proxy = Proxy::to(port).await;
    let mut house = House::found(Plan {
        views: vec!["hall"],
        server_data: Some(disk.path().join("cloud")),
        server_lines: format!("disk_reserve = {}\n", 16 << 20),
        port: Some(port),
        agent_port: Some(proxy.port),
        ..Plan::default()
    })
    .await;
    let member = house.member("oak").await;
    let lane = house.member("lane").await;
    house.start_agent();
    let camera = house.cameras[0];
    house.record(camera, 120).await;
    let before = house.listed().await;
    assert!(!before.events.is_empty());

    let filler = disk.fill(8 << 20);
    house.trigger(camera).await;
    let wait = eventually("the server says that it is full", 120, async || {
        let seen = proxy.seen();
        seen.iter().find(|answer| answer.status == 507).map(|answer| answer.retry_after)
    })
    .await;
    assert!(wait.is_some_and(|seconds| seconds >= 1), "507 says when to come back: {wait:?}");
    revoked_on_a_full_disk(&house, [&member, &lane]).await;
    // Records of who looked still go to the disk, or else nothing would be shown.
    let first = &before.events[0];
    let watched = house.owner.watch(house.home, camera, first.event, Purpose::View).await;
    assert!(watched.expect("what is there can be watched").is_whole());
    let waiting = house.agent_status().await.expect("the agent runs").spool;
    assert!(waiting.events > 0, "what was refused stays in the spool");

    std::fs::remove_file(filler).expect("it is there");
    let freed = Instant::now();
    house.emptied(240).await;
    println!(
        "everything arrived {:?} after there was room again (asked to wait {wait:?} s)",
        freed.elapsed()
    );
    let after = house.listed().await;
    assert!(after.events.len() > before.events.len());
    for event in &after.events {
        let watched = house.owner.watch(house.home, camera, event.event, Purpose::View).await;
        assert!(watched.expect("it opens").is_whole(), "{}", event.event);
    }
    assert!(after.gaps.values().all(|gap| gap.reason != GapReason::SpoolFull), "{:?}", after.gaps);
    let others = proxy.seen().iter().filter(|answer| answer.status >= 500 && answer.status != 507).count();
    assert_eq!(others, 0, "a full disk is no other failure");
    house.assert_calm();
    println!("in all {:?}", began.elapsed());
}

/// A member is removed, and a lockdown of the home holds and ends.
async fn revoked_on_a_full_disk(house: &House, [member, other]: [&keepsight_person::Person; 2]) {
    let (home, list) = (house.home, EventQuery::default());
    member.events(home, &list).await.expect("a member sees the list until they are removed");
    let slot = member.open_home(home).await.expect("they belong to it").slot;
    house.owner.remove_member(home, slot).await.expect("a removal is acknowledged on a full disk");
    let refused = member.events(home, &list).await.expect_err("nothing is shown any more");
    assert_eq!(refused.code(), Some("not_found"));
    house.owner.set_lockdown(home, true).await.expect("a lockdown is acknowledged on a full disk");
    let refused = other.events(home, &list).await.expect_err("nothing is shown under lockdown");
    assert_eq!(refused.code(), Some("lockdown"));
    house.owner.set_lockdown(home, false).await.expect("and so is its end");
    other.events(home, &list).await.expect("who is still a member sees the list");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs to mount a small disk"]
async fn a_full_spool_drops_the_oldest_tells_the_gap_and_keeps_the_newest() {
    let began = Instant::now();
    let disk = SmallDisk::mount("1200k");
    let mut house = House::found(Plan {
        views: vec!["hall", "garden", "street"],
        agent_data: Some(disk.path().join("agent")),
        ..Plan::default()
    })
    .await;
    house.start_agent();
    house.record(house.cameras[0], 120).await;
    assert!(house.server.take().expect("it runs").stop().await.success());
    let away = World::real().unix_millis();

    let seen = overfill(&house).await;
    assert!(house.agent.as_mut().expect("it was started").is_alive(), "the agent died of a full disk");
    println!("{} Events began while the server was away for {:?}", seen.len(), since(away));
    house.start_server().await;
    let dir = house.agent_dir();
    for camera in &house.cameras {
        eventually("the agent lets a camera go", 120, async || dir.remove_camera(*camera).await.ok()).await;
    }
    house.emptied(180).await;
    told(&house, &seen).await;
    assert!(house.agent.take().expect("it was started").stop().await.success(), "the agent ends well");
    house.assert_calm();
    println!("in all {:?}", began.elapsed());
}

fn since(millis: i64) -> Duration {
    let passed = World::real().unix_millis().saturating_sub(millis);
    Duration::from_millis(u64::try_from(passed).unwrap_or(0))
}

type Begun = BTreeMap<EventId, (CameraId, UnixMillis)>;

/// Has every camera record again and again, until Events of the first minute have gone and a new one is there whole. Gives back
/// every Event that lay in the spool meanwhile.
async fn overfill(house: &House) -> Begun {
    let mut seen = Begun::new();
    let mut newest_at_first_loss = None;
    eventually("the spool overflows", 240, async || {
        for camera in &house.cameras {
            // A camera whose Event was just dropped may need a moment.
            let _ = house.agent_dir().trigger(*camera).await;
        }
        let here = spooled(&house.agent_data);
        let newest = here.values().map(|(_, captured)| *captured).max();
        seen.extend(here.iter().map(|(event, what)| (*event, *what)));
        if newest_at_first_loss.is_none() && seen.len() >= here.len() + 2 {
            newest_at_first_loss = newest;
        }
        (newest? > newest_at_first_loss?).then_some(())
    })
    .await;
    seen
}

/// What lies in the spool now, from the headers' own words: the running agent tells only how many there are.
fn spooled(agent: &Path) -> Begun {
    let Ok(folders) = std::fs::read_dir(agent.join("spool")) else { return Begun::new() };
    let header = |folder: std::fs::DirEntry| {
        let bytes = std::fs::read(folder.path().join("header")).ok()?;
        let start = bytes.windows(9).position(|window| window == b"{\"camera\"")?;
        let new: NewEvent = serde_json::Deserializer::from_slice(&bytes[start..]).into_iter().next()?.ok()?;
        Some((new.event, (new.camera, new.captured)))
    };
    folders.filter_map(|folder| header(folder.ok()?)).collect()
}

/// Every dropped Event lies in a gap that says so; the newest is there whole, and in none.
async fn told(house: &House, seen: &Begun) {
    let listed = house.listed().await;
    let full = |camera: CameraId, at: UnixMillis| {
        let mut gaps = listed.gaps.values();
        gaps.any(|gap| {
            gap.camera == camera && gap.reason == GapReason::SpoolFull && gap.from <= at && at < gap.until
        })
    };
    let (mut dropped, mut kept) = (Vec::new(), Vec::new());
    for (event, (camera, captured)) in seen {
        match listed.event(*event) {
            None => {
                dropped.push(*captured);
                assert!(full(*camera, *captured), "{event} of {captured} is in no gap: {:?}", listed.gaps);
            }
            Some(row) => {
                let watched = house.owner.watch(house.home, row.camera, *event, Purpose::View).await;
                let whole = watched.expect("it opens").is_whole();
                if whole {
                    kept.push((*captured, *camera));
                }
            }
        }
    }
    println!("{} dropped, {} kept whole, {} gaps", dropped.len(), kept.len(), listed.gaps.len());
    assert!(!dropped.is_empty() && !kept.is_empty());
    // Gaps that are close together may be told as one, so that earlier Events may lie in it; the newest does not.
    let (newest, camera) = *kept.iter().max().expect("it isn't empty");
    assert!(Some(&newest) > dropped.iter().min(), "the oldest went, and newer ones are there");
    // A gap's end is told to about a key frame's distance: the last dropped Event ends just where this one's pre-roll begins.
    assert!(!full(camera, newest.plus_ms(2500)), "{newest} is whole, and in a gap: {:?}", listed.gaps);
    let newest = listed.events.iter().max_by_key(|event| event.filed).expect("there are some");
    let last_seen = seen.values().map(|(_, captured)| *captured).max().expect("some began");
    assert!(newest.filed >= last_seen, "the newest Event is there: {} of {last_seen}", newest.filed);
}
