//! Truth's tables on SQLite, from the first migration on.
//!
//! Ids and hashes are blobs of fixed length, times are milliseconds, rights and states are numbers. Relations begin with the
//! home. A row of rights is never changed: it ends (`until_rev`) and another begins.

use crate::sqlite::{Migration, Schema};

/// Every migration.
pub const SCHEMA: Schema = Schema {
    name: "truth",
    application_id: 0x4b53_7401,
    migrations: &[FIRST, KEYS_REPLACED, RESTORED, TO_JOURNAL],
};

const FIRST: Migration = Migration {
    name: "accounts, homes, relations and the gate's log",
    sql: "
CREATE TABLE gate_head (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  rev INTEGER NOT NULL,
  tag BLOB NOT NULL CHECK (length(tag) = 16)
) STRICT;

CREATE TABLE gate_log (
  rev INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  id BLOB NOT NULL,
  tag BLOB NOT NULL CHECK (length(tag) = 16),
  at INTEGER NOT NULL,
  PRIMARY KEY (rev, kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE service (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  lockdown INTEGER NOT NULL DEFAULT 0,
  sessions_since INTEGER NOT NULL DEFAULT 0,
  secret BLOB,
  setup_token BLOB
) STRICT;

CREATE TABLE orgs (
  org BLOB PRIMARY KEY CHECK (length(org) = 16),
  name TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
  account BLOB PRIMARY KEY CHECK (length(account) = 16),
  name TEXT NOT NULL,
  name_key TEXT NOT NULL UNIQUE,
  salt BLOB NOT NULL,
  iterations INTEGER NOT NULL,
  login_hash BLOB NOT NULL CHECK (length(login_hash) = 32),
  wrapped BLOB NOT NULL,
  recovery_login_hash BLOB NOT NULL CHECK (length(recovery_login_hash) = 32),
  recovery_wrapped BLOB NOT NULL,
  kem BLOB NOT NULL CHECK (length(kem) = 32),
  sign BLOB NOT NULL CHECK (length(sign) = 32),
  state INTEGER NOT NULL DEFAULT 0,
  touched INTEGER NOT NULL DEFAULT 0,
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  token BLOB PRIMARY KEY CHECK (length(token) = 32),
  session BLOB NOT NULL UNIQUE CHECK (length(session) = 16),
  account BLOB,
  home BLOB,
  agent BLOB,
  device TEXT NOT NULL,
  created INTEGER NOT NULL,
  used INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  since_rev INTEGER NOT NULL,
  ended_rev INTEGER,
  CHECK ((account IS NULL) <> (agent IS NULL) AND (agent IS NULL) = (home IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_account ON sessions (account) WHERE ended_rev IS NULL;
CREATE INDEX sessions_of_agent ON sessions (home, agent) WHERE ended_rev IS NULL;

CREATE TABLE homes (
  home BLOB PRIMARY KEY CHECK (length(home) = 16),
  org BLOB NOT NULL REFERENCES orgs (org),
  state INTEGER NOT NULL DEFAULT 0,
  lockdown INTEGER NOT NULL DEFAULT 0,
  rotation_due INTEGER NOT NULL DEFAULT 0,
  name_body BLOB NOT NULL,
  name_signature BLOB NOT NULL,
  time_zone TEXT NOT NULL,
  retention_days INTEGER NOT NULL,
  retention_bytes INTEGER NOT NULL,
  bytes_max INTEGER NOT NULL,
  cameras_max INTEGER NOT NULL,
  members_max INTEGER NOT NULL,
  events_a_day_max INTEGER NOT NULL,
  streams_max INTEGER NOT NULL,
  chain_seq INTEGER NOT NULL,
  chain_hash BLOB NOT NULL CHECK (length(chain_hash) = 32),
  epoch INTEGER NOT NULL,
  touched INTEGER NOT NULL,
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE relations (
  home BLOB NOT NULL REFERENCES homes (home),
  slot BLOB NOT NULL CHECK (length(slot) = 16),
  since_rev INTEGER NOT NULL,
  account BLOB NOT NULL REFERENCES accounts (account),
  rights INTEGER NOT NULL,
  cameras BLOB,
  from_at INTEGER NOT NULL,
  until_at INTEGER,
  since_at INTEGER NOT NULL,
  until_rev INTEGER,
  PRIMARY KEY (home, slot, since_rev)
) STRICT, WITHOUT ROWID;
CREATE INDEX relations_of_account ON relations (account) WHERE until_rev IS NULL;

CREATE TABLE chain (
  home BLOB NOT NULL REFERENCES homes (home),
  seq INTEGER NOT NULL,
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  body BLOB NOT NULL,
  signature BLOB NOT NULL,
  rev INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (home, seq)
) STRICT;

CREATE TABLE epochs (
  home BLOB NOT NULL REFERENCES homes (home),
  epoch INTEGER NOT NULL,
  previous_enc BLOB,
  previous_ct BLOB,
  PRIMARY KEY (home, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE epoch_secrets (
  home BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  slot BLOB NOT NULL,
  enc BLOB NOT NULL,
  ct BLOB NOT NULL,
  PRIMARY KEY (home, epoch, slot),
  FOREIGN KEY (home, epoch) REFERENCES epochs (home, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE invitations (
  home BLOB NOT NULL REFERENCES homes (home),
  slot BLOB NOT NULL,
  token BLOB NOT NULL UNIQUE CHECK (length(token) = 32),
  rights INTEGER NOT NULL,
  cameras BLOB,
  from_at INTEGER NOT NULL,
  until_at INTEGER,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  since_rev INTEGER NOT NULL,
  ended_rev INTEGER,
  PRIMARY KEY (home, slot)
) STRICT, WITHOUT ROWID;

CREATE TABLE pairings (
  lookup TEXT PRIMARY KEY,
  home BLOB NOT NULL REFERENCES homes (home),
  offer BLOB NOT NULL,
  mac BLOB NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  answer BLOB,
  answer_mac BLOB,
  used INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE agents (
  home BLOB NOT NULL REFERENCES homes (home),
  agent BLOB NOT NULL UNIQUE CHECK (length(agent) = 16),
  key BLOB NOT NULL CHECK (length(key) = 32),
  state INTEGER NOT NULL DEFAULT 0,
  since_at INTEGER NOT NULL,
  since_rev INTEGER NOT NULL,
  until_rev INTEGER,
  PRIMARY KEY (home, agent)
) STRICT, WITHOUT ROWID;

CREATE TABLE cameras (
  home BLOB NOT NULL REFERENCES homes (home),
  camera BLOB NOT NULL CHECK (length(camera) = 16),
  agent BLOB NOT NULL,
  name_body BLOB NOT NULL,
  name_signature BLOB NOT NULL,
  is_on INTEGER NOT NULL DEFAULT 1,
  lockdown INTEGER NOT NULL DEFAULT 0,
  created INTEGER NOT NULL,
  removed_rev INTEGER,
  PRIMARY KEY (home, camera)
) STRICT, WITHOUT ROWID;

INSERT INTO service (one) VALUES (1);
INSERT INTO orgs VALUES (zeroblob(16), 'default');
",
};

const KEYS_REPLACED: Migration = Migration {
    name: "when an account's keys were replaced",
    sql: "ALTER TABLE accounts ADD COLUMN keys_replaced INTEGER;",
};

const RESTORED: Migration = Migration {
    name: "when a home came back from a backup",
    sql: "ALTER TABLE homes ADD COLUMN restored INTEGER;",
};

const TO_JOURNAL: Migration = Migration {
    name: "revocations that the journal is yet to be told of",
    sql: "CREATE TABLE revocations_to_journal (rev INTEGER PRIMARY KEY, line BLOB NOT NULL) STRICT;",
};
