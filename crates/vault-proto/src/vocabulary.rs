//! The wire's names for what `vault-policy` names.

use crate::v1;
use buffa::EnumValue;
use vault_encoding::Hash;
use vault_policy::{KeyHandle, KeyType, Lineage};

/// A field that does not name what it should.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field} is {problem}")]
pub struct WireError {
    /// The field, by its name in the proto.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// A key type; unspecified and unknown values are refused.
pub fn key_type(value: EnumValue<v1::KeyType>) -> Result<KeyType, WireError> {
    let refused = |problem| {
        Err(WireError {
            field: "type",
            problem,
        })
    };
    match value.as_known() {
        Some(v1::KeyType::KEY_TYPE_P256_SIGNING) => Ok(KeyType::P256Signing),
        Some(v1::KeyType::KEY_TYPE_ED25519_SIGNING) => Ok(KeyType::Ed25519Signing),
        Some(v1::KeyType::KEY_TYPE_AES256_GCM) => Ok(KeyType::Aes256Gcm),
        Some(v1::KeyType::KEY_TYPE_HMAC_SHA256) => Ok(KeyType::HmacSha256),
        Some(v1::KeyType::KEY_TYPE_RAW_SHARE) => Ok(KeyType::RawShare),
        Some(v1::KeyType::KEY_TYPE_UNSPECIFIED) => refused("missing"),
        None => refused("unknown"),
    }
}

/// The wire's name of a key type.
pub fn to_key_type(key_type: KeyType) -> v1::KeyType {
    match key_type {
        KeyType::P256Signing => v1::KeyType::KEY_TYPE_P256_SIGNING,
        KeyType::Ed25519Signing => v1::KeyType::KEY_TYPE_ED25519_SIGNING,
        KeyType::Aes256Gcm => v1::KeyType::KEY_TYPE_AES256_GCM,
        KeyType::HmacSha256 => v1::KeyType::KEY_TYPE_HMAC_SHA256,
        KeyType::RawShare => v1::KeyType::KEY_TYPE_RAW_SHARE,
    }
}

/// The name of a key's state in JSON and on the command line; `None` for unknown ones.
pub fn key_state_name(state: EnumValue<v1::KeyState>) -> Option<&'static str> {
    match state.as_known()? {
        v1::KeyState::KEY_STATE_ENABLED => Some("enabled"),
        v1::KeyState::KEY_STATE_DESTROYED => Some("destroyed"),
        v1::KeyState::KEY_STATE_PENDING_DELETION => Some("pending_deletion"),
        v1::KeyState::KEY_STATE_UNSPECIFIED => None,
    }
}

/// A handle.
pub fn key_handle(text: &str) -> Result<KeyHandle, WireError> {
    text.parse().map_err(|_| WireError {
        field: "handle",
        problem: "not a key handle",
    })
}

/// A lineage; empty means that the caller names none.
pub fn lineage(bytes: &[u8]) -> Result<Option<Lineage>, WireError> {
    optional_hash("lineage", bytes).map(|hash| hash.map(Lineage))
}

/// Exactly 32 bytes.
pub fn hash(field: &'static str, bytes: &[u8]) -> Result<Hash, WireError> {
    Hash::from_slice(bytes).ok_or(WireError {
        field,
        problem: "not 32 bytes",
    })
}

/// Exactly 32 bytes, or nothing.
pub fn optional_hash(field: &'static str, bytes: &[u8]) -> Result<Option<Hash>, WireError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    hash(field, bytes).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_type_has_one_name_on_the_wire() {
        for known in KeyType::ALL {
            assert_eq!(key_type(to_key_type(known).into()), Ok(known));
        }
    }

    #[test]
    fn unspecified_and_unknown_key_types_are_refused() {
        assert_eq!(key_type(EnumValue::from(0)).unwrap_err().problem, "missing");
        for value in [6, 99, -1, i32::MAX] {
            assert_eq!(
                key_type(EnumValue::from(value)).unwrap_err().problem,
                "unknown"
            );
        }
    }

    #[test]
    fn a_hash_is_32_bytes_and_an_absent_one_is_empty() {
        assert_eq!(optional_hash("lineage", &[]), Ok(None));
        assert_eq!(lineage(&[7; 32]), Ok(Some(Lineage(Hash([7; 32])))));
        for length in [1, 31, 33, 64] {
            assert!(lineage(&vec![7; length]).is_err(), "{length}");
        }
        assert!(hash("root", &[]).is_err());
    }
}
