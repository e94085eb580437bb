//! Who may sign up, in and back in, and that nothing tells whether an account exists.

mod support;

use keepsight_cloud::{Limits, Rate};
use keepsight_ids::{B32, B64};
use keepsight_wire::people::{
    Account, Credentials, Home, NameQuery, PasswordChange, PasswordParameters, RecoveryCredentials,
    RecoveryOpen, RecoveryOpened, RecoveryReplace, Service, Session, SignIn, SignUpPolicy, Ticket,
};
use std::time::Duration;
use support::{Line, Person, Server, Who};

fn query(name: &str) -> NameQuery {
    NameQuery { name: name.to_owned() }
}

#[tokio::test]
async fn the_first_account_needs_the_set_up_link_and_it_works_once() {
    let server = Server::start().await;
    assert!(server.get(&Who::Nobody, "/api/v1/service").await.ok::<Service>().setup_needed);
    let token = server.cloud.setup_token().unwrap().to_owned();
    let stranger = Person::new(&server.world, "stranger");
    for ticket in [None, Some(Ticket::Setup("x".repeat(43))), Some(Ticket::Setup(String::new()))] {
        let reply = server.post(&Who::Nobody, "/api/v1/sign-up", &stranger.sign_up(ticket)).await;
        assert_eq!(reply.refusal(), (403, "not_allowed".into()));
    }
    let elm = Person::new(&server.world, "elm");
    let setup = Some(Ticket::Setup(token.clone()));
    server.post(&Who::Nobody, "/api/v1/sign-up", &elm.sign_up(setup.clone())).await.done();
    assert!(!server.get(&Who::Nobody, "/api/v1/service").await.ok::<Service>().setup_needed);
    let reply = server.post(&Who::Nobody, "/api/v1/sign-up", &stranger.sign_up(setup)).await;
    assert_eq!(reply.refusal(), (403, "not_allowed".into()));
}

#[tokio::test]
async fn a_home_that_cannot_be_read_now_fails_the_list_and_is_never_left_out_of_it() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    server.line.set_for("home", Line::Failing);
    assert_eq!(server.get(&elm.owner.who, "/api/v1/homes").await.refusal(), (503, "unavailable".into()));
    server.line.set_for("home", Line::Whole);
    assert_eq!(server.get(&elm.owner.who, "/api/v1/homes").await.ok::<Vec<Home>>().len(), 1);
}

#[tokio::test]
async fn people_are_told_who_they_are_while_the_database_takes_no_note_of_it() {
    let server = Server::start().await;
    let elm = server.person("elm").await;
    for line in [Line::Failing, Line::Silent] {
        server.line.set_for("touch_session", line);
        assert_eq!(server.get(&elm.who, "/api/v1/account").await.ok::<Account>().account, elm.account);
    }
}

#[tokio::test]
async fn only_a_demo_says_that_it_is_one() {
    let service = async |server: &Server| server.get(&Who::Nobody, "/api/v1/service").await.ok::<Service>();
    assert!(!service(&Server::start().await).await.demo);
    assert!(service(&Server::with(|config| config.demo = true).await).await.demo);
}

#[tokio::test]
async fn sign_up_is_by_invitation_unless_it_is_open() {
    let server = Server::with(|config| config.sign_up = SignUpPolicy::Invitation).await;
    let mut elm = server.home("elm").await;
    let oak = Person::new(&server.world, "oak");
    let reply = server.post(&Who::Nobody, "/api/v1/sign-up", &oak.sign_up(None)).await;
    assert_eq!(reply.refusal(), (403, "not_allowed".into()));
    let invitation = elm.invite(&server, &keepsight_seal::Slot::member_rights()).await;
    let mut wrong = invitation.ticket();
    wrong.token = B32([1; 32]);
    let reply =
        server.post(&Who::Nobody, "/api/v1/sign-up", &oak.sign_up(Some(Ticket::Invitation(wrong)))).await;
    assert_eq!(reply.refusal(), (403, "not_allowed".into()));
    let ticket = Some(Ticket::Invitation(invitation.ticket()));
    server.post(&Who::Nobody, "/api/v1/sign-up", &oak.sign_up(ticket.clone())).await.done();
    let closed = Server::with(|config| config.sign_up = SignUpPolicy::Closed).await;
    closed.person("elm").await;
    assert_eq!(closed.post(&Who::Nobody, "/api/v1/sign-up", &oak.sign_up(ticket)).await.refusal().0, 403);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_answered_like_one_that_does() {
    let server = Server::start().await;
    let elm = server.person("elm").await;
    let parameters =
        async |name: &str| server.post(&Who::Nobody, "/api/v1/sign-in/parameters", &query(name)).await;
    let real: PasswordParameters = parameters("elm").await.ok();
    let unreal: PasswordParameters = parameters("nobody").await.ok();
    assert_eq!(unreal, parameters("nobody").await.ok(), "a made-up salt stays the same");
    assert_ne!(unreal, parameters("somebody").await.ok());
    assert_eq!((real.iterations, real.salt.0.len()), (unreal.iterations, unreal.salt.0.len()));
    let wrong = B32([9; 32]);
    for path in ["/api/v1/sign-in", "/api/v1/recovery/open"] {
        let of = async |name: &str| {
            server.post(&Who::Nobody, path, &SignIn { name: name.to_owned(), login: wrong }).await
        };
        let (existing, missing) = (of("elm").await, of("nobody").await);
        assert_eq!(existing.refusal(), (401, "wrong_sign_in".into()));
        assert_eq!(existing.traits(), missing.traits(), "{path}");
    }
    server.post(&Who::Nobody, "/api/v1/sign-in", &elm.sign_in()).await.done();
}

#[tokio::test]
async fn names_are_one_without_regard_to_case() {
    let server = Server::start().await;
    let elm = server.person("Elm").await;
    let other = Person::new(&server.world, "eLM ");
    let reply = server.post(&Who::Nobody, "/api/v1/sign-up", &other.sign_up(None)).await;
    assert_eq!(reply.refusal(), (409, "conflict".into()));
    let login = SignIn { name: "ELM".into(), login: elm.login };
    assert_eq!(server.post(&Who::Nobody, "/api/v1/sign-in", &login).await.ok::<Account>().name, "Elm");
}

#[tokio::test]
async fn a_session_is_listed_ended_and_then_worth_nothing() {
    let server = Server::start().await;
    let elm = server.person("elm").await;
    let second = Who::Person(server.post(&Who::Nobody, "/api/v1/sign-in", &elm.sign_in()).await.cookie());
    let sessions: Vec<Session> = server.get(&second, "/api/v1/account/sessions").await.ok();
    assert_eq!(sessions.len(), 2);
    let first = sessions.iter().find(|session| !session.this).unwrap();
    server.delete(&second, &format!("/api/v1/account/sessions/{}", first.session)).await.done();
    assert_eq!(server.get(&elm.who, "/api/v1/account").await.refusal(), (401, "sign_in_needed".into()));
    server.get(&second, "/api/v1/account").await.done();
    let out = server.send(&second, http::Method::POST, "/api/v1/sign-out", &support::ExampleNothing).await;
    assert_eq!(out.cookie(), "");
    assert_eq!(server.get(&second, "/api/v1/account").await.refusal(), (401, "sign_in_needed".into()));
}

#[tokio::test]
async fn all_sessions_end_at_once_the_asking_one_too_if_it_says_so() {
    let server = Server::start().await;
    let elm = server.person("elm").await;
    let sign_in =
        async || Who::Person(server.post(&Who::Nobody, "/api/v1/sign-in", &elm.sign_in()).await.cookie());
    let is_in = async |who: &Who| server.get(who, "/api/v1/account").await.status.is_success();
    let (second, third) = (sign_in().await, sign_in().await);
    let oak = server.person("oak").await;
    server.delete(&second, "/api/v1/account/sessions").await.done();
    assert!(!is_in(&elm.who).await && !is_in(&third).await && is_in(&second).await);
    let fourth = sign_in().await;
    let out = server.delete(&second, "/api/v1/account/sessions?this=true").await;
    assert_eq!((out.status.as_u16(), out.cookie()), (204, String::new()));
    assert!(!is_in(&second).await && !is_in(&fourth).await && is_in(&oak.who).await);
    assert!(is_in(&sign_in().await).await);
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions_and_needs_the_old_one() {
    let server = Server::start().await;
    let elm = server.person("elm").await;
    let second = Who::Person(server.post(&Who::Nobody, "/api/v1/sign-in", &elm.sign_in()).await.cookie());
    let parameters = PasswordParameters { salt: B64(vec![5; 16]), iterations: 700_000 };
    let password = Credentials { parameters, login: B32([8; 32]), wrapped: B64(vec![5; 92]) };
    let wrong = PasswordChange { login: B32([7; 32]), password: password.clone() };
    let reply = server.put(&elm.who, "/api/v1/account/password", &wrong).await;
    assert_eq!(reply.refusal(), (401, "wrong_sign_in".into()));
    let change = PasswordChange { login: elm.login, password };
    server.put(&elm.who, "/api/v1/account/password", &change).await.done();
    assert_eq!(server.get(&second, "/api/v1/account").await.refusal().0, 401);
    assert_eq!(server.get(&elm.who, "/api/v1/account").await.ok::<Account>().parameters.iterations, 700_000);
    assert_eq!(server.post(&Who::Nobody, "/api/v1/sign-in", &elm.sign_in()).await.refusal().0, 401);
}

#[tokio::test]
async fn a_recovery_code_works_once_and_ends_every_session() {
    let server = Server::start().await;
    let elm = server.person("elm").await;
    let open = RecoveryOpen { name: "elm".into(), login: elm.recovery_login };
    let opened: RecoveryOpened = server.post(&Who::Nobody, "/api/v1/recovery/open", &open).await.ok();
    assert_eq!((opened.account, opened.wrapped), (elm.account, B64(vec![3; 92])));
    let parameters = PasswordParameters { salt: B64(vec![5; 16]), iterations: 600_000 };
    let replace = RecoveryReplace {
        name: "elm".into(),
        login: elm.recovery_login,
        password: Credentials { parameters, login: B32([8; 32]), wrapped: B64(vec![5; 92]) },
        recovery: RecoveryCredentials { login: B32([6; 32]), wrapped: B64(vec![6; 92]) },
    };
    let reply = server.post(&Who::Nobody, "/api/v1/recovery/replace", &replace).await;
    let again = Who::Person(reply.cookie());
    server.get(&again, "/api/v1/account").await.done();
    assert_eq!(server.get(&elm.who, "/api/v1/account").await.refusal().0, 401);
    assert_eq!(server.post(&Who::Nobody, "/api/v1/recovery/replace", &replace).await.refusal().0, 401);
}

#[tokio::test]
async fn guessing_is_slowed_by_address_and_does_not_stop_others() {
    let tight = Rate::new(3, Duration::from_secs(60));
    let limits = Limits { unknown_credentials: tight, sign_in: tight, ..Limits::default() };
    let server = Server::with(|config| config.limits = limits).await;
    let elm = server.person("elm").await;
    let guess = Who::Person(data_encoding::BASE64URL_NOPAD.encode(&[1; 32]));
    let mut codes: Vec<u16> = Vec::new();
    for _ in 0..5 {
        codes.push(server.get(&guess, "/api/v1/account").await.refusal().0);
    }
    assert_eq!(codes, [401, 401, 401, 429, 429]);
    let reply = server.get(&guess, "/api/v1/account").await;
    assert!(reply.headers.contains_key("retry-after"));
    let mut elsewhere =
        support::request(&elm.who, http::Method::GET, "/api/v1/account", &support::ExampleNothing);
    elsewhere
        .extensions_mut()
        .insert(axum::extract::ConnectInfo(std::net::SocketAddr::from(([198, 51, 100, 9], 1))));
    server.ask(elsewhere).await.done();
    let mut refused = 0;
    for _ in 0..5 {
        let wrong = SignIn { name: "elm".into(), login: B32([1; 32]) };
        refused += u32::from(server.post(&Who::Nobody, "/api/v1/sign-in", &wrong).await.refusal().0 == 429);
    }
    assert_eq!(refused, 2);
}

#[tokio::test]
async fn a_cookie_is_kept_from_scripts_and_other_sites_and_from_plain_connections_where_it_can_be() {
    let server = Server::with(|config| config.trusted_proxies = vec!["192.0.2.0/24".parse().unwrap()]).await;
    let elm = server.person("elm").await;
    let line = async |proto: Option<&str>| {
        let body = support::json(&elm.sign_in());
        let mut request = support::request(&Who::Nobody, http::Method::POST, "/api/v1/sign-in", &body);
        if let Some(proto) = proto {
            request.headers_mut().insert("x-forwarded-proto", proto.parse().unwrap());
        }
        server.ask(request).await.headers["set-cookie"].to_str().unwrap().to_owned()
    };
    let plain = line(None).await;
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(plain.contains(part), "{plain}");
    }
    assert!(!plain.contains("Secure"));
    assert!(line(Some("https")).await.contains("Secure"));
}

#[tokio::test]
async fn many_wrong_passwords_make_the_next_try_slow_and_lock_nobody_out() {
    let server = Server::start().await;
    let elm = server.person("elm").await;
    let wrong = SignIn { name: "elm".into(), login: B32([1; 32]) };
    for _ in 0..10 {
        assert_eq!(server.post(&Who::Nobody, "/api/v1/sign-in", &wrong).await.refusal().0, 401);
    }
    let begun = std::time::Instant::now();
    server.post(&Who::Nobody, "/api/v1/sign-in", &elm.sign_in()).await.done();
    let slow = begun.elapsed();
    assert!(slow >= Duration::from_secs(3), "{slow:?}");
    let begun = std::time::Instant::now();
    server.post(&Who::Nobody, "/api/v1/sign-in", &elm.sign_in()).await.done();
    assert!(begun.elapsed() < Duration::from_secs(2), "the right password takes the slowness away");
}
