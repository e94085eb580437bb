//! Pairing an agent, from the owner's side: a code to type into it, and the entry that lists its key.

use std::time::Duration;

use keepsight_ids::{AgentId, B64, HomeId};
use keepsight_seal::{Answer, Draft, Offer, PairingCode, V1};
use keepsight_wire::people::{self, ChainAppend, NewPairing};

use crate::members::append_of;
use crate::{Person, PersonError};

/// A pairing that waits for its agent.
#[derive(Debug, Clone)]
pub struct Pairing {
    /// To be typed into the agent.
    pub code: PairingCode,
    /// Into which home.
    pub home: HomeId,
    offer: Vec<u8>,
}

impl Person {
    /// Makes a code and an offer; good for 15 minutes and once.
    ///
    /// # Errors
    /// [`PersonError::Locked`], [`PersonError::Refused`], [`PersonError::Seal`].
    pub async fn start_pairing(&self, home: HomeId) -> Result<Pairing, PersonError> {
        let tls = self.api.service().await?.tls;
        let open = self.open_home(home).await?;
        let code = PairingCode::random(&mut self.world.rng());
        let sign = self.keys()?.sign.public();
        let offer = Offer { v: V1, home, genesis: open.chain.pin().genesis, slot: open.slot, sign, tls };
        let (offer, mac) = offer.seal(&code.key());
        let body = NewPairing { lookup: code.lookup(), offer: B64(offer.clone()), mac };
        // What it answers besides success is of no use here.
        let body = serde_json::to_vec(&body).expect("the API's bodies are plain JSON").into();
        self.api.tell(http::Method::POST, &format!("/homes/{home}/pairings"), Some(body)).await?;
        Ok(Pairing { code, home, offer })
    }

    /// Looks once whether the agent has answered; if so, verifies the answer and adds the agent to the home's chain.
    ///
    /// # Errors
    /// [`PersonError::Seal`] for an answer not made with the code, [`PersonError::Refused`], [`PersonError::Locked`].
    pub async fn finish_pairing(&self, pairing: &Pairing) -> Result<Option<AgentId>, PersonError> {
        let (home, lookup) = (pairing.home, pairing.code.lookup());
        let shown: people::Pairing = self.api.get(&format!("/homes/{home}/pairings/{lookup}")).await?;
        let Some(answer) = shown.answer else { return Ok(None) };
        let answer = Answer::open(&pairing.code.key(), &pairing.offer, &answer.answer.0, &answer.mac)?;
        let open = self.open_home(home).await?;
        let mut draft = Draft::after(open.chain.head(), open.slot);
        let entry = draft.add_agent(answer.agent, answer.sign).sign(&self.keys()?.sign)?;
        let body = ChainAppend { pairing: Some(lookup), ..append_of(&entry) };
        self.append(&open, entry, &body, None).await?;
        Ok(Some(answer.agent))
    }

    /// Waits until the agent has answered, looking twice a second, and finishes.
    ///
    /// # Errors
    /// As [`Person::finish_pairing`]; the server refuses a pairing that has lapsed.
    pub async fn await_pairing(&self, pairing: &Pairing) -> Result<AgentId, PersonError> {
        loop {
            if let Some(agent) = self.finish_pairing(pairing).await? {
                return Ok(agent);
            }
            self.world.sleep(Duration::from_millis(500)).await;
        }
    }
}
