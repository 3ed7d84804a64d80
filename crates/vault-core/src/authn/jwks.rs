//! The keys of an issuer (RFC 7517), parsed strictly and bounded.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
};
use std::collections::BTreeMap;
use std::fmt;
use vault_encoding::text;
use vault_encoding::{Json, Limits};

/// Longest document that is read.
pub const LONGEST: usize = 256 << 10;
/// Most entries of one document, usable or not.
pub const MOST_KEYS: usize = 64;
/// Longest `kid`.
pub const LONGEST_KID: usize = 256;
const LIMITS: Limits = Limits {
    bytes: LONGEST,
    depth: 6,
    nodes: 4096,
};
/// Members that only a private or symmetric key has (RFC 7518, section 6).
pub(super) const SECRET_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The closed set of signature algorithms.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Algorithm {
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// Ed25519 (RFC 8037).
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256, modulus of 256 to 1024 whole bytes.
    Rs256,
    /// RSASSA-PSS with SHA-256, modulus of 256 to 1024 whole bytes.
    Ps256,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 4] = [Self::Es256, Self::EdDsa, Self::Rs256, Self::Ps256];

    /// The name in `alg`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
        }
    }

    /// The algorithm of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// Why a document of keys is refused as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JwksError {
    /// Not strict JSON within the bounds, or not an object with an array `keys` of objects.
    #[error("the issuer's keys are not a strict, bounded JWK set")]
    Malformed,
    /// More than [`MOST_KEYS`] entries.
    #[error("the issuer publishes too many keys")]
    TooManyKeys,
    /// A private or symmetric key stands in a public document.
    #[error("the issuer publishes secret keys")]
    SecretKey,
    /// Two keys have the same `kid`.
    #[error("the issuer publishes two keys under one kid")]
    DuplicateKid,
    /// A key of a known kind whose members are wrong.
    #[error("the issuer publishes a key that is not valid")]
    BadKey,
    /// No key that could verify a token.
    #[error("the issuer publishes no key that can be used")]
    NoUsableKey,
}

/// One key that can verify tokens, bound to one algorithm.
pub struct VerifyingKey {
    algorithm: Algorithm,
    key: ParsedPublicKey,
}

impl VerifyingKey {
    /// The only algorithm that this key verifies.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether `signature` stands over `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", self.algorithm.name())
    }
}

/// The usable keys of one document by `kid`.
#[derive(Debug)]
pub struct KeySet(BTreeMap<String, VerifyingKey>);

impl KeySet {
    /// Reads a document. Keys of kinds, curves or uses that cannot verify a token are skipped;
    /// anything wrong in a key that could refuses the document.
    pub fn parse(bytes: &[u8]) -> Result<Self, JwksError> {
        let document = Json::parse(bytes, LIMITS).map_err(|_| JwksError::Malformed)?;
        let Some(Json::List(entries)) = document.get("keys") else {
            return Err(JwksError::Malformed);
        };
        if entries.len() > MOST_KEYS {
            return Err(JwksError::TooManyKeys);
        }
        let mut keys = BTreeMap::new();
        for entry in entries {
            let Some((kid, key)) = parse_entry(entry)? else {
                continue;
            };
            if keys.insert(kid, key).is_some() {
                return Err(JwksError::DuplicateKid);
            }
        }
        match keys.is_empty() {
            true => Err(JwksError::NoUsableKey),
            false => Ok(Self(keys)),
        }
    }

    /// The key of this `kid`.
    pub fn get(&self, kid: &str) -> Option<&VerifyingKey> {
        self.0.get(kid)
    }

    /// Number of usable keys.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never true of a parsed set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn parse_entry(entry: &Json) -> Result<Option<(String, VerifyingKey)>, JwksError> {
    let Json::Map(members) = entry else {
        return Err(JwksError::Malformed);
    };
    let kind = text_of(entry, "kty")?.ok_or(JwksError::BadKey)?;
    if SECRET_MEMBERS
        .iter()
        .any(|name| members.contains_key(*name))
        || kind == "oct"
    {
        return Err(JwksError::SecretKey);
    }
    let (Some(kid), Some(algorithm)) = (text_of(entry, "kid")?, algorithm_of(entry, kind)?) else {
        return Ok(None);
    };
    if kid.is_empty() || kid.len() > LONGEST_KID {
        return Err(JwksError::BadKey);
    }
    let key = public_key(entry, algorithm)?;
    Ok(Some((kid.to_owned(), VerifyingKey { algorithm, key })))
}

/// The one algorithm of a key, from its kind, curve and `alg`; `None` if it cannot verify tokens.
fn algorithm_of(entry: &Json, kind: &str) -> Result<Option<Algorithm>, JwksError> {
    if text_of(entry, "use")?.is_some_and(|name| name != "sig") || !may_verify(entry)? {
        return Ok(None);
    }
    let curve = text_of(entry, "crv")?;
    let by_kind: &[Algorithm] = match (kind, curve) {
        ("EC", Some("P-256")) => &[Algorithm::Es256],
        ("OKP", Some("Ed25519")) => &[Algorithm::EdDsa],
        // RFC 7518 gives an RSA key no algorithm of its own: without `alg` it is RS256 only.
        ("RSA", None) => &[Algorithm::Rs256, Algorithm::Ps256],
        _ => return Ok(None),
    };
    let Some(named) = text_of(entry, "alg")? else {
        return Ok(by_kind.first().copied());
    };
    Ok(by_kind.iter().copied().find(|known| known.name() == named))
}

fn may_verify(entry: &Json) -> Result<bool, JwksError> {
    match entry.get("key_ops") {
        None => Ok(true),
        Some(Json::List(uses)) => Ok(uses.iter().any(|name| name.as_text() == Some("verify"))),
        Some(_) => Err(JwksError::BadKey),
    }
}

pub(super) fn public_key(entry: &Json, algorithm: Algorithm) -> Result<ParsedPublicKey, JwksError> {
    match algorithm {
        Algorithm::Es256 => {
            let mut point = vec![4];
            point.extend_from_slice(&fixed::<32>(entry, "x")?);
            point.extend_from_slice(&fixed::<32>(entry, "y")?);
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        }
        Algorithm::EdDsa => ParsedPublicKey::new(&ED25519, fixed::<32>(entry, "x")?),
        Algorithm::Rs256 => rsa(entry)?.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Ps256 => rsa(entry)?.to_parsed_public_key(&RSA_PSS_2048_8192_SHA256),
    }
    .map_err(|_| JwksError::BadKey)
}

/// Modulus of 2048 to 8192 bits without leading zeros, and the exponent 65537 (RFC 8017).
fn rsa(entry: &Json) -> Result<RsaPublicKeyComponents<Vec<u8>>, JwksError> {
    let (n, e) = (bytes_of(entry, "n")?, bytes_of(entry, "e")?);
    let long_enough = (256..=1024).contains(&n.len()) && n.first() >= Some(&0x80);
    let odd = n.last().is_some_and(|byte| byte % 2 == 1);
    match long_enough && odd && e == [1, 0, 1] {
        true => Ok(RsaPublicKeyComponents { n, e }),
        false => Err(JwksError::BadKey),
    }
}

fn fixed<const N: usize>(entry: &Json, name: &str) -> Result<[u8; N], JwksError> {
    bytes_of(entry, name)?
        .try_into()
        .map_err(|_| JwksError::BadKey)
}

fn bytes_of(entry: &Json, name: &str) -> Result<Vec<u8>, JwksError> {
    let encoded = text_of(entry, name)?.ok_or(JwksError::BadKey)?;
    text::unbase64url(encoded).ok_or(JwksError::BadKey)
}

/// A member that is a string where it is present.
fn text_of<'a>(entry: &'a Json, name: &str) -> Result<Option<&'a str>, JwksError> {
    match entry.get(name) {
        None => Ok(None),
        Some(Json::Text(value)) => Ok(Some(value)),
        Some(_) => Err(JwksError::BadKey),
    }
}

#[cfg(test)]
#[path = "jwks_tests.rs"]
mod tests;
