//! The gate behind usage and type: who sends the call is proven by more than a bearer token.

use crate::facts::{Facts, SenderConstraint};
use crate::operation::KeyType;

/// Lengths that the blob of a share can have, in bytes. One short list for everything, so that a
/// length tells nothing but its class.
pub const SHARE_CLASSES: [usize; 7] = [320, 1_088, 4_160, 16_448, 65_664, 262_208, 983_104];

/// Whether a caller with these facts may touch a key of this type at all.
///
/// A vault that keeps a plain bearer token could fetch the other shares with it from the other
/// vaults. So a share needs a token that is bound to its sender or to this vault, or a caller
/// without token on a connection whose evidence was appraised. Evidence beside a plain token does
/// not help: the token alone could be replayed. A client certificate alone is not enough: whoever
/// shares a secret among vaults names tokens or enclaves.
pub fn sender_allows(key_type: KeyType, facts: &Facts) -> bool {
    match key_type {
        KeyType::RawShare => is_bound(facts),
        KeyType::P256Signing
        | KeyType::Ed25519Signing
        | KeyType::Aes256Gcm
        | KeyType::HmacSha256 => true,
    }
}

fn is_bound(facts: &Facts) -> bool {
    match &facts.token {
        Some(token) => token.constraint != SenderConstraint::None,
        None => facts.evidence.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{EvidenceClaims, SgxFacts, TcbStatus, Tee, VerifiedEvidence};
    use crate::facts::{CertificateFacts, TokenFacts};
    use crate::ids::{Measurement, PlatformId};
    use crate::time::UnixSeconds;
    use std::collections::BTreeSet;
    use vault_encoding::Hash;

    fn token(constraint: SenderConstraint) -> TokenFacts {
        TokenFacts {
            issuer: "https://issuer.example".into(),
            subject: "ann".into(),
            roles: BTreeSet::new(),
            expires_at: UnixSeconds(1),
            constraint,
        }
    }

    fn evidence() -> VerifiedEvidence {
        VerifiedEvidence::assertion(EvidenceClaims {
            tee: Tee::Sgx(SgxFacts {
                mrenclave: Measurement(Hash([1; 32])),
                mrsigner: Measurement(Hash([2; 32])),
                isv_prod_id: 0,
                isv_svn: 0,
            }),
            platform_id: PlatformId(Hash([3; 32])),
            config_merkle_root: None,
            oids: Vec::new(),
            tcb_status: TcbStatus::UpToDate,
            advisories: Vec::new(),
            tcb_evaluation_data_number: 0,
            tcb_date: UnixSeconds(0),
            collateral_issued_at: UnixSeconds(0),
            simulated: true,
        })
    }

    fn certificate() -> CertificateFacts {
        CertificateFacts {
            spki: Hash([4; 32]),
            sans: BTreeSet::new(),
            issuers: BTreeSet::new(),
        }
    }

    /// From the table of docs/policy.md, not from the code.
    #[test]
    fn a_share_takes_a_bound_token_or_evidence_alone_and_every_other_type_takes_anything() {
        use SenderConstraint::{Audience, Certificate, Dpop, None as Plain};
        let table = [
            (None, false, false),
            (None, true, true),
            (Some(Plain), false, false),
            (Some(Plain), true, false),
            (Some(Dpop), false, true),
            (Some(Dpop), true, true),
            (Some(Certificate), false, true),
            (Some(Certificate), true, true),
            (Some(Audience), false, true),
            (Some(Audience), true, true),
        ];
        let each = table
            .into_iter()
            .flat_map(|row| [(row, false), (row, true)]);
        for ((constraint, attested, share), with_certificate) in each {
            let facts = Facts {
                token: constraint.map(token),
                evidence: attested.then(evidence),
                // It adds nothing.
                certificate: with_certificate.then(certificate),
                ..Facts::default()
            };
            for key_type in KeyType::ALL {
                let expected = share || key_type != KeyType::RawShare;
                assert_eq!(sender_allows(key_type, &facts), expected, "{facts:?}");
            }
        }
    }

    #[test]
    fn the_size_classes_ascend_and_the_greatest_fits_into_a_request() {
        assert!(SHARE_CLASSES.is_sorted_by(|less, more| less < more));
        assert!(SHARE_CLASSES.iter().all(|class| *class < 1 << 20));
    }
}
