//! Heads of a vault that others have seen, carried here by way of another vault. The vault has to
//! show that each is of its log before anything else is asked of it.

mod take;

use super::file::{Locked, read_json};
use super::{HeadStore, SeenHead, StoredHead, damaged};
use crate::error::Result;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use vault_audit::LogKey;
use vault_policy::VaultId;

pub(super) const FILE: &str = "carried.json";
/// Heads that are kept of one vault. Those that were shown to be of its log go first.
const MOST: usize = 16;

/// A head that somebody else has seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToldHead {
    /// The head, with the note that its vault signed.
    pub head: SeenHead,
    /// The vault from which it was taken.
    pub carried_by: VaultId,
    /// Whether its vault has shown that it is of its log.
    pub proven: bool,
}

/// A head on its way: what anybody needs to verify it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CarriedNote {
    /// The vault's identity key, SubjectPublicKeyInfo, DER.
    pub identity_key: Vec<u8>,
    /// The signed note.
    pub checkpoint: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    head: StoredHead,
    carried_by: String,
    proven: bool,
}

#[derive(Serialize, Deserialize, Default)]
struct StoredFile {
    identity_key: String,
    heads: Vec<Stored>,
}

impl HeadStore {
    /// What others have seen of this vault, as far as it is kept.
    pub fn told(&self, vault: &VaultId) -> Result<Vec<ToldHead>> {
        self.told_file(vault).map(|(_, told)| told)
    }

    /// INVARIANT: what is proven is part of the memory's log. Where that is lost, nothing is proven.
    fn told_file(&self, vault: &VaultId) -> Result<(String, Vec<ToldHead>)> {
        let path = self.vault_dir(vault).join(FILE);
        let stored: StoredFile = read_json(&path)?.unwrap_or_default();
        let memory = self.head(vault).ok().flatten();
        let reaches = |head: &SeenHead| memory.as_ref().is_some_and(|it| it.size >= head.size);
        let parse = |stored: Stored| {
            let head = stored.head.parse(&path)?;
            Ok(ToldHead {
                proven: stored.proven && reaches(&head),
                head,
                carried_by: stored.carried_by.parse().map_err(|_| damaged(&path))?,
            })
        };
        let told = stored.heads.into_iter().map(parse).collect::<Result<_>>()?;
        Ok((stored.identity_key, told))
    }

    fn write_told(
        &self,
        locked: &Locked,
        identity_key: String,
        mut told: Vec<ToldHead>,
    ) -> Result<()> {
        // What came first waits longest: later ones cannot push it out before the vault has shown it.
        told.sort_by_key(|told| told.proven);
        told.truncate(MOST);
        let store = |told: &ToldHead| Stored {
            head: (&told.head).into(),
            carried_by: told.carried_by.to_string(),
            proven: told.proven,
        };
        let heads = told.iter().map(store).collect();
        let stored = StoredFile {
            identity_key,
            heads,
        };
        locked.write_json(FILE, &stored)?;
        self.changed();
        Ok(())
    }

    /// The vault has shown that this head is of its log.
    pub(crate) fn prove_told(&self, vault: &VaultId, head: &SeenHead) -> Result<()> {
        let locked = Locked::acquire(&self.vault_dir(vault))?;
        let (key, mut told) = self.told_file(vault)?;
        let proven = told.iter_mut().filter(|told| told.head.is_head_of(head));
        proven.for_each(|told| told.proven = true);
        self.write_told(&locked, key, told)
    }

    /// A memory begins: nothing that was shown before is part of it.
    pub(super) fn unprove_told(&self, locked: &Locked, vault: &VaultId) -> Result<()> {
        let (key, mut told) = self.told_file(vault)?;
        if told.is_empty() {
            return Ok(());
        }
        told.iter_mut().for_each(|told| told.proven = false);
        self.write_told(locked, key, told)
    }

    /// Forgets heads.
    pub(super) fn retain_told(
        &self,
        locked: &Locked,
        vault: &VaultId,
        keep: impl Fn(&ToldHead) -> bool,
    ) -> Result<()> {
        let (key, mut told) = self.told_file(vault)?;
        told.retain(keep);
        if key.is_empty() && told.is_empty() {
            return Ok(());
        }
        self.write_told(locked, key, told)
    }

    /// A person wants this head shown. It comes first: what others have seen does not push it out.
    pub(super) fn want_told(
        &self,
        locked: &Locked,
        vault: &VaultId,
        key: &LogKey,
        wanted: ToldHead,
    ) -> Result<()> {
        let (_, mut told) = self.told_file(vault)?;
        if told.iter().any(|told| told.head.is_head_of(&wanted.head)) {
            return Ok(());
        }
        told.insert(0, wanted);
        self.write_told(locked, STANDARD.encode(key.to_spki()), told)
    }

    /// What this client hands over of a vault: the longest head that the vault has shown it, and
    /// those that others have seen and the vault has not shown yet.
    pub fn to_carry(&self, vault: &VaultId) -> Result<Vec<CarriedNote>> {
        let mut notes = Vec::new();
        if let (Some(head), Some(identity_key)) = (self.head(vault)?, self.identity_key(vault)?) {
            notes.push(CarriedNote {
                identity_key,
                checkpoint: head.checkpoint,
            });
        }
        let (key, told) = self.told_file(vault)?;
        let Some(identity_key) = STANDARD.decode(key).ok().filter(|key| !key.is_empty()) else {
            return Ok(notes);
        };
        let open = told.into_iter().filter(|told| !told.proven).take(2);
        notes.extend(open.map(|told| CarriedNote {
            identity_key: identity_key.clone(),
            checkpoint: told.head.checkpoint,
        }));
        Ok(notes)
    }
}

#[cfg(test)]
mod tests;
