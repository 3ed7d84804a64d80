//! One gesture over up to 16 statements: their tree, its challenge, and each vault's path.

use vault_encoding::{Domain, Hash, merkle};

/// Leaves of every tree.
pub const LEAVES: usize = 16;
/// Hashes of a path.
pub const PATH: usize = 4;

/// A leaf of a statement: RFC 6962's leaf hash over salt and statement.
pub fn statement_leaf(salt: &[u8; 32], statement: &[u8]) -> Hash {
    merkle::leaf_hash(&[salt.as_slice(), statement].concat())
}

/// A leaf that stands for nothing. Its hash begins with another byte than that of a statement or a
/// node, so that no statement can hide in it.
pub fn padding_leaf(random: &[u8; 32]) -> Hash {
    vault_encoding::sha256(&[&[2], random.as_slice()].concat())
}

/// What an authenticator signs for this root.
pub fn challenge_of(root: &Hash) -> Hash {
    Domain::Approval.hash(&[root.as_bytes()])
}

/// The root over a leaf at this index with this path; `None` if there is no such index.
pub fn root_of(leaf: Hash, index: u32, path: &[Hash; PATH]) -> Option<Hash> {
    if index >= LEAVES as u32 {
        return None;
    }
    let mut place = index;
    let mut hash = leaf;
    for step in path {
        hash = match place.is_multiple_of(2) {
            true => merkle::node_hash(&hash, step),
            false => merkle::node_hash(step, &hash),
        };
        place >>= 1;
    }
    Some(hash)
}

/// The tree of one gesture.
#[derive(Clone, Debug)]
pub struct ApprovalTree(merkle::Tree);

impl ApprovalTree {
    /// Statements with their salts from index 0 on, then padding; `None` unless all are 16 and at least
    /// one is a statement.
    pub fn new(statements: &[([u8; 32], Vec<u8>)], padding: &[[u8; 32]]) -> Option<Self> {
        let whole = statements.len().checked_add(padding.len()) == Some(LEAVES);
        if statements.is_empty() || !whole {
            return None;
        }
        let leaves = statements
            .iter()
            .map(|(salt, statement)| statement_leaf(salt, statement));
        let padding = padding.iter().map(padding_leaf);
        Some(Self(merkle::Tree::from_leaves(leaves.chain(padding))))
    }

    /// The root.
    pub fn root(&self) -> Hash {
        self.0.root()
    }

    /// What is signed.
    pub fn challenge(&self) -> Hash {
        challenge_of(&self.root())
    }

    /// The path of the leaf at this index; `None` if there is no such leaf.
    pub fn path(&self, index: u32) -> Option<[Hash; PATH]> {
        let path = self.0.inclusion(u64::from(index), LEAVES as u64)?;
        path.try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_leads_to_the_root_and_no_other_index_does() {
        for count in 1..=LEAVES {
            let statements: Vec<_> = (0..count)
                .map(|number| ([number as u8; 32], vec![number as u8; number]))
                .collect();
            let padding: Vec<_> = (count..LEAVES).map(|number| [number as u8; 32]).collect();
            let tree = ApprovalTree::new(&statements, &padding).unwrap();
            for (index, (salt, statement)) in (0u32..).zip(&statements) {
                let leaf = statement_leaf(salt, statement);
                let path = tree.path(index).unwrap();
                for other in 0..20 {
                    assert_eq!(
                        root_of(leaf, other, &path) == Some(tree.root()),
                        other == index
                    );
                }
            }
            assert_eq!(tree.path(16), None);
        }
    }

    #[test]
    fn a_tree_has_16_leaves_and_a_statement() {
        let one = ([0; 32], Vec::new());
        assert!(ApprovalTree::new(&[], &[[0; 32]; 16]).is_none());
        assert!(ApprovalTree::new(std::slice::from_ref(&one), &[[0; 32]; 14]).is_none());
        assert!(ApprovalTree::new(&[one], &[[0; 32]; 16]).is_none());
    }

    #[test]
    fn padding_is_never_the_leaf_of_a_statement() {
        assert_ne!(padding_leaf(&[7; 32]), statement_leaf(&[7; 32], b""));
    }
}
