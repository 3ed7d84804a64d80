//! The fold of the log: keys, tombstones, remembered calls, the time floor.

mod alter;
mod info;
mod live;
mod staged;

pub(crate) use live::{LiveKey, Marks};
pub(crate) use staged::Staged;

use crate::api::{KeyInfo, KeyRef};
use crate::idempotency::{Kept, Table};
use crate::quota::{self, Held};
use crate::reconfigure::InForce;
use crate::restore::ByLineage;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use vault_encoding::Chunks;
use vault_policy::{KeyHandle, KeyPolicy, KeySubject, KeyType, Lineage, OidcSubject};
use vault_policy::{PolicyHash, UnixSeconds};

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
#[derive(Clone)]
pub(crate) enum Body {
    Live(Arc<LiveKey>),
    Destroyed(Arc<Tombstone>),
}

/// One handle of one owner: taken once, for ever.
#[derive(Clone)]
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
    /// How much they take. Nobody else's keys are under their policies: each names its owner.
    pub(crate) held: Held,
    /// Size of the log that holds the last change of any of them.
    pub(crate) changed: u64,
    /// Handles from a snapshot, until all are there to be sorted at once.
    arriving: Vec<(KeyHandle, usize)>,
}

#[derive(Default)]
pub(crate) struct State {
    slots: Chunks<Slot>,
    owners: BTreeMap<Arc<OidcSubject>, Owned>,
    /// How much the keys of all owners take.
    held: Held,
    lineages: ByLineage,
    policies: BTreeMap<PolicyHash, Shared>,
    /// Keys that are to go, by when they may; positions in the list of slots.
    due: BTreeSet<(UnixSeconds, usize)>,
    pub(crate) idempotency: Table,
    pub(crate) floor: UnixSeconds,
    /// The last change of the trust configuration.
    pub(crate) in_force: Option<InForce>,
    /// Whether slots come from a snapshot.
    restoring: bool,
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
            .and_then(|lineage| self.by_lineage(&lineage))
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
        self.slots.get(self.position(lineage)?)
    }

    fn position(&self, lineage: &Lineage) -> Option<usize> {
        let mut candidates = self.lineages.candidates(lineage);
        candidates.find(|position| {
            let slot = self.slots.get(*position);
            slot.is_some_and(|slot| slot.lineage() == lineage)
        })
    }

    pub(crate) fn owned(&self, owner: &OidcSubject) -> Option<&Owned> {
        self.owners.get(owner)
    }

    /// How much the keys of all owners take.
    pub(crate) fn held(&self) -> Held {
        self.held
    }

    pub(crate) fn slot(&self, position: usize) -> Option<&Slot> {
        self.slots.get(position)
    }

    pub(crate) fn slots(&self) -> &Chunks<Slot> {
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

    pub(crate) fn keys_under(&self, hash: &PolicyHash) -> usize {
        self.policies.get(hash).map_or(0, |known| known.keys)
    }

    /// A policy whose keys follow: only a snapshot does this.
    pub(crate) fn add_policy(&mut self, policy: KeyPolicy) {
        let hash = policy.hash();
        let policy = Arc::new(policy);
        self.policies.insert(hash, Shared { policy, keys: 0 });
    }

    /// Adds a key. `changed` is the size of the log with its creation leaf.
    pub(crate) fn add(
        &mut self,
        owner: impl Into<Arc<OidcSubject>>,
        key: Arc<LiveKey>,
        changed: u64,
    ) {
        self.add_slot(Slot {
            owner: owner.into(),
            changed,
            body: Body::Live(key),
        });
    }

    /// Adds a key, or a tombstone from a snapshot.
    pub(crate) fn add_slot(&mut self, slot: Slot) {
        match &slot.body {
            Body::Live(key) => {
                let key = Arc::clone(key);
                self.add_live(slot, &key);
            }
            Body::Destroyed(_) => drop(self.place(slot)),
        }
    }

    fn add_live(&mut self, slot: Slot, key: &LiveKey) {
        let is_first = self.hold_policy(key);
        let position = self.slots.len();
        self.due
            .extend(key.due_at().map(|due_at| (due_at, position)));
        let more = Held::by(key, is_first);
        self.held = self.held.plus(more);
        let owned = self.place(slot);
        owned.held = owned.held.plus(more);
        if !key.name().is_empty() {
            owned.names.insert(key.name().to_owned(), position);
        }
    }

    /// As many slots follow, from a snapshot.
    pub(crate) fn begin_restore(&mut self, slots: usize) {
        self.restoring = true;
        self.lineages.reserve(slots);
    }

    /// All are there.
    pub(crate) fn end_restore(&mut self) {
        self.restoring = false;
        for owned in self.owners.values_mut() {
            owned.handles = std::mem::take(&mut owned.arriving).into_iter().collect();
        }
    }

    fn place(&mut self, mut slot: Slot) -> &mut Owned {
        let position = self.slots.len();
        let (handle, changed) = (slot.handle(), slot.changed);
        let more = Held::for_ever(slot.name());
        self.lineages.insert(slot.lineage(), position);
        match self.owners.get_key_value(&slot.owner) {
            Some((known, _)) => slot.owner = Arc::clone(known),
            None => self.held = self.held.plus(Held::by_owner(&slot.owner)),
        }
        let owner = Arc::clone(&slot.owner);
        self.slots.push(slot);
        self.held = self.held.plus(more);
        let owned = self.owners.entry(owner).or_default();
        match self.restoring {
            true => owned.arriving.push((handle, position)),
            false => drop(owned.handles.insert(handle, position)),
        }
        owned.held = owned.held.plus(more);
        owned.changed = owned.changed.max(changed);
        owned
    }

    /// Turns a key into its tombstone; gives back what has to go.
    pub(crate) fn destroy(&mut self, lineage: &Lineage, index: u64) -> Option<Arc<LiveKey>> {
        let position = self.position(lineage)?;
        let slot = self.slots.get_mut(position)?;
        let Body::Live(key) = &slot.body else {
            return None;
        };
        let key = Arc::clone(key);
        slot.changed = index.saturating_add(1);
        slot.body = Body::Destroyed(Arc::new(key.tombstone(index)));
        let owner = Arc::clone(&slot.owner);
        let changed = slot.changed;
        let less = Held::by(&key, self.drop_policy(&key));
        self.held = self.held.minus(less);
        self.forget_due(&key, position);
        if let Some(owned) = self.owners.get_mut(&*owner) {
            owned.names.remove(key.name());
            owned.held = owned.held.minus(less);
            owned.changed = changed;
        }
        Some(key)
    }

    /// Holds the policy of one more key, and says whether no other key is under it.
    fn hold_policy(&mut self, key: &LiveKey) -> bool {
        let shared = self
            .policies
            .entry(key.policy.hash())
            .or_insert_with(|| Shared {
                policy: Arc::clone(&key.policy),
                keys: 0,
            });
        let is_first = shared.keys == 0;
        shared.keys = shared.keys.saturating_add(1);
        is_first
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
    pub(crate) fn subject(&self) -> KeySubject {
        match &self.body {
            Body::Live(key) => key.subject(),
            Body::Destroyed(tombstone) => tombstone.subject,
        }
    }

    fn handle(&self) -> KeyHandle {
        match &self.body {
            Body::Live(key) => key.handle,
            Body::Destroyed(tombstone) => tombstone.subject.handle,
        }
    }

    fn lineage(&self) -> &Lineage {
        match &self.body {
            Body::Live(key) => &key.lineage,
            Body::Destroyed(tombstone) => &tombstone.subject.lineage,
        }
    }

    /// Empty if it has none.
    fn name(&self) -> &str {
        match &self.body {
            Body::Live(key) => key.name(),
            Body::Destroyed(tombstone) => &tombstone.name,
        }
    }

    pub(crate) fn key_type(&self) -> KeyType {
        match &self.body {
            Body::Live(key) => key.key_type(),
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
