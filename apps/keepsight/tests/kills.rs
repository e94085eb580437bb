//! Server and agent are killed at random moments, many times, while Events flow: nothing is lost, nothing comes twice.
//!
//! What the server acknowledged is taken from its own lists before each kill, what the agent had made durable from its spool
//! after each kill. At the end all of it is there, unchanged, opens as in a browser, and every absence has its gap.

#![allow(clippy::print_stdout, reason = "what a long test measured, and what it had to leave out, is told")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use common::{Dice, House, Listed, Plan, all_events, eventually};
use keepsight_ids::{B32, CameraId, EventId, SegmentKind, SegmentNo, UnixMillis};
use keepsight_seal::{Asked, Counts, Trailer, sha256};
use keepsight_wire::people::{Event, GapReason, Purpose};
use keepsight_world::World;

const KILLS: usize = 14;
/// The kills stop after this, and at [`KILLS`] at the latest; but there are never fewer than ten.
const AT_MOST: Duration = Duration::from_secs(75);
/// An absence of the agent that has to be told.
const TOLD_MS: i64 = 1_300;
/// How far what one process says of the time may be from what another says.
const SLACK_MS: i64 = 1_000;

type SegmentId = (EventId, SegmentKind, SegmentNo);

/// What must be there at the end.
#[derive(Default)]
struct Promised {
    /// Rows that the server listed before a kill.
    acked: BTreeMap<SegmentId, (CameraId, B32)>,
    /// Events that need not be looked at again.
    whole: BTreeSet<EventId>,
    /// Segments that lay in the spool after a kill.
    spooled: BTreeSet<SegmentId>,
}

/// A time without an agent.
#[derive(Debug)]
struct Absence {
    killed: i64,
    back: i64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_nothing_is_lost_and_nothing_comes_twice() {
    let began = Instant::now();
    let mut dice = Dice::cast();
    let mut house = House::found(Plan { views: vec!["hall", "garden"], ..Plan::default() }).await;
    house.start_agent();
    let (mut promised, mut absences, mut kills) = (Promised::default(), Vec::new(), [0, 0]);
    let flowing = Instant::now();
    while kills.iter().sum::<usize>() < 10 || (kills[0] + kills[1] < KILLS && flowing.elapsed() < AT_MOST) {
        flow(&house, &mut promised).await;
        tokio::time::sleep(dice.moment(1_200)).await;
        let (server, agent) = [(true, false), (false, true), (true, true)][dice.roll(3) as usize];
        if server {
            house.server.take().expect("it runs").kill();
            kills[0] += 1;
        }
        if agent {
            tokio::time::sleep(dice.moment(40)).await;
            house.agent.take().expect("it runs").kill();
            kills[1] += 1;
            absences.push(Absence { killed: now(), back: 0 });
            promised.read_spool(&house.agent_data);
        }
        // Sometimes it is back at once, sometimes not.
        let pause = if dice.roll(3) == 0 { Duration::ZERO } else { dice.moment(2_200) };
        tokio::time::sleep(pause).await;
        if agent {
            absences.last_mut().expect("it was just added").back = now();
            house.start_agent();
        }
        if server {
            house.start_server().await;
        }
    }
    println!("{} kills of the server, {} of the agent, in {:?}", kills[0], kills[1], flowing.elapsed());
    settle(&mut house).await;
    verify(&house, &promised, &absences).await;
    house.assert_calm();
    println!("in all {:?}", began.elapsed());
}

fn now() -> i64 {
    World::real().unix_millis()
}

/// Has both cameras record, and waits until the server has something new (if it comes in time; a kill is due anyhow).
async fn flow(house: &House, promised: &mut Promised) {
    for camera in &house.cameras {
        house.trigger(*camera).await;
    }
    let before = promised.acked.len();
    let until = Instant::now() + Duration::from_secs(4);
    while promised.acked.len() == before && Instant::now() < until {
        promised.read_server(house).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// No more Events, and everything is brought home.
async fn settle(house: &mut House) {
    let dir = house.agent_dir();
    for camera in house.cameras.clone() {
        house.trigger(camera).await;
        eventually("the agent lets a camera go", 60, async || dir.remove_camera(camera).await.ok()).await;
    }
    house.emptied(120).await;
    let status = house.agent_status().await.expect("it runs");
    assert_eq!(status.spool.quarantined, 0, "the server refused something for good");
    assert!(house.agent.take().expect("it runs").stop().await.success());
}

impl Promised {
    async fn read_server(&mut self, house: &House) {
        let Ok(listed) = all_events(&house.owner, house.home).await else { return };
        for event in &listed.events {
            if self.whole.contains(&event.event) {
                continue;
            }
            let Ok(detail) = house.owner.event(house.home, event.camera, event.event).await else { continue };
            for row in &detail.segments {
                let (id, stands) = ((event.event, row.kind, row.number), (event.camera, row.sha256));
                let before = self.acked.insert(id, stands);
                assert!(before.is_none_or(|before| before == stands), "{id:?} changed");
            }
            if detail.event.complete {
                self.whole.insert(event.event);
            }
        }
    }

    /// The spool's layout is the agent's own affair; its names are read here because it is dead and can't be asked.
    fn read_spool(&mut self, agent: &Path) {
        let names = |path: &Path| -> Vec<String> {
            let Ok(entries) = std::fs::read_dir(path) else { return Vec::new() };
            entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
        };
        let spool = agent.join("spool");
        for folder in names(&spool) {
            let Some(event) = folder.split_once('-').and_then(|(_, event)| event.parse().ok()) else {
                continue;
            };
            for file in names(&spool.join(&folder)) {
                let Some((kind, number)) = file.split_once('-') else { continue };
                if let (Ok(kind), Ok(number)) = (kind.parse(), number.parse()) {
                    self.spooled.insert((event, kind, SegmentNo(number)));
                }
            }
        }
    }
}

async fn verify(house: &House, promised: &Promised, absences: &[Absence]) {
    let listed = house.listed().await;
    let once: BTreeSet<EventId> = listed.events.iter().map(|event| event.event).collect();
    assert_eq!(once.len(), listed.events.len(), "an Event is listed twice");
    let mut there: BTreeMap<SegmentId, (CameraId, B32)> = BTreeMap::new();
    let mut cut = 0;
    for event in &listed.events {
        let whole = opens(house, event, &mut there).await;
        assert_eq!(whole, event.complete, "{}", event.event);
        if !whole {
            cut += 1;
            has_its_gap(house, &listed, absences, event).await;
        }
    }
    for (id, stands) in &promised.acked {
        assert_eq!(there.get(id), Some(stands), "{id:?} was acknowledged");
    }
    for id in &promised.spooled {
        assert!(there.contains_key(id), "{id:?} lay in the spool");
    }
    for absence in absences.iter().filter(|absence| absence.back - absence.killed >= TOLD_MS) {
        house.cameras.iter().for_each(|camera| assert_told(&listed, *camera, absence));
    }
    assert!(cut > 0 && cut < listed.events.len(), "{cut} of {} Events were cut", listed.events.len());
    println!(
        "{} Events ({cut} cut short), {} segments ({} seen acknowledged before a kill, {} in the spool after one), {} gaps",
        listed.events.len(),
        there.len(),
        promised.acked.len(),
        promised.spooled.len(),
        listed.gaps.len()
    );
}

/// Every part is what its row says, opens as what it is, and none is missing that the trailer counts. False for a cut Event.
async fn opens(house: &House, event: &Event, there: &mut BTreeMap<SegmentId, (CameraId, B32)>) -> bool {
    let of = Asked { home: house.home, camera: event.camera, event: event.event };
    let open = house.owner.open_event(of.home, of.camera, of.event).await.expect("its header opens");
    let (mut counts, mut trailer) = (Counts::default(), None);
    for row in &open.detail.segments {
        let sealed = house.owner.segment(of, row.kind, row.number, Purpose::View).await;
        let sealed =
            sealed.unwrap_or_else(|error| panic!("{} {} of {}: {error}", row.kind, row.number, of.event));
        assert_eq!(sha256(&sealed), row.sha256, "{} {} of {}", row.kind, row.number, of.event);
        let opened = open.open(row.kind, row.number, &sealed).expect("it opens as what it is");
        let before = there.insert((of.event, row.kind, row.number), (of.camera, row.sha256));
        assert_eq!(before, None, "a segment is listed twice");
        counts.add(row.kind);
        if row.kind == SegmentKind::Trailer {
            trailer = Some(Trailer::parse(&opened).expect("a trailer"));
        }
    }
    let Some(trailer) = trailer else { return false };
    let missing = trailer.missing(&counts);
    assert!(missing.is_empty(), "{}: {missing:?} of what its trailer counts", of.event);
    true
}

/// A cut Event was cut by the first kill after it began; where its footage ends a gap begins.
async fn has_its_gap(house: &House, listed: &Listed, absences: &[Absence], event: &Event) {
    let open = house.owner.open_event(house.home, event.camera, event.event).await.expect("its header opens");
    let captured = open.header.header().captured;
    let by = absences.iter().find(|absence| absence.killed >= captured.0);
    let by = by.unwrap_or_else(|| panic!("{} is cut, and nobody was killed after it began", event.event));
    let found = listed.gaps.values().any(|gap| {
        gap.camera == event.camera
            && gap.reason == GapReason::AgentStopped
            && gap.from >= captured
            && gap.from <= UnixMillis(by.killed + SLACK_MS)
            && gap.until >= UnixMillis(by.back - SLACK_MS)
    });
    assert!(found || by.back - by.killed < TOLD_MS, "{} was cut by {by:?}: {:?}", event.event, listed.gaps);
}

fn assert_told(listed: &Listed, camera: CameraId, absence: &Absence) {
    let found = listed.gaps.values().any(|gap| {
        gap.camera == camera
            && matches!(gap.reason, GapReason::AgentStopped | GapReason::AgentOff)
            && gap.from.0 <= absence.killed + SLACK_MS
            && gap.until.0 >= absence.back - SLACK_MS
    });
    assert!(found, "nothing tells that {camera} was not watched: {absence:?}, {:?}", listed.gaps);
}
