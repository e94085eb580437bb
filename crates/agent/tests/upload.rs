//! Uploading over real sockets: to a server that answers well, badly, wrongly and not at all.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::{Fault, TestCloud, certificate, eventually};
use keepsight_agent::disk::{Forgetful, RealDisk};
use keepsight_agent::http::TcpDial;
use keepsight_agent::light::{LightAgent, SealedEvent};
use keepsight_agent::upload::Account;
use keepsight_ids::{AgentId, B32, B64, CameraId, EventId, SegmentKind, SegmentNo, UnixMillis};
use keepsight_seal::SignSecret;
use keepsight_wire::Signed;
use keepsight_world::World;
use tokio_util::sync::CancellationToken;

fn account(cloud: &TestCloud, server: &str, tls: Option<B32>, n: u8) -> Account {
    let key = SignSecret::from_bytes([n; 32]);
    let agent = AgentId::from_bytes([n; 16]);
    cloud.lock().agents.insert(agent, key.public());
    Account { server: server.parse().unwrap(), tls, agent, key }
}

fn light(account: Account, disk: Arc<dyn keepsight_agent::disk::Disk>) -> LightAgent {
    LightAgent::new(account, (0, 1), disk, Arc::new(TcpDial), 1 << 40, World::real()).unwrap()
}

/// Bytes that tell which segment of which Event they are.
fn sealed_event(n: u8, videos: u32) -> SealedEvent {
    let header = Signed { body: B64(vec![n; 300]), signature: B64(vec![n; 64]) };
    let segment = |kind: SegmentKind, number: u32| {
        (kind, SegmentNo(number), vec![n ^ kind as u8 ^ number as u8; 3000 + number as usize])
    };
    let mut segments = vec![segment(SegmentKind::Init, 0), segment(SegmentKind::Thumbnail, 0)];
    segments.extend((0..videos).map(|number| segment(SegmentKind::Video, number)));
    segments.push(segment(SegmentKind::Trailer, 0));
    let captured = UnixMillis(1_700_000_000_000 + i64::from(n));
    SealedEvent {
        camera: CameraId::from_bytes([9; 16]),
        event: EventId::from_bytes([n; 16]),
        captured,
        header,
        segments,
    }
}

fn arrived(cloud: &TestCloud, sealed: &SealedEvent) {
    let inner = cloud.lock();
    assert_eq!(inner.headers.get(&sealed.event), Some(&(sealed.camera, sealed.header.clone())));
    for (kind, number, bytes) in &sealed.segments {
        let there = inner.segments.get(&(sealed.event, *kind, *number));
        assert_eq!(there.map(|bytes| &bytes[..]), Some(&bytes[..]), "{kind} {number} of {}", sealed.event);
    }
}

fn run(agent: &LightAgent) -> (CancellationToken, tokio::task::JoinHandle<()>) {
    let stop = CancellationToken::new();
    let (agent, token) = (agent.clone(), stop.clone());
    (stop, tokio::spawn(async move { agent.run(token).await.unwrap() }))
}

async fn emptied(agent: &LightAgent) {
    eventually("the spool is empty", 60, async || agent.is_done().await.then_some(())).await;
}

#[tokio::test]
async fn everything_arrives_whole_and_the_trailer_last() {
    let cloud = TestCloud::new(None);
    let address = cloud.listen().await;
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(RealDisk::open(folder.path()).unwrap());
    let agent = light(account(&cloud, &format!("http://{address}"), None, 1), disk);
    let events: Vec<_> = (1..6).map(|n| sealed_event(n, 5)).collect();
    for sealed in &events {
        agent.add(sealed.clone()).await.unwrap();
    }
    let (stop, task) = run(&agent);
    emptied(&agent).await;
    events.iter().for_each(|sealed| arrived(&cloud, sealed));
    assert!(agent.is_connected());
    assert_eq!(agent.sessions(), 1);
    let requests = cloud.lock().requests.clone();
    for sealed in &events {
        let of: Vec<_> = requests.iter().filter(|path| path.contains(&sealed.event.to_string())).collect();
        assert_eq!(of.len(), sealed.segments.len() + 1, "each was sent once");
        assert!(of[0].ends_with(&sealed.event.to_string()));
        assert!(of.last().unwrap().ends_with("trailer/0"));
    }
    stop.cancel();
    task.await.unwrap();
}

/// SplitMix64.
fn dice(seed: u64) -> impl FnMut(u64) -> u64 + Send {
    let state = AtomicU64::new(seed);
    move |sides| {
        let mut z = state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

#[tokio::test]
async fn a_server_that_breaks_garbles_and_lies_loses_nothing() {
    for seed in 0..3 {
        let cloud = TestCloud::new(None);
        let address = cloud.listen().await;
        let mut roll = dice(seed);
        let mut left = 60;
        cloud.set_faults(move |path| {
            // Lies are about what is stored; a session must come about now and then.
            if left == 0 || roll(3) > 0 {
                return Fault::None;
            }
            left -= 1;
            match roll(7) {
                0 => Fault::Broken,
                1 => Fault::AnswerLost,
                2 => Fault::Status(500, None),
                3 => Fault::Status(503, Some(0)),
                4 => Fault::Status(507, Some(0)),
                5 if path.contains("/segments/") => Fault::WrongHash,
                _ => Fault::Garbled,
            }
        });
        let disk = Forgetful::new(seed);
        let account = account(&cloud, &format!("http://{address}"), None, 1);
        let events: Vec<_> = (1..5).map(|n| sealed_event(n, 4)).collect();
        let agent = light(account.clone(), Arc::new(disk.clone()));
        for sealed in &events {
            agent.add(sealed.clone()).await.unwrap();
        }
        // The power goes now and then, too: what was acknowledged may be sent again, nothing else happens.
        for _ in 0..3 {
            let agent = light(account.clone(), Arc::new(disk.clone()));
            let (stop, task) = run(&agent);
            tokio::time::sleep(Duration::from_millis(700)).await;
            stop.cancel();
            task.await.unwrap();
            disk.crash();
        }
        cloud.set_faults(|_| Fault::None);
        let agent = light(account, Arc::new(disk));
        let (stop, task) = run(&agent);
        emptied(&agent).await;
        assert_eq!(agent.depot().lock().await.quarantined(), 0);
        events.iter().for_each(|sealed| arrived(&cloud, sealed));
        stop.cancel();
        task.await.unwrap();
    }
}

#[tokio::test]
async fn an_acknowledgement_of_another_hash_keeps_the_footage() {
    let cloud = TestCloud::new(None);
    let address = cloud.listen().await;
    cloud.set_faults(|path| if path.contains("/segments/video/") { Fault::WrongHash } else { Fault::None });
    let agent = light(account(&cloud, &format!("http://{address}"), None, 1), Arc::new(Forgetful::new(1)));
    let sealed = sealed_event(1, 2);
    agent.add(sealed.clone()).await.unwrap();
    let (stop, task) = run(&agent);
    let tried = async || {
        let requests = &cloud.lock().requests;
        (requests.iter().filter(|path| path.contains("/segments/video/")).count() >= 2).then_some(())
    };
    eventually("both were tried", 10, tried).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let waiting: Vec<_> = {
        let spool = agent.depot().lock().await;
        let waiting = spool.backlog().event(sealed.event).unwrap();
        waiting.parts().map(|(item, _)| item).collect()
    };
    // The two videos, and the trailer, which would have said that all is there.
    assert_eq!(waiting.len(), 3, "{waiting:?}");
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn a_chain_that_never_comes_keeps_nothing_from_the_server() {
    let cloud = TestCloud::new(None);
    let address = cloud.listen().await;
    cloud.lock().shown_seq = Some(100);
    cloud.set_faults(|path| if path.ends_with("/chain") { Fault::Broken } else { Fault::None });
    let agent = light(account(&cloud, &format!("http://{address}"), None, 1), Arc::new(Forgetful::new(1)));
    let (stop, task) = run(&agent);
    let asked = async || cloud.lock().requests.iter().any(|path| path.ends_with("/chain")).then_some(());
    eventually("the chain was asked for", 10, asked).await;
    let events: Vec<_> = (1..4).map(|n| sealed_event(n, 5)).collect();
    for sealed in &events {
        agent.add(sealed.clone()).await.unwrap();
    }
    eventually("the spool is empty", 20, async || agent.is_done().await.then_some(())).await;
    events.iter().for_each(|sealed| arrived(&cloud, sealed));
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn other_bytes_under_the_same_name_are_put_aside_and_a_deleted_event_is_dropped() {
    let cloud = TestCloud::new(None);
    let address = cloud.listen().await;
    let (one, two) = (sealed_event(1, 2), sealed_event(2, 2));
    {
        let mut inner = cloud.lock();
        let key = (one.event, SegmentKind::Video, SegmentNo(0));
        inner.segments.insert(key, vec![0; 10].into());
        inner.deleted.insert(two.event);
    }
    let agent = light(account(&cloud, &format!("http://{address}"), None, 1), Arc::new(Forgetful::new(1)));
    agent.add(one.clone()).await.unwrap();
    agent.add(two.clone()).await.unwrap();
    let (stop, task) = run(&agent);
    emptied(&agent).await;
    assert_eq!(agent.depot().lock().await.quarantined(), 1);
    stop.cancel();
    task.await.unwrap();
    let inner = cloud.lock();
    assert!(!inner.headers.contains_key(&two.event));
    assert_eq!(inner.segments.len(), one.segments.len());
}

#[tokio::test]
async fn only_the_pinned_certificate_is_spoken_to() {
    let (pin, config) = certificate();
    let cloud = TestCloud::new(Some(pin));
    let address = cloud.listen_tls(config);
    let server = format!("https://localhost:{}", address.port());
    let agent = light(account(&cloud, &server, Some(pin), 1), Arc::new(Forgetful::new(1)));
    agent.add(sealed_event(1, 2)).await.unwrap();
    let (stop, task) = run(&agent);
    emptied(&agent).await;
    arrived(&cloud, &sealed_event(1, 2));
    stop.cancel();
    task.await.unwrap();

    // Another certificate, even of a server that lets everybody in: not a request reaches it.
    let (_, other) = certificate();
    let false_cloud = TestCloud::new(Some(pin));
    let address = false_cloud.listen_tls(other);
    for tls in [Some(pin), None] {
        let server = format!("https://localhost:{}", address.port());
        let agent = light(account(&false_cloud, &server, tls, 1), Arc::new(Forgetful::new(1)));
        agent.add(sealed_event(2, 1)).await.unwrap();
        let (stop, task) = run(&agent);
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert!(false_cloud.lock().requests.is_empty());
        assert!(!agent.is_connected() && !agent.is_done().await);
        stop.cancel();
        task.await.unwrap();
    }
}

#[tokio::test]
async fn two_hundred_light_agents_return_at_once() {
    let cloud = TestCloud::new(None);
    let address = cloud.listen().await;
    let mut busy = 100;
    cloud.set_faults(move |path| {
        let turned_away = busy > 0 && path.ends_with("/session");
        busy -= i32::from(turned_away);
        if turned_away { Fault::Status(503, Some(1)) } else { Fault::None }
    });
    let mut running = Vec::new();
    for n in 0..200 {
        let agent =
            light(account(&cloud, &format!("http://{address}"), None, n), Arc::new(Forgetful::new(n.into())));
        agent.add(sealed_event(n, 2)).await.unwrap();
        running.push((run(&agent), agent));
    }
    for ((stop, task), agent) in running {
        emptied(&agent).await;
        assert_eq!(agent.sessions(), 1);
        stop.cancel();
        task.await.unwrap();
    }
    (0..200).for_each(|n| arrived(&cloud, &sealed_event(n, 2)));
}
