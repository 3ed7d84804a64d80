//! RFC 6962 Merkle trees: hashing (2.1), inclusion proofs (2.1.1), consistency proofs (2.1.2),
//! and their verification (RFC 9162, 2.1.3.2 and 2.1.4.2).

use crate::chunks::Chunks;
use crate::domain::Hash;
use sha2::{Digest, Sha256};

/// Hash of a leaf's data.
pub fn leaf_hash(data: &[u8]) -> Hash {
    let mut digest = Sha256::new();
    digest.update([0]);
    digest.update(data);
    Hash(digest.finalize().into())
}

/// Hash of an inner node.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut digest = Sha256::new();
    digest.update([1]);
    digest.update(left.0);
    digest.update(right.0);
    Hash(digest.finalize().into())
}

/// Root of the tree without leaves.
pub fn empty_root() -> Hash {
    Hash(Sha256::digest([]).into())
}

/// An append-only tree that keeps the hash of every complete subtree, so that roots and proofs
/// at every size cost a logarithm. 64 bytes a leaf; a clone shares them.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    levels: Vec<Chunks<Hash>>,
}

impl Tree {
    /// The tree over these leaf hashes.
    pub fn from_leaves(leaves: impl IntoIterator<Item = Hash>) -> Self {
        let mut tree = Self::default();
        for leaf in leaves {
            tree.push(leaf);
        }
        tree
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// Hash of the leaf at `index`.
    pub fn leaf(&self, index: u64) -> Option<Hash> {
        self.complete(0, index)
    }

    /// Root over the `width` leaves from `from`, if RFC 6962 names that subtree of a tree that has
    /// more: the width is a power of two, and `from` a multiple of it.
    pub fn subtree(&self, from: u64, width: u64) -> Option<Hash> {
        let named = width.is_power_of_two() && from.is_multiple_of(width);
        named.then(|| self.range(from, from.checked_add(width)?))?
    }

    /// All leaf hashes in order.
    pub fn leaves(&self) -> impl Iterator<Item = Hash> {
        self.levels
            .first()
            .into_iter()
            .flat_map(Chunks::iter)
            .copied()
    }

    /// Appends one leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut carried = leaf;
        let mut level = 0;
        loop {
            if self.levels.len() == level {
                self.levels.push(Chunks::default());
            }
            let Some(nodes) = self.levels.get_mut(level) else {
                return;
            };
            nodes.push(carried);
            if !nodes.len().is_multiple_of(2) {
                return;
            }
            let Some(left) = nodes.len().checked_sub(2).and_then(|left| nodes.get(left)) else {
                return;
            };
            carried = node_hash(left, &carried);
            level += 1;
        }
    }

    /// Root over the first `size` leaves; `None` beyond the end.
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        match size {
            0 => Some(empty_root()),
            _ if size > self.size() => None,
            _ => self.range(0, size),
        }
    }

    /// Root over all leaves.
    pub fn root(&self) -> Hash {
        self.root_at(self.size()).unwrap_or_else(empty_root)
    }

    /// RFC 6962 `PATH(index, D[size])`, leaf to root; `None` unless `index < size <= self.size()`.
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        if index >= size || size > self.size() {
            return None;
        }
        let (mut from, mut to) = (0, size);
        let mut proof = Vec::new();
        while to - from > 1 {
            let split = from + largest_power_below(to - from);
            if index < split {
                proof.push(self.range(split, to)?);
                to = split;
            } else {
                proof.push(self.range(from, split)?);
                from = split;
            }
        }
        proof.reverse();
        Some(proof)
    }

    /// RFC 6962 `PROOF(old, D[new])`; `None` unless `0 < old <= new <= self.size()`.
    pub fn consistency(&self, old: u64, new: u64) -> Option<Vec<Hash>> {
        if old == 0 || old > new || new > self.size() {
            return None;
        }
        let (mut from, mut to) = (0, new);
        let mut proof = Vec::new();
        let mut whole = true;
        while old != to {
            let split = from + largest_power_below(to - from);
            if old <= split {
                proof.push(self.range(split, to)?);
                to = split;
            } else {
                proof.push(self.range(from, split)?);
                from = split;
                whole = false;
            }
        }
        if !whole {
            proof.push(self.range(from, to)?);
        }
        proof.reverse();
        Some(proof)
    }

    /// Hash of the `index`-th complete subtree of `2^level` leaves.
    pub fn complete(&self, level: usize, index: u64) -> Option<Hash> {
        self.levels
            .get(level)?
            .get(usize::try_from(index).ok()?)
            .copied()
    }

    /// `MTH(D[from:to])` where `from` is a multiple of the smallest power of two that is not below
    /// the width: the shape of every subtree that RFC 6962 names.
    fn range(&self, from: u64, to: u64) -> Option<Hash> {
        let width = to.checked_sub(from)?;
        if width.is_power_of_two() {
            let level = width.trailing_zeros();
            return self.complete(level as usize, from >> level);
        }
        let split = from + largest_power_below(width);
        Some(node_hash(
            &self.range(from, split)?,
            &self.range(split, to)?,
        ))
    }
}

/// Largest power of two that is smaller than `n`; `n` is at least 2.
fn largest_power_below(n: u64) -> u64 {
    1 << (63 - (n - 1).leading_zeros())
}

/// Whether `leaf` stands at `index` of the tree of `size` leaves with this root.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for step in proof {
        if last == 0 {
            return false;
        }
        if node % 2 == 1 || node == last {
            hash = node_hash(step, &hash);
            while node % 2 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, step);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether the tree of `new` leaves extends the tree of `old` leaves. An empty old tree is a
/// prefix of every tree and needs no proof.
pub fn verify_consistency(
    old: u64,
    new: u64,
    proof: &[Hash],
    old_root: &Hash,
    new_root: &Hash,
) -> bool {
    if old > new {
        return false;
    }
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    if old == 0 {
        return proof.is_empty() && *old_root == empty_root();
    }
    let mut steps = proof.iter();
    let first = if old.is_power_of_two() {
        Some(old_root)
    } else {
        steps.next()
    };
    let Some(first) = first else { return false };
    let shift = (old - 1).trailing_ones();
    let (mut node, mut last) = ((old - 1) >> shift, (new - 1) >> shift);
    let (mut old_hash, mut new_hash) = (*first, *first);
    for step in steps {
        if last == 0 {
            return false;
        }
        if node % 2 == 1 || node == last {
            old_hash = node_hash(step, &old_hash);
            new_hash = node_hash(step, &new_hash);
            while node % 2 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, step);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(n: u64) -> Vec<Hash> {
        (0..n)
            .map(|index| leaf_hash(&index.to_be_bytes()))
            .collect()
    }

    /// MTH as RFC 6962, 2.1 defines it, by recursion over the leaves.
    fn reference_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [one] => *one,
            many => {
                let split = largest_power_below(many.len() as u64) as usize;
                node_hash(
                    &reference_root(&many[..split]),
                    &reference_root(&many[split..]),
                )
            }
        }
    }

    #[test]
    fn known_roots_of_the_certificate_transparency_reference() {
        let data: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let tree = Tree::from_leaves(data.iter().map(|leaf| leaf_hash(leaf)));
        let known = [
            (
                0,
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                1,
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            ),
            (
                8,
                "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
            ),
        ];
        for (size, root) in known {
            assert_eq!(tree.root_at(size).unwrap().to_string(), root);
        }
    }

    #[test]
    fn every_root_and_proof_of_small_trees_verifies_and_no_altered_one_does() {
        let all = leaves(33);
        let tree = Tree::from_leaves(all.iter().copied());
        for size in 0..=33u64 {
            let root = tree.root_at(size).unwrap();
            assert_eq!(root, reference_root(&all[..size as usize]));
            for index in 0..size {
                let leaf = tree.leaf(index).unwrap();
                let proof = tree.inclusion(index, size).unwrap();
                assert!(verify_inclusion(&leaf, index, size, &proof, &root));
                assert!(!verify_inclusion(&root, index, size + 1, &proof, &root));
                for position in 0..proof.len() {
                    let mut bad = proof.clone();
                    bad[position].0[0] ^= 1;
                    assert!(!verify_inclusion(&leaf, index, size, &bad, &root));
                    bad.remove(position);
                    assert!(!verify_inclusion(&leaf, index, size, &bad, &root));
                }
            }
            for old in 1..=size {
                let old_root = tree.root_at(old).unwrap();
                let proof = tree.consistency(old, size).unwrap();
                assert!(
                    verify_consistency(old, size, &proof, &old_root, &root),
                    "{old} {size}"
                );
                for position in 0..proof.len() {
                    let mut bad = proof.clone();
                    bad[position].0[31] ^= 0x80;
                    assert!(!verify_consistency(old, size, &bad, &old_root, &root));
                }
                let mut longer = proof.clone();
                longer.push(root);
                assert!(!verify_consistency(old, size, &longer, &old_root, &root));
            }
        }
    }

    #[test]
    fn refuses_what_lies_beyond_the_tree() {
        let tree = Tree::from_leaves(leaves(5));
        assert_eq!(tree.root_at(6), None);
        assert_eq!(tree.inclusion(5, 5), None);
        assert_eq!(tree.consistency(0, 5), None);
        assert_eq!(tree.consistency(3, 6), None);
        assert!(!verify_inclusion(&leaf_hash(b""), 0, 0, &[], &empty_root()));
        assert!(verify_consistency(0, 5, &[], &empty_root(), &tree.root()));
    }
}
