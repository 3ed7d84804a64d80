//! A log's tree without its leaves: what is needed to append and to know the root.

use vault_encoding::{Hash, merkle};

/// The roots of the complete subtrees that make up a tree, one for each bit of its size. At most
/// 64 hashes stand for any number of leaves.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Frontier {
    size: u64,
    /// From left to right, the largest first.
    nodes: Vec<Hash>,
}

impl Frontier {
    /// Of the tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// From its parts, the largest subtree first; `None` if they are not as many as the size says.
    pub fn from_parts(size: u64, nodes: Vec<Hash>) -> Option<Self> {
        (nodes.len() == size.count_ones() as usize).then_some(Self { size, nodes })
    }

    /// Of the first `index` leaves, out of an inclusion proof (leaf to root) of the leaf at `index`
    /// in a tree of `size`: these subtrees are the left siblings on the leaf's way. It is worth
    /// what the proof is worth: hold the root that it leads to, to a signed one.
    pub fn from_inclusion(index: u64, size: u64, proof: &[Hash]) -> Option<Self> {
        let mut last = size.checked_sub(1).filter(|last| index <= *last)?;
        let mut at = index;
        let mut nodes = Vec::new();
        for sibling in proof {
            if last == 0 {
                return None;
            }
            if at & 1 == 1 || at == last {
                nodes.push(*sibling);
                while at & 1 == 0 && at != 0 {
                    (at, last) = (at >> 1, last >> 1);
                }
            }
            (at, last) = (at >> 1, last >> 1);
        }
        nodes.reverse();
        Self::from_parts(index, nodes)
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of its complete subtrees, the largest first.
    pub fn nodes(&self) -> &[Hash] {
        &self.nodes
    }

    /// Appends the hash of a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut carried = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.nodes.pop() {
                carried = merkle::node_hash(&left, &carried);
            }
        }
        self.nodes.push(carried);
        self.size += 1;
    }

    /// Root over all leaves.
    pub fn root(&self) -> Hash {
        let mut nodes = self.nodes.iter().rev();
        match nodes.next() {
            None => merkle::empty_root(),
            Some(last) => nodes.fold(*last, |right, left| merkle::node_hash(left, &right)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_those_of_the_tree_and_any_leaf_is_a_place_to_begin() {
        let leaves: Vec<_> = (0..70u8).map(|leaf| merkle::leaf_hash(&[leaf])).collect();
        let tree = merkle::Tree::from_leaves(leaves.iter().copied());
        let mut frontier = Frontier::new();
        for (index, leaf) in (0u64..).zip(&leaves) {
            assert_eq!(frontier.root(), tree.root_at(index).unwrap());
            for size in index + 1..=70 {
                let proof = tree.inclusion(index, size).unwrap();
                let begun = Frontier::from_inclusion(index, size, &proof).unwrap();
                assert_eq!(begun, frontier, "{index} of {size}");
            }
            frontier.push(*leaf);
        }
        assert_eq!(frontier.root(), tree.root());
        let parts = Frontier::from_parts(70, frontier.nodes().to_vec());
        assert_eq!(parts, Some(frontier.clone()));
        assert_eq!(Frontier::from_parts(71, frontier.nodes().to_vec()), None);
        assert_eq!(Frontier::from_inclusion(5, 5, &[]), None);
        assert_eq!(Frontier::from_inclusion(1, 2, &[]), None);
        assert_eq!(Frontier::from_inclusion(0, 1, &leaves[..1]), None);
    }
}
