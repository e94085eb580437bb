//! The cache against real servers: the Redis and the Valkey that are installed, started as private instances. Where one is not installed, its test says so.

#![cfg(feature = "suite")]

mod servers {
    mod away;
    pub mod fixture;
    mod kept;
}
