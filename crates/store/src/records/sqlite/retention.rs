//! How Events go: by a person's hand or by retention. Always a tombstone first, and the bytes after it.

use keepsight_ids::{CameraId, EventId, HomeId, UnixMillis};
use rusqlite::{Connection, OptionalExtension, params};

use super::columns::{self as col, Query, blob, int, number};
use super::usage::{count_in, kept, used};
use crate::records::asked::Place;
use crate::records::{Retention, Swept};
use crate::{ObjectKey, StoreError};

/// An Event whose trailer has not come for so long is not arriving any more: it was cut, or its agent is gone.
const ARRIVING_MS: i64 = 24 * 3_600_000;

/// Events that go in one transaction, so that no upload waits long for a sweep.
const SWEEP_MAX: usize = 200;

pub(super) fn delete(tx: &Connection, at: Place, now: UnixMillis) -> Result<(), StoreError> {
    let key = params![at.home.as_bytes(), at.camera.as_bytes(), at.event.as_bytes()];
    let bytes: i64 = tx
        .prepare_cached("SELECT bytes FROM events WHERE home = ? AND camera = ? AND event = ?")?
        .query_row(key, |row| row.get(0))
        .optional()?
        .ok_or(StoreError::NotFound)?;
    tx.prepare_cached("INSERT INTO tombstones (home, camera, event, at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![at.home.as_bytes(), at.camera.as_bytes(), at.event.as_bytes(), now.0])?;
    for statement in [
        "INSERT INTO doomed SELECT home, object FROM segments WHERE home = ? AND camera = ? AND event = ?",
        "DELETE FROM segments WHERE home = ? AND camera = ? AND event = ?",
        "DELETE FROM seen WHERE home = ? AND camera = ? AND event = ?",
        "DELETE FROM events WHERE home = ? AND camera = ? AND event = ?",
    ] {
        tx.prepare_cached(statement)?.execute(key)?;
    }
    count_in(tx, at, -bytes, -1)
}

pub(super) fn homes(db: &Connection) -> Result<Vec<HomeId>, StoreError> {
    Query::new("SELECT DISTINCT home FROM usage").all(db, |row| Ok(col::home(row, 0)?))
}

pub(super) fn sweep(tx: &Connection, home: HomeId, retention: &Retention) -> Result<Swept, StoreError> {
    let mut swept = Swept::default();
    let remove = |swept: &mut Swept, (camera, event, _): Victim| {
        swept.events.push((camera, event));
        delete(tx, Place { home, camera, event }, retention.now)
    };
    for victim in lapsed(tx, home, retention.now)? {
        remove(&mut swept, victim)?;
    }
    for victim in outlived(tx, home, retention.older_than, SWEEP_MAX - swept.events.len())? {
        remove(&mut swept, victim)?;
    }
    let (used, kept) = (used(tx, home)?, kept(tx, home)?);
    // A home that keeps much does not lose its new Events for that.
    let mut over = (used - kept - int(retention.bytes_max)).max(used - int(retention.total_max));
    for victim in oldest(tx, home, retention.now, SWEEP_MAX - swept.events.len())? {
        if over <= 0 {
            break;
        }
        over -= victim.2;
        remove(&mut swept, victim)?;
    }
    swept.more = swept.events.len() == SWEEP_MAX;
    Ok(swept)
}

type Victim = (CameraId, EventId, i64);

/// What lapsed, kept or not.
fn lapsed(tx: &Connection, home: HomeId, now: UnixMillis) -> Result<Vec<Victim>, StoreError> {
    Query::new("SELECT camera, event, bytes FROM events INDEXED BY events_expiring")
        .and("WHERE home = ? AND expires_at <= ?", [blob(home.as_bytes()), number(now.0)])
        .and("ORDER BY expires_at LIMIT ?", [number(SWEEP_MAX as i64)])
        .all(tx, read_victim)
}

/// What is older than the home's days, kept ones excepted.
fn outlived(
    tx: &Connection,
    home: HomeId,
    before: UnixMillis,
    most: usize,
) -> Result<Vec<Victim>, StoreError> {
    Query::new("SELECT camera, event, bytes FROM events INDEXED BY events_by_time")
        .and("WHERE home = ? AND filed < ? AND NOT kept", [blob(home.as_bytes()), number(before.0)])
        .and("ORDER BY filed LIMIT ?", [number(most as i64)])
        .all(tx, read_victim)
}

/// Neither what is kept, nor what is still arriving: its agent would be told that it was deleted, and drop the rest.
fn oldest(tx: &Connection, home: HomeId, now: UnixMillis, most: usize) -> Result<Vec<Victim>, StoreError> {
    Query::new("SELECT camera, event, bytes FROM events INDEXED BY events_by_time")
        .and("WHERE home = ? AND NOT kept", [blob(home.as_bytes())])
        .and("AND (complete OR received < ?)", [number(now.plus_ms(-ARRIVING_MS).0)])
        .and("ORDER BY filed LIMIT ?", [number(most as i64)])
        .all(tx, read_victim)
}

fn read_victim(row: &rusqlite::Row<'_>) -> Result<Victim, StoreError> {
    Ok((col::camera(row, 0)?, col::event(row, 1)?, row.get(2)?))
}

pub(super) fn doomed(
    db: &Connection,
    after: Option<&ObjectKey>,
    limit: u32,
) -> Result<Vec<ObjectKey>, StoreError> {
    let home = after.map_or_else(|| blob(&[]), |key| blob(key.place().home.as_bytes()));
    let object = after.map(ToString::to_string).unwrap_or_default();
    Query::new("SELECT object FROM doomed")
        .and("WHERE (home, object) > (?, ?)", [home, object.into()])
        .and("ORDER BY home, object LIMIT ?", [number(i64::from(limit))])
        .all(db, |row| row.get::<_, String>(0)?.parse())
}

pub(super) fn buried(tx: &Connection, removed: &[ObjectKey]) -> Result<(), StoreError> {
    let mut forget = tx.prepare_cached("DELETE FROM doomed WHERE home = ? AND object = ?")?;
    for key in removed {
        forget.execute(params![key.place().home.as_bytes(), key.to_string()])?;
    }
    Ok(())
}

pub(super) fn orphans(db: &Connection, among: Vec<ObjectKey>) -> Result<Vec<ObjectKey>, StoreError> {
    let mut named = db.prepare_cached(
        "SELECT 1 FROM segments WHERE home = ? AND camera = ? AND event = ? AND object = ?",
    )?;
    let mut orphans = Vec::new();
    for key in among {
        let at = key.place();
        let ids = params![at.home.as_bytes(), at.camera.as_bytes(), at.event.as_bytes(), key.to_string()];
        if !named.exists(ids)? {
            orphans.push(key);
        }
    }
    Ok(orphans)
}
