//! A stage to play every route on: identities, keys and documents of one home, from which each route makes a valid request.
//!
//! The OpenAPI document uses a made-up stage; the probes build a real one (a real home on a running server) and send each
//! example as its owner, as a stranger, and with ids that don't exist. Where it can be, an example leaves things as they were.

use keepsight_ids::{
    AccountId, AgentId, B32, B64, CameraId, EventId, GapId, HomeId, SegmentKind, SegmentNo, SessionId,
    SlotId, UnixMillis,
};
use keepsight_seal::{
    AccountKeys, Answer, Chain, Draft, EpochSecret, EventSealer, HandOver, Invitation, NamedBy, Offer,
    PairingCode, SignSecret, Subject, WRAPPED_LEN, found_home, make_name, seal_to_slot, sha256, sign_session,
};
use keepsight_wire::Signed;
use keepsight_wire::agent::{CameraPut, CameraReport, GapPut, PairingAnswer, SessionOpen, Status};
use keepsight_wire::people::{
    CameraState, CameraSwitch, ChainAppend, Credentials, GapReason, HomeHandOver, HomeSettings,
    InvitationAccept, InvitationOpen, Keep, KeysReplace, Lockdown, NameQuery, NewHome, NewName, NewPairing,
    PasswordChange, PasswordParameters, RecoveryChange, RecoveryCredentials, RecoveryOpen, RecoveryReplace,
    SignIn, SignUp, Ticket,
};
use keepsight_world::World;
use serde::Serialize;

/// What the examples are made of. A probe fills in what really exists on its server.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Where times and new keys come from.
    pub world: World,
    /// The home.
    pub home: HomeId,
    /// A camera of it.
    pub camera: CameraId,
    /// An Event of that camera. The agent's examples make a new one.
    pub event: EventId,
    /// A segment of that Event.
    pub segment: (SegmentKind, SegmentNo),
    /// A session of the account that may be ended.
    pub session: SessionId,
    /// The owner's account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// The `login` half of its password.
    pub login: B32,
    /// The `login` half of its recovery code.
    pub recovery_login: B32,
    /// The owner's keys.
    pub keys: AccountKeys,
    /// The owner's slot.
    pub slot: SlotId,
    /// The home's chain, up to its highest entry.
    pub chain: Chain,
    /// The secret of the epoch in force.
    pub epoch: EpochSecret,
    /// An open invitation.
    pub invitation: Invitation,
    /// The account that accepts it, and its keys.
    pub invitee: (AccountId, AccountKeys),
    /// The home's agent.
    pub agent: AgentId,
    /// Its key.
    pub agent_key: SignSecret,
    /// A challenge of the server.
    pub challenge: B64,
    /// SHA-256 of the server's certificate.
    pub tls: Option<B32>,
    /// The look-up part of an unanswered pairing of the home.
    pub lookup: String,
    /// Why somebody may sign up.
    pub ticket: Option<Ticket>,
}

/// A valid request.
#[derive(Debug, Clone, PartialEq)]
pub struct ExampleRequest {
    /// Path and query.
    pub path: String,
    /// The body.
    pub body: ExampleBody,
}

/// The body of a valid request.
#[derive(Debug, Clone, PartialEq)]
pub enum ExampleBody {
    /// None.
    Nothing,
    /// A JSON document.
    Json(serde_json::Value),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// The time of the made-up stage: 2026-11-23T12:00Z.
const SAMPLE_TIME: i64 = 1_795_435_200_000;

impl Stage {
    /// A made-up stage, the same each time, for the OpenAPI document.
    ///
    /// # Panics
    /// Never: the documents that it signs are valid.
    pub fn sample() -> Self {
        let world = World::simulated(SAMPLE_TIME, 1);
        let mut rng = world.rng();
        let (home, slot) = (HomeId::from_bytes(world.random()), SlotId::from_bytes(world.random()));
        let account = AccountId::from_bytes(world.random());
        let keys = AccountKeys::random(&mut rng);
        let (agent, agent_key) = (AgentId::from_bytes(world.random()), SignSecret::random(&mut rng));
        let founded = found_home(home, slot, account, &keys, UnixMillis(SAMPLE_TIME), &mut rng)
            .expect("fresh keys found a home");
        let invitation = Invitation::random(
            home,
            SlotId::from_bytes(world.random()),
            founded.chain.pin().genesis,
            &mut rng,
        );
        let mut chain = founded.chain;
        let mut draft = Draft::after(chain.head(), slot);
        let pending = keepsight_seal::Slot::pending(
            &invitation,
            &keepsight_seal::Slot::member_rights(),
            UnixMillis(SAMPLE_TIME),
        );
        let next = draft
            .add_agent(agent, agent_key.public())
            .add(pending)
            .sign(&keys.sign)
            .expect("an owner adds an agent");
        chain.extend(std::slice::from_ref(next.signed())).expect("a valid entry extends the chain");
        Self {
            home,
            camera: CameraId::from_bytes(world.random()),
            event: EventId::from_bytes(world.random()),
            segment: (SegmentKind::Thumbnail, SegmentNo(0)),
            session: SessionId::from_bytes(world.random()),
            account,
            name: "12 Elm Street".to_owned(),
            login: B32(world.random()),
            recovery_login: B32(world.random()),
            keys,
            slot,
            chain,
            epoch: founded.secret,
            invitation,
            invitee: (AccountId::from_bytes(world.random()), AccountKeys::random(&mut rng)),
            agent,
            agent_key,
            challenge: B64(world.random::<56>().to_vec()),
            tls: None,
            lookup: "7K3F9QXM".to_owned(),
            ticket: None,
            world,
        }
    }

    pub(crate) fn get(&self, path: &str) -> ExampleRequest {
        let _ = self;
        ExampleRequest { path: path.to_owned(), body: ExampleBody::Nothing }
    }

    pub(crate) fn post(&self, path: &str) -> ExampleRequest {
        self.get(path)
    }

    /// Below the home.
    pub(crate) fn at_home(&self, rest: &str) -> ExampleRequest {
        self.get(&format!("/api/v1/homes/{}{rest}", self.home))
    }

    /// Below the camera.
    pub(crate) fn at_camera(&self, rest: &str) -> ExampleRequest {
        self.at_home(&format!("/cameras/{}{rest}", self.camera))
    }

    /// Below the Event.
    pub(crate) fn at_event(&self, rest: &str) -> ExampleRequest {
        self.at_camera(&format!("/events/{}{rest}", self.event))
    }

    fn agent_camera(&self, rest: &str) -> ExampleRequest {
        self.get(&format!("/agent/v1/cameras/{}{rest}", self.camera))
    }

    fn now(&self) -> UnixMillis {
        UnixMillis(self.world.unix_millis())
    }

    fn password(&self, login: B32) -> Credentials {
        let parameters =
            PasswordParameters { salt: B64(vec![7; 16]), iterations: keepsight_seal::ITERATIONS_LEAST };
        Credentials { parameters, login, wrapped: B64(vec![0; WRAPPED_LEN]) }
    }

    fn recovery(&self, login: B32) -> RecoveryCredentials {
        let _ = self;
        RecoveryCredentials { login, wrapped: B64(vec![0; WRAPPED_LEN]) }
    }

    fn named(&self, subject: Subject, by: NamedBy, key: &SignSecret) -> Signed {
        make_name(&self.chain, subject, by, key, "Hall", self.now(), &mut self.world.rng())
            .expect("a short name is sealed")
    }
}

impl ExampleRequest {
    /// The request with this JSON body.
    pub(crate) fn json<T: Serialize>(mut self, body: &T) -> Self {
        self.body = ExampleBody::Json(serde_json::to_value(body).expect("a body of the API is plain JSON"));
        self
    }
}

pub(crate) fn parameters(stage: &Stage) -> ExampleRequest {
    stage.post("/api/v1/sign-in/parameters").json(&NameQuery { name: stage.name.clone() })
}

pub(crate) fn sign_up(stage: &Stage) -> ExampleRequest {
    let keys = AccountKeys::random(&mut stage.world.rng());
    let account = AccountId::from_bytes(stage.world.random());
    stage.post("/api/v1/sign-up").json(&SignUp {
        account,
        name: account.to_string(),
        password: stage.password(B32(stage.world.random())),
        recovery: stage.recovery(B32(stage.world.random())),
        kem: keys.kem.public().0,
        sign: keys.sign.public().0,
        ticket: stage.ticket.clone(),
    })
}

pub(crate) fn sign_in(stage: &Stage) -> ExampleRequest {
    stage.post("/api/v1/sign-in").json(&SignIn { name: stage.name.clone(), login: stage.login })
}

pub(crate) fn recovery_open(stage: &Stage) -> ExampleRequest {
    let body = RecoveryOpen { name: stage.name.clone(), login: stage.recovery_login };
    stage.post("/api/v1/recovery/open").json(&body)
}

pub(crate) fn recovery_replace(stage: &Stage) -> ExampleRequest {
    stage.post("/api/v1/recovery/replace").json(&RecoveryReplace {
        name: stage.name.clone(),
        login: stage.recovery_login,
        password: stage.password(stage.login),
        recovery: stage.recovery(stage.recovery_login),
    })
}

pub(crate) fn password(stage: &Stage) -> ExampleRequest {
    let body = PasswordChange { login: stage.login, password: stage.password(stage.login) };
    stage.get("/api/v1/account/password").json(&body)
}

pub(crate) fn recovery(stage: &Stage) -> ExampleRequest {
    let body = RecoveryChange { login: stage.login, recovery: stage.recovery(stage.recovery_login) };
    stage.get("/api/v1/account/recovery").json(&body)
}

/// Other keys for the home's owner, whose browser begins a new epoch with them.
pub(crate) fn keys(stage: &Stage) -> ExampleRequest {
    let mut rng = stage.world.rng();
    let keys = AccountKeys::random(&mut rng);
    let (password, recovery) = (stage.password(stage.login), stage.recovery(stage.recovery_login));
    let hand_over = HandOver {
        v: keepsight_seal::V1,
        account: stage.account,
        kem: keys.kem.public(),
        sign: keys.sign.public(),
        password: sha256(&password.login.0),
        recovery: sha256(&recovery.login.0),
    };
    let mut draft = Draft::after(stage.chain.head(), stage.slot);
    let (_, package) = draft
        .replace_own_keys(&keys)
        .rotate(&stage.epoch, &mut rng)
        .expect("the stage has the epoch's secret");
    let entry = draft.sign(&stage.keys.sign).expect("an owner may replace their keys");
    let change = ChainAppend { epoch: Some(package), ..append(entry.signed().clone()) };
    stage.get("/api/v1/account/keys").json(&KeysReplace {
        statement: hand_over.signed(&stage.keys.sign),
        password,
        recovery,
        homes: vec![HomeHandOver { home: stage.home, change }],
    })
}

/// An entry that brings nothing with it.
fn append(entry: Signed) -> ChainAppend {
    ChainAppend { entry, epoch: None, invitation: None, pairing: None, names: Vec::new(), resealed: None }
}

pub(crate) fn new_home(stage: &Stage) -> ExampleRequest {
    let (home, slot) = (HomeId::from_bytes(stage.world.random()), SlotId::from_bytes(stage.world.random()));
    let mut rng = stage.world.rng();
    let founded = found_home(home, slot, stage.account, &stage.keys, stage.now(), &mut rng)
        .expect("fresh keys found a home");
    let by = NamedBy::Slot(slot);
    let name =
        make_name(&founded.chain, Subject::Home(home), by, &stage.keys.sign, "Home", stage.now(), &mut rng);
    stage.post("/api/v1/homes").json(&NewHome {
        home,
        genesis: founded.chain.head().signed().clone(),
        epoch: founded.epoch,
        name: name.expect("a short name is sealed"),
        time_zone: "Europe/Berlin".to_owned(),
    })
}

pub(crate) fn settings(stage: &Stage) -> ExampleRequest {
    let body = HomeSettings {
        time_zone: "Europe/Berlin".to_owned(),
        retention_days: 30,
        retention_bytes: 1_000_000_000,
    };
    stage.at_home("/settings").json(&body)
}

pub(crate) fn home_name(stage: &Stage) -> ExampleRequest {
    let name = stage.named(Subject::Home(stage.home), NamedBy::Slot(stage.slot), &stage.keys.sign);
    stage.at_home("/name").json(&NewName { name })
}

pub(crate) fn lockdown(stage: &Stage) -> ExampleRequest {
    stage.at_home("/lockdown").json(&Lockdown { on: false })
}

/// An entry that changes nothing but its own number.
pub(crate) fn chain_append(stage: &Stage) -> ExampleRequest {
    let next =
        Draft::after(stage.chain.head(), stage.slot).sign(&stage.keys.sign).expect("an owner may append");
    stage.at_home("/chain").json(&append(next.signed().clone()))
}

pub(crate) fn invitation_open(stage: &Stage) -> ExampleRequest {
    stage.post("/api/v1/invitations/open").json(&InvitationOpen { ticket: stage.invitation.ticket() })
}

pub(crate) fn invitation_accept(stage: &Stage) -> ExampleRequest {
    let (account, keys) = &stage.invitee;
    let slot = stage.invitation.slot;
    let mut draft = Draft::after(stage.chain.head(), slot);
    let next = draft
        .accept(*account, keys)
        .sign(&stage.invitation.sign())
        .expect("the invitation's key signs its acceptance");
    let epoch = stage.chain.head().entry().epoch;
    let own = keys.kem.public();
    let sealed = seal_to_slot(stage.home, epoch, slot, &own, &stage.epoch, &mut stage.world.rng());
    stage.post("/api/v1/invitations/accept").json(&InvitationAccept {
        ticket: stage.invitation.ticket(),
        entry: next.signed().clone(),
        sealed: sealed.expect("a fresh key can be sealed to"),
    })
}

fn offer(stage: &Stage) -> Offer {
    Offer {
        v: keepsight_seal::V1,
        home: stage.home,
        genesis: stage.chain.pin().genesis,
        slot: stage.slot,
        sign: stage.keys.sign.public(),
        tls: stage.tls,
    }
}

pub(crate) fn new_pairing(stage: &Stage) -> ExampleRequest {
    let code = PairingCode::random(&mut stage.world.rng());
    let (offer, mac) = offer(stage).seal(&code.key());
    stage.at_home("/pairings").json(&NewPairing { lookup: code.lookup(), offer: B64(offer), mac })
}

pub(crate) fn pairing_answer(stage: &Stage) -> ExampleRequest {
    let code = PairingCode::random(&mut stage.world.rng());
    let (offer, _) = offer(stage).seal(&code.key());
    let (answer, mac) =
        Answer::to(&offer, stage.agent, stage.agent_key.public(), stage.tls).seal(&code.key());
    let path = format!("/agent/v1/pairings/{}/answer", stage.lookup);
    stage.post(&path).json(&PairingAnswer { answer: B64(answer), mac })
}

pub(crate) fn camera_name(stage: &Stage) -> ExampleRequest {
    let name = stage.named(Subject::Camera(stage.camera), NamedBy::Slot(stage.slot), &stage.keys.sign);
    stage.at_camera("/name").json(&NewName { name })
}

pub(crate) fn camera_switch(stage: &Stage) -> ExampleRequest {
    stage.at_camera("/switch").json(&CameraSwitch { on: true })
}

pub(crate) fn keep(stage: &Stage) -> ExampleRequest {
    stage.at_event("/kept").json(&Keep { kept: true })
}

pub(crate) fn segment(stage: &Stage) -> ExampleRequest {
    let (kind, number) = stage.segment;
    stage.at_event(&format!("/segments/{kind}/{number}?purpose=view"))
}

pub(crate) fn agent_session(stage: &Stage) -> ExampleRequest {
    let signature = sign_session(&stage.agent_key, &stage.challenge.0, stage.tls);
    stage.post("/agent/v1/session").json(&SessionOpen {
        agent: stage.agent,
        challenge: stage.challenge.clone(),
        signature,
    })
}

pub(crate) fn agent_status(stage: &Stage) -> ExampleRequest {
    let camera = CameraReport { camera: stage.camera, state: CameraState::Recording, since: stage.now() };
    let head = stage.chain.head().entry();
    stage.post("/agent/v1/status").json(&Status {
        version: "0.1.0".to_owned(),
        chain_seq: head.seq,
        epoch: head.epoch.0,
        spool_bytes: 0,
        cameras: vec![camera],
    })
}

pub(crate) fn agent_camera(stage: &Stage) -> ExampleRequest {
    let name = stage.named(Subject::Camera(stage.camera), NamedBy::Agent(stage.agent), &stage.agent_key);
    stage.agent_camera("").json(&CameraPut { name })
}

pub(crate) fn agent_header(stage: &Stage) -> ExampleRequest {
    let event = EventId::from_bytes(stage.world.random());
    let mut rng = stage.world.rng();
    let (agent, key, camera) = (stage.agent, &stage.agent_key, stage.camera);
    let (header, _) =
        EventSealer::begin(&stage.chain, agent, key, camera, event, stage.now(), true, &mut rng)
            .expect("a listed agent begins an Event");
    stage.agent_camera(&format!("/events/{event}")).json(&header)
}

/// Another video segment of the Event: the server can't tell what is in it.
pub(crate) fn agent_segment(stage: &Stage) -> ExampleRequest {
    let (kind, number) = (SegmentKind::Video, SegmentNo(u32::from_be_bytes(stage.world.random()) % 10_000));
    let identity = keepsight_seal::SegmentIdentity {
        home: stage.home,
        camera: stage.camera,
        event: stage.event,
        kind,
        number,
    };
    let bytes = [&identity.to_bytes()[..], &[0; 32]].concat();
    let mut request = stage.agent_camera(&format!("/events/{}/segments/{kind}/{number}", stage.event));
    request.body = ExampleBody::Bytes(bytes);
    request
}

pub(crate) fn agent_gap(stage: &Stage) -> ExampleRequest {
    let gap = GapId::from_bytes(stage.world.random());
    let body = GapPut { from: stage.now().plus_ms(-60_000), until: stage.now(), reason: GapReason::AgentOff };
    stage.agent_camera(&format!("/gaps/{gap}")).json(&body)
}
