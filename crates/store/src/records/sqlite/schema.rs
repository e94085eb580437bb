//! The tables of Records, home first in every key. A migration is never changed after it was released.

use rusqlite::Connection;

use crate::StoreError;
use crate::sqlite::{Migration, Schema};

/// "ksRe".
pub(super) const SCHEMA: Schema =
    Schema { name: "records", application_id: 0x6b73_5265, migrations: &[FIRST, ARRIVALS, IDENTITY, KEPT] };

const ARRIVALS: Migration = Migration {
    name: "How many Events came today",
    sql: "
-- Of the day of UTC (since 1970) that stands beside it; of any other day none came.
ALTER TABLE usage ADD COLUMN day INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN arrived INTEGER NOT NULL DEFAULT 0;
",
};

const FIRST: Migration = Migration {
    name: "Events, segments, gaps, the ledger, status",
    sql: "
-- Headers may be long, so that this table keeps its rowid.
CREATE TABLE events (
    home BLOB NOT NULL, camera BLOB NOT NULL, event BLOB NOT NULL,
    agent BLOB NOT NULL,
    header BLOB NOT NULL, signature BLOB NOT NULL,
    captured INTEGER NOT NULL, clock_known INTEGER NOT NULL,
    received INTEGER NOT NULL, filed INTEGER NOT NULL,
    complete INTEGER NOT NULL DEFAULT 0, kept INTEGER NOT NULL DEFAULT 0,
    segments INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL,
    store_id INTEGER NOT NULL DEFAULT 0, expires_at INTEGER,
    PRIMARY KEY (home, camera, event)
) STRICT;
CREATE INDEX events_by_time ON events (home, filed, camera, event);
CREATE INDEX events_by_camera ON events (home, camera, filed, event);
CREATE INDEX events_expiring ON events (home, expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE segments (
    home BLOB NOT NULL, camera BLOB NOT NULL, event BLOB NOT NULL,
    kind INTEGER NOT NULL, number INTEGER NOT NULL,
    sha256 BLOB NOT NULL, bytes INTEGER NOT NULL, object TEXT NOT NULL,
    PRIMARY KEY (home, camera, event, kind, number)
) STRICT, WITHOUT ROWID;

-- For ever: what was deleted stays deleted, whoever sends it again.
CREATE TABLE tombstones (
    home BLOB NOT NULL, camera BLOB NOT NULL, event BLOB NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (home, camera, event)
) STRICT, WITHOUT ROWID;

-- Objects whose rows are gone and whose bytes are yet to go.
CREATE TABLE doomed (
    home BLOB NOT NULL, object TEXT NOT NULL,
    PRIMARY KEY (home, object)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage (
    home BLOB NOT NULL, camera BLOB NOT NULL,
    bytes INTEGER NOT NULL, events INTEGER NOT NULL,
    PRIMARY KEY (home, camera)
) STRICT, WITHOUT ROWID;

CREATE TABLE gaps (
    home BLOB NOT NULL, camera BLOB NOT NULL, gap BLOB NOT NULL,
    agent BLOB NOT NULL, from_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, reason INTEGER NOT NULL,
    PRIMARY KEY (home, camera, gap)
) STRICT, WITHOUT ROWID;
CREATE INDEX gaps_by_time ON gaps (home, until_ms);

CREATE TABLE seen (
    home BLOB NOT NULL, account BLOB NOT NULL, camera BLOB NOT NULL, event BLOB NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (home, account, camera, event)
) STRICT, WITHOUT ROWID;

-- One sequence per home. The canonical bytes are the record; the columns beside them only find it.
CREATE TABLE ledger (
    home BLOB NOT NULL, number INTEGER NOT NULL,
    viewer BLOB NOT NULL, camera BLOB, event BLOB, at INTEGER NOT NULL,
    bytes BLOB NOT NULL, sha256 BLOB NOT NULL,
    PRIMARY KEY (home, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_by_event ON ledger (home, camera, event, number);
CREATE INDEX ledger_by_camera ON ledger (home, camera, number);
CREATE INDEX ledger_by_time ON ledger (home, at);

CREATE TABLE agent_status (
    home BLOB NOT NULL, agent BLOB NOT NULL,
    heard INTEGER NOT NULL, version TEXT NOT NULL, chain_seq INTEGER NOT NULL, epoch INTEGER NOT NULL,
    spool_bytes INTEGER NOT NULL,
    PRIMARY KEY (home, agent)
) STRICT, WITHOUT ROWID;

CREATE TABLE camera_status (
    home BLOB NOT NULL, camera BLOB NOT NULL,
    agent BLOB NOT NULL, state INTEGER NOT NULL, since INTEGER NOT NULL, heard INTEGER NOT NULL,
    PRIMARY KEY (home, camera)
) STRICT, WITHOUT ROWID;
",
};

const IDENTITY: Migration = Migration {
    name: "which Records these are",
    sql: "
CREATE TABLE identity (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id BLOB NOT NULL CHECK (length(id) = 16)
) STRICT;
",
};

const KEPT: Migration = Migration {
    name: "What kept Events take",
    sql: "CREATE INDEX events_kept ON events (home, bytes) WHERE kept;",
};

/// Which Records these are; from now on `drawn`, if that is not decided yet.
pub(super) fn identity(tx: &Connection, drawn: [u8; 16]) -> Result<[u8; 16], StoreError> {
    tx.execute("INSERT OR IGNORE INTO identity VALUES (1, ?1)", [drawn])?;
    Ok(tx.query_row("SELECT id FROM identity", [], |row| row.get(0))?)
}
