//! The policy crate from outside: vectors, bounds, schema, properties.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod approvals;
mod bounds;
mod evolution;
mod generate;
mod governed;
mod limits;
mod names;
mod people;
mod phrases;
mod properties;
mod schema;
mod support;
mod updates;
mod usable;
mod vectors;
mod words;
