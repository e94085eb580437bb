//! Drivers that keep the line protocol and drivers that break it, each a few lines of shell, so that no language has to be installed.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use keepsight_trial::clients::{Client, Fault, Origin, Setup, registry};

const PATIENCE: Duration = Duration::from_secs(20);

/// Says hello, then answers each line by a rule: `$id`, `$op` and `$line` are set.
fn driver(hello: &str, rule: &str) -> String {
    let take =
        |field: &str| format!(r#"$(printf %s "$line" | sed 's/.*"{field}":"\{{0,1\}}\([^",}}]*\).*/\1/')"#);
    let (id, op) = (take("id"), take("op"));
    format!(
        r#"sh -c 'read hello; echo "$0"; while read line; do id={id}; op={op}; if [ "$op" = quit ]; then exit; fi; {rule}; done' '{hello}'"#,
        id = id.replace('\'', r"'\''"),
        op = op.replace('\'', r"'\''"),
        rule = rule.replace('\'', r"'\''"),
    )
}

const HELLO: &str = r#"{"trial":1,"client":"shell","version":"1.2.3"}"#;

struct Nothing;

#[async_trait]
impl Origin for Nothing {
    async fn load(&self, _instance: usize, _key: &str) -> Option<Bytes> {
        None
    }
}

async fn start(command_line: &str) -> Result<Box<dyn Client>, Fault> {
    let setup = Setup {
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
        call_timeout: Duration::from_millis(500),
        connect_timeout: Duration::from_millis(500),
        seed: 0,
        instance: 0,
        origin: Arc::new(Nothing),
    };
    let entry =
        registry::find(&format!("{}{command_line}", registry::DRIVER)).expect("any command line is a driver");
    within((entry.connect)(setup)).await
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("it ends")
}

#[tokio::test]
async fn what_the_driver_says_is_handed_on() {
    let rule = r#"case $op in
        get) echo "{\"id\":$id,\"value\":\"of $id\"}";;
        set) echo "{\"id\":$id,\"ok\":true}";;
        invalidate) echo "{\"id\":$id,\"error\":\"refused\",\"detail\":\"not mine\"}";;
        lease) echo "{\"id\":$id,\"ok\":false}";;
        release) echo "{\"id\":$id,\"error\":\"timeout\"}";;
    esac"#;
    let hello = r#"{"trial":1,"client":"shell","version":"1.2.3","cancellation":false,"more":[1]}"#;
    let client = start(&driver(hello, rule)).await.unwrap();
    assert_eq!(client.version(), "1.2.3");
    assert!(client.capabilities().leases && !client.capabilities().cancellation);
    let ttl = Duration::from_secs(1);
    assert_eq!(within(client.get("k")).await, Ok(Some(Bytes::from("of 1"))));
    assert_eq!(within(client.set("k", Bytes::from("v"), ttl)).await, Ok(()));
    assert_eq!(within(client.invalidate("k")).await, Err(Fault::Refused("not mine".into())));
    assert_eq!(within(client.lease("k", "h", ttl)).await, Ok(false));
    assert_eq!(within(client.release("k", "h")).await, Err(Fault::TimedOut));
    within(client.close()).await;
}

#[tokio::test]
async fn answers_may_come_in_any_order_and_reach_their_own_callers() {
    // The first request is answered after the second.
    let rule = r#"if [ -z "$first" ]; then first=$id; else
        for each in $id $first; do echo "{\"id\":$each,\"value\":\"of $each\"}"; done; fi"#;
    let client = start(&driver(HELLO, rule)).await.unwrap();
    let (first, second) = within(async { tokio::join!(client.get("a"), client.get("b")) }).await;
    assert_eq!(first, Ok(Some(Bytes::from("of 1"))));
    assert_eq!(second, Ok(Some(Bytes::from("of 2"))));
}

#[tokio::test]
async fn a_dropped_call_is_cancelled_and_its_late_answer_reaches_nobody() {
    // Nothing is answered but what was cancelled, and after that the next request, with what was cancelled before it.
    let rule = r#"case $op in
        cancel) echo "{\"id\":$id,\"value\":\"late\"}"; gone=$id;;
        get) if [ -n "$gone" ]; then echo "{\"id\":$id,\"value\":\"after $gone\"}"; fi;;
    esac"#;
    let client = start(&driver(HELLO, rule)).await.unwrap();
    let dropped = tokio::time::timeout(Duration::from_millis(50), client.get("a")).await;
    assert!(dropped.is_err(), "nothing answered it");
    assert_eq!(within(client.get("b")).await, Ok(Some(Bytes::from("after 1"))));
}

#[tokio::test]
async fn a_driver_that_breaks_the_protocol_fails_every_call() {
    let cases = [
        ("an unknown id", r#"echo "{\"id\":99,\"value\":null}""#, "id 99"),
        ("no json", "echo hello", "not an answer"),
        ("no value", r#"echo "{\"id\":$id,\"ok\":true}""#, "without `value`"),
    ];
    for (name, rule, why) in cases {
        let client = start(&driver(HELLO, rule)).await.unwrap();
        for _ in 0..2 {
            match within(client.get("k")).await {
                Err(Fault::Broken(said)) => assert!(said.contains(why), "{name}: {said}"),
                other => panic!("{name}: {other:?}"),
            }
        }
        assert!(client.broken().is_some(), "{name}");
        within(client.close()).await;
    }
}

#[tokio::test]
async fn a_process_that_ends_fails_every_call_and_what_it_said_last_is_named() {
    let rule = "echo TypeError: it is undefined >&2; echo at line 3 >&2; exit 3";
    let client = start(&driver(HELLO, rule)).await.unwrap();
    for _ in 0..2 {
        let ended = Fault::Connection("the process has ended: TypeError: it is undefined".into());
        assert_eq!(within(client.get("k")).await, Err(ended));
    }
    assert_eq!(client.broken(), None, "its client may have ended it, so what was seen until then counts");
    within(client.close()).await;
}

#[tokio::test]
async fn a_program_that_is_no_driver_is_named_as_such() {
    let other_version = r#"echo '{"trial":2,"client":"c","version":"1"}'; cat"#;
    for (command_line, why) in [
        ("sh -c 'echo missing module >&2; exit 1'", "missing module"),
        ("echo good morning", "not a hello"),
        (&format!("sh -c '{}'", other_version.replace('\'', r"'\''")), "version 2"),
    ] {
        match start(command_line).await.map(|_| ()) {
            Err(Fault::Broken(said)) => assert!(said.contains(why), "{said}"),
            other => panic!("{command_line}: {other:?}"),
        }
    }
}
