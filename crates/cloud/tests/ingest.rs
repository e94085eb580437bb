//! Ingest: what is taken, what is refused, and that the same again is no harm.

mod support;

use http::Method;
use keepsight_cloud::example::ExampleBody;
use keepsight_ids::{B64, CameraId, SegmentKind, SegmentNo, UnixMillis};
use keepsight_seal::{EventSealer, SegmentIdentity, SignSecret, sha256};
use keepsight_store::Reserve;
use keepsight_wire::agent::{AgentChain, Challenge, EventAck, SegmentAck, SessionOpen, Status, StatusAck};
use keepsight_wire::people::{Camera, CameraState, CameraSwitch, EventPage};
use support::{Household, Server, Who};

async fn put(server: &Server, who: &Who, path: &str, bytes: &[u8]) -> support::Reply {
    server.send(who, Method::PUT, path, &ExampleBody::Bytes(bytes.to_vec())).await
}

fn now(server: &Server) -> UnixMillis {
    UnixMillis(server.world.unix_millis())
}

fn event_path(elm: &Household) -> String {
    format!("/agent/v1/cameras/{}/events/{}", elm.camera, elm.event)
}

#[tokio::test]
async fn the_same_again_is_acknowledged_and_other_bytes_are_refused_and_an_alarm() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let (kind, number, bytes) = &elm.segments[1];
    let path = format!("{}/segments/{kind}/{number}", event_path(&elm));
    let ack: SegmentAck = put(&server, &elm.agent_who, &path, bytes).await.ok();
    assert_eq!((ack.event, ack.kind, ack.number, ack.sha256), (elm.event, *kind, *number, sha256(bytes)));
    let mut other = bytes.clone();
    *other.last_mut().unwrap() ^= 1;
    assert_eq!(put(&server, &elm.agent_who, &path, &other).await.refusal(), (409, "conflict".into()));
    assert_eq!(server.cloud.alarms().conflicting(), 1);
}

#[tokio::test]
async fn a_header_goes_up_twice_and_never_with_other_bytes() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let (event, signed, _) = elm.header(&server, elm.camera, now(&server));
    let path = format!("/agent/v1/cameras/{}/events/{event}", elm.camera);
    for _ in 0..2 {
        let ack: EventAck = server.put(&elm.agent_who, &path, &signed).await.ok();
        assert_eq!((ack.event, ack.sha256), (event, sha256(&signed.body.0)));
    }
    let mut rng = server.world.rng();
    let (agent, key) = (elm.agent, &elm.agent_key);
    let (other, _) =
        EventSealer::begin(&elm.chain, agent, key, elm.camera, event, now(&server), true, &mut rng).unwrap();
    assert_eq!(server.put(&elm.agent_who, &path, &other).await.refusal(), (409, "conflict".into()));
}

#[tokio::test]
async fn a_header_of_elsewhere_or_by_somebody_else_is_refused() {
    let server = Server::start().await;
    let (elm, oak) = (server.home("elm").await, server.home("oak").await);
    let (event, signed, _) = elm.header(&server, elm.camera, now(&server));
    let path = format!("/agent/v1/cameras/{}/events/{event}", elm.camera);
    let other_event = format!("{}x", event_path(&elm));
    assert_eq!(server.put(&elm.agent_who, &other_event, &signed).await.refusal().0, 404);
    assert_eq!(
        server.put(&elm.agent_who, &event_path(&elm), &signed).await.refusal(),
        (400, "bad_request".into())
    );
    assert_eq!(server.put(&oak.agent_who, &path, &signed).await.refusal(), (404, "not_found".into()));
    let mut forged = signed.clone();
    forged.signature = B64(vec![0; 64]);
    assert_eq!(server.put(&elm.agent_who, &path, &forged).await.refusal(), (400, "bad_request".into()));
    // An agent's key that the chain does not list.
    let stranger = SignSecret::random(&mut server.world.rng());
    let refused = EventSealer::begin(
        &elm.chain,
        elm.agent,
        &stranger,
        elm.camera,
        event,
        now(&server),
        true,
        &mut server.world.rng(),
    );
    assert!(refused.is_err());
    server.put(&elm.agent_who, &path, &signed).await.done();
}

#[tokio::test]
async fn a_segment_must_state_the_place_that_it_is_put_to() {
    let server = Server::start().await;
    let (elm, oak) = (server.home("elm").await, server.home("oak").await);
    let (kind, number) = (SegmentKind::Video, SegmentNo(7));
    let path = format!("{}/segments/{kind}/{number}", event_path(&elm));
    let right = SegmentIdentity { home: elm.home, camera: elm.camera, event: elm.event, kind, number };
    let wrong = [
        SegmentIdentity { home: oak.home, ..right },
        SegmentIdentity { camera: oak.camera, ..right },
        SegmentIdentity { event: oak.event, ..right },
        SegmentIdentity { kind: SegmentKind::Audio, ..right },
        SegmentIdentity { number: SegmentNo(8), ..right },
    ];
    for identity in wrong {
        let reply = put(&server, &elm.agent_who, &path, &[&identity.to_bytes()[..], &[0; 40]].concat()).await;
        assert_eq!(reply.refusal(), (400, "bad_request".into()));
    }
    for short in [0, 1, 56, 57, 72] {
        assert_eq!(
            put(&server, &elm.agent_who, &path, &vec![0; short]).await.refusal().0,
            400,
            "{short} bytes"
        );
    }
    put(&server, &elm.agent_who, &path, &[&right.to_bytes()[..], &[0; 40]].concat()).await.done();
}

#[tokio::test]
async fn sizes_numbers_and_order_have_bounds() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let sealed = |kind, number, len: usize| {
        let identity = SegmentIdentity {
            home: elm.home,
            camera: elm.camera,
            event: elm.event,
            kind,
            number: SegmentNo(number),
        };
        let path = format!("{}/segments/{kind}/{number}", event_path(&elm));
        (path, [&identity.to_bytes()[..], &vec![0; len]].concat())
    };
    for (kind, number) in [(SegmentKind::Init, 2), (SegmentKind::Thumbnail, 1), (SegmentKind::Trailer, 1)] {
        let (path, bytes) = sealed(kind, number, 40);
        assert_eq!(
            put(&server, &elm.agent_who, &path, &bytes).await.refusal(),
            (400, "bad_request".into()),
            "{path}"
        );
    }
    let (path, bytes) = sealed(SegmentKind::Video, 9, 16 * 1024 * 1024);
    assert_eq!(put(&server, &elm.agent_who, &path, &bytes).await.refusal(), (413, "too_large".into()));
    let (path, bytes) = sealed(SegmentKind::Video, 9, 16 * 1024 * 1024 - 57);
    put(&server, &elm.agent_who, &path, &bytes).await.done();
    let event = keepsight_ids::EventId::from_bytes([7; 16]);
    let identity = SegmentIdentity {
        home: elm.home,
        camera: elm.camera,
        event,
        kind: SegmentKind::Video,
        number: SegmentNo(0),
    };
    let headless = format!("/agent/v1/cameras/{}/events/{event}/segments/video/0", elm.camera);
    let reply = put(&server, &elm.agent_who, &headless, &[&identity.to_bytes()[..], &[0; 40]].concat()).await;
    assert_eq!(reply.refusal(), (404, "not_found".into()));
}

#[tokio::test]
async fn a_camera_that_is_switched_off_takes_nothing_and_its_agent_hears_of_it() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    server.put(&elm.owner.who, &elm.camera_path("/switch"), &CameraSwitch { on: false }).await.done();
    let (event, signed, _) = elm.header(&server, elm.camera, now(&server));
    let path = format!("/agent/v1/cameras/{}/events/{event}", elm.camera);
    assert_eq!(server.put(&elm.agent_who, &path, &signed).await.refusal(), (403, "not_allowed".into()));
    let status = Status { version: "0.1.0".into(), chain_seq: 1, epoch: 1, spool_bytes: 5, cameras: vec![] };
    let ack: StatusAck = server.post(&elm.agent_who, "/agent/v1/status", &status).await.ok();
    assert_eq!((ack.off, ack.chain_seq), (vec![elm.camera], 1));
    let cameras: Vec<Camera> = server.get(&elm.owner.who, &elm.path("/cameras")).await.ok();
    assert_eq!(cameras[0].state, CameraState::Off);
    server.put(&elm.owner.who, &elm.camera_path("/switch"), &CameraSwitch { on: true }).await.done();
    server.put(&elm.agent_who, &path, &signed).await.done();
}

#[tokio::test]
async fn a_removed_camera_takes_nothing_more_and_its_events_stay_for_who_could_see_them() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let (member, _) = elm.member(&server, "oak", &keepsight_seal::Slot::member_rights()).await;
    let stranger = server.person("ash").await;
    let (event, signed, _) = elm.header(&server, elm.camera, now(&server));
    assert_eq!(server.delete(&member.who, &elm.camera_path("")).await.refusal().0, 403);
    server.delete(&elm.owner.who, &elm.camera_path("")).await.done();
    // Nothing new, nothing more of what was begun, no gaps, no other name; and its agent hears of it.
    let header = format!("/agent/v1/cameras/{}/events/{event}", elm.camera);
    assert_eq!(server.put(&elm.agent_who, &header, &signed).await.refusal(), (410, "gone".into()));
    let (kind, number, bytes) = &elm.segments[1];
    let segment = format!("{}/segments/{kind}/{number}", event_path(&elm));
    assert_eq!(put(&server, &elm.agent_who, &segment, bytes).await.refusal(), (410, "gone".into()));
    let status = Status { version: "0.1.0".into(), chain_seq: 1, epoch: 1, spool_bytes: 5, cameras: vec![] };
    let ack: StatusAck = server.post(&elm.agent_who, "/agent/v1/status", &status).await.ok();
    assert_eq!((ack.off, ack.removed), (vec![elm.camera], vec![elm.camera]));
    // What it recorded is listed and opened as before.
    let watched = elm.event_path(&format!("/segments/{kind}/{number}"));
    for who in [&elm.owner.who, &member.who] {
        let cameras: Vec<Camera> = server.get(who, &elm.path("/cameras")).await.ok();
        assert_eq!(cameras[0].state, CameraState::Removed);
        let page: EventPage = server.get(who, &elm.path("/events")).await.ok();
        assert_eq!(page.events.iter().map(|event| event.event).collect::<Vec<_>>(), [elm.event]);
        assert_eq!(server.get(who, &watched).await.body[..], bytes[..]);
    }
    let unknown = server.get(&stranger.who, &watched).await.refusal();
    assert_eq!(unknown, (404, "not_found".into()));
    // It is switched and removed no more; its Events go as others do.
    let on = CameraSwitch { on: true };
    assert_eq!(server.put(&elm.owner.who, &elm.camera_path("/switch"), &on).await.refusal().0, 404);
    assert_eq!(server.delete(&elm.owner.who, &elm.camera_path("")).await.refusal().0, 404);
    assert_eq!(server.delete(&member.who, &elm.event_path("")).await.refusal().0, 403);
    server.delete(&elm.owner.who, &elm.event_path("")).await.done();
    assert_eq!(server.get(&member.who, &watched).await.refusal().0, 404);
}

#[tokio::test]
async fn an_older_epochs_backlog_is_still_taken() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let (_, slot) = elm.member(&server, "oak", &keepsight_seal::Slot::member_rights()).await;
    let (event, signed, _) = elm.header(&server, elm.camera, now(&server));
    elm.remove(&server, slot).await;
    server
        .put(&elm.agent_who, &format!("/agent/v1/cameras/{}/events/{event}", elm.camera), &signed)
        .await
        .done();
}

#[tokio::test]
async fn an_agent_proves_its_key_on_a_fresh_challenge_of_this_server() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let challenge = async || {
        let reply =
            server.send(&Who::Nobody, Method::POST, "/agent/v1/challenge", &support::ExampleNothing).await;
        reply.ok::<Challenge>().challenge
    };
    let open = async |agent, challenge: B64, key: &SignSecret, tls| {
        let signature = keepsight_seal::sign_session(key, &challenge.0, tls);
        let reply = server
            .post(&Who::Nobody, "/agent/v1/session", &SessionOpen { agent, challenge, signature })
            .await;
        reply.status.as_u16()
    };
    let stranger = SignSecret::random(&mut server.world.rng());
    let nobody = keepsight_ids::AgentId::from_bytes([1; 16]);
    assert_eq!(open(elm.agent, challenge().await, &elm.agent_key, None).await, 200);
    assert_eq!(open(elm.agent, challenge().await, &stranger, None).await, 401);
    assert_eq!(open(nobody, challenge().await, &stranger, None).await, 401);
    assert_eq!(open(elm.agent, B64(vec![1; 56]), &elm.agent_key, None).await, 401);
    assert_eq!(
        open(elm.agent, challenge().await, &elm.agent_key, Some(keepsight_ids::B32([1; 32]))).await,
        401
    );
    let chain: AgentChain = server.get(&elm.agent_who, "/agent/v1/chain").await.ok();
    assert_eq!(chain.entries.len(), elm.chain.entries().len());
}

#[tokio::test]
async fn a_challenge_is_answered_once_and_at_the_process_that_made_it() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let other = support::beside(&server, Reserve::NONE).await;
    let challenge = async |server: &Server| {
        let path = "/agent/v1/challenge";
        let reply = server.send(&Who::Nobody, Method::POST, path, &support::ExampleNothing).await;
        reply.ok::<Challenge>().challenge
    };
    let answer = |challenge: B64| {
        let signature = keepsight_seal::sign_session(&elm.agent_key, &challenge.0, None);
        SessionOpen { agent: elm.agent, challenge, signature }
    };
    let open = async |server: &Server, body: &SessionOpen| {
        server.post(&Who::Nobody, "/agent/v1/session", body).await.status.as_u16()
    };
    let body = answer(challenge(&server).await);
    let mut both = [open(&server, &body), open(&server, &body)].map(Box::pin);
    let [one, two] = &mut both;
    let (one, two) = tokio::join!(one, two);
    assert_eq!([one.min(two), one.max(two)], [200, 401], "of two answers at once one counts");
    assert_eq!(open(&server, &body).await, 401, "nor does it later");
    let body = answer(challenge(&server).await);
    assert_eq!(open(&other, &body).await, 401, "it was not made there");
    assert_eq!(open(&server, &body).await, 200, "a try elsewhere takes nothing away");
}

#[tokio::test]
async fn an_agent_that_was_removed_is_signed_out_and_a_cookie_is_no_agents_token() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let Who::Person(cookie) = elm.owner.who.clone() else { unreachable!() };
    assert_eq!(
        server.get(&Who::Agent(cookie), "/agent/v1/chain").await.refusal(),
        (401, "sign_in_needed".into())
    );
    let Who::Agent(token) = elm.agent_who.clone() else { unreachable!() };
    assert_eq!(
        server.get(&Who::Person(token), &elm.path("/events")).await.refusal(),
        (401, "sign_in_needed".into())
    );
    let agent = elm.agent;
    elm.append(
        &server,
        |draft| {
            draft.remove_agent(agent);
        },
        None,
        None,
        None,
    )
    .await
    .done();
    assert_eq!(server.get(&elm.agent_who, "/agent/v1/chain").await.refusal(), (401, "sign_in_needed".into()));
}

#[tokio::test]
async fn one_agents_camera_is_not_anothers() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let foreign = CameraId::from_bytes([3; 16]);
    let (event, signed, _) = elm.header(&server, foreign, now(&server));
    let reply =
        server.put(&elm.agent_who, &format!("/agent/v1/cameras/{foreign}/events/{event}"), &signed).await;
    assert_eq!(reply.refusal(), (404, "not_found".into()));
}

#[tokio::test]
async fn a_full_disk_stops_uploads_and_no_revocation() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let (member, slot) = elm.member(&server, "oak", &keepsight_seal::Slot::member_rights()).await;
    let full = support::beside(&server, Reserve { bytes: u64::MAX, percent: 0 }).await;
    let (event, signed, _) = elm.header(&server, elm.camera, now(&server));
    let reply =
        full.put(&elm.agent_who, &format!("/agent/v1/cameras/{}/events/{event}", elm.camera), &signed).await;
    assert_eq!(reply.refusal(), (507, "no_space".into()));
    let wait: u64 = reply.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(wait >= 30);
    let (kind, number, bytes) = &elm.segments[1];
    let path = format!("{}/segments/{kind}/{number}", event_path(&elm));
    assert_eq!(put(&full, &elm.agent_who, &path, bytes).await.refusal(), (507, "no_space".into()));
    full.get(&elm.owner.who, &elm.event_path("/segments/video/0")).await.done();
    elm.remove(&full, slot).await;
    assert_eq!(full.get(&member.who, &elm.event_path("/segments/video/0")).await.refusal().0, 404);
    assert_eq!(server.get(&member.who, &elm.event_path("/segments/video/0")).await.refusal().0, 404);
}

type Chunks = tokio::sync::mpsc::Sender<Result<Vec<u8>, std::io::Error>>;

/// An upload whose length isn't known and whose bytes come as they are sent.
fn slow_upload(
    server: &Server,
    who: &Who,
    path: &str,
) -> (Chunks, tokio::task::JoinHandle<Result<axum::response::Response, std::convert::Infallible>>) {
    let mut request = support::request(who, Method::PUT, path, &ExampleBody::Bytes(Vec::new()));
    let (send, receive) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::io::Error>>(2);
    let chunks =
        futures_util::stream::unfold(
            receive,
            |mut receive| async move { Some((receive.recv().await?, receive)) },
        );
    #[expect(clippy::disallowed_methods, reason = "a body that takes its time")]
    let slow = axum::body::Body::from_stream(chunks);
    *request.body_mut() = slow;
    (send, tokio::spawn(tower::ServiceExt::oneshot(server.router.clone(), request)))
}

#[tokio::test]
async fn large_bodies_have_room_for_so_many_bytes_and_each_agent_its_share() {
    let server = Server::with(|config| {
        config.limits.upload_bytes = 20 << 20;
        config.limits.uploads_per_agent = 1;
    })
    .await;
    let (elm, oak) = (server.home("elm").await, server.home("oak").await);
    let (kind, number, small) = &elm.segments[1];
    let path = |home: &Household| format!("{}/segments/{kind}/{number}", event_path(home));
    let (send, upload) = slow_upload(&server, &elm.agent_who, &path(&elm));
    send.send(Ok(vec![0; 10])).await.unwrap();
    // What is sent is of no segment: who has room is told so.
    let (large, larger) = (vec![0; 100 << 10], vec![0; 5 << 20]);
    let begun = std::time::Instant::now();
    while put(&server, &elm.agent_who, &path(&elm), &large).await.status != 503 {
        assert!(begun.elapsed().as_secs() < 10, "the slow upload has taken no room");
    }
    assert_eq!(put(&server, &oak.agent_who, &path(&oak), &large).await.status, 400);
    let full = put(&server, &oak.agent_who, &path(&oak), &larger).await;
    assert_eq!(full.refusal(), (503, "unavailable".into()));
    assert!(full.headers.contains_key("retry-after"));
    put(&server, &elm.agent_who, &path(&elm), small).await.done();
    drop(send);
    assert_eq!(upload.await.unwrap().unwrap().status(), 400);
    assert_eq!(put(&server, &oak.agent_who, &path(&oak), &larger).await.status, 400);
    assert_eq!(put(&server, &elm.agent_who, &path(&elm), &large).await.status, 400);
}

#[tokio::test]
async fn an_agent_that_opens_session_after_session_is_told_to_wait_and_no_other() {
    let server = Server::with(|config| {
        config.limits.agent_sessions = keepsight_cloud::Rate::new(3, std::time::Duration::from_secs(3600));
    })
    .await;
    let (elm, oak) = (server.home("elm").await, server.home("oak").await);
    let opens = async |home: &Household| {
        let nothing = &support::ExampleNothing;
        let reply = server.send(&Who::Nobody, Method::POST, "/agent/v1/challenge", nothing).await;
        let challenge: B64 = reply.ok::<Challenge>().challenge;
        let signature = keepsight_seal::sign_session(&home.agent_key, &challenge.0, None);
        let body = SessionOpen { agent: home.agent, challenge, signature };
        server.post(&Who::Nobody, "/agent/v1/session", &body).await
    };
    assert_eq!(opens(&elm).await.status, 200);
    assert_eq!(opens(&elm).await.status, 200);
    let refused = opens(&elm).await;
    assert_eq!(refused.refusal(), (429, "too_many".into()));
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(opens(&oak).await.status, 200);
}

#[tokio::test]
async fn who_is_removed_while_a_body_is_under_way_is_refused_at_its_end() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let (kind, number) = (SegmentKind::Video, SegmentNo(9));
    let identity = SegmentIdentity { home: elm.home, camera: elm.camera, event: elm.event, kind, number };
    let path = format!("{}/segments/{kind}/{number}", event_path(&elm));
    let (send, upload) = slow_upload(&server, &elm.agent_who, &path);
    send.send(Ok(identity.to_bytes().to_vec())).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let agent = elm.agent;
    let gone = |draft: &mut keepsight_seal::Draft<'_>| {
        draft.remove_agent(agent);
    };
    elm.append(&server, gone, None, None, None).await.done();
    send.send(Ok(vec![0; 40])).await.unwrap();
    drop(send);
    assert_eq!(upload.await.unwrap().unwrap().status(), 401);
}

#[tokio::test]
async fn what_retention_lets_go_is_gone_with_its_bytes_and_kept_ones_stay() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let long_ago = now(&server).plus_ms(-40 * 24 * 3_600_000);
    let (old, _) = elm.record(&server, elm.camera, long_ago).await;
    let (kept, _) = elm.record(&server, elm.camera, long_ago).await;
    let path = |event| elm.camera_path(&format!("/events/{event}"));
    let keep = keepsight_wire::people::Keep { kept: true };
    server.put(&elm.owner.who, &format!("{}/kept", path(kept)), &keep).await.done();
    let housekeeping = tokio::spawn(server.cloud.clone().keep_house());
    let begun = std::time::Instant::now();
    while server.get(&elm.owner.who, &path(old)).await.status != 404 {
        assert!(begun.elapsed().as_secs() < 10, "the old Event is still there");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    server.get(&elm.owner.who, &path(kept)).await.done();
    server.get(&elm.owner.who, &elm.event_path("")).await.done();
    server.cloud.stop_streams();
    housekeeping.await.unwrap();
    let folder = server.folder.path().join(format!("objects/{}/{}/{old}", elm.home, elm.camera));
    assert!(!folder.exists() || std::fs::read_dir(folder).unwrap().next().is_none());
}

#[tokio::test]
async fn what_housekeeping_cannot_do_holds_up_nothing_else_of_it() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let folder = server.folder.path().join(format!("objects/{}/{}/{}", elm.home, elm.camera, elm.event));
    let objects = || std::fs::read_dir(&folder).map_or(0, Iterator::count);
    server.delete(&elm.owner.who, &elm.event_path("")).await.done();
    assert!(objects() > 0);
    server.line.set_for("retention_rules", support::Line::Failing);
    let housekeeping = tokio::spawn(server.cloud.clone().keep_house());
    let begun = std::time::Instant::now();
    while objects() > 0 {
        assert!(begun.elapsed().as_secs() < 10, "the deleted Event's bytes are still there");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    server.cloud.stop_streams();
    housekeeping.await.unwrap();
}

#[tokio::test]
async fn a_start_without_the_records_of_its_objects_is_refused_and_deletes_nothing() {
    use keepsight_store::{Objects, SqliteRecords, SqliteTruth};
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let folder = server.folder.path();
    for name in ["records.db", "records.db-wal", "records.db-shm"] {
        let _ = std::fs::rename(folder.join(name), folder.join(format!("aside-{name}")));
    }
    let world = server.world.clone();
    let again = keepsight_cloud::Cloud::prepare(
        support::config(folder),
        world.clone(),
        std::sync::Arc::new(SqliteTruth::open(&folder.join("truth.db"), world.clone()).unwrap()),
        std::sync::Arc::new(SqliteRecords::open(&folder.join("records.db"), world.clone()).unwrap()),
        Objects::open_folder(&folder.join("objects"), Reserve::NONE, world).unwrap(),
    );
    let refused = again.await.unwrap_err().to_string();
    assert!(refused.contains("Put the right records.db back"), "{refused}");
    server.get(&elm.owner.who, &elm.event_path("/segments/video/0")).await.done();
}
