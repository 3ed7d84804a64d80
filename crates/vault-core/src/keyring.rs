//! Where parsed keys come from: sealed material in memory, through a bounded cache.

use crate::state::LiveKey;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
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
            .open(&self.memory_key, &key.handle, key.version)
    }

    /// The key, ready to be used. A call that is under way while its key is destroyed may still
    /// parse it, and leaves nothing of it behind: `forget` marks the key and then empties the
    /// cache, this fills the cache and then looks for the mark.
    pub(crate) fn ready(&self, key: &LiveKey) -> Result<Arc<ParsedKey>, KeyError> {
        let identity = KeyIdentity::of_subject(&key.subject());
        let parsed = self
            .cache
            .get_or_parse(&identity, || ParsedKey::parse(identity, &self.open(key)?));
        if key.gone.load(Ordering::SeqCst) {
            self.cache.remove(&key.lineage);
        }
        parsed
    }

    pub(crate) fn forget(&self, key: &LiveKey) {
        key.gone.store(true, Ordering::SeqCst);
        self.cache.remove(&key.lineage);
    }

    /// Parsed keys in memory.
    pub(crate) fn held(&self) -> usize {
        self.cache.len()
    }
}
