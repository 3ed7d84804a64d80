//! Raw key material.

use crate::error::KeyError;
use crate::p256;
use crate::parsed::{KeyIdentity, ParsedKey};
use crate::rng::Rng;
use vault_policy::KeyType;
use zeroize::Zeroizing;

/// Length of every secret: a scalar, a seed, or a symmetric key.
pub const SECRET_LEN: usize = 32;

/// Leave to handle raw secret bytes. Whoever writes `SecretAccess::granted()` answers for what
/// becomes of them; searching for it finds every such place.
#[derive(Debug)]
pub struct SecretAccess(());

impl SecretAccess {
    /// Asserts that the bytes go only into sealed state or come from it.
    pub fn granted() -> Self {
        Self(())
    }
}

/// A secret and its type. Wiped when dropped; neither `Clone`, `Debug` nor `PartialEq`.
pub struct KeyMaterial {
    key_type: KeyType,
    // Boxed: a moved array would leave copies of itself behind.
    secret: Box<Zeroizing<[u8; SECRET_LEN]>>,
}

impl KeyMaterial {
    /// A new secret. P-256 scalars are drawn until one lies in 1..n (FIPS 186-5, A.2.2).
    pub fn generate(key_type: KeyType, rng: &mut dyn Rng) -> Self {
        let mut secret = Box::new(Zeroizing::new([0; SECRET_LEN]));
        loop {
            rng.fill(secret.as_mut_slice());
            if is_secret_of(key_type, &secret) {
                return Self { key_type, secret };
            }
        }
    }

    /// From the bytes that [`KeyMaterial::secret_bytes`] gave. The caller wipes its own copy.
    pub fn from_secret_bytes(
        key_type: KeyType,
        bytes: &[u8],
        _: SecretAccess,
    ) -> Result<Self, KeyError> {
        let rejected = KeyError::MaterialRejected { key_type };
        if bytes.len() != SECRET_LEN {
            return Err(rejected);
        }
        let mut secret = Box::new(Zeroizing::new([0; SECRET_LEN]));
        secret.copy_from_slice(bytes);
        if is_secret_of(key_type, &secret) {
            Ok(Self { key_type, secret })
        } else {
            Err(rejected)
        }
    }

    /// The type. Fixed for life.
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// The raw secret.
    pub fn secret_bytes(&self, _: SecretAccess) -> &[u8; SECRET_LEN] {
        &self.secret
    }

    /// SubjectPublicKeyInfo in DER; `None` for symmetric types. For the answer to the creation
    /// of a key; afterwards it is an operation of its own.
    pub fn public_key_spki(&self) -> Result<Option<Vec<u8>>, KeyError> {
        ParsedKey::parse(KeyIdentity::UNNAMED, self)?.spki()
    }

    pub(crate) fn secret(&self) -> &[u8; SECRET_LEN] {
        &self.secret
    }

    pub(crate) fn from_boxed(key_type: KeyType, secret: Box<Zeroizing<[u8; SECRET_LEN]>>) -> Self {
        Self { key_type, secret }
    }
}

fn is_secret_of(key_type: KeyType, secret: &[u8; SECRET_LEN]) -> bool {
    match key_type {
        KeyType::P256Signing => p256::is_scalar(secret),
        KeyType::Ed25519Signing | KeyType::Aes256Gcm | KeyType::HmacSha256 => true,
    }
}
