//! Evidence of a rollback or a fork, kept in one file for each pair of heads. While one is not
//! acknowledged, nothing is asked of its vault.

mod decide;
mod keep;

use super::file::read_json;
use super::{HeadStore, SeenHead, damaged, file::inaccessible};
use crate::error::{Error, ErrorCode, Heads, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use vault_audit::{Checkpoint, EvidenceFault, EvidenceKind, HeadEvidence};
use vault_policy::VaultId;

pub(super) const ACKNOWLEDGED: &str = "acknowledged.json";
const PREFIX: &str = "evidence-";

/// One head of two that contradict each other.
#[derive(Clone, Debug)]
pub(crate) struct Witnessed {
    pub(crate) head: SeenHead,
    pub(crate) boot_id: Option<[u8; 16]>,
    pub(crate) carried_by: Option<VaultId>,
}

/// Which of two heads a client goes on with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GoOnWith {
    /// The log that was seen first: the vault must show it again.
    Seen,
    /// The log that was shown later: what the other held is given up.
    Answered,
}

/// Evidence as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptEvidence {
    /// Names the two heads.
    pub id: String,
    /// Whose they are.
    pub vault_id: VaultId,
    /// Where it is kept.
    pub path: PathBuf,
    /// The two heads, and how they were found.
    pub evidence: HeadEvidence,
    /// With which of them a person has decided to go on; `None` stops every use of the vault.
    pub acknowledged: Option<GoOnWith>,
}

impl KeptEvidence {
    fn head(&self, which: GoOnWith) -> Result<SeenHead> {
        let head = match which {
            GoOnWith::Seen => &self.evidence.seen,
            GoOnWith::Answered => &self.evidence.answered,
        };
        let note = head.checkpoint.as_bytes();
        let at = Checkpoint::verify(note, &self.evidence.key).map_err(|_| damaged(&self.path))?;
        Ok(SeenHead {
            size: at.size,
            root: at.root,
            checkpoint: note.to_vec(),
        })
    }

    /// The head that a person has decided against.
    pub(crate) fn given_up(&self) -> Result<Option<SeenHead>> {
        let other = match self.acknowledged {
            Some(GoOnWith::Seen) => GoOnWith::Answered,
            Some(GoOnWith::Answered) => GoOnWith::Seen,
            None => return Ok(None),
        };
        self.head(other).map(Some)
    }

    /// The error that names both heads.
    pub fn error(&self) -> Error {
        let code = match self.evidence.kind {
            EvidenceKind::Rollback => ErrorCode::RollbackDetected,
            EvidenceKind::Fork => ErrorCode::ForkDetected,
        };
        let error = Error::new(code)
            .vault(self.vault_id)
            .detail(format_args!("evidence {} is not acknowledged", self.id))
            .next(format!("evault vault evidence show {}", self.id));
        match (self.head(GoOnWith::Seen), self.head(GoOnWith::Answered)) {
            (Ok(seen), Ok(answered)) => error.heads(Heads {
                seen,
                answered,
                evidence: Some(self.path.clone()),
            }),
            (Err(damaged), _) | (_, Err(damaged)) => damaged.vault(self.vault_id),
        }
    }
}

impl HeadStore {
    /// Everything that is kept of this vault, the oldest first.
    pub fn evidence(&self, vault: &VaultId) -> Result<Vec<KeptEvidence>> {
        let files = self.evidence_files(vault)?;
        let acknowledged = self.acknowledged(vault)?;
        let read = |(id, path): (String, PathBuf)| {
            let decided = acknowledged.get(&id).copied();
            read_evidence(vault, id, path, decided)
        };
        let mut kept: Vec<_> = files.into_iter().map(read).collect::<Result<_>>()?;
        kept.sort_by_key(|kept| (kept.evidence.found_at, kept.id.clone()));
        Ok(kept)
    }

    /// The files of this vault's evidence, each with the id that is its name.
    fn evidence_files(&self, vault: &VaultId) -> Result<Vec<(String, PathBuf)>> {
        let dir = self.vault_dir(vault);
        let entries = match std::fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(inaccessible(&dir, &error)),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| inaccessible(&dir, &error))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let named = name
                .strip_prefix(PREFIX)
                .and_then(|id| id.strip_suffix(".json"));
            if let Some(id) = named.map(str::to_owned) {
                files.push((id, path));
            }
        }
        Ok(files)
    }

    /// Everything that is kept of any vault.
    pub fn all_evidence(&self) -> Result<Vec<KeptEvidence>> {
        let dir = self.path().join("vaults");
        let entries = match std::fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(inaccessible(&dir, &error)),
        };
        let mut all = Vec::new();
        for entry in entries {
            let name = entry
                .map_err(|error| inaccessible(&dir, &error))?
                .file_name();
            if let Ok(vault) = name.to_string_lossy().parse() {
                all.extend(self.evidence(&vault)?);
            }
        }
        all.sort_by_key(|kept| (kept.evidence.found_at, kept.id.clone()));
        Ok(all)
    }

    fn acknowledged(&self, vault: &VaultId) -> Result<BTreeMap<String, GoOnWith>> {
        let path = self.vault_dir(vault).join(ACKNOWLEDGED);
        Ok(read_json(&path)?.unwrap_or_default())
    }

    /// The heads that a person has decided against: they are not held against the vault again.
    pub(super) fn given_up(&self, vault: &VaultId) -> Result<Vec<SeenHead>> {
        let kept = self.evidence(vault)?;
        let given_up = kept.iter().filter_map(|kept| kept.given_up().transpose());
        given_up.collect()
    }
}

fn read_evidence(
    vault: &VaultId,
    id: String,
    path: PathBuf,
    acknowledged: Option<GoOnWith>,
) -> Result<KeptEvidence> {
    let bytes = std::fs::read(&path).map_err(|error| inaccessible(&path, &error))?;
    let evidence = HeadEvidence::from_bytes(&bytes).map_err(|fault| unread(&path, fault))?;
    Ok(KeptEvidence {
        acknowledged,
        id,
        vault_id: *vault,
        path,
        evidence,
    })
}

/// What cannot be read stops the vault as well: it may be evidence.
fn unread(path: &Path, fault: EvidenceFault) -> Error {
    match fault {
        EvidenceFault::UnknownFormat(_) => Error::new(ErrorCode::FileInaccessible)
            .detail(format_args!(
                "{}: {fault}: another release wrote it, and can read it",
                path.display()
            ))
            .next("evault --version"),
        _ => damaged(path),
    }
}

#[cfg(test)]
mod tests;
