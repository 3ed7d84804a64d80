//! Canonical bytes: strict JSON, JCS, domain-separated hashes and RFC 6962 trees.
//!
//! Pure and allocation-bounded. Everything that is hashed or signed anywhere in the product is
//! built from this crate, so that there is one rule to check: ASCII domain, a zero byte, then
//! fixed-width fields or one canonical JSON text at the end.

mod canonical;
mod chunks;
mod domain;
mod json;
pub mod merkle;
pub mod text;

pub use canonical::{Canonical, CanonicalError};
pub use chunks::Chunks;
pub use domain::{Domain, Hash, sha256, sha512};
pub use json::{Json, JsonError, Limits};
