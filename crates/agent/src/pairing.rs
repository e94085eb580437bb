//! Joining a home: the code that the owner's browser shows, and the two messages made with it (docs/formats/home-chain.md).
//!
//! The agent believes the offer because only somebody who knows the code could have made it; and that this somebody is an owner
//! is confirmed by the home's chain, once the agent is let in.

use std::sync::Arc;

use http::Method;
use keepsight_ids::{AgentId, B32, HomeId};
use keepsight_seal::{Answer as PairAnswer, Offer, PairingCode, SignSecret};
use keepsight_wire::ErrorBody;
use keepsight_wire::agent::{PairingAnswer, PairingOffer};
use keepsight_world::World;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::AgentError;
use crate::http::{Answer, Body, Client, Dial, Request, Trust};
use crate::state::{Pairing, Seed};

/// The home that an agent was paired with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paired {
    /// The home.
    pub home: HomeId,
    /// Who this agent is there.
    pub agent: AgentId,
    /// SHA-256 of the server's certificate that is believed from now on; absent when the server serves no TLS itself.
    pub tls: Option<B32>,
}

/// A pairing begun: what to keep, and what to send once it is kept.
pub struct Begun {
    /// To be kept.
    pub pairing: Pairing,
    client: Client,
    path: String,
    answer: PairingAnswer,
}

/// Asks the server for the offer behind a code, and believes it only if the code's secret part made it.
pub async fn begin(
    server: &Url,
    code: &str,
    dial: Arc<dyn Dial>,
    world: &World,
) -> Result<Begun, AgentError> {
    let code: PairingCode = code.parse()?;
    let (key, lookup) = (code.key(), code.lookup());
    let client = Client::new(server, Trust::DangerAny, dial.clone())?;
    let answer = client.send(post(format!("/agent/v1/pairings/{lookup}/open"), Body::Empty)).await?;
    if answer.status == 404 {
        return Err(AgentError::UnknownCode);
    }
    let sealed: PairingOffer = parse(&answer)?;
    let offer = Offer::open(&key, &sealed.offer.0, &sealed.mac)?;
    offer.check_certificate(client.certificate())?;
    // From here on only the server that the offer names; one that serves no TLS itself must be vouched for by an authority.
    let client = Client::new(server, offer.tls.map_or(Trust::Public, Trust::Pinned), dial)?;
    let agent = AgentId::from_bytes(world.random());
    let secret = SignSecret::random(&mut world.rng());
    let (bytes, mac) = PairAnswer::to(&sealed.offer.0, agent, secret.public(), offer.tls).seal(&key);
    Ok(Begun {
        pairing: Pairing {
            server: server.clone(),
            tls: offer.tls,
            home: offer.home,
            genesis: offer.genesis,
            agent,
            key: Seed::of(&secret),
            offer: Some(offer),
        },
        client,
        path: format!("/agent/v1/pairings/{lookup}/answer"),
        answer: PairingAnswer { answer: keepsight_ids::B64(bytes), mac },
    })
}

impl Begun {
    /// Answers the offer: the owner's browser can now put this agent into the chain.
    pub async fn answer(&self) -> Result<Paired, AgentError> {
        let answer = self.client.send(post(self.path.clone(), Body::json(&self.answer))).await?;
        check(&answer)?;
        let Pairing { home, agent, tls, .. } = self.pairing;
        Ok(Paired { home, agent, tls })
    }
}

fn post(path: String, body: Body) -> Request {
    Request { method: Method::POST, path, token: None, body }
}

fn check(answer: &Answer) -> Result<(), AgentError> {
    if (200..300).contains(&answer.status) {
        return Ok(());
    }
    let (code, message) = match serde_json::from_slice::<ErrorBody>(&answer.body) {
        Ok(body) => (body.error.code, body.error.message),
        Err(_) => (
            "no_reason".to_owned(),
            "it gave no reason; is this the address of a Keepsight server?".to_owned(),
        ),
    };
    Err(AgentError::Refused { status: answer.status, code, message })
}

fn parse<T: serde::de::DeserializeOwned>(answer: &Answer) -> Result<T, AgentError> {
    check(answer)?;
    serde_json::from_slice(&answer.body).map_err(|_| AgentError::Refused {
        status: answer.status,
        code: "not_understood".to_owned(),
        message: "its answer is not understood; is this the address of a Keepsight server?".to_owned(),
    })
}
