//! Channels through which camera systems have leaked, each with a probe named after it.
//!
//! The rows are those of a collected list (fixes of self-hosted and cloud camera systems, 2019 to 2026): rights were added at the
//! main door, then leaked through one side door after another. [`PROBES`] says for each row which test here is its probe, which
//! one elsewhere, or why it has none in this version.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue, Method};
use keepsight_agent::disk::RealDisk;
use keepsight_agent::light::{LightAgent, SealedEvent};
use keepsight_agent::{AgentConfig, AgentDir, AgentError, NewCamera, Source};
use keepsight_camera::WatchSettings;
use keepsight_cloud::example::ExampleBody;
use keepsight_cloud::routes::table;
use keepsight_gate::{Action, OperatorDeed, PrincipalKind, Right};
use keepsight_ids::{AgentId, B32, CameraId, EventId, GapId, SegmentKind, SlotId, UnixMillis};
use keepsight_person::{Person, PersonError};
use keepsight_seal::{Invitation, SignSecret, Slot};
use keepsight_sim::caller::{refusal, text, traits};
use keepsight_sim::household::{caller_of, contains, fetch};
use keepsight_sim::{Caller, Household, PASSWORD, Recorded, Shown, Stage, damage, props, reads};
use keepsight_wire::agent::GapPut;
use keepsight_wire::people::{
    Camera, Chain, EventPage, GapReason, Home, InvitationOpen, NameQuery, PasswordParameters, RecoveryOpen,
    SignIn, SignUpPolicy, Ticket, Update, ViewPage,
};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::fmt::MakeWriter;

/// The list's rows.
const ROWS: [&str; 23] = [
    "Event, clip, thumbnail, segment by id",
    "live stream, and the same stream under an alias or sub-name",
    "static files and exports",
    "preview/sprite/poster files by name",
    "timeline, counts, storage totals, statistics, search",
    "push notifications, e-mail",
    "WebSocket/SSE inbound commands",
    "WebSocket/SSE broadcasts",
    "shared HTTP cache / CDN",
    "configuration, camera credentials (RTSP passwords)",
    "logs, metrics, labels, error texts",
    "two things with the same name",
    "user management, deletion",
    "client state after switching accounts",
    "long-lived tokens: signed URLs, JWT roles, share links, sessions",
    "ids reused after a crash or a restore; swapped storage mounts",
    "deleted footage",
    "addresses dealt anew after a power cut",
    "second-hand devices and boxes",
    "sign-in and sign-up answers, password parameters",
    "restored backups",
    "names and labels beside the pictures",
    "first start",
];

enum Probe {
    /// A test of this file.
    Here(&'static str),
    /// A test of this file, and one in another: its file from the repository's root, and its name.
    And(&'static str, &'static str, &'static str),
    /// There is no such channel in this version; what holds instead.
    None(&'static str),
}

const PROBES: [(&str, Probe); 23] = [
    ("Event, clip, thumbnail, segment by id", Probe::Here("event_clip_thumbnail_segment_by_id")),
    (
        "live stream, and the same stream under an alias or sub-name",
        Probe::Here("live_stream_and_the_same_stream_under_an_alias_or_sub_name"),
    ),
    ("static files and exports", Probe::Here("static_files_and_exports")),
    ("preview/sprite/poster files by name", Probe::Here("preview_sprite_poster_files_by_name")),
    (
        "timeline, counts, storage totals, statistics, search",
        Probe::Here("timeline_counts_storage_totals_statistics_search"),
    ),
    (
        "push notifications, e-mail",
        Probe::None(
            "nothing is sent to anybody: there is no address of a person in it, and no route or part that pushes",
        ),
    ),
    ("WebSocket/SSE inbound commands", Probe::Here("websocket_sse_inbound_commands")),
    ("WebSocket/SSE broadcasts", Probe::Here("websocket_sse_broadcasts")),
    ("shared HTTP cache / CDN", Probe::Here("shared_http_cache_cdn")),
    ("configuration, camera credentials (RTSP passwords)", Probe::Here("configuration_camera_credentials")),
    ("logs, metrics, labels, error texts", Probe::Here("logs_metrics_labels_error_texts")),
    ("two things with the same name", Probe::Here("two_things_with_the_same_name")),
    ("user management, deletion", Probe::Here("user_management_deletion")),
    (
        "client state after switching accounts",
        Probe::And(
            "client_state_after_switching_accounts",
            "web/tests/suites/accounts.js",
            "keys outlive the page, still work, cannot be read back, and are wiped",
        ),
    ),
    ("long-lived tokens: signed URLs, JWT roles, share links, sessions", Probe::Here("long_lived_tokens")),
    (
        "ids reused after a crash or a restore; swapped storage mounts",
        Probe::And(
            "ids_reused_after_a_crash_or_a_restore",
            "crates/sim/tests/swapped.rs",
            "async fn objects_of_two_homes",
        ),
    ),
    ("deleted footage", Probe::Here("deleted_footage")),
    (
        "addresses dealt anew after a power cut",
        Probe::And(
            "addresses_dealt_anew_after_a_power_cut",
            "crates/camera/tests/rtsp.rs",
            "async fn another_camera_at_the_same_address_is_not_recorded",
        ),
    ),
    ("second-hand devices and boxes", Probe::Here("second_hand_devices_and_boxes")),
    (
        "sign-in and sign-up answers, password parameters",
        Probe::Here("sign_in_and_sign_up_answers_password_parameters"),
    ),
    (
        "restored backups",
        Probe::And(
            "restored_backups",
            "crates/cloud/tests/restored.rs",
            "who_was_removed_since_the_backup_stays_out_and_everybody_signs_in_anew",
        ),
    ),
    ("names and labels beside the pictures", Probe::Here("names_and_labels_beside_the_pictures")),
    ("first start", Probe::Here("first_start")),
];

#[test]
fn every_row_has_its_probe_or_the_reason_why_not() {
    let own = include_str!("leak_channels.rs");
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    assert_eq!(PROBES.each_ref().map(|(row, _)| *row), ROWS);
    let mut probes = BTreeSet::new();
    for (row, probe) in &PROBES {
        match probe {
            Probe::Here(name) | Probe::And(name, ..) => {
                assert!(own.contains(&format!("async fn {name}()")), "{row}: no test {name}");
                assert!(probes.insert(name), "{name} is the probe of two rows");
            }
            Probe::None(why) => assert!(why.len() > 20, "{row}"),
        }
        if let Probe::And(_, file, name) = probe {
            let text = std::fs::read_to_string(format!("{root}/{file}"))
                .unwrap_or_else(|error| panic!("{file}: {error}"));
            assert!(text.contains(name), "{row}: {file} has no {name}");
        }
    }
    // What the row without a probe says of this version.
    for route in table() {
        for word in ["push", "mail", "notif", "webhook"] {
            assert!(
                !route.path.contains(word),
                "{} {}: now there is something to probe",
                route.method,
                route.path
            );
        }
    }
}

/// All that this process logs, as an operator would see it at the most talkative level of ours.
static LOG: OnceLock<Log> = OnceLock::new();

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn log() -> &'static Log {
    LOG.get_or_init(|| {
        let log = Log::default();
        let ours = ["cloud", "gate", "ledger", "store", "agent", "camera", "person"];
        let filter = ours.map(|part| format!("keepsight_{part}=trace")).join(",");
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
            .with_ansi(false)
            .with_writer(log.clone())
            .finish();
        tracing::subscriber::set_global_default(subscriber).expect("set once");
        log
    })
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

async fn street() -> (Stage, Household, Household) {
    log();
    let stage = Stage::start().await;
    let (elm, oak) = (stage.home("elm", "12 Elm Street").await, stage.home("oak", "3 Oak Lane").await);
    (stage, elm, oak)
}

/// A camera that a viewer may not see, with an Event, a gap and a status, and the viewer: a member whose rights cover elm's first
/// camera alone.
async fn half_a_home() -> (Stage, Household, Recorded, Person) {
    log();
    let stage = Stage::start().await;
    let mut elm = stage.home("elm", "12 Elm Street").await;
    let hidden = CameraId::from_bytes(stage.world.random());
    elm.agent.add_camera(hidden, "Bedroom").await;
    let viewer = elm.member(&stage, "birch").await;
    let bedroom = elm.agent.record(hidden, "the bedroom").await;
    elm.agent.record(elm.camera, "later").await;
    for camera in [elm.camera, hidden] {
        let gap = GapId::from_bytes(stage.world.random());
        let now = UnixMillis(stage.world.unix_millis());
        let body = GapPut { from: now.plus_ms(-1000), until: now, reason: GapReason::AgentOff };
        elm.agent.caller().tell(Method::PUT, &format!("/agent/v1/cameras/{camera}/gaps/{gap}"), &body).await;
        // Somebody looked at both, so that the ledger has records of both.
        let event = if camera == hidden { &bedroom } else { &elm.event };
        assert!(fetch(&elm.caller(&stage), event, SegmentKind::Video).await.status.is_success());
    }
    damage::narrow(&stage.database("truth.db"), viewer.account(), elm.camera);
    (stage, elm, bedroom, viewer)
}

fn not_found(answer: &keepsight_person::Answer, what: &str) {
    assert_eq!(refusal(answer), (404, "not_found".to_owned()), "{what}: {}", text(answer));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_clip_thumbnail_segment_by_id() {
    let (stage, elm, bedroom, viewer) = half_a_home().await;
    let caller = caller_of(&stage, &viewer);
    let by_id = |event: &Recorded| {
        let mut all = reads::all(event);
        all.retain(|(kind, _)| !["list", "cameras", "views"].contains(kind));
        all
    };
    for (kind, path) in by_id(&bedroom) {
        let answer = caller.get(&path).await;
        not_found(&answer, &path);
        let unreal =
            caller.get(&path.replace(&bedroom.camera.to_string(), "cam_00000000000000000000000000")).await;
        assert_eq!(traits(&answer), traits(&unreal), "{kind} {path}");
    }
    for (verb, rest, body) in [
        (Method::PUT, "/seen", ExampleBody::Nothing),
        (Method::PUT, "/kept", ExampleBody::Json(serde_json::json!({ "kept": true }))),
        (Method::DELETE, "", ExampleBody::Nothing),
    ] {
        not_found(&caller.send(&verb, &bedroom.path(rest), &body).await, rest);
    }
    // The same member, for the camera that they may see; and the owner, for both.
    for (kind, path) in by_id(&elm.event) {
        assert!(caller.get(&path).await.status.is_success(), "{kind} {path}");
    }
    for (kind, path) in by_id(&bedroom) {
        assert!(elm.caller(&stage).get(&path).await.status.is_success(), "{kind} {path}");
    }
    // An Event of one camera under the address of another.
    let crossed = Recorded { camera: elm.camera, ..bedroom.clone() };
    for caller in [caller, elm.caller(&stage)] {
        not_found(&caller.get(&crossed.path("")).await, "crossed");
        not_found(&fetch(&caller, &crossed, SegmentKind::Video).await, "crossed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_stream_and_the_same_stream_under_an_alias_or_sub_name() {
    let (stage, elm, oak) = street().await;
    let path = elm.event.path("/segments/video/0");
    let stranger = oak.caller(&stage);
    let refused = traits(&stranger.get(&path).await);
    let camera = elm.camera.to_string();
    let encoded = format!("%{:02x}{}", camera.as_bytes()[0], &camera[1..]);
    let aliases = [
        path.to_uppercase().replace("/API/V1/", "/api/v1/"),
        path.replace("hom_", "HOM_"),
        path.replace("/segments/", "/segments//"),
        format!("{path}/"),
        format!("{path}?purpose=view"),
        path.replace("/video/0", "/video/00"),
        path.replace("/video/0", "/video/%30"),
        path.replace(&camera, &encoded),
        path.replace(&camera, &camera.to_uppercase()),
        path.replace("/cameras/", "/Cameras/"),
        path.replace("/api/v1/", "/api/v1/./"),
        path.replace("/homes/", &format!("/homes/{}/../", oak.home)),
        path.replace(&elm.home.to_string(), &oak.home.to_string()),
        elm.path(&format!("/cameras/{camera}/live")),
        elm.path(&format!("/cameras/{camera}_sub/live")),
    ];
    for alias in &aliases {
        let answer = stranger.get(alias).await;
        assert!(!elm.event.is_in(&answer.body), "{alias}");
        if answer.status != 400 {
            assert_eq!(traits(&answer), refused, "{alias}");
        }
    }
    // For its owner each alias is either nothing or the very same thing.
    let own = elm.caller(&stage).get(&path).await.body;
    for alias in &aliases {
        let answer = elm.caller(&stage).get(alias).await;
        assert!(!answer.status.is_success() || answer.body == own, "{alias}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn static_files_and_exports() {
    let (stage, elm, oak) = street().await;
    let folder = stage.folder.path();
    let object = &damage::files(&stage, &elm.event)[0].1;
    let inside = object.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
    let name = object.file_name().unwrap().to_str().unwrap();
    let page = oak.caller(&stage).get("/").await.body;
    let tries = [
        format!("/{inside}"),
        format!("/../{inside}"),
        format!("/..%2f{inside}"),
        format!("/%2e%2e/{inside}"),
        format!("/assets/../../{inside}"),
        format!("/./{inside}"),
        format!("//{inside}"),
        format!("/{}", object.to_str().unwrap()),
        format!("/objects/{name}"),
        format!("/download/{name}"),
        format!("/exports/{}.mp4", elm.event.event),
        format!("/{}", elm.event.event),
        elm.path("/export"),
        elm.path(&format!("/objects/{name}")),
        "/truth.db".to_owned(),
        "/records.db".to_owned(),
        "/../records.db".to_owned(),
        "/records.db-wal".to_owned(),
        "/keepsight.toml".to_owned(),
        "/Cargo.toml".to_owned(),
        "/.git/config".to_owned(),
        "/tests/modules.test.mjs".to_owned(),
    ];
    for caller in [stage.nobody(), oak.caller(&stage), elm.caller(&stage)] {
        for path in &tries {
            let answer = caller.get(path).await;
            assert!(!elm.event.is_in(&answer.body) && !contains(&answer.body, b"SQLite format"), "{path}");
            // Nothing, or the client's own page: an address without a file's ending is the client's to read.
            assert!(
                !answer.status.is_success() || answer.body == page,
                "{path}: {} {}",
                answer.status,
                text(&answer)
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn preview_sprite_poster_files_by_name() {
    let (stage, elm, oak) = street().await;
    let event = elm.event.event;
    let guesses = [
        elm.event.path("/preview.jpg"),
        elm.event.path("/thumbnail.jpg"),
        elm.event.path("/poster.webp"),
        elm.event.path("/thumbnail"),
        elm.event.path("/segments/thumbnail"),
        elm.event.path("/segments/thumbnail/0.jpg"),
        elm.event.path("/segments/sprite/0"),
        elm.path(&format!("/cameras/{}/latest.jpg", elm.camera)),
        elm.path(&format!("/cameras/{}/poster", elm.camera)),
        elm.path(&format!("/thumbnails/{event}")),
        format!("/api/v1/events/{event}"),
        format!("/api/v1/events/{event}/thumbnail"),
        format!("/api/v1/thumbnails/{event}.jpg"),
        format!("/thumbnails/{event}.jpg"),
        format!("/media/{}/{event}.jpg", elm.camera),
    ];
    for caller in [stage.nobody(), oak.caller(&stage), elm.caller(&stage)] {
        for path in &guesses {
            let answer = caller.get(path).await;
            assert!(!answer.status.is_success(), "{path}: {}", text(&answer));
            let other = path.replace(&event.to_string(), "evt_00000000000000000000000000");
            assert_eq!(traits(&answer), traits(&caller.get(&other).await), "{path}");
        }
    }
    // By their one right name, and a number that isn't there.
    for kind in [SegmentKind::Thumbnail, SegmentKind::Preview, SegmentKind::Card] {
        not_found(&fetch(&oak.caller(&stage), &elm.event, kind).await, "a stranger");
        not_found(
            &elm.caller(&stage).get(&elm.event.path(&format!("/segments/{kind}/1"))).await,
            "no such number",
        );
        assert!(fetch(&elm.caller(&stage), &elm.event, kind).await.status.is_success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timeline_counts_storage_totals_statistics_search() {
    let (stage, elm, bedroom, viewer) = half_a_home().await;
    let (caller, owner) = (caller_of(&stage, &viewer), elm.caller(&stage));
    let hidden = [bedroom.camera.to_string(), bedroom.event.to_string()];
    let mut seen_by_owner = 0;
    for path in [
        elm.path("/events"),
        elm.path("/events?unseen=true"),
        elm.path("/events?limit=1"),
        elm.path("/cameras"),
        elm.path("/views"),
        elm.event.path(""),
        elm.event.path("/views"),
    ] {
        let (narrow, whole) = (caller.get(&path).await, owner.get(&path).await);
        assert!(narrow.status.is_success() && whole.status.is_success(), "{path} {}", text(&narrow));
        for id in &hidden {
            assert!(!contains(&narrow.body, id.as_bytes()), "{path}: {}", text(&narrow));
            seen_by_owner += usize::from(contains(&whole.body, id.as_bytes()));
        }
    }
    assert!(seen_by_owner >= 6, "the owner is told of the other camera: {seen_by_owner}");
    for list in ["/events", "/views", "/views?day=2026-01-01&limit=1"] {
        let with = if list.contains('?') { '&' } else { '?' };
        let of = |camera: &str| elm.path(&format!("{list}{with}camera={camera}"));
        let refused = caller.get(&of(&bedroom.camera.to_string())).await;
        not_found(&refused, list);
        assert_eq!(
            traits(&refused),
            traits(&caller.get(&of("cam_00000000000000000000000000")).await),
            "{list}"
        );
    }
    // Totals are of what may be seen.
    let home =
        async |caller: &Caller| caller.ask::<Home>(Method::GET, &elm.path(""), &ExampleBody::Nothing).await;
    let (narrow, whole) = (home(&caller).await, home(&owner).await);
    assert!(narrow.events_today < whole.events_today, "{} {}", narrow.events_today, whole.events_today);
    let (narrow, whole) = (narrow.used_bytes, whole.used_bytes);
    let page: EventPage = caller.ask(Method::GET, &elm.path("/events"), &ExampleBody::Nothing).await;
    assert_eq!(narrow, page.events.iter().map(|event| event.bytes).sum::<u64>());
    assert!(narrow < whole, "{narrow} {whole}");
    assert!(page.gaps.iter().all(|gap| gap.camera == elm.camera) && page.gaps.len() == 1, "{:?}", page.gaps);
    let cameras: Vec<Camera> = caller.ask(Method::GET, &elm.path("/cameras"), &ExampleBody::Nothing).await;
    assert_eq!(
        cameras.iter().map(|camera| (camera.camera, camera.today)).collect::<Vec<_>>(),
        [(elm.camera, 2)]
    );
    // Whose looks they are told of.
    let views: ViewPage = caller.ask(Method::GET, &elm.path("/views"), &ExampleBody::Nothing).await;
    assert!(views.views.iter().all(|view| view.camera != Some(bedroom.camera)), "{views:?}");
    let of_one = elm.path(&format!("/views?camera={}", elm.camera));
    let of_one: ViewPage = caller.ask(Method::GET, &of_one, &ExampleBody::Nothing).await;
    assert!(
        !of_one.views.is_empty() && of_one.views.iter().all(|view| view.camera == Some(elm.camera)),
        "{of_one:?}"
    );
    let of_other = elm.path(&format!("/views?camera={}", bedroom.camera));
    let of_other: ViewPage = owner.ask(Method::GET, &of_other, &ExampleBody::Nothing).await;
    assert!(
        !of_other.views.is_empty() && of_other.views.iter().all(|view| view.camera == Some(bedroom.camera)),
        "{of_other:?}"
    );
    // A page's end tells nothing of what lies between: with a limit of one the next is the next that they may see.
    let first: EventPage = caller.ask(Method::GET, &elm.path("/events?limit=1"), &ExampleBody::Nothing).await;
    let next = format!("/events?limit=1&before={}", first.next.unwrap());
    let second: EventPage = caller.ask(Method::GET, &elm.path(&next), &ExampleBody::Nothing).await;
    assert_eq!((second.events[0].event, second.next), (elm.event.event, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn websocket_sse_inbound_commands() {
    let (stage, elm, _) = street().await;
    let member = elm.member(&stage, "birch").await;
    let path = elm.path("/updates");
    let command = ExampleBody::Json(serde_json::json!({ "kind": "delete", "event": elm.event.event }));
    for caller in [caller_of(&stage, &member), elm.caller(&stage)] {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            assert_eq!(refusal(&caller.send(&method, &path, &command).await).0, 405, "{method}");
        }
    }
    // No upgrade: the stream answers as a stream, or refuses. It goes one way only.
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let api = stage.api();
    api.set_cookie("ks_session", &member.api().cookie("ks_session").unwrap());
    let upgraded =
        tokio::time::timeout(Duration::from_millis(500), api.request(Method::GET, &path, headers, None))
            .await;
    assert!(upgraded.map_or(true, |answer| answer.is_ok_and(|answer| answer.status != 101)));
    // A body on the way in is refused before anything is streamed.
    let told = tokio::time::timeout(
        Duration::from_secs(5),
        caller_of(&stage, &member).send(&Method::GET, &path, &command),
    )
    .await;
    assert_eq!(refusal(&told.expect("refused at once")).0, 400);
    assert!(elm.owner.event(elm.home, elm.camera, elm.event.event).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn websocket_sse_broadcasts() {
    let (stage, mut elm, bedroom, viewer) = half_a_home().await;
    let oak = stage.home("oak", "3 Oak Lane").await;
    let mut hears = viewer.updates(elm.home).await.unwrap();
    let mut other = oak.owner.updates(oak.home).await.unwrap();
    for stream in [&mut hears, &mut other] {
        assert_eq!(stream.next().await.unwrap(), Some(Update::Hello));
    }
    assert_eq!(
        oak.owner.updates(elm.home).await.err().and_then(|why| why.status()).map(|status| status.as_u16()),
        Some(404)
    );
    elm.agent.record(bedroom.camera, "the bedroom").await;
    let own = elm.agent.record(elm.camera, "the nursery").await;
    let told = async {
        loop {
            match hears.next().await.unwrap() {
                Some(Update::Event { camera, event, .. }) => {
                    assert_eq!(camera, elm.camera, "told of a camera that they may not see");
                    if event == own.event {
                        break;
                    }
                }
                other => assert!(matches!(other, Some(Update::Home)), "{other:?}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), told).await.expect("told of their own");
    let quiet = tokio::time::timeout(Duration::from_millis(600), other.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    // An open stream does not outlive the right to it.
    let begun = Instant::now();
    elm.remove(&viewer).await;
    let removed = begun.elapsed();
    let ended = async { while let Ok(Some(_)) = hears.next().await {} };
    tokio::time::timeout(removed + Duration::from_secs(1), ended).await.expect("it ends within a second");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shared_http_cache_cdn() {
    let (stage, elm, oak) = street().await;
    let invitation = elm.invite().await;
    let mut seen = 0;
    for route in table().iter().filter(|route| route.action != Action::Updates) {
        let real = props::real(&stage, &elm, &invitation, &oak.owner, route.action).await;
        let mut request = (route.example.unwrap())(&real);
        if matches!(route.principal, PrincipalKind::Anyone | PrincipalKind::Invitee) {
            request = props::without_secrets(&real, &request);
        }
        // What only looks is sent by its owner too; the rest as a stranger and as nobody, so that it stays as it is.
        let mut callers = vec![stage.nobody(), oak.caller(&stage)];
        if route.method == Method::GET {
            callers.extend([elm.caller(&stage), elm.agent.caller().clone()]);
        }
        for caller in callers.iter().filter(|_| route.action != Action::EndSessions) {
            let answer = caller.play(&route.method, &request).await;
            seen += 1;
            let headers = &answer.headers;
            assert_eq!(
                headers.get("cache-control").map(HeaderValue::as_bytes),
                Some(&b"private, no-store"[..]),
                "{} {}",
                route.method,
                route.path
            );
            for name in ["etag", "last-modified", "expires", "age", "access-control-allow-origin"] {
                assert!(!headers.contains_key(name), "{} {} has {name}", route.method, route.path);
            }
        }
    }
    assert!(seen > 100, "{seen}");
    // The API has no address that a cache may keep; the client's own files are nobody's.
    let page = stage.nobody().get("/").await;
    assert_eq!(page.headers["cache-control"], "no-cache");
    assert!(!page.headers.contains_key("set-cookie"));
}

/// An agent of its own in a folder, paired with a home and let in.
async fn real_agent(
    stage: &Stage,
    household: &Household,
    folder: &std::path::Path,
) -> (AgentDir, CancellationToken, tokio::task::JoinHandle<Result<(), AgentError>>) {
    let dir = AgentDir::open(folder, AgentConfig::default(), stage.world.clone()).unwrap();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn({
        let (dir, shutdown) = (dir.clone(), shutdown.clone());
        async move { dir.run(shutdown).await }
    });
    let pairing = household.owner.start_pairing(household.home).await.unwrap();
    dir.pair(&stage.url().parse().unwrap(), &pairing.code.text()).await.unwrap();
    household.owner.await_pairing(&pairing).await.unwrap();
    eventually(async || dir.status().await.is_ok_and(|status| status.home.is_some_and(|home| home.admitted)))
        .await;
    (dir, shutdown, running)
}

async fn eventually(holds: impl AsyncFn() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !holds().await {
        assert!(Instant::now() < until, "it never came to be");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn configuration_camera_credentials() {
    const SECRET: &str = "hunter-of-the-hedge-7Q";
    let (stage, elm, _) = street().await;
    let folder = tempfile::tempdir().unwrap();
    let (dir, shutdown, running) = real_agent(&stage, &elm, folder.path()).await;
    // Nobody answers there: it is named, reported as not reached, and tried again and again.
    let source = Source::Rtsp {
        main: "rtsp://127.0.0.1:9/main".parse().unwrap(),
        sub: None,
        user: Some("viewer-9Zx".to_owned()),
        password: Some(SECRET.to_owned()),
    };
    assert!(!format!("{source:?}").contains(SECRET));
    let camera = dir
        .add_camera(&NewCamera { name: "Shed".to_owned(), source, watch: WatchSettings::default() })
        .await
        .unwrap();
    let known =
        async || elm.owner.cameras(elm.home).await.unwrap().iter().any(|known| known.camera == camera);
    eventually(known).await;
    let status = format!(
        "{:?} {}",
        dir.status().await.unwrap(),
        serde_json::to_string(&dir.status().await.unwrap()).unwrap()
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    shutdown.cancel();
    running.await.unwrap().unwrap();
    let member = elm.member(&stage, "birch").await;
    let mut told = status.into_bytes();
    for path in [
        elm.path(""),
        elm.path("/cameras"),
        elm.path("/agents"),
        elm.path("/events"),
        elm.path("/chain"),
        "/api/v1/service".to_owned(),
    ] {
        for caller in [elm.caller(&stage), caller_of(&stage, &member), stage.nobody()] {
            told.extend_from_slice(&caller.get(&path).await.body);
        }
    }
    for file in damage::all_files(stage.folder.path()) {
        told.extend(std::fs::read(file).unwrap());
    }
    told.extend(log().text().into_bytes());
    for secret in [SECRET, "viewer-9Zx", "rtsp://127.0.0.1:9/main"] {
        assert!(!contains(&told, secret.as_bytes()), "{secret} left the agent's own folder");
    }
    // The control: its own folder has it.
    let kept = damage::all_files(folder.path())
        .into_iter()
        .any(|file| contains(&std::fs::read(file).unwrap_or_default(), SECRET.as_bytes()));
    assert!(kept);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_metrics_labels_error_texts() {
    let (stage, elm, oak) = street().await;
    let invitation = elm.invite().await;
    let mut answers = Vec::new();
    for route in table().iter().filter(|route| route.action != Action::EndSessions) {
        let real = props::real(&stage, &elm, &invitation, &oak.owner, route.action).await;
        let request = props::without_secrets(&real, &(route.example.unwrap())(&real));
        for caller in [stage.nobody(), oak.caller(&stage), oak.agent.caller().clone()] {
            let answer = caller.play(&route.method, &request).await;
            if !answer.status.is_success() {
                answers.extend_from_slice(&answer.body);
            }
        }
    }
    // Requests that reach the home and fail there: their words are the sender's own, or of nobody.
    let own = elm.caller(&stage);
    for path in ["/events?day=2026-02-30", "/events?before=x", "/views?limit=0", "/chain?after=x"] {
        answers.extend_from_slice(&own.get(&elm.path(path)).await.body);
    }
    answers.extend_from_slice(&stage.nobody().get("/metrics").await.body);
    let log = log().text();
    assert!(log.contains("request refused"), "the log is being watched");
    let token = |caller: &Caller| match caller.shown() {
        Shown::Cookie(token) | Shown::Bearer(token) => token.clone(),
        Shown::Nothing => unreachable!("everybody here has one"),
    };
    let mut private =
        vec![token(&own), token(&oak.caller(&stage)), token(elm.agent.caller()), PASSWORD.to_owned()];
    private.extend(["12 Elm Street", "3 Oak Lane", "Nursery"].map(str::to_owned));
    private.push(data_encoding::BASE64URL_NOPAD.encode(&elm.login.0));
    private.push(data_encoding::BASE64URL_NOPAD.encode(&invitation.token().0));
    for secret in &private {
        assert!(!log.contains(secret.as_str()), "the log has {secret}");
        assert!(!contains(&answers, secret.as_bytes()), "an error's text has {secret}");
    }
    for id in [elm.event.event.to_string(), elm.owner.account().to_string()] {
        assert!(!contains(&answers, id.as_bytes()), "an error's text has {id}");
        assert!(!log.contains(&id), "strangers' requests brought {id} into the log");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_things_with_the_same_name() {
    log();
    let stage = Stage::start().await;
    let elm = stage.home("elm", "Home").await;
    let mut oak = stage.home("oak", "Home").await;
    // The same name for home and camera, and the very same camera and Event ids.
    oak.agent.add_camera(elm.camera, "Nursery").await;
    let twin = oak.agent.seal(elm.camera, elm.event.event, "another nursery").await;
    oak.agent.upload(&twin).await;
    assert_eq!((twin.camera, twin.event), (elm.event.camera, elm.event.event));
    for (household, mine, other) in [(&elm, &elm.event, &twin), (&oak, &twin, &elm.event)] {
        let caller = household.caller(&stage);
        for (kind, path) in reads::all(mine) {
            let answer = caller.get(&path).await;
            assert!(answer.status.is_success(), "{kind} {path}");
            assert!(!other.is_in(&answer.body), "{kind} {path}");
        }
        for (kind, path) in reads::all(other) {
            not_found(&caller.get(&path).await, &format!("{kind} {path}"));
        }
        let watched = household
            .owner
            .watch(household.home, mine.camera, mine.event, keepsight_wire::people::Purpose::View)
            .await;
        assert!(contains(&watched.unwrap().video(), mine.picture.as_bytes()));
    }
    // One of them deleted: the other stays.
    oak.owner.delete_event(oak.home, twin.camera, twin.event).await.unwrap();
    not_found(&fetch(&oak.caller(&stage), &twin, SegmentKind::Video).await, "deleted");
    assert!(fetch(&elm.caller(&stage), &elm.event, SegmentKind::Video).await.status.is_success());
    // Accounts can't share a name, however it is written.
    for name in ["ELM", " elm ", "\u{ff45}lm"] {
        let refused =
            Person::sign_up(stage.api(), stage.world.clone(), name, PASSWORD, None).await.unwrap_err();
        assert_eq!(refused.code(), Some("conflict"), "{name:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn user_management_deletion() {
    let (stage, elm, oak) = street().await;
    let member = elm.member(&stage, "birch").await;
    let invitation = elm.invite().await;
    let caller = caller_of(&stage, &member);
    let mut refused = 0;
    for route in table().iter().filter(|route| route.principal == PrincipalKind::Person) {
        let manages = matches!(route.action.right(), Some(Right::Manage | Right::Delete))
            || route.action == Action::AppendChain;
        if !manages {
            continue;
        }
        let real = props::real(&stage, &elm, &invitation, &oak.owner, route.action).await;
        let answer = caller.play(&route.method, &(route.example.unwrap())(&real)).await;
        assert_eq!(refusal(&answer), (403, "not_allowed".to_owned()), "{} {}", route.method, route.path);
        refused += 1;
    }
    assert!(refused >= 8, "{refused}");
    // With entries of their own signing: the member makes themselves an owner, removes the owner, invites, and adds an agent.
    let open = member.open_home(elm.home).await.unwrap();
    let keys = member.keys().unwrap();
    let owners = open.chain.head().entry().slot_of(elm.owner.account()).unwrap().slot;
    type Change = Box<dyn Fn(&mut keepsight_seal::Draft<'_>)>;
    let own = open.slot;
    let changes: [(&str, Change); 3] = [
        (
            "promoted themselves",
            Box::new(move |draft| {
                let slots = &mut draft.entry().slots;
                slots.iter_mut().find(|slot| slot.slot == own).unwrap().rights =
                    Slot::owner_rights().to_vec();
            }),
        ),
        (
            "removed the owner",
            Box::new(move |draft| {
                draft.remove(owners);
            }),
        ),
        (
            "added an agent",
            Box::new(|draft| {
                draft.add_agent(AgentId::from_bytes([7; 16]), SignSecret::from_bytes([7; 32]).public());
            }),
        ),
    ];
    for (what, change) in changes {
        let mut draft = keepsight_seal::Draft::after(open.chain.head(), open.slot);
        change(&mut draft);
        let body = serde_json::to_vec(draft.entry()).unwrap();
        let signature = keepsight_seal::sign_session(&keys.sign, &body, None);
        let entry = keepsight_wire::Signed { body: keepsight_ids::B64(body), signature };
        let append = serde_json::json!({ "entry": entry, "epoch": null, "invitation": null, "pairing": null, "names": [] });
        let answer = caller.send(&Method::POST, &elm.path("/chain"), &ExampleBody::Json(append)).await;
        assert!(answer.status.is_client_error(), "{what}: {}", text(&answer));
    }
    let people = elm.owner.people(elm.home).await.unwrap();
    assert_eq!((people.members.len(), people.invitations.len()), (2, 1));
    let chain: Chain = elm.owner.api().get(&format!("/homes/{}/chain", elm.home)).await.unwrap();
    assert_eq!(chain.entries.len() as u64, elm.owner.home(elm.home).await.unwrap().chain_seq + 1);
    assert!(elm.owner.event(elm.home, elm.camera, elm.event.event).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_state_after_switching_accounts() {
    let (stage, elm, oak) = street().await;
    // One browser: elm's, in which oak then signs in without a word from elm.
    let browser = stage.api();
    let first = Person::sign_in(browser.clone(), stage.world.clone(), "elm", PASSWORD).await.unwrap();
    assert!(first.home(elm.home).await.is_ok());
    let elms_cookie = browser.cookie("ks_session").unwrap();
    let second = Person::sign_in(browser.clone(), stage.world.clone(), "oak", PASSWORD).await.unwrap();
    assert_ne!(browser.cookie("ks_session").unwrap(), elms_cookie);
    let homes: Vec<Home> = second.homes().await.unwrap();
    assert_eq!(homes.iter().map(|home| home.home).collect::<Vec<_>>(), [oak.home]);
    // What elm's page still asks for in that browser is asked as oak.
    let asked = first.home(elm.home).await.unwrap_err();
    assert_eq!(asked.code(), Some("not_found"));
    assert!(matches!(
        first.watch(elm.home, elm.camera, elm.event.event, keepsight_wire::people::Purpose::View).await,
        Err(PersonError::Refused { .. })
    ));
    // Two cookies of the same name, as a confused browser sends them: one caller, not a mixture of two.
    let mut headers = HeaderMap::new();
    let both = format!("ks_session={}; ks_session={elms_cookie}", browser.cookie("ks_session").unwrap());
    headers.insert("cookie", HeaderValue::from_str(&both).unwrap());
    let answer = stage.api().request(Method::GET, "/api/v1/homes", headers, None).await.unwrap();
    assert_eq!(answer.json::<Vec<Home>>().unwrap().len(), 1);
    // Signing out takes the cookie away.
    second.sign_out().await.unwrap();
    assert_eq!(browser.cookie("ks_session"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_lived_tokens() {
    let (stage, elm, _) = street().await;
    let path = elm.event.path("/segments/video/0");
    let refused = async |caller: &Caller, code: u16, what: &str| {
        assert_eq!(refusal(&caller.get(&path).await).0, code, "{what}");
    };
    // A member's session, from the removal on.
    let member = elm.member(&stage, "birch").await;
    let session = caller_of(&stage, &member);
    assert!(session.get(&path).await.status.is_success());
    elm.remove(&member).await;
    refused(&session, 404, "removed").await;
    // Sessions ended one by one, all at once, by a new password, by the operator.
    let sign_in = async || stage.sign_in("elm", elm.login).await;
    let (one, other, third) = (sign_in().await, sign_in().await, sign_in().await);
    one.send(&Method::POST, "/api/v1/sign-out", &ExampleBody::Nothing).await;
    refused(&one, 401, "signed out").await;
    other.send(&Method::DELETE, "/api/v1/account/sessions", &ExampleBody::Nothing).await;
    refused(&third, 401, "ended from elsewhere").await;
    refused(&elm.caller(&stage), 401, "ended from elsewhere").await;
    assert!(other.get(&path).await.status.is_success());
    let Shown::Cookie(token) = other.shown() else { unreachable!("a browser") };
    elm.owner.api().set_cookie("ks_session", token);
    stage.truth_elsewhere().operate(OperatorDeed::EndAllSessions).await.unwrap();
    refused(&other, 401, "all were ended").await;
    refused(elm.agent.caller(), 401, "an agent's is no person's").await;
    assert_eq!(elm.agent.caller().get("/agent/v1/chain").await.status, 401);
    let again = sign_in().await;
    let Shown::Cookie(token) = again.shown() else { unreachable!("a browser") };
    elm.owner.api().set_cookie("ks_session", token);
    // An agent's session, from its removal on.
    let spare = elm.pair(&stage).await;
    assert_eq!(spare.caller().get("/agent/v1/chain").await.status, 200);
    elm.owner.remove_agent(elm.home, spare.agent).await.unwrap();
    assert_eq!(spare.caller().get("/agent/v1/chain").await.status, 401);
    // An invitation's link: revoked, used.
    let open = async |invitation: &Invitation| {
        stage
            .nobody()
            .json(Method::POST, "/api/v1/invitations/open", &InvitationOpen { ticket: invitation.ticket() })
            .await
    };
    let revoked = elm.invite().await;
    assert_eq!(open(&revoked).await.status, 200);
    elm.owner.remove_member(elm.home, revoked.slot).await.unwrap();
    not_found(&open(&revoked).await, "revoked");
    let used = elm.invite().await;
    stage.person("cedar").await.accept(&used).await.unwrap();
    not_found(&open(&used).await, "used");
    // No address carries a right: a token in a query is nobody's.
    for query in ["ks_session", "token", "access_token", "sig"] {
        let asked = stage.nobody().get(&format!("{path}?purpose=view&{query}={token}")).await;
        assert_eq!(refusal(&asked).0, 401, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_reused_after_a_crash_or_a_restore() {
    let (stage, mut elm, _) = street().await;
    elm.owner.delete_event(elm.home, elm.camera, elm.event.event).await.unwrap();
    // The agent's disk comes back from before, and sends it all again.
    for answer in elm.agent.try_upload(&elm.event).await {
        assert_eq!(refusal(&answer), (410, "gone".to_owned()));
    }
    // Or another recording claims the id.
    let reborn = elm.agent.seal(elm.camera, elm.event.event, "something else").await;
    for answer in elm.agent.try_upload(&reborn).await {
        assert_eq!(refusal(&answer), (410, "gone".to_owned()));
    }
    for (kind, path) in reads::all(&elm.event) {
        let answer = elm.caller(&stage).get(&path).await;
        assert!(!elm.event.is_in(&answer.body) && !reborn.is_in(&answer.body), "{kind} {path}");
    }
    // An id that is in use keeps its first bytes, and somebody is told.
    let first = elm.agent.record(elm.camera, "first").await;
    let second = elm.agent.seal(elm.camera, first.event, "second").await;
    for answer in elm.agent.try_upload(&second).await {
        assert_eq!(refusal(&answer), (409, "conflict".to_owned()));
    }
    assert!(stage.cloud().alarms().conflicting() > 0);
    assert_eq!(
        fetch(&elm.caller(&stage), &first, SegmentKind::Video).await.body,
        first.sealed(SegmentKind::Video)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_footage() {
    let (stage, mut elm, _) = street().await;
    let kept = elm.agent.record(elm.camera, "kept").await;
    assert_eq!(damage::files(&stage, &elm.event).len(), elm.event.segments.len());
    elm.owner.delete_event(elm.home, elm.camera, elm.event.event).await.unwrap();
    for (kind, path) in reads::all(&elm.event) {
        let answer = elm.caller(&stage).get(&path).await;
        assert!(!elm.event.is_in(&answer.body), "{kind} {path}");
        if !["list", "camera list", "cameras", "views", "camera's views", "Event's views"].contains(&kind) {
            not_found(&answer, &path);
        }
    }
    // What keeps house every few minutes, now.
    let _ = tokio::time::timeout(Duration::from_secs(1), stage.cloud().clone().keep_house()).await;
    for file in damage::all_files(stage.folder.path()) {
        let bytes = std::fs::read(&file).unwrap();
        let left = elm.event.segments.iter().any(|(.., sealed)| contains(&bytes, sealed));
        assert!(!left, "{} has footage that was deleted", file.display());
    }
    assert_eq!(damage::files(&stage, &kept).len(), kept.segments.len());
    assert!(fetch(&elm.caller(&stage), &kept, SegmentKind::Video).await.status.is_success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_dealt_anew_after_a_power_cut() {
    // That recording stops when another camera answers is the camera's affair, and tested there. The server's part: an owner is
    // told, the camera's Events stay its own, and another agent of the home can't take its place.
    let (stage, mut elm, _) = street().await;
    let now = UnixMillis(stage.world.unix_millis());
    let chain = elm.agent.chain().await;
    let status = keepsight_wire::agent::Status {
        version: "0.1.0".to_owned(),
        chain_seq: chain.head().entry().seq,
        epoch: chain.head().entry().epoch.0,
        spool_bytes: 0,
        cameras: vec![keepsight_wire::agent::CameraReport {
            camera: elm.camera,
            state: keepsight_wire::people::CameraState::Changed,
            since: now,
        }],
    };
    elm.agent.caller().tell(Method::POST, "/agent/v1/status", &status).await;
    let cameras = elm.owner.cameras(elm.home).await.unwrap();
    assert_eq!(cameras[0].state, keepsight_wire::people::CameraState::Changed);
    let mut second = elm.pair(&stage).await;
    let swapped = second.seal(elm.camera, EventId::from_bytes(stage.world.random()), "another room").await;
    for answer in second.try_upload(&swapped).await {
        not_found(&answer, "another agent's camera");
    }
    // An owner's agent says so itself, and a false one is not believed about another's camera.
    let recording = keepsight_wire::people::CameraState::Recording;
    let mut lie = status;
    lie.cameras[0].state = recording;
    second.caller().tell(Method::POST, "/agent/v1/status", &lie).await;
    assert_ne!(elm.owner.cameras(elm.home).await.unwrap()[0].state, recording);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_hand_devices_and_boxes() {
    let (stage, mut elm, mut oak) = street().await;
    // A box that elm's home let in: oak can't take it over before it forgot.
    let folder = tempfile::tempdir().unwrap();
    let (dir, shutdown, running) = real_agent(&stage, &elm, folder.path()).await;
    let offer = oak.owner.start_pairing(oak.home).await.unwrap();
    let server = stage.url().parse().unwrap();
    let refused = dir.pair(&server, &offer.code.text()).await.unwrap_err();
    assert_eq!(refused.code(), "paired", "{refused}");
    shutdown.cancel();
    running.await.unwrap().unwrap();
    assert!(
        matches!(dir.pair(&server, &offer.code.text()).await, Err(AgentError::Paired(home)) if home == elm.home)
    );
    dir.reset().await.unwrap();
    assert!(dir.status().await.unwrap().home.is_none());
    assert_eq!(dir.pair(&server, &offer.code.text()).await.unwrap().home, oak.home);

    // A disk with footage of elm's in it, in a box that knows no home any more.
    let folder = tempfile::tempdir().unwrap();
    let event = EventId::from_bytes(stage.world.random());
    let old = elm.agent.seal(elm.camera, event, "the nursery").await;
    let account = keepsight_agent::upload::Account {
        server: stage.url().parse().unwrap(),
        tls: None,
        agent: elm.agent.agent,
        key: elm.agent.key.clone(),
    };
    let dial = Arc::new(keepsight_agent::http::TcpDial);
    let disk = Arc::new(RealDisk::open(folder.path()).unwrap());
    let light = LightAgent::new(account, (1, 1), disk, dial, 1_000_000_000, stage.world.clone()).unwrap();
    let captured = UnixMillis(stage.world.unix_millis());
    light
        .add(SealedEvent {
            camera: old.camera,
            event,
            captured,
            header: old.header.clone(),
            segments: old.segments.clone(),
        })
        .await
        .unwrap();
    drop(light);
    let dir = AgentDir::open(folder.path(), AgentConfig::default(), stage.world.clone()).unwrap();
    let offer = oak.owner.start_pairing(oak.home).await.unwrap();
    assert!(matches!(dir.pair(&server, &offer.code.text()).await, Err(AgentError::OtherSpool)));

    // And were it sent all the same, by oak's own agent to oak's home: it says whose it is.
    oak.agent.add_camera(elm.camera, "Hall").await;
    for answer in oak.agent.try_upload(&old).await {
        assert_eq!(refusal(&answer), (400, "bad_request".to_owned()));
    }
    let page: EventPage = oak.owner.api().get(&format!("/homes/{}/events", oak.home)).await.unwrap();
    assert_eq!(page.events.len(), 1);
    // Nor does elm's agent, taken out of elm's home, send into it any more.
    elm.owner.remove_agent(elm.home, elm.agent.agent).await.unwrap();
    for answer in elm.agent.try_upload(&old).await {
        assert_eq!(refusal(&answer).0, 401);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_in_and_sign_up_answers_password_parameters() {
    let (stage, elm, _) = street().await;
    let nobody = stage.nobody();
    let random = || B32(stage.world.random());
    for (path, known, unknown) in [
        (
            "/api/v1/sign-in",
            json(&SignIn { name: "elm".into(), login: random() }),
            json(&SignIn { name: "rowan".into(), login: random() }),
        ),
        (
            "/api/v1/recovery/open",
            json(&RecoveryOpen { name: "elm".into(), login: random() }),
            json(&RecoveryOpen { name: "rowan".into(), login: random() }),
        ),
    ] {
        let answers = [
            nobody.send(&Method::POST, path, &known).await,
            nobody.send(&Method::POST, path, &unknown).await,
        ];
        assert_eq!(traits(&answers[0]), traits(&answers[1]), "{path}");
        assert_eq!(refusal(&answers[0]), (401, "wrong_sign_in".to_owned()), "{path}");
    }
    // A real password's login at the recovery's door, and the other way round.
    let crossed = nobody
        .send(
            &Method::POST,
            "/api/v1/recovery/open",
            &json(&RecoveryOpen { name: "elm".into(), login: elm.login }),
        )
        .await;
    assert_eq!(refusal(&crossed).0, 401);
    let crossed = nobody
        .send(
            &Method::POST,
            "/api/v1/sign-in",
            &json(&SignIn { name: "elm".into(), login: elm.recovery_login }),
        )
        .await;
    assert_eq!(refusal(&crossed).0, 401);
    // Parameters: of the same shape, and the same each time that a name is asked for.
    let ask = async |name: &str| {
        let query = json(&NameQuery { name: name.to_owned() });
        let answer = nobody.send(&Method::POST, "/api/v1/sign-in/parameters", &query).await;
        (answer.json::<PasswordParameters>().unwrap(), traits(&answer).headers)
    };
    let (known, unknown) = (ask("elm").await, ask("rowan").await);
    assert_eq!((known.0.iterations, known.0.salt.0.len()), (unknown.0.iterations, unknown.0.salt.0.len()));
    assert_eq!(known.1, unknown.1);
    assert_eq!(ask("rowan").await, unknown);
    assert_eq!(ask(" ROWAN ").await.0, unknown.0, "however it is written");
    assert_eq!(ask("ELM").await.0, known.0);
    assert_ne!(ask("willow").await.0.salt, unknown.0.salt);
    // Signing up without a ticket tells nobody which names are taken.
    let closed = Stage::with(|_| {}).await;
    closed.person("elm").await;
    let sign_up = async |name: &str| {
        Person::sign_up(closed.api(), closed.world.clone(), name, PASSWORD, None).await.unwrap_err()
    };
    let (taken, free) = (sign_up("elm").await, sign_up("rowan").await);
    assert_eq!((taken.status(), taken.code()), (free.status(), free.code()));
    let bad = |name: &'static str| {
        let slot = SlotId::from_bytes(closed.world.random());
        let genesis = elm.owner.pin(elm.home).expect("its owner has seen the home").genesis;
        let invitation = Invitation::random(elm.home, slot, genesis, &mut closed.world.rng());
        Person::sign_up(
            closed.api(),
            closed.world.clone(),
            name,
            PASSWORD,
            Some(Ticket::Invitation(invitation.ticket())),
        )
    };
    let (taken, free) = (bad("elm").await.unwrap_err(), bad("rowan").await.unwrap_err());
    assert_eq!((taken.status(), taken.code()), (free.status(), free.code()));
    assert_eq!(taken.code(), Some("not_allowed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restored_backups() {
    let (stage, elm, _) = street().await;
    let member = elm.member(&stage, "birch").await;
    let caller = caller_of(&stage, &member);
    let path = elm.event.path("/segments/video/0");
    assert!(caller.get(&path).await.status.is_success());
    // Under the running server the truth becomes that of another history, which has the same number and in which the member was
    // removed. First without its tag: what is in memory goes on, which shows that something is in memory.
    let truth = stage.database("truth.db");
    let end = "UPDATE relations SET until_rev = (SELECT rev FROM gate_head) WHERE account = ?1";
    assert_eq!(truth.execute(end, [member.account().as_bytes()]).unwrap(), 1);
    assert!(caller.get(&path).await.status.is_success(), "the control: it was decided from memory");
    damage::another_history(&truth);
    not_found(&caller.get(&path).await, "the history in which they were removed");
    // Back to the one in which they belong, and every memory is emptied again.
    truth
        .execute("UPDATE relations SET until_rev = NULL WHERE account = ?1", [member.account().as_bytes()])
        .unwrap();
    damage::another_history(&truth);
    assert!(caller.get(&path).await.status.is_success());
    // A history with a lower number.
    truth
        .execute_batch(
            "BEGIN IMMEDIATE;
             DELETE FROM gate_log WHERE rev > (SELECT rev - 3 FROM gate_head);
             UPDATE gate_head SET rev = rev - 3, tag = (SELECT tag FROM gate_log WHERE gate_log.rev = gate_head.rev - 3 LIMIT 1);
             UPDATE sessions SET since_rev = MIN(since_rev, (SELECT rev FROM gate_head));
             COMMIT;",
        )
        .unwrap();
    truth.execute(end, [member.account().as_bytes()]).unwrap();
    not_found(&caller.get(&path).await, "an older history in which they did not belong yet");
    // Sign-ins that come back with a backup are ended by one deed.
    assert!(elm.caller(&stage).get(&path).await.status.is_success());
    stage.truth_elsewhere().operate(OperatorDeed::EndAllSessions).await.unwrap();
    for caller in [caller, elm.caller(&stage)] {
        assert_eq!(refusal(&caller.get(&path).await).0, 401);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_and_labels_beside_the_pictures() {
    let (stage, mut elm, oak) = street().await;
    elm.owner.rename_home(elm.home, "Twelve Elm").await.unwrap();
    elm.owner.rename_camera(elm.home, elm.camera, "Cradle corner").await.unwrap();
    elm.agent.record(elm.camera, "a sleeping child").await;
    let member = elm.member(&stage, "birch").await;
    elm.remove(&member).await;
    assert_eq!(elm.owner.home_name(elm.home).await.unwrap(), "Twelve Elm");
    let mut everything = Vec::new();
    for file in damage::all_files(stage.folder.path()) {
        everything.extend(std::fs::read(file).unwrap());
    }
    for (_, path) in
        reads::all(&elm.event).into_iter().chain([("home", elm.path("")), ("chain", elm.path("/chain"))])
    {
        everything.extend_from_slice(&elm.caller(&stage).get(&path).await.body);
    }
    for name in [
        "Twelve Elm",
        "12 Elm Street",
        "3 Oak Lane",
        "Cradle corner",
        "Nursery",
        "a sleeping child",
        "avc1.42c01e",
        "preview_frames",
    ] {
        assert!(!contains(&everything, name.as_bytes()), "{name} lies open");
        let encoded = data_encoding::BASE64URL_NOPAD.encode(name.as_bytes());
        // All but the last characters, which depend on what follows.
        assert!(
            !contains(&everything, &encoded.as_bytes()[..encoded.len() - 2]),
            "{name} lies open in base64url"
        );
    }
    // The control: what the server does know is found by the same search.
    assert!(contains(&everything, b"Europe/Berlin") && contains(&everything, oak.owner.account().as_bytes()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_start() {
    log();
    let stage = Stage::with(|config| config.sign_up = SignUpPolicy::Invitation).await;
    let sign_up = |name: &'static str, ticket: Option<Ticket>| {
        Person::sign_up(stage.api(), stage.world.clone(), name, PASSWORD, ticket)
    };
    let token = stage.cloud().setup_token().unwrap().to_owned();
    // Whoever reaches the port first, without the link.
    let guess = data_encoding::BASE64URL_NOPAD.encode(&stage.world.random::<32>());
    for ticket in [
        None,
        Some(Ticket::Setup(String::new())),
        Some(Ticket::Setup(guess)),
        Some(Ticket::Setup(token[..42].to_owned())),
    ] {
        let refused = sign_up("stranger", ticket).await.unwrap_err();
        assert_eq!(refused.code(), Some("not_allowed"));
    }
    let service = stage.nobody().get("/api/v1/service").await;
    assert!(!contains(&service.body, token.as_bytes()));
    // Two at once with the link: one account.
    let (one, other) = tokio::join!(
        sign_up("elm", Some(Ticket::Setup(token.clone()))),
        sign_up("oak", Some(Ticket::Setup(token.clone())))
    );
    assert_eq!([&one, &other].iter().filter(|made| made.is_ok()).count(), 1, "{one:?} {other:?}");
    let accounts: i64 =
        stage.database("truth.db").query_row("SELECT count(*) FROM accounts", [], |row| row.get(0)).unwrap();
    assert_eq!(accounts, 1);
    // The link is good once, and the server's next start makes no other.
    assert_eq!(
        sign_up("ash", Some(Ticket::Setup(token.clone()))).await.unwrap_err().code(),
        Some("not_allowed")
    );
    // Nor does its hash in the database help anybody who reads it there.
    let kept: Option<Vec<u8>> = stage
        .database("truth.db")
        .query_row("SELECT setup_token FROM service", [], |row| row.get(0))
        .unwrap();
    assert!(kept.is_none_or(|kept| kept != token.as_bytes()));
    assert!(!log().text().contains(&token));
}

fn json(body: &impl serde::Serialize) -> ExampleBody {
    keepsight_sim::caller::json(body)
}
