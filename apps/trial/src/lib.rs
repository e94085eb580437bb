//! The stress kit for cache clients: a real Redis or Valkey, a seeded fault proxy before it, a client driven hard, every answer judged.
//!
//! It is useful to whoever runs a system of many tenants behind a cache, and knows nothing of cameras. Each value names its key and
//! version, so an answer that belongs to another key is seen as such, whatever the client believes.
//!
//! Invariant: an event whose fault was never injected is a failure, never a pass.

pub mod again;
pub mod cli;
pub mod clients;
pub mod crew;
pub mod dice;
pub mod events;
pub mod exit;
pub mod judge;
pub mod proxy;
pub mod pulse;
pub mod report;
pub mod run;
pub mod server;
pub mod stage;
pub mod step;
pub mod verdict;
