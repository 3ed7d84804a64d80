//! A key that can be used, in few bytes: there are very many.

use super::{Staged, Tombstone};
use crate::api::Label;
use crate::change::{Alteration, CreatedKey};
use crate::codec::{Malformed, Reader, Writer};
use crate::keyring::KeyRing;
use crate::limits::PENDING_PROFILES;
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
    /// Of a key that has any of it.
    beside: Option<Box<Beside>>,
    pub(crate) public_key: Box<[u8]>,
    pub(crate) material: SealedMaterial,
    /// Set when the key is destroyed or something else stands in its place, for calls that still hold it.
    pub(crate) gone: AtomicBool,
}

/// What few keys have.
#[derive(Clone, Default)]
pub(crate) struct Marks {
    /// From when on the key may go.
    pub(crate) due_at: Option<UnixSeconds>,
    /// In the order in which they were proposed; no two are equal.
    pub(crate) staged: Vec<Staged>,
}

/// What not every key has.
#[derive(Clone, Default)]
struct Beside {
    name: String,
    labels: Vec<Label>,
    marks: Marks,
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
        let beside = Beside {
            name: created.name,
            labels: created.labels,
            marks: Marks::default(),
        };
        Ok(Self {
            handle: created.handle,
            lineage,
            version: created.version,
            policy_version: created.policy_version,
            created_at: created.created_at,
            policy,
            beside: beside.boxed(),
            public_key: created.public_key.into(),
            material: ring.seal(&created.handle, created.version, &material, rng)?,
            gone: AtomicBool::new(false),
        })
    }

    /// The same key with what a snapshot says of it besides.
    pub(crate) fn marked(mut self, marks: Marks) -> Self {
        self.beside = Beside {
            marks,
            ..self.beside()
        }
        .boxed();
        self
    }

    /// The key as a change makes it; `None` if that change cannot follow what is there.
    pub(crate) fn altered(&self, how: &Alteration) -> Option<Self> {
        let mut beside = self.beside();
        beside.marks.apply(how)?;
        let (policy, policy_version) = match how.policy() {
            Some((policy, version)) if self.is_followed_by(policy, version) => (policy, version),
            Some(_) => return None,
            None => (&self.policy, self.policy_version),
        };
        Some(Self {
            handle: self.handle,
            lineage: self.lineage,
            version: self.version,
            policy_version,
            created_at: self.created_at,
            policy: Arc::clone(policy),
            beside: beside.boxed(),
            public_key: self.public_key.clone(),
            material: self.material.clone(),
            gone: AtomicBool::new(false),
        })
    }

    fn is_followed_by(&self, policy: &KeyPolicy, version: PolicyVersion) -> bool {
        self.policy_version.0.checked_add(1) == Some(version.0)
            && policy.owner() == self.policy.owner()
    }

    fn beside(&self) -> Beside {
        self.beside.as_deref().cloned().unwrap_or_default()
    }

    /// `None` of a key that has none.
    pub(crate) fn marks(&self) -> Option<&Marks> {
        let marks = &self.beside.as_ref()?.marks;
        (!marks.is_empty()).then_some(marks)
    }

    /// From when on the key may go, if it is to go.
    pub(crate) fn due_at(&self) -> Option<UnixSeconds> {
        self.marks()?.due_at
    }

    /// What is proposed.
    pub(crate) fn staged(&self) -> &[Staged] {
        self.marks().map_or(&[], |marks| &marks.staged)
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

    pub(crate) fn staged_bytes(&self) -> usize {
        let staged = self.staged().iter();
        staged.map(|staged| staged.profile.len()).sum()
    }

    pub(crate) fn key_type(&self) -> KeyType {
        self.material.key_type()
    }

    /// Empty if it has none.
    pub(crate) fn name(&self) -> &str {
        self.beside.as_ref().map_or("", |beside| &beside.name)
    }

    pub(crate) fn labels(&self) -> &[Label] {
        self.beside.as_ref().map_or(&[], |beside| &beside.labels)
    }

    pub(crate) fn share_bytes(&self) -> usize {
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

impl Marks {
    fn is_empty(&self) -> bool {
        self.due_at.is_none() && self.staged.is_empty()
    }

    /// When (1 byte, 0 or 1; then the second) ‖ number of proposals ‖ proposals.
    pub(crate) fn write(&self, out: &mut Writer) {
        out.u8(u8::from(self.due_at.is_some()));
        if let Some(due_at) = self.due_at {
            out.u64(due_at.0);
        }
        out.u32(u32::try_from(self.staged.len()).unwrap_or(u32::MAX));
        for staged in &self.staged {
            staged.write(out);
        }
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let due_at = match from.u8()? {
            0 => None,
            1 => Some(UnixSeconds(from.u64()?)),
            _ => return Err(Malformed),
        };
        let mut marks = Self {
            due_at,
            staged: Vec::new(),
        };
        for number in 1..=from.u32()? {
            marks.stage(&Staged::read(from)?).ok_or(Malformed)?;
            if marks.staged.len() as u64 != u64::from(number) {
                return Err(Malformed);
            }
        }
        match marks.is_empty() {
            true => Err(Malformed),
            false => Ok(marks),
        }
    }

    fn apply(&mut self, how: &Alteration) -> Option<()> {
        match how {
            Alteration::Policy { .. } => {}
            Alteration::Stage(staged) => self.stage(staged)?,
            Alteration::Promote { digest, .. } | Alteration::Revoke(digest) => {
                let at = self.staged.iter().position(|held| held.digest == *digest)?;
                self.staged.remove(at);
            }
            Alteration::Schedule(due_at) if self.due_at.is_none() => self.due_at = Some(*due_at),
            Alteration::Schedule(_) => return None,
            Alteration::Cancel => drop(self.due_at.take()?),
        }
        Some(())
    }

    /// An equal proposal that is there already stands for both.
    fn stage(&mut self, staged: &Staged) -> Option<()> {
        if self.staged.iter().any(|held| held.digest == staged.digest) {
            return Some(());
        }
        let fits = self.staged.len() < PENDING_PROFILES;
        fits.then(|| self.staged.push(staged.clone()))
    }
}

impl Beside {
    fn boxed(self) -> Option<Box<Self>> {
        let is_empty = self.name.is_empty() && self.labels.is_empty() && self.marks.is_empty();
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
