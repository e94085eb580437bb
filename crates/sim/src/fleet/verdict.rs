//! What came of it all: every owner looks at everything with the checks of a real client, and it is held against the notes.

use std::collections::BTreeMap;

use keepsight_ids::{B32, EventId, GapId, SegmentKind, SegmentNo};
use keepsight_person::{EventQuery, OpenEvent};
use keepsight_seal::{Counts, Trailer};
use keepsight_wire::people::{Event, Gap, GapReason, Purpose};

use super::book::{Known, Notes, Part};
use super::home::Home;
use super::town::{Town, in_real_time};

/// What the owners saw, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Verdict {
    /// The Events of all homes.
    pub events: BTreeMap<EventId, Event>,
    /// The gaps of all homes.
    pub gaps: BTreeMap<GapId, Gap>,
    /// What contradicts the notes; none when all is well.
    pub broken: Vec<String>,
    parts: BTreeMap<Part, B32>,
}

impl Town {
    /// Looks at everything. The simulation must be over.
    pub fn verdict(&self) -> Verdict {
        let mut verdict = Verdict::default();
        in_real_time(async {
            self.connect().await;
            for home in &self.homes {
                let known: BTreeMap<EventId, Known> = {
                    let notes = self.book.notes();
                    let of_home = notes.events.iter().filter(|(_, known)| known.home == home.home);
                    of_home.map(|(event, known)| (*event, known.clone())).collect()
                };
                verdict.look_at(home, &known).await;
            }
            self.inside.leave();
        });
        let notes = self.book.notes();
        verdict.hold_against(&notes);
        verdict
    }
}

impl Verdict {
    /// # Panics
    /// When something is wrong.
    pub fn must_be_clean(&self, seed: u64) {
        assert!(self.broken.is_empty(), "seed {seed}: {:#?}", self.broken);
    }

    async fn look_at(&mut self, home: &Home, known: &BTreeMap<EventId, Known>) {
        let mut query = EventQuery { limit: Some(100), ..EventQuery::default() };
        loop {
            let page = home.owner.events(home.home, &query).await.expect("an owner lists");
            self.gaps.extend(page.gaps.into_iter().map(|gap| (gap.gap, gap)));
            for event in page.events {
                let id = event.event;
                if self.events.insert(id, event.clone()).is_some() {
                    self.broken.push(format!("{id} is there twice"));
                }
                match known.get(&id) {
                    Some(known) => self.open(home, &event, known).await,
                    None => self.broken.push(format!("{id} was never recorded")),
                }
            }
            query.before = page.next;
            if query.before.is_none() {
                break;
            }
        }
        known.iter().for_each(|(&event, known)| self.account_for(home, event, known));
    }

    /// Opens what was confirmed of an Event, as a person's client does.
    async fn open(&mut self, home: &Home, event: &Event, known: &Known) {
        let id = event.event;
        let open = match home.owner.open_event(home.home, home.camera, id).await {
            Ok(open) => open,
            Err(error) => return self.broken.push(format!("{id} does not open: {error}")),
        };
        for segment in &open.detail.segments {
            let part = (id, segment.kind, segment.number);
            if self.parts.insert(part, segment.sha256).is_some() {
                self.broken.push(format!("{part:?} is there twice"));
            }
        }
        for (&(kind, number), (_, plain)) in &known.parts {
            if !self.parts.contains_key(&(id, kind, number)) {
                continue;
            }
            match home.owner.open_segment(&open, kind, number, Purpose::View).await {
                Ok(opened) if kind == SegmentKind::Trailer => self.is_whole(event, &open, &opened),
                Ok(opened) if &opened == plain => {}
                Ok(_) => self.broken.push(format!("{kind} {number} of {id} shows something else")),
                Err(error) => self.broken.push(format!("{kind} {number} of {id} does not open: {error}")),
            }
        }
    }

    fn is_whole(&mut self, event: &Event, open: &OpenEvent, trailer: &[u8]) {
        let mut counts = Counts::default();
        open.detail.segments.iter().for_each(|segment| counts.add(segment.kind));
        let missing = Trailer::parse(trailer).map(|trailer| trailer.missing(&counts).is_empty());
        if !event.complete || !missing.is_ok_and(|none| none) {
            self.broken.push(format!("{} has its trailer and is not whole", event.event));
        }
    }

    /// Whatever was confirmed is there, or a gap tells.
    fn account_for(&mut self, home: &Home, event: EventId, known: &Known) {
        for (&(kind, number), (sha256, _)) in &known.parts {
            match self.parts.get(&(event, kind, number)) {
                Some(there) if there.0 == *sha256 => {}
                Some(_) => self.broken.push(format!("{kind} {number} of {event} has another hash")),
                None if known.dropped => self.must_be_told(home, event, known, kind, number),
                None => self.broken.push(format!("{kind} {number} of {event} is lost")),
            }
        }
        let is_missing = !self.events.contains_key(&event) && known.begun && !known.dropped;
        if is_missing && (known.cut.is_none() || !known.parts.is_empty()) {
            self.broken.push(format!("{event} is lost"));
        }
        let has_trailer = known.parts.contains_key(&(SegmentKind::Trailer, SegmentNo(0)));
        // A trailer may have reached the disk without being confirmed: then nothing was cut after all.
        let is_complete = has_trailer || self.events.get(&event).is_some_and(|event| event.complete);
        let Some(cut) = known.cut.filter(|_| known.begun && !is_complete) else { return };
        // One more segment may have reached the disk without being confirmed.
        let latest = known.captured + known.footage_ms + 1000;
        let tells = |gap: &&Gap| gap.from.0 <= latest && gap.until.0 >= cut;
        if !self.gaps_of(home, GapReason::AgentStopped).any(|gap| tells(&gap)) {
            self.broken.push(format!("{event} was cut at {cut} and no gap tells"));
        }
    }

    fn must_be_told(
        &mut self,
        home: &Home,
        event: EventId,
        known: &Known,
        kind: SegmentKind,
        number: SegmentNo,
    ) {
        if kind != SegmentKind::Video {
            return;
        }
        let from = known.captured + i64::from(number.0) * 1000;
        let tells = |gap: &&Gap| gap.from.0 <= from && gap.until.0 >= from + 1000;
        if !self.gaps_of(home, GapReason::SpoolFull).any(|gap| tells(&gap)) {
            self.broken.push(format!("second {number} of {event} was dropped and no gap tells"));
        }
    }

    /// A home's gaps for this reason.
    pub fn gaps_of(&self, home: &Home, reason: GapReason) -> impl Iterator<Item = &Gap> {
        let camera = home.camera;
        self.gaps.values().filter(move |gap| gap.camera == camera && gap.reason == reason)
    }

    fn hold_against(&mut self, notes: &Notes) {
        for (part, sha256) in &notes.acked {
            if self.parts.get(part).is_none_or(|there| there.0 != *sha256) {
                self.broken.push(format!("{part:?} was acknowledged and is not there"));
            }
        }
        self.broken.extend(notes.violations.iter().cloned());
    }
}
