//! The state at one size of the log, so that a start need not fold all of it.
//!
//! format version (1 byte, 1) ‖ vault id ‖ time floor ‖ leaves ‖ policies ‖ keys ‖ remembered
//! calls; in version 2 the last change of the trust configuration stands behind the floor. Leaves are whole: the tree is computed from them, and the log can be read from them.

use crate::boot::OpenedSnapshot;
use crate::change::{Change, CreatedKey, type_code, type_of_code};
use crate::codec::{Malformed, Reader, Writer};
use crate::group::Position;
use crate::idempotency::{Kept, Remembered};
use crate::reconfigure::InForce;
use crate::state::{Body, LiveKey, Slot, Tombstone};
use crate::vault::Vault;
use std::sync::Arc;
use vault_encoding::Hash;
use vault_keys::{KeyError, Rng, SecretAccess};
use vault_policy::{
    KeyHandle, KeyPolicy, KeySubject, KeyVersion, Lineage, OidcSubject, PolicyHash, PolicyVersion,
    UnixSeconds, VaultTime,
};
use zeroize::Zeroizing;

const UNCHANGED: u8 = 1;
const GOVERNED: u8 = 2;
const LIVE: u8 = 1;
const DESTROYED: u8 = 2;

/// The state, encoded. Secret: it leaves the vault sealed only.
pub struct Snapshot {
    /// The first group that is not in it, and the tree that it is of.
    pub at: Position,
    /// Its encoding.
    pub payload: Zeroizing<Vec<u8>>,
}

impl Vault {
    /// The state behind the last group that was taken, for sealing once that group is durable;
    /// `None` while records are queued (take their group first).
    pub fn snapshot(&self) -> Result<Option<Snapshot>, KeyError> {
        if !self.queue.records.is_empty() {
            return Ok(None);
        }
        Ok(Some(Snapshot {
            at: self.queue.next,
            payload: write(self)?,
        }))
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

fn write(vault: &Vault) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let leaves: usize = vault.leaves.iter().map(|leaf| leaf.len() + 4).sum();
    let keys: usize = vault.state.slots().iter().map(roughly).sum();
    let mut out = Writer::with_capacity(leaves + keys + 4096);
    out.u8(match vault.state.in_force {
        None => UNCHANGED,
        Some(_) => GOVERNED,
    });
    out.fixed(vault.vault_id.0.as_bytes());
    out.u64(vault.state.floor.0);
    if let Some(in_force) = &vault.state.in_force {
        in_force.write(&mut out);
    }
    out.u64(vault.leaves.len() as u64);
    for leaf in &vault.leaves {
        out.bytes(leaf);
    }
    let policies: Vec<_> = vault.state.policies().collect();
    out.u64(policies.len() as u64);
    for policy in policies {
        out.bytes(policy.canonical_bytes());
    }
    out.u64(vault.state.slots().len() as u64);
    for slot in vault.state.slots() {
        write_slot(vault, slot, &mut out)?;
    }
    let kept: Vec<_> = vault.state.idempotency.entries().collect();
    out.u64(kept.len() as u64);
    for kept in kept {
        kept.remembered.write(&mut out);
        out.fixed(kept.lineage.0.as_bytes());
        out.u64(kept.index);
    }
    Ok(out.finish())
}

/// Bytes that a slot takes, but for long names and labels: a buffer that need not grow spares a
/// copy of everything.
fn roughly(slot: &Slot) -> usize {
    let secret = match &slot.body {
        Body::Live(key) => key.material.secret_len(),
        Body::Destroyed(_) => 0,
    };
    512 + secret
}

fn write_slot(vault: &Vault, slot: &Slot, out: &mut Writer) -> Result<(), KeyError> {
    out.bytes(slot.owner.issuer.as_bytes());
    out.bytes(slot.owner.subject.as_bytes());
    out.fixed(slot.subject().lineage.0.as_bytes());
    out.fixed(slot.subject().policy_hash.0.as_bytes());
    out.u64(slot.changed);
    match &slot.body {
        Body::Live(key) => {
            out.u8(LIVE);
            created(vault, key)?.write(out);
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
fn created(vault: &Vault, key: &LiveKey) -> Result<CreatedKey, KeyError> {
    let material = vault.ring.open(key)?;
    let secret = material.secret_bytes(SecretAccess::granted());
    Ok(CreatedKey {
        handle: key.subject.handle,
        key_type: key.key_type,
        version: key.subject.version,
        policy_version: key.subject.policy_version,
        created_at: key.created_at,
        name: key.name.clone(),
        labels: key.labels.clone(),
        policy: Vec::new(),
        public_key: key.public_key.clone(),
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

/// Fills an empty vault.
pub(crate) fn read(
    vault: &mut Vault,
    opened: &OpenedSnapshot,
    rng: &mut dyn Rng,
) -> Result<(), Malformed> {
    let mut from = Reader::new(&opened.payload);
    let format = from.u8()?;
    if from.array()? != vault.vault_id.0.0 {
        return Err(Malformed);
    }
    vault.state.floor = UnixSeconds(from.u64()?);
    match format {
        UNCHANGED => {}
        GOVERNED => vault.state.in_force = Some(InForce::read(&mut from)?),
        _ => return Err(Malformed),
    }
    for _ in 0..from.u64()? {
        let leaf = from.bytes()?;
        vault.tree.append(leaf);
        vault.leaves.push(leaf.into());
    }
    for _ in 0..from.u64()? {
        let policy = KeyPolicy::from_canonical(from.bytes()?).map_err(|_| Malformed)?;
        vault.state.add_policy(policy);
    }
    for _ in 0..from.u64()? {
        read_slot(vault, &mut from, rng)?;
    }
    for _ in 0..from.u64()? {
        let remembered = Remembered::read(&mut from)?;
        let lineage = Lineage(Hash(from.array()?));
        let index = from.u64()?;
        vault.state.remember(Some(Kept {
            remembered,
            lineage,
            index,
        }));
    }
    from.end()
}

fn read_slot(vault: &mut Vault, from: &mut Reader<'_>, rng: &mut dyn Rng) -> Result<(), Malformed> {
    let owner = OidcSubject {
        issuer: from.text()?,
        subject: from.text()?,
    };
    let lineage = Lineage(Hash(from.array()?));
    let policy_hash = PolicyHash(Hash(from.array()?));
    let changed = from.u64()?;
    match from.u8()? {
        LIVE => {
            let created = CreatedKey::read(from)?;
            let policy = vault
                .state
                .known_policy(&policy_hash)
                .map(Arc::clone)
                .ok_or(Malformed)?;
            let key = LiveKey::from_created(&created, lineage, policy, &vault.ring, rng)
                .map_err(|_| Malformed)?;
            vault.state.add(owner, Arc::new(key), changed);
        }
        DESTROYED => {
            let tombstone = read_tombstone(from, lineage, policy_hash)?;
            vault.state.add_tombstone(owner, tombstone);
        }
        _ => return Err(Malformed),
    }
    Ok(())
}

fn read_tombstone(
    from: &mut Reader<'_>,
    lineage: Lineage,
    policy_hash: PolicyHash,
) -> Result<Tombstone, Malformed> {
    let subject = KeySubject {
        handle: KeyHandle(from.array()?),
        lineage,
        version: KeyVersion(from.u32()?),
        policy_hash,
        policy_version: PolicyVersion(from.u64()?),
    };
    Ok(Tombstone {
        subject,
        key_type: type_of_code(from.u8()?)?,
        created_at: UnixSeconds(from.u64()?),
        name: from.text()?,
        index: from.u64()?,
    })
}
