//! The governance crate from outside: vectors, bounds, properties.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod bounds;
mod properties;
mod support;
mod vectors;
