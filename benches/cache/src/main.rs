//! Measures the cache against its peers, all sides in one run on one private server. The last line is JSON; what is above it is for people.
//!
//! Throughput and CPU are of this process (the server's CPU is its own), on the same runtime, keys and values for everybody. Values are 200 bytes, keys uniformly random.

mod local;
mod peers;
mod stampede;

use std::future::Future;
use std::time::{Duration, Instant};

use keepsight_cache::suite::{Engine, Server};
use serde_json::json;

/// Different keys.
pub const KEYS: u64 = 10_000;
/// Bytes of a value.
pub const VALUE: usize = 200;

/// Gets per second, and processor time per get.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// Of all tasks together.
    pub gets_per_second: f64,
    /// User and system time of this process, in microseconds.
    pub cpu_us_per_get: f64,
}

fn main() -> anyhow::Result<()> {
    let seconds = std::env::args().nth(1).map_or(Ok(3.0), |seconds| seconds.parse())?;
    let only = std::env::args().nth(2);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(run(Duration::from_secs_f64(seconds), only.as_deref()))
}

/// With a name, only that client is measured, or with "local" only local hits, for a profiler to look at.
async fn run(each: Duration, only: Option<&str>) -> anyhow::Result<()> {
    if only == Some("local") {
        local::measure();
        return Ok(());
    }
    let server = Server::start(Engine::Redis, &[]).await?;
    let mut clients = peers::all(&server).await?;
    clients.retain(|client| only.is_none_or(|only| client.name() == only));
    let mut at_512 = Vec::new();
    for tasks in [1, 64, 512] {
        say(format_args!("\n{tasks} tasks                 gets/s   CPU us/get"));
        for client in &mut clients {
            // Twice, and the better one counts: somebody else's work on this machine only ever makes it slower.
            let first = client.measure(tasks, each).await?;
            let second = client.measure(tasks, each).await?;
            let best = if first.gets_per_second > second.gets_per_second { first } else { second };
            let name = client.name();
            say(format_args!("  {name:<24} {:>9.0} {:>8.2}", best.gets_per_second, best.cpu_us_per_get));
            if tasks == 512 {
                at_512.push((name, best));
            }
        }
    }
    if only.is_some() {
        return Ok(());
    }
    let local = local::measure();
    let stampede_loads = stampede::measure(&server).await?;
    let of = |wanted: &str| at_512.iter().find(|(name, _)| *name == wanted).map(|(_, measured)| *measured);
    let (sealed, peer) = (of("sealed").expect("measured"), of("redis-rs").expect("measured"));
    let last = json!({
        "bench": "cache",
        "sealed_vs_redis_rs": ratio(sealed.gets_per_second, peer.gets_per_second),
        "cpu_vs_redis_rs": ratio(sealed.cpu_us_per_get, peer.cpu_us_per_get),
        "local_vs_quick_cache": local,
        "stampede_loads": stampede_loads,
    });
    say(format_args!("{last}"));
    Ok(())
}

/// Runs so many tasks for so long, each calling `get` with one random key after another.
pub async fn throughput<F, Fut>(tasks: usize, each: Duration, get: F) -> anyhow::Result<Measured>
where
    F: Fn(u64) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send,
{
    let (began, cpu_began) = (Instant::now(), cpu());
    let tasks: Vec<_> = (0..tasks as u64)
        .map(|task| {
            let get = get.clone();
            tokio::spawn(async move {
                let (mut state, mut gets) = (task + 1, 0u64);
                while began.elapsed() < each {
                    // A burst between two looks at the clock.
                    for _ in 0..8 {
                        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                        get((state >> 33) % KEYS).await?;
                        gets += 1;
                    }
                }
                anyhow::Ok(gets)
            })
        })
        .collect();
    let mut gets = 0;
    for task in tasks {
        gets += task.await??;
    }
    let (took, cpu_took) = (began.elapsed().as_secs_f64(), cpu() - cpu_began);
    Ok(Measured { gets_per_second: gets as f64 / took, cpu_us_per_get: cpu_took * 1e6 / gets as f64 })
}

/// Seconds of processor time of this process so far: user and system.
fn cpu() -> f64 {
    let clock = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    clock.tv_sec as f64 + clock.tv_nsec as f64 * 1e-9
}

/// Two digits are more than such a machine can tell.
pub fn ratio(one: f64, other: f64) -> f64 {
    (100.0 * one / other).round() / 100.0
}

/// Prints a line.
pub fn say(line: std::fmt::Arguments<'_>) {
    #[allow(clippy::print_stdout, reason = "a benchmark's result is what it prints")]
    {
        println!("{line}");
    }
}
