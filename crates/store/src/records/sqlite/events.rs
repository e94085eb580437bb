//! Events as people see them: pages, one with its neighbours, a camera's newest, what was seen and kept.

use bytes::Bytes;
use keepsight_ids::{CameraId, EventId, SegmentKind, SegmentNo, UnixMillis};
use keepsight_ledger::Span;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns::{self as col, Query, blob, number};
use crate::objects::SealedIdentity;
use crate::records::asked::{Asked, Place};
use crate::records::{
    CameraSummary, Cursor, EventDetail, EventPage, EventQuery, EventRow, FiledGap, GAPS_MAX, Gap, GapReason,
    HeaderFacts, Neighbour, Neighbours, PAGE_MAX, SegmentRow,
};
use crate::{StoreError, StoredSegment};

/// What an [`EventRow`] is read from; the one question mark is the account that looks.
const EVENT: &str = "SELECT home, camera, event, header, signature, filed, received, complete, kept, bytes, store_id, expires_at,
    EXISTS (SELECT 1 FROM seen s WHERE s.home = e.home AND s.account = ? AND s.camera = e.camera AND s.event = e.event)
    FROM events e";

fn select(asked: &Asked) -> Query {
    // Nobody's account has seen anything.
    let account = asked.account.map_or_else(|| blob(&[]), |account| blob(account.as_bytes()));
    Query::new("").and(EVENT, [account])
}

fn read_event(row: &Row<'_>) -> Result<EventRow, StoreError> {
    let header = Bytes::from(row.get::<_, Vec<u8>>(3)?);
    Ok(EventRow {
        home: col::home(row, 0)?,
        camera: col::camera(row, 1)?,
        event: col::event(row, 2)?,
        states: HeaderFacts::read(&header)?,
        header,
        signature: row.get::<_, Vec<u8>>(4)?.into(),
        filed: col::millis(row, 5)?,
        received: col::millis(row, 6)?,
        complete: row.get(7)?,
        kept: row.get(8)?,
        bytes: col::count(row, 9)?,
        store_id: row.get(10)?,
        expires_at: row.get::<_, Option<i64>>(11)?.map(UnixMillis),
        seen: row.get(12)?,
    })
}

pub(super) fn page(db: &Connection, asked: &Asked, query: &EventQuery) -> Result<EventPage, StoreError> {
    let limit = query.limit.clamp(1, PAGE_MAX);
    let mut select = select(asked).within(asked);
    if let Some(span) = query.span {
        select = select.and("AND filed >= ? AND filed < ?", [number(span.from.0), number(span.until.0)]);
    }
    if query.unseen {
        let account = blob(asked.account()?.as_bytes());
        select = select.and(
            "AND NOT EXISTS (SELECT 1 FROM seen s WHERE s.home = e.home AND s.account = ? AND s.camera = e.camera AND s.event = e.event)",
            [account],
        );
    }
    if let Some(before) = query.before {
        select = select.and("AND (filed, camera, event) < (?, ?, ?)", place_in_time(&before));
    }
    let mut events = select
        .and("ORDER BY filed DESC, camera DESC, event DESC LIMIT ?", [number(i64::from(limit) + 1)])
        .all(db, read_event)?;
    let more = events.len() > limit as usize;
    events.truncate(limit as usize);
    let next = events.last().filter(|_| more).map(cursor);
    let gaps = gaps(db, asked, covered(query, next))?;
    Ok(EventPage { events, gaps, next })
}

/// The span of time that a page stands for: down to its last Event if there is more, else to the beginning.
fn covered(query: &EventQuery, next: Option<Cursor>) -> Span {
    let from = query.span.map_or(UnixMillis(i64::MIN), |span| span.from);
    let until = query.span.map_or(UnixMillis(i64::MAX), |span| span.until);
    Span {
        from: next.map_or(from, |cursor| cursor.filed),
        until: query.before.map_or(until, |cursor| cursor.filed.plus_ms(1)),
    }
}

fn gaps(db: &Connection, asked: &Asked, span: Span) -> Result<Vec<FiledGap>, StoreError> {
    Query::new("SELECT home, camera, gap, from_ms, until_ms, reason FROM gaps")
        .within(asked)
        .and("AND until_ms >= ? AND from_ms < ?", [number(span.from.0), number(span.until.0)])
        .and("ORDER BY until_ms DESC, camera, gap LIMIT ?", [number(i64::from(GAPS_MAX))])
        .all(db, read_gap)
}

fn read_gap(row: &Row<'_>) -> Result<FiledGap, StoreError> {
    let reason = GapReason::from_number(row.get(5)?)
        .ok_or_else(|| StoreError::Corrupt { what: "a gap's reason".to_owned() })?;
    let span = Span { from: col::millis(row, 3)?, until: col::millis(row, 4)? };
    Ok(FiledGap {
        home: col::home(row, 0)?,
        camera: col::camera(row, 1)?,
        gap: col::gap(row, 2)?,
        told: Gap { span, reason },
    })
}

const fn cursor(event: &EventRow) -> Cursor {
    Cursor { filed: event.filed, camera: event.camera, event: event.event }
}

fn place_in_time(cursor: &Cursor) -> [rusqlite::types::Value; 3] {
    [number(cursor.filed.0), blob(cursor.camera.as_bytes()), blob(cursor.event.as_bytes())]
}

pub(super) fn detail(db: &Connection, asked: &Asked, event: EventId) -> Result<EventDetail, StoreError> {
    let place = asked.place(event)?;
    let event = select(asked)
        .within(asked)
        .and("AND event = ?", [blob(event.as_bytes())])
        .one(db, read_event)?
        .ok_or(StoreError::NotFound)?;
    let Neighbours { newer, older } = around(db, asked, &cursor(&event))?;
    Ok(EventDetail { segments: segments(db, place)?, newer, older, event })
}

pub(super) fn neighbours(
    db: &Connection,
    asked: &Asked,
    camera: CameraId,
    event: EventId,
) -> Result<Neighbours, StoreError> {
    let from = Query::new("SELECT filed FROM events")
        .within(asked)
        .and("AND camera = ? AND event = ?", [blob(camera.as_bytes()), blob(event.as_bytes())])
        .one(db, |row| Ok(Cursor { filed: col::millis(row, 0)?, camera, event }))?;
    around(db, asked, &from.ok_or(StoreError::NotFound)?)
}

fn around(db: &Connection, asked: &Asked, from: &Cursor) -> Result<Neighbours, StoreError> {
    Ok(Neighbours {
        newer: neighbour(db, asked, from, (">", "ASC"))?,
        older: neighbour(db, asked, from, ("<", "DESC"))?,
    })
}

/// The next Event in one direction, on any of the Permit's cameras.
fn neighbour(
    db: &Connection,
    asked: &Asked,
    from: &Cursor,
    (than, order): (&str, &str),
) -> Result<Option<Neighbour>, StoreError> {
    Query::new("SELECT header FROM events")
        .within(asked)
        .and(&format!("AND (filed, camera, event) {than} (?, ?, ?)"), place_in_time(from))
        .and(&format!("ORDER BY filed {order}, camera {order}, event {order} LIMIT 1"), [])
        .one(db, |row| {
            // Its own word, not its row's key: another home's row that was moved here is seen by it.
            let HeaderFacts { home, camera, event, .. } = HeaderFacts::read(&row.get::<_, Vec<u8>>(0)?)?;
            Ok(Neighbour { home, camera, event })
        })
}

fn segments(db: &Connection, at: Place) -> Result<Vec<SegmentRow>, StoreError> {
    Query::new("SELECT home, camera, event, kind, number, bytes, sha256 FROM segments")
        .and(
            "WHERE home = ? AND camera = ? AND event = ? ORDER BY kind, number",
            [blob(at.home.as_bytes()), blob(at.camera.as_bytes()), blob(at.event.as_bytes())],
        )
        .all(db, read_segment)
}

fn read_segment(row: &Row<'_>) -> Result<SegmentRow, StoreError> {
    Ok(SegmentRow {
        home: col::home(row, 0)?,
        camera: col::camera(row, 1)?,
        event: col::event(row, 2)?,
        kind: SegmentKind::from_number(row.get(3)?)
            .ok_or_else(|| StoreError::Corrupt { what: "a segment's kind".to_owned() })?,
        number: SegmentNo(row.get(4)?),
        bytes: col::count(row, 5)?,
        sha256: col::hash(row, 6)?,
    })
}

pub(super) fn segment(
    db: &Connection,
    at: Place,
    kind: SegmentKind,
    no: SegmentNo,
) -> Result<StoredSegment, StoreError> {
    Query::new("SELECT home, camera, event, kind, number, bytes, sha256, object FROM segments")
        .and(
            "WHERE home = ? AND camera = ? AND event = ? AND kind = ? AND number = ?",
            [
                blob(at.home.as_bytes()),
                blob(at.camera.as_bytes()),
                blob(at.event.as_bytes()),
                number(kind as i64),
                number(i64::from(no.0)),
            ],
        )
        .one(db, |row| {
            let found = read_segment(row)?;
            let place = Place { home: found.home, camera: found.camera, event: found.event };
            Ok(StoredSegment {
                identity: SealedIdentity::of(place, found.kind, found.number),
                key: row.get::<_, String>(7)?.parse()?,
                bytes: found.bytes,
            })
        })?
        .ok_or(StoreError::NotFound)
}

pub(super) fn cameras(
    db: &Connection,
    asked: &Asked,
    since: UnixMillis,
) -> Result<Vec<CameraSummary>, StoreError> {
    let newest = newest(db, asked)?;
    let counts = Query::new("SELECT camera, count(*) FROM events INDEXED BY events_by_time")
        .within(asked)
        .and("AND filed >= ? GROUP BY camera", [number(since.0)])
        .all(db, |row| Ok((col::camera(row, 0)?, row.get::<_, u32>(1)?)))?;
    let count = |camera| counts.iter().find(|(of, _)| *of == camera).map_or(0, |(_, count)| *count);
    Ok(newest
        .into_iter()
        .map(|last| CameraSummary {
            home: asked.home,
            camera: last.camera,
            count: count(last.camera),
            last: Some(last),
        })
        .collect())
}

/// Each camera's newest Event: one look into the index for every camera that ever had one.
fn newest(db: &Connection, asked: &Asked) -> Result<Vec<EventRow>, StoreError> {
    select(asked)
        .and("WHERE rowid IN (SELECT (SELECT n.rowid FROM events n WHERE n.home = usage.home AND n.camera = usage.camera ORDER BY n.filed DESC, n.event DESC LIMIT 1) FROM usage", [])
        .within(asked)
        .and(") ORDER BY camera", [])
        .all(db, read_event)
}

fn refuse_absent(tx: &Connection, at: Place) -> Result<(), StoreError> {
    tx.prepare_cached("SELECT 1 FROM events WHERE home = ? AND camera = ? AND event = ?")?
        .query_row(params![at.home.as_bytes(), at.camera.as_bytes(), at.event.as_bytes()], |_| Ok(()))
        .optional()?
        .ok_or(StoreError::NotFound)
}

pub(super) fn mark_seen(tx: &Connection, asked: &Asked, event: EventId) -> Result<(), StoreError> {
    let (at, account) = (asked.place(event)?, asked.account()?);
    refuse_absent(tx, at)?;
    tx.prepare_cached(
        "INSERT INTO seen (home, account, camera, event, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )?
    .execute(params![
        at.home.as_bytes(),
        account.as_bytes(),
        at.camera.as_bytes(),
        at.event.as_bytes(),
        asked.now.0,
    ])?;
    Ok(())
}

pub(super) fn keep(tx: &Connection, at: Place, kept: bool) -> Result<(), StoreError> {
    let changed = tx
        .prepare_cached("UPDATE events SET kept = ? WHERE home = ? AND camera = ? AND event = ?")?
        .execute(params![kept, at.home.as_bytes(), at.camera.as_bytes(), at.event.as_bytes()])?;
    if changed == 0 { Err(StoreError::NotFound) } else { Ok(()) }
}
