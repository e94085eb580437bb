//! Which clients the kit can drive, by name. A name is what `--client` takes; a label is what the tables show.
//!
//! A name that begins with `driver:` is a command line: any program that speaks the line protocol.

use std::sync::Arc;

use super::{Connecting, Entry, Setup, cachekit, drivers, fred, keepsight, redis_rs, redis_sync};

/// What a name begins with when the rest is a command line.
pub const DRIVER: &str = "driver:";

/// Each starts within a second or so, and takes tens of megabytes.
const PROCESSES: usize = 2;

/// Every client that the kit knows, in the order in which tables show them.
pub fn all() -> Vec<Entry> {
    vec![
        built_in(
            "keepsight-cache",
            "keepsight-cache",
            "keepsight-cache: sealed values, and its own copies",
            keepsight::sealed,
        ),
        built_in(
            "keepsight-cache-bound",
            "keepsight-cache (bound)",
            "keepsight-cache: values in clear, no own copies, every get goes to the server",
            keepsight::bound,
        ),
        built_in(
            "redis-rs",
            "redis-rs (multiplexed)",
            "redis-rs: one shared multiplexed connection, replaced when it is lost",
            redis_rs::multiplexed,
        ),
        built_in(
            "redis-rs-manager",
            "redis-rs (ConnectionManager)",
            "redis-rs: its ConnectionManager",
            redis_rs::manager,
        ),
        built_in(
            "redis-rs-r2d2",
            "redis-rs (r2d2 pool)",
            "redis-rs: blocking connections in an r2d2 pool, as its documentation recommends",
            redis_sync::pool,
        ),
        built_in(
            "redis-rs-sync",
            "redis-rs (blocking, no pool)",
            "redis-rs: blocking connections with read and write time-outs, one for each thread",
            redis_sync::threads,
        ),
        built_in("fred", "fred", "fred: one client that reconnects by itself", fred::connect),
        built_in(
            "cachekit",
            "cachekit-rs",
            "cachekit-rs: values sealed under their keys, over fred; without its local tier",
            cachekit::connect,
        ),
        redis_py("redis-py", "redis-py", || drivers::redis_py_available("redis-py")),
        redis_py("redis-py-4.5.1", "redis-py 4.5.1", || drivers::redis_py_available("redis-py-4.5.1")),
        Entry {
            name: "ioredis",
            label: "ioredis",
            about: "ioredis in Node.js, through the line protocol",
            instances_most: PROCESSES,
            available: drivers::ioredis_available,
            connect: drivers::ioredis(),
        },
    ]
}

/// The client of this name, or the driver that it starts.
pub fn find(name: &str) -> Option<Entry> {
    match name.strip_prefix(DRIVER) {
        Some(command_line) => Some(driver(command_line)),
        None => all().into_iter().find(|entry| entry.name == name),
    }
}

fn built_in(
    name: &'static str,
    label: &'static str,
    about: &'static str,
    connect: fn(Setup) -> Connecting,
) -> Entry {
    Entry { name, label, about, instances_most: 100, available: || Ok(()), connect: Arc::new(connect) }
}

fn redis_py(name: &'static str, label: &'static str, available: fn() -> Result<(), String>) -> Entry {
    let about = "redis-py (asyncio) with its connection pool, through the line protocol";
    Entry { name, label, about, instances_most: PROCESSES, available, connect: drivers::redis_py(name) }
}

/// Named once, on the command line, so its text is kept until the program ends.
fn driver(command_line: &str) -> Entry {
    let command_line: &'static str = command_line.to_owned().leak();
    let name: &'static str = format!("{DRIVER}{command_line}").leak();
    let about = "a driver named on the command line";
    let (label, connect) = (name, drivers::named(command_line));
    Entry { name, label, about, instances_most: PROCESSES, available: || Ok(()), connect }
}
