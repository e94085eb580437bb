//! The cloud: both HTTP APIs, ingest, the update streams, and the web client that it serves.
//!
//! Everything that leaves goes one way: a route names its action, the gate decides about it as of after the request arrived, the
//! store reads what the Permit names, the ledger makes the disclosure durable, and only then are bytes unlocked and answered.
//! It holds no key to anything recorded. It reads no configuration: [`CloudConfig`] is handed in.

mod agents;
mod alarms;
mod chains;
mod change;
mod cloud;
mod config;
mod day;
mod doors;
mod edge;
mod error;
pub mod example;
mod feed;
mod fleet;
mod housekeeping;
mod openapi;
mod pace;
mod people;
mod reading;
mod secret;
mod serve;
mod tls;

pub use alarms::Alarms;
pub use cloud::{Cloud, RunningCloud};
pub use config::{CloudConfig, Limits, Network, ParseNetworkError, Rate, TlsSource};
pub use edge::input::BodyKind;
pub use edge::routes;
pub use error::CloudError;
pub use openapi::openapi;
