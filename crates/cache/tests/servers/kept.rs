//! What is kept and forgotten on a real server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keepsight_cache::suite::{Engine, conformance};
use keepsight_cache::{Cache, Cached, KeyRing, LocalBound, MasterKey, Typed};

use super::fixture::{BoundNotes, SealedNotes, connect, server};

#[tokio::test]
async fn redis_passes_the_suite_of_backends() {
    let Some(server) = server(Engine::Redis, &[]).await else { return };
    conformance(&connect(&server).await, 1).await;
}

#[tokio::test]
async fn valkey_passes_the_suite_of_backends() {
    let Some(server) = server(Engine::Valkey, &[]).await else { return };
    conformance(&connect(&server).await, 1).await;
}

#[tokio::test]
async fn values_are_loaded_once_and_forgotten_when_told() {
    for engine in Engine::ALL {
        let Some(server) = server(engine, &["--requirepass", "secret"]).await else { continue };
        let config = keepsight_cache::RedisConfig::tcp(server.address()).auth("", "secret");
        let redis = keepsight_cache::Redis::start(config);
        assert!(redis.wait_connected(std::time::Duration::from_secs(5)).await);
        // Two processes, as it were: neither sees the other's copies.
        let ring = KeyRing::new([MasterKey::new([7; 32])]).unwrap();
        let process = || {
            let local = LocalBound { entries: 0, ..LocalBound::default() };
            Cache::builder(redis.clone()).keys(ring.clone()).local(local).build()
        };
        kept_and_forgotten::<BoundNotes>(&process(), &process()).await;
        kept_and_forgotten::<SealedNotes>(&process(), &process()).await;
    }
}

async fn kept_and_forgotten<T>(one: &Cache, other: &Cache)
where
    T: Cached<Key = (u32, String), Value = String, Tenant = u32>,
{
    let (one, other) = (one.typed::<T>(), other.typed::<T>());
    let loads = Arc::new(AtomicUsize::new(0));
    for (cache, expected) in [(&one, "load 0"), (&other, "load 0"), (&one, "load 0")] {
        assert_eq!(get(cache, 1, "a", &loads).await, expected);
    }
    assert_eq!(get(&one, 2, "a", &loads).await, "load 1", "another tenant");
    other.invalidate(&(1, "a".to_owned())).await.unwrap();
    assert_eq!(get(&one, 1, "a", &loads).await, "load 2");
    assert_eq!(get(&other, 1, "a", &loads).await, "load 2");
    one.invalidate_tenant(&1).await.unwrap();
    assert_eq!(get(&one, 1, "a", &loads).await, "load 3");
    assert_eq!(get(&one, 2, "a", &loads).await, "load 1", "another tenant's stays");
    one.invalidate_all().await.unwrap();
    assert_eq!(get(&one, 2, "a", &loads).await, "load 4");
}

async fn get<T>(cache: &Typed<T>, tenant: u32, name: &str, loads: &Arc<AtomicUsize>) -> String
where
    T: Cached<Key = (u32, String), Value = String>,
{
    let loads = loads.clone();
    let load = move || async move {
        Ok::<_, std::io::Error>(Some(format!("load {}", loads.fetch_add(1, Ordering::SeqCst))))
    };
    let value = cache.get_or_load(&(tenant, name.to_owned()), load).await;
    value.expect("the loader does not fail").expect("there is a value").as_ref().clone()
}
