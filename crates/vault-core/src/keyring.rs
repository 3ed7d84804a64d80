//! Where parsed keys come from: sealed material in memory, through a bounded cache.

use crate::state::LiveKey;
use std::num::NonZeroUsize;
use std::sync::Arc;
use vault_keys::SealedMaterial;
use vault_keys::{KeyCache, KeyError, KeyIdentity, KeyMaterial, MemoryKey, ParsedKey, Rng};
use vault_policy::{KeyHandle, KeyVersion};

/// The key that seals material in memory, drawn at every boot, and the parsed keys in use.
pub(crate) struct KeyRing {
    memory_key: MemoryKey,
    cache: KeyCache,
}

impl KeyRing {
    pub(crate) fn new(cached_keys: usize, rng: &mut dyn Rng) -> Result<Self, KeyError> {
        let capacity = NonZeroUsize::new(cached_keys).unwrap_or(NonZeroUsize::MIN);
        Ok(Self {
            memory_key: MemoryKey::generate(rng)?,
            cache: KeyCache::new(capacity),
        })
    }

    pub(crate) fn seal(
        &self,
        handle: &KeyHandle,
        version: KeyVersion,
        material: &KeyMaterial,
        rng: &mut dyn Rng,
    ) -> Result<SealedMaterial, KeyError> {
        SealedMaterial::seal(&self.memory_key, handle, version, material, rng)
    }

    pub(crate) fn open(&self, key: &LiveKey) -> Result<KeyMaterial, KeyError> {
        key.material
            .open(&self.memory_key, &key.subject.handle, key.subject.version)
    }

    /// The key, ready to be used.
    pub(crate) fn ready(&self, key: &LiveKey) -> Result<Arc<ParsedKey>, KeyError> {
        let identity = KeyIdentity::of_subject(&key.subject);
        self.cache
            .get_or_parse(&identity, || ParsedKey::parse(identity, &self.open(key)?))
    }

    pub(crate) fn forget(&self, handle: &KeyHandle) {
        self.cache.remove(handle);
    }
}
