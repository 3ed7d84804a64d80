//! The state at one size of the log, so that a start need not fold all of it.
//!
//! Format 4: format version (1 byte, 4) ‖ vault id ‖ time floor ‖ last change of the trust
//! configuration (1 byte, 0 or 1; then the change) ‖ number of leaves ‖ their hashes ‖ leaves of a bundle ‖
//! index of the first body ‖ bodies from there ‖ policies ‖ keys ‖ remembered calls. Earlier bodies are in
//! the archive. A key with marks (what is proposed for it, when it may go) has them behind it; a remembered
//! call has what was answered behind it.
//!
//! Format 3 is read: the same without marks and answers. Formats 1 and 2 are read: version ‖ vault id ‖ time floor ‖ (in 2 the last change) ‖ number of leaves ‖ all bodies
//! ‖ policies ‖ keys ‖ remembered calls.

mod read;
mod slots;
#[cfg(test)]
mod tests;

pub(crate) use read::read;

use crate::archive::{Bundle, BundlePlace};
use crate::change::{Change, CreatedKey, type_code};
use crate::codec::Writer;
use crate::group::Position;
use crate::idempotency::Kept;
use crate::keyring::KeyRing;
use crate::leaves::Leaves;
use crate::reconfigure::InForce;
use crate::state::{Body, LiveKey, Slot, Tombstone};
use crate::vault::Vault;
use std::collections::BTreeMap;
use std::sync::Arc;
use vault_audit::LogTree;
use vault_encoding::{Chunks, Hash};
use vault_keys::{KeyError, Rng, SecretAccess};
use vault_policy::{KeyPolicy, PolicyHash, UnixSeconds, VaultId, VaultTime};
use zeroize::Zeroizing;

const UNCHANGED: u8 = 1;
const GOVERNED: u8 = 2;
const ARCHIVED: u8 = 3;
const FORMAT: u8 = 4;
const LIVE: u8 = 1;
const DESTROYED: u8 = 2;
const MARKED: u8 = 3;

/// The state, encoded. Secret: it leaves the vault sealed only.
pub struct Snapshot {
    /// The first group that is not in it, and the tree that it is of.
    pub at: Position,
    /// Its encoding.
    pub payload: Zeroizing<Vec<u8>>,
}

/// The state as it was when the view was taken, which is cheap: it shares everything with the
/// vault, and what the vault changes later does not reach it. Encode it without the vault's lock.
pub struct SnapshotView {
    at: Position,
    vault_id: VaultId,
    floor: UnixSeconds,
    in_force: Option<InForce>,
    tree: LogTree,
    leaves: Leaves,
    slots: Chunks<Slot>,
    kept: Vec<Kept>,
    ring: Arc<KeyRing>,
}

impl Vault {
    /// The state behind the last group that was taken, to be encoded and sealed once that group is
    /// durable; `None` while records are queued (take their group first).
    pub fn view(&self) -> Option<SnapshotView> {
        self.queue.records.is_empty().then(|| SnapshotView {
            at: self.queue.next,
            vault_id: self.vault_id,
            floor: self.state.floor,
            in_force: self.state.in_force.clone(),
            tree: self.tree.clone(),
            leaves: self.leaves.clone(),
            slots: self.state.slots().clone(),
            kept: self.state.idempotency.entries().copied().collect(),
            ring: Arc::clone(&self.ring),
        })
    }

    /// The same state encoded, with every body that is in memory.
    pub fn snapshot(&self) -> Result<Option<Snapshot>, KeyError> {
        self.view().map(|view| view.encode(0)).transpose()
    }

    /// Appends the entry that commits to a sealed snapshot. Only when that entry is durable may
    /// the store replace its snapshot.
    pub fn commit_to_snapshot(&mut self, hash: Hash, at: &Position, rng: &mut dyn Rng) {
        let outcome = format!("snapshot {hash} at group {}", at.sequence);
        let change = Change::Snapshot {
            hash,
            next_sequence: at.sequence,
        }
        .encode();
        self.log_event("snapshot", VaultTime::Unknown, &outcome, change, rng);
    }
}

impl SnapshotView {
    /// The first group that is not in it, and the tree that it is of.
    pub fn at(&self) -> Position {
        self.at
    }

    /// Every whole run of leaves that is not in the archive yet.
    pub fn bundles(&self) -> impl Iterator<Item = Bundle<'_>> {
        self.leaves.to_archive().filter_map(|(first, run)| {
            Some(Bundle {
                place: BundlePlace::of(&self.tree, first, self.leaves.width())?,
                payload: &run.bytes,
            })
        })
    }

    /// Index behind the last whole run: every body before it can be in the archive.
    pub fn whole(&self) -> u64 {
        self.leaves.whole()
    }

    /// The encoding, without the bodies before `archived`, which is the index of the first body
    /// that the archive has not, and with those that are not in whole runs before it.
    pub fn encode(&self, archived: u64) -> Result<Snapshot, KeyError> {
        Ok(Snapshot {
            at: self.at,
            payload: write(self, archived)?,
        })
    }
}

fn write(view: &SnapshotView, archived: u64) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let first = archived.clamp(view.leaves.first(), view.leaves.whole());
    let bodies: Vec<_> = (first..view.leaves.end())
        .filter_map(|index| view.leaves.get(index))
        .collect();
    let mut out = Writer::with_capacity(roughly(view, &bodies));
    out.u8(FORMAT);
    out.fixed(view.vault_id.0.as_bytes());
    out.u64(view.floor.0);
    out.u8(u8::from(view.in_force.is_some()));
    if let Some(in_force) = &view.in_force {
        in_force.write(&mut out);
    }
    out.u64(view.tree.size());
    for hash in view.tree.leaf_hashes() {
        out.fixed(hash.as_bytes());
    }
    out.u64(view.leaves.width());
    out.u64(first);
    for body in &bodies {
        out.bytes(body);
    }
    write_state(view, &mut out)?;
    Ok(out.finish())
}

fn write_state(view: &SnapshotView, out: &mut Writer) -> Result<(), KeyError> {
    let policies = policies(&view.slots);
    out.u64(policies.len() as u64);
    for policy in policies.values() {
        out.bytes(policy.canonical_bytes());
    }
    out.u64(view.slots.len() as u64);
    for slot in view.slots.iter() {
        write_slot(&view.ring, slot, out)?;
    }
    out.u64(view.kept.len() as u64);
    for kept in &view.kept {
        kept.remembered.write(out);
        out.fixed(kept.lineage.0.as_bytes());
        out.u64(kept.index);
        kept.told.write(out);
    }
    Ok(())
}

/// Every policy that a live key is under.
fn policies(slots: &Chunks<Slot>) -> BTreeMap<PolicyHash, &KeyPolicy> {
    let live = slots.iter().filter_map(|slot| match &slot.body {
        Body::Live(key) => Some((key.policy.hash(), &*key.policy)),
        Body::Destroyed(_) => None,
    });
    live.collect()
}

/// A buffer that need not grow spares a copy of everything.
fn roughly(view: &SnapshotView, bodies: &[Arc<[u8]>]) -> usize {
    let hashes = usize::try_from(view.tree.size()).unwrap_or(0);
    let bodies: usize = bodies.iter().map(|body| body.len() + 4).sum();
    let keys: usize = view.slots.iter().map(of_slot).sum();
    let kept = view.kept.len() * 140;
    hashes * 32 + bodies + keys + kept + 4096
}

/// Bytes that a slot takes, but for long names and labels.
fn of_slot(slot: &Slot) -> usize {
    let more = match &slot.body {
        Body::Live(key) => key.material.secret_len() + key.staged_bytes(),
        Body::Destroyed(_) => 0,
    };
    512 + more
}

fn write_slot(ring: &KeyRing, slot: &Slot, out: &mut Writer) -> Result<(), KeyError> {
    out.bytes(slot.owner.issuer.as_bytes());
    out.bytes(slot.owner.subject.as_bytes());
    let subject = slot.subject();
    out.fixed(subject.lineage.0.as_bytes());
    out.fixed(subject.policy_hash.0.as_bytes());
    out.u64(slot.changed);
    match &slot.body {
        Body::Live(key) => {
            out.u8(key.marks().map_or(LIVE, |_| MARKED));
            created(ring, key)?.write(out);
            if let Some(marks) = key.marks() {
                marks.write(out);
            }
        }
        Body::Destroyed(tombstone) => {
            out.u8(DESTROYED);
            write_tombstone(tombstone, out);
        }
    }
    Ok(())
}

/// The key as its creation had it, without the policy, which stands in a table of its own, and
/// without the remembered call.
fn created(ring: &KeyRing, key: &LiveKey) -> Result<CreatedKey, KeyError> {
    let material = ring.open(key)?;
    let secret = material.secret_bytes(SecretAccess::granted());
    Ok(CreatedKey {
        handle: key.handle,
        key_type: key.key_type(),
        version: key.version,
        policy_version: key.policy_version,
        created_at: key.created_at,
        name: key.name().to_owned(),
        labels: key.labels().to_vec(),
        policy: Vec::new(),
        public_key: key.public_key.to_vec(),
        secret: Zeroizing::new(Box::from(secret)),
        remembered: None,
    })
}

fn write_tombstone(tombstone: &Tombstone, out: &mut Writer) {
    out.fixed(&tombstone.subject.handle.0);
    out.u32(tombstone.subject.version.0);
    out.u64(tombstone.subject.policy_version.0);
    out.u8(type_code(tombstone.key_type));
    out.u64(tombstone.created_at.0);
    out.bytes(tombstone.name.as_bytes());
    out.u64(tombstone.index);
}
