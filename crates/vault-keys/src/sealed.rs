//! Material as it lies in memory between uses.

use crate::error::KeyError;
use crate::material::{KeyMaterial, SECRET_LEN};
use crate::rng::Rng;
use crate::xaes::{NONCE_LEN, TAG_LEN, XaesKey};
use std::sync::Arc;
use vault_policy::{KeyHandle, KeyType, KeyVersion};
use zeroize::Zeroizing;

const AAD_LEN: usize = 16 + 4 + 1;

/// The key under which material is kept in memory. Drawn at every boot, never stored.
pub struct MemoryKey(XaesKey);

impl MemoryKey {
    /// A new key.
    pub fn generate(rng: &mut dyn Rng) -> Result<Self, KeyError> {
        let mut secret = Zeroizing::new([0; SECRET_LEN]);
        rng.fill(secret.as_mut_slice());
        Ok(Self(XaesKey::new(&secret)?))
    }
}

/// Material under the [`MemoryKey`]: XAES-256-GCM with handle ‖ version ‖ type as associated
/// data, so that no record opens as another one. Says nothing when printed.
#[derive(Clone)]
pub struct SealedMaterial {
    key_type: KeyType,
    nonce: [u8; NONCE_LEN],
    sealed: Sealed,
}

/// Ciphertext and tag. All but shares have the same length, and there are very many of them: they
/// stand where they are held.
#[derive(Clone)]
enum Sealed {
    Short([u8; SECRET_LEN + TAG_LEN]),
    Long(Arc<[u8]>),
}

impl From<Vec<u8>> for Sealed {
    fn from(bytes: Vec<u8>) -> Self {
        match bytes.as_slice().try_into() {
            Ok(short) => Self::Short(short),
            Err(_) => Self::Long(bytes.into()),
        }
    }
}

impl std::ops::Deref for Sealed {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Short(bytes) => bytes,
            Self::Long(bytes) => bytes,
        }
    }
}

impl SealedMaterial {
    /// What [`SealedMaterial::seal`] draws.
    pub const NONCE_LEN: usize = NONCE_LEN;

    /// Seals the material as that of this version of this key.
    pub fn seal(
        memory_key: &MemoryKey,
        handle: &KeyHandle,
        version: KeyVersion,
        material: &KeyMaterial,
        rng: &mut dyn Rng,
    ) -> Result<Self, KeyError> {
        let mut nonce = [0; NONCE_LEN];
        rng.fill(&mut nonce);
        let key_type = material.key_type();
        let aad = associated_data(handle, version, key_type);
        let length = material.secret().len().saturating_add(TAG_LEN);
        let mut sealed = Vec::with_capacity(length);
        memory_key
            .0
            .seal_append(&nonce, &aad, material.secret(), &mut sealed)?;
        Ok(Self {
            key_type,
            nonce,
            sealed: sealed.into(),
        })
    }

    /// The material, if it was sealed under this key for this version of this handle.
    pub fn open(
        &self,
        memory_key: &MemoryKey,
        handle: &KeyHandle,
        version: KeyVersion,
    ) -> Result<KeyMaterial, KeyError> {
        let aad = associated_data(handle, version, self.key_type);
        let mut bytes = memory_key.0.open(&self.nonce, &aad, &self.sealed)?;
        // The vector is exactly as long as its allocation, so that this moves nothing.
        let secret = Zeroizing::new(std::mem::take(&mut *bytes).into_boxed_slice());
        KeyMaterial::from_sealed(self.key_type, secret)
    }

    /// Length of the secret inside.
    pub fn secret_len(&self) -> usize {
        self.sealed.len().saturating_sub(TAG_LEN)
    }

    /// The type. Fixed for life.
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }
}

fn associated_data(handle: &KeyHandle, version: KeyVersion, key_type: KeyType) -> [u8; AAD_LEN] {
    let mut aad = [type_code(key_type); AAD_LEN];
    let named = handle.0.into_iter().chain(version.0.to_be_bytes());
    for (slot, byte) in aad.iter_mut().zip(named) {
        *slot = byte;
    }
    aad
}

/// Lives in memory only: not a format.
fn type_code(key_type: KeyType) -> u8 {
    match key_type {
        KeyType::P256Signing => 1,
        KeyType::Ed25519Signing => 2,
        KeyType::Aes256Gcm => 3,
        KeyType::HmacSha256 => 4,
        KeyType::RawShare => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::material::SecretAccess;
    use crate::testing;

    struct System;

    impl Rng for System {
        fn fill(&mut self, out: &mut [u8]) {
            testing::random(out);
        }
    }

    fn material(key_type: KeyType) -> KeyMaterial {
        let secret = testing::secret_of(key_type);
        KeyMaterial::from_secret_bytes(key_type, &secret, SecretAccess::granted()).unwrap()
    }

    const HANDLE: KeyHandle = KeyHandle([1; 16]);
    const VERSION: KeyVersion = KeyVersion(1);

    #[test]
    fn opens_as_what_it_was_sealed_as_and_as_nothing_else() {
        let memory_key = MemoryKey::generate(&mut System).unwrap();
        for key_type in KeyType::ALL {
            let material = material(key_type);
            let sealed =
                SealedMaterial::seal(&memory_key, &HANDLE, VERSION, &material, &mut System)
                    .unwrap();
            let opened = sealed.open(&memory_key, &HANDLE, VERSION).unwrap();
            assert_eq!(opened.key_type(), key_type);
            let access = SecretAccess::granted;
            assert_eq!(
                opened.secret_bytes(access()),
                material.secret_bytes(access())
            );
            let other_key = MemoryKey::generate(&mut System).unwrap();
            let key_of_other_boot = sealed.open(&other_key, &HANDLE, VERSION);
            let other_handle = sealed.open(&memory_key, &KeyHandle([2; 16]), VERSION);
            let other_version = sealed.open(&memory_key, &HANDLE, KeyVersion(2));
            let other_type = SealedMaterial {
                key_type: KeyType::ALL
                    .into_iter()
                    .find(|other| *other != key_type)
                    .unwrap(),
                ..sealed
            };
            let other_type = other_type.open(&memory_key, &HANDLE, VERSION);
            for refused in [key_of_other_boot, other_handle, other_version, other_type] {
                assert_eq!(refused.err(), Some(KeyError::NotAuthentic));
            }
        }
    }

    #[test]
    fn the_secret_does_not_stand_in_the_sealed_form() {
        let memory_key = MemoryKey::generate(&mut System).unwrap();
        let material = material(KeyType::Aes256Gcm);
        let sealed =
            SealedMaterial::seal(&memory_key, &HANDLE, VERSION, &material, &mut System).unwrap();
        assert!(
            !sealed
                .sealed
                .windows(8)
                .any(|window| *window == material.secret()[..8])
        );
    }
}
