//! Between columns and types, and statements whose conditions depend on what was asked.

use keepsight_gate::CameraScope;
use keepsight_ids::{AgentId, B32, CameraId, EventId, GapId, HomeId, UnixMillis};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::Asked;
use crate::StoreError;

/// A count or size as SQLite's integer.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A count or size from SQLite's integer: only this program writes them, so that a negative one is damage.
pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

pub(super) fn millis(row: &Row<'_>, column: usize) -> rusqlite::Result<UnixMillis> {
    row.get(column).map(UnixMillis)
}

macro_rules! ids {
    ($($function:ident: $name:ident),*) => {
        $(pub(super) fn $function(row: &Row<'_>, column: usize) -> rusqlite::Result<$name> {
            row.get(column).map($name::from_bytes)
        })*
    };
}

ids!(home: HomeId, camera: CameraId, event: EventId, agent: AgentId, gap: GapId);

pub(super) fn hash(row: &Row<'_>, column: usize) -> rusqlite::Result<B32> {
    row.get(column).map(B32)
}

/// A statement that grows with its conditions; parameters stand in the order of their question marks.
pub(super) struct Query {
    sql: String,
    values: Vec<Value>,
}

impl Query {
    pub(super) fn new(sql: &str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new() }
    }

    /// Appends text with as many question marks as values.
    pub(super) fn and<const N: usize>(mut self, sql: &str, values: [Value; N]) -> Self {
        debug_assert_eq!(sql.matches('?').count(), N, "{sql}");
        self.sql.push(' ');
        self.sql.push_str(sql);
        self.values.extend(values);
        self
    }

    /// Only the Permit's home, its camera if it names one, and the cameras that it covers.
    pub(super) fn within(self, asked: &Asked) -> Self {
        let query = self.and("WHERE home = ?", [blob(asked.home.as_bytes())]);
        let query = match asked.camera {
            Some(camera) => query.and("AND camera = ?", [blob(camera.as_bytes())]),
            None => query,
        };
        query.covered(&asked.cameras)
    }

    /// Only the Permit's home and the cameras that it covers, whichever camera it names.
    pub(super) fn near(self, asked: &Asked) -> Self {
        self.and("WHERE home = ?", [blob(asked.home.as_bytes())]).covered(&asked.cameras)
    }

    fn covered(self, cameras: &CameraScope) -> Self {
        self.among("camera", cameras, "")
    }

    /// Only what is of no camera in particular, or of one of these.
    pub(super) fn covered_or_none(self, cameras: &CameraScope) -> Self {
        self.among("(camera IS NULL OR camera", cameras, ")")
    }

    fn among(mut self, before: &str, cameras: &CameraScope, after: &str) -> Self {
        if let CameraScope::Some(cameras) = cameras {
            let marks = vec!["?"; cameras.len()].join(", ");
            self.sql.push_str(&format!(" AND {before} IN ({marks}){after}"));
            self.values.extend(cameras.iter().map(|camera| blob(camera.as_bytes())));
        }
        self
    }

    pub(super) fn all<T>(
        &self,
        db: &Connection,
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = db.prepare_cached(&self.sql)?;
        let mut rows = statement.query(params_from_iter(&self.values))?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(read(row)?);
        }
        Ok(all)
    }

    pub(super) fn one<T>(
        &self,
        db: &Connection,
        read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.all(db, read)?.pop())
    }
}

pub(super) fn blob(bytes: &[u8]) -> Value {
    Value::Blob(bytes.to_vec())
}

pub(super) const fn number(number: i64) -> Value {
    Value::Integer(number)
}
