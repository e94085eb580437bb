//! Cameras of a home. Which there are, whose, and whether they are on is decided with; their names are not.

use keepsight_gate::{Key, Permit, Refusal, SignedRow};
use keepsight_ids::{AgentId, CameraId, HomeId};
use rusqlite::params;

use crate::truth::commit::{Job, Stop, home_of};
use crate::truth::journal::Revoked;
use crate::truth::sql::{int, one, run};

/// Cameras that one home may ever have had.
const EVER_MAX: i64 = 1000;

fn of(permit: &Permit) -> Result<(HomeId, CameraId), Stop> {
    Ok((home_of(permit)?, permit.camera().ok_or(Refusal::NotFound)?))
}

/// Adds the agent's camera, or names it anew. One that was removed stays removed.
pub fn put(job: &mut Job<'_>, permit: &Permit, name: &SignedRow) -> Result<(), Stop> {
    const FIND: &str = "SELECT agent, removed_rev IS NOT NULL FROM cameras WHERE home = ?1 AND camera = ?2";
    let (home, camera) = of(permit)?;
    let agent = permit.agent().ok_or(Refusal::NotFound)?;
    let found: Option<([u8; 16], bool)> =
        one(job.tx, FIND, params![home.as_bytes(), camera.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    match found {
        None => add(job, home, camera, agent, name),
        Some((_, true)) => Err(Refusal::Gone.into()),
        Some((owner, false)) if owner != *agent.as_bytes() => Err(Refusal::NotFound.into()),
        Some(_) => set_name(job, home, camera, name).map(|_| ()),
    }
}

fn add(
    job: &mut Job<'_>,
    home: HomeId,
    camera: CameraId,
    agent: AgentId,
    name: &SignedRow,
) -> Result<(), Stop> {
    // Removed ones stay, so that their Events can be found; a home that takes cameras in and out without end comes to its own.
    const ROOM: &str =
        "SELECT cameras_max > (SELECT count(*) FROM cameras WHERE home = ?1 AND removed_rev IS NULL)
            AND ?2 > (SELECT count(*) FROM cameras WHERE home = ?1)
        FROM homes WHERE home = ?1";
    const INSERT: &str = "INSERT INTO cameras (home, camera, agent, name_body, name_signature, created)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    if one(job.tx, ROOM, params![home.as_bytes(), EVER_MAX], |row| row.get(0))? != Some(true) {
        return Err(Refusal::Limit("cameras").into());
    }
    let row =
        params![home.as_bytes(), camera.as_bytes(), agent.as_bytes(), name.body, name.signature, job.now.0];
    run(job.tx, INSERT, row)?;
    job.touch(Key::Home(home));
    Ok(())
}

/// A new sealed name, also of one that was removed: its Events are still shown under it. Whether the camera is there.
pub fn set_name(job: &Job<'_>, home: HomeId, camera: CameraId, name: &SignedRow) -> Result<bool, Stop> {
    let query = "UPDATE cameras SET name_body = ?3, name_signature = ?4 WHERE home = ?1 AND camera = ?2";
    Ok(run(job.tx, query, params![home.as_bytes(), camera.as_bytes(), name.body, name.signature])? == 1)
}

/// A new sealed name. Decides nothing: no revision.
pub fn name(job: &mut Job<'_>, permit: &Permit, name: &SignedRow) -> Result<(), Stop> {
    let (home, camera) = of(permit)?;
    if set_name(job, home, camera, name)? { Ok(()) } else { Err(Refusal::NotFound.into()) }
}

/// Stops or allows viewing of it.
pub fn lock(job: &mut Job<'_>, permit: &Permit, on: bool) -> Result<(), Stop> {
    let (home, camera) = of(permit)?;
    set_lock(job, home, camera, on)
}

/// Stops or allows viewing of it.
pub fn set_lock(job: &mut Job<'_>, home: HomeId, camera: CameraId, on: bool) -> Result<(), Stop> {
    let query = "UPDATE cameras SET lockdown = ?3 WHERE home = ?1 AND camera = ?2";
    touch_if(job, home, run_on(job, query, home, camera, i64::from(on))?)?;
    job.revoke(Revoked::CameraLockdown { home, camera, on });
    Ok(())
}

/// Switches it on or off.
pub fn switch(job: &mut Job<'_>, permit: &Permit, on: bool) -> Result<(), Stop> {
    let (home, camera) = of(permit)?;
    let query = "UPDATE cameras SET is_on = ?3 WHERE home = ?1 AND camera = ?2 AND removed_rev IS NULL";
    touch_if(job, home, run_on(job, query, home, camera, i64::from(on))?)
}

/// Takes it out of the home, for ever. Its row stays: those who may see its Events still may.
pub fn remove(job: &mut Job<'_>, permit: &Permit) -> Result<(), Stop> {
    let (home, camera) = of(permit)?;
    set_removed(job, home, camera)
}

/// Takes it out of the home.
pub fn set_removed(job: &mut Job<'_>, home: HomeId, camera: CameraId) -> Result<(), Stop> {
    let query = "UPDATE cameras SET removed_rev = ?3 WHERE home = ?1 AND camera = ?2 AND removed_rev IS NULL";
    touch_if(job, home, run_on(job, query, home, camera, int(job.rev.0))?)?;
    job.revoke(Revoked::Camera { home, camera });
    Ok(())
}

fn run_on(job: &Job<'_>, query: &str, home: HomeId, camera: CameraId, value: i64) -> Result<bool, Stop> {
    Ok(run(job.tx, query, params![home.as_bytes(), camera.as_bytes(), value])? == 1)
}

fn touch_if(job: &mut Job<'_>, home: HomeId, found: bool) -> Result<(), Stop> {
    if !found {
        return Err(Refusal::NotFound.into());
    }
    job.touch(Key::Home(home));
    Ok(())
}
