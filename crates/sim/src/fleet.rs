//! A fleet in virtual time: the real cloud on its real stores and real agents without cameras, over a simulated network.
//!
//! Everything runs as it ships but for four doubles: turmoil's network and clock, a disk that forgets ([`Forgetful`]), a seeded
//! generator, and a camera that seals text. Every home is a host that can lose its power in the middle of a disk write; the cloud
//! is a host that can die between any two steps of a request, while its SQLite files and its folder of objects stay.
//!
//! Invariant of the whole: what a spool confirmed is on the server once, with the same hash, and opens for its owner; or a gap
//! tells that it was lost, and why. [`Town::verdict`] says what broke it.
//!
//! Repeatable: agents (network, disk, timers, randomness) follow the seed. The cloud's SQLite works on blocking threads, during
//! which virtual time stands still, so that *when* an answer leaves follows the seed too, to the tick; which of two answers in one
//! tick leaves first does not. Where the very trace is compared, the cloud therefore takes one request at a
//! time ([`Plan::one_by_one`]), the network draws no lots (equal bounds, no loss), and [`Book::trace`] is sorted within a tick.
//!
//! [`Forgetful`]: keepsight_agent::disk::Forgetful

mod book;
mod clock;
mod disk;
mod home;
mod network;
mod play;
mod server;
mod town;
mod verdict;

pub use book::{Book, Known, Told};
pub use home::{Habits, Home};
pub use play::{Play, Rush};
pub use server::Server;
pub use town::{Plan, Town};

/// The seeds to play: the first `most`, or the one in `KEEPSIGHT_SIM_SEED`.
///
/// # Panics
/// When that variable is no number.
pub fn seeds(most: u64) -> Vec<u64> {
    match std::env::var("KEEPSIGHT_SIM_SEED") {
        Ok(seed) => vec![seed.parse().expect("KEEPSIGHT_SIM_SEED is a number")],
        Err(_) => (1..=most).collect(),
    }
}
