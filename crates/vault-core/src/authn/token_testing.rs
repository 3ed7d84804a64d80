//! Keys, key sets and tokens for tests.

use crate::authn::jwks::{Algorithm, KeySet};
use crate::authn::token::{IssuerRules, IssuerSet, TokenType};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256,
};
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use vault_encoding::text::base64url;
use vault_policy::{UnixSeconds, VaultTime};

pub(super) const NOW: u64 = 1_800_000_000;
pub(super) const URL: &str = "https://issuer.test";

pub(super) enum Key {
    Es(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rs(RsaKeyPair),
    Ps(RsaKeyPair),
}

impl Key {
    pub(super) fn generate(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Es256 => {
                Self::Es(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
            }
            Algorithm::EdDsa => Self::Ed(Ed25519KeyPair::generate().unwrap()),
            Algorithm::Rs256 => Self::Rs(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
            Algorithm::Ps256 => Self::Ps(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let rsa = |pair: &RsaKeyPair, padding| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(padding, &random, message, &mut signature)
                .unwrap();
            signature
        };
        match self {
            Self::Es(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Rs(pair) => rsa(pair, &RSA_PKCS1_SHA256),
            Self::Ps(pair) => rsa(pair, &RSA_PSS_SHA256),
        }
    }

    /// The public bytes that an attacker could take for an HMAC key.
    pub(super) fn public(&self) -> Vec<u8> {
        match self {
            Self::Es(pair) => pair.public_key().as_ref().to_vec(),
            Self::Ed(pair) => pair.public_key().as_ref().to_vec(),
            Self::Rs(pair) | Self::Ps(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    /// The members of its JWK beside `kid`, `use` and `alg`.
    pub(super) fn jwk(&self) -> String {
        match self {
            Self::Es(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (base64url(&point[1..33]), base64url(&point[33..]));
                format!(r#""kty":"EC","crv":"P-256","x":"{x}","y":"{y}""#)
            }
            Self::Ed(pair) => {
                let x = base64url(pair.public_key().as_ref());
                format!(r#""kty":"OKP","crv":"Ed25519","x":"{x}""#)
            }
            Self::Rs(pair) | Self::Ps(pair) => {
                let public = pair.public_key();
                let n = base64url(public.modulus().big_endian_without_leading_zero());
                let e = base64url(public.exponent().big_endian_without_leading_zero());
                format!(r#""kty":"RSA","n":"{n}","e":"{e}""#)
            }
        }
    }
}

/// One key of every algorithm, under its name as `kid`; made once, because RSA is slow.
pub(super) fn keys() -> &'static [(Algorithm, Key)] {
    static KEYS: OnceLock<Vec<(Algorithm, Key)>> = OnceLock::new();
    KEYS.get_or_init(|| {
        Algorithm::ALL
            .into_iter()
            .map(|algorithm| (algorithm, Key::generate(algorithm)))
            .collect()
    })
}

pub(super) fn key(algorithm: Algorithm) -> &'static Key {
    let found = keys().iter().find(|(known, _)| *known == algorithm);
    &found.unwrap().1
}

pub(super) fn jwks() -> String {
    let entries: Vec<_> = keys()
        .iter()
        .map(|(algorithm, key)| {
            let name = algorithm.name();
            format!(
                r#"{{"kid":"{name}","use":"sig","alg":"{name}",{}}}"#,
                key.jwk()
            )
        })
        .collect();
    format!(r#"{{"keys":[{}]}}"#, entries.join(","))
}

pub(super) fn rules(types: impl IntoIterator<Item = TokenType>) -> IssuerRules {
    IssuerRules {
        url: URL.into(),
        audience: "vaults".into(),
        types: types.into_iter().collect(),
        role_claim: "roles".into(),
        roles: BTreeSet::from(["vault:owner".into(), "vault:auditor".into()]),
    }
}

pub(super) fn issuers() -> IssuerSet {
    let set = KeySet::parse(jwks().as_bytes()).unwrap();
    IssuerSet::new([rules([TokenType::AccessToken])]).with_keys(
        URL,
        Arc::new(set),
        UnixSeconds(NOW + 600),
    )
}

pub(super) fn now() -> VaultTime {
    VaultTime::Known {
        lo: UnixSeconds(NOW),
        hi: UnixSeconds(NOW + 30),
    }
}

pub(super) fn header(algorithm: Algorithm) -> String {
    let name = algorithm.name();
    format!(r#"{{"alg":"{name}","kid":"{name}","typ":"at+jwt"}}"#)
}

pub(super) fn claims() -> String {
    format!(
        r#"{{"iss":"{URL}","sub":"alice","aud":"vaults","exp":{},"iat":{},"roles":["vault:owner"]}}"#,
        NOW + 300,
        NOW - 10
    )
}

/// A token of these texts under this key.
pub(super) fn signed(header: &[u8], claims: &[u8], key: &Key) -> Vec<u8> {
    let mut token = format!("{}.{}", base64url(header), base64url(claims));
    let signature = key.sign(token.as_bytes());
    token.push('.');
    token.push_str(&base64url(&signature));
    token.into_bytes()
}

pub(super) fn good(algorithm: Algorithm) -> Vec<u8> {
    signed(
        header(algorithm).as_bytes(),
        claims().as_bytes(),
        key(algorithm),
    )
}
