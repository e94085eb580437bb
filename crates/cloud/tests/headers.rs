//! What stands around the answers: the fence around the client's pages, and that nothing of a home is kept by anybody between.

mod support;

use http::Method;
use support::{Server, Who, request};

#[tokio::test]
async fn pages_may_load_and_talk_to_this_server_only() {
    let server = Server::start().await;
    for path in ["/", "/events/evt_0", "/set-up"] {
        let reply = server.get(&Who::Nobody, path).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.headers["content-type"]),
            (200, &"text/html; charset=utf-8".parse().unwrap())
        );
        let policy = reply.headers["content-security-policy"].to_str().unwrap().to_owned();
        let parts: Vec<&str> = policy.split("; ").collect();
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "font-src 'self'",
            "img-src 'self' blob: data:",
            "media-src blob:",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(parts.contains(&part), "{part} is not in {policy}");
        }
        assert!(!policy.contains("unsafe"));
        assert_eq!(reply.headers["cache-control"], "no-cache");
        assert_eq!(reply.headers["x-content-type-options"], "nosniff");
        assert_eq!(reply.headers["referrer-policy"], "no-referrer");
        assert_eq!(reply.headers["cross-origin-opener-policy"], "same-origin");
        assert_eq!(reply.headers["cross-origin-resource-policy"], "same-origin");
        assert!(!reply.headers.contains_key("set-cookie"));
    }
}

#[tokio::test]
async fn a_page_that_the_browser_has_is_not_sent_again() {
    let server = Server::start().await;
    let first = server.get(&Who::Nobody, "/").await;
    let mut again = request(&Who::Nobody, Method::GET, "/", &support::ExampleNothing);
    again.headers_mut().insert("if-none-match", first.headers["etag"].clone());
    let reply = server.ask(again).await;
    assert_eq!((reply.status.as_u16(), reply.body.len()), (304, 0));
    let head = server.send(&Who::Nobody, Method::HEAD, "/", &support::ExampleNothing).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(server.get(&Who::Nobody, "/no-such.js").await.refusal(), (404, "not_found".into()));
    assert_eq!(server.send(&Who::Nobody, Method::POST, "/", &support::ExampleNothing).await.refusal().0, 405);
}

#[tokio::test]
async fn answers_of_the_api_are_private_and_never_stored() {
    let server = Server::start().await;
    let elm = server.home("elm").await;
    for (who, path) in [
        (&elm.owner.who, elm.path("/events")),
        (&elm.owner.who, elm.event_path("/segments/thumbnail/0")),
        (&elm.owner.who, elm.path("/nothing")),
        (&Who::Nobody, elm.path("/events")),
        (&Who::Nobody, "/api/v1/service".to_owned()),
        (&elm.agent_who, "/agent/v1/chain".to_owned()),
    ] {
        let reply = server.get(who, &path).await;
        assert_eq!(reply.headers["cache-control"], "private, no-store", "{path}");
        assert_eq!(reply.headers["x-content-type-options"], "nosniff", "{path}");
        let policy = reply.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}");
        assert!(!reply.headers.contains_key("access-control-allow-origin"), "{path}");
        assert!(reply.headers.contains_key("x-request-id"), "{path}");
    }
}

#[tokio::test]
async fn each_request_has_a_number_of_its_own_and_errors_name_it() {
    let server = Server::start().await;
    let (one, other) =
        (server.get(&Who::Nobody, "/api/v1/x").await, server.get(&Who::Nobody, "/api/v1/x").await);
    assert_ne!(one.headers["x-request-id"], other.headers["x-request-id"]);
    assert!(one.text().contains(one.headers["x-request-id"].to_str().unwrap()));
}
