//! What a person believes of a server: as much as its answers prove, and no more.

mod server;

use http::{Method, StatusCode};
use keepsight_ids::*;
use keepsight_person::{EventQuery, Person, PersonError};
use keepsight_seal::*;
use keepsight_wire::people;
use keepsight_wire::people::Purpose;
use keepsight_world::World;
use server::Server;

const PASSWORD: &str = "gravel under the porch";

fn refused(outcome: Result<impl std::fmt::Debug, PersonError>) -> SealError {
    match outcome.expect_err("the server lied") {
        PersonError::Seal(refused) => refused,
        other => panic!("refused for another reason: {other}"),
    }
}

#[tokio::test]
async fn the_server_never_gets_a_password_or_a_key() {
    let server = Server::default();
    let elm = server.sign_up("elm").await.person;
    Person::sign_in(server.api(), World::real(), "elm", PASSWORD).await.unwrap();
    elm.create_home("12 Elm Street", "Europe/Berlin").await.unwrap();
    let keys = elm.keys().unwrap();
    let secrets =
        [PASSWORD.to_owned(), B32(*keys.kem.expose()).to_string(), B32(*keys.sign.expose()).to_string()];
    let state = server.state();
    let bodies: Vec<_> = state.bodies.iter().map(|body| String::from_utf8_lossy(body).into_owned()).collect();
    assert!(bodies.iter().any(|body| body.contains("wrapped")));
    assert!(!bodies.iter().any(|body| secrets.iter().any(|secret| body.contains(secret))));
    assert!(!bodies.iter().any(|body| body.contains("Elm Street")));
}

#[tokio::test]
async fn the_session_cookie_is_kept_sent_and_dropped() {
    let server = Server::default();
    let elm = server.sign_up("elm").await.person;
    assert_eq!(elm.api().cookie("ks_session").as_deref(), Some("token"));
    elm.create_home("Elm", "Europe/Berlin").await.unwrap();
    let sent = server.state().cookies.last().unwrap().clone().unwrap();
    assert!(sent.split("; ").any(|cookie| cookie == "ks_session=token"), "{sent}");
    elm.sign_out().await.unwrap();
    assert_eq!(elm.api().cookie("ks_session"), None);
    assert!(matches!(elm.keys(), Err(PersonError::Locked)));
    assert_eq!(elm.api().fresh().cookie("other"), None);
}

#[tokio::test]
async fn a_server_that_asks_for_a_weak_password_gets_none() {
    let server = Server::default();
    server.sign_up("elm").await;
    let asked = server.state().asked.len();
    let weak = people::PasswordParameters { salt: B64(vec![1; 16]), iterations: 1 };
    server.replace("/sign-in/parameters", &weak);
    let outcome = Person::sign_in(server.api(), World::real(), "elm", PASSWORD).await;
    assert_eq!(refused(outcome), SealError::PasswordParameters { iterations: 1 });
    assert_eq!(server.state().asked.len(), asked + 1);
}

#[tokio::test]
async fn a_wrong_password_is_refused_by_the_server_and_by_the_keys() {
    let server = Server::default();
    let elm = server.sign_up("elm").await.person;
    let outcome = Person::sign_in(server.api(), World::real(), "elm", "another").await;
    let error = outcome.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED));
    assert_eq!(error.code(), Some("sign_in_refused"));
    elm.lock();
    assert!(matches!(refused(elm.unlock("another")), SealError::CannotOpen { .. }));
    elm.unlock(PASSWORD).unwrap();
    elm.keys().unwrap();
}

#[tokio::test]
async fn keys_that_are_not_the_accounts_own_are_not_used() {
    let server = Server::default();
    server.sign_up("elm").await;
    server.state().sign_ups[0].kem = B32([7; 32]);
    let outcome = Person::sign_in(server.api(), World::real(), "elm", PASSWORD).await;
    assert!(matches!(refused(outcome), SealError::CannotOpen { .. }));
}

struct Household {
    server: Server,
    elm: Person,
    oak: Person,
    home: HomeId,
}

/// Elm's home with oak in it, through the whole way of an invitation.
async fn household() -> Household {
    let server = Server::default();
    let elm = server.sign_up("elm").await.person;
    let oak = server.sign_up("oak").await.person;
    let home = elm.create_home("12 Elm Street", "Europe/Berlin").await.unwrap();
    let invitation = elm.invite(home, &Slot::member_rights()).await.unwrap();
    let link = invitation.link("http://cloud.test:8080");
    let read = Invitation::parse(&link).unwrap();
    assert_eq!(Person::look_at_invitation(&server.api(), &read).await.unwrap(), "12 Elm Street");
    assert_eq!(oak.accept(&read).await.unwrap(), home);
    assert_eq!(elm.open_home(home).await.unwrap().chain.head().entry().seq, 2);
    Household { server, elm, oak, home }
}

#[tokio::test]
async fn somebody_invited_reads_the_home_until_they_are_removed() {
    let Household { server, elm, oak, home } = household().await;
    assert_eq!(oak.home_name(home).await.unwrap(), "12 Elm Street");
    assert!(
        Person::look_at_invitation(
            &server.api(),
            &Invitation::from_secret(home, SlotId::from_bytes([1; 16]), B32([0; 32]), [0; 16])
        )
        .await
        .is_err()
    );
    let kept = oak.known_home(home).await.unwrap();
    elm.remove_member(home, kept.slot).await.unwrap();
    let open = elm.open_home(home).await.unwrap();
    assert_eq!(open.epoch(), EpochNo(2));
    let names = server.state().names.clone();
    let name = open_name(&names[0], &open.chain, Subject::Home(home), &open.secrets).unwrap();
    assert_eq!(name, "12 Elm Street");
    assert!(matches!(oak.open_home(home).await, Err(PersonError::NotAMember)));
    // The name sealed anew is of the second epoch, which oak can't open with what they kept.
    let opened = open_name(&names[0], &open.chain, Subject::Home(home), &kept.secrets);
    assert_eq!(opened, Err(SealError::EpochNotOpen { epoch: EpochNo(2) }));
}

#[tokio::test]
async fn an_invitation_that_lapsed_gets_no_new_epoch_and_an_open_one_does() {
    for lapsed in [false, true] {
        let Household { server, elm, oak, home } = household().await;
        let waiting = elm.invite(home, &Slot::owner_rights()).await.unwrap();
        server.state().lapsed = lapsed;
        let slot = oak.known_home(home).await.unwrap().slot;
        elm.remove_member(home, slot).await.unwrap();
        let open = elm.open_home(home).await.unwrap();
        let listed = open.chain.head().entry().slot(waiting.slot).is_some();
        let sealed = server.state().epochs[1].sealed.iter().any(|sealed| sealed.slot == waiting.slot);
        assert_eq!((listed, sealed), (!lapsed, !lapsed));
    }
}

/// What a lying server could answer to an invitee: a home of its own making with the real one's identity and name, an owner of its
/// own, and in it the open place as it stands in the real chain.
fn invented(server: &Server, home: HomeId, place: SlotId) -> people::InvitationOpened {
    let mut rng = World::real().rng();
    let real = Entry::parse(&server.state().entries[1].body.0).unwrap();
    let (theirs, owner) = (AccountKeys::random(&mut rng), SlotId::from_bytes([7; 16]));
    let founded =
        found_home(home, owner, AccountId::from_bytes([7; 16]), &theirs, UnixMillis(1), &mut rng).unwrap();
    let mut chain = founded.chain;
    let place = real.slot(place).unwrap().clone();
    let sealed = seal_to_slot(home, EpochNo(1), place.slot, &place.kem, &founded.secret, &mut rng).unwrap();
    let entry = Draft::after(chain.head(), owner).add(place).sign(&theirs.sign).unwrap();
    chain.extend(&[entry.signed().clone()]).unwrap();
    let (subject, by) = (Subject::Home(home), NamedBy::Slot(owner));
    let name =
        make_name(&chain, subject, by, &theirs.sign, "12 Elm Street", UnixMillis(1), &mut rng).unwrap();
    let entries = chain.entries().iter().map(|entry| entry.signed().clone()).collect();
    people::InvitationOpened { entries, epoch: 1, sealed, name, expires: UnixMillis(i64::MAX) }
}

#[tokio::test]
async fn a_home_invented_for_somebody_invited_is_refused_before_anything_is_sent() {
    let server = Server::default();
    let (elm, oak) = (server.sign_up("elm").await.person, server.sign_up("oak").await.person);
    let home = elm.create_home("12 Elm Street", "Europe/Berlin").await.unwrap();
    let invitation = elm.invite(home, &Slot::member_rights()).await.unwrap();
    let link = invitation.link("http://cloud.test:8080");
    let invented = invented(&server, home, invitation.slot);
    server.replace("/invitations/open", &invented);

    let refusal = refused(Person::look_at_invitation(&server.api(), &invitation).await);
    assert_eq!(refusal, SealError::NotTheInvitedHome);
    assert!(refusal.to_string().contains("another home than the one you were invited to"));
    assert_eq!(refused(oak.accept(&invitation).await), SealError::NotTheInvitedHome);
    assert_eq!(oak.pin(home), None);
    let accepts =
        |server: &Server| server.state().asked.iter().filter(|(_, path)| path.ends_with("/accept")).count();
    assert_eq!(accepts(&server), 0);

    // Nothing else is wrong with the invented home: under a link that named its beginning it would be believed, name and all.
    let (rest, genesis) = link.rsplit_once('.').unwrap();
    let fooled = Invitation::parse(&format!("{rest}.{}", sha256(&invented.entries[0].body.0))).unwrap();
    assert_eq!(Person::look_at_invitation(&server.api(), &fooled).await.unwrap(), "12 Elm Street");

    // The real home is joined by the same link, and its beginning is remembered.
    server.state().replaced.clear();
    oak.accept(&invitation).await.unwrap();
    assert_eq!((oak.pin(home).unwrap().genesis.to_string(), accepts(&server)), (genesis.to_owned(), 1));
    server.replace("/invitations/open", &invented);
    assert_eq!(refused(oak.accept(&fooled).await), SealError::OtherGenesis);
    server.replace(
        &format!("/homes/{home}/chain"),
        &people::Chain { entries: invented.entries, epochs: Vec::new() },
    );
    assert_eq!(refused(oak.open_home(home).await), SealError::OtherGenesis);
}

#[tokio::test]
async fn a_link_of_the_form_before_asks_for_a_new_one() {
    let server = Server::default();
    let elm = server.sign_up("elm").await.person;
    let home = elm.create_home("12 Elm Street", "Europe/Berlin").await.unwrap();
    let link = elm.invite(home, &Slot::member_rights()).await.unwrap().link("http://cloud.test:8080");
    let refusal = Invitation::parse(link.rsplit_once('.').unwrap().0).unwrap_err();
    assert_eq!(refusal.code(), "invitation_link");
    assert!(refusal.to_string().contains("ask the one who invited you for a new link"), "{refusal}");
}

#[tokio::test]
async fn an_older_list_of_members_is_refused() {
    let Household { server, elm, home, .. } = household().await;
    server.state().entries.pop();
    assert_eq!(refused(elm.open_home(home).await), SealError::Rollback { pinned: 2, found: 1 });
    server.state().entries.truncate(1);
    assert_eq!(refused(elm.open_home(home).await), SealError::Rollback { pinned: 2, found: 0 });
}

#[tokio::test]
async fn somebody_who_was_locked_meanwhile_still_remembers() {
    let Household { server, elm, home, .. } = household().await;
    elm.lock();
    let asked = server.state().asked.len();
    assert!(matches!(elm.open_home(home).await, Err(PersonError::Locked)));
    assert_eq!(server.state().asked.len(), asked);
    elm.unlock(PASSWORD).unwrap();
    server.state().entries.pop();
    assert!(matches!(refused(elm.open_home(home).await), SealError::Rollback { .. }));
}

#[tokio::test]
async fn a_substituted_key_is_refused_and_named() {
    let Household { server, elm, oak, home } = household().await;
    let mut entry = Entry::parse(&server.state().entries[2].body.0).unwrap();
    let slot = oak.known_home(home).await.unwrap().slot;
    let of_the_server = KemSecret::from_bytes([5; 32]).public();
    entry.slots.iter_mut().find(|one| one.slot == slot).unwrap().kem = of_the_server;
    server.state().entries[2].body = B64(serde_json::to_vec(&entry).unwrap());
    let refusal = refused(elm.open_home(home).await);
    assert_eq!(refusal, SealError::SubstitutedMemberKey { slot });
    assert!(refusal.to_string().contains("another key in the place of a member's"));
}

#[tokio::test]
async fn two_different_pasts_are_a_fork() {
    let Household { server, elm, home, .. } = household().await;
    let keys = elm.keys().unwrap();
    let open = elm.open_home(home).await.unwrap();
    let fork = Draft::after(&open.chain.entries()[1], open.slot).sign(&keys.sign).unwrap();
    server.state().entries[2] = fork.signed().clone();
    assert_eq!(refused(elm.open_home(home).await), SealError::Fork { seq: 2 });
}

#[tokio::test]
async fn another_homes_chain_is_refused() {
    let Household { server, elm, home, .. } = household().await;
    let entries = server.state().entries.clone();
    elm.create_home("Holiday flat", "Europe/Berlin").await.unwrap();
    let foreign = std::mem::replace(&mut server.state().entries, entries);
    server.replace(&format!("/homes/{home}/chain"), &people::Chain { entries: foreign, epochs: Vec::new() });
    let refusal = refused(elm.open_home(home).await);
    assert!(matches!(refusal, SealError::ForeignHome { expected, .. } if expected == home));
}

#[tokio::test]
async fn a_home_key_of_the_servers_own_is_refused() {
    let Household { server, elm, home, .. } = household().await;
    let open = elm.open_home(home).await.unwrap();
    let (entry, false_key) = (open.chain.head().entry(), EpochSecret::from_bytes([6; 32]));
    server.state().epochs[0] = seal_package(entry, &false_key, None, &mut World::real().rng()).unwrap();
    assert_eq!(refused(elm.open_home(home).await), SealError::EpochMismatch { epoch: EpochNo(1) });
}

struct Recorded {
    household: Household,
    asked: Asked,
    detail: people::EventDetail,
    sealed: Vec<u8>,
}

fn at(asked: &Asked) -> String {
    format!("/homes/{}/cameras/{}/events/{}", asked.home, asked.camera, asked.event)
}

/// An Event of the household's hall camera on the server, by an agent of the home.
async fn recorded() -> Recorded {
    let household = household().await;
    let Household { server, elm, home, .. } = &household;
    let (agent, key) = (AgentId::from_bytes([3; 16]), SignSecret::from_bytes([4; 32]));
    let open = elm.open_home(*home).await.unwrap();
    let mut draft = Draft::after(open.chain.head(), open.slot);
    let entry = draft.add_agent(agent, key.public()).sign(&elm.keys().unwrap().sign).unwrap();
    server.state().entries.push(entry.signed().clone());
    let mut chain = open.chain.clone();
    chain.extend(&[entry.signed().clone()]).unwrap();
    let asked =
        Asked { home: *home, camera: CameraId::from_bytes([5; 16]), event: EventId::from_bytes([6; 16]) };
    let (header, mut sealer) = EventSealer::begin(
        &chain,
        agent,
        &key,
        asked.camera,
        asked.event,
        UnixMillis(1),
        true,
        &mut World::real().rng(),
    )
    .unwrap();
    let sealed = sealer.seal(SegmentKind::Video, SegmentNo(0), b"the hall").unwrap();
    let trailer = sealer.seal_trailer().unwrap();
    let segment = |kind, sealed: &[u8]| people::Segment {
        kind,
        number: SegmentNo(0),
        bytes: sealed.len() as u64,
        sha256: sha256(sealed),
    };
    let event = people::Event {
        home: asked.home,
        camera: asked.camera,
        event: asked.event,
        header,
        filed: UnixMillis(1),
        received: UnixMillis(1),
        clock_unknown: false,
        complete: true,
        kept: false,
        seen: false,
        bytes: 1,
    };
    let segments = vec![segment(SegmentKind::Video, &sealed), segment(SegmentKind::Trailer, &trailer)];
    let detail = people::EventDetail { event, segments, newer: None, older: None };
    server.replace(&at(&asked), &detail);
    for (kind, sealed) in [("video", &sealed), ("trailer", &trailer)] {
        for purpose in ["view", "download"] {
            let path = format!("{}/segments/{kind}/0?purpose={purpose}", at(&asked));
            server.state().replaced.insert(path, (StatusCode::OK, sealed.clone().into()));
        }
    }
    Recorded { household, asked, detail, sealed }
}

#[tokio::test]
async fn an_event_is_watched_whole_by_everybody_of_the_home() {
    let Recorded { household: Household { elm, oak, .. }, asked, .. } = recorded().await;
    for person in [&elm, &oak] {
        let watched = person.watch(asked.home, asked.camera, asked.event, Purpose::View).await.unwrap();
        assert!(watched.is_whole());
        assert_eq!(watched.video(), b"the hall");
        assert_eq!(watched.card, None);
    }
}

#[tokio::test]
async fn an_event_that_is_not_the_one_asked_for_is_not_shown() {
    let Recorded { household: Household { server, elm, .. }, asked, detail, .. } = recorded().await;
    let open = || elm.open_event(asked.home, asked.camera, asked.event);
    let not = |what| SealError::NotWhatWasAskedFor { what };
    let mut other = detail.clone();
    other.event.home = HomeId::from_bytes([9; 16]);
    server.replace(&at(&asked), &other);
    assert_eq!(refused(open().await), not("home"));
    let mut other = detail.clone();
    other.event.camera = CameraId::from_bytes([9; 16]);
    server.replace(&at(&asked), &other);
    assert_eq!(refused(open().await), not("camera"));
    // A row that states to be the Event, with another Event's header inside.
    let elsewhere = Asked { event: EventId::from_bytes([7; 16]), ..asked };
    let mut renamed = detail.clone();
    renamed.event.event = elsewhere.event;
    server.replace(&at(&elsewhere), &renamed);
    let outcome = elm.open_event(elsewhere.home, elsewhere.camera, elsewhere.event).await;
    assert_eq!(refused(outcome), not("Event"));
}

#[tokio::test]
async fn a_segment_that_is_not_the_one_asked_for_is_not_shown() {
    let Recorded { household: Household { server, elm, .. }, asked, sealed, .. } = recorded().await;
    let event = elm.open_event(asked.home, asked.camera, asked.event).await.unwrap();
    let path = format!("{}/segments/audio/0?purpose=view", at(&asked));
    server.state().replaced.insert(path, (StatusCode::OK, sealed.clone().into()));
    let outcome = elm.open_segment(&event, SegmentKind::Audio, SegmentNo(0), Purpose::View).await;
    assert_eq!(refused(outcome), SealError::NotWhatWasAskedFor { what: "kind of segment" });
    let mut foreign = sealed;
    foreign[0] ^= 1;
    let path = format!("{}/segments/video/0?purpose=view", at(&asked));
    server.state().replaced.insert(path, (StatusCode::OK, foreign.into()));
    let outcome = elm.open_segment(&event, SegmentKind::Video, SegmentNo(0), Purpose::View).await;
    assert_eq!(refused(outcome), SealError::NotWhatWasAskedFor { what: "home" });
}

#[tokio::test]
async fn a_list_with_a_strangers_event_in_it_is_refused() {
    let Recorded { household: Household { server, elm, .. }, asked, detail, .. } = recorded().await;
    let page = |event: people::Event| people::EventPage { events: vec![event], gaps: Vec::new(), next: None };
    let path =
        format!("/homes/{}/events?day=2026-11-23&camera={}&unseen=true&limit=5", asked.home, asked.camera);
    let query = EventQuery {
        day: Some("2026-11-23".into()),
        camera: Some(asked.camera),
        unseen: true,
        before: None,
        limit: Some(5),
    };
    server.replace(&path, &page(detail.event.clone()));
    let listed = elm.events(asked.home, &query).await.unwrap();
    elm.open_header(&asked, &listed.events[0]).await.unwrap();
    let foreign = people::Event { home: HomeId::from_bytes([9; 16]), ..detail.event.clone() };
    server.replace(&path, &page(foreign));
    assert_eq!(refused(elm.events(asked.home, &query).await), SealError::NotWhatWasAskedFor { what: "home" });
    let other = people::Event { camera: CameraId::from_bytes([9; 16]), ..detail.event };
    server.replace(&path, &page(other));
    assert_eq!(
        refused(elm.events(asked.home, &query).await),
        SealError::NotWhatWasAskedFor { what: "camera" }
    );
}

#[tokio::test]
async fn refusals_and_nonsense_are_told_apart() {
    let server = Server::default();
    let elm = server.sign_up("elm").await.person;
    let gone = elm.sessions().await.unwrap_err();
    assert_eq!((gone.status(), gone.code()), (Some(StatusCode::NOT_FOUND), Some("not_found")));
    assert!(gone.to_string().contains("req_1"));
    server.replace("/account/sessions", &"nonsense");
    assert!(matches!(elm.sessions().await, Err(PersonError::Unreadable { .. })));
    let answer = elm.request(Method::GET, "/anything", None).await.unwrap();
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.json::<keepsight_wire::ErrorBody>().is_ok());
    assert!(matches!(
        keepsight_person::Api::over("ftp://x", std::sync::Arc::new(server)),
        Err(PersonError::BadAddress(_))
    ));
}
