//! Simulated constellation, issuer, faulty disk; the end-to-end tests.

pub mod authenticator;
pub mod bench;
pub mod constellation;
pub mod issuer;
pub mod liar;
pub mod process;
pub mod proxy;
pub mod sim;
pub mod soak;
