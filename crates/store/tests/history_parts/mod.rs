//! What the history tests are made of.

pub mod contests;
pub mod judge;
pub mod operator;
pub mod scene;
