//! A server, a backend on it, and a type to cache.

use std::time::Duration;

use keepsight_cache::suite::{Engine, Server, ServerError};
use keepsight_cache::{Cached, Json, Level, Redis, RedisConfig};

/// A server for this test; none if it is not installed here, which is printed.
pub async fn server(engine: Engine, options: &[&str]) -> Option<Server> {
    match Server::start(engine, options).await {
        Ok(server) => Some(server),
        Err(error @ ServerError::NotInstalled(_)) => {
            #[allow(clippy::print_stderr, reason = "a test that did not run says so")]
            {
                eprintln!("NOT TESTED: {error}");
            }
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A connected backend.
pub async fn connect(server: &Server) -> Redis {
    let redis = Redis::start(RedisConfig::tcp(server.address()));
    assert!(redis.wait_connected(Duration::from_secs(5)).await, "the server lets us in");
    redis
}

macro_rules! notes {
    ($name:ident, $level:ident) => {
        /// Notes of tenants.
        pub struct $name;

        impl Cached for $name {
            type Tenant = u32;
            type Key = (u32, String);
            type Value = String;
            type Codec = Json;
            const NAMESPACE: &'static str = "tests";
            const NAME: &'static str = stringify!($name);
            const VERSION: u32 = 1;
            const LEVEL: Level = Level::$level;
            const LIFETIME: Duration = Duration::from_secs(60);
            fn tenant(key: &Self::Key) -> u32 {
                key.0
            }
        }
    };
}
notes!(BoundNotes, Bound);
notes!(SealedNotes, Sealed);
