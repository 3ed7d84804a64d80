//! The two gates behind the policy's rules: usage, and the type of the key.

use crate::model::Usage;
use crate::operation::{KeyType, Operation};

/// Whether the key's usage allows the operation. Reading the public key and staging a profile use
/// no secret and are not bounded by usage.
pub fn usage_allows(usage: &Usage, operation: Operation) -> bool {
    matches!(operation, Operation::GetPublicKey | Operation::StageProfile)
        || usage.operations.contains(&operation)
}

/// Whether keys of this type can do the operation at all.
pub fn type_allows(key_type: KeyType, operation: Operation) -> bool {
    use Operation::{
        GetPublicKey, Mac, MacVerify, Reconstruct, Sign, SignDigest, Unwrap, Verify, Wrap,
    };
    if operation == Operation::StageProfile {
        return true;
    }
    match key_type {
        KeyType::P256Signing => matches!(operation, Sign | SignDigest | Verify | GetPublicKey),
        KeyType::Ed25519Signing => matches!(operation, Sign | Verify | GetPublicKey),
        KeyType::Aes256Gcm => matches!(operation, Wrap | Unwrap),
        KeyType::HmacSha256 => matches!(operation, Mac | MacVerify),
        KeyType::RawShare => matches!(operation, Reconstruct),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Reserved;
    use std::collections::BTreeSet;

    #[test]
    fn every_type_can_do_something_and_none_everything() {
        let able: Vec<usize> = KeyType::ALL
            .map(|kind| {
                Operation::USES
                    .into_iter()
                    .filter(|op| type_allows(kind, *op))
                    .count()
            })
            .to_vec();
        assert_eq!(able, [4, 3, 2, 2, 1]);
        assert!(!type_allows(KeyType::Ed25519Signing, Operation::SignDigest));
    }

    #[test]
    fn usage_bounds_everything_but_reading_the_public_key_and_staging() {
        let usage = Usage {
            operations: BTreeSet::from([Operation::Sign]),
            export: Reserved,
        };
        for operation in Operation::ALL {
            let allowed = matches!(
                operation,
                Operation::Sign | Operation::GetPublicKey | Operation::StageProfile
            );
            assert_eq!(usage_allows(&usage, operation), allowed, "{operation:?}");
        }
    }
}
