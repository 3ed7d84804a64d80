//! DPoP proofs (RFC 9449): a token that is bound to a key is used with a signature over the call.

use crate::error::{Error, ErrorCode, Result};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use http::HeaderValue;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use vault_encoding::sha256;
use vault_encoding::text::base64url;
use vault_policy::VaultId;

/// The key that a source's tokens are bound to: P-256, made at its first use, kept in memory
/// only. Clones are the same key.
#[derive(Clone, Default)]
pub struct ProofKey(Arc<Keys>);

#[derive(Default)]
struct Keys {
    pair: OnceLock<EcdsaKeyPair>,
    of_vaults: Mutex<BTreeMap<VaultId, ProofKey>>,
}

/// What a proof is about.
pub struct ProofOf<'a> {
    /// `htu`: where the request goes, without query and fragment.
    pub uri: &'a str,
    /// The token that is sent with it; none when a token is asked for.
    pub token: Option<&'a [u8]>,
    /// The nonce that the other end asked for.
    pub nonce: Option<&'a str>,
}

impl ProofKey {
    /// Thumbprint of the public key (RFC 7638), as tokens name it in `cnf.jkt`.
    pub fn thumbprint(&self) -> Result<String> {
        let (x, y) = self.point()?;
        let jwk = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        Ok(base64url(&sha256(jwk.as_bytes()).0))
    }

    /// The key for this vault's tokens, where each vault has tokens of its own: an independent one
    /// for each, by which vaults cannot recognize their common caller. Clones have the same.
    pub fn for_vault(&self, vault: VaultId) -> Self {
        let keys = &self.0.of_vaults;
        let mut keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.entry(vault).or_default().clone()
    }

    /// A proof for one POST request, signed now.
    pub fn prove(&self, of: &ProofOf<'_>) -> Result<String> {
        let (x, y) = self.point()?;
        let header = json!({
            "typ": "dpop+jwt",
            "alg": "ES256",
            "jwk": {"kty": "EC", "crv": "P-256", "x": x, "y": y},
        });
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let mut claims = json!({
            "jti": base64url(&crate::client::random::<16>()?),
            "htm": "POST",
            "htu": of.uri,
            "iat": since.unwrap_or_default().as_secs(),
        });
        if let Some(members) = claims.as_object_mut() {
            if let Some(token) = of.token {
                members.insert("ath".into(), base64url(&sha256(token).0).into());
            }
            if let Some(nonce) = of.nonce {
                members.insert("nonce".into(), nonce.into());
            }
        }
        self.sign(&header.to_string(), &claims.to_string())
    }

    /// A JWT of these two texts, whatever they say, under this key.
    pub fn sign(&self, header: &str, claims: &str) -> Result<String> {
        let mut text = format!(
            "{}.{}",
            base64url(header.as_bytes()),
            base64url(claims.as_bytes())
        );
        let signature = self
            .pair()?
            .sign(&SystemRandom::new(), text.as_bytes())
            .map_err(|_| failed())?;
        text.push('.');
        text.push_str(&base64url(signature.as_ref()));
        Ok(text)
    }

    /// Both coordinates of the public point.
    fn point(&self) -> Result<(String, String)> {
        let public = self.pair()?.public_key().as_ref();
        match (public.get(1..33), public.get(33..65)) {
            (Some(x), Some(y)) => Ok((base64url(x), base64url(y))),
            _ => Err(failed()),
        }
    }

    fn pair(&self) -> Result<&EcdsaKeyPair> {
        if let Some(pair) = self.0.pair.get() {
            return Ok(pair);
        }
        let made =
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| failed())?;
        Ok(self.0.pair.get_or_init(|| made))
    }
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofKey(..)")
    }
}

/// A proof as the value of the header `dpop`. It is worth nothing to others, and too long for
/// the header table of HTTP/2.
pub(crate) fn header(proof: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(proof).map_err(|_| failed())?;
    value.set_sensitive(true);
    Ok(value)
}

fn failed() -> Error {
    Error::new(ErrorCode::Internal).detail("no DPoP proof could be made")
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    use serde_json::Value;
    use vault_encoding::text::unbase64url;

    fn part(text: &str) -> Value {
        serde_json::from_slice(&unbase64url(text).unwrap()).unwrap()
    }

    #[test]
    fn a_proof_says_where_it_goes_and_its_signature_stands_under_the_key_that_it_shows() {
        let key = ProofKey::default();
        let of = ProofOf {
            uri: "https://vault/service/method",
            token: Some(b"abc"),
            nonce: Some("n\"1"),
        };
        let proof = key.prove(&of).unwrap();
        let (signed, signature) = proof.rsplit_once('.').unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let (header, claims) = (part(header), part(claims));
        assert_eq!(claims["htu"], "https://vault/service/method");
        assert_eq!(claims["nonce"], "n\"1");
        assert_eq!(claims["ath"], base64url(&sha256(b"abc").0));
        assert_eq!(header["typ"], "dpop+jwt");
        let coordinate = |name| unbase64url(header["jwk"][name].as_str().unwrap()).unwrap();
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(signed.as_bytes(), &unbase64url(signature).unwrap())
            .unwrap();
    }

    #[test]
    fn clones_are_one_key_other_keys_are_others_and_none_is_printed() {
        let key = ProofKey::default();
        let clone = key.clone();
        assert_eq!(key.thumbprint().unwrap(), clone.thumbprint().unwrap());
        let other = ProofKey::default().thumbprint().unwrap();
        assert_ne!(key.thumbprint().unwrap(), other);
        assert_eq!(format!("{key:?}"), "ProofKey(..)");
    }

    #[test]
    fn each_vault_has_a_key_of_its_own_and_clones_have_the_same() {
        let key = ProofKey::default();
        let of = |key: &ProofKey, number| {
            let vault = VaultId(vault_encoding::Hash([number; 32]));
            key.for_vault(vault).thumbprint().unwrap()
        };
        assert_eq!(of(&key, 1), of(&key.clone(), 1));
        assert_ne!(of(&key, 1), of(&key, 2));
        assert_ne!(of(&key, 1), key.thumbprint().unwrap());
    }
}
