//! The last words of agents about themselves and their cameras.

use keepsight_ids::CameraId;
use rusqlite::{Connection, Row, params};

use super::columns::{self as col, Query, blob, int};
use crate::StoreError;
use crate::records::asked::Asked;
use crate::records::{AgentStatus, CameraReport, CameraState, StatusReport};

/// Cameras in one report.
const CAMERAS_MAX: usize = 64;
/// Bytes of a version.
const VERSION_MAX: usize = 64;

pub(super) fn put(tx: &Connection, asked: &Asked, report: &StatusReport) -> Result<(), StoreError> {
    if report.cameras.len() > CAMERAS_MAX || report.version.len() > VERSION_MAX {
        return Err(StoreError::TooMany { what: "cameras or characters in a report" });
    }
    tx.prepare_cached("REPLACE INTO agent_status (home, agent, heard, version, chain_seq, epoch, spool_bytes) VALUES (?, ?, ?, ?, ?, ?, ?)")?
        .execute(params![
            asked.home.as_bytes(),
            asked.agent()?.as_bytes(),
            asked.now.0,
            report.version,
            int(report.chain_seq),
            report.epoch,
            int(report.spool_bytes),
        ])?;
    let own = report.cameras.iter().filter(|(camera, ..)| asked.cameras.covers(*camera));
    for (camera, state, since) in own {
        put_camera(tx, asked, *camera, (*state, since.0))?;
    }
    Ok(())
}

fn put_camera(
    tx: &Connection,
    asked: &Asked,
    camera: CameraId,
    (state, since): (CameraState, i64),
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "REPLACE INTO camera_status (home, camera, agent, state, since, heard) VALUES (?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        asked.home.as_bytes(),
        camera.as_bytes(),
        asked.agent()?.as_bytes(),
        state.number(),
        since,
        asked.now.0,
    ])?;
    Ok(())
}

pub(super) fn cameras(db: &Connection, asked: &Asked) -> Result<Vec<CameraReport>, StoreError> {
    Query::new("SELECT home, camera, agent, state, since, heard FROM camera_status")
        .within(asked)
        .and("ORDER BY camera", [])
        .all(db, read_camera)
}

fn read_camera(row: &Row<'_>) -> Result<CameraReport, StoreError> {
    Ok(CameraReport {
        home: col::home(row, 0)?,
        camera: col::camera(row, 1)?,
        agent: col::agent(row, 2)?,
        state: CameraState::from_number(row.get(3)?)
            .ok_or_else(|| StoreError::Corrupt { what: "a camera's state".to_owned() })?,
        since: col::millis(row, 4)?,
        heard: col::millis(row, 5)?,
    })
}

pub(super) fn agents(db: &Connection, asked: &Asked) -> Result<Vec<AgentStatus>, StoreError> {
    Query::new("SELECT home, agent, heard, version, chain_seq, epoch, spool_bytes FROM agent_status")
        .and("WHERE home = ? ORDER BY agent", [blob(asked.home.as_bytes())])
        .all(db, |row| {
            Ok(AgentStatus {
                home: col::home(row, 0)?,
                agent: col::agent(row, 1)?,
                heard: col::millis(row, 2)?,
                version: row.get(3)?,
                chain_seq: col::count(row, 4)?,
                epoch: row.get(5)?,
                spool_bytes: col::count(row, 6)?,
            })
        })
}
