//! What agents send: headers, segments, gaps. The same again is acknowledged again; other bytes under the same name are refused.

use keepsight_ids::{AgentId, B32, EventId, GapId, SegmentKind, UnixMillis};
use rusqlite::{Connection, OptionalExtension, params};

use super::columns::{agent as agent_column, hash, int, millis};
use super::usage::{count_in, note_arrival, refuse_another_today, refuse_beyond};
use crate::objects::sha256;
use crate::records::asked::{Asked, Place};
use crate::records::{Gap, HeaderFacts, Room, SEGMENTS_MAX, SegmentOffer, StoredHeader};
use crate::{StoreError, StoredObject};

/// Gaps of one camera; beyond this something is broken, and says so.
const GAPS_OF_A_CAMERA_MAX: i64 = 100_000;

/// A header that belongs where its Permit and path say.
pub(super) struct NewHeader {
    place: Place,
    states: HeaderFacts,
    received: UnixMillis,
    header: Vec<u8>,
    signature: Vec<u8>,
}

impl NewHeader {
    pub(super) fn of(
        asked: &Asked,
        event: EventId,
        header: Vec<u8>,
        signature: Vec<u8>,
    ) -> Result<Self, StoreError> {
        let place = asked.place(event)?;
        let states = HeaderFacts::read(&header)?;
        if (states.home, states.camera, states.event) != (place.home, place.camera, place.event) {
            return Err(StoreError::Misplaced { what: "the header names another home, camera or Event" });
        }
        if states.agent != asked.agent()? {
            return Err(StoreError::Misplaced { what: "the header names another agent" });
        }
        Ok(Self { place, states, received: asked.now, header, signature })
    }
}

pub(super) fn header(tx: &Connection, new: &NewHeader, room: &Room) -> Result<StoredHeader, StoreError> {
    refuse_gone(tx, new.place)?;
    match stored_header(tx, new.place)? {
        Some((header, filed)) if header == new.header => {
            Ok(StoredHeader { sha256: sha256(&header), filed, new: false })
        }
        Some(_) => {
            let Place { home, camera, event } = new.place;
            Err(StoreError::HeaderConflict { home, camera, event })
        }
        None => {
            let home = new.place.home;
            refuse_another_today(tx, home, new.received, room)?;
            refuse_beyond(tx, home, new.header.len() as u64, room)?;
            insert_header(tx, new)
        }
    }
}

fn stored_header(tx: &Connection, at: Place) -> Result<Option<(Vec<u8>, UnixMillis)>, StoreError> {
    let mut found =
        tx.prepare_cached("SELECT header, filed FROM events WHERE home = ? AND camera = ? AND event = ?")?;
    let key = params![at.home.as_bytes(), at.camera.as_bytes(), at.event.as_bytes()];
    Ok(found.query_row(key, |row| Ok((row.get(0)?, millis(row, 1)?))).optional()?)
}

fn insert_header(tx: &Connection, new: &NewHeader) -> Result<StoredHeader, StoreError> {
    let (at, states) = (new.place, new.states);
    let filed = states.filed(new.received);
    let bytes = int(new.header.len() as u64);
    tx.prepare_cached(
        "INSERT INTO events (home, camera, event, agent, header, signature, captured, clock_known, received, filed, bytes)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        at.home.as_bytes(),
        at.camera.as_bytes(),
        at.event.as_bytes(),
        states.agent.as_bytes(),
        new.header,
        new.signature,
        states.captured.0,
        states.clock_known,
        new.received.0,
        filed.0,
        bytes,
    ])?;
    count_in(tx, at, bytes, 1)?;
    note_arrival(tx, at, new.received)?;
    Ok(StoredHeader { sha256: sha256(&new.header), filed, new: true })
}

fn refuse_gone(db: &Connection, at: Place) -> Result<(), StoreError> {
    let gone = db
        .prepare_cached("SELECT 1 FROM tombstones WHERE home = ? AND camera = ? AND event = ?")?
        .exists(params![at.home.as_bytes(), at.camera.as_bytes(), at.event.as_bytes()])?;
    if gone { Err(at.gone()) } else { Ok(()) }
}

/// A segment that an agent has, and where it belongs.
pub(super) struct Wanted {
    pub(super) place: Place,
    pub(super) agent: AgentId,
    pub(super) offer: SegmentOffer,
}

/// Whether it is still to be stored; `false` if the same bytes are.
pub(super) fn wants(db: &Connection, segment: &Wanted, room: &Room) -> Result<bool, StoreError> {
    let at = segment.place;
    refuse_gone(db, at)?;
    let (agent, segments) = db
        .prepare_cached("SELECT agent, segments FROM events WHERE home = ? AND camera = ? AND event = ?")?
        .query_row(params![at.home.as_bytes(), at.camera.as_bytes(), at.event.as_bytes()], |row| {
            Ok((agent_column(row, 0)?, row.get::<_, u32>(1)?))
        })
        .optional()?
        .ok_or(StoreError::NotFound)?;
    if agent != segment.agent {
        return Err(StoreError::Misplaced { what: "the Event is another agent's" });
    }
    match stored_hash(db, segment)? {
        Some(stored) if stored == segment.offer.sha256 => Ok(false),
        Some(_) => Err(segment.conflict()),
        None if segments >= SEGMENTS_MAX => Err(StoreError::TooMany { what: "segments of an Event" }),
        None => refuse_beyond(db, at.home, segment.offer.bytes, room).map(|()| true),
    }
}

fn stored_hash(db: &Connection, segment: &Wanted) -> Result<Option<B32>, StoreError> {
    let at = segment.place;
    let mut found = db.prepare_cached(
        "SELECT sha256 FROM segments WHERE home = ? AND camera = ? AND event = ? AND kind = ? AND number = ?",
    )?;
    let key = params![
        at.home.as_bytes(),
        at.camera.as_bytes(),
        at.event.as_bytes(),
        segment.offer.kind as u8,
        segment.offer.number.0
    ];
    Ok(found.query_row(key, |row| hash(row, 0)).optional()?)
}

impl Wanted {
    const fn conflict(&self) -> StoreError {
        let Place { home, camera, event } = self.place;
        let SegmentOffer { kind, number, .. } = self.offer;
        StoreError::SegmentConflict { home, camera, event, kind, number }
    }
}

/// A durable object whose own identity is the Permit's.
pub(super) struct NewSegment {
    wanted: Wanted,
    object: String,
}

impl NewSegment {
    pub(super) fn of(asked: &Asked, object: &StoredObject) -> Result<Self, StoreError> {
        let stated = object.identity;
        if asked.place(stated.place.event)? != stated.place {
            return Err(StoreError::Misplaced { what: "the object states another home or camera" });
        }
        let offer = SegmentOffer {
            event: stated.place.event,
            kind: stated.kind,
            number: stated.number,
            sha256: object.sha256,
            bytes: object.bytes,
        };
        let wanted = Wanted { place: stated.place, agent: asked.agent()?, offer };
        Ok(Self { wanted, object: object.key.to_string() })
    }
}

pub(super) fn segment(tx: &Connection, new: &NewSegment, room: &Room) -> Result<bool, StoreError> {
    if !wants(tx, &new.wanted, room)? {
        return Ok(false);
    }
    let (at, offer) = (new.wanted.place, &new.wanted.offer);
    let bytes = int(offer.bytes);
    tx.prepare_cached(
        "INSERT INTO segments (home, camera, event, kind, number, sha256, bytes, object) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        at.home.as_bytes(),
        at.camera.as_bytes(),
        at.event.as_bytes(),
        offer.kind as u8,
        offer.number.0,
        offer.sha256.0,
        bytes,
        new.object,
    ])?;
    tx.prepare_cached(
        "UPDATE events SET bytes = bytes + ?, segments = segments + 1, complete = complete OR ?
         WHERE home = ? AND camera = ? AND event = ?",
    )?
    .execute(params![
        bytes,
        offer.kind == SegmentKind::Trailer,
        at.home.as_bytes(),
        at.camera.as_bytes(),
        at.event.as_bytes(),
    ])?;
    count_in(tx, at, bytes, 0)?;
    Ok(true)
}

pub(super) fn gap(tx: &Connection, asked: &Asked, gap: GapId, told: &Gap) -> Result<(), StoreError> {
    let camera = asked.camera.ok_or(StoreError::NotPermitted { what: "it names no camera" })?;
    if told.span.until < told.span.from {
        return Err(StoreError::Misplaced { what: "the gap ends before it begins" });
    }
    let many: i64 = tx
        .prepare_cached("SELECT count(*) FROM gaps WHERE home = ? AND camera = ? AND gap != ?")?
        .query_row(params![asked.home.as_bytes(), camera.as_bytes(), gap.as_bytes()], |row| row.get(0))?;
    if many >= GAPS_OF_A_CAMERA_MAX {
        return Err(StoreError::TooMany { what: "gaps of a camera" });
    }
    tx.prepare_cached(
        "INSERT INTO gaps (home, camera, gap, agent, from_ms, until_ms, reason) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET from_ms = excluded.from_ms, until_ms = excluded.until_ms, reason = excluded.reason",
    )?
    .execute(params![
        asked.home.as_bytes(),
        camera.as_bytes(),
        gap.as_bytes(),
        asked.agent()?.as_bytes(),
        told.span.from.0,
        told.span.until.0,
        told.reason.number(),
    ])?;
    Ok(())
}
