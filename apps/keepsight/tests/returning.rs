//! Two hundred agents come back at once after the server was away: at its pace, with everything, and each to its own home.
//!
//! The agents have no cameras; uploader, spool, sealing, sockets and server are the real ones.

#![allow(clippy::print_stdout, reason = "what a long test measured, and what it had to leave out, is told")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{Answered, PASSWORD, Proxy, all_events, eventually, free_port};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use keepsight_agent::disk::Forgetful;
use keepsight_agent::http::TcpDial;
use keepsight_agent::light::{LightAgent, SealedEvent};
use keepsight_agent::upload::Account;
use keepsight_cloud::{Cloud, CloudConfig, Limits, Rate, RunningCloud};
use keepsight_ids::{AgentId, CameraId, EventId, HomeId, SegmentKind, SegmentNo, UnixMillis};
use keepsight_person::{Api, Person, Trust};
use keepsight_seal::{
    Card, Draft, EventSealer, Label, NamedBy, SignSecret, Subject, V1, Video, make_name, sign_session,
};
use keepsight_store::{Objects, Reserve, SqliteRecords, SqliteTruth};
use keepsight_wire::agent::{AgentSession, CameraPut, Challenge, SessionOpen};
use keepsight_wire::people::{ChainAppend, Purpose, SignUpPolicy, Ticket};
use keepsight_world::World;
use serde_json::json;
use tokio_util::sync::CancellationToken;

const PEOPLE: usize = 4;
const HOMES_EACH: usize = 25;
const AGENTS_EACH: usize = 2;
const AGENTS: usize = PEOPLE * HOMES_EACH * AGENTS_EACH;
/// How many agents the server takes back a second.
const PER_SECOND: u64 = 20;

/// An agent, and the Event that it has to bring home.
struct Returning {
    person: usize,
    home: HomeId,
    camera: CameraId,
    event: EventId,
    picture: String,
    light: LightAgent,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_agents_return_at_once_with_everything() {
    let began = Instant::now();
    let (folder, world, port) =
        (tempfile::tempdir().expect("a temporary folder"), World::real(), free_port());
    let proxy = Proxy::to(port).await;
    let server = start(folder.path(), port, &world, no_limits()).await;
    let people = sign_up(&server, &world).await;
    let mut agents = Vec::new();
    for (person, owner) in people.iter().enumerate() {
        for number in 0..HOMES_EACH {
            agents.extend(settle_in(owner, person, number, proxy.port, &world).await);
        }
    }
    assert_eq!(agents.len(), AGENTS);
    server.stop().await;
    println!("{AGENTS} agents in {} homes set up in {:?}", PEOPLE * HOMES_EACH, began.elapsed());

    let stop = CancellationToken::new();
    let running: Vec<_> = agents
        .iter()
        .map(|agent| {
            let (light, stop) = (agent.light.clone(), stop.clone());
            tokio::spawn(async move { light.run(stop).await })
        })
        .collect();
    // All of them have found nobody.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(agents.iter().all(|agent| !agent.light.is_connected()));
    let limits = Limits { agents_per_second: PER_SECOND, ..Limits::default() };
    let server = start(folder.path(), port, &world, limits).await;
    let back = Instant::now();
    eventually("every agent has brought its Event home", 240, async || {
        for agent in &agents {
            if !agent.light.is_done().await {
                return None;
            }
        }
        Some(())
    })
    .await;
    println!("all had brought their Events home after {:?}", back.elapsed());
    stop.cancel();
    for task in running {
        task.await.expect("it does not panic").expect("the address is one");
    }
    at_its_pace(&proxy.seen(), back);
    for agent in &agents {
        assert_eq!(agent.light.depot().lock().await.quarantined(), 0);
    }
    everything_is_there(&people, &agents).await;
    server.stop().await;
    println!("in all {:?}", began.elapsed());
}

fn no_limits() -> Limits {
    let rate = Rate::new(100_000, Duration::from_millis(1));
    Limits {
        unknown_credentials: rate,
        sign_in: rate,
        sign_up: rate,
        look_up: rate,
        agents_per_second: 100_000,
        ..Limits::default()
    }
}

async fn start(folder: &Path, port: u16, world: &World, limits: Limits) -> RunningCloud {
    let listen = SocketAddr::from(([127, 0, 0, 1], port));
    let mut config = CloudConfig::new(listen, folder.to_owned());
    config.sign_up = SignUpPolicy::Open;
    config.limits = limits;
    let truth = SqliteTruth::open(&folder.join("truth.db"), world.clone()).expect("the truth opens");
    let records = SqliteRecords::open(&folder.join("records.db"), world.clone()).expect("records open");
    let objects = Objects::open_folder(&folder.join("objects"), Reserve::NONE, world.clone());
    let objects = objects.expect("the folder is made");
    let started = Cloud::start(config, world.clone(), Arc::new(truth), Arc::new(records), objects).await;
    started.expect("the server starts")
}

async fn sign_up(server: &RunningCloud, world: &World) -> Vec<Person> {
    let mut ticket = server.cloud().setup_token().map(|token| Ticket::Setup(token.to_owned()));
    let mut people = Vec::new();
    for name in ["elm", "oak", "lane", "mill"] {
        let api = Api::new(&server.url(), Trust::Plain).expect("a loopback address");
        let made = Person::sign_up(api, world.clone(), name, PASSWORD, ticket.take()).await;
        people.push(made.expect("sign-up is open").person);
    }
    people
}

/// One more home, with its agents, each with a camera that the server knows and a sealed Event that it doesn't.
async fn settle_in(owner: &Person, person: usize, number: usize, port: u16, world: &World) -> Vec<Returning> {
    let home =
        owner.create_home(&format!("{number} Elm Street"), "Europe/Berlin").await.expect("it is founded");
    let made: Vec<(AgentId, SignSecret)> = (0..AGENTS_EACH)
        .map(|_| (AgentId::from_bytes(world.random()), SignSecret::random(&mut world.rng())))
        .collect();
    list_agents(owner, home, &made).await;
    let mut agents = Vec::new();
    for (agent, key) in made {
        let camera = CameraId::from_bytes(world.random());
        put_camera(owner, home, (agent, &key), camera, world).await;
        let picture = format!("what {camera} saw at home {home}");
        let sealed = seal(owner, home, (agent, &key), camera, &picture, world).await;
        let server = format!("http://127.0.0.1:{port}").parse().expect("an address");
        let account = Account { server, tls: None, agent, key };
        let open = owner.known_home(home).await.expect("it is open");
        let (seq, epoch) = (open.chain.pin().seq, open.epoch().0);
        let disk = Arc::new(Forgetful::new(seq));
        let light = LightAgent::new(account, (seq, epoch), disk, Arc::new(TcpDial), 1 << 30, world.clone());
        let light = light.expect("the disk is in memory");
        let event = sealed.event;
        light.add(sealed).await.expect("the spool takes it");
        agents.push(Returning { person, home, camera, event, picture, light });
    }
    agents
}

/// What pairing ends with: the owner's entry that lists the agents' keys.
async fn list_agents(owner: &Person, home: HomeId, agents: &[(AgentId, SignSecret)]) {
    let open = owner.known_home(home).await.expect("it is open");
    let mut draft = Draft::after(open.chain.head(), open.slot);
    for (agent, key) in agents {
        draft.add_agent(*agent, key.public());
    }
    let entry = draft.sign(&owner.keys().expect("unlocked").sign).expect("an owner may list agents");
    let entry = entry.signed().clone();
    let body = ChainAppend {
        entry,
        epoch: None,
        invitation: None,
        pairing: None,
        names: Vec::new(),
        resealed: None,
    };
    let _: serde_json::Value =
        owner.api().post(&format!("/homes/{home}/chain"), &body).await.expect("it is taken");
    owner.open_home(home).await.expect("its chain is right");
}

async fn put_camera(
    owner: &Person,
    home: HomeId,
    (agent, key): (AgentId, &SignSecret),
    camera: CameraId,
    world: &World,
) {
    let api = owner.api().fresh();
    let shown: Challenge =
        ask(&api, Method::POST, "/agent/v1/challenge", None, &json!(null)).await.json().expect("one");
    let signature = sign_session(key, &shown.challenge.0, None);
    let body = SessionOpen { agent, challenge: shown.challenge, signature };
    let body = serde_json::to_value(&body).expect("plain JSON");
    let session: AgentSession =
        ask(&api, Method::POST, "/agent/v1/session", None, &body).await.json().expect("one");
    let open = owner.known_home(home).await.expect("it is open");
    let (subject, by, now) =
        (Subject::Camera(camera), NamedBy::Agent(agent), UnixMillis(world.unix_millis()));
    let name = make_name(&open.chain, subject, by, key, "Hall", now, &mut world.rng()).expect("it is sealed");
    let body = serde_json::to_value(CameraPut { name }).expect("plain JSON");
    ask(&api, Method::PUT, &format!("/agent/v1/cameras/{camera}"), Some(&session.token), &body).await;
}

async fn ask(
    api: &Api,
    method: Method,
    path: &str,
    token: Option<&str>,
    body: &serde_json::Value,
) -> keepsight_person::Answer {
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        let value = HeaderValue::from_str(&format!("Bearer {token}")).expect("base64url");
        headers.insert(http::header::AUTHORIZATION, value);
    }
    let body = (!body.is_null()).then(|| Bytes::from(body.to_string()));
    let answer = api.request(method, path, headers, body).await.expect("the server answers");
    assert!(answer.status.is_success(), "{path}: {} {:?}", answer.status, answer.body);
    answer
}

async fn seal(
    owner: &Person,
    home: HomeId,
    (agent, key): (AgentId, &SignSecret),
    camera: CameraId,
    picture: &str,
    world: &World,
) -> SealedEvent {
    let open = owner.known_home(home).await.expect("it is open");
    let (event, captured) = (EventId::from_bytes(world.random()), UnixMillis(world.unix_millis()));
    let begun = EventSealer::begin(&open.chain, agent, key, camera, event, captured, true, &mut world.rng());
    let (header, mut sealer) = begun.expect("a listed agent begins an Event");
    let mut segments = Vec::new();
    let mut add = |kind, number, plain: &[u8]| {
        let sealed = sealer.seal(kind, SegmentNo(number), plain).expect("sealed once");
        segments.push((kind, SegmentNo(number), sealed));
    };
    add(SegmentKind::Init, 0, b"");
    add(SegmentKind::Thumbnail, 0, picture.as_bytes());
    add(SegmentKind::Video, 0, picture.as_bytes());
    add(SegmentKind::Video, 1, b", and more");
    add(SegmentKind::Card, 0, &card());
    segments.push((SegmentKind::Trailer, SegmentNo(0), sealer.seal_trailer().expect("sealed once")));
    SealedEvent { camera, event, captured, header, segments }
}

fn card() -> Vec<u8> {
    let video =
        Video { codec: "avc1.42c01e".to_owned(), width: 320, height: 180, segments_ms: vec![1000, 1000] };
    Card {
        v: V1,
        label: Label::Motion,
        duration_ms: 2000,
        pre_roll_ms: 0,
        preview_frames: 1,
        motion: None,
        activity: Vec::new(),
        video,
        audio: None,
    }
    .to_bytes()
}

/// Who was sent away was told when to come, spread over time; nobody was let in faster than the pace; nothing broke.
fn at_its_pace(seen: &[Answered], back: Instant) {
    let seen: Vec<&Answered> = seen.iter().filter(|answer| answer.at >= back).collect();
    let broken = seen.iter().filter(|answer| answer.status >= 500 && answer.status != 503);
    assert_eq!(broken.count(), 0, "only 503 stands for a busy server");
    let away: Vec<u64> = seen
        .iter()
        .filter(|answer| answer.status == 503)
        .map(|answer| answer.retry_after.expect("503 says when to come back"))
        .collect();
    let spread: BTreeSet<u64> = away.iter().copied().collect();
    let sessions = |answer: &&&Answered| answer.request == "POST /agent/v1/session";
    let mut admitted: Vec<Duration> = seen
        .iter()
        .filter(sessions)
        .filter(|answer| answer.status == 200)
        .map(|answer| answer.at.duration_since(back))
        .collect();
    admitted.sort_unstable();
    let last = admitted.last().copied().unwrap_or_default();
    println!(
        "{} requests; {} sent away, to come back in {spread:?} s; the last of {} was let in after {last:?}",
        seen.len(),
        away.len(),
        admitted.len()
    );
    assert_eq!(admitted.len(), AGENTS, "each is let in once");
    assert!(spread.len() >= 3, "those who were sent away come back at different times: {spread:?}");
    // A burst of two seconds' worth, then the pace; a second is allowed for between the server's clock and this one.
    for (before, at) in admitted.iter().enumerate() {
        let most = PER_SECOND as f64 * (at.as_secs_f64() + 2.0 + 1.0);
        assert!((before as f64) < most, "{before} agents were let in within {at:?}");
    }
    let tries = seen.iter().filter(sessions).count();
    assert!(tries < AGENTS * 8, "{tries} tries of {AGENTS} agents are no return, but a storm");
}

/// Every Event once, at its own home, opened by its owner; nobody sees another's home.
async fn everything_is_there(people: &[Person], agents: &[Returning]) {
    let mut by_home: BTreeMap<HomeId, Vec<&Returning>> = BTreeMap::new();
    agents.iter().for_each(|agent| by_home.entry(agent.home).or_default().push(agent));
    for (home, agents) in &by_home {
        let owner = &people[agents[0].person];
        let listed = all_events(owner, *home).await.expect("an owner sees the list");
        let there: Vec<EventId> = listed.events.iter().map(|event| event.event).collect();
        let expected: BTreeSet<EventId> = agents.iter().map(|agent| agent.event).collect();
        assert_eq!(there.len(), expected.len(), "each once");
        assert_eq!(there.into_iter().collect::<BTreeSet<_>>(), expected);
        for agent in agents {
            let watched =
                owner.watch(*home, agent.camera, agent.event, Purpose::View).await.expect("it opens");
            assert!(watched.is_whole());
            assert_eq!(watched.video(), format!("{}, and more", agent.picture).into_bytes());
        }
        let foreign = &people[(agents[0].person + 1) % PEOPLE];
        let refused = all_events(foreign, *home).await.expect_err("it is not their home");
        assert_eq!(refused.status(), Some(StatusCode::NOT_FOUND));
    }
    for (person, owner) in people.iter().enumerate() {
        let homes: BTreeSet<HomeId> =
            owner.homes().await.expect("they see theirs").iter().map(|home| home.home).collect();
        let own: BTreeSet<HomeId> =
            agents.iter().filter(|agent| agent.person == person).map(|agent| agent.home).collect();
        assert_eq!(homes, own);
    }
}
