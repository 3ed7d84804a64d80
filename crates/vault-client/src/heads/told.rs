//! Heads of a vault that others have seen, carried here by way of another vault. The vault has to
//! show that each is of its log before anything else is asked of it.

use super::evidence::Witnessed;
use super::file::{Locked, read_json};
use super::{HeadStore, NOTE_BYTES, SeenHead, StoredHead, damaged};
use crate::error::{Error, ErrorCode, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use vault_audit::{Carried, Checkpoint, Found, LogKey, judge_carried};
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

    fn told_file(&self, vault: &VaultId) -> Result<(String, Vec<ToldHead>)> {
        let path = self.vault_dir(vault).join(FILE);
        let stored: StoredFile = read_json(&path)?.unwrap_or_default();
        let parse = |stored: Stored| {
            Ok(ToldHead {
                head: stored.head.parse(&path)?,
                carried_by: stored.carried_by.parse().map_err(|_| damaged(&path))?,
                proven: stored.proven,
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

    /// Takes what another vault had of `vault`: verified under that vault's own key, held to what
    /// is remembered, and kept durably. A contradiction is kept as evidence, and is the error.
    pub(crate) fn take(&self, vault: &VaultId, note: &CarriedNote, via: VaultId) -> Result<()> {
        let (key, at, head) = verified(vault, note, via)?;
        if self.is_given_up(vault, &head)? {
            return Ok(());
        }
        let answered = || Witnessed {
            head: head.clone(),
            boot_id: None,
            carried_by: Some(via),
        };
        let forked = |seen: Witnessed| {
            let code = ErrorCode::ForkDetected;
            self.contradiction(code, key, Found::Exchange, seen, answered())
        };
        let known = self.head(vault)?;
        let checkpoint = |head: &SeenHead| Checkpoint {
            vault_id: vault.0,
            size: head.size,
            root: head.root,
        };
        match (
            judge_carried(known.as_ref().map(checkpoint).as_ref(), &at),
            known,
        ) {
            (Carried::Known, _) => return Ok(()),
            (Carried::Forked, Some(known)) => {
                let boot_id = self.boots(vault)?.at(known.size);
                return Err(forked(Witnessed {
                    head: known,
                    boot_id,
                    carried_by: None,
                }));
            }
            (Carried::Forked | Carried::HoldAgainst, _) => {}
        }
        let locked = Locked::acquire(&self.vault_dir(vault))?;
        let mut told = self.told(vault)?;
        for other in &told {
            match judge_carried(Some(&checkpoint(&other.head)), &at) {
                Carried::Known => return Ok(()),
                Carried::HoldAgainst => {}
                Carried::Forked => {
                    drop(locked);
                    return Err(forked(Witnessed {
                        head: other.head.clone(),
                        boot_id: None,
                        carried_by: Some(other.carried_by),
                    }));
                }
            }
        }
        told.push(ToldHead {
            head,
            carried_by: via,
            proven: false,
        });
        self.write_told(&locked, STANDARD.encode(&note.identity_key), told)
    }

    /// The vault has shown that this head is of its log.
    pub(crate) fn prove_told(&self, vault: &VaultId, head: &SeenHead) -> Result<()> {
        let locked = Locked::acquire(&self.vault_dir(vault))?;
        let (key, mut told) = self.told_file(vault)?;
        let proven = told.iter_mut().filter(|told| told.head.is_head_of(head));
        proven.for_each(|told| told.proven = true);
        self.write_told(&locked, key, told)
    }

    /// Forgets a head that a person has decided against.
    pub(super) fn drop_told(
        &self,
        locked: &Locked,
        vault: &VaultId,
        head: &SeenHead,
    ) -> Result<()> {
        let (key, mut told) = self.told_file(vault)?;
        told.retain(|told| !told.head.is_head_of(head));
        if key.is_empty() && told.is_empty() {
            return Ok(());
        }
        self.write_told(locked, key, told)
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

/// The key, and the head that it signed; only of this vault.
fn verified(
    vault: &VaultId,
    note: &CarriedNote,
    via: VaultId,
) -> Result<(LogKey, Checkpoint, SeenHead)> {
    let foreign = |why: &dyn std::fmt::Display| {
        let detail = format_args!("a head of vault {vault} that it carries: {why}").to_string();
        Error::new(ErrorCode::ReceiptInvalid)
            .vault(via)
            .detail(detail)
    };
    if note.checkpoint.len() > NOTE_BYTES {
        return Err(foreign(&"its note is too long"));
    }
    let key = LogKey::from_spki(&note.identity_key).map_err(|error| foreign(&error))?;
    let at = Checkpoint::verify(&note.checkpoint, &key).map_err(|error| foreign(&error))?;
    if at.vault_id != vault.0 {
        return Err(foreign(&"it is of another vault"));
    }
    let head = SeenHead {
        size: at.size,
        root: at.root,
        checkpoint: note.checkpoint.clone(),
    };
    Ok((key, at, head))
}

#[cfg(test)]
mod tests;
