//! Invitations: single use, seven days, listed, revocable, and nothing to anybody else.

use keepsight_gate::{
    Action, Ask, ChangeError, Credential, Denied, Refusal, Rights, SignUpTicket, TokenHash,
};
use keepsight_ids::SlotId;

use super::bench::{Bench, DAY_MS};

const OPEN: Ask = Ask::of(Action::OpenInvitation);

pub async fn an_invitation_is_accepted_once(bench: Bench) {
    let elm = bench.person("elm").await;
    let mut home = bench.home(&elm).await;
    let invitation = bench.invite(&elm, &mut home, Rights::MEMBER).await;
    let permit = bench.check(&invitation, OPEN).await.unwrap();
    let offered = bench.truth.invitation(&permit).await.unwrap();
    let offered = bench.open(permit, offered).unwrap();
    assert!(offered.sealed.is_some() && offered.rights == Rights::MEMBER);
    let permit = bench.check(&elm.credential, Ask::home(Action::ReadPeople, home.home)).await.unwrap();
    let listed = bench.truth.invitations(&permit).await.unwrap();
    assert_eq!(bench.open(permit, listed).len(), 1);

    let (oak, ash) = (bench.person("oak").await, bench.person("ash").await);
    let slot = bench.accept(&oak, &mut home, invitation).await.unwrap();
    let permit = bench.check(&oak.credential, Ask::home(Action::ReadChain, home.home)).await.unwrap();
    assert_eq!((permit.slot(), permit.rights()), (Some(slot), Rights::MEMBER));
    let epochs = bench.truth.epochs(&permit).await.unwrap();
    assert!(bench.open(permit, epochs)[0].sealed.is_some());
    assert_eq!(bench.denied(&invitation, OPEN).await, Denied::NotFound, "used up");
    let second = bench.accept(&ash, &mut home, invitation).await.unwrap_err();
    assert_eq!(second, ChangeError::Denied(Denied::NotFound));
    let another = bench.invite(&elm, &mut home, Rights::OWNER).await;
    let twice = bench.accept(&oak, &mut home, another).await.unwrap_err();
    assert_eq!(twice, Refusal::AlreadyThere.into(), "an account has one slot");
}

pub async fn a_revoked_or_lapsed_invitation_is_nothing(bench: Bench) {
    let elm = bench.person("elm").await;
    let mut home = bench.home(&elm).await;
    let other_home = bench.home(&elm).await;
    let good = bench.invite(&elm, &mut home, Rights::MEMBER).await;
    let Credential::Invitation { slot, token, home: to, session } = good else { unreachable!() };
    let Credential::Session(cookie) = elm.credential else { unreachable!() };
    let wrong = [
        Credential::Invitation { home: other_home.home, slot, token, session },
        Credential::Invitation { home: to, slot: SlotId::from_bytes([9; 16]), token, session },
        Credential::Invitation { home: to, slot, token: TokenHash::from_bytes([9; 32]), session },
        Credential::Invitation { home: to, slot, token: cookie, session },
        elm.credential,
        Credential::None,
    ];
    for credential in &wrong {
        assert_eq!(bench.denied(credential, OPEN).await, Denied::NotFound);
    }
    let as_cookie = Credential::Session(token);
    assert_eq!(bench.denied(&as_cookie, Ask::of(Action::ReadAccount)).await, Denied::NotSignedIn);
    assert_eq!(bench.denied(&good, Ask::of(Action::AcceptInvitation)).await, Denied::NotSignedIn);

    bench.allowed(&good, OPEN).await;
    bench.append(&elm, &mut home, |append| append.invitations_revoked.push(slot)).await.unwrap();
    assert_eq!(bench.denied(&good, OPEN).await, Denied::NotFound);
    let late = bench.invite(&elm, &mut home, Rights::MEMBER).await;
    bench.clock.pass(7 * DAY_MS - 1);
    bench.allowed(&late, OPEN).await;
    bench.clock.pass(1);
    assert_eq!(bench.denied(&late, OPEN).await, Denied::NotFound);
    // It keeps its place in the chain, and so stays in the list until it is taken back.
    let ask = Ask::home(Action::ReadPeople, home.home);
    let permit = bench.check(&elm.credential, ask).await.unwrap();
    let listed = bench.truth.invitations(&permit).await.unwrap();
    let listed = bench.open(permit, listed);
    assert_eq!(listed.iter().map(|one| one.lapsed).collect::<Vec<_>>(), [true]);
    bench.append(&elm, &mut home, |append| append.invitations_revoked.push(listed[0].slot)).await.unwrap();
    let permit = bench.check(&elm.credential, ask).await.unwrap();
    let listed = bench.truth.invitations(&permit).await.unwrap();
    assert!(bench.open(permit, listed).is_empty());
}

pub async fn an_invitation_lets_its_holder_sign_up(bench: Bench) {
    let elm = bench.person("elm").await;
    let mut home = bench.home(&elm).await;
    let invitation = bench.invite(&elm, &mut home, Rights::MEMBER).await;
    let Credential::Invitation { slot, token, .. } = invitation else { unreachable!() };
    let ticket = SignUpTicket::Invitation { home: home.home, slot, token };
    let wrong = SignUpTicket::Invitation { home: home.home, slot: home.slot, token };
    assert_eq!(bench.try_sign_up("oak", wrong).await.unwrap_err(), Refusal::NoTicket.into());
    let oak = bench.try_sign_up("oak", ticket.clone()).await.unwrap();
    bench.accept(&oak, &mut home, invitation).await.unwrap();
    assert_eq!(bench.try_sign_up("ash", ticket).await.unwrap_err(), Refusal::NoTicket.into());
}

pub async fn a_home_has_room_for_so_many(bench: Bench) {
    let elm = bench.person("elm").await;
    let mut home = bench.home(&elm).await;
    let permit = bench.check(&elm.credential, Ask::home(Action::ReadHome, home.home)).await.unwrap();
    let row = bench.truth.home(&permit).await.unwrap();
    for _ in 1..bench.open(permit, row).unwrap().members_max {
        bench.invite(&elm, &mut home, Rights::MEMBER).await;
    }
    let one_more = bench.invitation(Rights::MEMBER);
    let refused =
        bench.append(&elm, &mut home, |append| append.invitation = Some(one_more)).await.unwrap_err();
    assert_eq!(refused, Refusal::Limit("members").into());
    bench.clock.pass(7 * DAY_MS);
    bench.invite(&elm, &mut home, Rights::MEMBER).await;
}
