//! What was seen of each vault, kept durably: the head of its log, the lineage of its keys, and
//! the evidence of a rollback or fork. Without this memory a client cannot notice either.

mod boots;
mod evidence;
pub(crate) mod file;
mod floors;
mod manifests;
mod pins;
mod position;
#[cfg(test)]
pub(crate) mod signed;
mod told;

pub use boots::Boot;
pub(crate) use boots::Boots;
pub(crate) use evidence::Witnessed;
pub use evidence::{GoOnWith, KeptEvidence};
pub use manifests::{RememberedManifest, SeenManifest};
pub use pins::KeyPin;
pub use position::LogPosition;
pub use told::{CarriedNote, ToldHead};

use crate::error::{Error, ErrorCode, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use boots::StoredBoot;
use file::Locked;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use vault_audit::LogKey;
use vault_encoding::Hash;
use vault_policy::VaultId;

/// Longest note that vaults carry for each other. A longer one could be shown to nobody else.
pub(crate) const NOTE_BYTES: usize = 2048;

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
    pub(crate) fn is_head_of(&self, other: &Self) -> bool {
        (self.size, self.root) == (other.size, other.root)
    }
}

impl fmt::Display for SeenHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.size, self.root)
    }
}

/// Which vault shows a head, and which start of it; both stand in the evidence of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Showing {
    pub(crate) key: LogKey,
    pub(crate) boot_id: [u8; 16],
}

/// The file `head.json`.
#[derive(Serialize, Deserialize)]
struct StoredMemory {
    #[serde(flatten)]
    head: StoredHead,
    #[serde(default)]
    identity_key: String,
    #[serde(default)]
    boots: Vec<StoredBoot>,
    /// Earlier releases write none.
    #[serde(default)]
    generation: u64,
}

/// What is remembered of one vault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Memory {
    pub(crate) head: SeenHead,
    /// Rises whenever a person lets the memory begin anew.
    pub(crate) generation: u64,
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

/// Which file there is under a name: each is replaced by a new one.
pub(crate) type Written = (u64, i64, i64, u64);

/// What became of a head that was offered to the store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Remembered {
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
    /// This one is kept, and two starts of the vault have grown the log in turn.
    Interleaved(SeenHead),
}

/// The memory of one client, a directory. Several processes may share it.
#[derive(Clone, Debug)]
pub struct HeadStore {
    dir: PathBuf,
    /// Counts changes of what was told and of evidence, by clones of this store.
    changes: Arc<AtomicU64>,
}

impl HeadStore {
    /// The store in `dir`, which is made (for its user only) when something is first written.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            changes: Arc::default(),
        }
    }

    fn changed(&self) {
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// Rises with every change of what was told of a vault, and of evidence.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Differs after other processes have changed what was told of this vault, or evidence.
    pub(crate) fn files(&self, vault: &VaultId) -> [Option<Written>; 2] {
        let dir = self.vault_dir(vault);
        [told::FILE, evidence::ACKNOWLEDGED].map(|name| {
            let data = std::fs::metadata(dir.join(name)).ok()?;
            Some((data.ino(), data.mtime(), data.mtime_nsec(), data.len()))
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// The longest head seen of this vault.
    pub fn head(&self, vault: &VaultId) -> Result<Option<SeenHead>> {
        Ok(self.memory(vault)?.map(|memory| memory.head))
    }

    pub(crate) fn memory(&self, vault: &VaultId) -> Result<Option<Memory>> {
        let Some(stored) = self.stored(vault)? else {
            return Ok(None);
        };
        Ok(Some(Memory {
            head: stored.head.parse(&self.head_file(vault))?,
            generation: stored.generation,
        }))
    }

    fn stored(&self, vault: &VaultId) -> Result<Option<StoredMemory>> {
        file::read_json(&self.head_file(vault))
    }

    /// The vault's identity key (SubjectPublicKeyInfo, DER), if it was seen.
    pub fn identity_key(&self, vault: &VaultId) -> Result<Option<Vec<u8>>> {
        let stored = self.stored(vault)?.map(|stored| stored.identity_key);
        let Some(text) = stored.filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let decoded = STANDARD.decode(text);
        decoded
            .map(Some)
            .map_err(|_| damaged(&self.head_file(vault)))
    }

    /// The start of the vault that showed the longest head.
    pub fn last_boot(&self, vault: &VaultId) -> Result<Option<Boot>> {
        Ok(self.boots(vault)?.latest())
    }

    pub(crate) fn boots(&self, vault: &VaultId) -> Result<Boots> {
        let stored = self.stored(vault)?.map(|stored| stored.boots);
        Boots::parse(stored.unwrap_or_default(), &self.head_file(vault))
    }

    /// Keeps `head` if it is longer than what is kept. Durable when it returns. INVARIANT: the
    /// caller has proven that `head` extends `extended`; a head that another process has kept
    /// meanwhile is not overwritten before that is proven of it too.
    pub(crate) fn remember(
        &self,
        vault: &VaultId,
        head: &SeenHead,
        extended: Option<&SeenHead>,
        shown: &Showing,
    ) -> Result<Remembered> {
        let locked = Locked::acquire(&self.vault_dir(vault))?;
        let (kept, generation) = self
            .memory(vault)?
            .map_or((None, 0), |memory| (Some(memory.head), memory.generation));
        match kept {
            Some(kept) if kept.size > head.size => Ok(Remembered::Older),
            Some(kept) if kept.size == head.size && kept.root == head.root => Ok(Remembered::Same),
            Some(kept) if kept.size == head.size => Ok(Remembered::Contradicts(kept)),
            Some(kept) if !extended.is_some_and(|known| known.is_head_of(&kept)) => {
                Ok(Remembered::Unlinked(kept))
            }
            kept => {
                if kept.is_none() {
                    self.unprove_told(&locked, vault)?;
                }
                let mut boots = self.boots(vault)?;
                match (boots.observe(shown.boot_id, head.size), kept) {
                    (Err(boots::Interleaved), Some(kept)) => Ok(Remembered::Interleaved(kept)),
                    _ => {
                        let memory = stored(head, &shown.key, &boots, generation);
                        locked.write_json(HEAD, &memory)?;
                        Ok(Remembered::Advanced)
                    }
                }
            }
        }
    }

    /// The memory of this vault begins at this head, whatever was seen before.
    fn begin_anew(
        &self,
        locked: &Locked,
        vault: &VaultId,
        head: &SeenHead,
        key: &LogKey,
    ) -> Result<()> {
        let before = self.stored(vault)?.map_or(0, |stored| stored.generation);
        let memory = stored(head, key, &Boots::default(), before.saturating_add(1));
        locked.write_json(HEAD, &memory).map(drop)
    }

    fn head_file(&self, vault: &VaultId) -> PathBuf {
        self.vault_dir(vault).join(HEAD)
    }

    fn vault_dir(&self, vault: &VaultId) -> PathBuf {
        self.dir.join("vaults").join(vault.to_string())
    }
}

const HEAD: &str = "head.json";

fn stored(head: &SeenHead, key: &LogKey, boots: &Boots, generation: u64) -> StoredMemory {
    StoredMemory {
        head: head.into(),
        identity_key: STANDARD.encode(key.to_spki()),
        boots: boots.store(),
        generation,
    }
}

#[cfg(test)]
mod tests;
