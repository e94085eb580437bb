//! Hostile requests to every route: refused with a stable code and a helpful text, never a failure of ours.

mod support;

use axum::body::Bytes;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use keepsight_cloud::BodyKind;
use keepsight_cloud::example::{ExampleBody, ExampleRequest, Stage};
use keepsight_cloud::routes::{RouteInfo, table};
use keepsight_gate::{Action, PrincipalKind};
use keepsight_seal::Slot;
use keepsight_wire::ErrorBody;
use keepsight_wire::people::SignIn;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use support::{Household, Reply, Server, Who};

/// Of each part of each route's request.
const CASES: usize = 5;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        Just(Value::from("A".repeat(3000))),
        Just(Value::from("hom_00000000000000000000000000")),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Puts something else at one place of a document, or takes it away, or adds to it.
fn spoil(document: &mut Value, steps: &[usize], instead: Value, how: u8) {
    let inner = match document {
        Value::Object(map) if !map.is_empty() => {
            let at = steps.first().copied().unwrap_or(0) % map.len();
            let key = map.keys().nth(at).unwrap().clone();
            if steps.len() <= 1 {
                match how % 3 {
                    0 => drop(map.insert(key, instead)),
                    1 => drop(map.remove(&key)),
                    _ => drop(map.insert("unasked".to_owned(), instead)),
                }
                return;
            }
            map.get_mut(&key)
        }
        Value::Array(items) if !items.is_empty() => {
            let at = steps.first().copied().unwrap_or(0) % items.len();
            items.get_mut(at)
        }
        other => {
            *other = instead;
            return;
        }
    };
    spoil(inner.unwrap(), &steps[1..], instead, how);
}

/// What of a request is spoiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Body,
    Path,
    Query,
}

fn spoiled(example: &ExampleRequest, part: Part, runner: &mut TestRunner) -> ExampleRequest {
    let mut draw = |strategy: BoxedStrategy<Value>| strategy.new_tree(runner).unwrap().current();
    let instead = draw(any_json().boxed());
    let dice = draw(prop::collection::vec(any::<u16>(), 6).prop_map(Value::from).boxed());
    let dice: Vec<usize> = dice.as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
    let text = draw(".{0,60}".prop_map(Value::from).boxed());
    let text = text.as_str().unwrap();
    let mut request = example.clone();
    match part {
        Part::Body => request.body = spoiled_body(&example.body, instead, &dice),
        Part::Path => request.path = spoiled_path(&example.path, text, &dice),
        Part::Query => {
            let path = request.path.split('?').next().unwrap();
            let key = ["day", "limit", "before", "after", "camera", "purpose", "this", "x", ""][dice[1] % 9];
            let text = form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            request.path = format!("{path}?{key}={text}");
        }
    }
    request
}

fn spoiled_body(example: &ExampleBody, instead: Value, dice: &[usize]) -> ExampleBody {
    match (example, dice[0] % 5) {
        (ExampleBody::Json(value), 0..=3) => {
            let mut value = value.clone();
            spoil(&mut value, &dice[2..3 + dice[1] % 3], instead, dice[1] as u8);
            ExampleBody::Json(value)
        }
        (ExampleBody::Bytes(bytes), _) if !bytes.is_empty() => {
            let mut bytes = bytes.clone();
            let at = dice[1] % bytes.len();
            bytes[at] ^= dice[2] as u8 | 1;
            bytes.truncate(bytes.len() - dice[3] % 8);
            ExampleBody::Bytes(bytes)
        }
        // A body where none is taken, too: a document, or bytes.
        (ExampleBody::Nothing, 0) => ExampleBody::Bytes(vec![dice[1] as u8; 1 + dice[2] % 3000]),
        _ => ExampleBody::Json(instead),
    }
}

/// Puts something else in one step of the path, behind the API's own root.
fn spoiled_path(path: &str, text: &str, dice: &[usize]) -> String {
    let path = path.split('?').next().unwrap();
    let mut steps: Vec<String> = path.split('/').map(str::to_owned).collect();
    let at = 3 + dice[0] % (steps.len() - 3);
    let mut turned = steps[at].clone();
    turned.pop();
    steps[at] = match dice[1] % 6 {
        0 => form_urlencoded::byte_serialize(text.as_bytes()).collect(),
        1 => String::new(),
        2 => "..%2f..".to_owned(),
        3 => "A".repeat(3000),
        4 => turned,
        _ => "%ff%00".to_owned(),
    };
    steps.join("/")
}

#[track_caller]
fn judge(route: &RouteInfo, request: &ExampleRequest, reply: &Reply) {
    let what =
        format!("{} {} {:?}: {} {}", route.method, request.path, request.body, reply.status, reply.text());
    assert!(!reply.status.is_server_error(), "{what}");
    if reply.status.is_client_error() {
        let body: ErrorBody = serde_json::from_slice(&reply.body).unwrap_or_else(|_| panic!("{what}"));
        assert!(
            !body.error.code.is_empty() && body.error.message.len() > 10 && !body.error.request.is_empty(),
            "{what}"
        );
        assert!(reply.status != StatusCode::BAD_REQUEST || body.error.code == "bad_request", "{what}");
    }
}

async fn signed_in(server: &Server, elm: &Household, invitee: &Who, route: &RouteInfo) -> Who {
    match route.principal {
        PrincipalKind::Anyone => Who::Nobody,
        PrincipalKind::Invitee => invitee.clone(),
        PrincipalKind::Agent => elm.agent_who.clone(),
        PrincipalKind::Person => {
            let login = SignIn { name: elm.owner.name.clone(), login: elm.owner.login };
            Who::Person(server.post(&Who::Nobody, "/api/v1/sign-in", &login).await.cookie())
        }
    }
}

/// A home with all that the examples name, which a request may use up.
struct Scene {
    home: Household,
    stage: Stage,
    invitee: Who,
    member: Who,
}

impl Scene {
    async fn set(server: &Server) -> Self {
        let mut home = server.home(&format!("elm {}", server.world.random_up_to(u64::MAX))).await;
        // Its only owner can't leave a home.
        let (member, _) = home.member(server, &format!("oak of {}", home.home), &Slot::member_rights()).await;
        let (stage, invitee) = home.stage(server).await;
        Self { home, stage, invitee: invitee.who, member: member.who }
    }

    async fn who(&self, server: &Server, route: &RouteInfo) -> Who {
        if route.action == Action::LeaveHome {
            return self.member.clone();
        }
        signed_in(server, &self.home, &self.invitee, route).await
    }
}

/// The answer; of a stream that began, only that it did.
async fn answer(server: &Server, who: &Who, route: &RouteInfo, request: &ExampleRequest) -> Reply {
    let request = support::request(who, route.method.clone(), &request.path, &request.body);
    let response = server.raw(request).await;
    let (parts, body) = response.into_parts();
    let streams = parts.headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
    let body = if streams { Bytes::new() } else { body.collect().await.unwrap().to_bytes() };
    Reply { status: parts.status, headers: parts.headers, body }
}

/// Whether a request that is taken in spite of what was spoiled leaves nothing behind for the next.
fn uses_up(route: &RouteInfo) -> bool {
    route.method == Method::DELETE || route.action == Action::EndSessions
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spoiled_requests_are_refused_in_words_and_never_fail() {
    let server = Server::start().await;
    let scene = Scene::set(&server).await;
    // What is used up is another home's.
    let mut spare = Scene::set(&server).await;
    let mut runner = TestRunner::deterministic();
    let mut refused = 0;
    for route in table() {
        let mut who =
            if uses_up(&route) { spare.who(&server, &route).await } else { scene.who(&server, &route).await };
        for part in [Part::Body, Part::Path, Part::Query].repeat(CASES) {
            let stage = if uses_up(&route) { &spare.stage } else { &scene.stage };
            let example = (route.example.unwrap())(stage);
            let request = spoiled(&example, part, &mut runner);
            let reply = answer(&server, &who, &route, &request).await;
            judge(&route, &request, &reply);
            if part == Part::Body && route.body == BodyKind::Nothing {
                // One that does not say how long it is is found out when it is too long for nothing.
                let codes = [(400, "bad_request".to_owned()), (413, "too_large".to_owned())];
                assert!(codes.contains(&reply.refusal()), "{} {}", request.path, reply.text());
            }
            refused += u32::from(reply.status == StatusCode::BAD_REQUEST);
            if uses_up(&route) && reply.status.is_success() {
                spare = Scene::set(&server).await;
                who = spare.who(&server, &route).await;
            }
        }
    }
    assert!(refused > 300, "only {refused} requests were spoiled enough to be refused");
    let alarms = server.cloud.alarms();
    assert_eq!((alarms.bugs(), alarms.misfiled()), (0, 0));
}

#[tokio::test]
async fn what_takes_no_query_refuses_one_and_what_takes_one_refuses_others() {
    let server = Server::start().await;
    let scene = Scene::set(&server).await;
    for route in table() {
        let who = scene.who(&server, &route).await;
        let example = (route.example.unwrap())(&scene.stage);
        let path = format!("{}?unasked=1", example.path.split('?').next().unwrap());
        let reply = answer(&server, &who, &route, &ExampleRequest { path, ..example }).await;
        assert_eq!(reply.refusal(), (400, "bad_request".to_owned()), "{} {}", route.method, route.path);
    }
}

#[tokio::test]
async fn bodies_that_are_no_documents_at_all_are_refused_in_words() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let (stage, invitee) = elm.stage(&server).await;
    let bodies: [&[u8]; 7] =
        [b"", b"{", b"null", b"\xff\xfe", b"{\"a\":1,\"a\":1}", b"[[[[[[[[[[[[[[[[", b"{} {}"];
    for route in table().into_iter().filter(|route| route.body == keepsight_cloud::BodyKind::Json) {
        let who = signed_in(&server, &elm, &invitee.who, &route).await;
        let example = (route.example.unwrap())(&stage);
        for body in bodies {
            let mut request =
                support::request(&who, route.method.clone(), &example.path, &ExampleBody::Json(Value::Null));
            *request.body_mut() = axum::body::Body::from(body.to_vec());
            let reply = server.ask(request).await;
            assert_eq!(reply.refusal(), (400, "bad_request".to_owned()), "{} {:?}", route.path, body);
            assert!(reply.text().contains("body:"), "{}", reply.text());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_path_and_credential_is_answered(path in "/[ -~]{0,80}", cookie in "[!-:<-~]{0,60}", agent: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::start().await;
            let prefix = if agent { "/agent/v1" } else { "/api/v1/homes" };
            let Ok(request) = http::Request::builder()
                .uri(format!("{prefix}{path}"))
                .header("cookie", format!("ks_session={cookie}"))
                .header("authorization", format!("Bearer {cookie}"))
                .body(axum::body::Body::empty())
            else {
                return;
            };
            let reply = server.ask(request).await;
            assert!(reply.status.is_client_error(), "{} {}", reply.status, reply.text());
        });
    }
}
