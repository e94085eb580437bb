//! A hit on this process's own copy against a bare quick_cache and moka: one thread, the same keys, shared values.

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt;
use keepsight_cache::{Error, LocalBound, Memory, Typed};

use crate::peers::{Bound, value};
use crate::{KEYS, ratio, say};

const ROUNDS: u64 = 200;

/// Nanoseconds of one hit, printed; the ratio to quick_cache is returned.
pub fn measure() -> f64 {
    let (quick, moka) = (quick_cache(), moka());
    let ours = ours();
    // Once more, and the better one counts.
    let (quick, moka, ours) = (quick.min(quick_cache()), moka.min(self::moka()), ours.min(self::ours()));
    say(format_args!("\nlocal hit, ns: keepsight-cache {ours:.1}, quick_cache {quick:.1}, moka {moka:.1}"));
    ratio(ours, quick)
}

fn key(n: u64) -> (u64, u64) {
    (n % 100, n)
}

/// Nanoseconds of one call, over random keys.
fn each(mut get: impl FnMut(&(u64, u64)) -> Arc<Bytes>) -> f64 {
    let (mut state, mut total) = (1u64, 0);
    let began = Instant::now();
    for _ in 0..ROUNDS * KEYS {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        total += get(&key((state >> 33) % KEYS)).len();
    }
    black_box(total);
    began.elapsed().as_nanos() as f64 / (ROUNDS * KEYS) as f64
}

fn quick_cache() -> f64 {
    let cache = quick_cache::sync::Cache::new(2 * KEYS as usize);
    (0..KEYS).for_each(|n| cache.insert(key(n), Arc::new(value(n))));
    each(|key| cache.get(key).expect("it was stored"))
}

fn moka() -> f64 {
    let cache = moka::sync::Cache::new(2 * KEYS);
    (0..KEYS).for_each(|n| cache.insert(key(n), Arc::new(value(n))));
    each(|key| cache.get(key).expect("it was stored"))
}

fn ours() -> f64 {
    // A longer life than usual, so that nothing but hits is measured.
    let local =
        LocalBound { entries: 2 * KEYS as usize, bytes: 64 << 20, lifetime: Duration::from_secs(600) };
    let items = keepsight_cache::Cache::builder(Memory::default()).local(local).build().typed::<Bound>();
    tokio::task::block_in_place(|| {
        let runtime = tokio::runtime::Handle::current();
        (0..KEYS).for_each(|n| drop(runtime.block_on(get(&items, &key(n)))));
    });
    each(|key| {
        let hit = get(&items, key).now_or_never().expect("a copy is there at once");
        hit.expect("nothing is loaded").expect("it was stored")
    })
}

async fn get(items: &Typed<Bound>, wanted: &(u64, u64)) -> Result<Option<Arc<Bytes>>, Error<Infallible>> {
    let n = wanted.1;
    items.get_or_load(wanted, move || async move { Ok(Some(value(n))) }).await
}
