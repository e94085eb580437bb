//! Hostile requests to every route: refused with a stable code and a helpful text, never a failure of ours.

mod support;

use http::{Method, StatusCode};
use keepsight_cloud::example::{ExampleBody, ExampleRequest};
use keepsight_cloud::routes::{RouteInfo, table};
use keepsight_gate::{Action, PrincipalKind};
use keepsight_wire::ErrorBody;
use keepsight_wire::people::SignIn;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use support::{Household, Reply, Server, Who};

const CASES: usize = 12;

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

fn spoiled(example: &ExampleRequest, runner: &mut TestRunner) -> ExampleRequest {
    let mut draw = |strategy: BoxedStrategy<Value>| strategy.new_tree(runner).unwrap().current();
    let instead = draw(any_json().boxed());
    let dice = draw(prop::collection::vec(any::<u16>(), 6).prop_map(Value::from).boxed());
    let dice: Vec<usize> = dice.as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
    let text = draw(".{0,60}".prop_map(Value::from).boxed());
    let mut request = example.clone();
    match (&mut request.body, dice[0] % 6) {
        (ExampleBody::Json(value), 0..=3) => spoil(value, &dice[2..3 + dice[1] % 3], instead, dice[1] as u8),
        (ExampleBody::Json(_), 4) => request.body = ExampleBody::Json(instead),
        (ExampleBody::Bytes(bytes), 0..=3) if !bytes.is_empty() => {
            let at = dice[1] % bytes.len();
            bytes[at] ^= dice[2] as u8 | 1;
            bytes.truncate(bytes.len() - dice[3] % 8);
        }
        _ => {
            let query =
                form_urlencoded::byte_serialize(text.as_str().unwrap().as_bytes()).collect::<String>();
            let path = request.path.split('?').next().unwrap().to_owned();
            let key = ["day", "limit", "before", "after", "camera", "purpose", "x", ""][dice[1] % 8];
            request.path = format!("{path}?{key}={query}");
        }
    }
    request
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spoiled_requests_are_refused_in_words_and_never_fail() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let (stage, invitee) = elm.stage(&server).await;
    let mut runner = TestRunner::deterministic();
    let mut refused = 0;
    for route in table() {
        // What would end the play for the routes after it (a deed without a body that works), and the one that never ends.
        if route.method == Method::DELETE || matches!(route.action, Action::Updates | Action::EndSessions) {
            continue;
        }
        let who = signed_in(&server, &elm, &invitee.who, &route).await;
        let example = (route.example.unwrap())(&stage);
        for _ in 0..CASES {
            let request = spoiled(&example, &mut runner);
            let reply = server.example(&who, route.method.clone(), &request).await;
            judge(&route, &request, &reply);
            refused += u32::from(reply.status == StatusCode::BAD_REQUEST);
        }
    }
    assert!(refused > 200, "only {refused} requests were spoiled enough to be refused");
    let alarms = server.cloud.alarms();
    assert_eq!((alarms.bugs(), alarms.misfiled()), (0, 0));
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
