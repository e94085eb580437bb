//! A real server on real stores in a temporary folder, asked through its router, and homes founded on it as browsers and agents do.

#![allow(dead_code, reason = "each test file uses its part")]

mod cut;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use keepsight_cloud::example::{ExampleBody, ExampleRequest, Stage};
use keepsight_cloud::{Cloud, CloudConfig, Limits, Rate};
use keepsight_ids::{
    AccountId, AgentId, B32, B64, CameraId, EventId, HomeId, SegmentKind, SegmentNo, SlotId, UnixMillis,
};
use keepsight_seal::{
    AccountKeys, Answer, Chain, Draft, EpochSecret, EventSealer, Invitation, NamedBy, Offer, PairingCode,
    SignSecret, Slot, Subject, found_home, make_name, seal_to_slot, sign_session,
};
use keepsight_store::truth::HomeLimits;
use keepsight_store::{Objects, Reserve, SqliteRecords, SqliteTruth};
use keepsight_wire::agent::{AgentSession, CameraPut, Challenge, PairingAnswer, PairingOffer, SessionOpen};
use keepsight_wire::people::{
    Account, ChainAppend, Credentials, InvitationAccept, NewHome, NewInvitation, NewPairing,
    PasswordParameters, RecoveryCredentials, Right, SignIn, SignUp, SignUpPolicy, Ticket,
};
use keepsight_wire::{EpochPackage, ErrorBody, Signed};
use keepsight_world::World;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt;

pub struct Server {
    pub folder: tempfile::TempDir,
    pub world: World,
    pub cloud: Arc<Cloud>,
    pub truth: Arc<SqliteTruth>,
    /// Between the cloud and its truth.
    pub line: Arc<Cut>,
    pub objects: Objects,
    pub router: Router,
}

/// Limits that a test which isn't about them never meets.
pub fn no_limits() -> Limits {
    let rate = Rate::new(100_000, std::time::Duration::from_millis(1));
    Limits {
        unknown_credentials: rate,
        sign_in: rate,
        sign_up: rate,
        look_up: rate,
        agents_per_second: 100_000,
        agent_sessions: rate,
        ..Limits::default()
    }
}

pub fn config(folder: &Path) -> CloudConfig {
    let mut config = CloudConfig::new(SocketAddr::from(([127, 0, 0, 1], 0)), folder.join("cloud"));
    config.limits = no_limits();
    config.sign_up = SignUpPolicy::Open;
    config
}

impl Server {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut CloudConfig)) -> Self {
        Self::with_reserve(Reserve::NONE, change).await
    }

    pub async fn with_reserve(reserve: Reserve, change: impl FnOnce(&mut CloudConfig)) -> Self {
        Self::build(reserve, HomeLimits::default(), change).await
    }

    /// Homes made here have these limits.
    pub async fn with_home_limits(limits: HomeLimits) -> Self {
        Self::build(Reserve::NONE, limits, |_| {}).await
    }

    async fn build(reserve: Reserve, limits: HomeLimits, change: impl FnOnce(&mut CloudConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        change(&mut config);
        let world = World::real();
        let truth = open_truth(folder.path(), &world, limits);
        let records =
            Arc::new(SqliteRecords::open(&folder.path().join("records.db"), world.clone()).unwrap());
        let objects = Objects::open_folder(&folder.path().join("objects"), reserve, world.clone()).unwrap();
        let line = Arc::new(Cut::new(truth.clone()));
        let cloud =
            Cloud::prepare(config, world.clone(), line.clone(), records, objects.clone()).await.unwrap();
        let router = cloud.router();
        Self { folder, world, cloud, truth, line, objects, router }
    }

    pub async fn ask(&self, request: Request<Body>) -> Reply {
        let (parts, body) = self.raw(request).await.into_parts();
        Reply { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
    }

    pub async fn raw(&self, mut request: Request<Body>) -> axum::response::Response {
        if request.extensions().get::<ConnectInfo<SocketAddr>>().is_none() {
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 40_000))));
        }
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn send(&self, who: &Who, method: Method, path: &str, body: &ExampleBody) -> Reply {
        self.ask(request(who, method, path, body)).await
    }

    pub async fn get(&self, who: &Who, path: &str) -> Reply {
        self.send(who, Method::GET, path, &ExampleBody::Nothing).await
    }

    pub async fn post<T: Serialize>(&self, who: &Who, path: &str, body: &T) -> Reply {
        self.send(who, Method::POST, path, &json(body)).await
    }

    pub async fn put<T: Serialize>(&self, who: &Who, path: &str, body: &T) -> Reply {
        self.send(who, Method::PUT, path, &json(body)).await
    }

    pub async fn delete(&self, who: &Who, path: &str) -> Reply {
        self.send(who, Method::DELETE, path, &ExampleBody::Nothing).await
    }

    pub async fn example(&self, who: &Who, method: Method, example: &ExampleRequest) -> Reply {
        self.send(who, method, &example.path, &example.body).await
    }

    pub async fn person(&self, name: &str) -> Person {
        let ticket = self.cloud.setup_token().map(|token| Ticket::Setup(token.to_owned()));
        let person = Person::new(&self.world, name);
        let mut reply = self.post(&Who::Nobody, "/api/v1/sign-up", &person.sign_up(ticket.clone())).await;
        if reply.status != StatusCode::OK {
            reply = self.post(&Who::Nobody, "/api/v1/sign-up", &person.sign_up(None)).await;
        }
        Person { who: Who::Person(reply.cookie()), session: Some(reply.ok::<Account>().session), ..person }
    }

    /// A home with an owner, an agent, a camera and one whole Event.
    pub async fn home(&self, name: &str) -> Household {
        let owner = self.person(name).await;
        Household::found(self, owner).await
    }
}

#[allow(unused_imports, reason = "each test file uses its part")]
pub use ExampleBody::Nothing as ExampleNothing;
#[allow(unused_imports, reason = "each test file uses its part")]
pub use cut::{Cut, Line};

fn open_truth(folder: &Path, world: &World, limits: HomeLimits) -> Arc<SqliteTruth> {
    let truth = SqliteTruth::open(&folder.join("truth.db"), world.clone()).unwrap().with_limits(limits);
    Arc::new(truth.with_journal(&folder.join("revocations")).unwrap())
}

/// A second server process on the stores of the first.
pub async fn beside(server: &Server, reserve: Reserve) -> Server {
    let world = server.world.clone();
    let path = server.folder.path();
    let truth = open_truth(path, &world, HomeLimits::default());
    let records = Arc::new(SqliteRecords::open(&path.join("records.db"), world.clone()).unwrap());
    let objects = Objects::open_folder(&path.join("objects"), reserve, world.clone()).unwrap();
    let line = Arc::new(Cut::new(truth.clone()));
    let cloud =
        Cloud::prepare(config(path), world.clone(), line.clone(), records, objects.clone()).await.unwrap();
    let router = cloud.router();
    Server { folder: tempfile::tempdir().unwrap(), world, cloud, truth, line, objects, router }
}

pub fn json<T: Serialize>(body: &T) -> ExampleBody {
    ExampleBody::Json(serde_json::to_value(body).unwrap())
}

pub fn request(who: &Who, method: Method, path: &str, body: &ExampleBody) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost:8420");
    request = match who {
        Who::Nobody => request,
        Who::Person(token) => request.header("cookie", format!("ks_session={token}")),
        Who::Agent(token) => request.header("authorization", format!("Bearer {token}")),
    };
    match body {
        ExampleBody::Nothing => request.body(Body::empty()),
        ExampleBody::Json(value) => {
            request.header("content-type", "application/json").body(Body::from(value.to_string()))
        }
        ExampleBody::Bytes(bytes) => {
            request.header("content-type", "application/octet-stream").body(Body::from(bytes.clone()))
        }
    }
    .unwrap()
}

/// Whose credential a request shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Who {
    Nobody,
    Person(String),
    Agent(String),
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    /// The body of a success.
    #[track_caller]
    pub fn ok<T: DeserializeOwned>(&self) -> T {
        assert!(self.status.is_success(), "{} {}", self.status, self.text());
        serde_json::from_slice(&self.body).unwrap()
    }

    #[track_caller]
    pub fn done(&self) {
        assert!(self.status.is_success(), "{} {}", self.status, self.text());
    }

    /// Status and code of a refusal.
    #[track_caller]
    pub fn refusal(&self) -> (u16, String) {
        let body: ErrorBody =
            serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{} {}", self.status, self.text()));
        (self.status.as_u16(), body.error.code)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn cookie(&self) -> String {
        let line =
            self.headers.get("set-cookie").unwrap_or_else(|| panic!("{} {}", self.status, self.text()));
        let line = line.to_str().unwrap();
        line.split(';').next().unwrap().strip_prefix("ks_session=").unwrap().to_owned()
    }

    /// Everything that a client can tell answers apart by, but the request's number.
    pub fn traits(&self) -> (StatusCode, Vec<(String, String)>, String) {
        let ignored = ["x-request-id", "date"];
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .filter(|(name, _)| !ignored.contains(&name.as_str()))
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        headers.sort();
        let id =
            self.headers.get("x-request-id").map(|id| id.to_str().unwrap().to_owned()).unwrap_or_default();
        (self.status, headers, self.text().replace(&id, "-"))
    }
}

pub struct Person {
    pub account: AccountId,
    pub name: String,
    pub keys: AccountKeys,
    pub login: B32,
    pub recovery_login: B32,
    pub who: Who,
    pub session: Option<keepsight_ids::SessionId>,
}

impl Person {
    pub fn new(world: &World, name: &str) -> Self {
        Self {
            account: AccountId::from_bytes(world.random()),
            name: name.to_owned(),
            keys: AccountKeys::random(&mut world.rng()),
            login: B32(world.random()),
            recovery_login: B32(world.random()),
            who: Who::Nobody,
            session: None,
        }
    }

    pub fn sign_up(&self, ticket: Option<Ticket>) -> SignUp {
        SignUp {
            account: self.account,
            name: self.name.clone(),
            password: Credentials {
                parameters: PasswordParameters { salt: B64(vec![1; 16]), iterations: 600_000 },
                login: self.login,
                wrapped: B64(vec![2; 92]),
            },
            recovery: RecoveryCredentials { login: self.recovery_login, wrapped: B64(vec![3; 92]) },
            kem: self.keys.kem.public().0,
            sign: self.keys.sign.public().0,
            ticket,
        }
    }

    pub fn sign_in(&self) -> SignIn {
        SignIn { name: self.name.clone(), login: self.login }
    }
}

/// A home as its owner and its agent know it.
pub struct Household {
    pub owner: Person,
    pub home: HomeId,
    pub slot: SlotId,
    pub chain: Chain,
    pub secret: EpochSecret,
    pub agent: AgentId,
    pub agent_key: SignSecret,
    pub agent_who: Who,
    pub camera: CameraId,
    pub event: EventId,
    /// The sealed bytes of the Event's segments.
    pub segments: Vec<(SegmentKind, SegmentNo, Vec<u8>)>,
}

impl Household {
    async fn found(server: &Server, owner: Person) -> Self {
        let world = &server.world;
        let now = UnixMillis(world.unix_millis());
        let (home, slot) = (HomeId::from_bytes(world.random()), SlotId::from_bytes(world.random()));
        let mut rng = world.rng();
        let founded = found_home(home, slot, owner.account, &owner.keys, now, &mut rng).unwrap();
        let by = NamedBy::Slot(slot);
        let name =
            make_name(&founded.chain, Subject::Home(home), by, &owner.keys.sign, &owner.name, now, &mut rng)
                .unwrap();
        let genesis = founded.chain.head().signed().clone();
        let body =
            NewHome { home, genesis, epoch: founded.epoch, name, time_zone: "Europe/Berlin".to_owned() };
        server.post(&owner.who, "/api/v1/homes", &body).await.done();
        let mut household = Self {
            owner,
            home,
            slot,
            chain: founded.chain,
            secret: founded.secret,
            agent: AgentId::from_bytes(world.random()),
            agent_key: SignSecret::random(&mut rng),
            agent_who: Who::Nobody,
            camera: CameraId::from_bytes(world.random()),
            event: EventId::from_bytes(world.random()),
            segments: Vec::new(),
        };
        household.pair(server).await;
        household.agent_who = household.agent_session(server).await;
        household.put_camera(server, household.camera).await;
        let (event, segments) = household.record(server, household.camera, now).await;
        (household.event, household.segments) = (event, segments);
        household
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/api/v1/homes/{}{rest}", self.home)
    }

    pub fn camera_path(&self, rest: &str) -> String {
        self.path(&format!("/cameras/{}{rest}", self.camera))
    }

    pub fn event_path(&self, rest: &str) -> String {
        self.camera_path(&format!("/events/{}{rest}", self.event))
    }

    async fn pair(&mut self, server: &Server) {
        let code = PairingCode::random(&mut server.world.rng());
        self.offer(server, &code).await;
        let lookup = code.lookup();
        let path = format!("/agent/v1/pairings/{lookup}");
        let reply =
            server.send(&Who::Nobody, Method::POST, &format!("{path}/open"), &ExampleBody::Nothing).await;
        let offer: PairingOffer = reply.ok();
        Offer::open(&code.key(), &offer.offer.0, &offer.mac).unwrap();
        let (answer, mac) =
            Answer::to(&offer.offer.0, self.agent, self.agent_key.public(), None).seal(&code.key());
        server
            .post(&Who::Nobody, &format!("{path}/answer"), &PairingAnswer { answer: B64(answer), mac })
            .await
            .done();
        let (agent, key) = (self.agent, self.agent_key.public());
        self.append(
            server,
            |draft| {
                draft.add_agent(agent, key);
            },
            None,
            None,
            Some(lookup),
        )
        .await
        .done();
    }

    pub async fn offer(&self, server: &Server, code: &PairingCode) {
        let offer = Offer {
            v: keepsight_seal::V1,
            home: self.home,
            genesis: self.chain.pin().genesis,
            slot: self.slot,
            sign: self.owner.keys.sign.public(),
            tls: None,
        };
        let (offer, mac) = offer.seal(&code.key());
        let body = NewPairing { lookup: code.lookup(), offer: B64(offer), mac };
        server.post(&self.owner.who, &self.path("/pairings"), &body).await.done();
    }

    /// Appends the owner's entry; the household's own chain follows when the server takes it.
    pub async fn append(
        &mut self,
        server: &Server,
        change: impl FnOnce(&mut Draft<'_>),
        epoch: Option<EpochPackage>,
        invitation: Option<NewInvitation>,
        pairing: Option<String>,
    ) -> Reply {
        let mut draft = Draft::after(self.chain.head(), self.slot);
        change(&mut draft);
        let entry = draft.sign(&self.owner.keys.sign).unwrap().signed().clone();
        let body = ChainAppend {
            entry: entry.clone(),
            epoch,
            invitation,
            pairing,
            names: Vec::new(),
            resealed: None,
        };
        let reply = server.post(&self.owner.who, &self.path("/chain"), &body).await;
        if reply.status.is_success() {
            self.chain.extend(&[entry]).unwrap();
        }
        reply
    }

    pub async fn invite(&mut self, server: &Server, rights: &[Right]) -> Invitation {
        let now = UnixMillis(server.world.unix_millis());
        let mut rng = server.world.rng();
        let slot = SlotId::from_bytes(server.world.random());
        let invitation = Invitation::random(self.home, slot, self.chain.pin().genesis, &mut rng);
        let pending = Slot::pending(&invitation, rights, now);
        let epoch = self.chain.head().entry().epoch;
        let sealed = seal_to_slot(self.home, epoch, slot, &pending.kem, &self.secret, &mut rng).unwrap();
        let new = NewInvitation { slot, token_hash: invitation.token_hash(), sealed };
        self.append(
            server,
            |draft| {
                draft.add(pending);
            },
            None,
            Some(new),
            None,
        )
        .await
        .done();
        invitation
    }

    pub async fn accept(&mut self, server: &Server, invitation: &Invitation, person: &Person) -> Reply {
        let mut draft = Draft::after(self.chain.head(), invitation.slot);
        let entry =
            draft.accept(person.account, &person.keys).sign(&invitation.sign()).unwrap().signed().clone();
        let epoch = self.chain.head().entry().epoch;
        let kem = person.keys.kem.public();
        let sealed =
            seal_to_slot(self.home, epoch, invitation.slot, &kem, &self.secret, &mut server.world.rng())
                .unwrap();
        let body = InvitationAccept { ticket: invitation.ticket(), entry: entry.clone(), sealed };
        let reply = server.post(&person.who, "/api/v1/invitations/accept", &body).await;
        if reply.status.is_success() {
            self.chain.extend(&[entry]).unwrap();
        }
        reply
    }

    pub async fn member(&mut self, server: &Server, name: &str, rights: &[Right]) -> (Person, SlotId) {
        let invitation = self.invite(server, rights).await;
        let person = server.person(name).await;
        self.accept(server, &invitation, &person).await.done();
        (person, invitation.slot)
    }

    /// Removes somebody and begins a new epoch, as an owner's browser does.
    pub async fn remove(&mut self, server: &Server, slot: SlotId) {
        let mut draft = Draft::after(self.chain.head(), self.slot);
        draft.remove(slot);
        let (secret, package) = draft.rotate(&self.secret, &mut server.world.rng()).unwrap();
        let entry = draft.sign(&self.owner.keys.sign).unwrap().signed().clone();
        let body = ChainAppend {
            entry: entry.clone(),
            epoch: Some(package),
            invitation: None,
            pairing: None,
            names: Vec::new(),
            resealed: None,
        };
        server.post(&self.owner.who, &self.path("/chain"), &body).await.done();
        self.chain.extend(&[entry]).unwrap();
        self.secret = secret;
    }

    pub async fn agent_session(&self, server: &Server) -> Who {
        let reply =
            server.send(&Who::Nobody, Method::POST, "/agent/v1/challenge", &ExampleBody::Nothing).await;
        let challenge = reply.ok::<Challenge>().challenge;
        let signature = sign_session(&self.agent_key, &challenge.0, None);
        let body = SessionOpen { agent: self.agent, challenge, signature };
        Who::Agent(server.post(&Who::Nobody, "/agent/v1/session", &body).await.ok::<AgentSession>().token)
    }

    pub async fn put_camera(&self, server: &Server, camera: CameraId) {
        let now = UnixMillis(server.world.unix_millis());
        let (subject, by) = (Subject::Camera(camera), NamedBy::Agent(self.agent));
        let name = make_name(&self.chain, subject, by, &self.agent_key, "Hall", now, &mut server.world.rng())
            .unwrap();
        server.put(&self.agent_who, &format!("/agent/v1/cameras/{camera}"), &CameraPut { name }).await.done();
    }

    pub fn header(
        &self,
        server: &Server,
        camera: CameraId,
        at: UnixMillis,
    ) -> (EventId, Signed, EventSealer) {
        let event = EventId::from_bytes(server.world.random());
        let mut rng = server.world.rng();
        let (signed, sealer) =
            EventSealer::begin(&self.chain, self.agent, &self.agent_key, camera, event, at, true, &mut rng)
                .unwrap();
        (event, signed, sealer)
    }

    /// Records and uploads a whole Event.
    pub async fn record(
        &self,
        server: &Server,
        camera: CameraId,
        at: UnixMillis,
    ) -> (EventId, Vec<(SegmentKind, SegmentNo, Vec<u8>)>) {
        let (event, signed, mut sealer) = self.header(server, camera, at);
        let path = format!("/agent/v1/cameras/{camera}/events/{event}");
        server.put(&self.agent_who, &path, &signed).await.done();
        let kinds = [
            SegmentKind::Init,
            SegmentKind::Video,
            SegmentKind::Thumbnail,
            SegmentKind::Preview,
            SegmentKind::Card,
        ];
        let mut segments: Vec<_> = kinds
            .iter()
            .map(|kind| (*kind, SegmentNo(0), sealer.seal(*kind, SegmentNo(0), b"what was seen").unwrap()))
            .collect();
        segments.push((SegmentKind::Trailer, SegmentNo(0), sealer.seal_trailer().unwrap()));
        for (kind, number, bytes) in &segments {
            let path = format!("{path}/segments/{kind}/{number}");
            server.send(&self.agent_who, Method::PUT, &path, &ExampleBody::Bytes(bytes.clone())).await.done();
        }
        (event, segments)
    }

    /// A stage for the routes' examples: everything on it exists on the server.
    pub async fn stage(&mut self, server: &Server) -> (Stage, Person) {
        let second =
            server.post(&Who::Nobody, "/api/v1/sign-in", &self.owner.sign_in()).await.ok::<Account>();
        let code = PairingCode::random(&mut server.world.rng());
        self.offer(server, &code).await;
        let invitation = self.invite(server, &Slot::member_rights()).await;
        let invitee =
            server.person(&format!("invitee {}", AccountId::from_bytes(server.world.random()))).await;
        let reply =
            server.send(&Who::Nobody, Method::POST, "/agent/v1/challenge", &ExampleBody::Nothing).await;
        let stage = Stage {
            world: server.world.clone(),
            home: self.home,
            camera: self.camera,
            event: self.event,
            segment: (SegmentKind::Thumbnail, SegmentNo(0)),
            session: second.session,
            account: self.owner.account,
            name: self.owner.name.clone(),
            login: self.owner.login,
            recovery_login: self.owner.recovery_login,
            keys: self.owner.keys.clone(),
            slot: self.slot,
            chain: self.chain.clone(),
            epoch: self.secret.clone(),
            invitation,
            invitee: (invitee.account, invitee.keys.clone()),
            agent: self.agent,
            agent_key: self.agent_key.clone(),
            challenge: reply.ok::<Challenge>().challenge,
            tls: None,
            lookup: code.lookup(),
            ticket: None,
        };
        (stage, invitee)
    }
}
