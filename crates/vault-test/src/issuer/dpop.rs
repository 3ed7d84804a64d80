//! DPoP at the token endpoint (RFC 9449, section 5): the key of the proof is the key of the token.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::Value;
use vault_encoding::sha256;
use vault_encoding::text::{base64url, unbase64url};

/// How far `iat` may be from now, in seconds.
const WINDOW: u64 = 300;

/// The thumbprint of the key (RFC 7638), if the proof is for a POST to `uri` and of now.
pub(crate) fn thumbprint(proof: &str, uri: &str, now: u64) -> Option<String> {
    let (signed, signature) = proof.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let (header, claims) = (json(header)?, json(claims)?);
    let (algorithm, key, canonical) = public_key(&header)?;
    UnparsedPublicKey::new(algorithm, key)
        .verify(signed.as_bytes(), &unbase64url(signature)?)
        .ok()?;
    let is = |of: &Value, name: &str, value: &str| text(of, name) == Some(value);
    let fresh = claims.get("iat")?.as_u64()?.abs_diff(now) <= WINDOW;
    let fine = is(&header, "typ", "dpop+jwt")
        && is(&claims, "htm", "POST")
        && is(&claims, "htu", uri)
        && text(&claims, "jti").is_some_and(|id| !id.is_empty())
        && fresh;
    fine.then(|| base64url(&sha256(canonical.as_bytes()).0))
}

type Key = (&'static dyn VerificationAlgorithm, Vec<u8>, String);

/// Algorithm, public bytes, and the members that the thumbprint is over.
fn public_key(header: &Value) -> Option<Key> {
    let jwk = header.get("jwk")?;
    let member = |name: &str| text(jwk, name).filter(|text| is_plain(text));
    let (kind, curve, x) = (member("kty")?, member("crv")?, member("x")?);
    match (text(header, "alg")?, kind, curve) {
        ("ES256", "EC", "P-256") => {
            let y = member("y")?;
            let point = [vec![4], unbase64url(x)?, unbase64url(y)?].concat();
            let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
            Some((&ECDSA_P256_SHA256_FIXED, point, canonical))
        }
        ("EdDSA", "OKP", "Ed25519") => {
            let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
            Some((&ED25519, unbase64url(x)?, canonical))
        }
        _ => None,
    }
}

fn text<'a>(of: &'a Value, name: &str) -> Option<&'a str> {
    of.get(name)?.as_str()
}

fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn json(part: &str) -> Option<Value> {
    serde_json::from_slice(&unbase64url(part)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_client::token::{ProofKey, ProofOf};

    #[test]
    fn the_thumbprint_is_that_of_the_key_and_other_places_and_times_are_refused() {
        let key = ProofKey::default();
        let uri = "https://localhost:1/token";
        let proof = key
            .prove(&ProofOf {
                uri,
                token: None,
                nonce: None,
            })
            .unwrap();
        let now = crate::issuer::now();
        let jkt = key.thumbprint().unwrap();
        assert_eq!(thumbprint(&proof, uri, now), Some(jkt));
        assert_eq!(thumbprint(&proof, "https://localhost:2/token", now), None);
        assert_eq!(thumbprint(&proof, uri, now + 2 * WINDOW), None);
        let (signed, _) = proof.rsplit_once('.').unwrap();
        assert_eq!(thumbprint(&format!("{signed}.AA"), uri, now), None);
    }
}
