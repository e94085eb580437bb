//! Pairing an agent, from the owner's side: the offer goes up, the agent's answer comes down. The server sees the code's look-up
//! part only, and can neither read nor replace what the two sides say to each other.

use keepsight_gate::Change;
use keepsight_ids::{B32, B64};
use keepsight_wire::people::{MacedAnswer, NewPairing, Pairing};

use crate::edge::answer::Answer;
use crate::edge::fault::{Fault, Outcome};
use crate::edge::input::Json;
use crate::edge::params::Lookup;
use crate::edge::routes::Call;

/// The largest offer or answer, in bytes.
pub(crate) const MESSAGE_MAX: usize = 4096;

pub(super) async fn offer(call: Call<(), (), Json<NewPairing>>) -> Outcome<Answer> {
    let Json(NewPairing { lookup, offer, mac }) = call.body;
    let lookup: Lookup = lookup
        .parse()
        .map_err(|_| Fault::bad_request("body: lookup: expected the code's first 8 characters"))?;
    let offer = message("offer", offer)?;
    let change = Change::OfferPairing { lookup: lookup.as_str().to_owned(), offer, mac: mac.0 };
    call.cloud.change(call.permit, change).await?;
    Ok(Answer::done())
}

pub(super) async fn read(call: Call<Lookup>) -> Outcome<Answer> {
    let Call { cloud, permit, params: lookup, .. } = call;
    let locked = cloud.truth.pairing(&permit, lookup.as_str()).await?;
    let receipt = cloud.plain_receipt(permit)?;
    let row = cloud.open(locked, &receipt)?.ok_or_else(Fault::not_found)?;
    let answer = row.answer.map(|(answer, mac)| MacedAnswer { answer: B64(answer), mac: B32(mac) });
    Answer::json(&Pairing { expires: row.expires, answer })
}

/// A message of either side: opaque here, and small.
pub(crate) fn message(field: &str, bytes: B64) -> Outcome<Vec<u8>> {
    if (1..=MESSAGE_MAX).contains(&bytes.0.len()) {
        return Ok(bytes.0);
    }
    Err(Fault::bad_request(format!("body: {field}: expected 1 to {MESSAGE_MAX} bytes")))
}
