//! A home's chain of members: entries, the rules between them, the verified view, and making the next entry.

mod draft;
mod entry;
mod rules;
mod view;

pub use draft::{Draft, Founded, found_home};
pub use entry::{AgentPlace, Entry, MAX_AGENTS, MAX_SLOTS, Slot};
pub use rules::VerifiedEntry;
pub use view::{Chain, MAX_CHAIN_BYTES, MAX_OWN_ENTRIES, Pin};
