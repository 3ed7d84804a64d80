//! What is proven about a caller.

use crate::evidence::VerifiedEvidence;
use crate::principal::OidcSubject;
use crate::time::{UnixSeconds, VaultTime};
use std::collections::BTreeSet;
use vault_encoding::Hash;

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

/// What the verified client certificate of this connection says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CertificateFacts {
    /// SHA-256 of the leaf's SubjectPublicKeyInfo.
    pub spki: Hash,
    /// Its subject alternative names: `dns:NAME`, `uri:…`, `email:…`, `ip:…`.
    pub sans: BTreeSet<String>,
    /// SHA-256 of the SubjectPublicKeyInfo of each authority of the chain that was presented and
    /// verified.
    pub issuers: BTreeSet<Hash>,
}

/// An approval of this exact request, verified by the vault, whose nonce was open and is spent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Approved {
    /// Who.
    pub by: Approver,
    /// When the request was begun.
    pub begun: VaultTime,
}

/// Who approved, as far as the proof tells.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Approver {
    /// An authenticator.
    Fido2 {
        /// Its credential id.
        credential_id: Vec<u8>,
        /// The key that verified the assertion.
        public_key: Vec<u8>,
    },
    /// The subject of a token.
    Oidc(OidcSubject),
}

/// Everything that is proven about one call. A caller can be several things at once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// The verified token, if the call carries one.
    pub token: Option<TokenFacts>,
    /// The appraised evidence of this connection, if the caller is an enclave.
    pub evidence: Option<VerifiedEvidence>,
    /// The client certificate of this connection, if it has one.
    pub certificate: Option<CertificateFacts>,
    /// Who approved this exact request.
    pub approvals: Vec<Approved>,
}
