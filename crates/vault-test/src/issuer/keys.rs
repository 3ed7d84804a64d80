//! The keys of the development issuer.

use anyhow::{Context, anyhow};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use vault_encoding::text::{base64url, hex};

/// What a key signs with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Algorithm {
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 3] = [Self::Es256, Self::EdDsa, Self::Rs256];

    /// The name in `alg`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        }
    }

    /// The algorithm of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

enum Pair {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

/// A private key and its `kid`.
pub struct SigningKey {
    kid: String,
    algorithm: Algorithm,
    pair: Pair,
    pkcs8: Vec<u8>,
}

impl SigningKey {
    /// A new key.
    pub fn generate(algorithm: Algorithm) -> anyhow::Result<Self> {
        let mut id = [0; 8];
        rand::fill(&mut id)?;
        let pkcs8 = match algorithm {
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
                pair.to_pkcs8v1()?.as_ref().to_vec()
            }
            Algorithm::EdDsa => Ed25519KeyPair::generate()?.to_pkcs8()?.as_ref().to_vec(),
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
                AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair)?
                    .as_ref()
                    .to_vec()
            }
        };
        Self::load(hex(&id), algorithm, pkcs8)
    }

    fn load(kid: String, algorithm: Algorithm, pkcs8: Vec<u8>) -> anyhow::Result<Self> {
        let broken = |_| anyhow!("a key of the issuer does not parse");
        let pair = match algorithm {
            Algorithm::Es256 => Pair::Es256(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8)
                    .map_err(broken)?,
            ),
            Algorithm::EdDsa => Pair::EdDsa(Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(broken)?),
            Algorithm::Rs256 => Pair::Rs256(RsaKeyPair::from_pkcs8(&pkcs8).map_err(broken)?),
        };
        Ok(Self {
            kid,
            algorithm,
            pair,
            pkcs8,
        })
    }

    /// Its name in tokens and in the published set.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// A JWS signature; empty if the library refuses, which it does not.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Es256(pair) => pair
                .sign(&random, message)
                .map_or_else(|_| Vec::new(), |signature| signature.as_ref().to_vec()),
            Pair::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                match pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature) {
                    Ok(()) => signature,
                    Err(_) => Vec::new(),
                }
            }
        }
    }

    /// The public bytes as the library writes them, for attacks that take them for an HMAC key.
    pub fn public_bytes(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Es256(pair) => pair.public_key().as_ref().to_vec(),
            Pair::EdDsa(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Rs256(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    /// The published form (RFC 7517).
    pub fn jwk(&self) -> Value {
        let mut jwk = match &self.pair {
            Pair::Es256(pair) => {
                let point = pair.public_key().as_ref();
                let half = |from: usize| base64url(point.get(from..from + 32).unwrap_or_default());
                json!({"kty": "EC", "crv": "P-256", "x": half(1), "y": half(33)})
            }
            Pair::EdDsa(pair) => {
                let x = base64url(pair.public_key().as_ref());
                json!({"kty": "OKP", "crv": "Ed25519", "x": x})
            }
            Pair::Rs256(pair) => {
                let public = pair.public_key();
                let n = base64url(public.modulus().big_endian_without_leading_zero());
                let e = base64url(public.exponent().big_endian_without_leading_zero());
                json!({"kty": "RSA", "n": n, "e": e})
            }
        };
        if let Some(members) = jwk.as_object_mut() {
            members.insert("kid".into(), self.kid.clone().into());
            members.insert("use".into(), "sig".into());
            members.insert("alg".into(), self.algorithm.name().into());
        }
        jwk
    }
}

/// The published keys, oldest first; the last one signs.
pub(crate) struct KeyRing {
    keys: Vec<Arc<SigningKey>>,
    current: Arc<SigningKey>,
    dir: Option<PathBuf>,
}

impl KeyRing {
    /// The keys that the folder holds, or one new ES256 key.
    pub(crate) fn open(dir: Option<PathBuf>) -> anyhow::Result<Self> {
        let mut keys = Vec::new();
        if let Some(dir) = &dir {
            let mut names: Vec<_> = std::fs::read_dir(dir)?
                .map(|entry| entry.map(|entry| entry.file_name()))
                .collect::<Result<_, _>>()?;
            names.sort();
            for name in names {
                let name = name.to_string_lossy().into_owned();
                keys.extend(read(dir, &name)?.map(Arc::new));
            }
        }
        match keys.last().cloned() {
            Some(current) => Ok(Self { keys, current, dir }),
            None => {
                let current = Arc::new(SigningKey::generate(Algorithm::Es256)?);
                let mut ring = Self {
                    keys,
                    current: current.clone(),
                    dir,
                };
                ring.publish(current)?;
                Ok(ring)
            }
        }
    }

    pub(crate) fn current(&self) -> Arc<SigningKey> {
        self.current.clone()
    }

    pub(crate) fn rotate(&mut self, algorithm: Algorithm) -> anyhow::Result<String> {
        let key = Arc::new(SigningKey::generate(algorithm)?);
        let kid = key.kid().to_owned();
        self.publish(key)?;
        Ok(kid)
    }

    pub(crate) fn drop_key(&mut self, kid: &str) -> bool {
        let before = self.keys.len();
        self.keys.retain(|key| key.kid() != kid);
        self.keys.len() < before
    }

    pub(crate) fn jwks(&self) -> Value {
        let keys: Vec<Value> = self.keys.iter().map(|key| key.jwk()).collect();
        json!({ "keys": keys })
    }

    fn publish(&mut self, key: Arc<SigningKey>) -> anyhow::Result<()> {
        if let Some(dir) = &self.dir {
            let name = format!(
                "key-{:04}-{}-{}.p8",
                self.keys.len(),
                key.algorithm().name(),
                key.kid()
            );
            super::files::write_private(&dir.join(name), &key.pkcs8)?;
        }
        self.keys.push(key.clone());
        self.current = key;
        Ok(())
    }
}

/// The key in `key-NNNN-ALG-KID.p8`; `None` for other files.
fn read(dir: &std::path::Path, name: &str) -> anyhow::Result<Option<SigningKey>> {
    let stem = name
        .strip_prefix("key-")
        .and_then(|rest| rest.strip_suffix(".p8"));
    let Some(stem) = stem else { return Ok(None) };
    let mut parts = stem.splitn(3, '-').skip(1);
    let (algorithm, kid) = (parts.next(), parts.next());
    let algorithm = algorithm
        .and_then(Algorithm::from_name)
        .context("a key file of the issuer has a strange name")?;
    let pkcs8 = std::fs::read(dir.join(name))?;
    SigningKey::load(kid.unwrap_or_default().to_owned(), algorithm, pkcs8).map(Some)
}
