//! Events on their way to the people of the home: listed, opened, recorded, and never another's.

mod support;

use http::Method;
use keepsight_ids::{CameraId, EventId, Revision, SegmentKind, UnixMillis};
use keepsight_ledger::{Facts, Journal, Kind, Record};
use keepsight_seal::Slot;
use keepsight_wire::people::{
    Camera, EventDetail, EventPage, Home, Keep, Lockdown, Right, View, ViewKind, ViewPage,
};
use support::{Household, Person, Server, Who};

async fn views(server: &Server, who: &Who, path: &str) -> Vec<View> {
    server.get(who, path).await.ok::<ViewPage>().views
}

#[tokio::test]
async fn an_event_is_listed_opened_and_its_bytes_come_as_they_went_up() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let who = &elm.owner.who;
    let page: EventPage = server.get(who, &elm.path("/events")).await.ok();
    assert_eq!(page.events.len(), 1);
    assert_eq!((page.events[0].home, page.events[0].event), (elm.home, elm.event));
    assert!(page.events[0].complete);
    let detail: EventDetail = server.get(who, &elm.event_path("")).await.ok();
    assert_eq!(detail.segments.len(), elm.segments.len());
    for (kind, number, bytes) in &elm.segments {
        let reply = server.get(who, &elm.event_path(&format!("/segments/{kind}/{number}"))).await;
        reply.done();
        assert_eq!(reply.body, bytes[..], "{kind}");
        assert_eq!(reply.headers["content-type"], "application/octet-stream");
        assert_eq!(reply.headers["cache-control"], "private, no-store");
    }
}

#[tokio::test]
async fn what_is_shown_is_on_record_by_kind() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let who = &elm.owner.who;
    server.get(who, &elm.path("/events")).await.done();
    server.get(who, &elm.event_path("/segments/card/0")).await.done();
    server.get(who, &elm.event_path("/segments/video/0")).await.done();
    server.get(who, &elm.event_path("/segments/video/0?purpose=download")).await.done();
    let kinds: Vec<ViewKind> =
        views(&server, who, &elm.event_path("/views")).await.into_iter().map(|view| view.kind).collect();
    assert_eq!(kinds, [ViewKind::Downloaded, ViewKind::Opened, ViewKind::Thumbnail]);
    let all = views(&server, who, &elm.path("/views")).await;
    assert_eq!(all.last().map(|view| view.kind), Some(ViewKind::Offered));
    assert!(all.iter().all(|view| view.account == elm.owner.account && view.name == "elm"));
}

#[tokio::test]
async fn who_viewed_is_told_of_one_camera_alone() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let (oak, ash) = (server.home("oak").await, elm.member(&server, "ash", &Slot::member_rights()).await.0);
    let yard = CameraId::from_bytes(server.world.random());
    elm.put_camera(&server, yard).await;
    let now = UnixMillis(server.world.unix_millis());
    let (event, _) = elm.record(&server, yard, now).await;
    let at_yard = elm.path(&format!("/cameras/{yard}/events/{event}/segments/video/0"));
    let today = || jiff::Timestamp::now().in_tz("Europe/Berlin").unwrap().strftime("%Y-%m-%d").to_string();
    // Both, should midnight come in between.
    let mut days = vec![today()];
    server.get(&elm.owner.who, &at_yard).await.done();
    server.get(&ash.who, &elm.event_path("/segments/card/0")).await.done();
    days.push(today());
    days.dedup();
    let of = |camera: CameraId, more: &str| elm.path(&format!("/views?camera={camera}{more}"));
    let told = async |camera: CameraId, mores: &[String]| {
        let mut all = Vec::new();
        for more in mores {
            all.extend(views(&server, &elm.owner.who, &of(camera, more)).await);
        }
        all.into_iter().map(|view| (view.account, view.kind, view.camera)).collect::<Vec<_>>()
    };
    let of_days: Vec<String> = days.iter().map(|day| format!("&day={day}")).collect();
    for more in [vec![String::new()], vec!["&limit=1".to_owned()], of_days] {
        let seen = (elm.owner.account, ViewKind::Opened, Some(yard));
        assert_eq!(told(yard, &more).await, [seen], "{more:?}");
        let seen = (ash.account, ViewKind::Thumbnail, Some(elm.camera));
        assert_eq!(told(elm.camera, &more).await, [seen], "{more:?}");
    }
    assert!(told(yard, &["&day=2026-01-01".to_owned()]).await.is_empty());
    // A camera of nobody's and one of another home are the same nothing.
    for camera in [oak.camera, CameraId::from_bytes([9; 16])] {
        assert_eq!(server.get(&elm.owner.who, &of(camera, "")).await.refusal(), (404, "not_found".into()));
    }
    assert_eq!(server.get(&ash.who, &oak.path(&format!("/views?camera={yard}"))).await.refusal().0, 404);
}

/// Records from long ago, of an Event that is gone and of the home's own.
async fn looked_long_ago(server: &Server, elm: &Household) -> [EventId; 2] {
    let gone = EventId::from_bytes(server.world.random());
    let at = UnixMillis(server.world.unix_millis()).plus_ms(-366 * 24 * 3_600_000);
    let facts = |event| Facts {
        v: Record::VERSION,
        kind: Kind::Opened,
        viewer: elm.owner.account,
        session: None,
        device: String::new(),
        home: elm.home,
        camera: Some(elm.camera),
        event: Some(event),
        span: None,
        revision: Revision(1),
        at,
    };
    let records = [gone, elm.event].map(|event| Record::seal(facts(event)));
    let path = server.folder.path().join("records.db");
    let elsewhere = keepsight_store::SqliteRecords::open(&path, server.world.clone()).unwrap();
    elsewhere.append(records.into()).await.unwrap();
    // The newest of a home's records stays whatever its age: these are not.
    server.get(&elm.owner.who, &elm.event_path("/segments/card/0")).await.done();
    [gone, elm.event]
}

#[tokio::test]
async fn housekeeping_forgets_old_views_but_not_before_their_event() {
    for ledger_days in [365, 0] {
        let server = Server::with(|config| config.ledger_days = ledger_days).await;
        let elm = server.home("elm").await;
        let [gone, there] = looked_long_ago(&server, &elm).await;
        let long_ago = UnixMillis(server.world.unix_millis() - 40 * 24 * 3_600_000);
        let (lapsed, _) = elm.record(&server, elm.camera, long_ago).await;
        let housekeeping = tokio::spawn(server.cloud.clone().keep_house());
        // The bytes of what lapsed go last.
        let bytes = server.folder.path().join(format!("objects/{}/{}/{lapsed}", elm.home, elm.camera));
        let begun = std::time::Instant::now();
        while std::fs::read_dir(&bytes).is_ok_and(|mut files| files.next().is_some()) {
            assert!(begun.elapsed().as_secs() < 10, "no housekeeping was done");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let told = views(&server, &elm.owner.who, &elm.path("/views?limit=100")).await;
        let is_told =
            |event| told.iter().any(|view| view.kind == ViewKind::Opened && view.event == Some(event));
        assert_eq!((is_told(gone), is_told(there)), (ledger_days == 0, true), "{ledger_days} days");
        server.cloud.stop_streams();
        housekeeping.await.unwrap();
    }
}

#[tokio::test]
async fn a_members_refused_tries_are_on_record_and_a_strangers_leave_nothing() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let (member, _) = elm.member(&server, "oak", &[Right::Review]).await;
    let stranger = server.home("ash").await;
    let download = elm.event_path("/segments/video/0?purpose=download");
    assert_eq!(server.get(&member.who, &download).await.refusal(), (403, "not_allowed".into()));
    assert_eq!(server.delete(&member.who, &elm.event_path("")).await.refusal(), (403, "not_allowed".into()));
    assert_eq!(server.get(&stranger.owner.who, &download).await.refusal(), (404, "not_found".into()));
    let refused: Vec<View> = views(&server, &elm.owner.who, &elm.path("/views")).await;
    let refused: Vec<&View> = refused.iter().filter(|view| view.kind == ViewKind::Refused).collect();
    assert!(!refused.is_empty());
    assert!(refused.iter().all(|view| view.account == member.account && view.event == Some(elm.event)));
}

#[tokio::test]
async fn pages_follow_each_other_and_days_are_the_homes_own() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let who = &elm.owner.who;
    // 2026-03-28T23:30Z is the 29th in Berlin, which has 23 hours then.
    let at = UnixMillis(1_774_740_600_000);
    for hour in 0..3 {
        elm.record(&server, elm.camera, at.plus_ms(hour * 3_600_000)).await;
    }
    let day = async |day: &str| {
        server.get(who, &elm.path(&format!("/events?day={day}"))).await.ok::<EventPage>().events
    };
    assert_eq!(day("2026-03-28").await.len(), 0);
    assert_eq!(day("2026-03-29").await.len(), 3);
    let mut path = elm.path("/events?limit=2");
    let mut seen = Vec::new();
    loop {
        let page: EventPage = server.get(who, &path).await.ok();
        seen.extend(page.events.into_iter().map(|event| event.event));
        match page.next {
            Some(next) => path = elm.path(&format!("/events?limit=2&before={next}")),
            None => break,
        }
    }
    assert_eq!(seen.len(), 4);
    let mut distinct = seen.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 4);
    assert_eq!(server.get(who, &elm.path("/events?day=2026-02-30")).await.refusal().0, 400);
    assert_eq!(server.get(who, &elm.path("/events?before=xyz")).await.refusal().0, 400);
}

#[tokio::test]
async fn seen_kept_and_deleted_are_remembered() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let who = &elm.owner.who;
    server.send(who, Method::PUT, &elm.event_path("/seen"), &support::ExampleNothing).await.done();
    server.put(who, &elm.event_path("/kept"), &Keep { kept: true }).await.done();
    let event = server.get(who, &elm.path("/events")).await.ok::<EventPage>().events.remove(0);
    assert!(event.seen && event.kept);
    assert!(server.get(who, &elm.path("/events?unseen=true")).await.ok::<EventPage>().events.is_empty());
    server.delete(who, &elm.event_path("")).await.done();
    assert_eq!(server.get(who, &elm.event_path("")).await.refusal(), (404, "not_found".into()));
    assert_eq!(server.get(who, &elm.event_path("/segments/card/0")).await.refusal().0, 404);
    let path = format!("/agent/v1/cameras/{}/events/{}/segments/card/0", elm.camera, elm.event);
    let bytes = keepsight_cloud::example::ExampleBody::Bytes(elm.segments[4].2.clone());
    assert_eq!(server.send(&elm.agent_who, Method::PUT, &path, &bytes).await.refusal(), (410, "gone".into()));
}

#[tokio::test]
async fn only_who_may_delete_an_event_may_let_go_of_one_that_is_kept() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let (oak, _) = elm.member(&server, "oak", &Slot::member_rights()).await;
    let path = elm.event_path("/kept");
    server.put(&oak.who, &path, &Keep { kept: true }).await.done();
    let refused = server.put(&oak.who, &path, &Keep { kept: false }).await.refusal();
    assert_eq!(refused, (403, "not_allowed".into()));
    let event = || async { server.get(&elm.owner.who, &elm.event_path("")).await.ok::<EventDetail>().event };
    assert!(event().await.kept);
    server.put(&elm.owner.who, &path, &Keep { kept: false }).await.done();
    assert!(!event().await.kept);
}

#[tokio::test]
async fn a_lockdown_stops_viewing_at_the_next_request_and_not_the_way_out_of_it() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let who = &elm.owner.who;
    server.put(who, &elm.path("/lockdown"), &Lockdown { on: true }).await.done();
    for path in
        [elm.path("/events"), elm.event_path(""), elm.event_path("/segments/video/0"), elm.path("/updates")]
    {
        assert_eq!(server.get(who, &path).await.refusal(), (423, "lockdown".into()), "{path}");
    }
    assert!(server.get(who, &elm.path("")).await.ok::<Home>().lockdown);
    let cameras: Vec<Camera> = server.get(who, &elm.path("/cameras")).await.ok();
    assert!(cameras.len() == 1 && cameras[0].last.is_none());
    server.put(who, &elm.path("/lockdown"), &Lockdown { on: false }).await.done();
    server.get(who, &elm.event_path("/segments/video/0")).await.done();
    let cameras: Vec<Camera> = server.get(who, &elm.path("/cameras")).await.ok();
    assert_eq!(cameras[0].last.as_ref().map(|event| event.event), Some(elm.event));
}

#[tokio::test]
async fn a_removed_member_is_a_stranger_from_the_next_request_on() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let (member, slot) = elm.member(&server, "oak", &Slot::member_rights()).await;
    server.get(&member.who, &elm.event_path("/segments/video/0")).await.done();
    elm.remove(&server, slot).await;
    assert_eq!(
        server.get(&member.who, &elm.event_path("/segments/video/0")).await.refusal(),
        (404, "not_found".into())
    );
    assert!(server.get(&member.who, "/api/v1/homes").await.ok::<Vec<Home>>().is_empty());
}

/// Files of the objects folder that hold segments of this home.
fn objects(server: &Server, household: &Household) -> Vec<std::path::PathBuf> {
    let mut folders = vec![server.folder.path().join("objects").join(household.home.to_string())];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

#[tokio::test]
async fn objects_swapped_on_the_disk_are_not_found_and_an_alarm() {
    let server = Server::start().await;
    let (elm, oak) = (server.home("elm").await, server.home("oak").await);
    for (one, other) in objects(&server, &elm).iter().zip(objects(&server, &oak)) {
        let aside = server.folder.path().join("aside");
        std::fs::rename(one, &aside).unwrap();
        std::fs::rename(&other, one).unwrap();
        std::fs::rename(&aside, &other).unwrap();
    }
    for household in [&elm, &oak] {
        for (kind, number, _) in &household.segments {
            let path = household.event_path(&format!("/segments/{kind}/{number}"));
            let reply = server.get(&household.owner.who, &path).await;
            assert_eq!(reply.refusal(), (404, "not_found".into()), "{kind}");
        }
    }
    assert_eq!(server.cloud.alarms().misfiled(), 2 * elm.segments.len() as u64);
}

#[tokio::test]
async fn an_object_of_the_same_event_in_anothers_place_is_not_found_either() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let files = objects(&server, &elm);
    let first = std::fs::read(&files[0]).unwrap();
    for file in &files {
        std::fs::write(file, &first).unwrap();
    }
    let mut shown = Vec::new();
    for (kind, number, bytes) in &elm.segments {
        let reply = server.get(&elm.owner.who, &elm.event_path(&format!("/segments/{kind}/{number}"))).await;
        if reply.status.is_success() {
            assert_eq!(reply.body, bytes[..]);
            shown.push(*kind);
        }
    }
    assert_eq!(shown.len(), 1, "only what it really is: {shown:?}");
    assert!(shown.iter().all(|kind| SegmentKind::ALL.contains(kind)));
}

#[tokio::test]
async fn who_belongs_and_what_they_see() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let (member, _) = elm.member(&server, "oak", &Slot::member_rights()).await;
    let people: keepsight_wire::people::People = server.get(&member.who, &elm.path("/people")).await.ok();
    assert_eq!(people.members.len(), 2);
    let home: Home = server.get(&member.who, &elm.path("")).await.ok();
    assert_eq!(home.rights, [Right::Live, Right::Review, Right::Download]);
    assert!(home.used_bytes > 0);
    assert_eq!(
        server.put(&member.who, &elm.path("/lockdown"), &Lockdown { on: true }).await.refusal().0,
        403
    );
    let outsider: Person = server.person("ash").await;
    assert_eq!(server.get(&outsider.who, &elm.path("/people")).await.refusal(), (404, "not_found".into()));
    server.delete(&member.who, &elm.path("/people/me")).await.done();
    assert_eq!(server.get(&member.who, &elm.path("/people")).await.refusal().0, 404);
    let home: Home = server.get(&elm.owner.who, &elm.path("")).await.ok();
    assert!(home.rotation_due);
}
