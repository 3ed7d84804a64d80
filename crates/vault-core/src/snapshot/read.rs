//! Reads a snapshot of any format back into an empty vault.

use super::{ARCHIVED, FORMAT, GOVERNED, UNCHANGED, slots};
use crate::boot::OpenedSnapshot;
use crate::codec::{Malformed, Reader};
use crate::idempotency::{Kept, Remembered, Told};
use crate::leaves::Leaves;
use crate::parts::{Part, Workers};
use crate::reconfigure::InForce;
use crate::vault::Vault;
use std::borrow::Cow;
use vault_audit::LogTree;
use vault_encoding::{Hash, merkle};
use vault_keys::Rng;
use vault_policy::{KeyPolicy, Lineage, UnixSeconds};

/// Fills an empty vault.
pub(crate) fn read(
    vault: &mut Vault,
    opened: &OpenedSnapshot,
    rng: &mut dyn Rng,
    workers: &dyn Workers,
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
        ARCHIVED | FORMAT => vault.state.in_force = read_in_force(&mut from)?,
        _ => return Err(Malformed),
    }
    let hashes = match format {
        ARCHIVED | FORMAT => read_leaves(vault, &mut from)?,
        _ => read_all_leaves(vault, &mut from)?,
    };
    for _ in 0..from.u64()? {
        let policy = KeyPolicy::from_canonical(from.bytes()?).map_err(|_| Malformed)?;
        vault.state.add_policy(policy);
    }
    read_slots(vault, &mut from, hashes, rng, workers)?;
    for _ in 0..from.u64()? {
        let kept = read_kept(format, &mut from)?;
        vault.state.remember(Some(kept));
    }
    from.end()
}

fn read_kept(format: u8, from: &mut Reader<'_>) -> Result<Kept, Malformed> {
    Ok(Kept {
        remembered: Remembered::read(from)?,
        lineage: Lineage(Hash(from.array()?)),
        index: from.u64()?,
        told: match format {
            FORMAT => Told::read(from)?,
            _ => Told::Nothing,
        },
    })
}

fn read_in_force(from: &mut Reader<'_>) -> Result<Option<InForce>, Malformed> {
    match from.u8()? {
        0 => Ok(None),
        1 => InForce::read(from).map(Some),
        _ => Err(Malformed),
    }
}

/// Of formats 1 and 2: hashes of all leaves.
fn read_all_leaves<'a>(
    vault: &mut Vault,
    from: &mut Reader<'a>,
) -> Result<Cow<'a, [[u8; 32]]>, Malformed> {
    let mut hashes = Vec::new();
    for _ in 0..from.u64()? {
        let leaf = from.bytes()?;
        hashes.push(merkle::leaf_hash(leaf).0);
        vault.leaves.push(leaf);
    }
    Ok(hashes.into())
}

/// Hashes of all leaves, and the bodies that are not archived: each is the one that was hashed.
fn read_leaves<'a>(
    vault: &mut Vault,
    from: &mut Reader<'a>,
) -> Result<Cow<'a, [[u8; 32]]>, Malformed> {
    let size = usize::try_from(from.u64()?).map_err(|_| Malformed)?;
    let length = size.checked_mul(32).ok_or(Malformed)?;
    let (hashes, []) = from.fixed(length)?.as_chunks::<32>() else {
        return Err(Malformed);
    };
    let (width, first) = (from.u64()?, from.u64()?);
    vault.leaves = Leaves::from(first, width).ok_or(Malformed)?;
    let first = usize::try_from(first).map_err(|_| Malformed)?;
    for hash in hashes.get(first..).ok_or(Malformed)? {
        let body = from.bytes()?;
        if merkle::leaf_hash(body).0 != *hash {
            return Err(Malformed);
        }
        vault.leaves.push(body);
    }
    Ok(hashes.into())
}

/// Keys and tombstones; and the tree over the leaves, which takes as long as many of them.
fn read_slots(
    vault: &mut Vault,
    from: &mut Reader<'_>,
    hashes: Cow<'_, [[u8; 32]]>,
    rng: &mut dyn Rng,
    workers: &dyn Workers,
) -> Result<(), Malformed> {
    let count = usize::try_from(from.u64()?).map_err(|_| Malformed)?;
    let encoded = slots::cut(from, count, rng)?;
    let (mut decoded, mut tree) = (Vec::new(), LogTree::new());
    let over = &mut tree;
    let grow: Part<'_> = Box::new(move || {
        *over = LogTree::from_leaf_hashes(hashes.iter().copied().map(Hash));
    });
    let parts = slots::decode(encoded, &mut decoded, &vault.state, &vault.ring);
    workers.run(std::iter::once(grow).chain(parts).collect());
    vault.tree = tree;
    vault.state.begin_restore(count);
    for slots in decoded {
        slots?
            .into_iter()
            .for_each(|slot| vault.state.add_slot(slot));
    }
    vault.state.end_restore();
    Ok(())
}
