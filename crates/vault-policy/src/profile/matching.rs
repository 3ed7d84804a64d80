//! Whether the evidence of a connection is that of a profile.

use super::{AttestationProfile, RequiredOid, SignerMatch};
use crate::evidence::{EvidenceClaims, SgxFacts, TdxFacts, Tee};
use crate::facts::Facts;
use crate::ids::TdMeasurement;
use crate::time::VaultTime;
use crate::truth::Truth;

impl AttestationProfile {
    /// Whether the appraised evidence of this connection matches. No evidence, no match.
    pub fn matches(&self, facts: &Facts, now: VaultTime) -> Truth {
        match &facts.evidence {
            None => Truth::False,
            Some(evidence) => self.matches_claims(evidence.claims(), now),
        }
    }

    fn matches_claims(&self, claims: &EvidenceClaims, now: VaultTime) -> Truth {
        // Destructured, so that a field cannot be added and forgotten.
        let Self {
            name: _,
            mrenclave,
            signer,
            mrtd,
            rtmrs,
            config_merkle_root,
            required_oids,
            platforms,
            tcb,
        } = self;
        let measured = match &claims.tee {
            Tee::Sgx(sgx) => {
                mrtd.is_none()
                    && rtmrs.is_empty()
                    && (mrenclave.is_some() || signer.is_some())
                    && mrenclave.is_none_or(|mrenclave| mrenclave == sgx.mrenclave)
                    && signer.is_none_or(|signer| signer.matches(sgx))
            }
            Tee::Tdx(td) => {
                mrenclave.is_none()
                    && signer.is_none()
                    && *mrtd == Some(td.mrtd)
                    && rtmrs.iter().all(|(index, rtmr)| has(td, *index, rtmr))
                    // No profile can name what a host configured a domain with.
                    && td.mr_config_id == TdMeasurement([0; 48])
            }
        };
        let fixed = measured
            && config_merkle_root.is_none_or(|root| claims.config_merkle_root == Some(root))
            && required_oids
                .iter()
                .all(|required| required.stands_in(claims))
            && (platforms.is_empty() || platforms.contains(&claims.platform_id));
        Truth::from(fixed).and(tcb.accepts(claims, now))
    }
}

fn has(td: &TdxFacts, index: u8, rtmr: &TdMeasurement) -> bool {
    td.rtmrs.get(usize::from(index)) == Some(rtmr)
}

impl SignerMatch {
    fn matches(self, sgx: &SgxFacts) -> bool {
        sgx.mrsigner == self.mrsigner
            && sgx.isv_prod_id == self.isv_prod_id
            && sgx.isv_svn >= self.min_isv_svn
    }
}

impl RequiredOid {
    fn stands_in(&self, claims: &EvidenceClaims) -> bool {
        claims
            .oids
            .iter()
            .any(|(oid, value)| *oid == self.oid && *value == self.value)
    }
}
