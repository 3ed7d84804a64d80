//! Heads that came from another vault, held to what is known and kept.

use super::ToldHead;
use crate::error::{Error, ErrorCode, Result};
use crate::heads::evidence::Witnessed;
use crate::heads::file::Locked;
use crate::heads::{CarriedNote, HeadStore, NOTE_BYTES, SeenHead};
use base64::{Engine, engine::general_purpose::STANDARD};
use vault_audit::{Carried, Checkpoint, Found, LogKey, judge_carried};
use vault_policy::VaultId;

impl HeadStore {
    /// Takes what another vault had of `vault`: verified under that vault's own key, held to what
    /// is remembered, and kept durably with one write. What cannot be taken hides nothing of the rest. A
    /// contradiction is kept as evidence, and is an error.
    pub(crate) fn take(&self, vault: &VaultId, notes: &[CarriedNote], via: VaultId) -> Vec<Error> {
        let (mut heads, mut errors) = (Vec::new(), Vec::new());
        for note in notes {
            match verified(vault, note, via) {
                Ok(head) => heads.push(head),
                Err(error) => errors.push(error),
            }
        }
        match self.take_verified(vault, heads, via) {
            Ok(forks) => errors.extend(forks.into_iter().map(|fork| fork.keep(self))),
            Err(error) => errors.push(error.vault(*vault)),
        }
        errors
    }

    /// The forks that follow from these heads alone.
    fn take_verified(
        &self,
        vault: &VaultId,
        heads: Vec<Verified>,
        via: VaultId,
    ) -> Result<Vec<Fork>> {
        if heads.is_empty() {
            return Ok(Vec::new());
        }
        let locked = Locked::acquire(&self.vault_dir(vault))?;
        let given_up = self.given_up(vault)?;
        let (mut identity_key, mut told) = self.told_file(vault)?;
        let mut known: Vec<_> = self.shown(vault)?.into_iter().collect();
        known.extend(told.iter().map(Witnessed::from));
        let (before, mut forks) = (told.len(), Vec::new());
        for Verified { key, head } in heads {
            if given_up.iter().any(|other| other.is_head_of(&head)) {
                continue;
            }
            match judge(vault, &known, &head) {
                Judged::Known => {}
                Judged::Forked(seen) => forks.push(Fork {
                    key,
                    seen,
                    answered: carried(head, via),
                }),
                Judged::New => {
                    identity_key = STANDARD.encode(key.to_spki());
                    known.push(carried(head.clone(), via));
                    told.push(ToldHead {
                        head,
                        carried_by: via,
                        proven: false,
                    });
                }
            }
        }
        if told.len() > before {
            self.write_told(&locked, identity_key, told)?;
        }
        Ok(forks)
    }

    /// The head that is remembered, with the start that showed it.
    fn shown(&self, vault: &VaultId) -> Result<Option<Witnessed>> {
        let Some(head) = self.head(vault)? else {
            return Ok(None);
        };
        let boot_id = self.boots(vault)?.at(head.size);
        Ok(Some(Witnessed {
            boot_id,
            ..head.into()
        }))
    }
}

/// A head, and the key that signed it: the vault's.
struct Verified {
    key: LogKey,
    head: SeenHead,
}

/// A head that was carried here and contradicts another one, whatever its vault says.
struct Fork {
    key: LogKey,
    seen: Witnessed,
    answered: Witnessed,
}

impl Fork {
    /// Makes evidence of it, which takes the lock of the store.
    fn keep(self, store: &HeadStore) -> Error {
        let (code, found) = (ErrorCode::ForkDetected, Found::Exchange);
        store.contradiction(code, self.key, found, self.seen, self.answered)
    }
}

fn carried(head: SeenHead, via: VaultId) -> Witnessed {
    Witnessed {
        carried_by: Some(via),
        ..head.into()
    }
}

impl From<&ToldHead> for Witnessed {
    fn from(told: &ToldHead) -> Self {
        carried(told.head.clone(), told.carried_by)
    }
}

enum Judged {
    Known,
    Forked(Witnessed),
    New,
}

/// Holds a head to those that are known, the first that says anything about it.
fn judge<'a>(
    vault: &VaultId,
    known: impl IntoIterator<Item = &'a Witnessed>,
    head: &SeenHead,
) -> Judged {
    let at = |head: &SeenHead| Checkpoint {
        vault_id: vault.0,
        size: head.size,
        root: head.root,
    };
    for known in known {
        match judge_carried(Some(&at(&known.head)), &at(head)) {
            Carried::Known => return Judged::Known,
            Carried::Forked => return Judged::Forked(known.clone()),
            Carried::HoldAgainst => {}
        }
    }
    Judged::New
}

/// The head that the note is of; only of this vault.
fn verified(vault: &VaultId, note: &CarriedNote, via: VaultId) -> Result<Verified> {
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
    Ok(Verified { key, head })
}
