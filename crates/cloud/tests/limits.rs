//! What a home may hold, send and have open: refused with a time to come back, and nothing of what was taken is lost.

mod support;

use http::Method;
use http_body_util::BodyExt;
use keepsight_cloud::example::ExampleBody;
use keepsight_ids::{CameraId, EventId, SegmentKind, SegmentNo, UnixMillis};
use keepsight_seal::{SegmentIdentity, Slot};
use keepsight_store::truth::HomeLimits;
use keepsight_wire::agent::SegmentAck;
use keepsight_wire::people::{Home, Keep, Update};
use support::{Household, Reply, Server, Who};

const HUNDRED_KB: usize = 100_000;

fn now(server: &Server) -> UnixMillis {
    UnixMillis(server.world.unix_millis())
}

fn wait(reply: &Reply) -> u64 {
    reply.headers["retry-after"].to_str().unwrap().parse().unwrap()
}

/// A header, for an Event captured a moment after those before it.
async fn begin(server: &Server, home: &Household) -> (EventId, Reply) {
    let (event, signed, _) = home.header(server, home.camera, now(server));
    let path = format!("/agent/v1/cameras/{}/events/{event}", home.camera);
    (event, server.put(&home.agent_who, &path, &signed).await)
}

async fn put(server: &Server, home: &Household, event: EventId, kind: SegmentKind, number: u32) -> Reply {
    let (camera, number) = (home.camera, SegmentNo(number));
    let identity = SegmentIdentity { home: home.home, camera, event, kind, number };
    let bytes = [&identity.to_bytes()[..], &[0; HUNDRED_KB]].concat();
    let path = format!("/agent/v1/cameras/{camera}/events/{event}/segments/{kind}/{number}");
    server.send(&home.agent_who, Method::PUT, &path, &ExampleBody::Bytes(bytes)).await
}

/// An Event of two hundred thousand bytes and some.
async fn whole(server: &Server, home: &Household) -> EventId {
    let (event, reply) = begin(server, home).await;
    reply.done();
    put(server, home, event, SegmentKind::Video, 0).await.done();
    put(server, home, event, SegmentKind::Trailer, 0).await.done();
    event
}

async fn keep(server: &Server, home: &Household, event: EventId, kept: bool) {
    let path = home.camera_path(&format!("/events/{event}/kept"));
    server.put(&home.owner.who, &path, &Keep { kept }).await.done();
}

async fn is_there(server: &Server, home: &Household, event: EventId) -> bool {
    let reply = server.get(&home.owner.who, &home.camera_path(&format!("/events/{event}"))).await;
    assert!(reply.status == 200 || reply.status == 404, "{}", reply.text());
    reply.status == 200
}

async fn shown(server: &Server, home: &Household) -> Home {
    server.get(&home.owner.who, &home.path("")).await.ok()
}

#[tokio::test]
async fn a_home_at_its_limit_lets_its_oldest_go_and_refuses_only_when_all_is_kept() {
    let bytes_max = 6 * HUNDRED_KB as u64;
    let limits = HomeLimits { bytes_max, retention_bytes: bytes_max, ..HomeLimits::default() };
    let server = Server::with_home_limits(limits).await;
    let (elm, oak) = (server.home("elm").await, server.home("oak").await);
    let (one, two) = (whole(&server, &elm).await, whole(&server, &elm).await);
    // The third fits because the oldest goes, and what is still arriving does not.
    let three = whole(&server, &elm).await;
    assert!(!is_there(&server, &elm, elm.event).await && !is_there(&server, &elm, one).await);
    assert!(is_there(&server, &elm, two).await && is_there(&server, &elm, three).await);
    keep(&server, &elm, two, true).await;
    keep(&server, &elm, three, true).await;
    let (four, begun) = begin(&server, &elm).await;
    begun.done();
    let first: SegmentAck = put(&server, &elm, four, SegmentKind::Video, 0).await.ok();
    for _ in 0..2 {
        let full = put(&server, &elm, four, SegmentKind::Video, 1).await;
        assert_eq!(full.refusal(), (507, "home_full".into()), "{}", full.text());
        assert!((60..=90).contains(&wait(&full)) && full.text().contains("kept"), "{}", full.text());
    }
    for event in [two, three, four] {
        assert!(is_there(&server, &elm, event).await, "nothing kept and nothing arriving went");
    }
    // What was taken is acknowledged again, and a neighbour is none of it.
    assert_eq!(put(&server, &elm, four, SegmentKind::Video, 0).await.ok::<SegmentAck>(), first);
    whole(&server, &oak).await;
    let home = shown(&server, &elm).await;
    assert_eq!(home.bytes_max, bytes_max);
    assert!((bytes_max - HUNDRED_KB as u64..bytes_max).contains(&home.used_bytes), "{}", home.used_bytes);
    // Room is made by a person, and what waited comes in.
    server.delete(&elm.owner.who, &elm.camera_path(&format!("/events/{two}"))).await.done();
    put(&server, &elm, four, SegmentKind::Video, 1).await.done();
    put(&server, &elm, four, SegmentKind::Trailer, 0).await.done();
}

#[tokio::test]
async fn a_member_who_keeps_everything_fills_their_home_and_not_the_server() {
    let bytes_max = 4 * HUNDRED_KB as u64;
    let limits = HomeLimits { bytes_max, retention_bytes: bytes_max / 2, ..HomeLimits::default() };
    let server = Server::with_home_limits(limits).await;
    let mut elm = server.home("elm").await;
    let (member, _) = elm.member(&server, "oak", &Slot::member_rights()).await;
    let mut refused = 0;
    for _ in 0..4 {
        let (event, begun) = begin(&server, &elm).await;
        begun.done();
        let path = elm.camera_path(&format!("/events/{event}/kept"));
        server.put(&member.who, &path, &Keep { kept: true }).await.done();
        for (kind, number) in [(SegmentKind::Video, 0), (SegmentKind::Video, 1), (SegmentKind::Trailer, 0)] {
            refused += u32::from(put(&server, &elm, event, kind, number).await.status == 507);
        }
    }
    let used = shown(&server, &elm).await.used_bytes;
    assert!(refused > 0 && used <= bytes_max, "{refused} refused, {used} used");
}

/// With a limit of two: the home's first Event, and one more.
async fn second_and_third(server: &Server) -> (Household, Reply) {
    let elm = server.home("elm").await;
    let (second, begun) = begin(server, &elm).await;
    begun.done();
    let (_, third) = begin(server, &elm).await;
    // What belongs to an Event that was taken goes on.
    put(server, &elm, second, SegmentKind::Video, 0).await.done();
    (elm, third)
}

#[tokio::test]
async fn a_home_sends_as_many_events_a_day_as_it_may_and_the_others_later() {
    let day = |server: &Server| now(server).0.div_euclid(24 * 3_600_000);
    loop {
        let limits = HomeLimits { events_a_day_max: 2, ..HomeLimits::default() };
        let server = Server::with_home_limits(limits).await;
        let begun = day(&server);
        let (elm, third) = second_and_third(&server).await;
        let home = shown(&server, &elm).await;
        let other = server.home("oak").await;
        if day(&server) != begun {
            // Midnight came between; the next day has room.
            continue;
        }
        assert_eq!(third.refusal(), (429, "too_many_events".into()));
        assert!((1..=960).contains(&wait(&third)), "{}", wait(&third));
        assert_eq!((home.events_today, home.events_a_day_max), (2, 2));
        assert!(is_there(&server, &other, other.event).await);
        return;
    }
}

#[tokio::test]
async fn a_home_has_as_many_streams_open_as_it_may() {
    let server = Server::with_home_limits(HomeLimits { streams_max: 3, ..HomeLimits::default() }).await;
    let mut elm = server.home("elm").await;
    let (member, _) = elm.member(&server, "ash", &Slot::member_rights()).await;
    let oak = server.home("oak").await;
    let open = async |who: &Who, path: String| {
        let response = server.raw(support::request(who, Method::GET, &path, &ExampleBody::Nothing)).await;
        assert_eq!(response.status(), 200);
        let mut body = response.into_body();
        let hello = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let expected = serde_json::to_string(&Update::Hello).unwrap();
        assert!(std::str::from_utf8(&hello).unwrap().contains(&expected));
        body
    };
    let updates = elm.path("/updates");
    let mut streams = Vec::new();
    for who in [&elm.owner.who, &member.who, &member.who] {
        streams.push(open(who, updates.clone()).await);
    }
    for who in [&elm.owner.who, &member.who] {
        let refused = server.get(who, &updates).await;
        assert_eq!(refused.refusal(), (429, "too_many".into()));
        assert!(wait(&refused) >= 1 && refused.text().contains("home"), "{}", refused.text());
    }
    streams.push(open(&oak.owner.who, oak.path("/updates")).await);
    drop(streams.remove(0));
    streams.push(open(&member.who, updates).await);
}

#[tokio::test]
async fn a_camera_beyond_the_homes_limit_is_refused_in_words() {
    let server = Server::with_home_limits(HomeLimits { cameras_max: 1, ..HomeLimits::default() }).await;
    let elm = server.home("elm").await;
    let camera = CameraId::from_bytes(server.world.random());
    let (subject, by) = (keepsight_seal::Subject::Camera(camera), keepsight_seal::NamedBy::Agent(elm.agent));
    let mut rng = server.world.rng();
    let name =
        keepsight_seal::make_name(&elm.chain, subject, by, &elm.agent_key, "Yard", now(&server), &mut rng);
    let body = keepsight_wire::agent::CameraPut { name: name.unwrap() };
    let reply = server.put(&elm.agent_who, &format!("/agent/v1/cameras/{camera}"), &body).await;
    assert_eq!(reply.refusal(), (409, "conflict".into()));
    assert!(reply.text().contains("cameras"), "{}", reply.text());
}
