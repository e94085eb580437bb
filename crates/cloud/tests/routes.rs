//! Every route of the table: it says what it does, and its example works for whom it is for and for nobody else.

mod support;

use axum::body::Body;
use http::{Method, Request};
use keepsight_cloud::example::{ExampleBody, Stage};
use keepsight_cloud::routes::{RouteInfo, table};
use keepsight_gate::{Action, PrincipalKind, Scope};
use keepsight_seal::Slot;
use support::{Server, Who, request};

fn name(route: &RouteInfo) -> String {
    format!("{} {}", route.method, route.path)
}

#[test]
fn each_route_has_a_sentence_and_an_example() {
    let stage = Stage::sample();
    for route in table() {
        assert!(route.doc.ends_with('.') && route.doc.len() > 5, "{}", name(&route));
        let example = (route.example.unwrap_or_else(|| panic!("{} has no example", name(&route))))(&stage);
        let path = example.path.split('?').next().unwrap().to_owned();
        assert_eq!(path.split('/').count(), route.path.split('/').count(), "{}", name(&route));
    }
}

#[test]
fn each_action_of_the_gate_has_a_route_and_no_two_routes_are_one() {
    let routes = table();
    for action in Action::ALL {
        // Downloading is the same route as looking, with another purpose, which its handler asks the gate about.
        assert!(
            action == Action::DownloadSegment || routes.iter().any(|route| route.action == action),
            "{action:?} can't be asked for"
        );
    }
    let mut names: Vec<String> = routes.iter().map(name).collect();
    names.sort();
    names.windows(2).for_each(|pair| assert_ne!(pair[0], pair[1]));
}

#[test]
fn the_document_describes_each_route() {
    let document = keepsight_cloud::openapi();
    for route in table() {
        let operation = &document["paths"][route.path][route.method.as_str().to_lowercase()];
        assert_eq!(operation["summary"], route.doc, "{}", name(&route));
        assert_eq!(operation.get("requestBody").is_some(), route.body.has_one(), "{}", name(&route));
    }
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let schema = reference.split('"').next().unwrap();
        assert!(
            !document["components"]["schemas"][schema].is_null(),
            "{schema} is referred to and not there"
        );
    }
}

#[tokio::test]
async fn the_document_says_of_each_route_which_credential_it_needs() {
    let server = Server::start().await;
    let (stage, _) = server.home("elm").await.stage(&server).await;
    let document = keepsight_cloud::openapi();
    for route in table() {
        let example = (route.example.unwrap())(&stage);
        let needed = &document["paths"][route.path][route.method.as_str().to_lowercase()]["security"];
        let nobody = server.example(&Who::Nobody, route.method.clone(), &example).await;
        let sign_in = !nobody.status.is_success() && nobody.refusal() == (401, "sign_in_needed".to_owned());
        let scheme = if route.path.starts_with("/agent/") { "agent" } else { "person" };
        let expected = if sign_in { serde_json::json!([{ scheme: [] }]) } else { serde_json::json!([]) };
        assert_eq!(*needed, expected, "{}: {} {}", name(&route), nobody.status, nobody.text());
    }
}

/// Who the example of a route is for.
async fn right_one(server: &Server, route: &RouteInfo) -> (Stage, Who) {
    let mut elm = server.home(&format!("elm {}", server.world.random_up_to(u64::MAX))).await;
    if route.action == Action::LeaveHome {
        // Its only owner can't leave a home.
        let (member, _) = elm.member(server, &format!("oak {}", elm.home), &Slot::member_rights()).await;
        let (stage, _) = elm.stage(server).await;
        return (stage, member.who);
    }
    let (stage, invitee) = elm.stage(server).await;
    let who = match route.principal {
        PrincipalKind::Person => elm.owner.who,
        PrincipalKind::Agent => elm.agent_who,
        PrincipalKind::Invitee => invitee.who,
        PrincipalKind::Anyone => Who::Nobody,
    };
    (stage, who)
}

fn sign_in_example(stage: &Stage) -> keepsight_cloud::example::ExampleRequest {
    let route = table().into_iter().find(|route| route.path == "/api/v1/sign-in").unwrap();
    (route.example.unwrap())(stage)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_example_works_for_whom_it_is_for() {
    let server = Server::start().await;
    let (still, owner) = right_one(&server, &table()[0]).await;
    let mut looker = owner.clone();
    if let Who::Nobody = owner {
        let reply = server.example(&owner, Method::POST, &sign_in_example(&still)).await;
        looker = Who::Person(reply.cookie());
    }
    for route in table() {
        // What only looks needs no stage of its own.
        let only_looks = route.method == Method::GET && route.principal == PrincipalKind::Person;
        let (stage, who) =
            if only_looks { (still.clone(), looker.clone()) } else { right_one(&server, &route).await };
        let example = (route.example.unwrap())(&stage);
        if route.action == Action::Updates {
            let response = server.raw(request(&who, Method::GET, &example.path, &example.body)).await;
            assert_eq!(response.status(), 200, "{}", name(&route));
            continue;
        }
        let reply = server.example(&who, route.method.clone(), &example).await;
        assert!(reply.status.is_success(), "{}: {} {}", name(&route), reply.status, reply.text());
    }
    assert_eq!(server.cloud.alarms().misfiled() + server.cloud.alarms().bugs(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strangers_answer_is_that_of_a_home_that_does_not_exist() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let oak = server.home("oak").await;
    let (stage, _) = elm.stage(&server).await;
    let nowhere = Stage { home: keepsight_ids::HomeId::from_bytes([9; 16]), ..stage.clone() };
    let nothing = Stage { camera: keepsight_ids::CameraId::from_bytes([9; 16]), ..stage.clone() };
    for route in table()
        .into_iter()
        .filter(|route| route.action.scope() == Scope::Home || route.action.scope() == Scope::Camera)
    {
        let (stranger, unreal) = match route.principal {
            PrincipalKind::Person => (&oak.owner.who, &nowhere),
            PrincipalKind::Agent if route.action.scope() == Scope::Camera => (&oak.agent_who, &nothing),
            _ => continue,
        };
        let make = route.example.unwrap();
        let real = server.example(stranger, route.method.clone(), &make(&stage)).await;
        let other = server.example(stranger, route.method.clone(), &make(unreal)).await;
        assert_eq!(real.traits(), other.traits(), "{}", name(&route));
        if route.action != Action::AgentPutCamera {
            assert_eq!(real.refusal(), (404, "not_found".to_owned()), "{}", name(&route));
        }
        let signed_out = server.example(&Who::Nobody, route.method.clone(), &make(&stage)).await;
        assert_eq!(signed_out.refusal(), (401, "sign_in_needed".to_owned()), "{}", name(&route));
    }
}

#[tokio::test]
async fn a_text_that_is_no_id_is_answered_as_one_that_does_not_exist() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let unreal = server
        .get(
            &elm.owner.who,
            &elm.path("/cameras/cam_00000000000000000000000000/events/evt_00000000000000000000000000"),
        )
        .await;
    for bad in
        ["hello", "cam_1", "%00", "..", "cam_0000000000000000000000000z", "evt_00000000000000000000000000"]
    {
        let path = elm.path(&format!("/cameras/{bad}/events/evt_00000000000000000000000000"));
        assert_eq!(server.get(&elm.owner.who, &path).await.traits(), unreal.traits(), "{bad}");
    }
}

#[tokio::test]
async fn unknown_paths_methods_types_and_sizes_have_their_own_answers() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let who = &elm.owner.who;
    assert_eq!(server.get(who, "/api/v1/nothing").await.refusal(), (404, "not_found".into()));
    assert_eq!(server.get(who, "/api/v2/service").await.refusal(), (404, "not_found".into()));
    assert_eq!(server.get(who, "/api").await.refusal(), (404, "not_found".into()));
    let reply = server.delete(who, "/api/v1/homes").await;
    assert_eq!(reply.refusal(), (405, "method_not_allowed".into()));
    assert_eq!(reply.headers["allow"], "GET, POST");
    let large = ExampleBody::Json(serde_json::json!({ "on": "x".repeat(20_000) }));
    assert_eq!(
        server.send(who, Method::PUT, &elm.path("/lockdown"), &large).await.refusal(),
        (413, "too_large".into())
    );
    let bytes = ExampleBody::Bytes(b"{}".to_vec());
    assert_eq!(
        server.send(who, Method::PUT, &elm.path("/lockdown"), &bytes).await.refusal(),
        (415, "unsupported_media".into())
    );
    let odd = serde_json::json!({ "on": true, "off": 1 });
    let reply = server.put(who, &elm.path("/lockdown"), &odd).await;
    assert_eq!(reply.refusal(), (400, "bad_request".into()));
    assert!(reply.text().contains("unknown field `off`"), "{}", reply.text());
    let reply = server.get(who, &elm.path("/events?limit=1000")).await;
    assert_eq!(reply.refusal(), (400, "bad_request".into()));
    let reply = server.get(who, &elm.path("/events?colour=red")).await;
    assert!(reply.text().contains("unknown field `colour`"), "{}", reply.text());
    let chunked = Request::builder()
        .method("PUT")
        .uri(elm.path("/lockdown"))
        .header("content-type", "application/json");
    let chunks = futures_util::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1000])));
    let Who::Person(token) = who else { unreachable!() };
    #[expect(clippy::disallowed_methods, reason = "a body of unknown length")]
    let chunked =
        chunked.header("cookie", format!("ks_session={token}")).body(Body::from_stream(chunks)).unwrap();
    assert_eq!(server.ask(chunked).await.refusal(), (413, "too_large".into()));
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    let ask = |origin: &str| {
        let body = ExampleBody::Json(serde_json::json!({ "on": true }));
        let mut request = request(&elm.owner.who, Method::PUT, &elm.path("/lockdown"), &body);
        request.headers_mut().insert("origin", origin.parse().unwrap());
        request
    };
    assert_eq!(server.ask(ask("https://evil.example")).await.refusal(), (403, "bad_origin".into()));
    assert_eq!(server.ask(ask("http://127.0.0.1:8420")).await.refusal(), (403, "bad_origin".into()));
    server.ask(ask("http://localhost:8420")).await.done();
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let server = Server::with(|config| config.limits.body_time = std::time::Duration::from_millis(200)).await;
    let elm = server.home("elm").await;
    let mut request =
        request(&elm.owner.who, Method::PUT, &elm.path("/lockdown"), &ExampleBody::Json(true.into()));
    #[expect(clippy::disallowed_methods, reason = "a body that never ends")]
    let endless = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    *request.body_mut() = endless;
    assert_eq!(server.ask(request).await.refusal(), (408, "timeout".into()));
}
