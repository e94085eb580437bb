//! Accounts and sessions.

use keepsight_gate::{
    Action, Ask, Change, ChangeError, Credential, Denied, OperatorDeed, Refusal, SignUpTicket, State,
    TokenHash,
};
use keepsight_ids::SessionId;

use super::bench::{Bench, DAY_MS, Person};

const READ: Ask = Ask::of(Action::ReadAccount);

pub async fn the_first_account_needs_the_set_up_link_and_it_works_once(bench: Bench) {
    let other = TokenHash::from_bytes([9; 32]);
    for ticket in [SignUpTicket::Open, SignUpTicket::Setup(other)] {
        let refused = bench.try_sign_up("elm", ticket).await.unwrap_err();
        assert_eq!(refused, Refusal::NoTicket.into());
    }
    bench.try_sign_up("elm", SignUpTicket::Setup(bench.setup)).await.unwrap();
    let again = bench.try_sign_up("oak", SignUpTicket::Setup(bench.setup)).await.unwrap_err();
    assert_eq!(again, Refusal::NoTicket.into());
    // Another start does not bring the link back.
    let row = bench.truth.start_service([1; 32], other).await.unwrap();
    assert!(row.has_accounts && row.secret != [1; 32]);
    let late = bench.try_sign_up("oak", SignUpTicket::Setup(other)).await.unwrap_err();
    assert_eq!(late, Refusal::NoTicket.into());
    bench.try_sign_up("oak", SignUpTicket::Open).await.unwrap();
}

pub async fn names_are_unique_and_a_stranger_without_a_ticket_does_not_learn_which(bench: Bench) {
    bench.person("Elm").await;
    let taken = bench.try_sign_up("ELM", SignUpTicket::Open).await.unwrap_err();
    assert_eq!(taken, Refusal::NameTaken.into());
    let no_ticket = SignUpTicket::Setup(bench.setup);
    for name in ["elm", "oak"] {
        assert_eq!(bench.try_sign_up(name, no_ticket.clone()).await.unwrap_err(), Refusal::NoTicket.into());
    }
    let permit = bench.check(&Credential::None, Ask::of(Action::SignIn)).await.unwrap();
    assert_eq!(bench.truth.sign_in_data(&permit, "elm").await.unwrap().unwrap().name, "Elm");
    assert!(bench.truth.sign_in_data(&permit, "oak").await.unwrap().is_none());
    let other = bench.check(&Credential::None, Ask::of(Action::ReadService)).await.unwrap();
    assert!(bench.truth.sign_in_data(&other, "elm").await.is_err(), "another deed's permit looks nobody up");
}

pub async fn a_session_is_known_at_once_and_unknown_once_ended_or_lapsed(bench: Bench) {
    let elm = bench.person("elm").await;
    let phone = bench.session();
    let shown = Credential::Session(phone.token);
    assert_eq!(bench.denied(&shown, READ).await, Denied::NotSignedIn, "not made yet");
    let id = phone.session;
    let login_hash = elm.row.password.login_hash;
    bench.anyone(Change::SignIn { account: elm.account, login_hash, session: phone }).await.unwrap();
    let permit = bench.check(&shown, READ).await.expect("an unknown token is never remembered as absent");
    assert_eq!(
        (permit.account(), permit.session(), permit.device()),
        (Some(elm.account), Some(id), "a browser")
    );
    let listed = sessions(&bench, &elm).await;
    assert_eq!(listed.len(), 2);

    let refused = bench.own(&elm, Change::EndSession(SessionId::from_bytes([9; 16]))).await.unwrap_err();
    assert_eq!(refused, Refusal::NotFound.into());
    bench.own(&elm, Change::EndSession(id)).await.unwrap();
    assert_eq!(bench.denied(&shown, READ).await, Denied::NotSignedIn);
    assert_eq!(sessions(&bench, &elm).await, [elm.session]);

    let tablet = bench.sign_in(&elm).await.unwrap();
    bench.own(&elm, Change::EndOtherSessions).await.unwrap();
    assert_eq!(bench.denied(&tablet.credential, READ).await, Denied::NotSignedIn);
    bench.clock.pass(30 * DAY_MS - 1);
    let permit = bench.check(&elm.credential, READ).await.expect("a millisecond left");
    bench.truth.touch_session(&permit).await.unwrap();
    bench.clock.pass(1);
    assert_eq!(bench.denied(&elm.credential, READ).await, Denied::NotSignedIn);
}

async fn sessions(bench: &Bench, person: &Person) -> Vec<SessionId> {
    let permit = bench.check(&person.credential, READ).await.unwrap();
    let rows = bench.truth.sessions(&permit).await.unwrap();
    bench.open(permit, rows).into_iter().map(|row| row.session).collect()
}

pub async fn a_login_that_was_replaced_makes_no_session(bench: Bench) {
    let elm = bench.person("elm").await;
    let phone = bench.sign_in(&elm).await.unwrap();
    let change = |login_hash| Change::ChangePassword { login_hash, password: bench.password() };
    let wrong = bench.own(&elm, change([0; 32])).await.unwrap_err();
    assert_eq!(wrong, Refusal::CredentialReplaced.into());
    bench.own(&elm, change(elm.row.password.login_hash)).await.unwrap();
    assert_eq!(bench.denied(&phone.credential, READ).await, Denied::NotSignedIn, "the other sessions end");
    bench.allowed(&elm.credential, READ).await;
    assert_eq!(bench.sign_in(&elm).await.unwrap_err(), Refusal::CredentialReplaced.into());
}

pub async fn a_recovery_code_replaces_everything_and_ends_every_session(bench: Bench) {
    let elm = bench.person("elm").await;
    let replace = |login_hash| Change::ReplaceByRecovery {
        account: elm.account,
        login_hash,
        password: bench.password(),
        recovery: bench.recovery(),
        session: bench.session(),
    };
    let wrong = bench.anyone(replace(elm.row.password.login_hash)).await.unwrap_err();
    assert_eq!(wrong, Refusal::CredentialReplaced.into());
    bench.anyone(replace(elm.row.recovery.login_hash)).await.unwrap();
    assert_eq!(bench.denied(&elm.credential, READ).await, Denied::NotSignedIn);
    assert_eq!(bench.sign_in(&elm).await.unwrap_err(), Refusal::CredentialReplaced.into());
    let used = bench.anyone(replace(elm.row.recovery.login_hash)).await.unwrap_err();
    assert_eq!(used, Refusal::CredentialReplaced.into(), "a code works once");
}

pub async fn ending_everybodys_sessions_spares_later_ones(bench: Bench) {
    let (elm, oak) = (bench.person("elm").await, bench.person("oak").await);
    bench.operate(OperatorDeed::EndSessionsOf(oak.account)).await.unwrap();
    assert_eq!(bench.denied(&oak.credential, READ).await, Denied::NotSignedIn);
    bench.allowed(&elm.credential, READ).await;
    bench.operate(OperatorDeed::EndAllSessions).await.unwrap();
    assert_eq!(bench.denied(&elm.credential, READ).await, Denied::NotSignedIn);
    let again = bench.sign_in(&elm).await.unwrap();
    bench.allowed(&again.credential, READ).await;
    assert_eq!(sessions(&bench, &again).await, [again.session]);
}

pub async fn a_suspended_account_sees_itself_only(bench: Bench) {
    let elm = bench.person("elm").await;
    let home = bench.home(&elm).await;
    bench.operate(OperatorDeed::SetAccountState(elm.account, State::Suspended)).await.unwrap();
    let permit = bench.check(&elm.credential, READ).await.unwrap();
    let row = bench.truth.account(&permit).await.unwrap();
    assert_eq!(bench.open(permit, row).unwrap().name, "elm");
    for ask in
        [Ask::of(Action::ListHomes), Ask::home(Action::ReadHome, home.home), Ask::of(Action::ChangeAccount)]
    {
        assert_eq!(bench.denied(&elm.credential, ask).await, Denied::Suspended);
    }
    let stays = bench.own(&elm, Change::EndOtherSessions).await;
    assert!(stays.is_ok(), "{stays:?}");
    bench.operate(OperatorDeed::SetAccountState(elm.account, State::Closing)).await.unwrap();
    bench.allowed(&elm.credential, Ask::of(Action::ListHomes)).await;
    assert_eq!(bench.denied(&elm.credential, Ask::of(Action::CreateHome)).await, Denied::Suspended);
    let last = bench.at(&elm, &home, Change::LeaveHome).await.unwrap_err();
    assert_eq!(last, ChangeError::Refused(Refusal::NoOwnerLeft));
}

pub async fn of_very_many_sign_ins_the_longest_unused_end(bench: Bench) {
    let elm = bench.person("elm").await;
    let sign_in =
        |session| Change::SignIn { account: elm.account, login_hash: elm.row.password.login_hash, session };
    let mut tokens = Vec::new();
    for _ in 0..63 {
        bench.clock.pass(1);
        let session = bench.session();
        tokens.push(Credential::Session(session.token));
        bench.anyone(sign_in(session)).await.unwrap();
    }
    let read = Ask::of(Action::ReadAccount);
    bench.allowed(&tokens[0], read).await;
    // The very first one was used since.
    bench.clock.pass(3_600_000);
    let permit = bench.check(&elm.credential, read).await.unwrap();
    bench.truth.touch_session(&permit).await.unwrap();
    bench.anyone(sign_in(bench.session())).await.unwrap();
    assert_eq!(bench.denied(&tokens[0], read).await, Denied::NotSignedIn, "known to the gate, and ended");
    bench.allowed(&tokens[1], read).await;
    let permit = bench.check(&elm.credential, read).await.unwrap();
    let sessions = bench.truth.sessions(&permit).await.unwrap();
    assert_eq!(bench.open(permit, sessions).len(), 64);
}
