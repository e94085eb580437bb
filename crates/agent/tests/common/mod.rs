//! A small server of the agent's API on a real socket, with one home, an owner who admits agents and opens what they sealed, and
//! faults on demand. It is strict where the agent must be right, and wrong where a test wants it to be.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(
    clippy::disallowed_methods,
    reason = "this is not the service: it answers as a test wants, without the gate"
)]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use keepsight_ids::*;
use keepsight_seal::*;
use keepsight_wire::agent::*;
use keepsight_wire::{ErrorBody, ErrorInfo, Signed};
use keepsight_world::World;

/// What a request meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// This status, with nothing done.
    Status(u16, Option<u64>),
    /// The connection breaks, with nothing done.
    Broken,
    /// The connection breaks after all was done: the answer is lost.
    AnswerLost,
    /// Done, but the answer is not JSON.
    Garbled,
    /// Not stored, and acknowledged with another hash.
    WrongHash,
}

type Faults = Box<dyn FnMut(&str) -> Fault + Send>;

/// The server.
#[derive(Clone)]
pub struct TestCloud {
    inner: Arc<Mutex<Inner>>,
}

pub struct Inner {
    pub world: World,
    pub home: HomeId,
    pub owner: AccountKeys,
    pub slot: SlotId,
    pub chain: Chain,
    pub secrets: EpochSecrets,
    /// What is shown instead of the chain.
    pub shown: Option<Vec<Signed>>,
    /// How many entries come in one answer.
    pub chain_page: usize,
    /// What status says instead of the chain's highest entry.
    pub shown_seq: Option<u64>,
    pub tls: Option<B32>,
    pub agents: HashMap<AgentId, SignPublic>,
    pub tokens: HashMap<String, AgentId>,
    pub pairings: HashMap<String, Pairing>,
    pub cameras: BTreeMap<CameraId, Signed>,
    pub headers: BTreeMap<EventId, (CameraId, Signed)>,
    pub segments: BTreeMap<(EventId, SegmentKind, SegmentNo), Bytes>,
    pub gaps: BTreeMap<GapId, (CameraId, GapPut)>,
    pub off: HashSet<CameraId>,
    pub deleted: HashSet<EventId>,
    pub status: Option<Status>,
    pub clock_ahead_ms: i64,
    pub requests: Vec<String>,
    faults: Faults,
}

pub struct Pairing {
    code: PairingCode,
    offer: Vec<u8>,
    mac: B32,
    pub answer: Option<PairingAnswer>,
}

impl TestCloud {
    pub fn new(tls: Option<B32>) -> Self {
        let world = World::real();
        let owner = AccountKeys::random(&mut world.rng());
        let (home, slot) = (HomeId::from_bytes(world.random()), SlotId::from_bytes(world.random()));
        let account = AccountId::from_bytes(world.random());
        let founded =
            found_home(home, slot, account, &owner, UnixMillis(world.unix_millis()), &mut world.rng())
                .unwrap();
        let mut secrets = EpochSecrets::none(home);
        secrets.add(&founded.chain, EpochNo(1), founded.secret).unwrap();
        let inner = Inner {
            home,
            owner,
            slot,
            chain: founded.chain,
            secrets,
            shown: None,
            chain_page: 1000,
            shown_seq: None,
            tls,
            agents: HashMap::new(),
            tokens: HashMap::new(),
            pairings: HashMap::new(),
            cameras: BTreeMap::new(),
            headers: BTreeMap::new(),
            segments: BTreeMap::new(),
            gaps: BTreeMap::new(),
            off: HashSet::new(),
            deleted: HashSet::new(),
            status: None,
            clock_ahead_ms: 0,
            requests: Vec::new(),
            faults: Box::new(|_| Fault::None),
            world,
        };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub fn set_faults(&self, faults: impl FnMut(&str) -> Fault + Send + 'static) {
        self.lock().faults = Box::new(faults);
    }

    /// Begins to listen; requests are answered until the runtime ends.
    pub async fn listen(&self) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = self.router();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        address
    }

    /// The same with TLS under this certificate.
    pub fn listen_tls(&self, config: rustls::ServerConfig) -> SocketAddr {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap();
        let config = axum_server::tls_rustls::RustlsConfig::from_config(Arc::new(config));
        let server = axum_server::from_tcp_rustls(socket, config).unwrap();
        let router = self.router();
        tokio::spawn(server.serve(router.into_make_service()));
        address
    }

    pub fn router(&self) -> Router {
        Router::new().fallback(serve).with_state(self.clone())
    }

    // The owner.

    /// A pairing code, as the owner's browser makes it.
    pub fn code(&self) -> String {
        let mut inner = self.lock();
        let code = PairingCode::random(&mut inner.world.rng());
        let genesis = inner.chain.entries()[0].hash();
        let sign = inner.owner.sign.public();
        let offer = Offer { v: V1, home: inner.home, genesis, slot: inner.slot, sign, tls: inner.tls };
        let (offer, mac) = offer.seal(&code.key());
        let text = code.text().to_string();
        inner.pairings.insert(code.lookup(), Pairing { code, offer, mac, answer: None });
        text
    }

    /// The owner's browser puts every agent that has answered into the chain.
    pub fn admit(&self) -> usize {
        let mut inner = self.lock();
        let mut admitted = 0;
        for pairing in std::mem::take(&mut inner.pairings).into_values() {
            let Some(answer) = pairing.answer else { continue };
            let answer =
                Answer::open(&pairing.code.key(), &pairing.offer, &answer.answer.0, &answer.mac).unwrap();
            inner.append(|draft| {
                draft.add_agent(answer.agent, answer.sign);
            });
            inner.agents.insert(answer.agent, answer.sign);
            admitted += 1;
        }
        admitted
    }

    /// The owner's browser begins a new epoch.
    pub fn rotate(&self) {
        let mut inner = self.lock();
        let head = inner.chain.head().clone();
        let epoch = head.entry().epoch;
        let mut draft = Draft::after(&head, inner.slot);
        let (secret, _) = draft.rotate(inner.secrets.get(epoch).unwrap(), &mut inner.world.rng()).unwrap();
        let entry = draft.sign(&inner.owner.sign).unwrap();
        inner.chain.extend(&[entry.signed().clone()]).unwrap();
        let chain = inner.chain.clone();
        inner.secrets.add(&chain, epoch.next(), secret).unwrap();
    }

    /// Opens an Event as the owner's browser does, part by part, and compares it with its trailer. Returns its epoch.
    pub fn open_event(&self, event: EventId) -> Result<EpochNo, SealError> {
        let inner = self.lock();
        let (camera, signed) = &inner.headers[&event];
        let asked = Asked { home: inner.home, camera: *camera, event };
        let header = EventHeader::verify(signed, &inner.chain, &asked)?;
        let opener = header.open(&inner.secrets)?;
        let mut counts = Counts::default();
        let mut trailer = None;
        for ((_, kind, number), sealed) in inner.segments.range((event, SegmentKind::Init, SegmentNo(0))..) {
            let Ok(opened) = opener.open(*kind, *number, sealed) else { break };
            match kind {
                SegmentKind::Trailer => trailer = Some(Trailer::parse(&opened)?),
                kind => counts.add(*kind),
            }
        }
        assert_eq!(trailer.expect("the Event is complete").counts, counts);
        Ok(header.header().epoch)
    }

    pub fn has_complete_event(&self) -> Option<EventId> {
        let inner = self.lock();
        let trailer = |(&(event, kind, _), _): (&(EventId, SegmentKind, SegmentNo), _)| {
            (kind == SegmentKind::Trailer).then_some(event)
        };
        inner.segments.iter().find_map(trailer)
    }
}

impl Inner {
    pub fn append(&mut self, change: impl FnOnce(&mut Draft<'_>)) {
        let head = self.chain.head().clone();
        let mut draft = Draft::after(&head, self.slot);
        change(&mut draft);
        let entry = draft.sign(&self.owner.sign).unwrap();
        self.chain.extend(&[entry.signed().clone()]).unwrap();
    }

    pub fn entries(&self) -> Vec<Signed> {
        self.chain.entries().iter().map(|entry| entry.signed().clone()).collect()
    }

    fn now(&self) -> UnixMillis {
        UnixMillis(self.world.unix_millis() + self.clock_ahead_ms)
    }
}

async fn serve(State(cloud): State<TestCloud>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let bearer =
        parts.headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let bearer = bearer.map(str::to_owned);
    let body = axum::body::to_bytes(body, 32 << 20).await.unwrap();
    let fault = {
        let mut inner = cloud.lock();
        inner.requests.push(path.clone());
        (inner.faults)(&path)
    };
    match fault {
        Fault::Status(status, retry) => {
            let mut response = refuse(status, "fault");
            if let Some(seconds) = retry {
                response.headers_mut().insert("retry-after", seconds.into());
            }
            return response;
        }
        Fault::Broken => return broken(),
        Fault::WrongHash if path.contains("/segments/") || path.contains("/events/") => {
            return wrong_hash(&path);
        }
        _ => {}
    }
    let answer = answer(&mut cloud.lock(), &path, &query, bearer.as_deref(), &body);
    match fault {
        Fault::AnswerLost => broken(),
        Fault::Garbled => Response::new(Body::from("<html>")),
        _ => answer,
    }
}

fn broken() -> Response {
    let failing = futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("broken")) });
    Response::new(Body::from_stream(failing))
}

fn refuse(status: u16, code: &str) -> Response {
    let error = ErrorInfo { code: code.into(), message: "as the test wants".into(), request: "r".into() };
    let body = serde_json::to_vec(&ErrorBody { error }).unwrap();
    Response::builder().status(status).body(Body::from(body)).unwrap()
}

fn ok<T: serde::Serialize>(value: &T) -> Response {
    Response::new(Body::from(serde_json::to_vec(value).unwrap()))
}

fn wrong_hash(path: &str) -> Response {
    let parts: Vec<&str> = path.split('/').collect();
    let event = parts[6].parse().unwrap();
    match parts.get(8..10) {
        Some([kind, number]) => {
            let (kind, number) = (kind.parse().unwrap(), SegmentNo(number.parse().unwrap()));
            ok(&SegmentAck { event, kind, number, sha256: B32([0; 32]) })
        }
        _ => ok(&EventAck { event, sha256: B32([0; 32]) }),
    }
}

fn answer(inner: &mut Inner, path: &str, query: &str, bearer: Option<&str>, body: &Bytes) -> Response {
    let parts: Vec<&str> = path.trim_start_matches("/agent/v1/").split('/').collect();
    match parts[..] {
        ["pairings", lookup, "open"] => return pairing_offer(inner, lookup),
        ["pairings", lookup, "answer"] => return pairing_answer(inner, lookup, body),
        ["challenge"] => return ok(&Challenge { challenge: B64(inner.world.random::<32>().to_vec()) }),
        ["session"] => return session(inner, body),
        _ => {}
    }
    if !bearer.is_some_and(|token| inner.tokens.contains_key(token)) {
        return refuse(401, "sign_in_needed");
    }
    match parts[..] {
        ["chain"] => {
            let after = query.strip_prefix("after=").map_or(0, |seq| seq.parse::<usize>().unwrap() + 1);
            let entries = inner.shown.clone().unwrap_or_else(|| inner.entries());
            ok(&AgentChain { entries: entries.into_iter().skip(after).take(inner.chain_page).collect() })
        }
        ["status"] => {
            inner.status = Some(serde_json::from_slice(body).unwrap());
            let chain_seq = inner.shown_seq.unwrap_or(inner.chain.head().entry().seq);
            ok(&StatusAck {
                now: inner.now(),
                chain_seq,
                off: inner.off.iter().copied().collect(),
                removed: vec![],
            })
        }
        ["cameras", camera] => {
            let put: CameraPut = serde_json::from_slice(body).unwrap();
            inner.cameras.insert(camera.parse().unwrap(), put.name);
            ok(&())
        }
        ["cameras", camera, "events", event] => {
            let (camera, event) = (camera.parse().unwrap(), event.parse().unwrap());
            store_header(inner, camera, event, body)
        }
        ["cameras", _, "events", event, "segments", kind, number] => {
            let key = (event.parse().unwrap(), kind.parse().unwrap(), SegmentNo(number.parse().unwrap()));
            store_segment(inner, key, body)
        }
        ["cameras", camera, "gaps", gap] => {
            let put = serde_json::from_slice(body).unwrap();
            inner.gaps.insert(gap.parse().unwrap(), (camera.parse().unwrap(), put));
            Response::builder().status(204).body(Body::empty()).unwrap()
        }
        _ => refuse(404, "not_found"),
    }
}

fn pairing_offer(inner: &Inner, lookup: &str) -> Response {
    match inner.pairings.get(lookup) {
        Some(pairing) => ok(&PairingOffer { offer: B64(pairing.offer.clone()), mac: pairing.mac }),
        None => refuse(404, "not_found"),
    }
}

fn pairing_answer(inner: &mut Inner, lookup: &str, body: &Bytes) -> Response {
    match inner.pairings.get_mut(lookup) {
        Some(pairing) if pairing.answer.is_none() => {
            pairing.answer = Some(serde_json::from_slice(body).unwrap());
            ok(&())
        }
        _ => refuse(409, "conflict"),
    }
}

fn session(inner: &mut Inner, body: &Bytes) -> Response {
    let open: SessionOpen = serde_json::from_slice(body).unwrap();
    let Some(key) = inner.agents.get(&open.agent) else { return refuse(401, "wrong_sign_in") };
    if verify_session(key, &open.challenge.0, inner.tls, &open.signature).is_err() {
        return refuse(401, "wrong_sign_in");
    }
    let token = B64(inner.world.random::<32>().to_vec()).to_string();
    inner.tokens.insert(token.clone(), open.agent);
    ok(&AgentSession { token, expires: inner.now().plus_ms(3_600_000), now: inner.now() })
}

fn store_header(inner: &mut Inner, camera: CameraId, event: EventId, body: &Bytes) -> Response {
    let signed: Signed = serde_json::from_slice(body).unwrap();
    if inner.deleted.contains(&event) {
        return refuse(410, "gone");
    }
    let sha256 = sha256(&signed.body.0);
    match inner.headers.get(&event) {
        Some(known) if *known != (camera, signed.clone()) => return refuse(409, "conflict"),
        Some(_) => {}
        None => drop(inner.headers.insert(event, (camera, signed))),
    }
    ok(&EventAck { event, sha256 })
}

fn store_segment(inner: &mut Inner, key: (EventId, SegmentKind, SegmentNo), body: &Bytes) -> Response {
    let (event, kind, number) = key;
    if inner.deleted.contains(&event) {
        return refuse(410, "gone");
    }
    if !inner.headers.contains_key(&event) {
        return refuse(404, "not_found");
    }
    match inner.segments.get(&key) {
        Some(known) if known != body => return refuse(409, "conflict"),
        Some(_) => {}
        None => drop(inner.segments.insert(key, body.clone())),
    }
    ok(&SegmentAck { event, kind, number, sha256: sha256(body) })
}

/// Waits until it is so, and fails with `what` when it takes too long.
pub async fn eventually<T>(what: &str, seconds: u64, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let until = std::time::Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(std::time::Instant::now() < until, "not within {seconds} s: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A self-signed certificate: its hash, and a server's configuration with it.
pub fn certificate() -> (B32, rustls::ServerConfig) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let der = made.cert.der().clone();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let hash = sha256(&der);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![der], key)
        .unwrap();
    (hash, config)
}
