//! The Merkle trees over a vault's configuration, whose roots every quote commits to.

use std::collections::BTreeMap;
use vault_encoding::merkle::{self, Tree};
use vault_encoding::{Canonical, Domain, Hash};

/// Longest path of an entry, in bytes.
pub const MAX_PATH: usize = 256;

/// Which of the two trees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// What carries trust: issuers, roots, time sources.
    Trust,
    /// What carries none: addresses, limits, log level.
    Operational,
}

/// Why a set of entries is no configuration tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConfigTreeError {
    /// Two entries have the same path.
    #[error("two configuration entries have the same path")]
    DuplicatePath,
    /// A path is empty, longer than [`MAX_PATH`], or holds a control character.
    #[error("a configuration path is empty, too long, or holds a control character")]
    BadPath,
}

/// Entries by path, and the RFC 6962 tree over them in the order of their paths' bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigTree {
    part: Part,
    entries: BTreeMap<String, Canonical>,
}

impl ConfigTree {
    /// A tree over these entries, in whichever order they come.
    pub fn new(
        part: Part,
        entries: impl IntoIterator<Item = (String, Canonical)>,
    ) -> Result<Self, ConfigTreeError> {
        let mut sorted = BTreeMap::new();
        for (path, value) in entries {
            if path.is_empty() || path.len() > MAX_PATH || path.chars().any(char::is_control) {
                return Err(ConfigTreeError::BadPath);
            }
            if sorted.insert(path, value).is_some() {
                return Err(ConfigTreeError::DuplicatePath);
            }
        }
        Ok(Self {
            part,
            entries: sorted,
        })
    }

    /// Which tree this is.
    pub fn part(&self) -> Part {
        self.part
    }

    /// The entries, sorted by the bytes of their paths.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Canonical)> {
        self.entries.iter().map(|(path, value)| (&**path, value))
    }

    /// The root. That of an empty tree is SHA-256 of nothing.
    pub fn root(&self) -> Hash {
        Tree::from_leaves(
            self.entries
                .iter()
                .map(|(path, value)| merkle::leaf_hash(&leaf_data(self.part, path, value))),
        )
        .root()
    }
}

/// Domain tag, zero byte, JCS of `{path, value}`.
fn leaf_data(part: Part, path: &str, value: &Canonical) -> Vec<u8> {
    let domain = match part {
        Part::Trust => Domain::ConfigTrust,
        Part::Operational => Domain::ConfigOperational,
    };
    let entry = Canonical::map([("path", Canonical::text(path)), ("value", value.clone())]);
    domain.message(&[&entry.to_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, value: &str) -> (String, Canonical) {
        (path.to_owned(), Canonical::text(value))
    }

    fn root(part: Part, entries: Vec<(String, Canonical)>) -> Hash {
        ConfigTree::new(part, entries).unwrap().root()
    }

    #[test]
    fn the_root_of_one_entry_is_the_leaf_hash_of_its_message() {
        let data = b"enclave-vaults/config-trust/v1\0{\"path\":\"a\",\"value\":\"1\"}";
        assert_eq!(
            root(Part::Trust, vec![entry("a", "1")]),
            merkle::leaf_hash(data)
        );
    }

    #[test]
    fn the_order_of_entries_does_not_matter_and_everything_else_does() {
        let base = root(Part::Trust, vec![entry("a", "1"), entry("b", "2")]);
        assert_eq!(
            base,
            root(Part::Trust, vec![entry("b", "2"), entry("a", "1")])
        );
        let others = [
            root(Part::Operational, vec![entry("a", "1"), entry("b", "2")]),
            root(Part::Trust, vec![entry("a", "2"), entry("b", "1")]),
            root(Part::Trust, vec![entry("a", "1"), entry("c", "2")]),
            root(Part::Trust, vec![entry("a", "1")]),
            root(Part::Trust, vec![]),
        ];
        for other in others {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn refuses_a_repeated_path_and_bad_paths() {
        let twice = ConfigTree::new(Part::Trust, [entry("a", "1"), entry("a", "1")]);
        assert_eq!(twice, Err(ConfigTreeError::DuplicatePath));
        for path in ["", "a\nb", &"x".repeat(MAX_PATH + 1)] {
            let tree = ConfigTree::new(Part::Trust, [entry(path, "1")]);
            assert_eq!(tree, Err(ConfigTreeError::BadPath), "{path:?}");
        }
        assert!(ConfigTree::new(Part::Trust, [entry(&"x".repeat(MAX_PATH), "1")]).is_ok());
    }
}
