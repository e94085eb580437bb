//! A fault put into the update stream on purpose: the property that the other tests hold is lost, so they would notice.
//!
//! In the sabotage build only: `cargo test -p keepsight-cloud --features sabotage --test mutants`.

#![cfg(feature = "sabotage")]
#![expect(clippy::print_stdout, reason = "`cargo xtask mutants` collects these lines")]

mod support;

use std::time::Duration;

use http::Method;
use http_body_util::BodyExt;
use keepsight_gate::sabotage::{Mutant, hold};
use keepsight_seal::Slot;
use support::{Server, request};

/// Whether the stream of a member who is removed has ended a second later.
async fn ends_after_removal() -> bool {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let (member, slot) = elm.member(&server, "oak", &Slot::member_rights()).await;
    let open = request(&member.who, Method::GET, &elm.path("/updates"), &support::ExampleNothing);
    let mut body = server.raw(open).await.into_body();
    body.frame().await.expect("hello").unwrap();
    elm.remove(&server, slot).await;
    let ended = async { while body.frame().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(1), ended).await.is_ok()
}

#[tokio::test]
async fn a_stream_that_keeps_its_permit_is_noticed() {
    let _healthy = hold(None);
    assert!(ends_after_removal().await);
    keepsight_gate::sabotage::set(Some(Mutant::StreamKeepsPermit));
    assert!(!ends_after_removal().await);
    println!(
        "mutant {} caught by a_stream_that_keeps_its_permit_is_noticed",
        Mutant::StreamKeepsPermit.name()
    );
}
