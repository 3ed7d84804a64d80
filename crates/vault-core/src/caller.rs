//! Who calls, as far as it is proven.

use crate::api::{Code, Refusal};
use crate::authn::token::TokenProof;
use vault_policy::{Facts, UnixSeconds, VerifiedEvidence};

/// A call's proven facts. Made only from proofs.
///
/// ```compile_fail
/// let facts = vault_policy::Facts::default();
/// let forged = vault_core::Caller { facts };
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    facts: Facts,
}

impl Caller {
    /// A caller with at least one proof: a verified token, evidence appraised on this
    /// connection, or both.
    pub fn new(
        token: Option<TokenProof>,
        evidence: Option<VerifiedEvidence>,
    ) -> Result<Self, Refusal> {
        if token.is_none() && evidence.is_none() {
            return Err(Refusal::new(Code::Unauthenticated));
        }
        let token = token.map(|proof| proof.facts().clone());
        Ok(Self {
            facts: Facts { token, evidence },
        })
    }

    /// What is proven.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// When the caller's token expires.
    pub fn expires_at(&self) -> Option<UnixSeconds> {
        self.facts.token.as_ref().map(|token| token.expires_at)
    }
}
