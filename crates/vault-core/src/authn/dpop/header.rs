//! The header of a proof, and the public key in it.

use super::ProofError;
use crate::authn::jwks::{Algorithm, SECRET_MEMBERS, public_key};
use aws_lc_rs::signature::ParsedPublicKey;
use vault_encoding::{Hash, Json, JsonError, Limits, sha256};

const LIMITS: Limits = Limits {
    bytes: 1024,
    depth: 2,
    nodes: 16,
};

pub(super) struct Header {
    key: ParsedPublicKey,
    /// RFC 7638.
    pub(super) thumbprint: Hash,
}

impl Header {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ProofError> {
        let json = Json::parse(bytes, LIMITS).map_err(|error| match error {
            JsonError::DuplicateName(_) => ProofError::DuplicateName,
            _ => ProofError::HeaderMalformed,
        })?;
        let Json::Map(members) = &json else {
            return Err(ProofError::HeaderMalformed);
        };
        if members
            .keys()
            .any(|name| !matches!(name.as_str(), "typ" | "alg" | "jwk"))
        {
            return Err(ProofError::HeaderNotAllowed);
        }
        if text(&json, "typ")? != Some("dpop+jwt") {
            return Err(ProofError::TypeNotAllowed);
        }
        let algorithm = match text(&json, "alg")? {
            Some("ES256") => Algorithm::Es256,
            Some("EdDSA") => Algorithm::EdDsa,
            _ => return Err(ProofError::AlgorithmNotAllowed),
        };
        let jwk = json.get("jwk").ok_or(ProofError::KeyMissing)?;
        Ok(Self {
            thumbprint: thumbprint(jwk, algorithm)?,
            key: public_key(jwk, algorithm).map_err(|_| ProofError::KeyNotAllowed)?,
        })
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

/// SHA-256 over the members of the key's kind and no others, by name: the form of the text is
/// fixed, because each value is one that needs no escaping.
fn thumbprint(jwk: &Json, algorithm: Algorithm) -> Result<Hash, ProofError> {
    let Json::Map(members) = jwk else {
        return Err(ProofError::HeaderMalformed);
    };
    if SECRET_MEMBERS
        .iter()
        .any(|name| members.contains_key(*name))
    {
        return Err(ProofError::KeyPrivate);
    }
    let (kind, curve, coordinates): (_, _, &[&str]) = match algorithm {
        Algorithm::Es256 => ("EC", "P-256", &["x", "y"]),
        Algorithm::EdDsa => ("OKP", "Ed25519", &["x"]),
        Algorithm::Rs256 | Algorithm::Ps256 => return Err(ProofError::AlgorithmNotAllowed),
    };
    let is = |name, value| jwk.get(name).and_then(Json::as_text) == Some(value);
    if !is("kty", kind) || !is("crv", curve) || members.len() != 2 + coordinates.len() {
        return Err(ProofError::KeyNotAllowed);
    }
    let mut canonical = format!(r#"{{"crv":"{curve}","kty":"{kind}""#);
    for name in coordinates {
        let value = jwk.get(name).and_then(Json::as_text);
        let value = value
            .filter(|text| vault_encoding::text::unbase64url(text).is_some())
            .ok_or(ProofError::KeyNotAllowed)?;
        canonical.push_str(&format!(r#","{name}":"{value}""#));
    }
    canonical.push('}');
    Ok(sha256(canonical.as_bytes()))
}

fn text<'a>(json: &'a Json, name: &str) -> Result<Option<&'a str>, ProofError> {
    match json.get(name) {
        None => Ok(None),
        Some(Json::Text(value)) => Ok(Some(value)),
        Some(_) => Err(ProofError::HeaderMalformed),
    }
}
