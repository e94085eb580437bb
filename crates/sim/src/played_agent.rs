//! An agent that knows its protocol and nothing of cameras: every request is the real one, and what it sealed it still has.

use http::Method;
use keepsight_cloud::example::ExampleBody;
use keepsight_ids::{AgentId, B64, CameraId, EventId, SegmentKind, SegmentNo, UnixMillis};
use keepsight_person::{Answer as HttpAnswer, Api};
use keepsight_seal::{
    Answer, Card, Chain, EventSealer, Label, NamedBy, Offer, PairingCode, Pin, SignSecret, Subject, V1,
    Video, make_name, sign_session,
};
use keepsight_wire::Signed;
use keepsight_wire::agent::{
    AgentChain, AgentSession, CameraPut, Challenge, PairingAnswer, PairingOffer, SessionOpen,
};
use keepsight_world::World;

use crate::caller::{Caller, Shown, text};
use crate::household::Recorded;

/// An agent, paired.
#[derive(Debug)]
pub struct PlayedAgent {
    api: Api,
    world: World,
    /// Who it is.
    pub agent: AgentId,
    /// Its key.
    pub key: SignSecret,
    pin: Pin,
    caller: Caller,
}

impl PlayedAgent {
    /// Answers the offer behind a code.
    ///
    /// # Panics
    /// When the server doesn't take part.
    pub async fn pair(api: &Api, world: &World, code: &PairingCode) -> Self {
        let (agent, key) = (AgentId::from_bytes(world.random()), SignSecret::random(&mut world.rng()));
        let caller = Caller::new(api, Shown::Nothing);
        let path = format!("/agent/v1/pairings/{}", code.lookup());
        let offered: PairingOffer =
            caller.ask(Method::POST, &format!("{path}/open"), &ExampleBody::Nothing).await;
        let offer = Offer::open(&code.key(), &offered.offer.0, &offered.mac).expect("made with this code");
        let (answer, mac) = Answer::to(&offered.offer.0, agent, key.public(), None).seal(&code.key());
        let body = PairingAnswer { answer: B64(answer), mac };
        caller.tell(Method::POST, &format!("{path}/answer"), &body).await;
        let pin = Pin::at_genesis(offer.home, offer.genesis);
        Self { api: api.fresh(), world: world.clone(), agent, key, pin, caller }
    }

    /// A challenge of the server.
    ///
    /// # Panics
    /// When there is none.
    pub async fn challenge(&self) -> B64 {
        let caller = Caller::new(&self.api, Shown::Nothing);
        let shown: Challenge = caller.ask(Method::POST, "/agent/v1/challenge", &ExampleBody::Nothing).await;
        shown.challenge
    }

    /// Opens a session with its key.
    ///
    /// # Panics
    /// When it is not let in.
    pub async fn sign_in(&mut self) {
        let challenge = self.challenge().await;
        let signature = sign_session(&self.key, &challenge.0, None);
        let body = SessionOpen { agent: self.agent, challenge, signature };
        let session: AgentSession =
            self.caller.ask(Method::POST, "/agent/v1/session", &crate::caller::json(&body)).await;
        self.caller = Caller::new(&self.api, Shown::Bearer(session.token));
    }

    /// Who sends with its session.
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The home's chain, verified.
    ///
    /// # Panics
    /// When it isn't the home's.
    pub async fn chain(&mut self) -> Chain {
        let shown: AgentChain = self.caller.ask(Method::GET, "/agent/v1/chain", &ExampleBody::Nothing).await;
        let chain =
            Chain::verify(self.pin.home, &shown.entries, Some(&self.pin)).expect("the home's own chain");
        self.pin = chain.pin();
        chain
    }

    /// Adds a camera.
    ///
    /// # Panics
    /// When the server refuses it.
    pub async fn add_camera(&mut self, camera: CameraId, name: &str) {
        let body = CameraPut { name: self.named(camera, name).await };
        self.caller.tell(Method::PUT, &format!("/agent/v1/cameras/{camera}"), &body).await;
    }

    /// A camera's name, sealed and signed.
    pub async fn named(&mut self, camera: CameraId, name: &str) -> Signed {
        let (chain, by) = (self.chain().await, NamedBy::Agent(self.agent));
        let now = UnixMillis(self.world.unix_millis());
        make_name(&chain, Subject::Camera(camera), by, &self.key, name, now, &mut self.world.rng())
            .expect("a short name is sealed")
    }

    /// Seals a whole Event whose every part shows `picture`, and keeps it.
    pub async fn seal(&mut self, camera: CameraId, event: EventId, picture: &str) -> Recorded {
        let chain = self.chain().await;
        let now = UnixMillis(self.world.unix_millis());
        let mut rng = self.world.rng();
        let (header, mut sealer) =
            EventSealer::begin(&chain, self.agent, &self.key, camera, event, now, true, &mut rng)
                .expect("a listed agent begins an Event");
        let mut segments = Vec::new();
        for kind in [
            SegmentKind::Init,
            SegmentKind::Video,
            SegmentKind::Thumbnail,
            SegmentKind::Preview,
            SegmentKind::Card,
        ] {
            let plain =
                if kind == SegmentKind::Card { card() } else { format!("{picture} {kind}").into_bytes() };
            let sealed = sealer.seal(kind, SegmentNo(0), &plain).expect("sealed once");
            segments.push((kind, SegmentNo(0), sealed));
        }
        segments.push((SegmentKind::Trailer, SegmentNo(0), sealer.seal_trailer().expect("sealed once")));
        Recorded { home: chain.home(), camera, event, header, segments, picture: picture.to_owned() }
    }

    /// Uploads what was sealed, each part acknowledged.
    ///
    /// # Panics
    /// When the server refuses it.
    pub async fn upload(&self, recorded: &Recorded) {
        for answer in self.try_upload(recorded).await {
            assert!(answer.status.is_success(), "{} {}", answer.status, text(&answer));
        }
    }

    /// Sends header and segments, and gives back the answers.
    pub async fn try_upload(&self, recorded: &Recorded) -> Vec<HttpAnswer> {
        let path = format!("/agent/v1/cameras/{}/events/{}", recorded.camera, recorded.event);
        let mut answers = vec![self.caller.json(Method::PUT, &path, &recorded.header).await];
        for (kind, number, sealed) in &recorded.segments {
            let path = format!("{path}/segments/{kind}/{number}");
            answers.push(self.caller.send(&Method::PUT, &path, &ExampleBody::Bytes(sealed.clone())).await);
        }
        answers
    }

    /// Records and uploads a new Event.
    pub async fn record(&mut self, camera: CameraId, picture: &str) -> Recorded {
        let event = EventId::from_bytes(self.world.random());
        let recorded = self.seal(camera, event, picture).await;
        self.upload(&recorded).await;
        recorded
    }
}

fn card() -> Vec<u8> {
    let video = Video { codec: "avc1.42c01e".to_owned(), width: 320, height: 180, segments_ms: vec![1000] };
    Card {
        v: V1,
        label: Label::Motion,
        duration_ms: 1000,
        pre_roll_ms: 0,
        preview_frames: 1,
        motion: None,
        activity: Vec::new(),
        video,
        audio: None,
    }
    .to_bytes()
}
