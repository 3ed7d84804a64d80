//! A key that can be used, in few bytes: there are very many.

use super::Tombstone;
use crate::api::Label;
use crate::change::CreatedKey;
use crate::keyring::KeyRing;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use vault_keys::{KeyError, KeyMaterial, Rng, SealedMaterial, SecretAccess};
use vault_policy::{
    KeyHandle, KeyPolicy, KeySubject, KeyType, KeyVersion, Lineage, PolicyVersion, UnixSeconds,
};

/// A key that can be used.
pub(crate) struct LiveKey {
    pub(crate) handle: KeyHandle,
    pub(crate) lineage: Lineage,
    pub(crate) version: KeyVersion,
    pub(crate) policy_version: PolicyVersion,
    pub(crate) created_at: UnixSeconds,
    pub(crate) policy: Arc<KeyPolicy>,
    /// Of a key that has a name or labels.
    texts: Option<Box<Texts>>,
    pub(crate) public_key: Box<[u8]>,
    pub(crate) material: SealedMaterial,
    /// Set when the key is destroyed, for calls that still hold it.
    pub(crate) destroyed: AtomicBool,
}

struct Texts {
    name: String,
    labels: Vec<Label>,
}

impl LiveKey {
    /// The key that a creation made: the same whether it is made now or read from the log.
    pub(crate) fn from_created(
        created: CreatedKey,
        lineage: Lineage,
        policy: Arc<KeyPolicy>,
        ring: &KeyRing,
        rng: &mut dyn Rng,
    ) -> Result<Self, KeyError> {
        let material = KeyMaterial::from_secret_bytes(
            created.key_type,
            &created.secret,
            SecretAccess::granted(),
        )?;
        let texts = Texts {
            name: created.name,
            labels: created.labels,
        };
        Ok(Self {
            handle: created.handle,
            lineage,
            version: created.version,
            policy_version: created.policy_version,
            created_at: created.created_at,
            policy,
            texts: texts.boxed(),
            public_key: created.public_key.into(),
            material: ring.seal(&created.handle, created.version, &material, rng)?,
            destroyed: AtomicBool::new(false),
        })
    }

    pub(crate) fn subject(&self) -> KeySubject {
        KeySubject {
            handle: self.handle,
            lineage: self.lineage,
            version: self.version,
            policy_hash: self.policy.hash(),
            policy_version: self.policy_version,
        }
    }

    pub(crate) fn key_type(&self) -> KeyType {
        self.material.key_type()
    }

    /// Empty if it has none.
    pub(crate) fn name(&self) -> &str {
        self.texts.as_ref().map_or("", |texts| &texts.name)
    }

    pub(crate) fn labels(&self) -> &[Label] {
        self.texts.as_ref().map_or(&[], |texts| &texts.labels)
    }

    pub(super) fn share_bytes(&self) -> usize {
        match self.key_type() {
            KeyType::RawShare => self.material.secret_len(),
            _ => 0,
        }
    }

    pub(super) fn tombstone(&self, index: u64) -> Tombstone {
        Tombstone {
            subject: self.subject(),
            key_type: self.key_type(),
            created_at: self.created_at,
            name: self.name().to_owned(),
            index,
        }
    }
}

impl Texts {
    fn boxed(self) -> Option<Box<Self>> {
        let is_empty = self.name.is_empty() && self.labels.is_empty();
        (!is_empty).then(|| Box::new(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A million keys are held in memory: what is added here is added a million times.
    #[test]
    fn a_key_is_small() {
        let bytes = size_of::<LiveKey>();
        assert!(bytes <= 192, "{bytes}");
    }
}
