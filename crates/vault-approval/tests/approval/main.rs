//! The approval crate from outside: vectors, bounds, properties.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests, which read and write vectors"
)]

#[path = "../../../vault-test/src/authenticator.rs"]
#[allow(dead_code, unreachable_pub, reason = "a module of another crate")]
mod authenticator;
mod decide;
mod exact;
mod properties;
mod support;
mod vectors;
mod write;
