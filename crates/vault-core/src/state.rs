//! The fold of the log: keys, tombstones, remembered calls, the time floor.

use crate::api::{KeyInfo, KeyRef, KeyState, Label};
use crate::change::CreatedKey;
use crate::idempotency::{Kept, Table};
use crate::keyring::KeyRing;
use crate::quota;
use crate::reconfigure::InForce;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use vault_keys::{KeyError, KeyMaterial, Rng, SealedMaterial, SecretAccess};
use vault_policy::{KeyHandle, KeyPolicy, KeySubject, KeyType, Lineage, OidcSubject};
use vault_policy::{PolicyHash, UnixSeconds};

/// A key that can be used.
pub(crate) struct LiveKey {
    pub(crate) subject: KeySubject,
    pub(crate) key_type: KeyType,
    pub(crate) created_at: UnixSeconds,
    pub(crate) name: String,
    pub(crate) labels: Vec<Label>,
    pub(crate) policy: Arc<KeyPolicy>,
    pub(crate) public_key: Vec<u8>,
    pub(crate) material: SealedMaterial,
    /// Set when the key is destroyed, for calls that still hold it.
    pub(crate) destroyed: AtomicBool,
}

/// What is left of a destroyed key.
#[derive(Clone)]
pub(crate) struct Tombstone {
    pub(crate) subject: KeySubject,
    pub(crate) key_type: KeyType,
    pub(crate) created_at: UnixSeconds,
    pub(crate) name: String,
    /// Leaf of the deletion.
    pub(crate) index: u64,
}

/// A key or its tombstone.
pub(crate) enum Body {
    Live(Arc<LiveKey>),
    Destroyed(Box<Tombstone>),
}

/// One handle of one owner: taken once, for ever.
pub(crate) struct Slot {
    pub(crate) owner: Arc<OidcSubject>,
    /// Size of the log that holds everything that made this slot what it is.
    pub(crate) changed: u64,
    pub(crate) body: Body,
}

/// The keys of one owner; positions in the list of slots.
#[derive(Default)]
pub(crate) struct Owned {
    pub(crate) handles: BTreeMap<KeyHandle, usize>,
    /// Of live keys that have a name.
    pub(crate) names: BTreeMap<String, usize>,
    /// Length of the live shares together.
    pub(crate) share_bytes: usize,
    /// Length of their policies, names and labels. Nobody else's keys are under these policies: each names
    /// its owner.
    pub(crate) text_bytes: usize,
    /// Size of the log that holds the last change of any of them.
    pub(crate) changed: u64,
}

#[derive(Default)]
pub(crate) struct State {
    slots: Vec<Slot>,
    owners: BTreeMap<OidcSubject, Owned>,
    lineages: BTreeMap<Lineage, usize>,
    policies: BTreeMap<PolicyHash, Shared>,
    pub(crate) idempotency: Table,
    pub(crate) floor: UnixSeconds,
    /// The last change of the trust configuration.
    pub(crate) in_force: Option<InForce>,
}

/// One policy, and how many live keys are under it.
struct Shared {
    policy: Arc<KeyPolicy>,
    keys: usize,
}

/// What a key reference leads to, before anybody asked a policy.
pub(crate) enum Found<'a> {
    Slot(&'a Slot),
    /// The owner's handle with a lineage that it does not have.
    OtherLineage(&'a Slot),
    Nothing,
}

impl State {
    /// Takes the next generation; `None` for any other.
    pub(crate) fn put_in_force(&mut self, next: InForce) -> Option<()> {
        let generation = self.in_force.as_ref().map_or(0, |held| held.generation);
        (next.generation == generation.checked_add(1)?).then(|| self.in_force = Some(next))
    }

    /// The owner names a key by handle, everybody else by handle and lineage. Both look-ups are
    /// made whatever the first one finds.
    pub(crate) fn find(&self, caller: Option<&OidcSubject>, key: &KeyRef) -> Found<'_> {
        let own = caller
            .and_then(|subject| self.owners.get(subject))
            .and_then(|owned| owned.handles.get(&key.handle))
            .and_then(|&position| self.slots.get(position));
        let pinned = key
            .lineage
            .and_then(|lineage| self.lineages.get(&lineage))
            .and_then(|&position| self.slots.get(position))
            .filter(|slot| slot.subject().handle == key.handle);
        match (own, pinned) {
            (Some(own), _)
                if key
                    .lineage
                    .is_none_or(|lineage| lineage == own.subject().lineage) =>
            {
                Found::Slot(own)
            }
            (_, Some(pinned)) => Found::Slot(pinned),
            (Some(own), None) => Found::OtherLineage(own),
            (None, None) => Found::Nothing,
        }
    }

    pub(crate) fn by_lineage(&self, lineage: &Lineage) -> Option<&Slot> {
        self.lineages
            .get(lineage)
            .and_then(|&position| self.slots.get(position))
    }

    pub(crate) fn owned(&self, owner: &OidcSubject) -> Option<&Owned> {
        self.owners.get(owner)
    }

    pub(crate) fn slot(&self, position: usize) -> Option<&Slot> {
        self.slots.get(position)
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The same policy once in memory, however many keys are under it.
    pub(crate) fn shared_policy(&self, policy: KeyPolicy) -> Arc<KeyPolicy> {
        match self.policies.get(&policy.hash()) {
            Some(known) => Arc::clone(&known.policy),
            None => Arc::new(policy),
        }
    }

    pub(crate) fn known_policy(&self, hash: &PolicyHash) -> Option<&Arc<KeyPolicy>> {
        self.policies.get(hash).map(|known| &known.policy)
    }

    pub(crate) fn policies(&self) -> impl Iterator<Item = &Arc<KeyPolicy>> {
        self.policies.values().map(|known| &known.policy)
    }

    /// A policy whose keys follow: only a snapshot does this.
    pub(crate) fn add_policy(&mut self, policy: KeyPolicy) {
        let hash = policy.hash();
        let policy = Arc::new(policy);
        self.policies.insert(hash, Shared { policy, keys: 0 });
    }

    /// Adds a key. `changed` is the size of the log with its creation leaf.
    pub(crate) fn add(&mut self, owner: OidcSubject, key: Arc<LiveKey>, changed: u64) {
        let shared = self
            .policies
            .entry(key.policy.hash())
            .or_insert_with(|| Shared {
                policy: Arc::clone(&key.policy),
                keys: 0,
            });
        let is_first = shared.keys == 0;
        shared.keys = shared.keys.saturating_add(1);
        let (name, share_bytes) = (key.name.clone(), key.share_bytes());
        let text_bytes = quota::texts(&key, is_first);
        let position = self.place(owner, key.subject, changed, Body::Live(key));
        if let Some(owned) = self
            .slot_owner(position)
            .and_then(|owner| self.owners.get_mut(&*owner))
        {
            owned.share_bytes = owned.share_bytes.saturating_add(share_bytes);
            owned.text_bytes = owned.text_bytes.saturating_add(text_bytes);
            if !name.is_empty() {
                owned.names.insert(name, position);
            }
        }
    }

    /// Adds a tombstone: only a snapshot does this.
    pub(crate) fn add_tombstone(&mut self, owner: OidcSubject, tombstone: Tombstone) {
        let changed = tombstone.index.saturating_add(1);
        let body = Body::Destroyed(Box::new(tombstone.clone()));
        self.place(owner, tombstone.subject, changed, body);
    }

    fn slot_owner(&self, position: usize) -> Option<Arc<OidcSubject>> {
        self.slots.get(position).map(|slot| Arc::clone(&slot.owner))
    }

    fn place(
        &mut self,
        owner: OidcSubject,
        subject: KeySubject,
        changed: u64,
        body: Body,
    ) -> usize {
        let position = self.slots.len();
        self.lineages.insert(subject.lineage, position);
        let owned = self.owners.entry(owner.clone()).or_default();
        owned.handles.insert(subject.handle, position);
        owned.changed = owned.changed.max(changed);
        self.slots.push(Slot {
            owner: Arc::new(owner),
            changed,
            body,
        });
        position
    }

    /// Turns a key into its tombstone; gives back what has to go.
    pub(crate) fn destroy(&mut self, lineage: &Lineage, index: u64) -> Option<Arc<LiveKey>> {
        let position = *self.lineages.get(lineage)?;
        let slot = self.slots.get_mut(position)?;
        let Body::Live(key) = &slot.body else {
            return None;
        };
        let key = Arc::clone(key);
        slot.changed = index.saturating_add(1);
        slot.body = Body::Destroyed(Box::new(key.tombstone(index)));
        let owner = Arc::clone(&slot.owner);
        let (changed, is_last) = (slot.changed, self.drop_policy(&key));
        if let Some(owned) = self.owners.get_mut(&*owner) {
            owned.names.remove(&key.name);
            owned.share_bytes = owned.share_bytes.saturating_sub(key.share_bytes());
            let text_bytes = quota::texts(&key, is_last);
            owned.text_bytes = owned.text_bytes.saturating_sub(text_bytes);
            owned.changed = changed;
        }
        Some(key)
    }

    /// Forgets a policy that no other key is under, and says whether it was so. Counted, because two
    /// keys that were made at once hold the same policy in two places.
    fn drop_policy(&mut self, key: &LiveKey) -> bool {
        let hash = key.policy.hash();
        let Some(shared) = self.policies.get_mut(&hash) else {
            return false;
        };
        shared.keys = shared.keys.saturating_sub(1);
        let is_last = shared.keys == 0;
        if is_last {
            self.policies.remove(&hash);
        }
        is_last
    }

    pub(crate) fn remember(&mut self, kept: Option<Kept>) {
        if let Some(kept) = kept {
            let owner = self.by_lineage(&kept.lineage).map(|slot| &*slot.owner);
            self.idempotency.insert(quota::account(owner), kept);
        }
    }
}

impl Slot {
    pub(crate) fn subject(&self) -> &KeySubject {
        match &self.body {
            Body::Live(key) => &key.subject,
            Body::Destroyed(tombstone) => &tombstone.subject,
        }
    }

    pub(crate) fn key_type(&self) -> KeyType {
        match &self.body {
            Body::Live(key) => key.key_type,
            Body::Destroyed(tombstone) => tombstone.key_type,
        }
    }

    pub(crate) fn info(&self) -> KeyInfo {
        match &self.body {
            Body::Live(key) => key.info(),
            Body::Destroyed(tombstone) => tombstone.info(),
        }
    }
}

impl LiveKey {
    /// The key that a creation made: the same whether it is made now or read from the log.
    pub(crate) fn from_created(
        created: &CreatedKey,
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
        let subject = KeySubject {
            handle: created.handle,
            lineage,
            version: created.version,
            policy_hash: policy.hash(),
            policy_version: created.policy_version,
        };
        Ok(Self {
            subject,
            key_type: created.key_type,
            created_at: created.created_at,
            name: created.name.clone(),
            labels: created.labels.clone(),
            policy,
            public_key: created.public_key.clone(),
            material: ring.seal(&created.handle, created.version, &material, rng)?,
            destroyed: AtomicBool::new(false),
        })
    }

    pub(crate) fn info(&self) -> KeyInfo {
        KeyInfo {
            handle: self.subject.handle,
            lineage: self.subject.lineage,
            name: self.name.clone(),
            key_type: self.key_type,
            state: KeyState::Enabled,
            version: self.subject.version,
            policy_hash: self.subject.policy_hash,
            policy_version: self.subject.policy_version,
            labels: self.labels.clone(),
            created_at: self.created_at,
            origin: origin(self.key_type),
            exportable: is_exportable(self.key_type),
            public_key: self.public_key.clone(),
        }
    }

    fn share_bytes(&self) -> usize {
        match self.key_type {
            KeyType::RawShare => self.material.secret_len(),
            _ => 0,
        }
    }

    fn tombstone(&self, index: u64) -> Tombstone {
        Tombstone {
            subject: self.subject,
            key_type: self.key_type,
            created_at: self.created_at,
            name: self.name.clone(),
            index,
        }
    }
}

impl Tombstone {
    pub(crate) fn info(&self) -> KeyInfo {
        KeyInfo {
            handle: self.subject.handle,
            lineage: self.subject.lineage,
            name: self.name.clone(),
            key_type: self.key_type,
            state: KeyState::Destroyed,
            version: self.subject.version,
            policy_hash: self.subject.policy_hash,
            policy_version: self.subject.policy_version,
            labels: Vec::new(),
            created_at: self.created_at,
            origin: origin(self.key_type),
            exportable: is_exportable(self.key_type),
            public_key: Vec::new(),
        }
    }
}

/// A share was made outside; everything else was made here.
fn origin(key_type: KeyType) -> &'static str {
    match key_type {
        KeyType::RawShare => "imported",
        _ => "generated",
    }
}

/// A share leaves as it came; nothing else ever leaves.
fn is_exportable(key_type: KeyType) -> bool {
    key_type == KeyType::RawShare
}
