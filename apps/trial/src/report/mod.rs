//! What a run has found, for people and for other programs: tables for the terminal, HTML with charts, JUnit, a line of JSON. It reads
//! [`crate::verdict`] and judges nothing.
//!
//! Names, keys and replies come from outside, so whatever is written into HTML or XML goes through `escape.rs`.

mod chart;
mod client;
mod escape;
mod html;
mod junit;
mod summary;
mod table;
mod words;

pub use html::html;
pub use junit::junit;
pub use summary::summary;
pub use table::table;
