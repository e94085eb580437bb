//! The uploader's state machine alone: what it asks for, what it believes, and that it survives any answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use keepsight_ids::{B32, B64, CameraId, EventId, SegmentKind, SegmentNo, UnixMillis};
use keepsight_wire::agent::{AgentChain, AgentSession, Challenge, EventAck, SegmentAck, StatusAck};
use keepsight_wire::people::GapReason;
use keepsight_wire::{ErrorBody, ErrorInfo, Signed};
use keepsight_world::{Instant, World};
use proptest::prelude::*;

use super::machine::{Effect, Flight, Machine, Send};
use crate::disk::Forgetful;
use crate::http::{Answer, Lost};
use crate::spool::backlog::{Item, Span};
use crate::spool::{NewEvent, Settled, Spool};

const CAMERA: CameraId = CameraId::from_bytes([9; 16]);
const EVENT: EventId = EventId::from_bytes([1; 16]);
const HEADER: Item = Item::Header(EVENT);

fn video(n: u32) -> Item {
    Item::Segment(EVENT, SegmentKind::Video, SegmentNo(n))
}

/// A machine, a spool with one whole Event, and a clock that only the test moves.
struct Rig {
    machine: Machine,
    spool: Spool,
    now: Instant,
}

impl Rig {
    fn new(chain_seq: Option<u64>, videos: u32) -> Self {
        let world = World::real();
        let mut spool = Spool::open(Arc::new(Forgetful::new(1)), 1 << 40, world.clone()).unwrap();
        let header = Signed { body: B64(b"header".to_vec()), signature: B64(vec![0; 64]) };
        spool.begin(&NewEvent { camera: CAMERA, event: EVENT, captured: UnixMillis(0), header }).unwrap();
        for n in 0..videos {
            let span = Span { from_ms: n * 1000, until_ms: n * 1000 + 1000 };
            spool.append(EVENT, SegmentKind::Video, SegmentNo(n), span, &[n as u8; 100]).unwrap();
        }
        spool.append(EVENT, SegmentKind::Trailer, SegmentNo(0), Span::default(), b"trailer").unwrap();
        spool.close(EVENT).unwrap();
        Self { machine: Machine::new(world.clone(), chain_seq), spool, now: world.now() }
    }

    /// With an open session and the first duties done.
    fn open(videos: u32) -> Self {
        let mut rig = Self::new(Some(3), videos);
        rig.sign_in(24 * 3600);
        rig
    }

    fn sign_in(&mut self, seconds: i64) {
        let [(flight, Send::Challenge)] = self.poll()[..] else { panic!("no challenge asked for") };
        self.ok(flight, &Challenge { challenge: B64(vec![7; 32]) });
        let sends = self.poll();
        assert_eq!(sends[0].1, Send::Session(B64(vec![7; 32])));
        let session =
            AgentSession { token: "t".into(), expires: UnixMillis(seconds * 1000), now: UnixMillis(0) };
        assert!(self.ok(sends[0].0, &session).contains(&Effect::Admitted));
    }

    fn poll(&mut self) -> Vec<(Flight, Send)> {
        self.machine.poll(self.now, self.spool.backlog())
    }

    fn answer(&mut self, flight: Flight, answer: Result<Answer, Lost>) -> Vec<Effect> {
        let effects = self.machine.answer(self.now, flight, answer, self.spool.backlog());
        for effect in &effects {
            if let Effect::Settle(item, settled) = effect {
                self.spool.settle(*item, *settled).unwrap();
            }
        }
        effects
    }

    fn ok<T: serde::Serialize>(&mut self, flight: Flight, body: &T) -> Vec<Effect> {
        self.answer(flight, Ok(json(200, body)))
    }

    fn refuse(&mut self, flight: Flight, status: u16, code: &str) -> Vec<Effect> {
        let error = ErrorInfo { code: code.into(), message: "no".into(), request: "r".into() };
        self.answer(flight, Ok(json(status, &ErrorBody { error })))
    }

    fn acknowledge(&mut self, flight: Flight, item: Item) -> Vec<Effect> {
        let sha256 = B32(self.spool.backlog().sha256(item).unwrap_or_default());
        match item {
            Item::Header(event) => self.ok(flight, &EventAck { event, sha256 }),
            Item::Segment(event, kind, number) => {
                self.ok(flight, &SegmentAck { event, kind, number, sha256 })
            }
            Item::Gap(_) => {
                self.answer(flight, Ok(Answer { status: 204, retry_after: None, body: Bytes::new() }))
            }
        }
    }

    /// Polls past the duties to the items.
    fn items(&mut self) -> Vec<(Flight, Item)> {
        let mut items = Vec::new();
        for (flight, send) in self.poll() {
            match send {
                Send::Item(item) => items.push((flight, item)),
                Send::Status => drop(self.ok(flight, &ack(3))),
                other => panic!("{other:?}"),
            }
        }
        items
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }
}

fn json<T: serde::Serialize>(status: u16, body: &T) -> Answer {
    Answer { status, retry_after: None, body: serde_json::to_vec(body).unwrap().into() }
}

fn ack(chain_seq: u64) -> StatusAck {
    StatusAck { now: UnixMillis(0), chain_seq, off: Vec::new(), removed: Vec::new() }
}

#[test]
fn the_header_goes_alone_then_a_few_segments_at_once_then_the_trailer() {
    let mut rig = Rig::open(6);
    let first = rig.items();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].1, HEADER);
    assert!(rig.items().is_empty(), "nothing of an Event before its header is acknowledged");
    rig.acknowledge(first[0].0, HEADER);
    let mut flying = rig.items();
    assert_eq!(flying.len(), 4);
    while let Some((flight, item)) = flying.pop() {
        let is_trailer = matches!(item, Item::Segment(_, SegmentKind::Trailer, _));
        assert!(!is_trailer || flying.is_empty(), "the trailer says that all is there");
        assert_eq!(rig.acknowledge(flight, item), [Effect::Settle(item, Settled::Acked)]);
        flying.extend(rig.items());
    }
    assert!(rig.spool.backlog().is_empty());
}

#[test]
fn only_the_same_item_and_the_same_hash_take_it_out_of_the_spool() {
    let mut rig = Rig::open(1);
    let header = rig.items()[0].0;
    rig.acknowledge(header, HEADER);
    let hash = B32(rig.spool.backlog().sha256(video(0)).unwrap());
    let right = SegmentAck { event: EVENT, kind: SegmentKind::Video, number: SegmentNo(0), sha256: hash };
    let wrong = [
        SegmentAck { sha256: B32([0; 32]), ..right.clone() },
        SegmentAck { event: EventId::from_bytes([2; 16]), ..right.clone() },
        SegmentAck { kind: SegmentKind::Audio, ..right.clone() },
        SegmentAck { number: SegmentNo(1), ..right.clone() },
    ];
    for ack in wrong {
        let items = rig.items();
        assert_eq!(items.len(), 1, "{items:?}");
        let effects = rig.ok(items[0].0, &ack);
        assert!(matches!(effects[..], [Effect::Alarm(_)]), "{effects:?}");
        assert!(rig.spool.backlog().holds(video(0)));
        assert!(rig.items().is_empty(), "it is held for a while");
        rig.wait(7200);
    }
    let items = rig.items();
    assert_eq!(rig.ok(items[0].0, &right), [Effect::Settle(video(0), Settled::Acked)]);
}

#[test]
fn a_conflict_is_put_aside_a_deletion_is_final_and_a_refusal_is_tried_again() {
    let mut rig = Rig::open(3);
    let header = rig.items()[0].0;
    rig.acknowledge(header, HEADER);
    let items = rig.items();
    let effects = rig.refuse(items[0].0, 409, "conflict");
    assert!(matches!(effects[..], [Effect::Settle(_, Settled::Refused), Effect::Alarm(_)]), "{effects:?}");
    assert_eq!(rig.spool.quarantined(), 1);
    let effects = rig.refuse(items[1].0, 403, "not_allowed");
    assert!(matches!(effects[..], [Effect::Alarm(_)]));
    assert!(rig.spool.backlog().holds(items[1].1));
    let effects = rig.refuse(items[2].0, 410, "gone");
    assert_eq!(effects, [Effect::Settle(items[2].1, Settled::Gone)]);
    assert!(rig.spool.backlog().is_empty(), "the whole Event was deleted");
}

#[test]
fn what_a_proxy_refuses_stays_and_goes_up_later() {
    let mut rig = Rig::open(1);
    rig.spool.gap(CAMERA, UnixMillis(0), UnixMillis(5000), GapReason::CameraNotReached).unwrap();
    let page = |status| {
        let body = Bytes::from_static(b"<html><center>nginx</center></html>");
        Ok(Answer { status, retry_after: None, body })
    };
    let mut tried: HashMap<Item, usize> = HashMap::new();
    let mut flying = rig.items();
    while let Some((flight, item)) = flying.pop() {
        let n = tried.entry(item).or_default();
        if let Some(&status) = [413, 400, 410, 409, 415, 422, 200].get(*n) {
            *n += 1;
            let effects = rig.answer(flight, page(status));
            assert!(matches!(effects[..], [Effect::Alarm(_)]), "{item} after {status}: {effects:?}");
            assert!(rig.spool.backlog().holds(item), "{item} after {status}");
            rig.wait(1300);
        } else {
            rig.acknowledge(flight, item);
        }
        flying.extend(rig.items());
    }
    assert!(rig.spool.backlog().is_empty());
    assert_eq!(tried.len(), 4, "the header, the video, the trailer and the gap");
    assert_eq!(rig.spool.quarantined(), 0);
    // Nor does the right code under another status, or the other way round.
    let mut rig = Rig::open(1);
    let header = rig.items()[0].0;
    rig.acknowledge(header, HEADER);
    for (status, code) in [(400, "gone"), (410, "bad_request"), (409, "gone"), (403, "conflict")] {
        let (flight, item) = rig.items()[0];
        assert!(matches!(rig.refuse(flight, status, code)[..], [Effect::Alarm(_)]), "{status} {code}");
        assert!(rig.spool.backlog().holds(item));
        rig.wait(3600);
    }
}

#[test]
fn a_header_that_is_refused_is_kept_for_the_server_may_learn() {
    let mut rig = Rig::open(1);
    let header = rig.items()[0].0;
    let effects = rig.refuse(header, 400, "bad_request");
    assert!(matches!(effects[..], [Effect::Alarm(_)]), "{effects:?}");
    assert!(rig.spool.backlog().holds(HEADER));
    rig.wait(3600);
    assert_eq!(rig.items()[0].1, HEADER);
}

#[test]
fn what_the_server_lost_is_sent_again() {
    let mut rig = Rig::open(1);
    let header = rig.items()[0].0;
    rig.acknowledge(header, HEADER);
    let segment = rig.items()[0];
    assert_eq!(rig.refuse(segment.0, 404, "not_found"), [Effect::HeaderLost(HEADER)]);
    rig.spool.header_lost(EVENT);
    let header = rig.items();
    assert_eq!(header[0].1, HEADER);
    // And if it does not know the camera either, it is told of it before.
    rig.refuse(header[0].0, 404, "not_found");
    let sends = rig.poll();
    assert!(matches!(sends[..], [(_, Send::Camera(CAMERA))]), "{sends:?}");
    assert_eq!(rig.answer(sends[0].0, Ok(json(200, &()))), [Effect::CameraKnown(CAMERA)]);
    rig.wait(60);
    assert_eq!(rig.items()[0].1, HEADER);
}

#[test]
fn the_servers_wish_to_be_left_alone_is_obeyed() {
    for status in [429, 503] {
        let mut rig = Rig::open(2);
        let header = rig.items()[0].0;
        let later = Answer { status, retry_after: Some(Duration::from_secs(90)), body: Bytes::new() };
        rig.answer(header, Ok(later));
        rig.wait(89);
        assert!(rig.poll().is_empty());
        assert!(rig.machine.wake_at(rig.now) > rig.now);
        rig.wait(3);
        assert!(!rig.poll().is_empty());
    }
}

#[test]
fn a_server_without_room_still_hears_how_the_agent_does() {
    let mut rig = Rig::open(2);
    let header = rig.items()[0].0;
    let full = Answer { status: 507, retry_after: Some(Duration::from_secs(60)), body: Bytes::new() };
    rig.answer(header, Ok(full));
    rig.wait(30);
    let sends = rig.poll();
    assert!(matches!(sends[..], [(_, Send::Status)]), "{sends:?}");
    rig.ok(sends[0].0, &ack(3));
    rig.wait(45);
    assert_eq!(rig.items().len(), 1);
}

#[test]
fn a_day_that_had_enough_events_holds_back_new_ones_only() {
    let mut rig = Rig::open(3);
    let header = rig.items()[0].0;
    rig.acknowledge(header, HEADER);
    let first = rig.items();
    // While its segments are under way another Event begins, and the server has had enough of them.
    let other = EventId::from_bytes([2; 16]);
    let header = Signed { body: B64(b"another".to_vec()), signature: B64(vec![0; 64]) };
    let new = NewEvent { camera: CAMERA, event: other, captured: UnixMillis(0), header };
    rig.spool.begin(&new).unwrap();
    let begun = rig.items();
    assert_eq!(begun[0].1, Item::Header(other));
    let error = ErrorInfo { code: "too_many_events".into(), message: "no".into(), request: "r".into() };
    let enough = json(429, &ErrorBody { error });
    let enough = Answer { retry_after: Some(Duration::from_secs(600)), ..enough };
    assert_eq!(rig.answer(begun[0].0, Ok(enough)), []);
    assert_eq!(rig.machine.is_connected(), Some(true));
    // What was begun is finished; the new one waits in the spool for as long as was asked.
    let mut flying = first;
    while let Some((flight, item)) = flying.pop() {
        rig.acknowledge(flight, item);
        flying.extend(rig.items());
        assert!(flying.iter().all(|(_, item)| *item != Item::Header(other)));
    }
    assert!(rig.spool.backlog().event(EVENT).is_none() && rig.spool.backlog().event(other).is_some());
    rig.wait(590);
    assert!(rig.items().is_empty());
    assert!(rig.machine.wake_at(rig.now) <= rig.now + Duration::from_secs(15));
    rig.wait(10);
    assert_eq!(rig.items()[0].1, Item::Header(other));
}

#[test]
fn after_a_start_the_first_tries_of_many_are_spread() {
    let most = Duration::from_secs(5);
    let first = || {
        let mut rig = Rig::new(Some(3), 1);
        // By now its Event is backlog.
        rig.wait(3600);
        rig.machine.begin_within(rig.now, most);
        let at_once = !rig.poll().is_empty();
        let wait = if at_once { Duration::ZERO } else { rig.machine.wake_at(rig.now) - rig.now };
        rig.now += wait;
        assert!(at_once || matches!(rig.poll()[..], [(_, Send::Challenge)]));
        wait
    };
    let waits: Vec<Duration> = (0..300).map(|_| first()).collect();
    assert!(waits.iter().all(|wait| *wait <= most));
    for second in 0..5 {
        let among = waits.iter().filter(|wait| wait.as_secs() == second).count();
        assert!((20..120).contains(&among), "{among} of 300 in second {second}");
    }
}

#[test]
fn a_fresh_event_ends_the_wait_after_a_start() {
    let mut rig = Rig::new(Some(3), 1);
    rig.machine.begin_within(rig.now, Duration::from_secs(60 * 86_400));
    assert!(matches!(rig.poll()[..], [(_, Send::Challenge)]));
}

#[test]
fn a_camera_that_never_rests_leaves_the_backlog_its_share() {
    const BUSY: EventId = EventId::from_bytes([2; 16]);
    let mut rig = Rig::open(20);
    rig.wait(3600);
    rig.spool.gap(CAMERA, UnixMillis(0), UnixMillis(5000), GapReason::CameraNotReached).unwrap();
    let header = Signed { body: B64(b"busy".to_vec()), signature: B64(vec![0; 64]) };
    rig.spool.begin(&NewEvent { camera: CAMERA, event: BUSY, captured: UnixMillis(0), header }).unwrap();
    // Recorded without an end, faster than it is sent.
    let mut recorded = 0;
    let mut sent = (0, 0);
    while rig.spool.backlog().event(EVENT).is_some() || rig.spool.backlog().gaps().count() > 0 {
        while rig.spool.backlog().event(BUSY).unwrap().parts().count() < 8 {
            let span = Span { from_ms: recorded * 1000, until_ms: recorded * 1000 + 1000 };
            rig.spool.append(BUSY, SegmentKind::Video, SegmentNo(recorded), span, &[1; 100]).unwrap();
            recorded += 1;
        }
        for (flight, item) in rig.items() {
            rig.acknowledge(flight, item);
            *(if item.event() == Some(BUSY) { &mut sent.0 } else { &mut sent.1 }) += 1;
        }
        assert!(sent.0 < 300, "{} fresh items, and the backlog still waits", sent.0);
    }
    // Header, twenty videos, trailer, and the gap.
    assert_eq!(sent.1, 23);
    assert!((60..=90).contains(&sent.0), "the fresh Event kept its three quarters: {}", sent.0);
}

#[test]
fn after_failures_waits_grow_and_a_single_request_feels_its_way() {
    let mut rig = Rig::open(8);
    let header = rig.items()[0].0;
    rig.acknowledge(header, HEADER);
    let flying = rig.items();
    for (flight, _) in flying {
        rig.answer(flight, Err(Lost::TooSlow));
    }
    assert!(rig.poll().is_empty(), "all that failed together is one failure");
    assert!(rig.machine.wake_at(rig.now) <= rig.now + Duration::from_millis(600));
    for _ in 0..40 {
        rig.wait(61);
        let sends = rig.poll();
        assert_eq!(sends.len(), 1, "{sends:?}");
        rig.answer(sends[0].0, Err(Lost::NotConnected("refused".into())));
        assert!(rig.machine.wake_at(rig.now) <= rig.now + Duration::from_secs(61));
        assert_eq!(rig.machine.is_connected(), Some(false));
    }
    rig.wait(61);
    let sends = rig.poll();
    assert_eq!(sends[0].1, Send::Status);
    rig.ok(sends[0].0, &ack(3));
    assert_eq!(rig.machine.is_connected(), Some(true));
    assert_eq!(rig.items().len(), 4, "at full width again");
}

#[test]
fn a_session_that_ended_is_opened_anew_and_nothing_is_lost_by_it() {
    let mut rig = Rig::open(4);
    rig.wait(100);
    let header = rig.items()[0].0;
    rig.acknowledge(header, HEADER);
    let flying = rig.items();
    assert_eq!(flying.len(), 4);
    rig.refuse(flying[0].0, 401, "sign_in_needed");
    rig.sign_in(3600);
    // A late answer to the old session does not end the new one.
    rig.refuse(flying[1].0, 401, "sign_in_needed");
    assert!(rig.machine.token().is_some());
    assert_eq!(rig.items().len(), 2);
    assert_eq!(rig.spool.backlog().event(EVENT).unwrap().parts().count(), 5);
}

#[test]
fn a_session_is_renewed_before_it_lapses() {
    let mut rig = Rig::new(Some(3), 0);
    rig.sign_in(1000);
    rig.wait(801);
    let sends = rig.poll();
    assert!(sends.iter().any(|(_, send)| *send == Send::Challenge), "{sends:?}");
}

#[test]
fn an_agent_that_waits_for_its_owner_knocks_often_at_first() {
    let mut rig = Rig::new(None, 0);
    for knock in 0..460 {
        let [(flight, Send::Challenge)] = rig.poll()[..] else { panic!() };
        rig.ok(flight, &Challenge { challenge: B64(vec![7; 32]) });
        let session = rig.poll();
        assert_eq!(rig.refuse(session[0].0, 401, "wrong_sign_in"), [Effect::NotAdmitted]);
        assert!(rig.poll().is_empty());
        let wake = rig.machine.wake_at(rig.now);
        assert!(knock > 449 || wake <= rig.now + Duration::from_secs(2), "{knock}");
        rig.now = wake;
    }
    // Let in, it asks for the whole chain before anything else.
    rig.sign_in(3600);
    let sends = rig.poll();
    assert!(matches!(sends[0].1, Send::Chain(None)), "{sends:?}");
}

#[test]
fn the_chain_is_read_when_it_grew_and_an_older_one_is_an_alarm() {
    let mut rig = Rig::open(0);
    let sends = rig.poll();
    let (status, _) = sends.iter().find(|(_, send)| *send == Send::Status).unwrap();
    rig.ok(*status, &ack(5));
    let sends = rig.poll();
    let (chain, _) = sends.iter().find(|(_, send)| *send == Send::Chain(Some(3))).unwrap();
    let entry = Signed { body: B64(vec![1]), signature: B64(vec![2]) };
    assert_eq!(rig.ok(*chain, &AgentChain { entries: vec![entry.clone()] }), [Effect::Entries(vec![entry])]);
    rig.machine.chain_is_at(5);
    rig.wait(15);
    let status = rig.poll().into_iter().find(|(_, send)| *send == Send::Status).unwrap().0;
    let effects = rig.ok(status, &ack(4));
    assert!(effects.contains(&Effect::Rollback(Some((5, 4)))));
    assert!(!rig.poll().iter().any(|(_, send)| matches!(send, Send::Chain(_))));
    rig.wait(15);
    let status = rig.poll().into_iter().find(|(_, send)| *send == Send::Status).unwrap().0;
    assert!(rig.ok(status, &ack(5)).contains(&Effect::Rollback(None)));
}

#[test]
fn a_longer_chain_is_read_page_by_page_until_one_is_empty() {
    let mut rig = Rig::open(0);
    let entry = |n: u8| Signed { body: B64(vec![n]), signature: B64(vec![n]) };
    let status = rig.poll().into_iter().find(|(_, send)| *send == Send::Status).unwrap().0;
    rig.ok(status, &ack(5));
    for n in [4, 5] {
        let [(flight, Send::Chain(Some(after)))] = rig.poll()[..] else { panic!("no page asked for") };
        assert_eq!(after, u64::from(n) - 1);
        let effects = rig.ok(flight, &AgentChain { entries: vec![entry(n)] });
        assert_eq!(effects, [Effect::Entries(vec![entry(n)])]);
        rig.machine.chain_is_at(n.into());
    }
    let [(flight, Send::Chain(Some(5)))] = rig.poll()[..] else { panic!("there might be more") };
    rig.ok(flight, &AgentChain { entries: Vec::new() });
    rig.machine.chain_is_at(5);
    rig.wait(10);
    assert!(rig.poll().is_empty());
    // The next growth is read as soon as it is told; a page that brings nothing further is not asked for again and again.
    rig.wait(15);
    let status = rig.poll().into_iter().find(|(_, send)| *send == Send::Status).unwrap().0;
    rig.ok(status, &ack(6));
    let [(flight, Send::Chain(Some(5)))] = rig.poll()[..] else { panic!("it grew") };
    rig.ok(flight, &AgentChain { entries: vec![entry(5)] });
    rig.machine.chain_is_at(5);
    assert!(rig.poll().is_empty());
}

#[test]
fn a_chain_that_is_not_known_yet_is_looked_at_as_a_whole() {
    let mut rig = Rig::new(None, 0);
    rig.sign_in(24 * 3600);
    let entry = |n: u8| Signed { body: B64(vec![n]), signature: B64(vec![n]) };
    let asked = |rig: &mut Rig, after| {
        let page = rig.poll().into_iter().find(|(_, send)| *send == Send::Chain(after));
        page.expect("a page is asked for").0
    };
    for (after, page) in [(None, vec![entry(0), entry(1)]), (Some(1), vec![entry(2)])] {
        let flight = asked(&mut rig, after);
        assert_eq!(rig.ok(flight, &AgentChain { entries: page }), []);
    }
    let flight = asked(&mut rig, Some(2));
    let whole = Effect::Entries((0..3).map(entry).collect());
    assert_eq!(rig.ok(flight, &AgentChain { entries: Vec::new() }), [whole]);
    // Refused, it is read from its beginning, later.
    rig.machine.chain_was_refused(rig.now);
    assert!(!rig.poll().iter().any(|(_, send)| matches!(send, Send::Chain(_))));
    rig.wait(61);
    asked(&mut rig, None);
}

#[test]
fn a_chain_that_never_comes_holds_nothing_up() {
    for with in [None, Some(500), Some(404), Some(200)] {
        let mut rig = Rig::open(60);
        let (mut tried, mut seconds) = (0, 0);
        let mut flying = rig.poll();
        while !rig.spool.backlog().is_empty() {
            let next = (!flying.is_empty()).then(|| flying.remove(0));
            match next {
                Some((flight, Send::Chain(_))) => {
                    tried += 1;
                    // It takes its time to fail, too.
                    rig.wait(45);
                    seconds += 45;
                    let page =
                        |status| Answer { status, retry_after: None, body: Bytes::from_static(b"<html>") };
                    rig.answer(flight, with.map(page).ok_or(Lost::TooSlow));
                }
                Some((flight, Send::Item(item))) => {
                    rig.wait(4);
                    seconds += 4;
                    rig.acknowledge(flight, item);
                }
                Some((flight, Send::Status)) => drop(rig.ok(flight, &ack(100))),
                Some(other) => panic!("{other:?}"),
                None => {
                    rig.wait(1);
                    seconds += 1;
                }
            }
            flying.extend(rig.poll());
            assert!(seconds < 900, "{with:?}: after {tried} tries there is something left");
        }
        assert!((3..10).contains(&tried), "{with:?}: {tried} tries in {seconds} s");
    }
}

#[test]
fn a_camera_that_is_switched_off_or_unknown_sends_nothing() {
    let mut rig = Rig::open(1);
    rig.machine.camera_is_new(CAMERA);
    let sends = rig.poll();
    assert!(sends.iter().all(|(_, send)| !matches!(send, Send::Item(_))), "{sends:?}");
    let camera = sends.iter().find(|(_, send)| *send == Send::Camera(CAMERA)).unwrap().0;
    let status = sends.iter().find(|(_, send)| *send == Send::Status).unwrap().0;
    rig.answer(camera, Ok(json(200, &())));
    let off = StatusAck { off: vec![CAMERA], ..ack(3) };
    assert!(rig.ok(status, &off).contains(&Effect::Off([CAMERA].into())));
    assert!(rig.poll().is_empty());
    rig.wait(15);
    let status = rig.poll()[0].0;
    rig.ok(status, &ack(3));
    assert_eq!(rig.items().len(), 1);
}

#[test]
fn what_waits_of_a_removed_camera_is_offered_once_more_and_dropped() {
    let mut rig = Rig::open(1);
    rig.spool.gap(CAMERA, UnixMillis(0), UnixMillis(5000), GapReason::CameraNotReached).unwrap();
    rig.machine.camera_is_new(CAMERA);
    for (flight, send) in rig.poll() {
        match send {
            Send::Camera(CAMERA) => {
                let effects = rig.refuse(flight, 410, "gone");
                assert!(
                    matches!(effects[..], [Effect::CameraKnown(CAMERA), Effect::Alarm(_)]),
                    "{effects:?}"
                );
            }
            Send::Status => {
                let ack = StatusAck { off: vec![CAMERA], removed: vec![CAMERA], ..ack(3) };
                assert!(rig.ok(flight, &ack).contains(&Effect::Off([CAMERA].into())), "it stops recording");
            }
            other => panic!("{other:?}"),
        }
    }
    for (flight, item) in rig.items() {
        assert_eq!(rig.refuse(flight, 410, "gone"), [Effect::Settle(item, Settled::Gone)]);
    }
    assert!(rig.spool.backlog().is_empty());
}

#[test]
fn a_gap_is_told_and_forgotten() {
    let mut rig = Rig::open(0);
    rig.spool.gap(CAMERA, UnixMillis(0), UnixMillis(5000), GapReason::CameraNotReached).unwrap();
    let items = rig.items();
    let (flight, gap) = *items.iter().find(|(_, item)| matches!(item, Item::Gap(_))).unwrap();
    rig.acknowledge(flight, gap);
    assert_eq!(rig.spool.backlog().gaps().count(), 0);
}

// Whatever a server answers.

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let hash = B32([0; 32]);
    let signed = Signed { body: B64(vec![1; 5]), signature: B64(vec![]) };
    prop_oneof![
        Just(Vec::new()),
        proptest::collection::vec(any::<u8>(), 0..40),
        prop::sample::select(vec!["conflict", "gone", "bad_request", "too_large"]).prop_map(|code| {
            let error = ErrorInfo { code: code.into(), message: "\0".into(), request: String::new() };
            serde_json::to_vec(&ErrorBody { error }).unwrap()
        }),
        Just(b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[".to_vec()),
        Just(serde_json::to_vec(&Challenge { challenge: B64(vec![1; 32]) }).unwrap()),
        Just(serde_json::to_vec(&Challenge { challenge: B64(vec![1; 3000]) }).unwrap()),
        any::<(i64, i64)>().prop_map(|(expires, now)| {
            let (expires, now) = (UnixMillis(expires), UnixMillis(now));
            serde_json::to_vec(&AgentSession { token: "\n".into(), expires, now }).unwrap()
        }),
        any::<(i64, u64)>().prop_map(|(now, chain_seq)| {
            let off = vec![CAMERA];
            let removed = Vec::new();
            serde_json::to_vec(&StatusAck { now: UnixMillis(now), chain_seq, off, removed }).unwrap()
        }),
        Just(serde_json::to_vec(&AgentChain { entries: vec![signed] }).unwrap()),
        Just(serde_json::to_vec(&EventAck { event: EVENT, sha256: hash }).unwrap()),
        any::<u32>().prop_map(move |n| {
            let (kind, number) = (SegmentKind::Video, SegmentNo(n % 4));
            serde_json::to_vec(&SegmentAck { event: EVENT, kind, number, sha256: hash }).unwrap()
        }),
    ]
}

fn any_answer() -> impl Strategy<Value = Result<Answer, Lost>> {
    let status = prop_oneof![3 => Just(200u16), 1 => 100..600u16, 1 => prop::sample::select(vec![401, 404, 409, 410, 429, 503, 507])];
    let retry = proptest::option::of((0..3600u64).prop_map(Duration::from_secs));
    prop_oneof![
        8 => (status, retry, any_body()).prop_map(|(status, retry_after, body)| {
            Ok(Answer { status, retry_after, body: body.into() })
        }),
        1 => Just(Err(Lost::TooSlow)),
    ]
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic_spin_or_drop_what_was_not_acknowledged(
        answers in proptest::collection::vec((any_answer(), 0..40u64), 1..60), start in 0..3u8
    ) {
        let mut rig = match start {
            0 => Rig::new(None, 4),
            1 => Rig::new(Some(3), 4),
            _ => Rig::open(4),
        };
        if start == 2 {
            let header = rig.items()[0].0;
            rig.acknowledge(header, HEADER);
        }
        let mut flying: Vec<(Flight, Send)> = Vec::new();
        for (answer, seconds) in answers {
            rig.wait(seconds);
            flying.extend(rig.poll());
            prop_assert!(flying.len() <= 8, "{:?}", flying);
            prop_assert!(rig.machine.wake_at(rig.now) > rig.now);
            prop_assert!(rig.poll().is_empty(), "asked twice, it has nothing more to say");
            if flying.is_empty() {
                continue;
            }
            let (flight, _) = flying.remove(seconds as usize % flying.len());
            let status = answer.as_ref().map_or(0, |answer| answer.status);
            let ours = answer.as_ref().is_ok_and(|a| serde_json::from_slice::<ErrorBody>(&a.body).is_ok());
            for effect in rig.answer(flight, answer) {
                if let Effect::Settle(item, settled) = effect {
                    prop_assert!(settled != Settled::Acked, "{} was acknowledged by {}", item, status);
                    prop_assert!((400..500).contains(&status) && ours, "{} left by {}", item, status);
                }
            }
        }
    }
}
