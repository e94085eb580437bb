//! How typed values stand in Truth's columns, and back. What does not fit is damaged data, never a guess.

use std::collections::BTreeSet;

use keepsight_gate::{Key, Rights, SealedRow, SignedRow, State, TokenHash};
use keepsight_ids::{AccountId, CameraId, HomeId, Revision, UnixMillis};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Params, Row};

/// Prepared once per connection.
pub fn run(tx: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
    tx.prepare_cached(sql)?.execute(params)
}

/// The first row, if there is one.
pub fn one<T>(
    tx: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    tx.prepare_cached(sql)?.query_row(params, read).optional()
}

/// Every row.
pub fn all<T>(
    tx: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    tx.prepare_cached(sql)?.query_map(params, read)?.collect()
}

/// Whether the query finds a row.
pub fn exists(tx: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<bool> {
    tx.prepare_cached(sql)?.exists(params)
}

fn damaged(column: usize, what: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, what.into())
}

/// A counter that is never negative.
pub fn counter(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| damaged(0, "a counter below zero"))
}

/// A small counter that is never negative.
pub fn small(row: &Row<'_>, column: &str) -> rusqlite::Result<u32> {
    let value: i64 = row.get(column)?;
    u32::try_from(value).map_err(|_| damaged(0, "a counter out of range"))
}

/// As SQLite keeps counters.
pub fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A revision.
pub fn revision(row: &Row<'_>, column: &str) -> rusqlite::Result<Revision> {
    counter(row, column).map(Revision)
}

/// A time.
pub fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<UnixMillis> {
    row.get(column).map(UnixMillis)
}

/// A time that may be absent.
pub fn time_or_none(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<UnixMillis>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(UnixMillis))
}

/// Rights; an unknown bit makes them empty.
pub fn rights(row: &Row<'_>, column: &str) -> rusqlite::Result<Rights> {
    let bits: i64 = row.get(column)?;
    Ok(u8::try_from(bits).map_or(Rights::NONE, Rights::from_bits))
}

/// A state; what is not known counts as suspended.
pub fn state(row: &Row<'_>, column: &str) -> rusqlite::Result<State> {
    row.get(column).map(state_of)
}

/// The state of a number; what is not known counts as suspended.
pub const fn state_of(number: i64) -> State {
    match number {
        0 => State::Active,
        2 => State::Closing,
        _ => State::Suspended,
    }
}

/// A state as a number.
pub const fn state_number(state: State) -> i64 {
    match state {
        State::Active => 0,
        State::Suspended => 1,
        State::Closing => 2,
    }
}

/// A set of cameras: their ids one after the other, or NULL for all.
pub fn cameras(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<BTreeSet<CameraId>>> {
    let Some(bytes) = row.get::<_, Option<Vec<u8>>>(column)? else { return Ok(None) };
    let (ids, rest) = bytes.as_chunks::<16>();
    if !rest.is_empty() {
        return Err(damaged(0, "a set of cameras of odd length"));
    }
    Ok(Some(ids.iter().map(|id| CameraId::from_bytes(*id)).collect()))
}

/// A set of cameras as a blob.
pub fn camera_bytes(cameras: Option<&BTreeSet<CameraId>>) -> Option<Vec<u8>> {
    cameras.map(|set| set.iter().flat_map(|id| *id.as_bytes()).collect())
}

/// A signed document in two columns.
pub fn signed(row: &Row<'_>, body: &str, signature: &str) -> rusqlite::Result<SignedRow> {
    Ok(SignedRow { body: row.get(body)?, signature: row.get(signature)? })
}

/// Something sealed in two columns that are both there or both NULL.
pub fn sealed(row: &Row<'_>, enc: &str, ct: &str) -> rusqlite::Result<Option<SealedRow>> {
    let (enc, ct): (Option<[u8; 32]>, Option<Vec<u8>>) = (row.get(enc)?, row.get(ct)?);
    Ok(enc.zip(ct).map(|(enc, ct)| SealedRow { enc, ct }))
}

/// How the log names an aggregate.
pub fn key_columns(key: &Key) -> (i64, &[u8]) {
    match key {
        Key::Service => (0, &[]),
        Key::Account(id) => (1, id.as_bytes()),
        Key::Home(id) => (2, id.as_bytes()),
        Key::Session(token) => (3, token.as_bytes()),
    }
}

/// The aggregate that the log names. One of a kind unknown here can't be dropped from a replica: damaged data.
pub fn key(kind: i64, id: &[u8]) -> rusqlite::Result<Key> {
    let short = || id.try_into().map_err(|_| damaged(1, "an aggregate's id of another length"));
    match kind {
        0 => Ok(Key::Service),
        1 => Ok(Key::Account(AccountId::from_bytes(short()?))),
        2 => Ok(Key::Home(HomeId::from_bytes(short()?))),
        3 => {
            let token = id.try_into().map_err(|_| damaged(1, "a token's hash of another length"))?;
            Ok(Key::Session(TokenHash::from_bytes(token)))
        }
        _ => Err(damaged(0, "an aggregate of unknown kind")),
    }
}
