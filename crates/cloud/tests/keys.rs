//! Keys replaced at the API: only by who has the old ones, with all that belongs to it, and nothing of anybody else's.

mod support;

use keepsight_ids::{B32, B64};
use keepsight_seal::{AccountKeys, Draft, HandOver, SignSecret, Slot, V1, seal_to_slot, sha256};
use keepsight_wire::people::{
    Account, Chain, ChainAppend, Credentials, Home, HomeHandOver, KeysReplace, PasswordParameters,
    RecoveryCredentials,
};
use support::{Household, Person, Server, Who};

const PATH: &str = "/api/v1/account/keys";

fn body(person: &Person, new: &AccountKeys, homes: Vec<HomeHandOver>) -> KeysReplace {
    let parameters = PasswordParameters { salt: B64(vec![5; 16]), iterations: 600_000 };
    let (login, recovery_login) = (B32([8; 32]), B32([9; 32]));
    let statement = HandOver {
        v: V1,
        account: person.account,
        kem: new.kem.public(),
        sign: new.sign.public(),
        password: sha256(&login.0),
        recovery: sha256(&recovery_login.0),
    };
    KeysReplace {
        statement: statement.signed(&person.keys.sign),
        password: Credentials { parameters, login, wrapped: B64(vec![5; 92]) },
        recovery: RecoveryCredentials { login: recovery_login, wrapped: B64(vec![6; 92]) },
        homes,
    }
}

/// A member's hand-over in a home, with the current secret sealed to the new key.
fn hand_over(
    server: &Server,
    elm: &Household,
    slot: keepsight_ids::SlotId,
    old: &SignSecret,
    new: &AccountKeys,
) -> HomeHandOver {
    let mut draft = Draft::after(elm.chain.head(), slot);
    let entry = draft.replace_own_keys(new).sign(old).unwrap().signed().clone();
    let epoch = elm.chain.head().entry().epoch;
    let kem = new.kem.public();
    let sealed = seal_to_slot(elm.home, epoch, slot, &kem, &elm.secret, &mut server.world.rng()).unwrap();
    let change = ChainAppend {
        entry,
        epoch: None,
        invitation: None,
        pairing: None,
        names: Vec::new(),
        resealed: Some(sealed),
    };
    HomeHandOver { home: elm.home, change }
}

#[tokio::test]
async fn a_members_new_keys_stand_in_account_and_home_and_the_home_is_due_for_an_epoch() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let (oak, slot) = elm.member(&server, "oak", &Slot::member_rights()).await;
    let phone = Who::Person(server.post(&Who::Nobody, "/api/v1/sign-in", &oak.sign_in()).await.cookie());
    let new = AccountKeys::random(&mut server.world.rng());
    let one = hand_over(&server, &elm, slot, &oak.keys.sign, &new);
    let sealed = one.change.resealed.clone().unwrap();
    let sent = body(&oak, &new, vec![one]);
    let answer: Account = server.put(&oak.who, PATH, &sent).await.ok();
    assert_eq!((answer.kem, answer.sign), (new.kem.public().0, new.sign.public().0));
    assert_eq!(server.get(&oak.who, "/api/v1/account").await.ok::<Account>(), answer);
    assert_eq!(server.get(&phone, "/api/v1/account").await.refusal().0, 401);
    assert_eq!(server.post(&Who::Nobody, "/api/v1/sign-in", &oak.sign_in()).await.refusal().0, 401);
    let home: Home = server.get(&elm.owner.who, &elm.path("")).await.ok();
    assert!(home.rotation_due);
    let chain: Chain = server.get(&oak.who, &elm.path("/chain")).await.ok();
    let own = &chain.epochs.last().unwrap().sealed[0];
    assert_eq!((own.slot, own.enc, &own.ct), (slot, sealed.enc, &sealed.ct));
    // The same again says the old key's word for keys that it is no longer the key of.
    assert_eq!(server.put(&oak.who, PATH, &sent).await.refusal(), (400, "bad_request".into()));
}

#[tokio::test]
async fn a_sign_in_alone_replaces_nothing() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let (oak, slot) = elm.member(&server, "oak", &Slot::member_rights()).await;
    let before: Account = server.get(&oak.who, "/api/v1/account").await.ok();
    let new = AccountKeys::random(&mut server.world.rng());
    let one = || hand_over(&server, &elm, slot, &oak.keys.sign, &new);
    let good = || body(&oak, &new, vec![one()]);
    let mut spoiled = Vec::new();
    // A thief of the cookie has no key of the account's to sign with; another account's word counts for that account alone.
    let thief =
        Person { keys: AccountKeys::random(&mut server.world.rng()), ..Person::new(&server.world, "x") };
    spoiled.push(body(&Person { account: oak.account, ..thief }, &new, Vec::new()));
    spoiled.push(body(&elm.owner, &new, Vec::new()));
    // The statement is for these logins and these keys.
    let mut other = good();
    other.password.login = B32([1; 32]);
    spoiled.push(other);
    let mut other = good();
    other.recovery.login = B32([1; 32]);
    spoiled.push(other);
    let elses = AccountKeys::random(&mut server.world.rng());
    spoiled.push(body(&oak, &elses, vec![one()]));
    // The entry comes with the current secret for the new key, whole, and with nothing that only owners begin.
    let mut other = good();
    other.homes[0].change.resealed = None;
    spoiled.push(other);
    let mut other = good();
    other.homes[0].change.resealed.as_mut().unwrap().ct = B64(vec![1; 47]);
    spoiled.push(other);
    let mut other = good();
    other.homes[0].change.pairing = Some("7K3F9QXM".into());
    spoiled.push(other);
    let mut other = good();
    other.homes[0].change.entry.signature = B64(vec![1; 64]);
    spoiled.push(other);
    let mut other = good();
    other.homes = vec![one(); 65];
    spoiled.push(other);
    for (at, body) in spoiled.iter().enumerate() {
        let reply = server.put(&oak.who, PATH, body).await;
        assert_eq!(reply.refusal(), (400, "bad_request".into()), "{at}: {}", reply.text());
    }
    // Twice the same home: the second is behind the first, so neither is taken.
    let mut twice = good();
    twice.homes.push(one());
    assert_eq!(server.put(&oak.who, PATH, &twice).await.refusal(), (409, "conflict".into()));
    assert_eq!(server.put(&Who::Nobody, PATH, &good()).await.refusal(), (401, "sign_in_needed".into()));
    assert_eq!(server.get(&oak.who, "/api/v1/account").await.ok::<Account>(), before);
    assert!(!server.get(&elm.owner.who, &elm.path("")).await.ok::<Home>().rotation_due);
    server.put(&oak.who, PATH, &good()).await.done();
}

#[tokio::test]
async fn one_home_that_moved_on_or_is_not_ones_own_stops_all_of_it() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let mut barn = server.home("barn").await;
    let (oak, slot) = elm.member(&server, "oak", &Slot::member_rights()).await;
    let invitation = barn.invite(&server, &Slot::member_rights()).await;
    barn.accept(&server, &invitation, &oak).await.done();
    let new = AccountKeys::random(&mut server.world.rng());
    let sign = &oak.keys.sign;
    let of_elm = hand_over(&server, &elm, slot, sign, &new);
    let of_barn = hand_over(&server, &barn, invitation.slot, sign, &new);
    barn.append(&server, |_| {}, None, None, None).await.done();
    let stale = body(&oak, &new, vec![of_elm.clone(), of_barn]);
    assert_eq!(server.put(&oak.who, PATH, &stale).await.refusal(), (409, "conflict".into()));
    let seq = elm.chain.head().entry().seq;
    assert_eq!(server.get(&oak.who, &elm.path("")).await.ok::<Home>().chain_seq, seq, "nothing was done");

    // A home of somebody else's is not found, as one that doesn't exist.
    let ash = server.home("ash").await;
    let mut strange = hand_over(&server, &ash, ash.slot, &ash.owner.keys.sign, &new);
    let foreign = server.put(&oak.who, PATH, &body(&oak, &new, vec![of_elm.clone(), strange.clone()])).await;
    assert_eq!(foreign.refusal(), (404, "not_found".into()));
    strange.home = keepsight_ids::HomeId::from_bytes([5; 16]);
    let unreal = server.put(&oak.who, PATH, &body(&oak, &new, vec![of_elm.clone(), strange])).await;
    assert_eq!(foreign.traits(), unreal.traits());
    // Nor may an owner throw somebody out by the way.
    let mut draft = Draft::after(elm.chain.head(), elm.slot);
    draft.replace_own_keys(&new).remove(slot);
    let (_, package) = draft.rotate(&elm.secret, &mut server.world.rng()).unwrap();
    let entry = draft.sign(&elm.owner.keys.sign).unwrap().signed().clone();
    let change = ChainAppend { entry, epoch: Some(package), resealed: None, ..of_elm.change.clone() };
    let out = body(&elm.owner, &new, vec![HomeHandOver { home: elm.home, change }]);
    assert_eq!(server.put(&elm.owner.who, PATH, &out).await.refusal(), (400, "bad_request".into()));
    server.put(&oak.who, PATH, &body(&oak, &new, vec![of_elm])).await.done();
}
