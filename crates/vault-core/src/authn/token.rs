//! JWT access tokens (RFC 7519, RFC 9068), verified strictly.
//!
//! In this order, each step with a reason of its own:
//! 1. length; three parts of strict base64url; the header has `alg`, `kid`, `typ` and nothing
//!    else, so that no key can be brought along (`jwk`, `jku`, `x5u`, `x5c`) and no extension is
//!    ignored (`crit`); `alg` is of the closed set, which holds neither `none` nor an HMAC;
//! 2. header and claims are strict JSON: no duplicate names, nothing beyond the bounds;
//! 3. `iss` names a configured issuer byte for byte; `typ` is one that it uses;
//! 4. its keys are fresh; `kid` names one; `alg` is that key's only algorithm; the signature
//!    stands;
//! 5. `sub`, `aud`, `exp`, `iat`, where present `nbf`, and the roles have their JSON types; the
//!    audience is the issuer's or this vault's own; `cnf` is absent or one that is understood;
//!    the token is valid now by vault time.
//!
//! What comes out is not yet a proof: [`VerifiedToken`] asks who sends it.

mod cache;
mod claims;
mod confirmation;
mod header;
mod issuer;
mod sender;

pub use cache::TokenCache;
pub use confirmation::Confirmation;
pub use issuer::{IssuerRules, IssuerSet, TokenType};
pub use sender::{SenderError, VerifiedToken};

use crate::authn::jwks::VerifyingKey;
use claims::Claims;
use header::Header;
use issuer::Issuer;
use std::fmt;
use vault_encoding::{sha256, text};
use vault_policy::{SenderConstraint, TokenFacts, UnixSeconds, VaultTime};

/// Longest token that is read.
pub const LONGEST: usize = 16 << 10;

/// A claim that a reason names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim {
    /// Issuer.
    Iss,
    /// Subject.
    Sub,
    /// Audience.
    Aud,
    /// Expiry.
    Exp,
    /// Time of issue.
    Iat,
    /// Not before.
    Nbf,
    /// The claim that lists roles, whatever the issuer calls it.
    Roles,
}

impl Claim {
    /// Its name in tokens; `roles` for the claim of roles.
    pub fn name(self) -> &'static str {
        match self {
            Self::Iss => "iss",
            Self::Sub => "sub",
            Self::Aud => "aud",
            Self::Exp => "exp",
            Self::Iat => "iat",
            Self::Nbf => "nbf",
            Self::Roles => "roles",
        }
    }
}

/// Why a token is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenError {
    /// Longer than [`LONGEST`].
    TooLong,
    /// Not three parts of unpadded base64url.
    NotCompact,
    /// The header is not a strict, small JSON object, or a member has the wrong type.
    HeaderMalformed,
    /// A member of the header beside `alg`, `kid` and `typ`.
    HeaderNotAllowed,
    /// `alg` is absent or not of the closed set.
    AlgorithmNotAllowed,
    /// `kid` is absent or too long.
    KidMissing,
    /// The claims are not a strict, bounded JSON object.
    ClaimsMalformed,
    /// A name stands twice in an object of header or claims.
    DuplicateName,
    /// A required claim is absent.
    ClaimMissing(Claim),
    /// A claim has another JSON type, or a number is not a whole one.
    ClaimType(Claim),
    /// A name is empty, longer than 256 bytes, not NFC, or has control characters.
    ClaimNotAllowed(Claim),
    /// No configured issuer has this `iss`.
    UnknownIssuer,
    /// The issuer does not use this `typ`.
    TypeNotAllowed,
    /// The issuer's keys were never fetched, or not within their age.
    KeysStale,
    /// The issuer publishes no key of this `kid`.
    UnknownKey,
    /// `alg` is not the algorithm of the key.
    AlgorithmMismatch,
    /// The signature does not stand.
    BadSignature,
    /// The token is for somebody else.
    WrongAudience,
    /// `cnf` is not one member that this vault understands: `jkt` or `x5t#S256`, each the
    /// base64url of 32 bytes.
    ConfirmationUnsupported,
    /// Past its expiry.
    Expired,
    /// Issued or valid in the future only.
    NotYetValid,
    /// Vault time is not established.
    TimeUnknown,
}

impl TokenError {
    /// Stable; part of the protocol's error messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::NotCompact => "not_compact",
            Self::HeaderMalformed => "header_malformed",
            Self::HeaderNotAllowed => "header_not_allowed",
            Self::AlgorithmNotAllowed => "algorithm_not_allowed",
            Self::KidMissing => "kid_missing",
            Self::ClaimsMalformed => "claims_malformed",
            Self::DuplicateName => "duplicate_name",
            Self::ClaimMissing(_) => "claim_missing",
            Self::ClaimType(_) => "claim_type",
            Self::ClaimNotAllowed(_) => "claim_not_allowed",
            Self::UnknownIssuer => "unknown_issuer",
            Self::TypeNotAllowed => "type_not_allowed",
            Self::KeysStale => "keys_stale",
            Self::UnknownKey => "unknown_key",
            Self::AlgorithmMismatch => "algorithm_mismatch",
            Self::BadSignature => "bad_signature",
            Self::WrongAudience => "wrong_audience",
            Self::ConfirmationUnsupported => "confirmation_unsupported",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::TimeUnknown => "time_unknown",
        }
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClaimMissing(claim) | Self::ClaimType(claim) | Self::ClaimNotAllowed(claim) => {
                write!(f, "{} {}", self.name(), claim.name())
            }
            _ => f.write_str(self.name()),
        }
    }
}

impl std::error::Error for TokenError {}

/// A token that was verified for this call and this sender.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenProof(TokenFacts);

impl TokenProof {
    /// Asserts that signature, issuer, audience, type and times of a token were verified, and that
    /// its sender may use it. Outside tests only this module may call it.
    pub fn assertion(facts: TokenFacts) -> Self {
        Self(facts)
    }

    /// What the token says.
    pub fn facts(&self) -> &TokenFacts {
        &self.0
    }
}

/// Verifies one token under the issuers' present keys, at this time.
pub fn verify_token(
    token: &[u8],
    issuers: &IssuerSet,
    now: VaultTime,
) -> Result<VerifiedToken, TokenError> {
    let compact = Compact::split(token)?;
    let header = Header::parse(&decode(compact.header)?)?;
    let claims = Claims::parse(&decode(compact.claims)?)?;
    let issuer = issuers
        .get(claims.issuer()?)
        .ok_or(TokenError::UnknownIssuer)?;
    if !issuer.rules.types.contains(&header.token_type()?) {
        return Err(TokenError::TypeNotAllowed);
    }
    let keys = issuer.keys.as_ref().ok_or(TokenError::KeysStale)?;
    still_before(now, keys.until, TokenError::KeysStale)?;
    let key = keys.set.get(&header.kid).ok_or(TokenError::UnknownKey)?;
    check_signature(&compact, &header, key)?;
    let facts = facts(&claims, issuer, issuers.vault(), now)?;
    let confirmation = claims.confirmation()?;
    Ok(VerifiedToken::new(sha256(token), facts, confirmation))
}

/// The configured issuer that a token says it is from. Proves nothing: it tells whose keys to
/// fetch.
pub fn claimed_issuer(token: &[u8], issuers: &IssuerSet) -> Option<String> {
    let claims = Claims::parse(&decode(Compact::split(token).ok()?.claims).ok()?).ok()?;
    let url = claims.issuer().ok()?;
    issuers.get(url).map(|issuer| issuer.rules.url.clone())
}

fn check_signature(
    compact: &Compact<'_>,
    header: &Header,
    key: &VerifyingKey,
) -> Result<(), TokenError> {
    if header.algorithm != key.algorithm() {
        return Err(TokenError::AlgorithmMismatch);
    }
    match key.verifies(compact.signed.as_bytes(), &decode(compact.signature)?) {
        true => Ok(()),
        false => Err(TokenError::BadSignature),
    }
}

/// The claims of a token whose signature stands.
fn facts(
    claims: &Claims,
    issuer: &Issuer,
    vault: Option<&str>,
    now: VaultTime,
) -> Result<TokenFacts, TokenError> {
    let rules = &issuer.rules;
    let subject = claims.subject()?;
    let audiences = claims.audiences()?;
    let expires_at = claims.required_time(Claim::Exp)?;
    let issued_at = claims.required_time(Claim::Iat)?;
    let not_before = claims.time(Claim::Nbf)?;
    let named = claims.roles(&rules.role_claim)?;
    // Only what names this vault and nobody beside it is worthless elsewhere.
    let is_ours_only = vault.is_some_and(|vault| audiences == [vault]);
    if !is_ours_only && !audiences.contains(&rules.audience.as_str()) {
        return Err(TokenError::WrongAudience);
    }
    still_before(now, expires_at, TokenError::Expired)?;
    // The host vouches for the upper bound only, and a clock may lag by the skew.
    for start in [Some(issued_at), not_before].into_iter().flatten() {
        if now.is_before(start) != Some(false) {
            return Err(TokenError::NotYetValid);
        }
    }
    Ok(TokenFacts {
        issuer: rules.url.clone(),
        subject: subject.to_owned(),
        roles: named
            .into_iter()
            .filter(|role| rules.roles.contains(*role))
            .map(str::to_owned)
            .collect(),
        expires_at,
        constraint: match is_ours_only {
            true => SenderConstraint::Audience,
            false => SenderConstraint::None,
        },
    })
}

/// Whether `end` is certainly still to come.
fn still_before(now: VaultTime, end: UnixSeconds, past: TokenError) -> Result<(), TokenError> {
    match now.is_before(end) {
        Some(true) => Ok(()),
        Some(false) => Err(past),
        None => Err(TokenError::TimeUnknown),
    }
}

/// The parts of a compact serialization (RFC 7515, section 7.1).
struct Compact<'a> {
    /// What the signature stands over: header, dot, claims.
    signed: &'a str,
    header: &'a str,
    claims: &'a str,
    signature: &'a str,
}

impl<'a> Compact<'a> {
    fn split(token: &'a [u8]) -> Result<Self, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::TooLong);
        }
        let text = std::str::from_utf8(token).map_err(|_| TokenError::NotCompact)?;
        let (signed, signature) = text.rsplit_once('.').ok_or(TokenError::NotCompact)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::NotCompact)?;
        Ok(Self {
            signed,
            header,
            claims,
            signature,
        })
    }
}

fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    text::unbase64url(part).ok_or(TokenError::NotCompact)
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
