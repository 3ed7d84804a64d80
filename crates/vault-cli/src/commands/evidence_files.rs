//! Every piece of evidence that is kept, each by itself: one that cannot be read hides no other.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use vault_audit::{EvidenceFault, HeadEvidence};
use vault_client::{Error, ErrorCode, GoOnWith, HeadStore, KeptEvidence, Result};
use vault_policy::VaultId;

/// What is in the memory of all vaults.
pub(super) struct Kept {
    /// The oldest first.
    pub(super) whole: Vec<KeptEvidence>,
    pub(super) damaged: Vec<Damaged>,
}

/// A file that may be evidence, and cannot be read: its vault is not used.
pub(super) struct Damaged {
    /// As the file's name says.
    pub(super) id: String,
    pub(super) vault_id: VaultId,
    /// It is whole, and another release can read it.
    pub(super) of_another_release: bool,
    pub(super) error: Error,
}

type Decisions = BTreeMap<String, GoOnWith>;

impl Kept {
    pub(super) fn read(store: &HeadStore) -> Result<Self> {
        let mut all = Self {
            whole: Vec::new(),
            damaged: Vec::new(),
        };
        for (name, dir) in entries(&store.path().join("vaults"))? {
            if let Ok(vault) = name.parse() {
                all.of_vault(vault, &dir);
            }
        }
        all.whole
            .sort_by_key(|kept| (kept.evidence.found_at, kept.id.clone()));
        Ok(all)
    }

    fn of_vault(&mut self, vault_id: VaultId, dir: &Path) {
        let decided = decisions(dir);
        let decided = self.or_damaged(vault_id, decided);
        let files = self.or_damaged(vault_id, entries(dir));
        for (name, path) in files {
            let Some(id) = id_of(&name).map(str::to_owned) else {
                continue;
            };
            match read(&path) {
                Ok(evidence) => self.whole.push(KeptEvidence {
                    acknowledged: decided.get(&id).copied(),
                    id,
                    vault_id,
                    path,
                    evidence,
                }),
                Err(unread) => self.damaged.push(Damaged {
                    id,
                    vault_id,
                    of_another_release: unread.of_another_release,
                    error: unread.error.vault(vault_id),
                }),
            }
        }
    }

    /// Nothing, where it cannot be read, and that is told.
    fn or_damaged<T: Default>(&mut self, vault_id: VaultId, read: Result<T>) -> T {
        read.unwrap_or_else(|error| {
            self.damaged.push(Damaged {
                id: String::new(),
                vault_id,
                of_another_release: false,
                error: error.vault(vault_id),
            });
            T::default()
        })
    }
}

/// The id in the name of a file that keeps evidence.
pub(super) fn id_of(name: &str) -> Option<&str> {
    name.strip_prefix("evidence-")?.strip_suffix(".json")
}

/// One piece, whose notes verify.
pub(super) fn evidence(path: &Path) -> Result<HeadEvidence> {
    read(path).map_err(|unread| unread.error)
}

/// A piece that cannot be read.
struct Unread {
    of_another_release: bool,
    error: Error,
}

fn read(path: &Path) -> std::result::Result<HeadEvidence, Unread> {
    let bytes = bytes(path).map_err(|error| Unread {
        of_another_release: false,
        error,
    })?;
    let unread = |fault| Unread {
        of_another_release: matches!(fault, EvidenceFault::UnknownFormat(_)),
        error: unread(path, fault),
    };
    let evidence = HeadEvidence::from_bytes(&bytes).map_err(unread)?;
    evidence.check().map_err(unread)?;
    Ok(evidence)
}

fn unread(path: &Path, fault: EvidenceFault) -> Error {
    match fault {
        EvidenceFault::UnknownFormat(_) => Error::new(ErrorCode::FileInaccessible)
            .detail(format_args!(
                "{}: {fault}: another release wrote it, and can read it",
                path.display()
            ))
            .next("evault --version"),
        fault => damaged(path, fault),
    }
}

/// What a person has decided of each piece of a vault's evidence.
pub(super) fn decisions(dir: &Path) -> Result<Decisions> {
    let path = dir.join("acknowledged.json");
    match path.exists() {
        true => serde_json::from_slice(&bytes(&path)?).map_err(|error| damaged(&path, error)),
        false => Ok(Decisions::new()),
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| crate::files::inaccessible(path, &error))
}

fn damaged(path: &Path, why: impl Display) -> Error {
    Error::new(ErrorCode::FileInaccessible)
        .detail(format_args!("{} is damaged: {why}", path.display()))
        .next("evault doctor")
}

/// Names and paths in a directory, sorted; none where there is no such directory.
pub(super) fn entries(dir: &Path) -> Result<Vec<(String, PathBuf)>> {
    let failed = |error: std::io::Error| crate::files::inaccessible(dir, &error);
    let listed = match std::fs::read_dir(dir) {
        Ok(listed) => listed,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let named = listed.map(|entry| {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        Ok((name, entry.path()))
    });
    let mut all: Vec<_> = named.collect::<Result<_>>()?;
    all.sort();
    Ok(all)
}
