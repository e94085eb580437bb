//! What the routes' examples are made of, taken from a real home; and the same with ids that don't exist, or without its secrets.

use keepsight_cloud::example::{ExampleBody, ExampleRequest, Stage as Props};
use keepsight_gate::Action;
use keepsight_ids::{
    AccountId, AgentId, CameraId, EventId, HomeId, SegmentKind, SegmentNo, SessionId, SlotId,
};
use keepsight_person::Person;
use keepsight_seal::{Invitation, PairingCode};
use keepsight_wire::people::Session;
use keepsight_world::World;
use serde_json::Value;

use crate::household::Household;
use crate::stage::Stage;

/// Real ids and documents of a home as it is now. `invitation` is open, and `invitee` may accept it.
///
/// # Panics
/// When the server refuses what its owner asks.
pub async fn real(
    stage: &Stage,
    household: &Household,
    invitation: &Invitation,
    invitee: &Person,
    action: Action,
) -> Props {
    let owner = &household.owner;
    let open = owner.open_home(household.home).await.expect("an owner opens the home");
    stage.sign_in(owner.name(), household.login).await;
    let sessions: Vec<Session> = owner.sessions().await.expect("an owner lists sessions");
    let other = sessions.iter().find(|session| !session.this).expect("one was made above");
    let lookup = match action {
        Action::Pair | Action::AnswerPairing => {
            owner.start_pairing(household.home).await.expect("an owner pairs").code.lookup()
        }
        _ => PairingCode::random(&mut stage.world.rng()).lookup(),
    };
    Props {
        world: stage.world.clone(),
        home: household.home,
        camera: household.camera,
        event: household.event.event,
        segment: (SegmentKind::Thumbnail, SegmentNo(0)),
        session: other.session,
        account: owner.account(),
        name: owner.name().to_owned(),
        login: household.login,
        recovery_login: household.recovery_login,
        keys: owner.keys().expect("unlocked"),
        slot: open.slot,
        epoch: open.secrets.get(open.epoch()).expect("an owner has every epoch").clone(),
        chain: open.chain.clone(),
        invitation: invitation.clone(),
        invitee: (invitee.account(), invitee.keys().expect("unlocked")),
        agent: household.agent.agent,
        agent_key: household.agent.key.clone(),
        challenge: household.agent.challenge().await,
        tls: None,
        lookup,
        ticket: None,
    }
}

/// The same request by somebody who knows every id and no secret: random bytes where only somebody with a right knows what stands.
pub fn without_secrets(props: &Props, request: &ExampleRequest) -> ExampleRequest {
    let mut request = swapped(request, &[(props.lookup.clone(), lookup(&props.world))]);
    if let ExampleBody::Json(body) = &mut request.body {
        forget_secrets(body, &props.world);
    }
    request
}

/// Where a secret stands in a body.
const SECRETS: [&str; 3] = ["login", "token", "signature"];

fn forget_secrets(body: &mut Value, world: &World) {
    let Value::Object(fields) = body else { return };
    for (name, value) in fields {
        match value {
            Value::String(text) if SECRETS.contains(&name.as_str()) => {
                let bytes =
                    data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).expect("secrets are base64url");
                let other: Vec<u8> = bytes.iter().map(|_| world.random::<1>()[0]).collect();
                *text = data_encoding::BASE64URL_NOPAD.encode(&other);
            }
            // What is signed is signed: its owner has shown it to the server before.
            Value::Object(_) if name != "entry" => forget_secrets(value, world),
            _ => {}
        }
    }
}

/// The same request about what doesn't exist: with every id replaced by a random one, and with each replaced alone.
pub fn nowhere(props: &Props, request: &ExampleRequest) -> Vec<(&'static str, ExampleRequest)> {
    let world = &props.world;
    let home = (props.home.to_string(), HomeId::from_bytes(world.random()).to_string());
    let camera = (props.camera.to_string(), CameraId::from_bytes(world.random()).to_string());
    let event = (props.event.to_string(), EventId::from_bytes(world.random()).to_string());
    let others = [
        (props.session.to_string(), SessionId::from_bytes(world.random()).to_string()),
        (props.account.to_string(), AccountId::from_bytes(world.random()).to_string()),
        (props.agent.to_string(), AgentId::from_bytes(world.random()).to_string()),
        (props.slot.to_string(), SlotId::from_bytes(world.random()).to_string()),
        (props.invitation.slot.to_string(), SlotId::from_bytes(world.random()).to_string()),
        (props.lookup.clone(), lookup(world)),
        (format!("\"{}\"", props.name), format!("\"{}\"", AccountId::from_bytes(world.random()))),
    ];
    let all: Vec<(String, String)> =
        [home.clone(), camera.clone(), event.clone()].into_iter().chain(others.clone()).collect();
    let variants: [(&str, &[(String, String)]); 5] = [
        ("every id", &all),
        ("the home", &[home]),
        ("the camera", &[camera]),
        ("the Event", &[event]),
        ("the other ids", &others),
    ];
    let different = variants.into_iter().map(|(what, swaps)| (what, swapped(request, swaps)));
    different.filter(|(_, other)| other != request).collect()
}

/// Replaces texts in path and body. What is signed or sealed stays as it is.
fn swapped(request: &ExampleRequest, swaps: &[(String, String)]) -> ExampleRequest {
    let swap = |text: &str| swaps.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    let body = match &request.body {
        ExampleBody::Json(body) => ExampleBody::Json(
            serde_json::from_str(&swap(&body.to_string())).expect("ids were replaced by ids"),
        ),
        other => other.clone(),
    };
    ExampleRequest { path: swap(&request.path), body }
}

fn lookup(world: &World) -> String {
    PairingCode::random(&mut world.rng()).lookup()
}
