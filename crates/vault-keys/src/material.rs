//! Raw key material.

use crate::error::KeyError;
use crate::p256;
use crate::parsed::{KeyIdentity, ParsedKey};
use crate::rng::Rng;
use vault_policy::{KeyType, SHARE_CLASSES};
use zeroize::Zeroizing;

/// Length of every secret but a share: a scalar, a seed, or a symmetric key.
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

/// Bytes on the heap, wiped when dropped: moving them copies a pointer.
pub(crate) type SecretBytes = Zeroizing<Box<[u8]>>;

/// A secret and its type. Wiped when dropped; neither `Clone`, `Debug` nor `PartialEq`.
pub struct KeyMaterial {
    key_type: KeyType,
    // INVARIANT: a secret of this type, in length and value.
    secret: SecretBytes,
}

impl KeyMaterial {
    /// A new secret. P-256 scalars are drawn until one lies in 1..n (FIPS 186-5, A.2.2). Shares
    /// are never made in a vault: [`KeyError::MaterialRejected`].
    pub fn generate(key_type: KeyType, rng: &mut dyn Rng) -> Result<Self, KeyError> {
        if key_type == KeyType::RawShare {
            return Err(KeyError::MaterialRejected { key_type });
        }
        let mut secret = zeros(SECRET_LEN);
        loop {
            rng.fill(&mut secret);
            if is_secret_of(key_type, &secret) {
                return Ok(Self { key_type, secret });
            }
        }
    }

    /// From the bytes that [`KeyMaterial::secret_bytes`] gave, or a share. The caller wipes its
    /// own copy.
    pub fn from_secret_bytes(
        key_type: KeyType,
        bytes: &[u8],
        _: SecretAccess,
    ) -> Result<Self, KeyError> {
        if !is_secret_of(key_type, bytes) {
            return Err(KeyError::MaterialRejected { key_type });
        }
        let mut secret = zeros(bytes.len());
        secret.copy_from_slice(bytes);
        Ok(Self { key_type, secret })
    }

    /// The type. Fixed for life.
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// The raw secret: [`SECRET_LEN`] bytes, or those of a share.
    pub fn secret_bytes(&self, _: SecretAccess) -> &[u8] {
        &self.secret
    }

    /// SubjectPublicKeyInfo in DER; `None` for symmetric types and shares. For the answer to the
    /// creation of a key; afterwards it is an operation of its own.
    pub fn public_key_spki(&self) -> Result<Option<Vec<u8>>, KeyError> {
        match self.key_type {
            KeyType::P256Signing | KeyType::Ed25519Signing => {
                ParsedKey::parse(KeyIdentity::UNNAMED, self)?.spki()
            }
            KeyType::Aes256Gcm | KeyType::HmacSha256 | KeyType::RawShare => Ok(None),
        }
    }

    pub(crate) fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// The secret of a type whose secrets all have this length.
    pub(crate) fn fixed_secret(&self) -> Result<&[u8; SECRET_LEN], KeyError> {
        let rejected = |_| KeyError::MaterialRejected {
            key_type: self.key_type,
        };
        (&*self.secret as &[u8]).try_into().map_err(rejected)
    }

    /// What was sealed: the seal says that it was material once.
    pub(crate) fn from_sealed(key_type: KeyType, secret: SecretBytes) -> Result<Self, KeyError> {
        if has_length_of(key_type, secret.len()) {
            Ok(Self { key_type, secret })
        } else {
            Err(KeyError::NotAuthentic)
        }
    }
}

pub(crate) fn zeros(length: usize) -> SecretBytes {
    Zeroizing::new(vec![0; length].into_boxed_slice())
}

fn has_length_of(key_type: KeyType, length: usize) -> bool {
    match key_type {
        KeyType::P256Signing
        | KeyType::Ed25519Signing
        | KeyType::Aes256Gcm
        | KeyType::HmacSha256 => length == SECRET_LEN,
        KeyType::RawShare => SHARE_CLASSES.contains(&length),
    }
}

/// A share begins with its x, which is never 0: at 0 lies the secret itself.
fn is_secret_of(key_type: KeyType, bytes: &[u8]) -> bool {
    has_length_of(key_type, bytes.len())
        && match key_type {
            KeyType::P256Signing => bytes.try_into().is_ok_and(p256::is_scalar),
            KeyType::Ed25519Signing | KeyType::Aes256Gcm | KeyType::HmacSha256 => true,
            KeyType::RawShare => bytes.first().is_some_and(|x| *x != 0),
        }
}
