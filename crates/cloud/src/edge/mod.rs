//! The HTTP edge: the one way from a request to an answer.
//!
//! [`routes`] is the only place where a path meets a handler, [`dispatch`] the only one that asks the gate before anything of the
//! request's body is read, [`answer`] the only one that makes a response. Raw routers and responses are banned elsewhere
//! (`clippy.toml`), so that what a handler gives back has passed through a Permit.

pub(crate) mod answer;
pub(crate) mod assets;
pub(crate) mod client;
pub(crate) mod dispatch;
pub(crate) mod fault;
pub(crate) mod input;
pub(crate) mod limits;
pub(crate) mod params;
pub mod routes;
pub(crate) mod uploads;
