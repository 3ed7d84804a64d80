//! Access tokens (RFC 7519, RFC 9068).

use vault_policy::TokenFacts;

/// A token that was verified for this call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenProof(TokenFacts);

impl TokenProof {
    /// Asserts that signature, issuer, audience, type and times of a token were verified.
    /// Outside tests only this module may call it.
    pub fn assertion(facts: TokenFacts) -> Self {
        Self(facts)
    }

    /// What the token says.
    pub fn facts(&self) -> &TokenFacts {
        &self.0
    }
}
