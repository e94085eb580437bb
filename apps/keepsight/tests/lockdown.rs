//! The operator's deeds come from a second process and hold at the next request: lockdown, its end, and the end of all sign-ins.

#![allow(clippy::print_stdout, reason = "what a long test measured, and what it had to leave out, is told")]

mod common;

use std::time::{Duration, Instant};

use common::{House, PASSWORD, Plan, eventually};
use keepsight_ids::EventId;
use keepsight_person::{Api, EventQuery, Person, PersonError, Trust, UpdateStream};
use keepsight_wire::people::{Purpose, Update};
use keepsight_world::World;

/// A second is promised; a slow machine may take this long.
const STREAM_END_MOST: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lockdown_from_a_second_process_holds_at_the_next_request_and_uploads_go_on() {
    let began = Instant::now();
    let mut house = House::found(Plan { views: vec!["hall"], ..Plan::default() }).await;
    house.start_agent();
    let before = recorded(&house, &house.owner, &[]).await;
    let camera = house.cameras[0];

    for home in [None, Some(house.home.to_string())] {
        let words: Vec<&str> = home.as_deref().map_or(vec![], |home| vec!["--home", home]);
        let mut stream = house.owner.updates(house.home).await.expect("a stream opens");
        assert_eq!(stream.next().await.expect("it says hello"), Some(Update::Hello));
        let on = Instant::now();
        house.admin(&[&["lockdown", "on"], &words[..]].concat()).await;
        let refused = house.owner.events(house.home, &EventQuery::default()).await;
        assert_refused(refused.map(drop), "lockdown", 423);
        let refused = house.owner.watch(house.home, camera, before, Purpose::View).await;
        assert_refused(refused.map(drop), "lockdown", 423);
        assert!(ends(&mut stream).await, "the stream says why it ends");
        println!("lockdown {words:?}: the open stream ended {:?} after the command began", on.elapsed());
        assert!(on.elapsed() < STREAM_END_MOST, "after {:?}", on.elapsed());
        house.owner.updates(house.home).await.expect_err("no stream opens");
        house.record(camera, 120).await;
        house.admin(&[&["lockdown", "off"], &words[..]].concat()).await;
        house.owner.updates(house.home).await.expect("streams open again");
    }
    let after = house.listed().await;
    let new = after.events.iter().filter(|event| event.event != before && event.complete).count();
    assert!(new >= 2, "what was recorded under two lockdowns is there: {new}");
    house.assert_calm();
    println!("in all {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ending_all_sessions_signs_everybody_out_and_agents_come_back() {
    let began = Instant::now();
    let mut house = House::found(Plan { views: vec!["garden"], ..Plan::default() }).await;
    house.start_agent();
    let first = recorded(&house, &house.owner, &[]).await;
    let mut stream = house.owner.updates(house.home).await.expect("a stream opens");
    let ended = Instant::now();
    house.admin(&["end-sessions"]).await;
    let refused = house.owner.events(house.home, &EventQuery::default()).await;
    assert_refused(refused.map(drop), "sign_in_needed", 401);
    ends(&mut stream).await;
    println!("end-sessions: the open stream ended {:?} after the command began", ended.elapsed());
    assert!(ended.elapsed() < STREAM_END_MOST, "after {:?}", ended.elapsed());
    let api = Api::new(house.owner.api().origin(), Trust::Plain).expect("a loopback address");
    let again = Person::sign_in(api, World::real(), "elm", PASSWORD).await.expect("the password still holds");
    recorded(&house, &again, &[first]).await;
    house.assert_calm();
    println!("in all {:?}", began.elapsed());
}

/// Records an Event, and waits until somebody sees a whole one that isn't among `known`.
async fn recorded(house: &House, person: &Person, known: &[EventId]) -> EventId {
    house.trigger(house.cameras[0]).await;
    eventually("a new Event is whole", 120, async || {
        let page = person.events(house.home, &EventQuery::default()).await.expect("they may see the list");
        let new = page.events.into_iter().find(|event| event.complete && !known.contains(&event.event))?;
        let watched = person.watch(house.home, new.camera, new.event, Purpose::View).await.expect("it opens");
        assert!(watched.is_whole());
        Some(new.event)
    })
    .await
}

/// Reads a stream to its end; true if it said that it is a lockdown.
async fn ends(stream: &mut UpdateStream) -> bool {
    let mut locked = false;
    let reading = async {
        while let Ok(Some(update)) = stream.next().await {
            locked |= update == Update::Lockdown;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reading).await.expect("the stream ends");
    locked
}

fn assert_refused(answer: Result<(), PersonError>, code: &str, status: u16) {
    let error = answer.expect_err("it is refused");
    assert_eq!((error.code(), error.status().map(|status| status.as_u16())), (Some(code), Some(status)));
}
