//! Reads a snapshot of any format back into an empty vault.

use super::{DESTROYED, FORMAT, GOVERNED, LIVE, UNCHANGED};
use crate::boot::OpenedSnapshot;
use crate::change::{CreatedKey, type_of_code};
use crate::codec::{Malformed, Reader};
use crate::idempotency::{Kept, Remembered};
use crate::leaves::Leaves;
use crate::reconfigure::InForce;
use crate::restore::Drawn;
use crate::state::{LiveKey, Tombstone};
use crate::vault::Vault;
use std::sync::Arc;
use vault_audit::LogTree;
use vault_encoding::{Hash, merkle};
use vault_keys::Rng;
use vault_policy::{
    KeyHandle, KeyPolicy, KeySubject, KeyVersion, Lineage, OidcSubject, PolicyHash, PolicyVersion,
    UnixSeconds,
};

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
        FORMAT => vault.state.in_force = read_in_force(&mut from)?,
        _ => return Err(Malformed),
    }
    match format {
        FORMAT => read_leaves(vault, &mut from)?,
        _ => read_all_leaves(vault, &mut from)?,
    }
    for _ in 0..from.u64()? {
        let policy = KeyPolicy::from_canonical(from.bytes()?).map_err(|_| Malformed)?;
        vault.state.add_policy(policy);
    }
    let slots = usize::try_from(from.u64()?).map_err(|_| Malformed)?;
    // A slot takes more than a hundred bytes: a wrong number reserves nothing that was not sent.
    vault
        .state
        .begin_restore(slots.min(opened.payload.len() / 100));
    let (mut rng, mut owner) = (Drawn::new(rng), None);
    for _ in 0..slots {
        read_slot(vault, &mut from, &mut owner, &mut rng)?;
    }
    vault.state.end_restore();
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

fn read_in_force(from: &mut Reader<'_>) -> Result<Option<InForce>, Malformed> {
    match from.u8()? {
        0 => Ok(None),
        1 => InForce::read(from).map(Some),
        _ => Err(Malformed),
    }
}

/// Of formats 1 and 2.
fn read_all_leaves(vault: &mut Vault, from: &mut Reader<'_>) -> Result<(), Malformed> {
    for _ in 0..from.u64()? {
        let leaf = from.bytes()?;
        vault.tree.append(leaf);
        vault.leaves.push(leaf);
    }
    Ok(())
}

/// Hashes of all leaves, and the bodies that are not archived: each is the one that was hashed.
fn read_leaves(vault: &mut Vault, from: &mut Reader<'_>) -> Result<(), Malformed> {
    let size = from.u64()?;
    let length = usize::try_from(size)
        .ok()
        .and_then(|size| size.checked_mul(32));
    let (hashes, []) = from.fixed(length.ok_or(Malformed)?)?.as_chunks::<32>() else {
        return Err(Malformed);
    };
    vault.tree = LogTree::from_leaf_hashes(hashes.iter().copied().map(Hash));
    let (width, first) = (from.u64()?, from.u64()?);
    vault.leaves = Leaves::from(first, width).ok_or(Malformed)?;
    if first > size {
        return Err(Malformed);
    }
    for index in first..size {
        let body = from.bytes()?;
        if vault.tree.leaf_hash(index) != Some(merkle::leaf_hash(body)) {
            return Err(Malformed);
        }
        vault.leaves.push(body);
    }
    Ok(())
}

/// The owner of the slot before, if it is the same one, else another.
fn read_owner(
    from: &mut Reader<'_>,
    before: &mut Option<Arc<OidcSubject>>,
) -> Result<Arc<OidcSubject>, Malformed> {
    let (issuer, subject) = (from.str()?, from.str()?);
    if let Some(owner) = before
        && (owner.issuer.as_str(), owner.subject.as_str()) == (issuer, subject)
    {
        return Ok(Arc::clone(owner));
    }
    let owner = Arc::new(OidcSubject {
        issuer: issuer.into(),
        subject: subject.into(),
    });
    Ok(Arc::clone(before.insert(owner)))
}

fn read_slot(
    vault: &mut Vault,
    from: &mut Reader<'_>,
    before: &mut Option<Arc<OidcSubject>>,
    rng: &mut dyn Rng,
) -> Result<(), Malformed> {
    let owner = read_owner(from, before)?;
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
            let key = LiveKey::from_created(created, lineage, policy, &vault.ring, rng)
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
