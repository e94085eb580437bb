//! What is sent when: the uploader without IO. Answers, failures and the time go in; requests and effects come out.
//!
//! Invariants. An item leaves the spool only by an acknowledgement that names it and its hash, or because the server says, with
//! its own code, that its Event was deleted or that it will never take it. Nothing a server answers makes this panic. While the
//! server asks for patience nothing is sent, and no new Event while it has had enough of them for a day; after a failure a single
//! request feels its way until one succeeds.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use keepsight_ids::{B64, CameraId, UnixMillis};
use keepsight_wire::agent::{
    AgentChain, AgentSession, Challenge, EventAck, SegmentAck, StatusAck, TOO_MANY_EVENTS,
};
use keepsight_wire::{ErrorBody, Signed};
use keepsight_world::{Backoff, Instant, World};
use serde::de::DeserializeOwned;

use crate::http::{Answer, Lost};
use crate::spool::Settled;
use crate::spool::backlog::{Backlog, Item, Turn};

/// Segments under way at once.
const ITEMS: usize = 4;
/// How often the agent says how it does.
pub const STATUS_EVERY: Duration = Duration::from_secs(15);
/// While an owner is about to admit the agent, it knocks this often.
const KNOCK_EVERY: Duration = Duration::from_secs(2);
/// As long as a pairing code is good; after that it backs off as usual.
const KNOCKS: u32 = 450;
/// After a chain that was refused, or that did not come, it is asked for again.
const CHAIN_AGAIN: Duration = Duration::from_secs(60);
/// More than a server stores of one home, in bytes of its entries.
const FIRST_CHAIN_MOST: usize = 64 << 20;
/// The waits of an item that alone is refused, growing.
const HOLD_FIRST: Duration = Duration::from_secs(5);
const HOLD_MOST: Duration = Duration::from_secs(3600);
/// Of so many items one is the oldest that waits, whatever is fresh: a camera that never rests must not keep the backlog back.
const BACKLOG_SHARE: u64 = 4;

/// Words that end an item's stay in the spool. Each is a status *and* Keepsight's own code for it: whatever stands before the server
/// (a proxy with a limit of its own, say) answers with the same statuses, and knows nothing of the item.
const GONE: (u16, &str) = (410, "gone");
const CONFLICT: (u16, &str) = (409, "conflict");
const NEVER: [(u16, &str); 3] = [(400, "bad_request"), (413, "too_large"), (415, "unsupported_media")];
/// The code of an answer that is not the server's.
const NOT_OURS: &str = "";

/// Names a request until its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flight(u64);

/// What to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Send {
    /// `POST /challenge`
    Challenge,
    /// `POST /session`, signing this challenge.
    Session(B64),
    /// `GET /chain`, the page after this entry (or the first).
    Chain(Option<u64>),
    /// `POST /status`
    Status,
    /// `PUT /cameras/{camera}`
    Camera(CameraId),
    /// An item of the spool.
    Item(Item),
}

/// What an answer brings about.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Take this out of the spool.
    Settle(Item, Settled),
    /// The server lacks an Event's header that it had: send it again.
    HeaderLost(Item),
    /// Entries of the chain, to be verified.
    Entries(Vec<Signed>),
    /// The server's time, just now.
    ServerTime(UnixMillis),
    /// The cameras that are switched off.
    Off(HashSet<CameraId>),
    /// The server knows this camera.
    CameraKnown(CameraId),
    /// A session is open.
    Admitted,
    /// The server does not let this agent in (yet).
    NotAdmitted,
    /// The server's chain ends (second) before the highest entry that was verified (first), or no longer does.
    Rollback(Option<(u64, u64)>),
    /// For the log: something that an operator or owner should know.
    Alarm(String),
}

#[derive(Debug)]
enum Session {
    None,
    Challenged(B64),
    Open { token: String, renew: Instant, opened: Instant },
}

#[derive(Debug, Clone, Copy)]
struct Hold {
    until: Instant,
    times: u32,
}

/// The uploader's state.
pub struct Machine {
    world: World,
    session: Session,
    flights: BTreeMap<Flight, Send>,
    /// The first flight under the session that is open.
    session_flight: u64,
    next_flight: u64,
    held: HashMap<Item, Hold>,
    backoff: Backoff,
    /// Nothing is sent before.
    pause: Option<Instant>,
    /// Nothing is sent before, unless there is a fresh Event: after a start.
    spread: Option<Instant>,
    /// Items that were sent, ever.
    items_sent: u64,
    /// No item is sent before (the server has no room, but still listens).
    pause_items: Option<Instant>,
    /// No Event's header is sent before (the home has sent as many Events today as it may).
    pause_headers: Option<Instant>,
    /// The last word was a failure.
    feeling: bool,
    /// How often it was not let in since it last was.
    knocks: u32,
    next_status: Instant,
    chain_seq: Option<u64>,
    /// Before any is verified: the pages that came, from the beginning on.
    first_chain: Vec<Signed>,
    chain_wanted: bool,
    chain_not_before: Option<Instant>,
    rolled_back: bool,
    off: HashSet<CameraId>,
    /// Of those that are off: what waits of them is sent all the same, to be answered with *gone*.
    removed: HashSet<CameraId>,
    unknown: HashSet<CameraId>,
    camera_not_before: HashMap<CameraId, Instant>,
}

impl Machine {
    /// A machine that starts without a session. `chain_seq` is the highest verified entry.
    pub fn new(world: World, chain_seq: Option<u64>) -> Self {
        let next_status = world.now();
        Self {
            world,
            session: Session::None,
            flights: BTreeMap::new(),
            session_flight: 0,
            next_flight: 0,
            held: HashMap::new(),
            backoff: Backoff::new(Duration::from_millis(500), Duration::from_secs(60)),
            pause: None,
            spread: None,
            items_sent: 0,
            pause_items: None,
            pause_headers: None,
            feeling: false,
            knocks: 0,
            next_status,
            chain_seq,
            first_chain: Vec::new(),
            chain_wanted: chain_seq.is_none(),
            chain_not_before: None,
            rolled_back: false,
            off: HashSet::new(),
            removed: HashSet::new(),
            unknown: HashSet::new(),
            camera_not_before: HashMap::new(),
        }
    }

    /// The first request goes after a random part of `most`, or with the first fresh Event.
    pub fn begin_within(&mut self, now: Instant, most: Duration) {
        let wait = self.world.random_up_to(u64::try_from(most.as_millis()).unwrap_or(u64::MAX));
        self.spread = Some(now + Duration::from_millis(wait));
    }

    /// The open session's token.
    pub fn token(&self) -> Option<&str> {
        match &self.session {
            Session::Open { token, .. } => Some(token),
            _ => None,
        }
    }

    /// Whether the last exchange with the server succeeded; `None` while a session is being opened.
    pub const fn is_connected(&self) -> Option<bool> {
        match self.session {
            _ if self.feeling => Some(false),
            Session::Open { .. } => Some(true),
            _ => None,
        }
    }

    /// The chain was verified up to here. A page that brought it further may have another behind it: that is asked for at once.
    pub fn chain_is_at(&mut self, seq: u64) {
        self.chain_wanted |= self.chain_seq < Some(seq);
        self.chain_not_before = None;
        self.chain_seq = Some(seq);
    }

    /// What the server showed was refused: it is asked again later.
    pub fn chain_was_refused(&mut self, now: Instant) {
        self.chain_did_not_come(now);
    }

    /// The server has not been told of this camera yet, or by another name: until it has, nothing of it is sent.
    pub fn camera_is_new(&mut self, camera: CameraId) {
        self.unknown.insert(camera);
        self.camera_not_before.remove(&camera);
    }

    /// Says how it does soon, not at the next turn: something changed.
    pub const fn say_status(&mut self, now: Instant) {
        self.next_status = now;
    }

    /// The item could not be read, or is gone: its request will not be sent.
    pub fn abandon(&mut self, flight: Flight) {
        self.flights.remove(&flight);
    }

    /// The request could not be made yet (a camera's name can't be sealed, the disk failed): it is tried again a little later.
    pub fn not_now(&mut self, now: Instant, flight: Flight) {
        match self.flights.remove(&flight) {
            Some(Send::Item(item)) => self.hold(now, item),
            Some(Send::Camera(camera)) => {
                self.camera_not_before.insert(camera, now + CHAIN_AGAIN);
            }
            _ => {}
        }
    }

    /// What to send now. Call after every answer, whenever the spool gained something, and at [`Machine::wake_at`].
    pub fn poll(&mut self, now: Instant, backlog: &Backlog) -> Vec<(Flight, Send)> {
        let mut sends = Vec::new();
        if self.pause.is_some_and(|until| now < until) {
            return sends;
        }
        self.pause = None;
        if self.spread.is_some_and(|until| now < until && !backlog.has_fresh(now)) {
            return sends;
        }
        self.spread = None;
        self.poll_session(now, &mut sends);
        if matches!(self.session, Session::Open { .. }) {
            self.poll_duties(now, &mut sends);
            self.poll_items(now, backlog, &mut sends);
        }
        sends
    }

    /// When to poll again although nothing happened: later than `now`.
    pub fn wake_at(&self, now: Instant) -> Instant {
        let mut times: Vec<_> = self.pause.into_iter().chain(self.spread).collect();
        if self.token().is_some() && self.chain_seq.is_some() {
            times.push(self.next_status);
        }
        times.extend(self.pause_items);
        times.extend(self.pause_headers);
        times.extend(self.chain_not_before);
        times.extend(self.held.values().map(|hold| hold.until));
        times.extend(self.camera_not_before.values());
        if let Session::Open { renew, .. } = self.session {
            times.push(renew);
        }
        let soonest = times.into_iter().filter(|&time| time > now).min();
        let wake = soonest.unwrap_or(now + STATUS_EVERY);
        self.pause.max(self.spread).map_or(wake, |pause| wake.max(pause))
    }

    /// The answer to a request, or why there is none. `backlog` is the spool's at this moment.
    pub fn answer(
        &mut self,
        now: Instant,
        flight: Flight,
        answer: Result<Answer, Lost>,
        backlog: &Backlog,
    ) -> Vec<Effect> {
        let Some(send) = self.flights.remove(&flight) else { return Vec::new() };
        let answer = match answer {
            Ok(answer) => answer,
            Err(lost) => {
                tracing::debug!(%lost, ?send, "no answer");
                self.unanswered(now, &send);
                self.failed(now, None);
                return Vec::new();
            }
        };
        if matches!(answer.status, 429 | 500..) {
            self.unanswered(now, &send);
        }
        match answer.status {
            429 if matches!(send, Send::Item(Item::Header(_))) && error(&answer).0 == TOO_MANY_EVENTS => {
                self.enough_for_today(now, answer.retry_after);
                Vec::new()
            }
            429 | 503 => {
                self.failed(now, answer.retry_after);
                Vec::new()
            }
            507 => {
                self.no_room(now, answer.retry_after);
                Vec::new()
            }
            401 if !matches!(send, Send::Challenge | Send::Session(_)) => {
                self.session_ended(now, flight);
                Vec::new()
            }
            500.. => {
                self.failed(now, answer.retry_after);
                Vec::new()
            }
            _ => self.answered(now, send, &answer, backlog),
        }
    }

    // What is due.

    fn emit(&mut self, send: Send, sends: &mut Vec<(Flight, Send)>) {
        let flight = Flight(self.next_flight);
        self.next_flight += 1;
        self.flights.insert(flight, send.clone());
        sends.push((flight, send));
    }

    fn flies(&self, wanted: impl Fn(&Send) -> bool) -> bool {
        self.flights.values().any(wanted)
    }

    fn poll_session(&mut self, now: Instant, sends: &mut Vec<(Flight, Send)>) {
        let renew = matches!(self.session, Session::Open { renew, .. } if now >= renew);
        if renew {
            self.session = Session::None;
        }
        if self.flies(|send| matches!(send, Send::Challenge | Send::Session(_))) {
            return;
        }
        match &self.session {
            Session::None => self.emit(Send::Challenge, sends),
            Session::Challenged(challenge) => self.emit(Send::Session(challenge.clone()), sends),
            Session::Open { .. } => {}
        }
    }

    fn poll_duties(&mut self, now: Instant, sends: &mut Vec<(Flight, Send)>) {
        let chain_due = self.chain_wanted && self.chain_not_before.is_none_or(|time| now >= time);
        // One that always fails must not be what feels the way: nothing else would be sent any more.
        let may_fail = !self.feeling || self.chain_seq.is_none();
        if chain_due && may_fail && !self.flies(|send| matches!(send, Send::Chain(_))) {
            let read = u64::try_from(self.first_chain.len()).unwrap_or(u64::MAX).checked_sub(1);
            self.emit(Send::Chain(self.chain_seq.or(read)), sends);
        }
        // Before the chain is known there is no epoch to name.
        if self.chain_seq.is_none() || (self.feeling && !self.flights.is_empty()) {
            return;
        }
        if now >= self.next_status && !self.flies(|send| matches!(send, Send::Status)) {
            self.next_status = now + STATUS_EVERY;
            self.emit(Send::Status, sends);
        }
        let mut cameras: Vec<_> = self.unknown.iter().copied().collect();
        cameras.sort_unstable();
        for camera in cameras {
            let due = self.camera_not_before.get(&camera).is_none_or(|&time| now >= time);
            if due && !self.flies(|send| *send == Send::Camera(camera)) {
                self.emit(Send::Camera(camera), sends);
            }
        }
    }

    fn poll_items(&mut self, now: Instant, backlog: &Backlog, sends: &mut Vec<(Flight, Send)>) {
        if self.pause_items.is_some_and(|until| now < until) {
            return;
        }
        self.pause_items = None;
        self.pause_headers = self.pause_headers.filter(|&until| now < until);
        self.held.retain(|&item, _| backlog.holds(item));
        loop {
            let under_way = self.flights.values().filter(|send| matches!(send, Send::Item(_))).count();
            let most = if self.feeling { usize::from(self.flights.is_empty()) } else { ITEMS };
            if under_way >= most {
                return;
            }
            let is_off = |camera| self.off.contains(&camera) && !self.removed.contains(&camera);
            let may_send = |camera| !is_off(camera) && !self.unknown.contains(&camera);
            let is_free = |item| {
                let held = self.held.get(&item).is_some_and(|hold| now < hold.until);
                let paused = self.pause_headers.is_some() && matches!(item, Item::Header(_));
                !held && !paused && !self.flies(|send| *send == Send::Item(item))
            };
            let turn =
                if (self.items_sent + 1).is_multiple_of(BACKLOG_SHARE) { Turn::Old } else { Turn::Fresh };
            let Some(item) = backlog.next(now, turn, may_send, is_free) else { return };
            self.items_sent += 1;
            self.emit(Send::Item(item), sends);
        }
    }

    // What answers mean.

    fn answered(&mut self, now: Instant, send: Send, answer: &Answer, backlog: &Backlog) -> Vec<Effect> {
        let effects = match send {
            Send::Challenge => self.on_challenge(answer),
            Send::Session(_) => self.on_session(now, answer),
            Send::Chain(after) => self.on_chain(now, after, answer),
            Send::Status => self.on_status(now, answer),
            Send::Camera(camera) => self.on_camera(now, camera, answer),
            Send::Item(item) => self.on_item(now, item, answer, backlog),
        };
        effects.unwrap_or_else(|| {
            self.failed(now, answer.retry_after);
            vec![Effect::Alarm(format!("the server's answer ({}) makes no sense here", answer.status))]
        })
    }

    fn on_challenge(&mut self, answer: &Answer) -> Option<Vec<Effect>> {
        let challenge: Challenge = parse(answer)?;
        // Signing what a server chose is fine (it stands under its own label), signing a book is not.
        if challenge.challenge.0.len() > 256 {
            return None;
        }
        if matches!(self.session, Session::None) {
            self.session = Session::Challenged(challenge.challenge);
        }
        Some(Vec::new())
    }

    fn on_session(&mut self, now: Instant, answer: &Answer) -> Option<Vec<Effect>> {
        self.session = Session::None;
        if (400..500).contains(&answer.status) {
            self.knocks = self.knocks.saturating_add(1);
            let wait = if self.chain_seq.is_none() && self.knocks < KNOCKS {
                KNOCK_EVERY
            } else {
                self.feeling = true;
                self.backoff.next_wait(&self.world, answer.retry_after).max(KNOCK_EVERY)
            };
            self.pause = Some(now + wait);
            return Some(vec![Effect::NotAdmitted]);
        }
        let session: AgentSession = parse(answer)?;
        let lasts = u64::try_from(session.expires.0.saturating_sub(session.now.0)).unwrap_or(0);
        // A lifetime of nothing would make it ask without end; of years, it would keep what was forgotten.
        let renew =
            Duration::from_millis(lasts / 5 * 4).clamp(Duration::from_secs(10), Duration::from_secs(86_400));
        self.session = Session::Open { token: session.token, renew: now + renew, opened: now };
        self.session_flight = self.next_flight;
        self.knocks = 0;
        self.succeeded();
        Some(vec![Effect::Admitted, Effect::ServerTime(session.now)])
    }

    fn on_chain(&mut self, now: Instant, after: Option<u64>, answer: &Answer) -> Option<Vec<Effect>> {
        self.chain_did_not_come(now);
        let chain: AgentChain = parse(answer)?;
        self.succeeded();
        if self.chain_seq.is_some() {
            self.chain_wanted = false;
            return Some(vec![Effect::Entries(chain.entries)]);
        }
        self.on_first_chain(after, chain.entries)
    }

    /// Whom the pairing was with may stand in any entry: a chain that isn't known yet is looked at as a whole.
    fn on_first_chain(&mut self, after: Option<u64>, page: Vec<Signed>) -> Option<Vec<Effect>> {
        if after.is_none() {
            self.first_chain.clear();
        }
        if page.is_empty() {
            // Nothing at all is no home to speak of.
            self.chain_wanted = self.first_chain.is_empty();
            return Some(vec![Effect::Entries(std::mem::take(&mut self.first_chain))]);
        }
        self.first_chain.extend(page);
        if self.first_chain.iter().map(|entry| entry.body.0.len()).sum::<usize>() > FIRST_CHAIN_MOST {
            self.first_chain.clear();
            return None;
        }
        self.chain_not_before = None;
        Some(Vec::new())
    }

    fn on_status(&mut self, now: Instant, answer: &Answer) -> Option<Vec<Effect>> {
        let ack: StatusAck = parse(answer)?;
        self.succeeded();
        let pinned = self.chain_seq.unwrap_or(0);
        let mut effects = vec![Effect::ServerTime(ack.now)];
        if ack.chain_seq > pinned {
            self.chain_wanted = true;
            let early = self.chain_not_before.is_none_or(|time| now >= time);
            if early {
                self.chain_not_before = None;
            }
        }
        let rolled_back = ack.chain_seq < pinned;
        if rolled_back || self.rolled_back {
            effects.push(Effect::Rollback(rolled_back.then_some((pinned, ack.chain_seq))));
        }
        self.rolled_back = rolled_back;
        let off: HashSet<CameraId> = ack.off.into_iter().collect();
        self.removed = ack.removed.into_iter().collect();
        if off != self.off {
            self.off.clone_from(&off);
            effects.push(Effect::Off(off));
        }
        Some(effects)
    }

    fn on_camera(&mut self, now: Instant, camera: CameraId, answer: &Answer) -> Option<Vec<Effect>> {
        if (200..300).contains(&answer.status) {
            self.succeeded();
            self.unknown.remove(&camera);
            self.camera_not_before.remove(&camera);
            return Some(vec![Effect::CameraKnown(camera)]);
        }
        let (code, message) = error(answer);
        if (answer.status, code.as_str()) == GONE {
            self.succeeded();
            self.unknown.remove(&camera);
            self.camera_not_before.remove(&camera);
            let text = format!("the camera {camera} was removed from the home: {message}");
            return Some(vec![Effect::CameraKnown(camera), Effect::Alarm(text)]);
        }
        self.camera_not_before.insert(camera, now + CHAIN_AGAIN);
        Some(vec![Effect::Alarm(format!(
            "the server does not take the camera {camera} ({} {code}: {message})",
            answer.status
        ))])
    }

    fn on_item(
        &mut self,
        now: Instant,
        item: Item,
        answer: &Answer,
        backlog: &Backlog,
    ) -> Option<Vec<Effect>> {
        if !backlog.holds(item) {
            // It made room, or its Event was deleted, while it was under way.
            return Some(Vec::new());
        }
        let (code, message) = error(answer);
        let refused = |why: &str| {
            let text =
                format!("the server will never take the {item} ({why}: {message}); it is kept in quarantine");
            vec![Effect::Settle(item, Settled::Refused), Effect::Alarm(text)]
        };
        Some(match (answer.status, code.as_str()) {
            (200..300, _) if acknowledges(answer, item, backlog) => {
                self.succeeded();
                self.held.remove(&item);
                vec![Effect::Settle(item, Settled::Acked)]
            }
            (200..300, _) => {
                self.hold(now, item);
                vec![Effect::Alarm(format!(
                    "the server acknowledged something else than the {item}; it is kept"
                ))]
            }
            GONE => {
                self.succeeded();
                vec![Effect::Settle(item, Settled::Gone)]
            }
            CONFLICT => refused("it has another one by that name"),
            // What is wrong with a sealed segment stays wrong. A header is judged by what the server knows of the home,
            // and a gap by how many there are: that can change.
            said if NEVER.contains(&said) && matches!(item, Item::Segment(..)) => refused(&code),
            (404, _) => {
                self.hold(now, item);
                self.unlearned(item, backlog)
            }
            (status, NOT_OURS) => {
                self.hold(now, item);
                vec![Effect::Alarm(format!(
                    "something between here and the server does not let the {item} through ({status}); it is kept and tried again"
                ))]
            }
            (status, _) => {
                self.hold(now, item);
                vec![Effect::Alarm(format!(
                    "the server does not take the {item} now ({status} {code}: {message})"
                ))]
            }
        })
    }

    /// The server lacks what the item builds on: after a restored backup, say. A segment's header is sent again, a header's camera.
    fn unlearned(&mut self, item: Item, backlog: &Backlog) -> Vec<Effect> {
        if let Item::Segment(event, ..) = item {
            return vec![Effect::HeaderLost(Item::Header(event))];
        }
        if let Some(camera) = backlog.camera(item) {
            self.camera_is_new(camera);
        }
        vec![Effect::Alarm(format!("the server does not know the camera of the {item}"))]
    }

    fn hold(&mut self, now: Instant, item: Item) {
        let times = self.held.get(&item).map_or(0, |hold| hold.times);
        let bound = HOLD_FIRST.saturating_mul(1 << times.min(12)).min(HOLD_MOST);
        let jitter = self.world.random_up_to(u64::try_from(bound.as_millis()).unwrap_or(u64::MAX));
        let until = now + bound / 2 + Duration::from_millis(jitter / 2);
        self.held.insert(item, Hold { until, times: times + 1 });
    }

    fn succeeded(&mut self) {
        self.feeling = false;
        self.backoff.reset();
    }

    /// Of all requests that fail together only the first counts.
    fn failed(&mut self, now: Instant, retry_after: Option<Duration>) {
        let asked = retry_after.map(|wait| now + wait);
        if self.pause.is_some_and(|until| now < until && asked.is_none_or(|asked| asked <= until)) {
            return;
        }
        self.feeling = true;
        self.pause =
            Some(now + self.backoff.next_wait(&self.world, retry_after).max(Duration::from_millis(50)));
    }

    fn no_room(&mut self, now: Instant, retry_after: Option<Duration>) {
        let wait = self.backoff.next_wait(&self.world, retry_after.or(Some(Duration::from_secs(5))));
        self.pause_items = Some(self.pause_items.unwrap_or(now).max(now + wait));
    }

    /// What belongs to Events that the server has goes on: only new ones wait.
    fn enough_for_today(&mut self, now: Instant, retry_after: Option<Duration>) {
        self.succeeded();
        let until = now + retry_after.unwrap_or(STATUS_EVERY);
        self.pause_headers = Some(self.pause_headers.unwrap_or(now).max(until));
    }

    fn chain_did_not_come(&mut self, now: Instant) {
        self.chain_not_before = Some(now + CHAIN_AGAIN);
        self.chain_wanted = true;
    }

    /// A challenge is good for a minute: the next try asks for another. A chain that can't be had now is left for a while.
    fn unanswered(&mut self, now: Instant, send: &Send) {
        match send {
            Send::Session(_) => self.session = Session::None,
            Send::Chain(_) => self.chain_did_not_come(now),
            _ => {}
        }
    }

    /// A request sent under an earlier session says nothing about this one.
    fn session_ended(&mut self, now: Instant, flight: Flight) {
        let Session::Open { opened, .. } = self.session else { return };
        if flight.0 < self.session_flight {
            return;
        }
        self.session = Session::None;
        // A server that forgets at once is a failing server.
        if now.saturating_duration_since(opened) < Duration::from_secs(5) {
            self.failed(now, None);
        }
    }
}

/// True only if the answer names the item and the hash that the spool has for it.
fn acknowledges(answer: &Answer, item: Item, backlog: &Backlog) -> bool {
    let expected = backlog.sha256(item);
    match item {
        Item::Header(event) => {
            parse::<EventAck>(answer).is_some_and(|ack| ack.event == event && Some(ack.sha256.0) == expected)
        }
        Item::Segment(event, kind, number) => parse::<SegmentAck>(answer).is_some_and(|ack| {
            (ack.event, ack.kind, ack.number) == (event, kind, number) && Some(ack.sha256.0) == expected
        }),
        // A gap has no bytes to compare; a page that somebody else answers with is not *no content*.
        Item::Gap(_) => answer.status == 204,
    }
}

fn parse<T: DeserializeOwned>(answer: &Answer) -> Option<T> {
    if !(200..300).contains(&answer.status) {
        return None;
    }
    serde_json::from_slice(&answer.body).ok()
}

fn error(answer: &Answer) -> (String, String) {
    match serde_json::from_slice::<ErrorBody>(&answer.body) {
        Ok(body) => (printable(&body.error.code), printable(&body.error.message)),
        Err(_) => (NOT_OURS.to_owned(), String::new()),
    }
}

/// What a server says goes into a log: short and without control characters.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
