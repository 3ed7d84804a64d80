//! What was seen of each vault, kept durably: the head of its log, the lineage of its keys, and
//! the evidence of a rollback or fork. Without this memory a client cannot notice either.

mod evidence;
pub(crate) mod file;
mod floors;
mod manifests;
mod pins;
mod position;

pub use manifests::{RememberedManifest, SeenManifest};
pub use pins::KeyPin;
pub use position::LogPosition;

use crate::error::{Error, ErrorCode, Result};
use file::Locked;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use vault_encoding::Hash;
use vault_policy::VaultId;

/// The head of a log as it was seen once, with the note that the vault signed over it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SeenHead {
    /// Number of leaves.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: Hash,
    /// The signed note; empty if the vault gave none.
    pub checkpoint: Vec<u8>,
}

impl SeenHead {
    /// Whether both are of the same log at the same size; notes may differ.
    fn is_head_of(&self, other: &Self) -> bool {
        (self.size, self.root) == (other.size, other.root)
    }
}

impl fmt::Display for SeenHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.size, self.root)
    }
}

#[derive(Serialize, Deserialize)]
struct StoredHead {
    size: u64,
    root: String,
    checkpoint: String,
}

impl From<&SeenHead> for StoredHead {
    fn from(head: &SeenHead) -> Self {
        Self {
            size: head.size,
            root: head.root.to_string(),
            checkpoint: String::from_utf8_lossy(&head.checkpoint).into_owned(),
        }
    }
}

impl StoredHead {
    fn parse(self, path: &Path) -> Result<SeenHead> {
        let root = Hash::from_hex(&self.root).ok_or_else(|| damaged(path))?;
        Ok(SeenHead {
            size: self.size,
            root,
            checkpoint: self.checkpoint.into_bytes(),
        })
    }
}

fn damaged(path: &Path) -> Error {
    Error::new(ErrorCode::FileInaccessible).detail(format_args!(
        "{} is damaged; remove it only if you know why",
        path.display()
    ))
}

/// What became of a head that was offered to the store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Remembered {
    /// It is the longest seen so far.
    Advanced,
    /// A longer one was seen meanwhile, by this or another process.
    Older,
    /// It is the one that is kept.
    Same,
    /// Another root of the same size is kept: a fork.
    Contradicts(SeenHead),
    /// This shorter one is kept, and the new one was not proven to extend it: nothing changed.
    Unlinked(SeenHead),
}

/// The memory of one client, a directory. Several processes may share it.
#[derive(Clone, Debug)]
pub struct HeadStore {
    dir: PathBuf,
}

impl HeadStore {
    /// The store in `dir`, which is made (for its user only) when something is first written.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// The longest head seen of this vault.
    pub fn head(&self, vault: &VaultId) -> Result<Option<SeenHead>> {
        let path = self.vault_dir(vault).join("head.json");
        let stored: Option<StoredHead> = file::read_json(&path)?;
        stored.map(|stored| stored.parse(&path)).transpose()
    }

    /// Keeps `head` if it is longer than what is kept. Durable when it returns. INVARIANT: the
    /// caller has proven that `head` extends `extended`; a head that another process has kept
    /// meanwhile is not overwritten before that is proven of it too.
    pub fn remember(
        &self,
        vault: &VaultId,
        head: &SeenHead,
        extended: Option<&SeenHead>,
    ) -> Result<Remembered> {
        let locked = Locked::acquire(&self.vault_dir(vault))?;
        let kept = self.head(vault)?;
        match kept {
            Some(kept) if kept.size > head.size => Ok(Remembered::Older),
            Some(kept) if kept.size == head.size && kept.root == head.root => Ok(Remembered::Same),
            Some(kept) if kept.size == head.size => Ok(Remembered::Contradicts(kept)),
            Some(kept) if !extended.is_some_and(|known| known.is_head_of(&kept)) => {
                Ok(Remembered::Unlinked(kept))
            }
            _ => {
                locked.write_json("head.json", &StoredHead::from(head))?;
                Ok(Remembered::Advanced)
            }
        }
    }

    fn vault_dir(&self, vault: &VaultId) -> PathBuf {
        self.dir.join("vaults").join(vault.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_encoding::sha256;

    fn head(size: u64) -> SeenHead {
        SeenHead {
            size,
            root: sha256(&size.to_be_bytes()),
            checkpoint: b"note\n".to_vec(),
        }
    }

    fn vault() -> VaultId {
        VaultId(sha256(b"vault"))
    }

    #[test]
    fn the_longest_head_wins_and_survives_a_new_store() {
        let dir = tempfile::tempdir().unwrap();
        let store = HeadStore::new(dir.path());
        assert_eq!(store.head(&vault()).unwrap(), None);
        assert_eq!(
            store.remember(&vault(), &head(3), None).unwrap(),
            Remembered::Advanced
        );
        assert_eq!(
            store.remember(&vault(), &head(2), None).unwrap(),
            Remembered::Older
        );
        assert_eq!(
            store.remember(&vault(), &head(3), None).unwrap(),
            Remembered::Same
        );
        assert_eq!(
            store.remember(&vault(), &head(4), None).unwrap(),
            Remembered::Unlinked(head(3))
        );
        let again = HeadStore::new(dir.path());
        assert_eq!(again.head(&vault()).unwrap(), Some(head(3)));
    }

    #[test]
    fn another_root_of_the_same_size_is_a_contradiction_and_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = HeadStore::new(dir.path());
        store.remember(&vault(), &head(3), None).unwrap();
        let other = SeenHead {
            root: sha256(b"other"),
            ..head(3)
        };
        assert_eq!(
            store.remember(&vault(), &other, None).unwrap(),
            Remembered::Contradicts(head(3))
        );
        assert_eq!(store.head(&vault()).unwrap(), Some(head(3)));
    }

    #[test]
    fn a_damaged_file_is_an_error_and_never_an_empty_memory() {
        let dir = tempfile::tempdir().unwrap();
        let store = HeadStore::new(dir.path());
        store.remember(&vault(), &head(3), None).unwrap();
        std::fs::write(store.vault_dir(&vault()).join("head.json"), b"{").unwrap();
        assert_eq!(
            store.head(&vault()).unwrap_err().code,
            ErrorCode::FileInaccessible
        );
    }

    #[test]
    fn many_writers_leave_the_maximum() {
        let dir = tempfile::tempdir().unwrap();
        let store = HeadStore::new(dir.path());
        std::thread::scope(|scope| {
            for writer in 0..8u64 {
                let store = store.clone();
                scope.spawn(move || {
                    for step in 0..10 {
                        let mine = head(1 + writer + step * 8);
                        let mut kept = None;
                        while let Remembered::Unlinked(shorter) =
                            store.remember(&vault(), &mine, kept.as_ref()).unwrap()
                        {
                            kept = Some(shorter);
                        }
                    }
                });
            }
        });
        assert_eq!(store.head(&vault()).unwrap(), Some(head(80)));
    }
}
