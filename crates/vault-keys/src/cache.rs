//! The parsed keys that were used last.

use crate::error::KeyError;
use crate::parsed::{KeyIdentity, ParsedKey};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use vault_policy::{KeyType, Lineage};

/// Bounded in keys; what was used longest ago goes first. Shares pass through and are not kept: they
/// are long, and nothing is computed from them. The lock is held for look-ups only, never
/// over parsing or an operation.
pub struct KeyCache {
    capacity: NonZeroUsize,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    clock: u64,
    keys: BTreeMap<KeyIdentity, Slot>,
    // INVARIANT: holds exactly the `last_used` of every slot.
    order: BTreeMap<u64, KeyIdentity>,
}

struct Slot {
    last_used: u64,
    key: Arc<ParsedKey>,
}

impl KeyCache {
    /// An empty cache for at most `capacity` keys.
    pub fn new(capacity: NonZeroUsize) -> Self {
        Self {
            capacity,
            used: Mutex::default(),
        }
    }

    /// The parsed key, if it is here.
    pub fn get(&self, identity: &KeyIdentity) -> Option<Arc<ParsedKey>> {
        self.lock().touch(identity)
    }

    /// The parsed key, or what `parse` gives, which is then kept unless it is a share.
    pub fn get_or_parse(
        &self,
        identity: &KeyIdentity,
        parse: impl FnOnce() -> Result<ParsedKey, KeyError>,
    ) -> Result<Arc<ParsedKey>, KeyError> {
        if let Some(key) = self.get(identity) {
            return Ok(key);
        }
        let key = Arc::new(parse()?);
        if key.key_type() == KeyType::RawShare {
            return Ok(key);
        }
        let gone = self.lock().insert(Arc::clone(&key), self.capacity);
        drop(gone);
        Ok(key)
    }

    /// Forgets every version of a key: it was destroyed. Operations that hold it already end as
    /// they began. By lineage: another owner's key may have the same handle.
    pub fn remove(&self, lineage: &Lineage) {
        let gone = self.lock().remove(lineage);
        drop(gone);
    }

    /// How many keys are here.
    pub fn len(&self) -> usize {
        self.lock().keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    // Nothing in here can panic half-way, so a poisoned lock guards a whole value.
    fn lock(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Used {
    fn touch(&mut self, identity: &KeyIdentity) -> Option<Arc<ParsedKey>> {
        let slot = self.keys.get_mut(identity)?;
        if slot.last_used != self.clock {
            self.order.remove(&slot.last_used);
            self.clock += 1;
            slot.last_used = self.clock;
            self.order.insert(self.clock, *identity);
        }
        Some(Arc::clone(&slot.key))
    }

    /// Gives back what had to go, to be dropped outside the lock.
    fn insert(&mut self, key: Arc<ParsedKey>, capacity: NonZeroUsize) -> Vec<Slot> {
        let identity = key.identity();
        self.clock += 1;
        self.order.insert(self.clock, identity);
        let slot = Slot {
            last_used: self.clock,
            key,
        };
        let mut gone = Vec::from_iter(self.keys.insert(identity, slot));
        for replaced in &gone {
            self.order.remove(&replaced.last_used);
        }
        while self.keys.len() > capacity.get() {
            let Some((_, oldest)) = self.order.pop_first() else {
                break;
            };
            gone.extend(self.keys.remove(&oldest));
        }
        gone
    }

    fn remove(&mut self, lineage: &Lineage) -> Vec<Slot> {
        let doomed: Vec<_> = self
            .keys
            .keys()
            .filter(|identity| identity.lineage == *lineage)
            .copied()
            .collect();
        let gone: Vec<_> = doomed
            .iter()
            .filter_map(|identity| self.keys.remove(identity))
            .collect();
        for slot in &gone {
            self.order.remove(&slot.last_used);
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::material::{KeyMaterial, SecretAccess};
    use vault_encoding::Hash;
    use vault_policy::{KeyHandle, KeyVersion};

    fn identity(handle: u8, version: u32) -> KeyIdentity {
        KeyIdentity {
            handle: KeyHandle([handle; 16]),
            version: KeyVersion(version),
            lineage: Lineage(Hash([handle; 32])),
        }
    }

    fn parsed(identity: KeyIdentity) -> Result<ParsedKey, KeyError> {
        let access = SecretAccess::granted();
        let material = KeyMaterial::from_secret_bytes(KeyType::HmacSha256, &[1; 32], access)?;
        ParsedKey::parse(identity, &material)
    }

    fn cache(capacity: usize, keys: impl IntoIterator<Item = KeyIdentity>) -> KeyCache {
        let cache = KeyCache::new(NonZeroUsize::new(capacity).unwrap());
        for key in keys {
            cache.get_or_parse(&key, || parsed(key)).unwrap();
        }
        cache
    }

    fn is_consistent(cache: &KeyCache) -> bool {
        let used = cache.lock();
        let slots: BTreeMap<_, _> = used
            .keys
            .iter()
            .map(|(identity, slot)| (slot.last_used, *identity))
            .collect();
        slots == used.order && used.keys.len() <= cache.capacity.get()
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let cache = cache(2, [identity(1, 1), identity(2, 1)]);
        assert!(cache.get(&identity(1, 1)).is_some());
        cache
            .get_or_parse(&identity(3, 1), || parsed(identity(3, 1)))
            .unwrap();
        assert!(cache.get(&identity(2, 1)).is_none());
        assert!(cache.get(&identity(1, 1)).is_some());
        assert!(is_consistent(&cache));
    }

    #[test]
    fn a_key_is_parsed_once() {
        let cache = cache(2, [identity(1, 1)]);
        cache
            .get_or_parse(&identity(1, 1), || Err(KeyError::Library))
            .unwrap();
    }

    #[test]
    fn what_does_not_parse_is_not_kept() {
        let cache = cache(2, []);
        let refused = cache.get_or_parse(&identity(1, 1), || Err(KeyError::Library));
        assert_eq!(refused.err(), Some(KeyError::Library));
        assert!(cache.is_empty());
    }

    #[test]
    fn a_destroyed_key_is_gone_in_every_version() {
        let cache = cache(8, [identity(1, 1), identity(1, 2), identity(2, 1)]);
        cache.remove(&Lineage(Hash([1; 32])));
        assert_eq!(cache.len(), 1);
        assert!(cache.get(&identity(2, 1)).is_some());
        assert!(is_consistent(&cache));
    }

    #[test]
    fn another_owners_key_of_the_same_handle_stays() {
        let theirs = KeyIdentity {
            lineage: Lineage(Hash([9; 32])),
            ..identity(1, 1)
        };
        let cache = cache(8, [identity(1, 1), theirs]);
        cache.remove(&identity(1, 1).lineage);
        assert!(cache.get(&identity(1, 1)).is_none());
        assert!(cache.get(&theirs).is_some());
    }

    #[test]
    fn it_stays_bounded_and_consistent_under_any_use() {
        let cache = cache(4, []);
        let mut state = 1u32;
        for _ in 0..2_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (handle, version) = ((state >> 24) as u8 % 5, (state >> 16) % 3);
            if state.is_multiple_of(17) {
                cache.remove(&Lineage(Hash([handle; 32])));
            } else {
                let key = identity(handle, version);
                assert_eq!(
                    cache.get_or_parse(&key, || parsed(key)).unwrap().identity(),
                    key
                );
            }
            assert!(is_consistent(&cache));
        }
    }
}
