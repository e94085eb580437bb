//! The whole way over a real server: from set-up to an Event watched by a member, and not by them after they were removed.
//!
//! The agent is played here by its own protocol, over the same connection.

mod whole;

use std::time::Duration;

use http::StatusCode;
use keepsight_ids::*;
use keepsight_person::{Api, EventQuery, Person, Trust};
use keepsight_seal::*;
use keepsight_wire::people::{Purpose, Ticket, Update, ViewKind};
use keepsight_world::World;
use whole::{Agent, PASSWORD, not_found, server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_event_the_whole_way() {
    let folder = tempfile::tempdir().unwrap();
    let (cloud, _) = server(folder.path()).await;
    let api = Api::new(&cloud.url(), Trust::Plain).unwrap();
    let world = World::real();
    assert!(api.service().await.unwrap().setup_needed);

    // Elm sets the server up, founds a home and pairs an agent.
    let token = cloud.cloud().setup_token().unwrap().to_owned();
    let signed_up = Person::sign_up(api.fresh(), world.clone(), "elm", PASSWORD, Some(Ticket::Setup(token)));
    let elm = signed_up.await.unwrap().person;
    let home = elm.create_home("12 Elm Street", "Europe/Berlin").await.unwrap();
    let (mut porch, hall) = Agent::of(&api, &elm, home).await;
    let shown = elm.cameras(home).await.unwrap();
    let open = elm.open_home(home).await.unwrap();
    assert_eq!(open.name_of(Subject::Camera(hall), &shown[0].name).unwrap(), "Hall");

    // An Event arrives while elm listens, and is watched.
    let mut updates = elm.updates(home).await.unwrap();
    assert_eq!(updates.next().await.unwrap(), Some(Update::Hello));
    let first = porch.record(hall).await;
    loop {
        let update = tokio::time::timeout(Duration::from_secs(10), updates.next()).await.unwrap().unwrap();
        match update.expect("the stream stays open") {
            Update::Event { camera, event, .. } => {
                assert_eq!((camera, event), (hall, first));
                break;
            }
            other => assert_eq!(other, Update::Home),
        }
    }
    let watched = elm.watch(home, hall, first, Purpose::View).await.unwrap();
    assert!(watched.is_whole());
    assert_eq!(watched.video(), b"initthe hall");

    // Oak is invited by a link, signs up with it, and watches too.
    let link = elm.invite(home, &Slot::member_rights()).await.unwrap().link(&cloud.url());
    let invitation = Invitation::parse(&link).unwrap();
    assert_eq!(Person::look_at_invitation(&api.fresh(), &invitation).await.unwrap(), "12 Elm Street");
    let ticket = Some(Ticket::Invitation(invitation.ticket()));
    let oak = Person::sign_up(api.fresh(), world.clone(), "oak", PASSWORD, ticket).await.unwrap().person;
    not_found(oak.home(home).await);
    oak.accept(&invitation).await.unwrap();
    assert_eq!(oak.home_name(home).await.unwrap(), "12 Elm Street");
    assert_eq!(oak.watch(home, hall, first, Purpose::View).await.unwrap().video(), b"initthe hall");
    let page = oak.events(home, &EventQuery::default()).await.unwrap();
    assert_eq!(page.events.len(), 1);
    let views = elm.event_views(home, hall, first).await.unwrap().views;
    assert!(views.iter().any(|view| view.account == oak.account() && view.kind == ViewKind::Opened));
    elm.keep_event(home, hall, first, true).await.unwrap();
    assert!(elm.event(home, hall, first).await.unwrap().event.kept);
    oak.mark_seen(home, hall, first).await.unwrap();

    // Oak is removed: nothing any more, not even that there is such a home; and no key for what comes.
    let mut oaks_updates = oak.updates(home).await.unwrap();
    assert_eq!(oaks_updates.next().await.unwrap(), Some(Update::Hello));
    let had = oak.known_home(home).await.unwrap();
    elm.remove_member(home, had.slot).await.unwrap();
    let ended = async { while let Ok(Some(_)) = oaks_updates.next().await {} };
    tokio::time::timeout(Duration::from_secs(5), ended).await.expect("the stream ends");
    not_found(oak.home(home).await);
    not_found(oak.watch(home, hall, first, Purpose::View).await);
    assert!(oak.homes().await.unwrap().is_empty());
    assert_eq!(elm.home_name(home).await.unwrap(), "12 Elm Street");
    let second = porch.record(hall).await;
    assert!(elm.watch(home, hall, second, Purpose::View).await.unwrap().is_whole());
    let asked = Asked { home, camera: hall, event: second };
    let event = elm.event(home, hall, second).await.unwrap().event;
    let header =
        EventHeader::verify(&event.header, &elm.open_home(home).await.unwrap().chain, &asked).unwrap();
    assert_eq!(header.header().epoch, EpochNo(2));
    assert_eq!(header.open(&had.secrets).unwrap_err(), SealError::EpochNotOpen { epoch: EpochNo(2) });

    // Elm on another device sees all of it, and deletes.
    let again = Person::sign_in(api.fresh().named("phone"), world, "elm", PASSWORD).await.unwrap();
    for event in [first, second] {
        assert_eq!(again.watch(home, hall, event, Purpose::Download).await.unwrap().video(), b"initthe hall");
    }
    again.delete_event(home, hall, second).await.unwrap();
    not_found(again.event(home, hall, second).await);
    assert_eq!(again.sessions().await.unwrap().len(), 2);
    again.end_other_sessions().await.unwrap();
    assert_eq!(elm.homes().await.unwrap_err().status(), Some(StatusCode::UNAUTHORIZED));
    assert!(again.views(home, None, None).await.unwrap().views.len() > 2);
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_who_left_is_out_and_the_next_owner_begins_a_new_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let (cloud, _) = server(folder.path()).await;
    let api = Api::new(&cloud.url(), Trust::Plain).unwrap();
    let world = World::real();
    let token = Some(Ticket::Setup(cloud.cloud().setup_token().unwrap().to_owned()));
    let elm = Person::sign_up(api.fresh(), world.clone(), "elm", PASSWORD, token).await.unwrap();
    let (mut elm, recovery) = (elm.person, elm.recovery);
    let home = elm.create_home("12 Elm Street", "Europe/Berlin").await.unwrap();
    let invitation = elm.invite(home, &Slot::owner_rights()).await.unwrap();
    let ticket = Some(Ticket::Invitation(invitation.ticket()));
    let oak = Person::sign_up(api.fresh(), world.clone(), "oak", PASSWORD, ticket).await.unwrap().person;
    oak.accept(&invitation).await.unwrap();

    oak.leave(home).await.unwrap();
    not_found(oak.home(home).await);
    assert!(elm.home(home).await.unwrap().rotation_due);
    elm.rotate(home).await.unwrap();
    assert!(!elm.home(home).await.unwrap().rotation_due);
    let open = elm.open_home(home).await.unwrap();
    assert_eq!((open.epoch(), open.chain.head().entry().slots.len()), (EpochNo(2), 1));
    assert_eq!(elm.home_name(home).await.unwrap(), "12 Elm Street");

    // A new password, and then none remembered.
    elm.change_password(PASSWORD, "slate on the roof").await.unwrap();
    assert!(Person::sign_in(api.fresh(), world.clone(), "elm", PASSWORD).await.is_err());
    let text = recovery.text();
    let code: RecoveryCode = text.parse().unwrap();
    let recovered = Person::recover(api.fresh(), world.clone(), "elm", &code, "moss").await.unwrap().person;
    assert_eq!(recovered.home_name(home).await.unwrap(), "12 Elm Street");
    assert!(Person::recover(api.fresh(), world.clone(), "elm", &code, "moss").await.is_err());
    assert_eq!(elm.homes().await.unwrap_err().status(), Some(StatusCode::UNAUTHORIZED));
    Person::sign_in(api.fresh(), world, "elm", "moss").await.unwrap();
    cloud.stop().await;
}
