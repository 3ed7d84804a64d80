//! A governance key as a file holds it.

use crate::{GovernanceKey, GovernanceSignature, Manifest, Reconfiguration};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use zeroize::Zeroizing;

/// PKCS#8 version 1 of an Ed25519 key (RFC 8410, section 7), up to the 32 bytes of its seed.
const PKCS8: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// A text that is not such a key. Says nothing of what was in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not an Ed25519 private key (PKCS#8, PEM, unencrypted)")]
pub struct PemError;

/// The private half of a governance key.
pub struct SigningKey {
    seed: Zeroizing<[u8; 32]>,
    pair: Ed25519KeyPair,
    public: GovernanceKey,
}

impl SigningKey {
    /// The key of this seed, which must be 32 random bytes; `None` if the library refuses.
    pub fn from_seed(seed: Zeroizing<[u8; 32]>) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).ok()?;
        let public = GovernanceKey(pair.public_key().as_ref().try_into().ok()?);
        Some(Self { seed, pair, public })
    }

    /// Reads what [`SigningKey::to_pem`] and `openssl genpkey -algorithm ed25519` write.
    pub fn from_pem(text: &str) -> Result<Self, PemError> {
        let body = text
            .trim()
            .strip_prefix(BEGIN)
            .and_then(|rest| rest.strip_suffix(END));
        let mut base64 = Zeroizing::new(body.ok_or(PemError)?.to_owned());
        base64.retain(|character| !character.is_ascii_whitespace());
        let der = Zeroizing::new(STANDARD.decode(base64.as_bytes()).map_err(|_| PemError)?);
        let seed = der.strip_prefix(&PKCS8).ok_or(PemError)?;
        let seed = Zeroizing::new(seed.try_into().map_err(|_| PemError)?);
        Self::from_seed(seed).ok_or(PemError)
    }

    /// PKCS#8 as PEM: for a file that nobody else may read.
    pub fn to_pem(&self) -> Zeroizing<String> {
        let mut der = Zeroizing::new(PKCS8.to_vec());
        der.reserve_exact(32);
        der.extend_from_slice(self.seed.as_ref());
        let body = Zeroizing::new(STANDARD.encode(der.as_slice()));
        Zeroizing::new(format!("{BEGIN}\n{}\n{END}\n", body.as_str()))
    }

    /// The public half.
    pub fn public(&self) -> GovernanceKey {
        self.public
    }

    /// Signs a version of a manifest.
    pub fn sign_manifest(&self, manifest: &Manifest) -> GovernanceSignature {
        manifest.signature(self.public, |message| self.sign(message))
    }

    /// Signs a change of a vault's trust configuration.
    pub fn sign_reconfiguration(&self, statement: &Reconfiguration) -> GovernanceSignature {
        statement.signature(self.public, |message| self.sign(message))
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        let made = self.pair.sign(message);
        if let Some(bytes) = made.as_ref().first_chunk() {
            signature = *bytes;
        }
        signature
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public)
    }
}
