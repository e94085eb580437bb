//! A small web service with a cache: profiles of members, by tenant. Everything that a real one needs is here, but its database is a pause of 50 ms.
//!
//!     cargo run -p keepsight-cache --example axum_service                     # in memory
//!     cargo run -p keepsight-cache --example axum_service -- 127.0.0.1:6379   # with Redis or Valkey
//!
//!     curl http://127.0.0.1:3000/tenants/7/members/anna
//!     curl -X PUT http://127.0.0.1:3000/tenants/7/members/anna -d 'Anna B.'

#![allow(
    clippy::disallowed_methods,
    reason = "that there is one way in is a rule of the service's, not of this example"
)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use keepsight_cache::{
    Cache, Cached, Error, Json, KeyRing, Level, MasterKey, Memory, Redis, RedisConfig, Typed,
};

/// The cached type: whose it is, what it is called, how long it lives, and how strongly it is tied to its key.
struct Members;

impl Cached for Members {
    type Tenant = u64;
    type Key = (u64, String);
    type Value = String;
    type Codec = Json;
    const NAMESPACE: &'static str = "example";
    const NAME: &'static str = "member";
    const VERSION: u32 = 1;
    const LEVEL: Level = Level::Sealed;
    const LIFETIME: Duration = Duration::from_secs(60);
    fn tenant(key: &Self::Key) -> u64 {
        key.0
    }
}

#[derive(Clone)]
struct Service {
    members: Typed<Members>,
    database: Arc<Mutex<HashMap<(u64, String), String>>>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In production: KeyRing::from_file or from_env. These 32 bytes are for trying out.
    let ring = KeyRing::new([MasterKey::new([42; 32])])?;
    let builder = match std::env::args().nth(1) {
        None => Cache::builder(Memory::default()),
        Some(address) => Cache::builder(Redis::start(RedisConfig::tcp(address))),
    };
    let cache = builder.keys(ring).build();
    let anna = ((7, "anna".to_owned()), "Anna".to_owned());
    let service = Service { members: cache.typed(), database: Arc::new(Mutex::new(HashMap::from([anna]))) };
    let routes = Router::new().route("/tenants/{tenant}/members/{name}", get(show).put(change));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, routes.with_state(service)).await?)
}

/// Who asks, and whether they may, is decided before this; it is never cached.
async fn show(State(service): State<Service>, Path(key): Path<(u64, String)>) -> Result<String, StatusCode> {
    let (database, wanted) = (service.database, key.clone());
    let load = move || async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok::<_, std::io::Error>(database.lock().expect("nobody panics with it").get(&wanted).cloned())
    };
    match service.members.get_or_load(&key, load).await {
        Ok(Some(member)) => Ok(member.as_ref().clone()),
        Ok(None) => Err(StatusCode::NOT_FOUND),
        Err(Error::Overloaded | Error::Deadline) => Err(StatusCode::SERVICE_UNAVAILABLE),
        Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// First the database, then the invalidation; an invalidation that was not acknowledged is said again by whoever gets the 503.
async fn change(State(service): State<Service>, Path(key): Path<(u64, String)>, body: String) -> StatusCode {
    service.database.lock().expect("nobody panics with it").insert(key.clone(), body);
    match service.members.invalidate(&key).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
