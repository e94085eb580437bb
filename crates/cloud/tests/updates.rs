//! The update stream: what happens is told to those who may know, and a stream ends within a second of losing its right.

mod support;

use std::time::{Duration, Instant};

use axum::body::Body;
use http::Method;
use http_body_util::BodyExt;
use keepsight_ids::UnixMillis;
use keepsight_seal::Slot;
use keepsight_wire::people::{Lockdown, Update};
use support::{Line, Server, Who, request};

/// An open stream, read update by update.
struct Stream {
    body: Body,
    buffer: String,
}

impl Stream {
    async fn open(server: &Server, who: &Who, path: &str) -> Self {
        let response = server.raw(request(who, Method::GET, path, &support::ExampleNothing)).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut stream = Self { body: response.into_body(), buffer: String::new() };
        assert_eq!(stream.next().await, Some(Update::Hello));
        stream
    }

    /// The next update, or `None` when the stream has ended.
    async fn next(&mut self) -> Option<Update> {
        loop {
            if let Some((item, rest)) = self.buffer.split_once("\n\n") {
                let data = item.lines().find_map(|line| line.strip_prefix("data: ")).map(str::to_owned);
                self.buffer = rest.to_owned();
                if let Some(data) = data {
                    return Some(serde_json::from_str(&data).unwrap());
                }
                continue;
            }
            let frame = tokio::time::timeout(Duration::from_secs(5), self.body.frame())
                .await
                .expect("a sign of life in time");
            let bytes = frame?.unwrap().into_data().unwrap();
            self.buffer.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    async fn ends_within_a_second(mut self, last: Option<Update>) {
        let begun = Instant::now();
        let mut said = None;
        while let Some(update) = self.next().await {
            said = Some(update);
        }
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        assert_eq!(said, last);
    }
}

#[tokio::test]
async fn an_event_is_told_to_its_home_and_to_no_other() {
    let server = Server::start().await;
    let (elm, oak) = (server.home("elm").await, server.home("oak").await);
    let mut hears = Stream::open(&server, &elm.owner.who, &elm.path("/updates")).await;
    let mut other = Stream::open(&server, &oak.owner.who, &oak.path("/updates")).await;
    let now = UnixMillis(server.world.unix_millis());
    let (event, _) = elm.record(&server, elm.camera, now).await;
    assert_eq!(hears.next().await, Some(Update::Event { camera: elm.camera, event, fresh: true }));
    let quiet = tokio::time::timeout(Duration::from_millis(800), other.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
}

#[tokio::test]
async fn a_late_event_is_no_news() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let mut hears = Stream::open(&server, &elm.owner.who, &elm.path("/updates")).await;
    let long_ago = UnixMillis(server.world.unix_millis() - 3_600_000);
    let (event, _) = elm.record(&server, elm.camera, long_ago).await;
    assert_eq!(hears.next().await, Some(Update::Event { camera: elm.camera, event, fresh: false }));
}

#[tokio::test]
async fn a_removal_ends_the_stream_within_a_second() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let (member, slot) = elm.member(&server, "oak", &Slot::member_rights()).await;
    let stream = Stream::open(&server, &member.who, &elm.path("/updates")).await;
    elm.remove(&server, slot).await;
    stream.ends_within_a_second(Some(Update::Ended)).await;
}

#[tokio::test]
async fn a_lockdown_from_another_process_ends_the_stream_within_a_second() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let stream = Stream::open(&server, &elm.owner.who, &elm.path("/updates")).await;
    let path = server.folder.path().join("truth.db");
    let elsewhere = keepsight_store::SqliteTruth::open(&path, server.world.clone()).unwrap();
    elsewhere.operate(keepsight_gate::OperatorDeed::LockEverything { on: true }).await.unwrap();
    stream.ends_within_a_second(Some(Update::Lockdown)).await;
}

#[tokio::test]
async fn a_lost_truth_ends_every_stream_within_a_second_and_one_that_is_back_lets_them_begin_again() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    for line in [Line::Failing, Line::Silent] {
        let streams = [
            Stream::open(&server, &elm.owner.who, &elm.path("/updates")).await,
            Stream::open(&server, &elm.owner.who, &elm.path("/updates")).await,
        ];
        server.line.set(line);
        let [one, other] = streams.map(|stream| stream.ends_within_a_second(None));
        tokio::join!(one, other);
        let refused = server.get(&elm.owner.who, &elm.path("/updates")).await;
        assert_eq!(refused.refusal(), (503, "unavailable".into()), "{line:?}");
        server.line.set(Line::Whole);
    }
    Stream::open(&server, &elm.owner.who, &elm.path("/updates")).await;
}

#[tokio::test]
async fn the_owners_lockdown_and_a_sign_out_end_it_too() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let stream = Stream::open(&server, &elm.owner.who, &elm.path("/updates")).await;
    server.put(&elm.owner.who, &elm.path("/lockdown"), &Lockdown { on: true }).await.done();
    stream.ends_within_a_second(Some(Update::Lockdown)).await;
    server.put(&elm.owner.who, &elm.path("/lockdown"), &Lockdown { on: false }).await.done();
    let stream = Stream::open(&server, &elm.owner.who, &elm.path("/updates")).await;
    server.send(&elm.owner.who, Method::POST, "/api/v1/sign-out", &support::ExampleNothing).await.done();
    stream.ends_within_a_second(Some(Update::Ended)).await;
}

#[tokio::test]
async fn stopping_the_server_ends_it_and_so_do_too_many() {
    let server = Server::with(|config| config.limits.streams_per_account = 2).await;
    let elm = server.home("elm").await;
    let one = Stream::open(&server, &elm.owner.who, &elm.path("/updates")).await;
    let two = Stream::open(&server, &elm.owner.who, &elm.path("/updates")).await;
    let third = server.get(&elm.owner.who, &elm.path("/updates")).await;
    assert_eq!(third.refusal(), (429, "too_many".into()));
    drop(two);
    let again = Stream::open(&server, &elm.owner.who, &elm.path("/updates")).await;
    server.cloud.stop_streams();
    one.ends_within_a_second(None).await;
    again.ends_within_a_second(None).await;
}
