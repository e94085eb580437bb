//! The operator's deeds: lockdowns, ends and states. None of them lets anybody see anything.

use keepsight_gate::{Key, OperatorDeed, Refusal, State};
use keepsight_ids::HomeId;
use rusqlite::{Params, params};

use super::{account, camera, home};
use crate::truth::commit::{Job, Stop};
use crate::truth::journal::Revoked;
use crate::truth::sql::{int, run, state_number};

/// Does it.
pub fn operator(job: &mut Job<'_>, deed: &OperatorDeed) -> Result<(), Stop> {
    job_notes(job, deed);
    match deed {
        OperatorDeed::LockEverything { on } => {
            change(job, Key::Service, "UPDATE service SET lockdown = ?1", [on])
        }
        OperatorDeed::LockHome { home, on } => home::set_lock(job, *home, *on),
        OperatorDeed::LockCamera { home, camera, on } => camera::set_lock(job, *home, *camera, *on),
        OperatorDeed::EndAllSessions => {
            let rev = int(job.rev.0);
            change(job, Key::Service, "UPDATE service SET sessions_since = ?1", [rev])
        }
        OperatorDeed::EndSessionsOf(account) => account::end_sessions(job, *account, None),
        OperatorDeed::EndRelation { home, account } => home::end_membership(job, *home, *account),
        OperatorDeed::SetAccountState(account, state) => {
            let row = params![state_number(*state), account.as_bytes()];
            change(job, Key::Account(*account), "UPDATE accounts SET state = ?1 WHERE account = ?2", row)
        }
        OperatorDeed::SetHomeState(home, state) => set_home_state(job, *home, *state),
        OperatorDeed::SetAgentState(home, agent, state) => {
            let query = "UPDATE agents SET state = ?1 WHERE home = ?2 AND agent = ?3 AND until_rev IS NULL";
            change(
                job,
                Key::Home(*home),
                query,
                params![state_number(*state), home.as_bytes(), agent.as_bytes()],
            )
        }
        _ => Err(Refusal::NotFound.into()),
    }
}

/// What of it the journal keeps; the rest notes its own.
fn job_notes(job: &mut Job<'_>, deed: &OperatorDeed) {
    let revoked = match *deed {
        OperatorDeed::LockEverything { on } => Revoked::Lockdown { on },
        OperatorDeed::EndAllSessions => Revoked::Session,
        OperatorDeed::SetAccountState(account, state) => {
            Revoked::AccountState { account, state: state_number(state) }
        }
        OperatorDeed::SetHomeState(home, state) => Revoked::HomeState { home, state: state_number(state) },
        OperatorDeed::SetAgentState(home, agent, state) => {
            Revoked::AgentState { home, agent, state: state_number(state) }
        }
        _ => return,
    };
    job.revoke(revoked);
}

fn set_home_state(job: &mut Job<'_>, home: HomeId, state: State) -> Result<(), Stop> {
    let row = params![state_number(state), home.as_bytes()];
    change(job, Key::Home(home), "UPDATE homes SET state = ?1 WHERE home = ?2", row)
}

/// Changes one row of an aggregate, which must be there.
fn change(job: &mut Job<'_>, key: Key, query: &str, row: impl Params) -> Result<(), Stop> {
    if run(job.tx, query, row)? == 0 {
        return Err(Refusal::NotFound.into());
    }
    job.touch(key);
    Ok(())
}
