//! "I lost a device", over a real server: what the new keys open, what the old ones don't, and that nothing in between loses anything.

mod whole;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use keepsight_gate::{OperatorDeed, State, Tag, Truth, Write};
use keepsight_ids::*;
use keepsight_person::{Api, HyperTransport, Pending, Person, PersonError, Transport, Trust};
use keepsight_seal::{AccountKeys, Asked, Draft, EpochSecrets, EventHeader, SealError, Slot};
use keepsight_wire::people::{Chain, ChainAppend, Purpose, Ticket};
use keepsight_world::World;
use whole::{Agent, PASSWORD, server};

const NEW: &str = "slate on the roof";

/// A network that can lose the answer to a request that came, or let somebody else be quicker.
struct Network {
    inner: HyperTransport<keepsight_person::Connector>,
    loses_answers: AtomicBool,
}

struct Shared(Arc<Network>);

impl Transport for Shared {
    fn send(&self, request: Request<Full<Bytes>>) -> Pending<'_> {
        let lost = self.0.loses_answers.load(Ordering::SeqCst) && *request.method() == Method::PUT;
        Box::pin(async move {
            let answer = self.0.inner.send(request).await?;
            if lost { Err(PersonError::Unreachable("the line went dead".into())) } else { Ok(answer) }
        })
    }
}

/// Whether these epoch secrets open an Event as the server keeps it.
async fn opens(secrets: &EpochSecrets, by: &Person, asked: Asked) -> bool {
    let event = by.event(asked.home, asked.camera, asked.event).await.unwrap().event;
    let now = by.open_home(asked.home).await.unwrap();
    EventHeader::verify(&event.header, &now.chain, &asked).unwrap().open(secrets).is_ok()
}

/// Whether a key opens the home from what the server keeps for that person's slot.
async fn opens_the_home(stolen: &AccountKeys, by: &Person, home: HomeId) -> bool {
    let shown: Chain = by.api().get(&format!("/homes/{home}/chain")).await.unwrap();
    let now = by.open_home(home).await.unwrap();
    EpochSecrets::open(&now.chain, now.slot, &stolen.kem, &shown.epochs).is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_and_a_member_replace_their_keys() {
    let folder = tempfile::tempdir().unwrap();
    let (cloud, _) = server(folder.path()).await;
    let api = Api::new(&cloud.url(), Trust::Plain).unwrap();
    let world = World::real();
    let token = Some(Ticket::Setup(cloud.cloud().setup_token().unwrap().to_owned()));
    let signed_up = Person::sign_up(api.fresh(), world.clone(), "elm", PASSWORD, token).await.unwrap();
    let (mut elm, code) = (signed_up.person, signed_up.recovery);
    let home = elm.create_home("12 Elm Street", "Europe/Berlin").await.unwrap();
    let (mut porch, hall) = Agent::of(&api, &elm, home).await;
    let invitation = elm.invite(home, &Slot::member_rights()).await.unwrap();
    let ticket = Some(Ticket::Invitation(invitation.ticket()));
    let mut oak = Person::sign_up(api.fresh(), world.clone(), "oak", PASSWORD, ticket).await.unwrap().person;
    oak.accept(&invitation).await.unwrap();
    let first = porch.record(hall).await;

    // Oak, a member, loses a phone that is signed in and unlocked.
    let phone = Person::sign_in(api.fresh().named("phone"), world.clone(), "oak", PASSWORD).await.unwrap();
    let (stolen, had) = (phone.keys().unwrap(), phone.open_home(home).await.unwrap());
    let replaced = oak.replace_keys(NEW).await.unwrap();
    assert!(replaced.left.is_empty());
    assert_eq!(phone.homes().await.unwrap_err().status(), Some(StatusCode::UNAUTHORIZED));
    let refused = Person::sign_in(api.fresh(), world.clone(), "oak", PASSWORD).await.unwrap_err();
    assert_eq!(refused.status(), Some(StatusCode::UNAUTHORIZED));
    // At once, with no owner about: the current epoch opens with the new keys, and what came before through it.
    assert!(oak.watch(home, hall, first, Purpose::View).await.unwrap().is_whole());
    let again = Person::sign_in(api.fresh(), world.clone(), "oak", NEW).await.unwrap();
    assert_eq!(again.home_name(home).await.unwrap(), "12 Elm Street");
    assert_ne!(again.keys().unwrap(), stolen);
    // The owner sees it, and their browser begins the epoch that is due.
    let seen = elm.people(home).await.unwrap().members;
    assert!(seen.iter().all(|one| one.keys_replaced.is_some() == (one.account == oak.account())));
    assert!(elm.home(home).await.unwrap().rotation_due);
    let between = porch.record(hall).await;
    elm.rotate(home).await.unwrap();
    assert!(!elm.home(home).await.unwrap().rotation_due);
    let after = porch.record(hall).await;
    for event in [first, between, after] {
        assert!(oak.watch(home, hall, event, Purpose::View).await.unwrap().is_whole());
    }
    let asked = |event| Asked { home, camera: hall, event };
    assert!(opens(&had.secrets, &oak, asked(between)).await, "until then only the gate holds");
    assert!(!opens(&had.secrets, &oak, asked(after)).await);
    assert!(!opens_the_home(&stolen, &oak, home).await);
    assert!(opens_the_home(&oak.keys().unwrap(), &oak, home).await);

    // Elm, the owner, does the same: the new epoch begins with the hand-over itself, and the names come along.
    let (stolen, had) = (elm.keys().unwrap(), elm.open_home(home).await.unwrap());
    let replaced = elm.replace_keys(NEW).await.unwrap();
    assert!(!elm.home(home).await.unwrap().rotation_due);
    let now = elm.open_home(home).await.unwrap();
    assert_eq!(now.epoch(), had.epoch().next());
    assert_eq!(elm.home_name(home).await.unwrap(), "12 Elm Street");
    let last = porch.record(hall).await;
    for event in [first, last] {
        assert!(elm.watch(home, hall, event, Purpose::View).await.unwrap().is_whole());
        assert!(oak.watch(home, hall, event, Purpose::View).await.unwrap().is_whole());
    }
    assert!(!opens(&had.secrets, &elm, asked(last)).await && !opens_the_home(&stolen, &elm, home).await);
    // With the thief's key nobody writes the chain either.
    let forged = Draft::after(now.chain.head(), now.slot).sign(&stolen.sign);
    assert!(matches!(forged, Err(SealError::BadEntrySignature { .. })));
    // The old recovery code is void, the new one opens the new keys.
    assert!(Person::recover(api.fresh(), world.clone(), "elm", &code, "moss").await.is_err());
    let recovered = Person::recover(api.fresh(), world, "elm", &replaced.recovery, "moss").await.unwrap();
    assert!(recovered.person.watch(home, hall, first, Purpose::View).await.unwrap().is_whole());
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_interrupts_it_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (cloud, truth) = server(folder.path()).await;
    let network = Arc::new(Network { inner: HyperTransport::tcp(Trust::Plain), loses_answers: false.into() });
    let api = Api::over(&cloud.url(), Arc::new(Shared(network.clone()))).unwrap();
    let world = World::real();
    let token = Some(Ticket::Setup(cloud.cloud().setup_token().unwrap().to_owned()));
    let mut elm = Person::sign_up(api.fresh(), world.clone(), "elm", PASSWORD, token).await.unwrap().person;
    let homes = [
        elm.create_home("12 Elm Street", "Europe/Berlin").await.unwrap(),
        elm.create_home("The barn", "Europe/Berlin").await.unwrap(),
    ];
    let suspend = async |state| {
        let deed = OperatorDeed::SetHomeState(homes[1], state);
        truth.commit(Write::by_operator(deed, Tag(world.random()))).await.unwrap();
    };

    // The answer gets lost: the account says that it was done, and the person goes on with the new keys.
    network.loses_answers.store(true, Ordering::SeqCst);
    let old = elm.keys().unwrap();
    assert!(elm.replace_keys(NEW).await.unwrap().left.is_empty());
    network.loses_answers.store(false, Ordering::SeqCst);
    assert_ne!(elm.keys().unwrap(), old);
    for home in homes {
        assert_eq!(elm.open_home(home).await.unwrap().epoch(), EpochNo(2));
    }

    // One home can't take part. It keeps its keys, this person keeps those for it, and what was interrupted is resumed.
    suspend(State::Suspended).await;
    let old = elm.keys().unwrap();
    let replaced = elm.replace_keys(PASSWORD).await.unwrap();
    assert_eq!(replaced.left, [homes[1]]);
    assert_eq!(elm.home_name(homes[0]).await.unwrap(), "12 Elm Street");
    suspend(State::Active).await;
    let open = elm.open_home(homes[1]).await.unwrap();
    assert_eq!(open.own_slot().unwrap().sign, old.sign.public());
    let elsewhere = Person::sign_in(api.fresh(), world.clone(), "elm", PASSWORD).await.unwrap();
    assert!(elsewhere.open_home(homes[1]).await.is_err(), "only who has the old keys opens it");
    elm.hand_over(homes[1]).await.unwrap();
    let open = elsewhere.open_home(homes[1]).await.unwrap();
    assert_eq!(
        (open.own_slot().unwrap().sign, open.epoch()),
        (elm.keys().unwrap().sign.public(), EpochNo(3))
    );
    assert_eq!(elsewhere.home_name(homes[1]).await.unwrap(), "The barn");
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_owners_at_once_both_get_through() {
    let folder = tempfile::tempdir().unwrap();
    let (cloud, _) = server(folder.path()).await;
    let api = Api::new(&cloud.url(), Trust::Plain).unwrap();
    let world = World::real();
    let token = Some(Ticket::Setup(cloud.cloud().setup_token().unwrap().to_owned()));
    let mut elm = Person::sign_up(api.fresh(), world.clone(), "elm", PASSWORD, token).await.unwrap().person;
    let home = elm.create_home("12 Elm Street", "Europe/Berlin").await.unwrap();
    let invitation = elm.invite(home, &Slot::owner_rights()).await.unwrap();
    let ticket = Some(Ticket::Invitation(invitation.ticket()));
    let mut oak = Person::sign_up(api.fresh(), world, "oak", PASSWORD, ticket).await.unwrap().person;
    oak.accept(&invitation).await.unwrap();
    let (one, other) = tokio::join!(elm.replace_keys(NEW), oak.replace_keys(NEW));
    assert!(one.unwrap().left.is_empty() && other.unwrap().left.is_empty());
    for person in [&elm, &oak] {
        assert_eq!(person.open_home(home).await.unwrap().epoch(), EpochNo(3));
        assert_eq!(person.home_name(home).await.unwrap(), "12 Elm Street");
    }
    // An entry that would leave the new keys without the current epoch is refused.
    let open = oak.open_home(home).await.unwrap();
    let mut draft = Draft::after(open.chain.head(), open.slot);
    draft.replace_own_keys(&AccountKeys::random(&mut World::real().rng()));
    let entry = draft.sign(&oak.keys().unwrap().sign).unwrap().signed().clone();
    let body = ChainAppend {
        entry,
        epoch: None,
        invitation: None,
        pairing: None,
        names: Vec::new(),
        resealed: None,
    };
    let path = format!("/api/v1/homes/{home}/chain");
    let sent = oak.request(Method::POST, &path, Some(serde_json::to_vec(&body).unwrap().into())).await;
    assert_eq!(sent.unwrap().status, StatusCode::BAD_REQUEST);
    cloud.stop().await;
}
