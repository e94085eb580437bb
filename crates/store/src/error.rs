//! What can go wrong in a store, named by what happened, so that the edge can choose an answer without reading texts.

use std::sync::Arc;

use keepsight_ids::{CameraId, EventId, HomeId, SegmentKind, SegmentNo};

/// A failure of Truth, Records or the objects. Cheap to clone: a failed COMMIT fails every job of its batch.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk is full, or below the reserve that ingest must leave free.
    #[error("no space left: {what}")]
    NoSpace {
        /// What ran out.
        what: &'static str,
    },
    /// Another process held the database longer than the busy timeout.
    #[error("the database was locked by another process during {transaction}")]
    Busy {
        /// The transaction's name.
        transaction: &'static str,
    },
    /// The queue in front of the database is full: shed, and try later.
    #[error("too much waits in front of the database; {transaction} was turned away")]
    Overloaded {
        /// The transaction's name.
        transaction: &'static str,
    },
    /// The file is damaged, is no database, or holds what this program could not have written.
    #[error("damaged data: {what}")]
    Corrupt {
        /// What does not fit.
        what: String,
    },
    /// The file was written by a newer program.
    #[error(
        "{store} has schema {found}, and this program knows {known}: start the newer program, or restore a backup"
    )]
    NewerSchema {
        /// Which database.
        store: &'static str,
        /// The number in the file.
        found: u32,
        /// The highest number that this program knows.
        known: u32,
    },
    /// The file is another program's database, or another of ours.
    #[error("the file is not the {store} database")]
    WrongFile {
        /// Which database was expected.
        store: &'static str,
    },
    /// The objects belong to another Records database than the one that is open.
    #[error(
        "the objects belong to another records database: records.db was lost, moved or replaced. Nothing was deleted. Put the \
         right records.db back. If this is the right one (an older backup), remove the file `records` from the objects' folder; \
         if the objects are to be given up, move their folder away"
    )]
    ForeignRecords,
    /// The job never ran, or panicked: whether it was done is not in doubt, it was not.
    #[error("{transaction} did not run to its end")]
    Lost {
        /// The transaction's name.
        transaction: &'static str,
    },
    /// The Event was deleted before; a tombstone stands in its place for ever.
    #[error("{event} of {camera} in {home} was deleted")]
    Gone {
        /// Its home.
        home: HomeId,
        /// Its camera.
        camera: CameraId,
        /// Which.
        event: EventId,
    },
    /// No such Event (or camera, or gap) in the Permit's home.
    #[error("not found in the home")]
    NotFound,
    /// An Event's header is there already with other bytes.
    #[error("{event} of {camera} in {home} is stored with another header")]
    HeaderConflict {
        /// Its home.
        home: HomeId,
        /// Its camera.
        camera: CameraId,
        /// Which.
        event: EventId,
    },
    /// A segment is there already with other bytes.
    #[error("segment {kind} {number} of {event} of {camera} in {home} is stored with other bytes")]
    SegmentConflict {
        /// Its home.
        home: HomeId,
        /// Its camera.
        camera: CameraId,
        /// Its Event.
        event: EventId,
        /// What it holds.
        kind: SegmentKind,
        /// Its number among its kind.
        number: SegmentNo,
    },
    /// A header, object or row names another home, camera, Event, kind or number than the Permit and the path do.
    #[error("what was handed in belongs elsewhere: {what}")]
    Misplaced {
        /// What differs.
        what: &'static str,
    },
    /// The object was written too long ago to be committed; the collector may be about to take it.
    #[error("the object is too old to be committed: send it again")]
    StaleObject,
    /// A bound of the home or of the format is exceeded.
    #[error("too much: {what}")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
    },
    /// The home's Events take all the bytes that they may.
    #[error("{home} has no room left")]
    HomeFull {
        /// Which home.
        home: HomeId,
    },
    /// As many Events of the home arrived today as may on one day.
    #[error("{home} has sent as many Events today as it may")]
    EventsOfTheDay {
        /// Which home.
        home: HomeId,
    },
    /// The Permit does not allow this, or is too old.
    #[error("the Permit does not cover this: {what}")]
    NotPermitted {
        /// What was asked.
        what: &'static str,
    },
    /// Any other failure of the database.
    #[error("{transaction}: {source}")]
    Sql {
        /// The transaction's name.
        transaction: &'static str,
        /// What SQLite said.
        source: Arc<rusqlite::Error>,
    },
    /// Any other failure of the object store or of the file system.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// What it said.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// Sorts what SQLite said into the variants that callers tell apart.
    pub fn sql(transaction: &'static str, error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::NoSpace { what: "the database's disk" },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { transaction },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt { what: format!("{transaction}: {error}") }
            }
            _ => Self::Sql { transaction, source: Arc::new(error) },
        }
    }

    /// Sorts a file system's failure.
    pub fn io(what: &'static str, error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::NoSpace { what },
            _ => Self::Io { what, source: Arc::new(error) },
        }
    }
}

/// Lets `?` carry a statement's failure out of a transaction's body.
impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::sql("a statement", error)
    }
}
