//! The ledger's records: appended, numbered within their home, never changed.

use keepsight_gate::{CameraScope, Right};
use keepsight_ids::{HomeId, UnixMillis};
use keepsight_ledger::Record;
use rusqlite::{Connection, Row, params};

use super::columns::{self as col, Query, blob, int, number};
use crate::StoreError;
use crate::records::asked::Asked;
use crate::records::{PAGE_MAX, View, ViewPage, ViewQuery};

pub(super) fn append(tx: &Connection, batch: &[Record]) -> Result<(), StoreError> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO ledger (home, number, viewer, camera, event, at, bytes, sha256)
         VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM ledger WHERE home = ?1), ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for record in batch {
        let facts = record.facts();
        insert.execute(params![
            facts.home.as_bytes(),
            facts.viewer.as_bytes(),
            facts.camera.as_ref().map(|camera| camera.as_bytes()),
            facts.event.as_ref().map(|event| event.as_bytes()),
            facts.at.0,
            record.bytes(),
            record.hash().0,
        ])?;
    }
    Ok(())
}

/// Records that go in one transaction.
const PRUNED_MAX: usize = 500;

pub(super) fn prune(tx: &Connection, home: HomeId, before: UnixMillis) -> Result<u64, StoreError> {
    const PRUNE: &str = "DELETE FROM ledger WHERE home = ?1 AND number IN (
        SELECT l.number FROM ledger l INDEXED BY ledger_by_time
        WHERE l.home = ?1 AND l.at < ?2 AND l.number < (SELECT max(number) FROM ledger WHERE home = ?1)
        AND NOT EXISTS (SELECT 1 FROM events e WHERE e.home = l.home AND e.camera = l.camera AND e.event = l.event)
        ORDER BY l.at LIMIT ?3)";
    let pruned = tx.prepare_cached(PRUNE)?.execute(params![home.as_bytes(), before.0, PRUNED_MAX as i64])?;
    Ok(pruned as u64)
}

pub(super) fn page(db: &Connection, asked: &Asked, query: &ViewQuery) -> Result<ViewPage, StoreError> {
    let limit = query.limit.clamp(1, PAGE_MAX);
    let mut select = mine(asked, index(asked, query))?;
    if let Some(event) = query.event {
        select = select.and("AND event = ?", [blob(asked.place(event)?.event.as_bytes())]);
    }
    if let Some(span) = query.span {
        select = select.and("AND at >= ? AND at < ?", [number(span.from.0), number(span.until.0)]);
    }
    if let Some(before) = query.before {
        select = select.and("AND number < ?", [number(int(before))]);
    }
    let mut views =
        select.and("ORDER BY number DESC LIMIT ?", [number(i64::from(limit) + 1)]).all(db, read_view)?;
    let more = views.len() > limit as usize;
    views.truncate(limit as usize);
    let next = views.last().filter(|_| more).map(|view| view.number);
    Ok(ViewPage { views, next })
}

/// The planner would read a home's whole ledger backwards for its order: an Event, a camera and a day have few records of many.
const fn index(asked: &Asked, query: &ViewQuery) -> &'static str {
    match (query.event, query.span, asked.camera) {
        (Some(_), ..) => "INDEXED BY ledger_by_event",
        (None, Some(_), _) => "INDEXED BY ledger_by_time",
        (None, None, Some(_)) => "INDEXED BY ledger_by_camera",
        (None, None, None) => "",
    }
}

/// The records that the Permit's account may read: of the cameras that it covers, of whole lists to those who may see every
/// camera, and to a guest (who may not take footage away) their own alone.
fn mine(asked: &Asked, index: &str) -> Result<Query, StoreError> {
    let own = blob(asked.account()?.as_bytes());
    let mut select = Query::new("SELECT number, bytes, sha256 FROM ledger")
        .and(index, [])
        .and("WHERE home = ?", [blob(asked.home.as_bytes())]);
    if !asked.rights.has(Right::Download) {
        select = select.and("AND viewer = ?", [own.clone()]);
    }
    if let Some(camera) = asked.camera {
        return Ok(select.and("AND camera = ?", [blob(camera.as_bytes())]));
    }
    if let CameraScope::Some(_) = asked.cameras {
        select = select.and("AND (camera IS NOT NULL OR viewer = ?)", [own]).covered_or_none(&asked.cameras);
    }
    Ok(select)
}

fn read_view(row: &Row<'_>) -> Result<View, StoreError> {
    let number = col::count(row, 0)?;
    let corrupt = || StoreError::Corrupt { what: format!("record {number} of a home's ledger") };
    let record = Record::read(&row.get::<_, Vec<u8>>(1)?).map_err(|_| corrupt())?;
    if record.hash() != col::hash(row, 2)? {
        return Err(corrupt());
    }
    Ok(View { number, record })
}
