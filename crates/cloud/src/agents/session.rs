//! An agent's session: proving its key, reading the chain, saying how it does.

use keepsight_gate::{Change, NewSession};
use keepsight_ids::{B32, B64, SessionId, UnixMillis};
use keepsight_seal::{SignPublic, Subject, verify_session};
use keepsight_store::truth::CameraRow;
use keepsight_store::{CameraState as Reported, StatusReport};
use keepsight_wire::Signed;
use keepsight_wire::agent::{AgentChain, AgentSession, CameraPut, Challenge, SessionOpen, Status, StatusAck};
use keepsight_wire::people::CameraState;

use super::challenge::NoGood;
use crate::chains::entry;
use crate::change::wrong_sign_in;
use crate::cloud::Cloud;
use crate::edge::answer::Answer;
use crate::edge::dispatch::token_hash;
use crate::edge::fault::{Fault, Outcome};
use crate::edge::input::{Json, Named};
use crate::edge::limits::allowed;
use crate::edge::routes::Call;
use crate::feed::What;
use crate::people::{After, rows, verify_name};

/// How long a session lasts; its agent opens the next before that.
const SESSION_LIFE_MS: i64 = 24 * 3600 * 1000;
/// What a page of the chain has of entries, unless a single one is larger. Agents read answers of a few MiB.
const CHAIN_PAGE_BYTES: usize = 1 << 20;
/// The most cameras in one report.
const CAMERAS_MAX: usize = 64;

pub(super) async fn challenge(call: Call) -> Outcome<Answer> {
    let cloud = &call.cloud;
    Answer::json(&Challenge { challenge: B64(cloud.challenges.make(&cloud.secret)) })
}

pub(super) async fn open(call: Call<(), (), Json<SessionOpen>>) -> Outcome<Answer> {
    let Call { cloud, permit, asker, body: Json(SessionOpen { agent, challenge, signature }), .. } = call;
    allowed(cloud.guard.unknown.has(&asker.neighbour()))?;
    cloud.fleet.take_back(&cloud.world)?;
    let row = cloud.truth.agent_key(&permit, agent).await?;
    // An agent that does not exist has a key that nobody holds: the same work, the same answer.
    let key =
        row.as_ref().map_or_else(|| cloud.secret.mac("key of no agent", &[agent.as_bytes()]), |row| row.key);
    let verified = verify_session(&SignPublic(B32(key)), &challenge.0, cloud.fingerprint, &signature);
    let proved = cloud.challenges.is_ours(&cloud.secret, &challenge.0) && verified.is_ok() && row.is_some();
    match if proved { cloud.challenges.spend(&challenge.0) } else { Err(NoGood::Spent) } {
        Ok(()) => {}
        Err(NoGood::Full) => return Err(cloud.fleet.come_back(&cloud.world)),
        Err(NoGood::Spent) => {
            allowed(cloud.guard.unknown.take(asker.neighbour()))?;
            return Err(wrong_sign_in());
        }
    }
    if let Err(wait) = cloud.guard.agent_sessions.take(agent) {
        // Its place goes to the others, and so that it is not free to ask for one again and again, its address pays.
        cloud.fleet.give_back();
        allowed(cloud.guard.unknown.take(asker.neighbour()))?;
        return Err(Fault::too_many(wait.as_secs() + 1));
    }
    let token = cloud.world.random::<32>();
    let session = NewSession {
        session: SessionId::from_bytes(cloud.world.random()),
        token: token_hash(&token),
        device: String::new(),
        life_ms: SESSION_LIFE_MS,
    };
    let changed = cloud.change(permit, Change::OpenAgentSession { agent, key, session }).await?;
    Answer::json(&AgentSession {
        token: data_encoding::BASE64URL_NOPAD.encode(&token),
        expires: changed.at.plus_ms(SESSION_LIFE_MS),
        now: UnixMillis(cloud.world.unix_millis()),
    })
}

pub(super) async fn chain(call: Call<(), Named<After>>) -> Outcome<Answer> {
    let Call { cloud, permit, query: Named(After { after }), .. } = call;
    let locked = cloud.truth.chain(&permit, after).await?;
    let receipt = cloud.plain_receipt(permit)?;
    let entries = cloud.open(locked, &receipt)?.into_iter().map(entry);
    Answer::json(&AgentChain { entries: page(entries) })
}

/// As many entries as an agent reads in one answer, at least one; it asks for those after them.
fn page(entries: impl Iterator<Item = Signed>) -> Vec<Signed> {
    let mut bytes = 0;
    let fits = |entry: &Signed| {
        let first = bytes == 0;
        bytes += entry.body.0.len();
        first || bytes <= CHAIN_PAGE_BYTES
    };
    entries.take_while(fits).collect()
}

pub(super) async fn status(call: Call<(), (), Json<Status>>) -> Outcome<Answer> {
    let Call { cloud, permit, body: Json(status), .. } = call;
    let home = permit.home().ok_or_else(Fault::not_found)?;
    let chain_seq = permit.chain_seq().ok_or_else(Fault::not_found)?;
    let agent = permit.agent();
    cloud.records.put_status(&permit, report(status)?).await?;
    let cameras = cloud.truth.cameras(&permit).await?;
    let receipt = cloud.plain_receipt(permit)?;
    let mut own = cloud.open(cameras, &receipt)?;
    own.retain(|row| Some(row.agent) == agent);
    let those = |is: fn(&CameraRow) -> bool| own.iter().filter(|row| is(row)).map(|row| row.camera).collect();
    let ack = StatusAck {
        now: UnixMillis(cloud.world.unix_millis()),
        chain_seq,
        off: those(|row| !row.on || row.removed),
        removed: those(|row| row.removed),
    };
    cloud.heard(home, agent);
    Answer::json(&ack)
}

fn report(status: Status) -> Outcome<StatusReport> {
    if status.version.len() > 64 || !status.version.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Fault::bad_request("body: version: expected at most 64 visible ASCII characters"));
    }
    if status.cameras.len() > CAMERAS_MAX {
        return Err(Fault::bad_request(format!("body: cameras: expected at most {CAMERAS_MAX}")));
    }
    // Whether an agent is away is seen here and what was removed is known here; nobody else says so.
    let state = |state| match state {
        CameraState::Recording => Some(Reported::Recording),
        CameraState::NotReached => Some(Reported::NotReached),
        CameraState::Changed => Some(Reported::Changed),
        CameraState::Off => Some(Reported::Off),
        CameraState::AgentAway | CameraState::Removed => None,
    };
    let cameras =
        status.cameras.into_iter().filter_map(|said| Some((said.camera, state(said.state)?, said.since)));
    Ok(StatusReport {
        version: status.version,
        chain_seq: status.chain_seq,
        epoch: status.epoch,
        spool_bytes: status.spool_bytes,
        cameras: cameras.collect(),
    })
}

pub(super) async fn put_camera(call: Call<(), (), Json<CameraPut>>) -> Outcome<Answer> {
    use keepsight_gate::{Action, Ask};
    let Call { cloud, permit, asker, body: Json(CameraPut { name }), .. } = call;
    let camera = permit.camera().ok_or_else(Fault::not_found)?;
    let reading = asker.ask(&cloud, Ask::of(Action::AgentReadChain)).await?;
    verify_name(&cloud, reading, &name, Subject::Camera(camera)).await?;
    cloud.change(permit, Change::PutCamera(rows::signed(&name))).await?;
    Ok(Answer::done())
}

impl Cloud {
    /// An agent was heard: its home's pages may want to know, the first time after a silence.
    fn heard(&self, home: keepsight_ids::HomeId, agent: Option<keepsight_ids::AgentId>) {
        if agent.is_some_and(|agent| self.fleet.heard(agent, &self.world)) {
            self.feed.tell(home, What::Home);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_comes_in_pages_that_an_agent_can_read() {
        let entries = |bytes: usize, n: usize| {
            (0..n).map(move |_| Signed { body: B64(vec![b' '; bytes]), signature: B64(vec![0; 64]) })
        };
        assert_eq!(page(entries(600, 40)).len(), 40);
        assert_eq!(page(entries(64 * 1024, 100)).len(), 16);
        assert_eq!(page(entries(2 << 20, 3)).len(), 1, "or it would never get on");
        assert!(page(entries(600, 0)).is_empty());
    }
}
