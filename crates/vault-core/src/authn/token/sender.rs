//! Whether the sender of a verified token may use it: the step from what an issuer has signed to a
//! proof for one call.

use super::{Confirmation, TokenProof};
use crate::authn::dpop::FreshProof;
use vault_encoding::Hash;
use vault_policy::{SenderConstraint, TokenFacts, UnixSeconds};

/// A token whose signature and claims were verified. It says nothing about its sender, and may be
/// kept for later calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedToken {
    hash: Hash,
    facts: TokenFacts,
    confirmation: Confirmation,
}

/// Why the sender of a token may not use it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SenderError {
    /// It is bound to a key, and was sent as a bearer token.
    #[error("proof_required")]
    ProofRequired,
    /// It was sent with a proof, and is not bound to a key.
    #[error("not_bound")]
    NotBound,
    /// The proof is made with another key than the one that it is bound to.
    #[error("other_key")]
    OtherKey,
    /// The proof was verified for another token.
    #[error("other_token")]
    OtherToken,
    /// It is bound to a client certificate, and the connection shows none.
    #[error("certificate_required")]
    CertificateRequired,
    /// It is bound to another client certificate than the connection's.
    #[error("other_certificate")]
    OtherCertificate,
}

impl VerifiedToken {
    pub(super) fn new(hash: Hash, facts: TokenFacts, confirmation: Confirmation) -> Self {
        Self {
            hash,
            facts,
            confirmation,
        }
    }

    /// SHA-256 of the token's text, which proofs name in `ath`.
    pub fn hash(&self) -> &Hash {
        &self.hash
    }

    /// `iss`.
    pub fn issuer(&self) -> &str {
        &self.facts.issuer
    }

    /// `exp`.
    pub fn expires_at(&self) -> UnixSeconds {
        self.facts.expires_at
    }

    /// What its sender has to prove.
    pub fn confirmation(&self) -> Confirmation {
        self.confirmation
    }

    /// For a call with scheme `Bearer`, over a connection whose client holds the key of the
    /// certificate with this SHA-256.
    pub fn as_bearer(&self, certificate: Option<&Hash>) -> Result<TokenProof, SenderError> {
        match (self.confirmation, certificate) {
            (Confirmation::None, _) => Ok(self.proof(self.facts.constraint)),
            (Confirmation::Key(_), _) => Err(SenderError::ProofRequired),
            (Confirmation::Certificate(_), None) => Err(SenderError::CertificateRequired),
            (Confirmation::Certificate(bound), Some(shown)) if bound == *shown => {
                Ok(self.proof(SenderConstraint::Certificate))
            }
            (Confirmation::Certificate(_), Some(_)) => Err(SenderError::OtherCertificate),
        }
    }

    /// For a call with scheme `DPoP` and this proof.
    pub fn with_proof(&self, proof: &FreshProof) -> Result<TokenProof, SenderError> {
        if *proof.token() != self.hash {
            return Err(SenderError::OtherToken);
        }
        match self.confirmation {
            Confirmation::Key(bound) if bound == *proof.thumbprint() => {
                Ok(self.proof(SenderConstraint::Dpop))
            }
            Confirmation::Key(_) => Err(SenderError::OtherKey),
            Confirmation::None | Confirmation::Certificate(_) => Err(SenderError::NotBound),
        }
    }

    fn proof(&self, constraint: SenderConstraint) -> TokenProof {
        TokenProof(TokenFacts {
            constraint,
            ..self.facts.clone()
        })
    }
}
