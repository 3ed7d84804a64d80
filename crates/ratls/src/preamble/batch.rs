//! One quote for several connections: an RFC 6962 tree over their bindings.

use crate::preamble::Binding;
use crate::report_data;
use vault_encoding::Hash;
use vault_encoding::merkle::{Tree, leaf_hash, verify_inclusion};

/// Bindings that one quote serves.
#[derive(Clone, Debug)]
pub struct Batch {
    tree: Tree,
}

/// Where one binding stands in the batch of its quote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// Position among the leaves. INVARIANT of parsed frames: below `size`.
    pub index: u32,
    /// Number of leaves.
    pub size: u32,
    /// Root of the tree.
    pub root: Hash,
    /// RFC 6962 inclusion proof, leaf to root.
    pub path: Vec<Hash>,
}

impl Batch {
    /// The tree over these bindings, in their order.
    pub fn new(bindings: &[Binding]) -> Self {
        Self {
            tree: Tree::from_leaves(bindings.iter().map(|binding| leaf_hash(binding.as_bytes()))),
        }
    }

    /// The 64 bytes to be quoted for this batch.
    pub fn report_data(&self) -> [u8; 64] {
        report_data::batch(&self.tree.root())
    }

    /// The place of the binding at `index`.
    pub fn place(&self, index: u32) -> Option<Place> {
        let size = self.tree.size();
        Some(Place {
            index,
            size: u32::try_from(size).ok()?,
            root: self.tree.root(),
            path: self.tree.inclusion(u64::from(index), size)?,
        })
    }
}

impl Place {
    /// Whether the binding stands where this says. The quote must then hold
    /// [`report_data::batch`] of `root`.
    pub fn holds(&self, binding: &Binding) -> bool {
        let leaf = leaf_hash(binding.as_bytes());
        verify_inclusion(
            &leaf,
            self.index.into(),
            self.size.into(),
            &self.path,
            &self.root,
        )
    }
}
