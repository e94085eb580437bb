//! The adversary: whole homes on a real server, played by their protocols, and what strangers, thieves and broken disks do to them.
//!
//! Nothing here ships. A [`Stage`] is a real cloud on real stores in a temporary folder, listening on loopback; its stores write
//! down what was asked of them ([`watched`]), so that a test can say not only what an answer was, but also that nothing was
//! looked at for it. What is played here (people, agents) uses the same client and the same bytes as the real ones.

pub mod caller;
pub mod damage;
pub mod fleet;
pub mod household;
pub mod played_agent;
pub mod props;
pub mod reads;
pub mod stage;
pub mod watched;

pub use caller::{Caller, Shown, Traits};
pub use household::{Household, Recorded};
pub use played_agent::PlayedAgent;
pub use stage::{PASSWORD, Stage};
