//! Key sets of issuers.

use vault_core::authn::jwks::KeySet;

/// One input.
pub fn run(data: &[u8]) {
    let _ = KeySet::parse(data);
}
