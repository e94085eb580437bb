//! Damage on the disk, under a running server: files and rows that stand where another's should.
//!
//! It writes past every wall, as a restored backup, a swapped mount or a careless script would.

use std::path::{Path, PathBuf};

use keepsight_ids::{AccountId, CameraId, SegmentKind};
use rusqlite::{Connection, params};

use crate::household::Recorded;
use crate::stage::Stage;

/// The object files of an Event, with the kind of segment that each one's own first bytes state.
///
/// # Panics
/// When there is no such folder.
pub fn files(stage: &Stage, event: &Recorded) -> Vec<(SegmentKind, PathBuf)> {
    let folder = stage
        .objects()
        .join(event.home.to_string())
        .join(event.camera.to_string())
        .join(event.event.to_string());
    let entries = std::fs::read_dir(&folder).expect("the Event's folder is there");
    let mut files: Vec<(SegmentKind, PathBuf)> = entries
        .map(|entry| entry.expect("a folder is listed").path())
        .map(|path| (stated_kind(&path), path))
        .collect();
    files.sort();
    files
}

fn stated_kind(path: &Path) -> SegmentKind {
    let bytes = std::fs::read(path).expect("an object is read");
    SegmentKind::from_number(bytes[48]).expect("the identity's kind")
}

/// Every file below a folder.
///
/// # Panics
/// When it can't be listed.
pub fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder is listed") {
            let path = entry.expect("a folder is listed").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

/// Renames two files to each other.
///
/// # Panics
/// When that fails.
pub fn swap_files(one: &Path, other: &Path) {
    let aside = one.with_extension("aside");
    for (from, to) in [(one, &*aside), (other, one), (&*aside, other)] {
        std::fs::rename(from, to).expect("a file is renamed");
    }
}

/// Swaps the object files of two Events, kind by kind.
pub fn swap_objects(stage: &Stage, one: &Recorded, other: &Recorded) {
    for ((kind, here), (other_kind, there)) in files(stage, one).into_iter().zip(files(stage, other)) {
        assert_eq!(kind, other_kind);
        swap_files(&here, &there);
    }
}

/// Swaps columns of two Events' rows in a table that is keyed by home, camera and Event; the keys stay.
///
/// # Panics
/// When a statement fails, or a row isn't there.
pub fn swap_columns(db: &Connection, table: &str, columns: &[&str], one: &Recorded, other: &Recorded) {
    let extra = if table == "segments" { "AND a.kind = b.kind AND a.number = b.number" } else { "" };
    let (a, b) = (key(one), key(other));
    let listed = columns.join(", ");
    let aside = format!(
        "CREATE TEMP TABLE aside AS SELECT home, camera, event {}, {listed} FROM {table}
         WHERE (home = ?1 AND camera = ?2 AND event = ?3) OR (home = ?4 AND camera = ?5 AND event = ?6)",
        if table == "segments" { ", kind, number" } else { "" },
    );
    db.execute(&aside, params![a.0, a.1, a.2, b.0, b.1, b.2]).expect("rows are put aside");
    for (to, from) in [(&a, &b), (&b, &a)] {
        let assigned: Vec<String> = columns.iter().map(|column| format!("{column} = b.{column}")).collect();
        let update = format!(
            "UPDATE {table} AS a SET {} FROM temp.aside AS b WHERE a.home = ?1 AND a.camera = ?2 AND a.event = ?3
             AND b.home = ?4 AND b.camera = ?5 AND b.event = ?6 {extra}",
            assigned.join(", "),
        );
        let changed =
            db.execute(&update, params![to.0, to.1, to.2, from.0, from.1, from.2]).expect("rows are swapped");
        assert!(changed > 0, "{table} has rows of both");
    }
    db.execute("DROP TABLE temp.aside", []).expect("put aside no more");
}

/// Moves an Event's rows into another's place: the key's columns are rewritten, whatever else they say stays.
///
/// # Panics
/// When a statement fails, or a row isn't there.
pub fn move_rows(db: &Connection, table: &str, from: &Recorded, to: (&[u8], &[u8], &[u8])) {
    let (home, camera, event) = key(from);
    let update = format!(
        "UPDATE {table} SET home = ?4, camera = ?5, event = ?6 WHERE home = ?1 AND camera = ?2 AND event = ?3"
    );
    let changed =
        db.execute(&update, params![home, camera, event, to.0, to.1, to.2]).expect("rows are moved");
    assert!(changed > 0, "{table} has rows of it");
}

/// An Event's key as it stands in the tables.
pub fn key(event: &Recorded) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    (event.home.as_bytes().to_vec(), event.camera.as_bytes().to_vec(), event.event.as_bytes().to_vec())
}

/// Gives somebody rights over one camera alone, as a row of rights may say.
///
/// # Panics
/// When they have no rights.
pub fn narrow(truth: &Connection, account: AccountId, camera: CameraId) {
    let sql = "UPDATE relations SET cameras = ?2 WHERE account = ?1 AND until_rev IS NULL";
    assert_eq!(
        truth.execute(sql, params![account.as_bytes(), camera.as_bytes()]).expect("rights are narrowed"),
        1
    );
    another_history(truth);
}

/// Gives the newest revision another tag: the same number, in another history.
///
/// # Panics
/// When a statement fails.
pub fn another_history(truth: &Connection) {
    truth
        .execute_batch(
            "BEGIN IMMEDIATE; UPDATE gate_head SET tag = randomblob(16);
             UPDATE gate_log SET tag = (SELECT tag FROM gate_head) WHERE rev = (SELECT rev FROM gate_head); COMMIT;",
        )
        .expect("the tag is replaced");
}
