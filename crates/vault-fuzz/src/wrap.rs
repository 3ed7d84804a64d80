//! Ciphertexts that somebody else made: none unwraps, and a header has one spelling.

#[path = "../../vault-keys/tests/support/mod.rs"]
mod support;

use std::sync::LazyLock;
use vault_keys::{KeyIdentity, KeyMaterial, ParsedKey, SecretAccess, WrapHeader};
use vault_policy::{KeyType, Operation};

static KEY: LazyLock<ParsedKey> = LazyLock::new(|| {
    let access = SecretAccess::granted();
    let material =
        KeyMaterial::from_secret_bytes(KeyType::Aes256Gcm, &[5; 32], access).expect("a key");
    ParsedKey::parse(KeyIdentity::of_subject(&support::subject()), &material).expect("a key")
});

/// One input.
pub fn run(data: &[u8]) {
    if let Ok(header) = WrapHeader::parse(data) {
        assert_eq!(header.to_bytes(), data[..WrapHeader::LEN]);
    }
    // Behind the right header, too, so that the rest is reached.
    let identity = KEY.identity();
    let header = WrapHeader {
        lineage: identity.lineage,
        version: identity.version,
    }
    .to_bytes();
    for ciphertext in [data.to_vec(), [header.as_slice(), data].concat()] {
        let permit = support::permit(Operation::Unwrap);
        assert!(KEY.unwrap(permit, &ciphertext, b"").is_err(), "forged");
    }
}
