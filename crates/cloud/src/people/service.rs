//! What the service says of itself to anybody.

use std::sync::LazyLock;

use keepsight_ids::UnixMillis;
use keepsight_wire::people::Service;

use crate::edge::answer::Answer;
use crate::edge::fault::Outcome;
use crate::edge::routes::Call;

pub(super) async fn service(call: Call) -> Outcome<Answer> {
    let cloud = call.cloud;
    let row = cloud.truth.service(&call.permit).await?;
    Answer::json(&Service {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sign_up: cloud.config.sign_up,
        setup_needed: !row.has_accounts,
        demo: cloud.config.demo,
        tls: cloud.fingerprint,
        now: UnixMillis(cloud.world.unix_millis()),
    })
}

pub(super) async fn openapi(_: Call) -> Outcome<Answer> {
    static DOCUMENT: LazyLock<serde_json::Value> = LazyLock::new(crate::openapi::openapi);
    Answer::json(&*DOCUMENT)
}
