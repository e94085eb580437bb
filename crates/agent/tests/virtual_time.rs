//! Hours without a cloud, in virtual time: the uploader over a network of pipes that is there or not.

mod common;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use common::{Fault, TestCloud};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use keepsight_agent::disk::Forgetful;
use keepsight_agent::http::{Dial, Dialing, Stream};
use keepsight_agent::light::{LightAgent, SealedEvent};
use keepsight_agent::upload::Account;
use keepsight_ids::{AgentId, B64, CameraId, EventId, SegmentKind, SegmentNo, UnixMillis};
use keepsight_seal::SignSecret;
use keepsight_wire::Signed;
use keepsight_wire::people::GapReason;
use keepsight_world::World;
use tokio_util::sync::CancellationToken;

const START: i64 = 1_800_000_000_000;
const CAMERA: CameraId = CameraId::from_bytes([9; 16]);

/// A network with one server, which is there or not.
struct Pipes {
    cloud: TestCloud,
    up: AtomicBool,
    dials: AtomicU64,
}

impl Dial for Pipes {
    fn dial<'a>(&'a self, _: &'a str, _: u16) -> Dialing<'a> {
        self.dials.fetch_add(1, Ordering::Relaxed);
        Box::pin(async {
            if !self.up.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            let service = TowerToHyperService::new(self.cloud.router());
            let serving =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(theirs), service);
            tokio::spawn(async move { serving.await.ok() });
            Ok(Box::new(ours) as Box<dyn Stream>)
        })
    }
}

struct Rig {
    pipes: Arc<Pipes>,
    agent: LightAgent,
    world: World,
}

impl Rig {
    fn new(spool_bytes: u64, disk: Forgetful) -> Self {
        let cloud = TestCloud::new(None);
        let key = SignSecret::from_bytes([1; 32]);
        let agent = AgentId::from_bytes([1; 16]);
        cloud.lock().agents.insert(agent, key.public());
        let pipes = Arc::new(Pipes { cloud, up: AtomicBool::new(false), dials: AtomicU64::new(0) });
        let account = Account { server: "http://cloud.test".parse().unwrap(), tls: None, agent, key };
        let world = World::simulated(START, 7);
        let agent =
            LightAgent::new(account, (0, 1), Arc::new(disk), pipes.clone(), spool_bytes, world.clone());
        Self { pipes, agent: agent.unwrap(), world }
    }

    fn run(&self) -> CancellationToken {
        let stop = CancellationToken::new();
        let (agent, token) = (self.agent.clone(), stop.clone());
        tokio::spawn(async move { agent.run(token).await.unwrap() });
        stop
    }

    async fn record(&self, n: u16) -> SealedEvent {
        let mut event = [0; 16];
        event[..2].copy_from_slice(&n.to_be_bytes());
        let header = Signed { body: B64(n.to_be_bytes().to_vec()), signature: B64(vec![0; 64]) };
        let video = |number: u32| (SegmentKind::Video, SegmentNo(number), vec![n as u8; 6000]);
        let mut segments: Vec<_> = (0..4).map(video).collect();
        segments.push((SegmentKind::Trailer, SegmentNo(0), b"trailer".to_vec()));
        let captured = UnixMillis(self.world.unix_millis());
        let sealed =
            SealedEvent { camera: CAMERA, event: EventId::from_bytes(event), captured, header, segments };
        self.agent.add(sealed.clone()).await.unwrap();
        sealed
    }

    fn arrived(&self, sealed: &SealedEvent) -> bool {
        let inner = self.pipes.cloud.lock();
        let is_there = |(kind, number, bytes): &(SegmentKind, SegmentNo, Vec<u8>)| {
            inner.segments.get(&(sealed.event, *kind, *number)).is_some_and(|there| there[..] == bytes[..])
        };
        inner.headers.contains_key(&sealed.event) && sealed.segments.iter().all(is_there)
    }

    fn told(&self, sealed: &SealedEvent) -> bool {
        let inner = self.pipes.cloud.lock();
        let covers = |gap: &keepsight_wire::agent::GapPut| {
            gap.reason == GapReason::SpoolFull
                && gap.from <= sealed.captured
                && gap.until >= sealed.captured.plus_ms(4000)
        };
        inner.gaps.values().any(|(camera, gap)| *camera == CAMERA && covers(gap))
    }

    async fn emptied(&self, within: Duration) {
        let until = self.world.now() + within;
        while !self.agent.is_done().await {
            assert!(self.world.now() < until, "not uploaded within {within:?}");
            self.world.sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn six_hours_without_a_cloud_lose_nothing() {
    let rig = Rig::new(1 << 40, Forgetful::new(1));
    let stop = rig.run();
    let mut events = Vec::new();
    for n in 0..360 {
        events.push(rig.record(n).await);
        rig.world.sleep(Duration::from_secs(60)).await;
    }
    assert!(rig.pipes.cloud.lock().requests.is_empty());
    let dials = rig.pipes.dials.load(Ordering::Relaxed);
    assert!((300..1500).contains(&dials), "{dials} tries in six hours");
    rig.pipes.up.store(true, Ordering::Relaxed);
    rig.emptied(Duration::from_secs(300)).await;
    assert!(events.iter().all(|sealed| rig.arrived(sealed)));
    // The newest first, for somebody may be waiting for it; then the backlog, oldest first.
    let requests = rig.pipes.cloud.lock().requests.clone();
    let header = |path: &&String| path.contains("/events/") && !path.contains("/segments/");
    let order: Vec<_> =
        requests.iter().filter(header).map(|path| path.rsplit('/').next().unwrap().to_owned()).collect();
    let wanted = events[359..].iter().chain(&events[..359]).map(|sealed| sealed.event.to_string());
    assert_eq!(order, wanted.collect::<Vec<_>>());
    stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn what_a_small_spool_could_not_hold_is_a_gap_with_its_reason() {
    let rig = Rig::new(2_000_000, Forgetful::new(1));
    let stop = rig.run();
    let mut events = Vec::new();
    for n in 0..200 {
        events.push(rig.record(n).await);
        rig.world.sleep(Duration::from_secs(30)).await;
    }
    rig.pipes.up.store(true, Ordering::Relaxed);
    rig.emptied(Duration::from_secs(300)).await;
    let lost: Vec<_> = events.iter().filter(|sealed| !rig.arrived(sealed)).collect();
    assert!((100..180).contains(&lost.len()), "{}", lost.len());
    assert!(lost.iter().all(|sealed| rig.told(sealed)));
    assert!(lost.iter().zip(&events).all(|(lost, event)| lost.event == event.event), "the oldest");
    assert!(!rig.told(&events[199]));
    let gaps = rig.pipes.cloud.lock().gaps.len();
    assert!(gaps < 10, "{gaps}: what follows each other is one");
    stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn a_whole_fleets_worth_of_patience_is_kept() {
    let rig = Rig::new(1 << 40, Forgetful::new(1));
    rig.pipes.up.store(true, Ordering::Relaxed);
    rig.pipes.cloud.set_faults(|_| Fault::Status(503, Some(120)));
    let sealed = rig.record(1).await;
    let stop = rig.run();
    rig.world.sleep(Duration::from_secs(119)).await;
    assert_eq!(rig.pipes.cloud.lock().requests.len(), 1, "asked to come back in two minutes, it does");
    rig.pipes.cloud.set_faults(|_| Fault::None);
    rig.world.sleep(Duration::from_secs(5)).await;
    assert!(rig.arrived(&sealed));
    stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up_on_and_tried_again() {
    let rig = Rig::new(1 << 40, Forgetful::new(1));
    rig.pipes.up.store(true, Ordering::Relaxed);
    let sealed = rig.record(1).await;
    // Connections are taken and nothing ever comes back.
    struct Silent(Arc<Pipes>, AtomicBool, std::sync::Mutex<Vec<tokio::io::DuplexStream>>);
    impl Dial for Silent {
        fn dial<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a> {
            if !self.1.load(Ordering::Relaxed) {
                return self.0.dial(host, port);
            }
            let (ours, theirs) = tokio::io::duplex(1024);
            self.2.lock().unwrap().push(theirs);
            Box::pin(async { Ok(Box::new(ours) as Box<dyn Stream>) })
        }
    }
    let silent = Arc::new(Silent(rig.pipes.clone(), AtomicBool::new(true), std::sync::Mutex::default()));
    let key = SignSecret::from_bytes([1; 32]);
    let account = Account {
        server: "http://cloud.test".parse().unwrap(),
        tls: None,
        agent: AgentId::from_bytes([1; 16]),
        key,
    };
    let agent = LightAgent::new(
        account,
        (0, 1),
        Arc::new(Forgetful::new(2)),
        silent.clone(),
        1 << 40,
        rig.world.clone(),
    )
    .unwrap();
    agent.add(sealed.clone()).await.unwrap();
    let stop = CancellationToken::new();
    let (running, token) = (agent.clone(), stop.clone());
    tokio::spawn(async move { running.run(token).await.unwrap() });
    rig.world.sleep(Duration::from_secs(600)).await;
    let tries = silent.2.lock().unwrap().len();
    assert!((3..40).contains(&tries), "{tries}");
    silent.1.store(false, Ordering::Relaxed);
    rig.world.sleep(Duration::from_secs(180)).await;
    assert!(rig.arrived(&sealed) && agent.is_done().await);
    stop.cancel();
}
