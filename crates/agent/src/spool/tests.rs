//! The spool against a model of it, with the power cut at every single disk operation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keepsight_ids::{B64, CameraId, EventId, SegmentKind, SegmentNo, UnixMillis};
use keepsight_wire::Signed;
use keepsight_wire::people::{CameraState, GapReason};
use keepsight_world::World;
use proptest::prelude::*;

use super::backlog::{Item, Span, Turn};
use super::*;
use crate::disk::Forgetful;

const CAMERA: CameraId = CameraId::from_bytes([9; 16]);
const PLENTY: u64 = 1 << 40;

fn world() -> World {
    World::real()
}

fn event(n: u8) -> EventId {
    EventId::from_bytes([n; 16])
}

fn new_event(n: u8) -> NewEvent {
    let header = Signed { body: B64(vec![n; 300]), signature: B64(vec![1; 64]) };
    NewEvent {
        camera: CAMERA,
        event: event(n),
        captured: UnixMillis(1_700_000_000_000 + i64::from(n) * 100_000),
        header,
    }
}

fn video(n: u32) -> (SegmentKind, SegmentNo, Span) {
    let span = Span { from_ms: n * 2000, until_ms: n * 2000 + 2000 };
    (SegmentKind::Video, SegmentNo(n), span)
}

fn bytes(n: u8, number: u32) -> Vec<u8> {
    vec![n ^ (number as u8); 5000]
}

fn open(disk: &Forgetful, budget: u64) -> Spool {
    Spool::open(Arc::new(disk.clone()), budget, world()).unwrap()
}

fn add_video(spool: &mut Spool, n: u8, number: u32) -> Result<[u8; 32], SpoolError> {
    let (kind, no, span) = video(number);
    spool.append(event(n), kind, no, span, &bytes(n, number))
}

fn add_trailer(spool: &mut Spool, n: u8) -> Result<[u8; 32], SpoolError> {
    spool.append(event(n), SegmentKind::Trailer, SegmentNo(0), Span::default(), b"trailer")
}

fn whole_event(spool: &mut Spool, n: u8, videos: u32) -> Result<(), SpoolError> {
    spool.begin(&new_event(n))?;
    for number in 0..videos {
        add_video(spool, n, number)?;
    }
    add_trailer(spool, n)?;
    spool.close(event(n))
}

fn upload_all(spool: &mut Spool) -> Vec<Item> {
    let mut order = Vec::new();
    while let Some(item) = spool.backlog().next(world().now(), Turn::Fresh, |_| true, |_| true) {
        spool.load(item).unwrap();
        spool.settle(item, Settled::Acked).unwrap();
        order.push(item);
        assert!(order.len() < 10_000);
    }
    order
}

fn gaps(spool: &Spool) -> Vec<(i64, i64, GapReason)> {
    spool.backlog().gaps().map(|(_, gap)| (gap.put.from.0, gap.put.until.0, gap.put.reason)).collect()
}

#[test]
fn everything_is_offered_once_header_first_and_trailer_last() {
    let disk = Forgetful::new(1);
    let mut spool = open(&disk, PLENTY);
    whole_event(&mut spool, 1, 3).unwrap();
    let order = upload_all(&mut spool);
    assert_eq!(order.len(), 5);
    assert_eq!(order[0], Item::Header(event(1)));
    assert_eq!(order[4], Item::Segment(event(1), SegmentKind::Trailer, SegmentNo(0)));
    assert!(spool.backlog().is_empty());
    assert_eq!(spool.bytes(), 0);
    assert!(disk.list(Path::new("spool")).unwrap().is_empty(), "acknowledged data is deleted at once");
}

#[test]
fn an_event_being_recorded_keeps_its_place_until_its_end_although_all_was_uploaded() {
    let disk = Forgetful::new(1);
    let mut spool = open(&disk, PLENTY);
    spool.begin(&new_event(1)).unwrap();
    add_video(&mut spool, 1, 0).unwrap();
    upload_all(&mut spool);
    assert!(!spool.backlog().is_empty());
    add_video(&mut spool, 1, 1).unwrap();
    add_trailer(&mut spool, 1).unwrap();
    spool.close(event(1)).unwrap();
    assert_eq!(upload_all(&mut spool).len(), 2, "no header again, one video, the trailer");
    assert!(spool.backlog().is_empty());
}

#[test]
fn a_segment_is_never_replaced() {
    let mut spool = open(&Forgetful::new(1), PLENTY);
    spool.begin(&new_event(1)).unwrap();
    add_video(&mut spool, 1, 0).unwrap();
    assert!(matches!(add_video(&mut spool, 1, 0), Err(SpoolError::Twice { .. })));
    assert!(matches!(add_video(&mut spool, 2, 0), Err(SpoolError::NotOpen(_))));
}

#[test]
fn fresh_events_go_before_the_backlog_and_gaps_between() {
    let disk = Forgetful::new(1);
    let mut spool = open(&disk, PLENTY);
    whole_event(&mut spool, 1, 1).unwrap();
    whole_event(&mut spool, 2, 1).unwrap();
    // After a start nothing that was there before is fresh.
    let mut spool = open(&disk, PLENTY);
    spool.gap(CAMERA, UnixMillis(10), UnixMillis(20), GapReason::AgentOff).unwrap();
    whole_event(&mut spool, 3, 1).unwrap();
    whole_event(&mut spool, 4, 1).unwrap();
    let mut events: Vec<_> = upload_all(&mut spool).iter().map(|item| item.event()).collect();
    events.dedup();
    assert_eq!(events, [Some(event(4)), Some(event(3)), None, Some(event(1)), Some(event(2))]);
}

#[test]
fn when_the_budget_is_used_up_the_oldest_goes_and_a_gap_tells_of_it() {
    let mut spool = open(&Forgetful::new(1), 80_000);
    for n in 1..=6 {
        whole_event(&mut spool, n, 2).unwrap();
        assert!(spool.bytes() <= 80_000 + 4096 * 8, "{}", spool.bytes());
    }
    let left: Vec<_> = spool.backlog().events().map(|waiting| waiting.event).collect();
    assert!(left.len() < 6 && left.contains(&event(6)), "{left:?}");
    let lost: Vec<_> = (1..=6).filter(|&n| !left.contains(&event(n))).collect();
    assert_eq!(lost, (1..=lost.len() as u8).collect::<Vec<_>>(), "the oldest were dropped");
    for n in lost {
        let from = new_event(n).captured.0;
        let told = gaps(&spool)
            .iter()
            .any(|&(a, b, why)| a <= from && b >= from + 4000 && why == GapReason::SpoolFull);
        assert!(told, "{n}: {:?}", gaps(&spool));
    }
}

#[test]
fn an_event_larger_than_the_spool_is_dropped_with_a_gap_and_the_recorder_hears_of_it() {
    let mut spool = open(&Forgetful::new(1), 60_000);
    spool.begin(&new_event(1)).unwrap();
    let refused = (0..20).find_map(|number| add_video(&mut spool, 1, number).err());
    assert!(matches!(refused, Some(SpoolError::Dropped(id)) if id == event(1)), "{refused:?}");
    assert!(matches!(add_video(&mut spool, 1, 21), Err(SpoolError::Dropped(_))));
    spool.close(event(1)).unwrap();
    assert_eq!(spool.backlog().events().count(), 0);
    let (from, until, why) = gaps(&spool)[0];
    assert_eq!((from, why), (new_event(1).captured.0, GapReason::SpoolFull));
    assert!(until > from);
    assert_eq!(spool.bytes(), 4096, "the gap only");
    // And the next one has all the room.
    whole_event(&mut spool, 2, 2).unwrap();
}

#[test]
fn a_full_disk_drops_the_oldest_and_keeps_room_for_gaps() {
    let disk = Forgetful::new(1);
    let mut spool = open(&disk, PLENTY);
    disk.set_capacity(256 * 1024 + 40_000);
    for n in 1..=8 {
        whole_event(&mut spool, n, 2).unwrap();
    }
    assert!(spool.backlog().event(event(8)).is_some());
    assert!(spool.backlog().event(event(1)).is_none());
    assert!(gaps(&spool).iter().any(|&(from, ..)| from == new_event(1).captured.0));
    // Somebody else takes all the room: nothing can be kept, but what was lost is still told.
    disk.set_capacity(256 * 1024);
    for n in 9..=12 {
        assert!(matches!(whole_event(&mut spool, n, 200), Err(SpoolError::Dropped(_))));
    }
    disk.crash();
    let spool = open(&disk, PLENTY);
    assert!(gaps(&spool).iter().any(|&(from, until, _)| from <= new_event(8).captured.0 && until > from));
}

#[test]
fn what_others_need_of_the_disk_stays_free_whatever_the_budget() {
    let disk = Forgetful::new(1);
    let (room, margin) = (1 << 20, 400_000);
    disk.set_capacity(room);
    let mut spool = open(&disk, PLENTY).leaving(margin);
    for n in 1..=60 {
        whole_event(&mut spool, n, 3).unwrap();
        assert!(disk.free().unwrap() >= margin, "after {n}");
    }
    assert!(spool.backlog().event(event(60)).is_some() && spool.backlog().event(event(1)).is_none());
    assert!(gaps(&spool).iter().any(|&(from, ..)| from == new_event(1).captured.0));
    // A server in the same box takes what is left: footage gives way, and what was lost is still told.
    disk.set_capacity(room - (disk.free().unwrap() - margin) - 5_000);
    whole_event(&mut spool, 61, 3).unwrap();
    assert!(disk.free().unwrap() >= margin && spool.backlog().event(event(61)).is_some());
    disk.set_capacity(margin);
    assert!(matches!(whole_event(&mut spool, 62, 3), Err(SpoolError::Dropped(_))));
    assert_eq!(spool.backlog().events().count(), 0);
    assert!(gaps(&spool).iter().any(|&(_, until, _)| until > new_event(61).captured.0));
}

#[test]
fn a_deleted_event_goes_without_a_gap_even_while_it_is_recorded() {
    let mut spool = open(&Forgetful::new(1), PLENTY);
    spool.begin(&new_event(1)).unwrap();
    add_video(&mut spool, 1, 0).unwrap();
    spool.settle(Item::Header(event(1)), Settled::Gone).unwrap();
    assert!(matches!(add_video(&mut spool, 1, 1), Err(SpoolError::Gone(_))));
    spool.close(event(1)).unwrap();
    assert!(spool.backlog().is_empty() && spool.bytes() == 0);
}

#[test]
fn what_is_refused_for_good_is_put_aside_and_leaves_first() {
    let disk = Forgetful::new(1);
    let mut spool = open(&disk, 100_000);
    whole_event(&mut spool, 1, 3).unwrap();
    spool.settle(Item::Header(event(1)), Settled::Acked).unwrap();
    let item = Item::Segment(event(1), SegmentKind::Video, SegmentNo(1));
    spool.settle(item, Settled::Refused).unwrap();
    whole_event(&mut spool, 2, 3).unwrap();
    spool.settle(Item::Header(event(2)), Settled::Refused).unwrap();
    assert_eq!(spool.quarantined(), 2);
    assert_eq!(disk.list(Path::new("quarantine")).unwrap().len(), 2);
    let before = spool.bytes();
    let mut spool = open(&disk, 100_000);
    assert_eq!(spool.bytes(), before);
    for n in 3..=5 {
        whole_event(&mut spool, n, 3).unwrap();
    }
    assert!(disk.list(Path::new("quarantine")).unwrap().len() < 2);
}

#[test]
fn damage_on_the_disk_is_seen_before_it_is_sent() {
    let disk = Forgetful::new(1);
    let mut spool = open(&disk, PLENTY);
    whole_event(&mut spool, 1, 1).unwrap();
    let folder = &disk.list(Path::new("spool")).unwrap()[0].name;
    let path = Path::new("spool").join(folder).join("video-0");
    let mut record = disk.read(&path, u64::MAX).unwrap();
    record[1000] ^= 1;
    disk.write(&path, &record).unwrap();
    let item = Item::Segment(event(1), SegmentKind::Video, SegmentNo(0));
    assert!(matches!(spool.load(item), Err(SpoolError::Damaged(_))));
    let missing = Item::Segment(event(1), SegmentKind::Video, SegmentNo(7));
    assert!(matches!(spool.load(missing), Err(SpoolError::NotHere(_))));
}

#[test]
fn rubbish_in_the_folder_does_not_stop_the_spool() {
    let disk = Forgetful::new(1);
    let mut spool = open(&disk, PLENTY);
    whole_event(&mut spool, 1, 1).unwrap();
    let folder = Path::new("spool").join(&disk.list(Path::new("spool")).unwrap()[0].name);
    for name in ["video-99999999999", "video", "-", "video-3.draft", "x"] {
        disk.write(&folder.join(name), b"rubbish").unwrap();
    }
    disk.write(&folder.join("audio-0"), b"").unwrap();
    for name in ["spool/x", "spool/1-evt_", "gaps/gap_x", "gaps/.draft", "quarantine/x"] {
        disk.write(Path::new(name), b"{").unwrap();
    }
    let mut spool = open(&disk, PLENTY);
    spool.recover(None, UnixMillis(0)).unwrap();
    assert_eq!(upload_all(&mut spool).len(), 3);
}

#[test]
fn an_event_that_was_cut_stays_as_it_is_and_its_gap_is_told_once() {
    let disk = Forgetful::new(1);
    let mut spool = open(&disk, PLENTY);
    spool.begin(&new_event(1)).unwrap();
    add_video(&mut spool, 1, 0).unwrap();
    disk.crash();
    let now = UnixMillis(new_event(1).captured.0 + 60_000);
    let beat = Heartbeat {
        at: UnixMillis(now.0 - 50_000),
        cameras: vec![
            HeartbeatCamera { camera: CAMERA, state: CameraState::Recording, since: UnixMillis(0) },
            HeartbeatCamera {
                camera: CameraId::from_bytes([8; 16]),
                state: CameraState::NotReached,
                since: UnixMillis(now.0 - 55_000),
            },
            HeartbeatCamera {
                camera: CameraId::from_bytes([7; 16]),
                state: CameraState::Off,
                since: UnixMillis(0),
            },
        ],
    };
    let mut spool = open(&disk, PLENTY);
    assert!(matches!(add_video(&mut spool, 1, 1), Err(SpoolError::NotOpen(_))), "its content key is gone");
    spool.recover(Some(&beat), now).unwrap();
    let mut told = gaps(&spool);
    told.sort_by_key(|&(from, ..)| from);
    let from = new_event(1).captured.0 + 2000;
    assert_eq!(
        told,
        [
            (from, now.0, GapReason::AgentStopped),
            (now.0 - 55_000, now.0 - 50_000, GapReason::CameraNotReached),
            (now.0 - 50_000, now.0, GapReason::AgentOff),
        ]
    );
    // The next start, later, says nothing about that Event again.
    let mut spool = open(&disk, PLENTY);
    spool.recover(None, UnixMillis(now.0 + 100_000)).unwrap();
    assert_eq!(gaps(&spool).len(), 3);
    assert_eq!(upload_all(&mut spool).iter().filter(|item| item.event().is_some()).count(), 2);
    assert!(spool.backlog().is_empty());
}

#[test]
fn an_event_whose_footage_was_all_uploaded_when_the_agent_died_is_cut_too() {
    let disk = Forgetful::new(1);
    let mut spool = open(&disk, PLENTY);
    spool.begin(&new_event(1)).unwrap();
    add_video(&mut spool, 1, 0).unwrap();
    upload_all(&mut spool);
    disk.crash();
    let mut spool = open(&disk, PLENTY);
    let now = UnixMillis(new_event(1).captured.0 + 60_000);
    spool.recover(None, now).unwrap();
    let told = gaps(&spool);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].1, told[0].2), (now.0, GapReason::AgentStopped));
    upload_all(&mut spool);
    assert!(spool.backlog().is_empty());
}

#[test]
fn gaps_that_follow_each_other_become_one_until_the_server_may_know_them() {
    let mut spool = open(&Forgetful::new(1), PLENTY);
    let tell = |spool: &mut Spool, from, until| {
        spool.gap(CAMERA, UnixMillis(from), UnixMillis(until), GapReason::SpoolFull).unwrap();
    };
    tell(&mut spool, 0, 1000);
    tell(&mut spool, 2000, 3000);
    assert_eq!(gaps(&spool), [(0, 3000, GapReason::SpoolFull)]);
    let (id, _) = spool.backlog().gaps().next().unwrap();
    spool.load(Item::Gap(id)).unwrap();
    tell(&mut spool, 3000, 4000);
    assert_eq!(spool.backlog().gaps().count(), 2);
    tell(&mut spool, 4000, 4000);
    assert_eq!(spool.backlog().gaps().count(), 2, "nothing is no gap");
}

// The model.

#[derive(Debug, Clone)]
enum Op {
    Begin(u8),
    Append(u8, u32),
    Trailer(u8),
    Close(u8),
    Ack(u8),
    Gap(u32),
    Start,
}

fn op() -> impl Strategy<Value = Op> {
    let n = 0..4u8;
    prop_oneof![
        2 => n.clone().prop_map(Op::Begin),
        6 => (n.clone(), 0..5u32).prop_map(|(n, number)| Op::Append(n, number)),
        2 => n.clone().prop_map(Op::Trailer),
        1 => n.prop_map(Op::Close),
        4 => any::<u8>().prop_map(Op::Ack),
        1 => (0..5u32).prop_map(Op::Gap),
        1 => Just(Op::Start),
    ]
}

/// What must be there: what was promised and not taken out since.
#[derive(Debug, Default)]
struct Model {
    /// Promised segments by (event, kind, number), with their hash.
    segments: BTreeMap<(u8, u8, u32), [u8; 32]>,
    begun: BTreeSet<u8>,
    acked: BTreeSet<(u8, u8, u32)>,
    gaps: usize,
}

struct Run {
    disk: Forgetful,
    spool: Option<Spool>,
    model: Model,
}

impl Run {
    fn new(seed: u64) -> Self {
        let disk = Forgetful::new(seed);
        let spool = Some(open(&disk, PLENTY));
        Self { disk, spool, model: Model::default() }
    }

    /// Does one thing; a failure is one of the dead disk, and then nothing was promised.
    fn step(&mut self, op: &Op) {
        let Some(spool) = self.spool.as_mut() else { return };
        match *op {
            Op::Begin(n) => {
                if !self.model.begun.contains(&n) && spool.begin(&new_event(n)).is_ok() {
                    self.model.begun.insert(n);
                }
            }
            Op::Append(n, number) => {
                if let Ok(hash) = add_video(spool, n, number) {
                    self.model.segments.insert((n, SegmentKind::Video as u8, number), hash);
                }
            }
            Op::Trailer(n) => {
                if let Ok(hash) = add_trailer(spool, n) {
                    self.model.segments.insert((n, SegmentKind::Trailer as u8, 0), hash);
                }
            }
            Op::Close(n) => drop(spool.close(event(n))),
            Op::Ack(which) => self.ack(usize::from(which)),
            Op::Gap(n) => {
                let from = i64::from(n) * 1_000_000;
                let told =
                    spool.gap(CAMERA, UnixMillis(from), UnixMillis(from + 5000), GapReason::CameraNotReached);
                self.model.gaps += usize::from(told.is_ok());
            }
            Op::Start => self.start(),
        }
    }

    /// The server takes what is offered, in any order that the backlog offers it.
    fn ack(&mut self, skip: usize) {
        let Some(spool) = self.spool.as_mut() else { return };
        let mut seen = BTreeSet::new();
        for _ in 0..=skip % 5 {
            let next =
                spool.backlog().next(world().now(), Turn::Fresh, |_| true, |item| !seen.contains(&item));
            seen.extend(next);
        }
        let Some(&item) = seen.iter().next_back() else { return };
        if matches!(item, Item::Gap(_)) || spool.load(item).is_err() {
            return;
        }
        if let Item::Segment(event, kind, number) = item {
            self.model.acked.insert((event.as_bytes()[0], kind as u8, number.0));
        }
        spool.settle(item, Settled::Acked).ok();
    }

    fn start(&mut self) {
        self.spool = None;
        let Ok(mut spool) = Spool::open(Arc::new(self.disk.clone()), PLENTY, world()) else { return };
        if spool.recover(None, UnixMillis(0)).is_ok() {
            self.spool = Some(spool);
        }
    }

    /// Everything promised is there or acknowledged, byte for byte, and what is there more was at least meant to be.
    fn check(&mut self) {
        let mut spool = open(&self.disk, PLENTY);
        spool.recover(None, UnixMillis(0)).unwrap();
        for (&(n, kind, number), hash) in &self.model.segments {
            if self.model.acked.contains(&(n, kind, number)) {
                continue;
            }
            let kind = SegmentKind::from_number(kind).unwrap();
            let item = Item::Segment(event(n), kind, SegmentNo(number));
            let Ok(Payload::Segment(_, bytes)) = spool.load(item) else { panic!("{item} is lost") };
            assert_eq!(record::hash(&bytes), *hash, "{item}");
            assert_eq!(spool.backlog().sha256(item), Some(*hash));
        }
        let items: Vec<Item> =
            spool.backlog().events().flat_map(|waiting| waiting.parts().map(|(item, _)| item)).collect();
        for item in items {
            spool.load(item).unwrap_or_else(|error| panic!("{item} is offered but {error}"));
        }
        assert!(spool.backlog().gaps().count() <= self.model.gaps + 1);
        let total: u64 = spool.backlog().events().map(Waiting::bytes).sum();
        assert_eq!(spool.bytes(), total + 4096 * spool.backlog().gaps().count() as u64);
    }
}

fn run(ops: &[Op], seed: u64, dies_at: Option<u64>) -> u64 {
    let mut run = Run::new(seed);
    if let Some(call) = dies_at {
        run.disk.die_at(call);
    }
    for op in ops {
        run.step(op);
    }
    let calls = run.disk.calls();
    run.disk.crash();
    run.check();
    calls
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn nothing_promised_is_lost_whenever_the_power_is_cut(
        ops in proptest::collection::vec(op(), 1..24), seed: u64
    ) {
        let began = {
            let disk = Forgetful::new(seed);
            open(&disk, PLENTY);
            disk.calls()
        };
        let calls = run(&ops, seed, None);
        for call in began..=calls {
            run(&ops, seed.wrapping_add(call), Some(call));
        }
    }

    #[test]
    fn with_little_room_everything_promised_is_there_or_acknowledged_or_in_a_gap(
        ops in proptest::collection::vec(op(), 1..60), seed: u64, by_disk: bool
    ) {
        let disk = Forgetful::new(seed);
        let mut spool = open(&disk, if by_disk { PLENTY } else { 60_000 });
        if by_disk {
            disk.set_capacity(256 * 1024 + 30_000);
        }
        let mut run = Run { disk: disk.clone(), spool: None, model: Model::default() };
        for op in ops.iter().filter(|op| !matches!(op, Op::Start | Op::Gap(_))) {
            run.spool = Some(spool);
            run.step(op);
            spool = run.spool.take().unwrap();
        }
        if !by_disk {
            prop_assert_eq!(spool.bytes(), open(&disk, PLENTY).bytes(), "what is counted is what is there");
        }
        drop(spool);
        disk.crash();
        let mut spool = open(&disk, PLENTY);
        for &(n, kind, number) in run.model.segments.keys() {
            let kind = SegmentKind::from_number(kind).unwrap();
            let item = Item::Segment(event(n), kind, SegmentNo(number));
            let at = new_event(n).captured.0 + i64::from(number) * 2000;
            let told = gaps(&spool).iter().any(|&(from, until, _)| from <= at && at < until);
            let acked = run.model.acked.contains(&(n, kind as u8, number));
            prop_assert!(told || acked || kind == SegmentKind::Trailer || spool.load(item).is_ok(), "{} is lost", item);
        }
    }
}
