//! Lockdown from a second connection to the same file, as `keepsight admin lockdown` does it: viewing stops at the next request and
//! open streams within a second, what cameras record still comes in, and lifting it lets people see again.

use std::time::{Duration, Instant};

use http::Method;
use keepsight_cloud::routes::table;
use keepsight_gate::{OperatorDeed, PrincipalKind};
use keepsight_ids::CameraId;
use keepsight_sim::caller::{refusal, text};
use keepsight_sim::household::{caller_of, contains};
use keepsight_sim::{Caller, Household, Stage, props, reads};
use keepsight_wire::people::{Camera, EventPage, Update};

/// Every viewing route of the table is refused, and the others are not.
async fn viewing_is_stopped(stage: &Stage, household: &Household, caller: &Caller) {
    let invitation = household.invite().await;
    let mut stopped = 0;
    for route in
        table().iter().filter(|route| route.principal == PrincipalKind::Person && route.method == Method::GET)
    {
        let real = props::real(stage, household, &invitation, &household.owner, route.action).await;
        let answer = caller.play(&route.method, &(route.example.unwrap())(&real)).await;
        if route.action.is_viewing() {
            assert_eq!(refusal(&answer), (423, "lockdown".to_owned()), "{}", route.path);
            stopped += 1;
        } else {
            assert!(answer.status.is_success(), "{} {}", route.path, text(&answer));
            assert!(!household.event.is_in(&answer.body), "{}", route.path);
        }
    }
    assert!(stopped >= 5, "{stopped}");
    for (kind, path) in reads::all(&household.event) {
        let answer = caller.get(&path).await;
        assert!(!household.event.is_in(&answer.body), "{kind} {path}");
    }
}

/// The updates until the stream ends, and how long that took.
async fn until_it_ends(
    mut updates: keepsight_person::UpdateStream,
    begun: Instant,
) -> (Vec<Update>, Duration) {
    let mut heard = Vec::new();
    let all = async {
        while let Ok(Some(update)) = updates.next().await {
            heard.push(update);
        }
    };
    tokio::time::timeout(Duration::from_secs(10), all).await.expect("the stream ends");
    (heard, begun.elapsed())
}

async fn sees_all(household: &Household) {
    assert!(contains(&household.watched_by(&household.owner).await.unwrap(), household.name.as_bytes()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_everything() {
    let stage = Stage::start().await;
    let (mut elm, oak) = (stage.home("elm", "12 Elm Street").await, stage.home("oak", "3 Oak Lane").await);
    let member = elm.member(&stage, "birch").await;
    let streams = [elm.owner.updates(elm.home).await.unwrap(), oak.owner.updates(oak.home).await.unwrap()];
    let operator = stage.truth_elsewhere();
    operator.operate(OperatorDeed::LockEverything { on: true }).await.unwrap();
    let begun = Instant::now();
    // The next request, whoever's.
    for (caller, home) in
        [(elm.caller(&stage), &elm), (oak.caller(&stage), &oak), (caller_of(&stage, &member), &elm)]
    {
        assert_eq!(refusal(&caller.get(&home.event.path("/segments/video/0")).await).0, 423);
    }
    for stream in streams {
        let (heard, took) = until_it_ends(stream, begun).await;
        assert_eq!(heard.last(), Some(&Update::Lockdown));
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
    viewing_is_stopped(&stage, &elm, &elm.caller(&stage)).await;
    assert_eq!(refusal(&elm.caller(&stage).get(&elm.path("/updates")).await).0, 423);
    let meanwhile = elm.agent.record(elm.camera, "meanwhile").await;
    operator.operate(OperatorDeed::LockEverything { on: false }).await.unwrap();
    sees_all(&elm).await;
    sees_all(&oak).await;
    let page: EventPage = elm.owner.api().get(&format!("/homes/{}/events", elm.home)).await.unwrap();
    assert!(page.events.iter().any(|event| event.event == meanwhile.event));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_home() {
    let stage = Stage::start().await;
    let (mut elm, oak) = (stage.home("elm", "12 Elm Street").await, stage.home("oak", "3 Oak Lane").await);
    let (elms, mut oaks) =
        (elm.owner.updates(elm.home).await.unwrap(), oak.owner.updates(oak.home).await.unwrap());
    assert_eq!(oaks.next().await.unwrap(), Some(Update::Hello));
    let operator = stage.truth_elsewhere();
    operator.operate(OperatorDeed::LockHome { home: elm.home, on: true }).await.unwrap();
    let begun = Instant::now();
    assert_eq!(refusal(&elm.caller(&stage).get(&elm.event.path("")).await).0, 423);
    let (heard, took) = until_it_ends(elms, begun).await;
    assert_eq!(heard.last(), Some(&Update::Lockdown));
    assert!(took < Duration::from_secs(1), "{took:?}");
    viewing_is_stopped(&stage, &elm, &elm.caller(&stage)).await;
    elm.agent.record(elm.camera, "meanwhile").await;
    // The neighbours notice nothing.
    sees_all(&oak).await;
    let quiet = tokio::time::timeout(Duration::from_millis(700), oaks.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    // Somebody who belongs elsewhere can't tell that it is locked.
    assert_eq!(refusal(&oak.caller(&stage).get(&elm.event.path("")).await), (404, "not_found".to_owned()));
    operator.operate(OperatorDeed::LockHome { home: elm.home, on: false }).await.unwrap();
    sees_all(&elm).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_camera() {
    let stage = Stage::start().await;
    let mut elm = stage.home("elm", "12 Elm Street").await;
    let porch = CameraId::from_bytes(stage.world.random());
    elm.agent.add_camera(porch, "Porch").await;
    let at_porch = elm.agent.record(porch, "the porch").await;
    let caller = elm.caller(&stage);
    let operator = stage.truth_elsewhere();
    let lock = |on| OperatorDeed::LockCamera { home: elm.home, camera: elm.camera, on };
    let mut updates = elm.owner.updates(elm.home).await.unwrap();
    assert_eq!(updates.next().await.unwrap(), Some(Update::Hello));
    operator.operate(lock(true)).await.unwrap();
    for (kind, path) in reads::all(&elm.event) {
        let answer = caller.get(&path).await;
        let of_the_home = ["list", "cameras", "views"].contains(&kind);
        assert_eq!(answer.status.is_success(), of_the_home, "{kind} {path} {}", text(&answer));
        assert!(of_the_home || refusal(&answer).0 == 423, "{kind} {path}");
        // No list names its Event, counts it, or shows its last.
        assert!(
            !contains(&answer.body, elm.event.event.to_string().as_bytes()),
            "{kind} {path} {}",
            text(&answer)
        );
    }
    let cameras: Vec<Camera> = elm.owner.cameras(elm.home).await.unwrap();
    let locked = cameras.iter().find(|camera| camera.camera == elm.camera).expect("it is still named");
    assert_eq!((locked.today, locked.last.is_some()), (0, false));
    let detail = elm.owner.event(elm.home, porch, at_porch.event).await.unwrap();
    assert_eq!((detail.newer, detail.older), (None, None));
    for (kind, path) in reads::all(&at_porch) {
        assert!(caller.get(&path).await.status.is_success(), "{kind} {path}");
    }
    // Uploads go on, and nobody is told.
    let hidden = elm.agent.record(elm.camera, "meanwhile").await;
    let told = elm.agent.record(porch, "after it").await;
    let until = async {
        loop {
            match updates.next().await.unwrap() {
                Some(Update::Event { event, .. }) if event == told.event => break,
                Some(Update::Event { event, .. }) => assert_ne!(event, hidden.event),
                other => assert!(matches!(other, Some(Update::Home)), "{other:?}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), until).await.expect("the porch is told of");
    operator.operate(lock(false)).await.unwrap();
    sees_all(&elm).await;
}
