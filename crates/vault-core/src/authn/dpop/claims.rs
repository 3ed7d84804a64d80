//! The claims of a proof, each read as its one JSON type. Others are not looked at.

use super::{Claim, ProofError};
use vault_encoding::{Hash, Json, JsonError, Limits, sha256};

const LIMITS: Limits = Limits {
    bytes: 2048,
    depth: 4,
    nodes: 32,
};
const LONGEST_JTI: usize = 128;

pub(super) struct Claims(Json);

impl Claims {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ProofError> {
        match Json::parse(bytes, LIMITS) {
            Ok(json @ Json::Map(_)) => Ok(Self(json)),
            Err(JsonError::DuplicateName(_)) => Err(ProofError::DuplicateName),
            Ok(_) | Err(_) => Err(ProofError::ClaimsMalformed),
        }
    }

    /// SHA-256 of `jti`.
    pub(super) fn id(&self) -> Result<Hash, ProofError> {
        let id = self.required(Claim::Jti)?;
        match (1..=LONGEST_JTI).contains(&id.len()) {
            true => Ok(sha256(id.as_bytes())),
            false => Err(ProofError::ClaimNotAllowed(Claim::Jti)),
        }
    }

    pub(super) fn issued_at(&self) -> Result<u64, ProofError> {
        match self.0.get(Claim::Iat.name()) {
            None => Err(ProofError::ClaimMissing(Claim::Iat)),
            Some(value) => value.as_u64().ok_or(ProofError::ClaimType(Claim::Iat)),
        }
    }

    pub(super) fn method(&self) -> Result<&str, ProofError> {
        self.required(Claim::Htm)
    }

    pub(super) fn uri(&self) -> Result<&str, ProofError> {
        self.required(Claim::Htu)
    }

    pub(super) fn token(&self) -> Result<&str, ProofError> {
        self.required(Claim::Ath)
    }

    /// Absent in the first proof of a client that does not know it yet.
    pub(super) fn nonce(&self) -> Result<Option<&str>, ProofError> {
        self.text(Claim::Nonce)
    }

    fn required(&self, claim: Claim) -> Result<&str, ProofError> {
        self.text(claim)?.ok_or(ProofError::ClaimMissing(claim))
    }

    fn text(&self, claim: Claim) -> Result<Option<&str>, ProofError> {
        match self.0.get(claim.name()) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(_) => Err(ProofError::ClaimType(claim)),
        }
    }
}
