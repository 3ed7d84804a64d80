//! What is proven about a caller.

use crate::evidence::VerifiedEvidence;
use crate::time::UnixSeconds;
use std::collections::BTreeSet;

/// What a verified access token says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenFacts {
    /// `iss`, byte for byte.
    pub issuer: String,
    /// `sub`, byte for byte.
    pub subject: String,
    /// The roles that the token names and that this issuer may grant.
    pub roles: BTreeSet<String>,
    /// `exp`.
    pub expires_at: UnixSeconds,
}

/// Everything that is proven about one call. A caller can be several things at once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// The verified token, if the call carries one.
    pub token: Option<TokenFacts>,
    /// The appraised evidence of this connection, if the caller is an enclave.
    pub evidence: Option<VerifiedEvidence>,
}
