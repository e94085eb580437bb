//! Pairing, from the agent's side: nobody is signed in yet, and the code's look-up part is all that is shown.

use keepsight_gate::Change;
use keepsight_ids::{B32, B64};
use keepsight_wire::agent::{PairingAnswer, PairingOffer};

use crate::edge::answer::Answer;
use crate::edge::fault::{Fault, Outcome};
use crate::edge::input::Json;
use crate::edge::limits::allowed;
use crate::edge::params::Lookup;
use crate::edge::routes::Call;
use crate::people::message;

pub(super) async fn open(call: Call<Lookup>) -> Outcome<Answer> {
    let cloud = &call.cloud;
    allowed(cloud.guard.look_up.take(call.asker.neighbour()))?;
    let row =
        cloud.truth.pairing_offer(&call.permit, call.params.as_str()).await?.ok_or_else(Fault::not_found)?;
    Answer::json(&PairingOffer { offer: B64(row.offer), mac: B32(row.mac) })
}

pub(super) async fn answer(call: Call<Lookup, (), Json<PairingAnswer>>) -> Outcome<Answer> {
    let cloud = &call.cloud;
    allowed(cloud.guard.look_up.take(call.asker.neighbour()))?;
    let Json(PairingAnswer { answer, mac }) = call.body;
    let answer = message("answer", answer)?;
    let lookup = call.params.as_str().to_owned();
    cloud.change(call.permit, Change::AnswerPairing { lookup, answer, mac: mac.0 }).await?;
    Ok(Answer::done())
}
