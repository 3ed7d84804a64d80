//! The log's tree. It keeps hashes; leaf bytes stay with the caller.

use crate::checkpoint::Checkpoint;
use crate::frontier::Frontier;
use vault_encoding::{Hash, merkle};

/// An RFC 6962 tree that only grows.
#[derive(Clone, Debug, Default)]
pub struct LogTree {
    tree: merkle::Tree,
}

impl LogTree {
    /// The tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tree over these leaf hashes, as a snapshot keeps them.
    pub fn from_leaf_hashes(hashes: impl IntoIterator<Item = Hash>) -> Self {
        Self {
            tree: merkle::Tree::from_leaves(hashes),
        }
    }

    /// Appends a leaf; gives its index and its hash.
    pub fn append(&mut self, leaf: &[u8]) -> (u64, Hash) {
        let hash = merkle::leaf_hash(leaf);
        let index = self.size();
        self.tree.push(hash);
        (index, hash)
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Root over all leaves.
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    /// Root over the first `size` leaves; `None` beyond the end.
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        self.tree.root_at(size)
    }

    /// Hash of the `index`-th complete subtree of `2^level` leaves.
    pub(crate) fn complete(&self, level: usize, index: u64) -> Option<Hash> {
        self.tree.complete(level, index)
    }

    /// What is needed to go on behind all leaves.
    pub fn frontier(&self) -> Frontier {
        let mut frontier = Frontier::new();
        self.leaf_hashes().for_each(|leaf| frontier.push(leaf));
        frontier
    }

    /// Hash of the leaf at `index`.
    pub fn leaf_hash(&self, index: u64) -> Option<Hash> {
        self.tree.leaf(index)
    }

    /// All leaf hashes in order.
    pub fn leaf_hashes(&self) -> impl Iterator<Item = Hash> {
        self.tree.leaves()
    }

    /// Root over the `width` leaves from `from`, where the width is a power of two and `from` a
    /// multiple of it.
    pub fn subtree(&self, from: u64, width: u64) -> Option<Hash> {
        self.tree.subtree(from, width)
    }

    /// Inclusion proof of a leaf against the tree of `size` leaves, leaf to root.
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        self.tree.inclusion(index, size)
    }

    /// Consistency proof between two sizes; `None` if `old` is 0 or they are not in order.
    pub fn consistency(&self, old: u64, new: u64) -> Option<Vec<Hash>> {
        self.tree.consistency(old, new)
    }

    /// The checkpoint over all leaves, not yet signed.
    pub fn checkpoint(&self, vault_id: Hash) -> Checkpoint {
        Checkpoint {
            vault_id,
            size: self.size(),
            root: self.root(),
        }
    }
}
