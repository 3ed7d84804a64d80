//! DPoP proofs (RFC 9449): a signature over one call, made with the key that its token is bound to.
//!
//! In this order, each step with a reason of its own (RFC 9449, section 4.3):
//! 1. length; three parts of strict base64url; the header is strict JSON with `typ`, `alg` and
//!    `jwk` and nothing else; `typ` is `dpop+jwt`; `alg` is ES256 or EdDSA; `jwk` is a public key of
//!    that algorithm with the members of its kind and no others;
//! 2. the signature stands under that key;
//! 3. the claims are strict JSON; `jti`, `htm`, `htu`, `iat`, `ath` and `nonce` have their types and
//!    bounds;
//! 4. `htm` is the call's method, which is POST; `htu` is `https://<vault id>/<service>/<method>` of
//!    this call at this vault, byte for byte; `ath` is the hash of the token beside it;
//! 5. `nonce` is the one that this vault gave for this connection, so that a proof is worthless on
//!    any other. `iat` is not compared with a clock: the nonce says that the proof is fresh.
//!
//! The proof is then taken once ([`Replays::admit`]), and compared with the token's `cnf.jkt`
//! ([`crate::authn::token::VerifiedToken::with_proof`]).

mod claims;
mod header;
mod nonce;
mod replay;

pub use nonce::{Nonce, NonceKey};
pub use replay::{FreshProof, Replays};

use crate::authn::token::VerifiedToken;
use claims::Claims;
use header::Header;
use std::fmt;
use vault_encoding::{Hash, text};
use vault_policy::VaultId;

/// Longest proof that is read.
pub const LONGEST: usize = 4 << 10;

/// A member of a proof's claims that a reason names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names are those of RFC 9449")]
pub enum Claim {
    Jti,
    Htm,
    Htu,
    Iat,
    Ath,
    Nonce,
}

impl Claim {
    /// Its name in proofs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jti => "jti",
            Self::Htm => "htm",
            Self::Htu => "htu",
            Self::Iat => "iat",
            Self::Ath => "ath",
            Self::Nonce => "nonce",
        }
    }
}

/// Why a proof is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProofError {
    /// Longer than [`LONGEST`].
    TooLong,
    /// Not three parts of unpadded base64url.
    NotCompact,
    /// The header is not a strict, small JSON object, or a member has the wrong type.
    HeaderMalformed,
    /// A member of the header beside `typ`, `alg` and `jwk`.
    HeaderNotAllowed,
    /// A name stands twice in an object of header or claims.
    DuplicateName,
    /// `typ` is not `dpop+jwt`.
    TypeNotAllowed,
    /// `alg` is neither ES256 nor EdDSA.
    AlgorithmNotAllowed,
    /// There is no `jwk`.
    KeyMissing,
    /// `jwk` has members of a private or symmetric key.
    KeyPrivate,
    /// `jwk` is not a key of `alg`, or has members beside those of its kind.
    KeyNotAllowed,
    /// The signature does not stand.
    BadSignature,
    /// The claims are not a strict, small JSON object.
    ClaimsMalformed,
    /// A required claim is absent.
    ClaimMissing(Claim),
    /// A claim has another JSON type.
    ClaimType(Claim),
    /// A claim is empty or too long.
    ClaimNotAllowed(Claim),
    /// Made for another method than POST, or the call has another.
    WrongMethod,
    /// Made for another vault or another call.
    WrongUri,
    /// Made for another token.
    WrongToken,
    /// It names no nonce.
    NonceMissing,
    /// It names another nonce than that of this connection.
    WrongNonce,
    /// It was taken on this connection before.
    Replayed,
}

impl ProofError {
    /// Stable; part of the protocol's error messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::NotCompact => "not_compact",
            Self::HeaderMalformed => "header_malformed",
            Self::HeaderNotAllowed => "header_not_allowed",
            Self::DuplicateName => "duplicate_name",
            Self::TypeNotAllowed => "type_not_allowed",
            Self::AlgorithmNotAllowed => "algorithm_not_allowed",
            Self::KeyMissing => "key_missing",
            Self::KeyPrivate => "key_private",
            Self::KeyNotAllowed => "key_not_allowed",
            Self::BadSignature => "bad_signature",
            Self::ClaimsMalformed => "claims_malformed",
            Self::ClaimMissing(_) => "claim_missing",
            Self::ClaimType(_) => "claim_type",
            Self::ClaimNotAllowed(_) => "claim_not_allowed",
            Self::WrongMethod => "wrong_method",
            Self::WrongUri => "wrong_uri",
            Self::WrongToken => "wrong_token",
            Self::NonceMissing => "nonce_missing",
            Self::WrongNonce => "wrong_nonce",
            Self::Replayed => "replayed",
        }
    }

    /// Whether the same proof with this connection's nonce could be good.
    pub fn asks_for_nonce(self) -> bool {
        matches!(self, Self::NonceMissing | Self::WrongNonce)
    }
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClaimMissing(claim) | Self::ClaimType(claim) | Self::ClaimNotAllowed(claim) => {
                write!(f, "{} {}", self.name(), claim.name())
            }
            _ => f.write_str(self.name()),
        }
    }
}

impl std::error::Error for ProofError {}

/// The call that a proof must be about.
#[derive(Clone, Copy, Debug)]
pub struct ProvenCall<'a> {
    /// This vault.
    pub vault: &'a VaultId,
    /// The method of the HTTP request.
    pub method: &'a str,
    /// `/<service>/<method>`.
    pub path: &'a str,
    /// What this vault gave for this connection.
    pub nonce: &'a Nonce,
}

/// A proof that stands for one call and one token, and may have been used before.
#[derive(Debug)]
pub struct VerifiedProof {
    thumbprint: Hash,
    token: Hash,
    /// SHA-256 of `jti`.
    id: Hash,
}

/// Verifies a proof for this call and the token beside it.
pub fn verify_proof(
    proof: &[u8],
    call: &ProvenCall<'_>,
    token: &VerifiedToken,
) -> Result<VerifiedProof, ProofError> {
    if proof.len() > LONGEST {
        return Err(ProofError::TooLong);
    }
    let text = std::str::from_utf8(proof).map_err(|_| ProofError::NotCompact)?;
    let (signed, signature) = text.rsplit_once('.').ok_or(ProofError::NotCompact)?;
    let (header, claims) = signed.split_once('.').ok_or(ProofError::NotCompact)?;
    let (claims, signature) = (decode(claims)?, decode(signature)?);
    let header = Header::parse(&decode(header)?)?;
    if !header.verifies(signed.as_bytes(), &signature) {
        return Err(ProofError::BadSignature);
    }
    let claims = Claims::parse(&claims)?;
    check(&claims, call, token)?;
    Ok(VerifiedProof {
        thumbprint: header.thumbprint,
        token: *token.hash(),
        id: claims.id()?,
    })
}

fn check(claims: &Claims, call: &ProvenCall<'_>, token: &VerifiedToken) -> Result<(), ProofError> {
    claims.id()?;
    claims.issued_at()?;
    if claims.method()? != "POST" || call.method != "POST" {
        return Err(ProofError::WrongMethod);
    }
    if claims.uri()? != format!("https://{}{}", call.vault, call.path) {
        return Err(ProofError::WrongUri);
    }
    if claims.token()? != text::base64url(token.hash().as_bytes()) {
        return Err(ProofError::WrongToken);
    }
    match claims.nonce()? {
        None => Err(ProofError::NonceMissing),
        Some(nonce) if call.nonce.is(nonce) => Ok(()),
        Some(_) => Err(ProofError::WrongNonce),
    }
}

fn decode(part: &str) -> Result<Vec<u8>, ProofError> {
    text::unbase64url(part).ok_or(ProofError::NotCompact)
}

#[cfg(test)]
#[path = "dpop_tests.rs"]
mod tests;
