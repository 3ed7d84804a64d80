//! What is proven about a caller.

use crate::evidence::VerifiedEvidence;
use crate::time::UnixSeconds;
use std::collections::BTreeSet;

/// What keeps a token from being used by whoever has read it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum SenderConstraint {
    /// Nothing: a plain bearer token.
    #[default]
    None,
    /// A DPoP proof for this call and this vault (RFC 9449).
    Dpop,
    /// `cnf.x5t#S256` is the client certificate of this connection (RFC 8705).
    Certificate,
    /// `aud` is this vault's id, so that no other vault accepts it.
    Audience,
}

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
    /// What binds it to its sender.
    pub constraint: SenderConstraint,
}

/// Everything that is proven about one call. A caller can be several things at once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// The verified token, if the call carries one.
    pub token: Option<TokenFacts>,
    /// The appraised evidence of this connection, if the caller is an enclave.
    pub evidence: Option<VerifiedEvidence>,
}
