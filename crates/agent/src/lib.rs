//! The camera side: watches a home's cameras, seals what they see to the people of the home, and brings it to the cloud.
//!
//! An agent holds public keys only. What it records is sealed at once (`recorder`), lies sealed in a spool on the disk ([`spool`]),
//! and leaves it only when the server has acknowledged it by number and hash ([`upload`]). Whom it seals to follows from the
//! home's signed chain, which it verifies itself; the server can't slip in a key.
//!
//! For a program: [`AgentDir`] is an agent's folder; [`AgentDir::run`] runs the agent in it, and every command
//! ([`AgentDir::pair`], [`AgentDir::add_camera`], [`AgentDir::trigger`], [`AgentDir::status`], [`AgentDir::reset`]) works on it
//! whether the agent runs, in this process or another, or not. [`probe`] looks at a camera before it is added.
//!
//! ```no_run
//! # async fn example(code: &str) -> Result<(), Box<dyn std::error::Error>> {
//! use keepsight_agent::{AgentConfig, AgentDir};
//! use keepsight_world::World;
//! use tokio_util::sync::CancellationToken;
//!
//! let dir = AgentDir::open("keepsight-agent".as_ref(), AgentConfig::default(), World::real())?;
//! let shutdown = CancellationToken::new();
//! let running = tokio::spawn({ let (dir, shutdown) = (dir.clone(), shutdown.clone()); async move { dir.run(shutdown).await } });
//! dir.pair(&"https://localhost:8420".parse()?, code).await?;
//! println!("{:?}", dir.status().await?.home);
//! shutdown.cancel();
//! running.await??;
//! # Ok(())
//! # }
//! ```
//!
//! For simulations and load tests: [`Agent`] runs on any [`disk::Disk`] and network ([`http::Dial`]); [`light`] uploads sealed Events
//! without cameras.

mod agent;
mod command;
mod dir;
pub mod disk;
mod error;
pub mod http;
pub mod light;
mod pairing;
mod recorder;
mod shared;
pub mod spool;
mod state;
pub mod upload;

pub use agent::{Agent, AgentConfig};
pub use command::{AgentHandle, AgentStatus, CameraStatus, HomeStatus, NewCamera, SpoolStatus};
pub use dir::AgentDir;
pub use error::AgentError;
pub use keepsight_camera::{Found, probe};
pub use pairing::Paired;
pub use state::Source;
