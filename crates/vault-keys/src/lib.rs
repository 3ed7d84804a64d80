//! Typed keys, their operations, and nothing that can print them.
//!
//! Sans-IO. The caller must: hold a [`Permit`] of `vault_policy::evaluate` for every operation
//! (it is spent by value and must name this key, this version and this operation); pass a
//! cryptographic [`Rng`]; write the audit record before a result leaves the vault.
//!
//! An operation without a permit does not compile:
//!
//! ```compile_fail
//! fn unasked(key: &vault_keys::ParsedKey) {
//!     let _ = key.mac(b"message");
//! }
//! ```
//!
//! A permit is spent once:
//!
//! ```compile_fail
//! fn twice(key: &vault_keys::ParsedKey, permit: vault_policy::Permit) {
//!     let _ = key.mac(permit, b"one");
//!     let _ = key.mac(permit, b"two");
//! }
//! ```
//!
//! ```
//! fn once(key: &vault_keys::ParsedKey, permit: vault_policy::Permit) {
//!     let _ = key.mac(permit, b"one");
//! }
//! ```
//!
//! No key can be printed, copied or compared:
//!
//! ```compile_fail
//! fn print(key: &vault_keys::KeyMaterial) { println!("{key:?}"); }
//! ```
//!
//! ```compile_fail
//! fn print(key: &vault_keys::ParsedKey) { println!("{key:?}"); }
//! ```
//!
//! ```compile_fail
//! fn copy(key: &vault_keys::KeyMaterial) -> vault_keys::KeyMaterial { key.clone() }
//! ```
//!
//! ```compile_fail
//! fn compare(a: &vault_keys::KeyMaterial, b: &vault_keys::KeyMaterial) -> bool { a == b }
//! ```
//!
//! [`Permit`]: vault_policy::Permit

mod cache;
mod error;
mod mac;
mod mac_verify;
mod material;
mod p256;
mod parsed;
mod public_key;
mod reconstruct;
mod rng;
mod sealed;
mod sign;
mod signature;
mod unwrap;
mod verify;
mod wrap;
mod wrap_header;
mod xaes;

#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod testing;
#[cfg(test)]
mod wycheproof_tests;

pub use cache::KeyCache;
pub use error::KeyError;
pub use mac::{TAG_LEN, Tag};
pub use material::{KeyMaterial, SECRET_LEN, SecretAccess};
pub use parsed::{KeyIdentity, ParsedKey};
pub use rng::Rng;
pub use sealed::{MemoryKey, SealedMaterial};
pub use sign::SignInput;
pub use signature::{SignatureBytes, SignatureFormat};
pub use wrap_header::{WRAP_OVERHEAD, WrapHeader};

/// Which type can do what: the last of the three gates, after policy and usage. One table, and
/// it stands beside the vocabulary that it is about.
pub use vault_policy::type_allows as allowed_by_type;
