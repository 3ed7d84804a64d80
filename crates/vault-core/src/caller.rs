//! Who calls, as far as it is proven.

use crate::api::{Code, Refusal};
use crate::authn::token::TokenProof;
use vault_policy::{Facts, OidcSubject, UnixSeconds, VerifiedEvidence};

/// A call's proven facts. Made only from proofs.
///
/// ```compile_fail
/// let facts = vault_policy::Facts::default();
/// let forged = vault_core::Caller { facts, subject: None };
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    facts: Facts,
    subject: Option<OidcSubject>,
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
        let subject = token.as_ref().map(|token| OidcSubject {
            issuer: token.issuer.clone(),
            subject: token.subject.clone(),
        });
        Ok(Self {
            facts: Facts { token, evidence },
            subject,
        })
    }

    /// What is proven.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The subject of the token, if there is one.
    pub fn subject(&self) -> Option<&OidcSubject> {
        self.subject.as_ref()
    }

    /// When the caller's token expires.
    pub fn expires_at(&self) -> Option<UnixSeconds> {
        self.facts.token.as_ref().map(|token| token.expires_at)
    }
}
