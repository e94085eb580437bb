//! The cache against real servers: Redis 7 and Valkey 9, started as private instances. Where one is not installed, its test says so.

#![cfg(feature = "suite")]

mod servers {
    mod away;
    pub mod fixture;
    mod kept;
}
