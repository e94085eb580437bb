//! What a home's Events take and how many came today: counted as they come and go, so that no upload ever adds them up.

use keepsight_ids::{HomeId, UnixMillis};
use rusqlite::{Connection, params};

use super::columns::{self as col, Query, int, number};
use crate::StoreError;
use crate::records::asked::{Asked, Place};
use crate::records::room::day;
use crate::records::{Room, Usage};

/// Moves a camera's counts of bytes and Events.
pub(super) fn count_in(tx: &Connection, at: Place, bytes: i64, events: i64) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO usage (home, camera, bytes, events) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes, events = events + excluded.events",
    )?
    .execute(params![at.home.as_bytes(), at.camera.as_bytes(), bytes, events])?;
    Ok(())
}

/// Notes that an Event of the camera arrived, whose row [`count_in`] has made. Deleting it takes nothing back: the day's count is of what came.
pub(super) fn note_arrival(tx: &Connection, at: Place, received: UnixMillis) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE usage SET arrived = CASE WHEN day = ?3 THEN arrived ELSE 0 END + 1, day = ?3 WHERE home = ?1 AND camera = ?2",
    )?
    .execute(params![at.home.as_bytes(), at.camera.as_bytes(), day(received)])?;
    Ok(())
}

/// Refuses so many bytes more than the home may hold.
pub(super) fn refuse_beyond(
    db: &Connection,
    home: HomeId,
    bytes: u64,
    room: &Room,
) -> Result<(), StoreError> {
    if used(db, home)?.saturating_add(int(bytes)) > int(room.bytes_max) {
        return Err(StoreError::HomeFull { home });
    }
    Ok(())
}

/// Refuses one Event more than may arrive on a day.
pub(super) fn refuse_another_today(
    db: &Connection,
    home: HomeId,
    received: UnixMillis,
    room: &Room,
) -> Result<(), StoreError> {
    let arrived: i64 = db
        .prepare_cached("SELECT coalesce(sum(arrived), 0) FROM usage WHERE home = ? AND day = ?")?
        .query_row(params![home.as_bytes(), day(received)], |row| row.get(0))?;
    if arrived >= i64::from(room.events_a_day_max) {
        return Err(StoreError::EventsOfTheDay { home });
    }
    Ok(())
}

pub(super) fn used(db: &Connection, home: HomeId) -> Result<i64, StoreError> {
    let mut sum = db.prepare_cached("SELECT coalesce(sum(bytes), 0) FROM usage WHERE home = ?")?;
    Ok(sum.query_row([home.as_bytes()], |row| row.get(0))?)
}

/// Of what is used, what retention leaves alone.
pub(super) fn kept(db: &Connection, home: HomeId) -> Result<i64, StoreError> {
    let sum = "SELECT coalesce(sum(bytes), 0) FROM events INDEXED BY events_kept WHERE home = ? AND kept";
    Ok(db.prepare_cached(sum)?.query_row([home.as_bytes()], |row| row.get(0))?)
}

/// Of the cameras that the Permit covers.
pub(super) fn of(db: &Connection, asked: &Asked) -> Result<Usage, StoreError> {
    const SUMS: &str = "SELECT coalesce(sum(bytes), 0), coalesce(sum(events), 0),
        coalesce(sum(CASE WHEN day = ? THEN arrived END), 0) FROM usage";
    let sums = Query::new("")
        .and(SUMS, [number(day(asked.now))])
        .near(asked)
        .one(db, |row| Ok((col::count(row, 0)?, col::count(row, 1)?, col::count(row, 2)?)))?;
    let (bytes, events, today) = sums.unwrap_or_default();
    Ok(Usage { home: asked.home, bytes, events, today })
}
