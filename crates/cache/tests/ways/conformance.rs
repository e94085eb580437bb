//! The public suite of backends, on the connection without a server; memory passes it where it is written, and `tests/servers.rs` has real servers.

#![cfg(feature = "suite")]

use keepsight_cache::suite::conformance;

use crate::common::{Scripted, connect};

#[tokio::test(start_paused = true)]
async fn redis_over_the_scripted_server_passes_the_suite_of_backends() {
    conformance(&connect(&Scripted::new()).await, 1).await;
}
