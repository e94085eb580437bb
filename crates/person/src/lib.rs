//! The people's side of Keepsight in Rust: what a browser does, without a browser.
//!
//! A [`Person`] signs up, unlocks their keys, founds homes, pairs agents, invites and removes people, and opens Events with
//! the same comparisons as the web client: home, camera, Event, kind and number of what comes are those that were asked for, or
//! nothing is shown. It remembers each home's chain as it saw it, and believes nothing older or other.
//!
//! It is used by the demo and by tests; a server is never trusted here with more than it would be by a browser. For probes that
//! want the bytes as they are there is [`Person::request`], and [`Api`] alone for somebody who is signed out.

mod api;
mod error;
mod events;
mod home;
mod keys;
mod members;
mod pairing;
mod person;
mod tls;
mod transport;
mod updates;

pub use api::{Answer, Api};
pub use error::PersonError;
pub use events::{EventQuery, OpenEvent, WatchedEvent};
pub use home::OpenHome;
pub use keys::KeysReplaced;
pub use pairing::Pairing;
pub use person::{Person, SignedUp};
pub use tls::{Connector, Stream, Trust};
pub use transport::{Body, BoxError, HyperTransport, Pending, Transport};
pub use updates::UpdateStream;
