//! The home's chain on the server: what an honest reader would refuse is never stored, and one of two at once wins.

mod support;

use http::Method;
use keepsight_ids::{B64, SlotId, UnixMillis};
use keepsight_seal::{
    AccountKeys, Draft, MAX_OWN_ENTRIES, NamedBy, PairingCode, SignSecret, Slot, Subject, make_name,
    seal_to_slot,
};
use keepsight_wire::agent::PairingAnswer;
use keepsight_wire::people::{
    Chain, ChainAppend, ChainHead, Home, InvitationOpen, InvitationOpened, Pairing, People,
};
use keepsight_wire::{EpochPackage, Signed};
use support::{Household, Person, Reply, Server, Who};

async fn post(
    server: &Server,
    who: &Who,
    elm: &Household,
    entry: Signed,
    epoch: Option<EpochPackage>,
) -> Reply {
    let body =
        ChainAppend { entry, epoch, invitation: None, pairing: None, names: Vec::new(), resealed: None };
    server.post(who, &elm.path("/chain"), &body).await
}

/// An entry of the owner that changes nothing but its number.
fn next(elm: &Household) -> Signed {
    Draft::after(elm.chain.head(), elm.slot).sign(&elm.owner.keys.sign).unwrap().signed().clone()
}

#[tokio::test]
async fn of_two_entries_at_once_one_wins_and_the_other_hears_of_it() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let seq = elm.chain.head().entry().seq;
    let who = &elm.owner.who;
    let (one, other) =
        tokio::join!(post(&server, who, &elm, next(&elm), None), post(&server, who, &elm, next(&elm), None));
    let (won, lost) = if one.status.is_success() { (one, other) } else { (other, one) };
    assert_eq!(won.ok::<ChainHead>().seq, seq + 1);
    assert_eq!(lost.refusal(), (409, "conflict".into()));
    let chain: Chain = server.get(who, &elm.path("/chain")).await.ok();
    assert_eq!(chain.entries.len() as u64, seq + 2);
    assert_eq!(post(&server, who, &elm, next(&elm), None).await.refusal(), (409, "conflict".into()));
}

#[tokio::test]
async fn an_entry_of_somebody_elses_hand_is_refused() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let (member, slot) = elm.member(&server, "oak", &Slot::member_rights()).await;
    let oak = server.home("ash").await;
    let owners = next(&elm);
    assert_eq!(
        post(&server, &member.who, &elm, owners.clone(), None).await.refusal(),
        (403, "not_allowed".into())
    );
    let mut forged = owners.clone();
    forged.signature = B64(vec![1; 64]);
    assert_eq!(
        post(&server, &elm.owner.who, &elm, forged, None).await.refusal(),
        (400, "bad_request".into())
    );
    assert_eq!(
        post(&server, &elm.owner.who, &elm, next(&oak), None).await.refusal(),
        (400, "bad_request".into())
    );
    assert_eq!(post(&server, &oak.owner.who, &elm, owners, None).await.refusal(), (404, "not_found".into()));
    // A member may replace their own keys and nothing else, and brings the current secret for the new ones.
    let keys = AccountKeys::random(&mut server.world.rng());
    let mut draft = Draft::after(elm.chain.head(), slot);
    let entry = draft.replace_own_keys(&keys).sign(&member.keys.sign).unwrap().signed().clone();
    let without = post(&server, &member.who, &elm, entry.clone(), None).await;
    assert_eq!(without.refusal(), (400, "bad_request".into()));
    let (epoch, kem) = (elm.chain.head().entry().epoch, keys.kem.public());
    let sealed = seal_to_slot(elm.home, epoch, slot, &kem, &elm.secret, &mut server.world.rng()).unwrap();
    let with = |entry: Signed| ChainAppend {
        entry,
        epoch: None,
        invitation: None,
        pairing: None,
        names: Vec::new(),
        resealed: Some(sealed.clone()),
    };
    let needless = server.post(&elm.owner.who, &elm.path("/chain"), &with(next(&elm))).await;
    assert_eq!(needless.refusal(), (400, "bad_request".into()));
    server.post(&member.who, &elm.path("/chain"), &with(entry)).await.done();
    assert!(server.get(&elm.owner.who, &elm.path("")).await.ok::<Home>().rotation_due);
}

#[tokio::test]
async fn a_member_lengthens_the_chain_so_often_and_an_owner_removes_them_all_the_same() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let (member, slot) = elm.member(&server, "oak", &Slot::member_rights()).await;
    let mut keys = member.keys;
    // Accepting the invitation was the first of their entries.
    for n in 1..=MAX_OWN_ENTRIES {
        let new = AccountKeys::random(&mut server.world.rng());
        let mut draft = Draft::after(elm.chain.head(), slot);
        let entry = draft.replace_own_keys(&new).sign(&keys.sign).unwrap().signed().clone();
        let (epoch, kem) = (elm.chain.head().entry().epoch, new.kem.public());
        let sealed = seal_to_slot(elm.home, epoch, slot, &kem, &elm.secret, &mut server.world.rng()).unwrap();
        let body = ChainAppend {
            entry: entry.clone(),
            epoch: None,
            invitation: None,
            pairing: None,
            names: Vec::new(),
            resealed: Some(sealed),
        };
        let reply = server.post(&member.who, &elm.path("/chain"), &body).await;
        if n == MAX_OWN_ENTRIES {
            assert_eq!(reply.refusal(), (400, "bad_request".into()));
            break;
        }
        reply.done();
        elm.chain.extend(&[entry]).unwrap();
        keys = new;
    }
    elm.remove(&server, slot).await;
    let chain: Chain = server.get(&elm.owner.who, &elm.path("/chain")).await.ok();
    assert_eq!(chain.entries.len(), elm.chain.entries().len());
    assert_eq!(elm.chain.head().entry().slots.len(), 1);
}

#[tokio::test]
async fn a_new_epoch_comes_with_its_package_and_with_names_sealed_to_it() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let mut draft = Draft::after(elm.chain.head(), elm.slot);
    let (_, package) = draft.rotate(&elm.secret, &mut server.world.rng()).unwrap();
    let entry = draft.sign(&elm.owner.keys.sign).unwrap().signed().clone();
    let without = post(&server, &elm.owner.who, &elm, entry.clone(), None).await;
    assert_eq!(without.refusal(), (400, "bad_request".into()));
    let needless = post(&server, &elm.owner.who, &elm, next(&elm), Some(package.clone())).await;
    assert_eq!(needless.refusal(), (400, "bad_request".into()));
    let mut short = package.clone();
    short.sealed.clear();
    let partial = post(&server, &elm.owner.who, &elm, entry.clone(), Some(short)).await;
    assert_eq!(partial.refusal(), (400, "bad_request".into()));
    let mut chain = elm.chain.clone();
    chain.extend(std::slice::from_ref(&entry)).unwrap();
    let name = |chain: &keepsight_seal::Chain, subject| {
        let now = UnixMillis(server.world.unix_millis());
        let by = NamedBy::Slot(elm.slot);
        make_name(chain, subject, by, &elm.owner.keys.sign, "Anew", now, &mut server.world.rng()).unwrap()
    };
    let send = async |names: Vec<Signed>| {
        let body = ChainAppend {
            entry: entry.clone(),
            epoch: Some(package.clone()),
            invitation: None,
            pairing: None,
            names,
            resealed: None,
        };
        server.post(&elm.owner.who, &elm.path("/chain"), &body).await
    };
    let stale = send(vec![name(&elm.chain, Subject::Home(elm.home))]).await;
    assert_eq!(stale.refusal(), (400, "bad_request".into()));
    let anew = name(&chain, Subject::Home(elm.home));
    send(vec![anew.clone(), name(&chain, Subject::Camera(elm.camera))]).await.done();
    assert_eq!(server.get(&elm.owner.who, &elm.path("")).await.ok::<Home>().name, anew);
    let read: Chain = server.get(&elm.owner.who, &elm.path("/chain?after=0")).await.ok();
    assert_eq!(read.epochs.iter().map(|epoch| epoch.epoch).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn an_invitation_is_for_one_and_shows_the_home_to_its_holder_alone() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let invitation = elm.invite(&server, &Slot::member_rights()).await;
    let open = InvitationOpen { ticket: invitation.ticket() };
    let opened: InvitationOpened = server.post(&Who::Nobody, "/api/v1/invitations/open", &open).await.ok();
    assert_eq!(opened.entries.len(), elm.chain.entries().len());
    let people: People = server.get(&elm.owner.who, &elm.path("/people")).await.ok();
    assert_eq!(people.invitations.len(), 1);
    let mut wrong = open.clone();
    wrong.ticket.token.0[0] ^= 1;
    let guess = server.post(&Who::Nobody, "/api/v1/invitations/open", &wrong).await;
    let mut nowhere = open.clone();
    nowhere.ticket.home = keepsight_ids::HomeId::from_bytes([5; 16]);
    let unreal = server.post(&Who::Nobody, "/api/v1/invitations/open", &nowhere).await;
    assert_eq!(guess.refusal(), (404, "not_found".into()));
    assert_eq!(guess.traits(), unreal.traits());
    // Accepting needs a sign-in of the account that the entry puts in.
    let (oak, ash): (Person, Person) = (server.person("oak").await, server.person("ash").await);
    let pretending = Person { account: oak.account, who: ash.who.clone(), ..Person::new(&server.world, "x") };
    assert_eq!(elm.accept(&server, &invitation, &pretending).await.refusal(), (400, "bad_request".into()));
    let nobody = Person { account: oak.account, ..Person::new(&server.world, "x") };
    assert_eq!(elm.accept(&server, &invitation, &nobody).await.refusal(), (401, "sign_in_needed".into()));
    elm.accept(&server, &invitation, &oak).await.done();
    let again = server.post(&Who::Nobody, "/api/v1/invitations/open", &open).await;
    assert_eq!(again.refusal(), (404, "not_found".into()));
}

#[tokio::test]
async fn a_revoked_invitation_opens_nothing() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let invitation = elm.invite(&server, &Slot::member_rights()).await;
    elm.remove(&server, invitation.slot).await;
    let open = InvitationOpen { ticket: invitation.ticket() };
    let reply = server.post(&Who::Nobody, "/api/v1/invitations/open", &open).await;
    assert_eq!(reply.refusal(), (404, "not_found".into()));
    let people: People = server.get(&elm.owner.who, &elm.path("/people")).await.ok();
    assert!(people.invitations.is_empty());
}

#[tokio::test]
async fn a_pairing_is_answered_once_and_read_by_its_home_alone() {
    let server = Server::start().await;
    let (elm, oak) = (server.home("elm").await, server.home("oak").await);
    let code = PairingCode::random(&mut server.world.rng());
    elm.offer(&server, &code).await;
    let path = format!("/pairings/{}", code.lookup());
    assert!(server.get(&elm.owner.who, &elm.path(&path)).await.ok::<Pairing>().answer.is_none());
    assert_eq!(server.get(&oak.owner.who, &oak.path(&path)).await.refusal(), (404, "not_found".into()));
    let answer = PairingAnswer { answer: B64(b"an answer".to_vec()), mac: keepsight_ids::B32([1; 32]) };
    let agents = format!("/agent/v1{path}/answer");
    server.post(&Who::Nobody, &agents, &answer).await.done();
    assert!(!server.post(&Who::Nobody, &agents, &answer).await.status.is_success());
    let read: Pairing = server.get(&elm.owner.who, &elm.path(&path)).await.ok();
    assert_eq!(read.answer.unwrap().answer, answer.answer);
    let unknown =
        server.send(&Who::Nobody, Method::POST, "/agent/v1/pairings/ZZZZZZZZ/open", &support::ExampleNothing);
    assert_eq!(unknown.await.refusal(), (404, "not_found".into()));
}

#[tokio::test]
async fn nobody_joins_without_an_invitation_and_no_agent_without_an_owner() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let oak = server.person("oak").await;
    let mut slot = elm.chain.head().entry().slots[0].clone();
    (slot.slot, slot.account) = (SlotId::from_bytes([7; 16]), Some(oak.account));
    let mut draft = Draft::after(elm.chain.head(), elm.slot);
    let entry = draft.add(slot).sign(&elm.owner.keys.sign).unwrap().signed().clone();
    assert_eq!(post(&server, &elm.owner.who, &elm, entry, None).await.refusal(), (400, "bad_request".into()));
    let other = SignSecret::random(&mut server.world.rng()).public();
    let agent = elm.agent;
    let swap = |draft: &mut Draft<'_>| {
        draft.add_agent(agent, other);
    };
    assert_eq!(elm.append(&server, swap, None, None, None).await.refusal(), (400, "bad_request".into()));
}
