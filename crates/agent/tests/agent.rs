//! A whole agent in its folder: paired by a code, with a built-in camera, against a server on a real socket. The owner's side opens
//! what arrives.

mod common;

use std::path::Path;
use std::time::Duration;

use common::{Fault, TestCloud, certificate, eventually};
use keepsight_agent::{AgentConfig, AgentDir, AgentError, NewCamera, Source};
use keepsight_camera::{DemoView, WatchSettings};
use keepsight_ids::{B64, CameraId, EpochNo, EventId};
use keepsight_seal::{AccountKeys, Draft, Subject, found_home, open_name};
use keepsight_wire::Signed;
use keepsight_wire::agent::GapPut;
use keepsight_wire::people::{CameraState, GapReason};
use keepsight_world::World;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

fn dir(path: &Path) -> AgentDir {
    spread_dir(path, Duration::ZERO)
}

fn spread_dir(path: &Path, start_spread: Duration) -> AgentDir {
    AgentDir::open(
        path,
        AgentConfig { spool_bytes: 1 << 30, start_spread, ..AgentConfig::default() },
        World::real(),
    )
    .unwrap()
}

struct Running {
    stop: CancellationToken,
    task: JoinHandle<Result<(), AgentError>>,
}

impl Running {
    fn start(path: &Path) -> Self {
        Self::of(dir(path))
    }

    fn of(dir: AgentDir) -> Self {
        let stop = CancellationToken::new();
        let token = stop.clone();
        Self { stop, task: tokio::spawn(async move { dir.run(token).await }) }
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}

/// A camera that records when asked only, so that a test is not at the mercy of what moves in the picture.
fn hall() -> NewCamera {
    let short = Duration::from_secs(1);
    let watch =
        WatchSettings { motion: false, pre_roll: short, post_roll: short, ..WatchSettings::default() };
    NewCamera {
        name: "Hall".into(),
        source: Source::demo("12 Elm Street", DemoView::Hall, "Europe/Berlin"),
        watch,
    }
}

struct Home {
    cloud: TestCloud,
    folder: tempfile::TempDir,
    server: url::Url,
}

impl Home {
    async fn new() -> Self {
        let cloud = TestCloud::new(None);
        let server = format!("http://{}", cloud.listen().await).parse().unwrap();
        Self { cloud, folder: tempfile::tempdir().unwrap(), server }
    }

    fn dir(&self) -> AgentDir {
        dir(self.folder.path())
    }

    fn start(&self) -> Running {
        Running::start(self.folder.path())
    }

    async fn pair(&self) {
        self.dir().pair(&self.server, &self.cloud.code()).await.unwrap();
        assert_eq!(self.cloud.admit(), 1);
    }

    async fn admitted(&self) {
        let look = async || self.dir().status().await.unwrap().home?.admitted.then_some(());
        eventually("the agent is let in", 15, look).await;
    }

    async fn state(&self, camera: CameraId, state: CameraState) {
        let look = async || {
            let status = self.dir().status().await.unwrap();
            let found = status.cameras.iter().find(|known| known.camera == camera)?.state?;
            (found == state).then_some(())
        };
        eventually(&format!("the camera is {state:?}"), 30, look).await;
    }

    /// Triggers an Event and waits until it is on the server, whole.
    async fn event(&self, camera: CameraId) -> EventId {
        let before: Vec<EventId> = self.cloud.lock().headers.keys().copied().collect();
        let trigger = async || self.dir().trigger(camera).await.ok();
        eventually("the camera records", 30, trigger).await;
        let look = async || {
            let inner = self.cloud.lock();
            let trailer = |event: &EventId| {
                inner.segments.contains_key(&(
                    *event,
                    keepsight_ids::SegmentKind::Trailer,
                    keepsight_ids::SegmentNo(0),
                ))
            };
            inner.headers.keys().find(|event| !before.contains(event) && trailer(event)).copied()
        };
        eventually("an Event arrives", 40, look).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_start_only_what_somebody_waits_for_goes_at_once() {
    let home = Home::new().await;
    let weeks = Duration::from_secs(60 * 86_400);
    let start = || Running::of(spread_dir(home.folder.path(), weeks));
    // Pairing and the first minutes are not held back: an owner looks on.
    let running = start();
    home.pair().await;
    let camera = home.dir().add_camera(&hall()).await.unwrap();
    home.admitted().await;
    home.event(camera).await;
    running.end().await;
    let asked = || home.cloud.lock().requests.len();
    let before = asked();
    let running = start();
    home.state(camera, CameraState::Recording).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(asked(), before, "a whole district boots at this moment");
    home.event(camera).await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_code_to_an_event_that_its_owner_opens() {
    let home = Home::new().await;
    home.cloud.lock().chain_page = 1;
    // Paired and given a camera while it runs, as on the box of a new owner.
    let running = home.start();
    home.pair().await;
    let camera = home.dir().add_camera(&hall()).await.unwrap();
    home.admitted().await;
    let event = home.event(camera).await;
    assert_eq!(home.cloud.open_event(event).unwrap(), EpochNo(1));
    {
        let inner = home.cloud.lock();
        let name = open_name(&inner.cameras[&camera], &inner.chain, Subject::Camera(camera), &inner.secrets);
        assert_eq!(name.unwrap(), "Hall");
        assert!(inner.gaps.is_empty(), "{:?}", inner.gaps);
    }
    let reported = async || {
        let inner = home.cloud.lock();
        let status = inner.status.as_ref()?;
        let camera = status.cameras.first()?;
        (status.epoch == 1 && status.chain_seq == 1 && camera.state == CameraState::Recording).then_some(())
    };
    eventually("the server is told", 20, reported).await;

    // A new epoch, learned by itself; what is recorded after that is sealed to it.
    home.cloud.rotate();
    let learned = async || (home.dir().status().await.unwrap().home?.epoch? == EpochNo(2)).then_some(());
    eventually("the new epoch is learned", 25, learned).await;
    let told = async || (home.cloud.lock().status.as_ref()?.epoch == 2).then_some(());
    eventually("the server hears that it was", 5, told).await;
    let event = home.event(camera).await;
    assert_eq!(home.cloud.open_event(event).unwrap(), EpochNo(2));

    // Switched off by an owner.
    home.cloud.lock().off.insert(camera);
    home.state(camera, CameraState::Off).await;
    assert!(
        matches!(home.dir().trigger(camera).await, Err(AgentError::Running { code, .. }) if code == "not_recording")
    );
    home.cloud.lock().off.clear();
    home.state(camera, CameraState::Recording).await;

    // Stopped and started: known by its folder alone, and the time between is a gap.
    running.end().await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let running = home.start();
    home.state(camera, CameraState::Recording).await;
    let is_off = |(of, gap): &(CameraId, GapPut)| *of == camera && gap.reason == GapReason::AgentOff;
    eventually("the gap arrives", 20, async || {
        home.cloud.lock().gaps.values().find(|gap| is_off(gap)).cloned()
    })
    .await;
    home.event(camera).await;
    assert_eq!(home.cloud.lock().cameras.len(), 1, "it was not added anew");
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_ends_and_nothing_is_missing() {
    let home = Home::new().await;
    let running = home.start();
    home.pair().await;
    let camera = home.dir().add_camera(&hall()).await.unwrap();
    home.state(camera, CameraState::Recording).await;
    home.cloud.set_faults(|_| Fault::Broken);
    let mut running = running;
    for wanted in 1..=2 {
        // The second in another life of the agent, which has not reached the server once.
        eventually("the camera records", 30, async || home.dir().trigger(camera).await.ok()).await;
        let spooled = async || (home.dir().status().await.unwrap().spool.events == wanted).then_some(());
        eventually("it is spooled", 30, spooled).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(!home.dir().status().await.unwrap().home.unwrap().connected);
        running.end().await;
        let waiting = home.dir().status().await.unwrap();
        assert!(!waiting.running && waiting.spool.events == wanted, "{waiting:?}");
        running = home.start();
    }
    assert!(home.cloud.lock().headers.is_empty());
    home.cloud.set_faults(|_| Fault::None);
    let empty = async || (home.dir().status().await.unwrap().spool.events == 0).then_some(());
    eventually("all of it arrives", 30, empty).await;
    let events: Vec<EventId> = home.cloud.lock().headers.keys().copied().collect();
    assert_eq!(events.len(), 2);
    for event in events {
        home.cloud.open_event(event).unwrap();
    }
    running.end().await;
}

/// What a server that has gone bad might show instead of the home's chain.
fn forgeries(home: &Home) -> Vec<(&'static str, Vec<Signed>)> {
    let inner = home.cloud.lock();
    let world = World::real();
    let true_entries = inner.entries();
    let thief = AccountKeys::random(&mut world.rng());
    // A key put in the place of the owner's.
    let head = inner.chain.head().clone();
    let mut draft = Draft::after(&head, inner.slot);
    draft.entry().slots[0].kem = thief.kem.public();
    let text = serde_json::to_vec(draft.entry()).unwrap();
    let stolen = Signed { body: B64(text), signature: head.signed().signature.clone() };
    let substituted = [true_entries.clone(), vec![stolen]].concat();
    // Another second entry.
    let genesis = inner.chain.entries()[0].clone();
    let mut other = Draft::after(&genesis, inner.slot);
    other.add_agent(keepsight_ids::AgentId::from_bytes([7; 16]), thief.sign.public());
    let other = other.sign(&inner.owner.sign).unwrap();
    let fork = vec![genesis.signed().clone(), other.signed().clone()];
    // A home of the server's own.
    let (slot, account) = (inner.slot, keepsight_ids::AccountId::from_bytes([1; 16]));
    let now = keepsight_ids::UnixMillis(world.unix_millis());
    let foreign = found_home(inner.home, slot, account, &thief, now, &mut world.rng()).unwrap();
    let foreign = vec![foreign.chain.head().signed().clone()];
    vec![
        ("another key in the place", substituted),
        ("two different lists", fork),
        ("two different lists", foreign),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_that_the_server_altered_is_refused_and_nothing_is_sealed_to_it() {
    let home = Home::new().await;
    let running = home.start();
    home.pair().await;
    let camera = home.dir().add_camera(&hall()).await.unwrap();
    home.admitted().await;
    running.end().await;
    for (what, entries) in forgeries(&home) {
        {
            // It shows all of it whatever was asked for, and says that there is more.
            let mut inner = home.cloud.lock();
            let filler = vec![entries[0].clone(); 2];
            inner.shown = Some([filler, entries].concat());
            inner.shown_seq = Some(9);
        }
        let running = home.start();
        let refused = async || home.dir().status().await.unwrap().home?.chain_refused;
        let why = eventually(what, 20, refused).await;
        assert!(why.contains(what), "{why}");
        let status = home.dir().status().await.unwrap().home.unwrap();
        assert_eq!((status.chain_seq, status.epoch), (Some(1), Some(EpochNo(1))), "{what}: {why}");
        {
            let mut inner = home.cloud.lock();
            inner.shown = None;
            inner.shown_seq = None;
        }
        // It goes on with the last that was verified.
        let event = home.event(camera).await;
        home.cloud.open_event(event).unwrap();
        running.end().await;
    }
    home.cloud.lock().shown_seq = Some(0);
    let running = home.start();
    let refused = async || home.dir().status().await.unwrap().home?.chain_refused;
    let why = eventually("rollback", 20, refused).await;
    assert!(why.contains("older"), "{why}");
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_false_home_at_pairing_is_never_sealed_to() {
    let home = Home::new().await;
    let running = home.start();
    home.pair().await;
    let world = World::real();
    let thief = AccountKeys::random(&mut world.rng());
    let false_home = {
        let inner = home.cloud.lock();
        let now = keepsight_ids::UnixMillis(world.unix_millis());
        let account = keepsight_ids::AccountId::from_bytes([1; 16]);
        found_home(inner.home, inner.slot, account, &thief, now, &mut world.rng()).unwrap()
    };
    home.cloud.lock().shown = Some(vec![false_home.chain.head().signed().clone()]);
    let camera = home.dir().add_camera(&hall()).await.unwrap();
    let refused = async || home.dir().status().await.unwrap().home?.chain_refused;
    let why = eventually("the false home is refused", 20, refused).await;
    assert!(why.contains("false home"), "{why}");
    assert!(home.dir().trigger(camera).await.is_err());
    assert!(home.cloud.lock().cameras.is_empty() && home.cloud.lock().headers.is_empty());
    running.end().await;
}

#[tokio::test]
async fn pairing_says_what_is_wrong() {
    let home = Home::new().await;
    let dir = home.dir();
    let code = home.cloud.code();
    assert_eq!(dir.pair(&home.server, "ABCD").await.unwrap_err().code(), "pairing_code");
    // A right look-up with a wrong secret: nothing is believed, and the code stays good.
    let last = if code.ends_with('0') { '1' } else { '0' };
    let mistyped = format!("{}{last}", &code[..code.len() - 1]);
    assert_eq!(dir.pair(&home.server, &mistyped).await.unwrap_err().code(), "pairing_mac");
    let unknown = format!("0000-0000{}", &code[9..]);
    assert!(matches!(dir.pair(&home.server, &unknown).await, Err(AgentError::UnknownCode)));
    let nobody = "http://127.0.0.1:9".parse().unwrap();
    assert_eq!(dir.pair(&nobody, &code).await.unwrap_err().code(), "server");
    assert_eq!(dir.pair(&"ftp://localhost".parse().unwrap(), &code).await.unwrap_err().code(), "address");
    let paired = dir.pair(&home.server, &code.to_lowercase().replace('-', " ")).await.unwrap();
    assert_eq!(paired.home, home.cloud.lock().home);
    // Not let in yet: another code may be used. Let in: not any more.
    dir.pair(&home.server, &home.cloud.code()).await.unwrap();
    assert_eq!(home.cloud.admit(), 2);
    let running = home.start();
    home.admitted().await;
    let again = home.dir().pair(&home.server, &home.cloud.code()).await.unwrap_err();
    assert_eq!(again.code(), "paired");
    running.end().await;
    assert!(matches!(dir.pair(&home.server, &home.cloud.code()).await, Err(AgentError::Paired(_))));
}

#[tokio::test]
async fn a_certificate_other_than_the_owners_browser_saw_ends_the_pairing() {
    let (pin, config) = certificate();
    let (_, other) = certificate();
    let cloud = TestCloud::new(Some(pin));
    let good = cloud.listen_tls(config);
    let between = cloud.listen_tls(other);
    let folder = tempfile::tempdir().unwrap();
    let dir = dir(folder.path());
    let server = |port: u16| format!("https://localhost:{port}").parse().unwrap();
    let refused = dir.pair(&server(between.port()), &cloud.code()).await.unwrap_err();
    assert_eq!(refused.code(), "other_certificate");
    assert!(dir.status().await.unwrap().home.is_none());
    let paired = dir.pair(&server(good.port()), &cloud.code()).await.unwrap();
    assert_eq!(paired.tls, Some(pin));
    cloud.admit();
    let running = Running::start(folder.path());
    eventually("let in over TLS", 15, async || dir.status().await.unwrap().home?.admitted.then_some(()))
        .await;
    running.end().await;
}

#[tokio::test]
async fn one_process_works_in_a_folder_and_a_reset_leaves_nothing() {
    let home = Home::new().await;
    let dir = home.dir();
    assert!(matches!(dir.trigger(CameraId::from_bytes([1; 16])).await, Err(AgentError::NotRunning)));
    home.pair().await;
    dir.add_camera(&hall()).await.unwrap();
    let bad = NewCamera { name: String::new(), ..hall() };
    assert!(matches!(dir.add_camera(&bad).await, Err(AgentError::BadName)));
    let running = home.start();
    home.admitted().await;
    assert!(matches!(home.dir().run(CancellationToken::new()).await, Err(AgentError::Busy)));
    let status = home.dir().status().await.unwrap();
    assert!(status.running && status.cameras.len() == 1);
    dir.reset().await.unwrap();
    let status = home.dir().status().await.unwrap();
    assert!(status.running && status.home.is_none() && status.cameras.is_empty(), "{status:?}");
    // The same running agent joins another home.
    let elsewhere = Home::new().await;
    dir.pair(&elsewhere.server, &elsewhere.cloud.code()).await.unwrap();
    elsewhere.cloud.admit();
    home.admitted().await;
    assert_eq!(dir.status().await.unwrap().home.unwrap().home, elsewhere.cloud.lock().home);
    running.end().await;
    dir.reset().await.unwrap();
    let left: Vec<_> =
        std::fs::read_dir(home.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["agent.lock"]);
}

#[tokio::test]
async fn a_server_that_talks_nonsense_at_pairing_is_told_apart_from_a_wrong_code() {
    let home = Home::new().await;
    for (fault, code) in [
        (Fault::Garbled, "refused"),
        (Fault::Status(200, None), "refused"),
        (Fault::Status(403, None), "refused"),
        (Fault::Status(500, None), "refused"),
        (Fault::Broken, "server"),
        (Fault::AnswerLost, "server"),
    ] {
        home.cloud.set_faults(move |_| fault);
        let refused = home.dir().pair(&home.server, &home.cloud.code()).await.unwrap_err();
        assert_eq!(refused.code(), code, "{fault:?}: {refused}");
    }
    // An answer that did not arrive leaves no half-paired agent behind.
    home.cloud.set_faults(|path| if path.ends_with("/answer") { Fault::Broken } else { Fault::None });
    home.dir().pair(&home.server, &home.cloud.code()).await.unwrap_err();
    assert!(home.dir().status().await.unwrap().home.is_none());
}

#[tokio::test]
async fn nonsense_on_the_socket_does_not_disturb_the_agent() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let home = Home::new().await;
    let running = home.start();
    eventually("it runs", 10, async || home.dir().status().await.unwrap().running.then_some(())).await;
    let socket = home.folder.path().join("agent.sock");
    for line in [
        &b"\n"[..],
        b"{}\n",
        b"\"status\" x\n",
        b"{\"trigger\":\"evt_1\"}\n",
        b"\xff\xfe\n",
        &[b'['; 300_000],
        b"\"status\"",
    ] {
        let mut stream = tokio::net::UnixStream::connect(&socket).await.unwrap();
        stream.write_all(line).await.ok();
        stream.shutdown().await.ok();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok();
        let text = String::from_utf8(answer).unwrap();
        assert!(text.is_empty() || text.contains("not_understood"), "{text}");
    }
    assert!(home.dir().status().await.unwrap().running);
    running.end().await;
}

#[tokio::test]
async fn the_folder_is_for_its_user_only_and_may_have_a_long_path() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long".repeat(40));
    let running = Running::start(&path);
    let status = eventually("it answers", 10, async || {
        let status = dir(&path).status().await.ok()?;
        status.running.then_some(status)
    });
    assert!(status.await.home.is_none());
    dir(&path).add_camera(&hall()).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for name in ["agent.json", "agent.sock", "agent.lock"] {
        assert_eq!(mode(&path.join(name)), 0o600, "{name}");
    }
    running.end().await;
}
