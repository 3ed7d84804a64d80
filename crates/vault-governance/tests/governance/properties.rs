//! What must hold for all inputs.

use crate::support::{CONSTELLATION, anchor, key, manifest, quorum, signed};
use proptest::prelude::*;
use std::collections::BTreeSet;
use vault_encoding::Hash;
use vault_governance::{Expected, GovernanceError, ManifestChain, Reconfiguration, verify_chain};
use vault_policy::VaultId;

fn statement(nonce: [u8; 32]) -> Reconfiguration {
    Reconfiguration {
        constellation: CONSTELLATION,
        vault_id: VaultId(Hash([1; 32])),
        old_trust_root: Hash([2; 32]),
        new_trust_root: Hash([3; 32]),
        nonce,
    }
}

proptest! {
    #[test]
    fn neither_parser_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = ManifestChain::parse(&bytes);
        let _ = Reconfiguration::parse(&bytes);
    }

    #[test]
    fn a_statement_has_one_text(nonce in any::<[u8; 32]>()) {
        let made = statement(nonce);
        prop_assert_eq!(Reconfiguration::parse(&made.canonical_bytes()), Ok(made));
    }

    #[test]
    fn no_changed_byte_of_a_signed_chain_is_believed_as_something_else(
        at in any::<proptest::sample::Index>(),
        change in 1u8..,
    ) {
        let governance = quorum(&[1, 2], 2);
        let chain = ManifestChain::first(signed(manifest(1, governance.clone()), &[1, 2]));
        let mut bytes = chain.to_json().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        if let Ok(read) = ManifestChain::parse(&bytes)
            && let Ok(believed) = verify_chain(&read, &anchor(&[1, 2], 2))
        {
            prop_assert_eq!(believed, manifest(1, governance));
        }
    }

    #[test]
    fn exactly_a_threshold_of_distinct_sealed_keys_is_accepted(
        sealed in proptest::collection::btree_set(1u8..8, 1..5),
        threshold in 1u8..5,
        signers in proptest::collection::vec(1u8..10, 0..8),
    ) {
        let numbers: Vec<u8> = sealed.iter().copied().collect();
        let threshold = threshold.min(numbers.len() as u8);
        let governance = quorum(&numbers, threshold);
        let statement = statement([9; 32]);
        let signatures: Vec<_> = signers
            .iter()
            .map(|&number| key(number).sign_reconfiguration(&statement))
            .collect();
        let expected = Expected {
            vault_id: statement.vault_id,
            constellation: CONSTELLATION,
            trust_root: statement.old_trust_root,
            governance: &governance,
        };
        let distinct: BTreeSet<u8> = signers.iter().copied().collect();
        let verdict = statement.verify(&expected, &signatures);
        if !distinct.is_subset(&sealed) {
            prop_assert!(matches!(verdict, Err(GovernanceError::NotAGovernanceKey(_))));
        } else if distinct.len() < usize::from(threshold) {
            let (need, have) = (threshold, distinct.len() as u8);
            prop_assert_eq!(verdict, Err(GovernanceError::QuorumNotMet { need, have }));
        } else {
            prop_assert_eq!(verdict.unwrap().len(), distinct.len());
        }
    }

    #[test]
    fn every_field_of_a_statement_is_signed(field in 0usize..5) {
        let (signed, mut other) = (statement([9; 32]), statement([9; 32]));
        let signature = key(1).sign_reconfiguration(&signed);
        match field {
            0 => other.constellation.0.0[0] ^= 1,
            1 => other.vault_id.0.0[0] ^= 1,
            2 => other.old_trust_root.0[0] ^= 1,
            3 => other.new_trust_root.0[0] ^= 1,
            _ => other.nonce[0] ^= 1,
        }
        let governance = quorum(&[1], 1);
        let refused = governance.verify(&other.message(), &[signature]);
        prop_assert_eq!(refused, Err(GovernanceError::BadSignature(key(1).public())));
    }
}
