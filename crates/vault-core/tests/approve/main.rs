//! Approvals from outside the core: what is accepted, what never is, who counts, what the log and strangers see.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests, one of which reads how long it is to run"
)]

#[path = "../../../vault-test/src/authenticator.rs"]
#[allow(dead_code, unreachable_pub, reason = "a module of another crate")]
mod authenticator;
#[path = "../common/mod.rs"]
mod common;

mod bound;
mod certificates;
mod changing;
mod inject;
mod kinds;
mod mutation;
mod persons;
mod revoked;
mod seen;
mod world;
