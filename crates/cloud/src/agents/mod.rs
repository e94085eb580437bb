//! `/agent/v1`: what agents ask. Which home an agent writes to comes from its session alone.

mod bounds;
pub(crate) mod challenge;
mod ingest;
mod pairing;
mod session;

use http::Method;
use keepsight_gate::Action;
use keepsight_wire::agent::{
    AgentChain, AgentSession, Challenge, EventAck, PairingOffer, SegmentAck, StatusAck,
};

use crate::edge::routes::Routes;
use crate::example as stage;

/// A signed header of 64 KiB in base64url, its signature and the JSON around them.
const HEADER_BODY: usize = 96 * 1024;
/// A signed name of 64 KiB likewise.
const NAME_BODY: usize = 96 * 1024;

pub(crate) fn add(routes: &mut Routes) {
    let route = routes;
    route
        .add(Method::POST, "/agent/v1/pairings/{lookup}/open", Action::AnswerPairing, pairing::open)
        .doc("Fetches the offer behind a pairing code's look-up part.")
        .answers::<PairingOffer>()
        .example(|stage| stage.post(&format!("/agent/v1/pairings/{}/open", stage.lookup)));
    route
        .add(Method::POST, "/agent/v1/pairings/{lookup}/answer", Action::AnswerPairing, pairing::answer)
        .doc("Answers a pairing's offer, once.")
        .example(stage::pairing_answer);
    route
        .add(Method::POST, "/agent/v1/challenge", Action::OpenAgentSession, session::challenge)
        .doc("Gets something to sign, good for a minute.")
        .answers::<Challenge>()
        .example(|stage| stage.post("/agent/v1/challenge"));
    route
        .add(Method::POST, "/agent/v1/session", Action::OpenAgentSession, session::open)
        .doc("Opens a session with the agent's key.")
        .answers::<AgentSession>()
        .example(stage::agent_session);
    route
        .add(Method::GET, "/agent/v1/chain", Action::AgentReadChain, session::chain)
        .doc("Reads the home's chain, or what came after an entry.")
        .answers::<AgentChain>()
        .example(|stage| stage.get("/agent/v1/chain?after=0"));
    route
        .add(Method::POST, "/agent/v1/status", Action::AgentStatus, session::status)
        .doc("Tells how the agent and its cameras do, and hears what is new.")
        .answers::<StatusAck>()
        .example(stage::agent_status);
    route
        .add(Method::PUT, "/agent/v1/cameras/{camera}", Action::AgentPutCamera, session::put_camera)
        .doc("Adds a camera, or names it anew.")
        .limit(NAME_BODY)
        .example(stage::agent_camera);
    route
        .add(Method::PUT, "/agent/v1/cameras/{camera}/events/{event}", Action::AgentIngest, ingest::header)
        .doc("Stores an Event's signed header.")
        .limit(HEADER_BODY)
        .answers::<EventAck>()
        .example(stage::agent_header);
    route
        .add(
            Method::PUT,
            "/agent/v1/cameras/{camera}/events/{event}/segments/{kind}/{number}",
            Action::AgentIngest,
            ingest::segment,
        )
        .doc("Stores a sealed segment; acknowledged when it is durable.")
        .answers::<SegmentAck>()
        .example(stage::agent_segment);
    route
        .add(Method::PUT, "/agent/v1/cameras/{camera}/gaps/{gap}", Action::AgentReportGap, ingest::gap)
        .doc("Reports a stretch without footage, and why.")
        .example(stage::agent_gap);
}
