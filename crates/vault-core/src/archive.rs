//! Bodies of leaves outside the vault: what is archived before a snapshot leaves it out, and what is
//! read back, which nobody has to be trusted with. The vault keeps every leaf hash.

use crate::api::{Code, Refusal};
use crate::codec::Reader;
use crate::vault::Vault;
use std::ops::Range;
use std::sync::Arc;
use vault_audit::LogTree;
use vault_encoding::{Hash, merkle};

/// A whole run of leaves for the archive, which seals it: entries are readable for auditors only.
pub struct Bundle<'a> {
    /// Which run.
    pub place: BundlePlace,
    /// Each body behind its length (u32, big-endian).
    pub payload: &'a [u8],
}

/// Names a run of leaves. Belongs into the archive's authenticated header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BundlePlace {
    /// Index of the first leaf.
    pub first: u64,
    /// Number of leaves.
    pub count: u64,
    /// RFC 6962 root over them.
    pub root: Hash,
}

/// Leaves that `ReadLog` asked for and that are in the archive: read the bundle outside the
/// vault's lock, then [`ArchivedLeaves::open`] it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ArchivedLeaves {
    place: BundlePlace,
    /// Of all its leaves.
    hashes: Vec<Hash>,
    wanted: Range<usize>,
}

/// The archive on the vault's host does not give back what was put there: these entries cannot be
/// read, and nothing else is the worse for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the vault's host lost or changed entries {first} to {last} of the log in its archive")]
pub struct LostLeaves {
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
}

impl From<LostLeaves> for Refusal {
    fn from(lost: LostLeaves) -> Self {
        Self::new(Code::Unavailable).because(lost.to_string())
    }
}

impl BundlePlace {
    pub(crate) fn of(tree: &LogTree, first: u64, count: u64) -> Option<Self> {
        let root = tree.subtree(first, count)?;
        Some(Self { first, count, root })
    }

    fn lost(&self) -> LostLeaves {
        LostLeaves {
            first: self.first,
            last: self.first.saturating_add(self.count).saturating_sub(1),
        }
    }
}

impl ArchivedLeaves {
    /// The part of `wanted` that is in the run where it begins.
    pub(crate) fn find(vault: &Vault, wanted: Range<u64>) -> Option<Self> {
        let width = vault.leaves.width();
        let first = wanted.start.checked_sub(wanted.start.checked_rem(width)?)?;
        let end = wanted.end.min(first.checked_add(width)?);
        let position = |index: u64| usize::try_from(index.checked_sub(first)?).ok();
        let hashes = (first..first.checked_add(width)?).map(|index| vault.tree.leaf_hash(index));
        Some(Self {
            place: BundlePlace::of(&vault.tree, first, width)?,
            hashes: hashes.collect::<Option<_>>()?,
            wanted: position(wanted.start)?..position(end)?,
        })
    }

    /// The bundle to read.
    pub fn place(&self) -> BundlePlace {
        self.place
    }

    /// The leaves, from what the archive gave back for the place, if it gave anything. Nothing but the very
    /// leaves of the log comes out.
    pub fn open(&self, payload: Option<&[u8]>) -> Result<Vec<Arc<[u8]>>, LostLeaves> {
        payload
            .and_then(|payload| self.check(payload))
            .ok_or(self.place.lost())
    }

    fn check(&self, payload: &[u8]) -> Option<Vec<Arc<[u8]>>> {
        let mut from = Reader::new(payload);
        let mut leaves: Vec<Arc<[u8]>> = Vec::with_capacity(self.hashes.len());
        for hash in &self.hashes {
            let leaf = from.bytes().ok()?;
            if merkle::leaf_hash(leaf) != *hash {
                return None;
            }
            leaves.push(leaf.into());
        }
        from.end().ok()?;
        leaves.get(self.wanted.clone()).map(<[_]>::to_vec)
    }
}
