//! Where followers of a log are, so that they go on there.

use super::file::{self, Locked};
use super::{HeadStore, SeenHead, StoredHead, damaged};
use crate::error::{Error, ErrorCode, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;
use vault_audit::Frontier;
use vault_encoding::Hash;
use vault_policy::VaultId;

/// A place in a log: what was read, and the head that it was proven to be of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogPosition {
    /// Over the entries that were read.
    pub frontier: Frontier,
    /// The head that they were held to.
    pub head: SeenHead,
}

#[derive(Serialize, Deserialize)]
struct StoredPosition {
    next: u64,
    frontier: Vec<String>,
    head: StoredHead,
}

impl StoredPosition {
    fn parse(self, path: &Path) -> Result<LogPosition> {
        let nodes: Option<Vec<_>> = self
            .frontier
            .iter()
            .map(|hex| Hash::from_hex(hex))
            .collect();
        let frontier = nodes.and_then(|nodes| Frontier::from_parts(self.next, nodes));
        Ok(LogPosition {
            frontier: frontier.ok_or_else(|| damaged(path))?,
            head: self.head.parse(path)?,
        })
    }
}

impl HeadStore {
    /// Where the follower of this name is in a vault's log; `None` before the first entry.
    pub fn position(&self, vault: &VaultId, follower: &str) -> Result<Option<LogPosition>> {
        let path = self.vault_dir(vault).join(file_name(follower)?);
        let stored: Option<StoredPosition> = file::read_json(&path)?;
        stored.map(|stored| stored.parse(&path)).transpose()
    }

    /// Keeps where the follower is. Durable when it returns.
    pub fn keep_position(
        &self,
        vault: &VaultId,
        follower: &str,
        position: &LogPosition,
    ) -> Result<()> {
        let LogPosition { frontier, head } = position;
        let stored = StoredPosition {
            next: frontier.size(),
            frontier: frontier.nodes().iter().map(Hash::to_string).collect(),
            head: head.into(),
        };
        let name = file_name(follower)?;
        Locked::acquire(&self.vault_dir(vault))?.write_json(&name, &stored)?;
        Ok(())
    }
}

/// Followers' names are parts of file names.
fn file_name(follower: &str) -> Result<String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if follower.is_empty() || follower.len() > 64 || !follower.chars().all(plain) {
        return Err(Error::new(ErrorCode::InvalidArgument)
            .detail("a follower's name is 1 to 64 of a-z, 0-9, - and _"));
    }
    Ok(format!("follow-{follower}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_encoding::sha256;

    fn position(leaves: u8) -> LogPosition {
        let mut frontier = Frontier::new();
        for leaf in 0..leaves {
            frontier.push(sha256(&[leaf]));
        }
        let head = SeenHead {
            size: 100,
            root: sha256(b"root"),
            checkpoint: b"note\n".to_vec(),
        };
        LogPosition { frontier, head }
    }

    #[test]
    fn a_follower_goes_on_where_it_was_and_beside_others() {
        let dir = tempfile::tempdir().unwrap();
        let (store, vault) = (HeadStore::new(dir.path()), VaultId(sha256(b"vault")));
        assert_eq!(store.position(&vault, "siem").unwrap(), None);
        for leaves in [1, 7, 8] {
            store
                .keep_position(&vault, "siem", &position(leaves))
                .unwrap();
            let kept = HeadStore::new(dir.path()).position(&vault, "siem").unwrap();
            assert_eq!(kept, Some(position(leaves)));
        }
        assert_eq!(store.position(&vault, "other").unwrap(), None);
    }

    #[test]
    fn a_damaged_place_is_an_error_and_never_the_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let (store, vault) = (HeadStore::new(dir.path()), VaultId(sha256(b"vault")));
        store.keep_position(&vault, "siem", &position(7)).unwrap();
        let path = store.vault_dir(&vault).join("follow-siem.json");
        let text = std::fs::read_to_string(&path).unwrap();
        let longer = text.replace("\"next\": 7", "\"next\": 8");
        for damage in [&text[..text.len() / 2], &longer] {
            std::fs::write(&path, damage).unwrap();
            let error = store.position(&vault, "siem").unwrap_err();
            assert_eq!(error.code, ErrorCode::FileInaccessible);
        }
        for name in ["", "../x", "A", &"a".repeat(65)] {
            assert!(store.position(&vault, name).is_err(), "{name}");
        }
    }
}
