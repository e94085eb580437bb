//! Which change is written where. Each function is the whole SQL of its change.

mod account;
pub mod camera;
pub mod chain;
pub mod home;
mod operator;
mod pairing;

use keepsight_gate::{Change, Permit};

use super::commit::{Job, Stop};

pub use operator::operator;

/// Applies a principal's change. That the Permit allows it has been decided by the gate.
pub fn change(job: &mut Job<'_>, permit: &Permit, change: &Change) -> Result<(), Stop> {
    match change {
        Change::SignUp { account, ticket, session } => account::sign_up(job, account, ticket, session),
        Change::SignIn { account, login_hash, session } => {
            account::sign_in(job, *account, login_hash, session)
        }
        Change::ReplaceByRecovery { account, login_hash, password, recovery, session } => {
            account::replace_by_recovery(job, *account, login_hash, (password, recovery), session)
        }
        Change::ChangePassword { login_hash, password } => {
            account::change_password(job, permit, login_hash, password)
        }
        Change::ChangeRecovery { login_hash, recovery } => {
            account::change_recovery(job, permit, login_hash, recovery)
        }
        Change::ReplaceKeys(keys) => account::replace_keys(job, permit, keys),
        Change::EndSession(session) => account::end_session(job, permit, *session),
        Change::EndOtherSessions => account::end_other_sessions(job, permit),
        Change::CreateHome { home, genesis, slot, epoch, name, time_zone } => {
            let new = home::New { home: *home, genesis, slot: *slot, epoch, name, time_zone };
            home::create(job, permit, &new)
        }
        Change::AppendChain(append) => chain::append(job, permit, append),
        Change::AcceptInvitation { entry, sealed } => chain::accept(job, permit, entry, sealed),
        Change::LeaveHome => home::leave(job, permit),
        Change::Settings { time_zone, retention_days, retention_bytes } => {
            home::settings(job, permit, time_zone, *retention_days, *retention_bytes)
        }
        Change::NameHome(name) => home::name(job, permit, name),
        Change::LockHome { on } => home::lock(job, permit, *on),
        Change::LockCamera { on } => camera::lock(job, permit, *on),
        Change::SwitchCamera { on } => camera::switch(job, permit, *on),
        Change::NameCamera(name) => camera::name(job, permit, name),
        Change::RemoveCamera => camera::remove(job, permit),
        Change::OfferPairing { lookup, offer, mac } => pairing::offer(job, permit, lookup, offer, mac),
        Change::AnswerPairing { lookup, answer, mac } => pairing::answer(job, lookup, answer, mac),
        Change::OpenAgentSession { agent, key, session } => {
            account::open_agent_session(job, *agent, key, session)
        }
        Change::PutCamera(name) => camera::put(job, permit, name),
        // A change of a newer gate that this store does not know is not half done.
        _ => Err(keepsight_gate::Refusal::NotFound.into()),
    }
}
