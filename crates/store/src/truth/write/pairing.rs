//! Pairings: an offer by an owner's browser, an answer by an agent, good for fifteen minutes and once. They decide nothing.

use keepsight_gate::{Permit, Refusal};
use rusqlite::params;

use crate::truth::commit::{Job, Stop, home_of};
use crate::truth::sql::{exists, one, run};

const LIFE_MS: i64 = 15 * 60 * 1000;
/// Offers that one home may have open at a time.
const OPEN_MAX: i64 = 16;

/// Keeps an owner's offer.
pub fn offer(
    job: &mut Job<'_>,
    permit: &Permit,
    lookup: &str,
    offer: &[u8],
    mac: &[u8; 32],
) -> Result<(), Stop> {
    let home = home_of(permit)?;
    run(job.tx, "DELETE FROM pairings WHERE lookup = ?1 AND expires <= ?2", params![lookup, job.now.0])?;
    if exists(job.tx, "SELECT 1 FROM pairings WHERE lookup = ?1", [lookup])? {
        return Err(Refusal::AlreadyThere.into());
    }
    let query = "SELECT count(*) FROM pairings WHERE home = ?1 AND expires > ?2 AND used = 0";
    let open: Option<i64> = one(job.tx, query, params![home.as_bytes(), job.now.0], |row| row.get(0))?;
    if open.unwrap_or(0) >= OPEN_MAX {
        return Err(Refusal::Limit("pairings").into());
    }
    let query =
        "INSERT INTO pairings (lookup, home, offer, mac, created, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let expires = job.now.plus_ms(LIFE_MS).0;
    run(job.tx, query, params![lookup, home.as_bytes(), offer, mac, job.now.0, expires])?;
    Ok(())
}

/// Keeps an agent's answer, the first one only.
pub fn answer(job: &mut Job<'_>, lookup: &str, answer: &[u8], mac: &[u8; 32]) -> Result<(), Stop> {
    let query = "SELECT answer IS NOT NULL FROM pairings WHERE lookup = ?1 AND expires > ?2";
    match one(job.tx, query, params![lookup, job.now.0], |row| row.get(0))? {
        None => return Err(Refusal::NotFound.into()),
        Some(true) => return Err(Refusal::AlreadyThere.into()),
        Some(false) => {}
    }
    let query = "UPDATE pairings SET answer = ?2, answer_mac = ?3 WHERE lookup = ?1";
    run(job.tx, query, params![lookup, answer, mac])?;
    Ok(())
}
