//! Which type can do what: the last of the three gates, after policy and usage.

use vault_policy::{KeyType, Operation};

/// Whether a key of this type can do this at all. Total: a new type or operation does not
/// compile until it stands here.
pub fn allowed_by_type(key_type: KeyType, operation: Operation) -> bool {
    use Operation::{GetPublicKey, Mac, MacVerify, Sign, SignDigest, Unwrap, Verify, Wrap};
    match key_type {
        KeyType::P256Signing => match operation {
            Sign | SignDigest | Verify | GetPublicKey => true,
            Wrap | Unwrap | Mac | MacVerify => false,
        },
        KeyType::Ed25519Signing => match operation {
            Sign | Verify | GetPublicKey => true,
            SignDigest | Wrap | Unwrap | Mac | MacVerify => false,
        },
        KeyType::Aes256Gcm => match operation {
            Wrap | Unwrap => true,
            Sign | SignDigest | Verify | GetPublicKey | Mac | MacVerify => false,
        },
        KeyType::HmacSha256 => match operation {
            Mac | MacVerify => true,
            Sign | SignDigest | Verify | GetPublicKey | Wrap | Unwrap => false,
        },
    }
}
