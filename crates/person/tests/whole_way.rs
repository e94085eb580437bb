//! The whole way over a real server: from set-up to an Event watched by a member, and not by them after they were removed.
//!
//! The agent is played here by its own protocol, over the same connection.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use keepsight_cloud::{Cloud, CloudConfig, RunningCloud};
use keepsight_ids::*;
use keepsight_person::{Api, EventQuery, Person, PersonError, Trust};
use keepsight_seal::*;
use keepsight_store::records::SqliteRecords;
use keepsight_store::truth::SqliteTruth;
use keepsight_store::{Objects, Reserve};
use keepsight_wire::agent::*;
use keepsight_wire::people::{Purpose, Ticket, Update, ViewKind};
use keepsight_world::World;
use serde::Serialize;
use serde::de::DeserializeOwned;

const PASSWORD: &str = "gravel under the porch";

async fn server(folder: &std::path::Path) -> RunningCloud {
    let world = World::real();
    let config = CloudConfig::new("127.0.0.1:0".parse().unwrap(), folder.to_owned());
    let truth = SqliteTruth::open(&folder.join("truth.db"), world.clone()).unwrap();
    let records = SqliteRecords::open(&folder.join("records.db"), world.clone()).unwrap();
    let objects = Objects::open_folder(&folder.join("objects"), Reserve::default(), world.clone()).unwrap();
    Cloud::start(config, world, Arc::new(truth), Arc::new(records), objects).await.unwrap()
}

/// An agent that knows its protocol and nothing of cameras.
struct Agent {
    api: Api,
    agent: AgentId,
    key: SignSecret,
    pin: Pin,
    bearer: HeaderMap,
}

impl Agent {
    /// Pairs with the code that somebody typed in.
    async fn pair(api: Api, code: &PairingCode, agent: AgentId) -> Self {
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

    async fn sign_in(&mut self) {
        let none = HeaderMap::new();
        let shown: Challenge = ask(&self.api, Method::POST, "/agent/v1/challenge", &none, None::<()>).await;
        let signature = sign_session(&self.key, &shown.challenge.0, None);
        let body = SessionOpen { agent: self.agent, challenge: shown.challenge, signature };
        let session: AgentSession =
            ask(&self.api, Method::POST, "/agent/v1/session", &none, Some(&body)).await;
        let value = HeaderValue::from_str(&format!("Bearer {}", session.token)).unwrap();
        self.bearer.insert(header::AUTHORIZATION, value);
    }

    async fn chain(&mut self) -> Chain {
        let shown: AgentChain =
            ask(&self.api, Method::GET, "/agent/v1/chain", &self.bearer, None::<()>).await;
        let chain = Chain::verify(self.pin.home, &shown.entries, Some(&self.pin)).unwrap();
        self.pin = chain.pin();
        chain
    }

    async fn add_camera(&mut self, camera: CameraId, name: &str) {
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
    async fn record(&mut self, camera: CameraId) -> EventId {
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

fn not_found(outcome: Result<impl std::fmt::Debug, PersonError>) {
    assert_eq!(outcome.unwrap_err().status(), Some(StatusCode::NOT_FOUND));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_event_the_whole_way() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = server(folder.path()).await;
    let api = Api::new(&cloud.url(), Trust::Plain).unwrap();
    let world = World::real();
    assert!(api.service().await.unwrap().setup_needed);

    // Elm sets the server up, founds a home and pairs an agent.
    let token = cloud.cloud().setup_token().unwrap().to_owned();
    let signed_up = Person::sign_up(api.fresh(), world.clone(), "elm", PASSWORD, Some(Ticket::Setup(token)));
    let elm = signed_up.await.unwrap().person;
    let home = elm.create_home("12 Elm Street", "Europe/Berlin").await.unwrap();
    let pairing = elm.start_pairing(home).await.unwrap();
    assert_eq!(elm.finish_pairing(&pairing).await.unwrap(), None);
    let code: PairingCode = pairing.code.text().parse().unwrap();
    let mut porch = Agent::pair(api.fresh(), &code, AgentId::from_bytes(world.random())).await;
    assert_eq!(elm.await_pairing(&pairing).await.unwrap(), porch.agent);
    porch.sign_in().await;
    let hall = CameraId::from_bytes(world.random());
    porch.add_camera(hall, "Hall").await;
    let shown = elm.cameras(home).await.unwrap();
    let open = elm.open_home(home).await.unwrap();
    assert_eq!(open.name_of(Subject::Camera(hall), &shown[0].name).unwrap(), "Hall");

    // An Event arrives while elm listens, and is watched.
    let mut updates = elm.updates(home).await.unwrap();
    assert_eq!(updates.next().await.unwrap(), Some(Update::Hello));
    let first = porch.record(hall).await;
    loop {
        let update = tokio::time::timeout(Duration::from_secs(10), updates.next()).await.unwrap().unwrap();
        match update.expect("the stream stays open") {
            Update::Event { camera, event, .. } => {
                assert_eq!((camera, event), (hall, first));
                break;
            }
            other => assert_eq!(other, Update::Home),
        }
    }
    let watched = elm.watch(home, hall, first, Purpose::View).await.unwrap();
    assert!(watched.is_whole());
    assert_eq!(watched.video(), b"initthe hall");

    // Oak is invited by a link, signs up with it, and watches too.
    let link = elm.invite(home, &Slot::member_rights()).await.unwrap().link(&cloud.url());
    let invitation = Invitation::parse(&link).unwrap();
    assert_eq!(Person::look_at_invitation(&api.fresh(), &invitation).await.unwrap(), "12 Elm Street");
    let ticket = Some(Ticket::Invitation(invitation.ticket()));
    let oak = Person::sign_up(api.fresh(), world.clone(), "oak", PASSWORD, ticket).await.unwrap().person;
    not_found(oak.home(home).await);
    oak.accept(&invitation).await.unwrap();
    assert_eq!(oak.home_name(home).await.unwrap(), "12 Elm Street");
    assert_eq!(oak.watch(home, hall, first, Purpose::View).await.unwrap().video(), b"initthe hall");
    let page = oak.events(home, &EventQuery::default()).await.unwrap();
    assert_eq!(page.events.len(), 1);
    let views = elm.event_views(home, hall, first).await.unwrap().views;
    assert!(views.iter().any(|view| view.account == oak.account() && view.kind == ViewKind::Opened));
    elm.keep_event(home, hall, first, true).await.unwrap();
    assert!(elm.event(home, hall, first).await.unwrap().event.kept);
    oak.mark_seen(home, hall, first).await.unwrap();

    // Oak is removed: nothing any more, not even that there is such a home; and no key for what comes.
    let mut oaks_updates = oak.updates(home).await.unwrap();
    assert_eq!(oaks_updates.next().await.unwrap(), Some(Update::Hello));
    let had = oak.known_home(home).await.unwrap();
    elm.remove_member(home, had.slot).await.unwrap();
    let ended = async { while let Ok(Some(_)) = oaks_updates.next().await {} };
    tokio::time::timeout(Duration::from_secs(5), ended).await.expect("the stream ends");
    not_found(oak.home(home).await);
    not_found(oak.watch(home, hall, first, Purpose::View).await);
    assert!(oak.homes().await.unwrap().is_empty());
    assert_eq!(elm.home_name(home).await.unwrap(), "12 Elm Street");
    let second = porch.record(hall).await;
    assert!(elm.watch(home, hall, second, Purpose::View).await.unwrap().is_whole());
    let asked = Asked { home, camera: hall, event: second };
    let event = elm.event(home, hall, second).await.unwrap().event;
    let header =
        EventHeader::verify(&event.header, &elm.open_home(home).await.unwrap().chain, &asked).unwrap();
    assert_eq!(header.header().epoch, EpochNo(2));
    assert_eq!(header.open(&had.secrets).unwrap_err(), SealError::EpochNotOpen { epoch: EpochNo(2) });

    // Elm on another device sees all of it, and deletes.
    let again = Person::sign_in(api.fresh().named("phone"), world, "elm", PASSWORD).await.unwrap();
    for event in [first, second] {
        assert_eq!(again.watch(home, hall, event, Purpose::Download).await.unwrap().video(), b"initthe hall");
    }
    again.delete_event(home, hall, second).await.unwrap();
    not_found(again.event(home, hall, second).await);
    assert_eq!(again.sessions().await.unwrap().len(), 2);
    again.end_other_sessions().await.unwrap();
    assert_eq!(elm.homes().await.unwrap_err().status(), Some(StatusCode::UNAUTHORIZED));
    assert!(again.views(home, None, None).await.unwrap().views.len() > 2);
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_who_left_is_out_and_the_next_owner_begins_a_new_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = server(folder.path()).await;
    let api = Api::new(&cloud.url(), Trust::Plain).unwrap();
    let world = World::real();
    let token = Some(Ticket::Setup(cloud.cloud().setup_token().unwrap().to_owned()));
    let elm = Person::sign_up(api.fresh(), world.clone(), "elm", PASSWORD, token).await.unwrap();
    let (mut elm, recovery) = (elm.person, elm.recovery);
    let home = elm.create_home("12 Elm Street", "Europe/Berlin").await.unwrap();
    let invitation = elm.invite(home, &Slot::owner_rights()).await.unwrap();
    let ticket = Some(Ticket::Invitation(invitation.ticket()));
    let oak = Person::sign_up(api.fresh(), world.clone(), "oak", PASSWORD, ticket).await.unwrap().person;
    oak.accept(&invitation).await.unwrap();

    oak.leave(home).await.unwrap();
    not_found(oak.home(home).await);
    assert!(elm.home(home).await.unwrap().rotation_due);
    elm.rotate(home).await.unwrap();
    assert!(!elm.home(home).await.unwrap().rotation_due);
    let open = elm.open_home(home).await.unwrap();
    assert_eq!((open.epoch(), open.chain.head().entry().slots.len()), (EpochNo(2), 1));
    assert_eq!(elm.home_name(home).await.unwrap(), "12 Elm Street");

    // A new password, and then none remembered.
    elm.change_password(PASSWORD, "slate on the roof").await.unwrap();
    assert!(Person::sign_in(api.fresh(), world.clone(), "elm", PASSWORD).await.is_err());
    let text = recovery.text();
    let code: RecoveryCode = text.parse().unwrap();
    let recovered = Person::recover(api.fresh(), world.clone(), "elm", &code, "moss").await.unwrap().person;
    assert_eq!(recovered.home_name(home).await.unwrap(), "12 Elm Street");
    assert!(Person::recover(api.fresh(), world.clone(), "elm", &code, "moss").await.is_err());
    assert_eq!(elm.homes().await.unwrap_err().status(), Some(StatusCode::UNAUTHORIZED));
    Person::sign_in(api.fresh(), world, "elm", "moss").await.unwrap();
    cloud.stop().await;
}
