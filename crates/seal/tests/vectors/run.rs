//! Runs one case through the crate's public API. The JSON keys are those of vectors/README.md.

use keepsight_ids::{B32, B64, EpochNo, HomeId};
use keepsight_seal::*;
use keepsight_wire::Signed;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::fixture::{self, b64};

type Outcome = Result<Value, SealError>;

pub fn run(file: &str, operation: &str, input: &Value) -> Outcome {
    match (file, operation) {
        ("hpke", _) => fixture::hpke_run(operation, input),
        ("primitives", _) => fixture::primitive_run(operation, input),
        ("password", _) => password(input),
        ("account", "unwrap") => account(input),
        ("account", "hand_over") => hand_over(input),
        ("account", "read_hand_over") => read_hand_over(input),
        ("recovery", _) => recovery(input),
        ("invitation", "read") => invitation(input),
        ("invitation", "enter") => entering(input),
        ("pairing", "read_code") => pairing_code(input),
        ("pairing", "open_offer") => open_offer(input),
        ("pairing", "open_answer") => open_answer(input),
        ("chain", _) => chain(input),
        ("epochs", _) => epochs(input),
        ("header", _) => header(operation, input),
        ("segment", _) => fixture::segment_run(input),
        ("content", "card") => Card::parse(text(input, "document").as_bytes()).map(|_| json!({})),
        ("content", "trailer") => Trailer::parse(text(input, "document").as_bytes()).map(|_| json!({})),
        ("name", _) => name(input),
        other => panic!("no such operation: {other:?}"),
    }
}

pub fn get<T: DeserializeOwned>(input: &Value, key: &str) -> T {
    let value = input.get(key).unwrap_or_else(|| panic!("{key} is missing"));
    T::deserialize(value).unwrap_or_else(|why| panic!("{key}: {why}"))
}

pub fn text<'a>(input: &'a Value, key: &str) -> &'a str {
    input[key].as_str().unwrap_or_else(|| panic!("{key} is not a text"))
}

pub fn bytes(input: &Value, key: &str) -> Vec<u8> {
    get::<B64>(input, key).0
}

pub fn bytes32(input: &Value, key: &str) -> [u8; 32] {
    get::<B32>(input, key).0
}

fn password(input: &Value) -> Outcome {
    let salt = bytes(input, "salt");
    let split = split_password(text(input, "password"), &salt, get(input, "iterations"))?;
    Ok(json!({ "login": split.login, "wrap": b64(split.wrap.expose()) }))
}

fn account(input: &Value) -> Outcome {
    let wrap = WrapKey::from_bytes(bytes32(input, "wrap"));
    let keys = AccountKeys::unwrap(get(input, "account"), &wrap, &bytes(input, "wrapped"))?;
    Ok(json!({
        "kem_private": b64(keys.kem.expose()), "kem_public": keys.kem.public(),
        "sign_seed": b64(keys.sign.expose()), "sign_public": keys.sign.public(),
    }))
}

fn hand_over(input: &Value) -> Outcome {
    let new = AccountKeys {
        kem: KemSecret::from_bytes(bytes32(input, "kem_private")),
        sign: SignSecret::from_bytes(bytes32(input, "sign_seed")),
    };
    let statement = HandOver {
        v: V1,
        account: get(input, "account"),
        kem: new.kem.public(),
        sign: new.sign.public(),
        password: sha256(&bytes(input, "password_login")),
        recovery: sha256(&bytes(input, "recovery_login")),
    };
    Ok(json!({ "statement": statement.signed(&SignSecret::from_bytes(bytes32(input, "old_seed"))) }))
}

fn read_hand_over(input: &Value) -> Outcome {
    let statement: Signed = get(input, "statement");
    let HandOver { kem, sign, password, recovery, .. } =
        HandOver::verify(&statement, get(input, "account"), &get(input, "old_public"))?;
    Ok(json!({ "kem": kem, "sign": sign, "password": password, "recovery": recovery }))
}

fn recovery(input: &Value) -> Outcome {
    let code: RecoveryCode = text(input, "text").parse()?;
    let split = code.split();
    Ok(json!({ "text": *code.text(), "login": split.login, "wrap": b64(split.wrap.expose()) }))
}

fn invitation(input: &Value) -> Outcome {
    let invitation = Invitation::parse(text(input, "link"))?;
    let (kem, sign) = (invitation.kem(), invitation.sign());
    Ok(json!({
        "home": invitation.home, "slot": invitation.slot, "genesis": invitation.genesis,
        "kem_private": b64(kem.expose()), "kem_public": kem.public(),
        "sign_seed": b64(sign.expose()), "sign_public": sign.public(),
        "token": invitation.token(), "token_hash": invitation.token_hash(),
    }))
}

fn entering(input: &Value) -> Outcome {
    let invitation = Invitation::parse(text(input, "link")).expect("the case's link is one");
    let chain = invitation
        .verify(&get::<Vec<Signed>>(input, "entries"), stated_pin(invitation.home, input).as_ref())?;
    Ok(json!({ "seq": chain.pin().seq, "hash": chain.pin().hash, "genesis": chain.pin().genesis }))
}

fn pairing_code(input: &Value) -> Outcome {
    let code: PairingCode = text(input, "text").parse()?;
    Ok(json!({ "text": *code.text(), "lookup": code.lookup() }))
}

fn pairing_key(input: &Value) -> PairingKey {
    text(input, "code").parse::<PairingCode>().expect("the case's code is one").key()
}

fn open_offer(input: &Value) -> Outcome {
    let offer = Offer::open(&pairing_key(input), &bytes(input, "offer"), &get(input, "mac"))?;
    offer.check_certificate(get(input, "tls_seen"))?;
    let Offer { home, genesis, slot, sign, tls, .. } = offer;
    Ok(json!({ "home": home, "genesis": genesis, "slot": slot, "sign": sign, "tls": tls }))
}

fn open_answer(input: &Value) -> Outcome {
    let (offer, answer) = (bytes(input, "offer"), bytes(input, "answer"));
    let answer = Answer::open(&pairing_key(input), &offer, &answer, &get(input, "mac"))?;
    Ok(json!({ "agent": answer.agent, "sign": answer.sign, "tls": answer.tls }))
}

#[derive(Deserialize)]
struct StatedPin {
    genesis: B32,
    seq: u64,
    hash: B32,
}

fn stated_pin(home: HomeId, input: &Value) -> Option<Pin> {
    let pin: Option<StatedPin> = get(input, "pin");
    pin.map(|StatedPin { genesis, seq, hash }| Pin { home, genesis, seq, hash })
}

fn chain(input: &Value) -> Outcome {
    let home = get(input, "home");
    let pin = stated_pin(home, input);
    let entries: Vec<Signed> = get(input, "entries");
    let chain = Chain::verify(home, &entries, pin.as_ref())?;
    let (pin, head) = (chain.pin(), chain.head().entry());
    Ok(json!({
        "seq": pin.seq, "hash": pin.hash, "genesis": pin.genesis,
        "epoch": head.epoch, "epoch_key": head.epoch_key,
    }))
}

fn verified(input: &Value) -> Result<Chain, SealError> {
    Chain::verify(get(input, "home"), &get::<Vec<Signed>>(input, "entries"), None)
}

fn epochs(input: &Value) -> Outcome {
    let chain = verified(input)?;
    let kem = KemSecret::from_bytes(bytes32(input, "kem_private"));
    let packages: Vec<keepsight_wire::EpochPackage> = get(input, "packages");
    let secrets = EpochSecrets::open(&chain, get(input, "slot"), &kem, &packages)?;
    let last = chain.head().entry().epoch.0;
    let open = (1..=last).filter_map(|n| Some((n, secrets.get(EpochNo(n)).ok()?)));
    let by_number: serde_json::Map<_, _> =
        open.map(|(n, secret)| (n.to_string(), b64(secret.expose()).into())).collect();
    Ok(json!({ "secrets": by_number }))
}

fn secrets(input: &Value, chain: &Chain) -> Result<EpochSecrets, SealError> {
    let mut secrets = EpochSecrets::none(chain.home());
    for (number, secret) in input["secrets"].as_object().expect("secrets by epoch") {
        let epoch = EpochNo(number.parse().expect("an epoch's number"));
        let secret: B32 = serde_json::from_value(secret.clone()).expect("32 bytes");
        secrets.add(chain, epoch, EpochSecret::from_bytes(secret.0))?;
    }
    Ok(secrets)
}

fn header(operation: &str, input: &Value) -> Outcome {
    let chain = verified(input)?;
    let asked = fixture::asked(&input["asked"]);
    let signed: Signed = get(input, "header");
    let verified = EventHeader::verify(&signed, &chain, &asked)?;
    let opener = match operation {
        "open" => verified.open(&secrets(input, &chain)?)?,
        "open_as_guest" => {
            let kem = KemSecret::from_bytes(bytes32(input, "kem_private"));
            verified.open_as_guest(get(input, "slot"), &kem)?
        }
        other => panic!("no such operation: {other}"),
    };
    Ok(json!({
        "header_sha256": sha256(&signed.body.0),
        "commitment": verified.header().commitment,
        "content_key": b64(opener.content_key().expose()),
    }))
}

fn name(input: &Value) -> Outcome {
    let chain = verified(input)?;
    let secrets = secrets(input, &chain)?;
    let subject = get(input, "subject");
    Ok(json!({ "text": open_name(&get(input, "name"), &chain, subject, &secrets)? }))
}
