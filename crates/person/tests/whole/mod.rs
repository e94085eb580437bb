//! A real server, and an agent that is played by its own protocol over the same connection.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::Path;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use keepsight_cloud::{Cloud, CloudConfig, RunningCloud};
use keepsight_ids::*;
use keepsight_person::{Api, Person, PersonError};
use keepsight_seal::*;
use keepsight_store::records::SqliteRecords;
use keepsight_store::truth::SqliteTruth;
use keepsight_store::{Objects, Reserve};
use keepsight_wire::agent::*;
use keepsight_world::World;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub const PASSWORD: &str = "gravel under the porch";

/// A server, and its truth for what an operator does.
pub async fn server(folder: &Path) -> (RunningCloud, Arc<SqliteTruth>) {
    let world = World::real();
    let config = CloudConfig::new("127.0.0.1:0".parse().unwrap(), folder.to_owned());
    let truth = Arc::new(SqliteTruth::open(&folder.join("truth.db"), world.clone()).unwrap());
    let records = SqliteRecords::open(&folder.join("records.db"), world.clone()).unwrap();
    let objects = Objects::open_folder(&folder.join("objects"), Reserve::default(), world.clone()).unwrap();
    let cloud = Cloud::start(config, world, truth.clone(), Arc::new(records), objects).await.unwrap();
    (cloud, truth)
}

/// An agent that knows its protocol and nothing of cameras.
pub struct Agent {
    api: Api,
    pub agent: AgentId,
    key: SignSecret,
    pin: Pin,
    bearer: HeaderMap,
}

impl Agent {
    /// Pairs with the code that somebody typed in.
    pub async fn pair(api: Api, code: &PairingCode, agent: AgentId) -> Self {
        let key = SignSecret::random(&mut World::real().rng());
        let path = format!("/agent/v1/pairings/{}", code.lookup());
        let bearer = HeaderMap::new();
        let offered: PairingOffer =
            ask(&api, Method::POST, &format!("{path}/open"), &bearer, None::<()>).await;
        let offer = Offer::open(&code.key(), &offered.offer.0, &offered.mac).unwrap();
        let (answer, mac) = Answer::to(&offered.offer.0, agent, key.public(), None).seal(&code.key());
        let body = PairingAnswer { answer: B64(answer), mac };
        tell(&api, Method::POST, &format!("{path}/answer"), &bearer, &body).await;
        Self { api, agent, key, pin: Pin::at_genesis(offer.home, offer.genesis), bearer }
    }

    pub async fn sign_in(&mut self) {
        let none = HeaderMap::new();
        let shown: Challenge = ask(&self.api, Method::POST, "/agent/v1/challenge", &none, None::<()>).await;
        let signature = sign_session(&self.key, &shown.challenge.0, None);
        let body = SessionOpen { agent: self.agent, challenge: shown.challenge, signature };
        let session: AgentSession =
            ask(&self.api, Method::POST, "/agent/v1/session", &none, Some(&body)).await;
        let value = HeaderValue::from_str(&format!("Bearer {}", session.token)).unwrap();
        self.bearer.insert(header::AUTHORIZATION, value);
    }

    pub async fn chain(&mut self) -> Chain {
        let shown: AgentChain =
            ask(&self.api, Method::GET, "/agent/v1/chain", &self.bearer, None::<()>).await;
        let chain = Chain::verify(self.pin.home, &shown.entries, Some(&self.pin)).unwrap();
        self.pin = chain.pin();
        chain
    }

    pub async fn add_camera(&mut self, camera: CameraId, name: &str) {
        let (chain, by) = (self.chain().await, NamedBy::Agent(self.agent));
        let mut rng = World::real().rng();
        let name =
            make_name(&chain, Subject::Camera(camera), by, &self.key, name, UnixMillis(0), &mut rng).unwrap();
        tell(
            &self.api,
            Method::PUT,
            &format!("/agent/v1/cameras/{camera}"),
            &self.bearer,
            &CameraPut { name },
        )
        .await;
    }

    /// Records and uploads an Event of two parts and its trailer.
    pub async fn record(&mut self, camera: CameraId) -> EventId {
        let world = World::real();
        let (chain, event) = (self.chain().await, EventId::from_bytes(world.random()));
        let now = UnixMillis(world.unix_millis());
        let (header, mut sealer) =
            EventSealer::begin(&chain, self.agent, &self.key, camera, event, now, true, &mut world.rng())
                .unwrap();
        let path = format!("/agent/v1/cameras/{camera}/events/{event}");
        let ack: EventAck = ask(&self.api, Method::PUT, &path, &self.bearer, Some(&header)).await;
        assert_eq!(ack.sha256, sha256(&header.body.0));
        for (kind, plain) in [(SegmentKind::Init, &b"init"[..]), (SegmentKind::Video, b"the hall")] {
            let sealed = sealer.seal(kind, SegmentNo(0), plain).unwrap();
            self.upload(&path, kind, sealed).await;
        }
        let trailer = sealer.seal_trailer().unwrap();
        self.upload(&path, SegmentKind::Trailer, trailer).await;
        event
    }

    async fn upload(&self, event: &str, kind: SegmentKind, sealed: Vec<u8>) {
        let hash = sha256(&sealed);
        let path = format!("{event}/segments/{kind}/0");
        let mut headers = self.bearer.clone();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        let answer = self.api.request(Method::PUT, &path, headers, Some(sealed.into())).await.unwrap();
        assert!(answer.status.is_success(), "{path}: {:?}", answer.body);
        assert_eq!(answer.json::<SegmentAck>().unwrap().sha256, hash);
    }
}

async fn ask<T: DeserializeOwned>(
    api: &Api,
    method: Method,
    path: &str,
    bearer: &HeaderMap,
    body: Option<impl Serialize>,
) -> T {
    let body = body.map(|body| serde_json::to_vec(&body).unwrap().into());
    let answer = api.request(method, path, bearer.clone(), body).await.unwrap();
    assert!(answer.status.is_success(), "{path}: {} {:?}", answer.status, answer.body);
    answer.json().unwrap()
}

async fn tell(api: &Api, method: Method, path: &str, bearer: &HeaderMap, body: &impl Serialize) {
    let body = serde_json::to_vec(body).unwrap().into();
    let answer = api.request(method, path, bearer.clone(), Some(body)).await.unwrap();
    assert!(answer.status.is_success(), "{path}: {} {:?}", answer.status, answer.body);
}

pub fn not_found(outcome: Result<impl std::fmt::Debug, PersonError>) {
    assert_eq!(outcome.unwrap_err().status(), Some(StatusCode::NOT_FOUND));
}

impl Agent {
    /// Pairs with that person's home and signs in, with one camera.
    pub async fn of(api: &Api, owner: &Person, home: HomeId) -> (Self, CameraId) {
        let world = World::real();
        let pairing = owner.start_pairing(home).await.unwrap();
        assert_eq!(owner.finish_pairing(&pairing).await.unwrap(), None);
        let code: PairingCode = pairing.code.text().parse().unwrap();
        let mut agent = Self::pair(api.fresh(), &code, AgentId::from_bytes(world.random())).await;
        assert_eq!(owner.await_pairing(&pairing).await.unwrap(), agent.agent);
        agent.sign_in().await;
        let camera = CameraId::from_bytes(world.random());
        agent.add_camera(camera, "Hall").await;
        (agent, camera)
    }
}
