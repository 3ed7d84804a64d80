//! Two heads that contradict each other become evidence.

use super::{ACKNOWLEDGED, GoOnWith, KeptEvidence, PREFIX, Witnessed, read_evidence};
use crate::error::{Error, ErrorCode, Heads, Result};
use crate::heads::file::Locked;
use crate::heads::{HeadStore, NOTE_BYTES, SeenHead};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};
use vault_audit::{Checkpoint, EvidenceHead, EvidenceKind, Found, HeadEvidence, LogKey};
use vault_policy::VaultId;

/// Pieces of evidence of one vault that wait for a decision, after which no more are kept of what other vaults carry. It
/// is stopped by then, and may sign any number of logs.
const OPEN: usize = 16;

impl Witnessed {
    fn written(&self, key: &LogKey) -> EvidenceHead {
        let note = String::from_utf8_lossy(&self.head.checkpoint);
        let short = match note.len() > NOTE_BYTES {
            true => without_others(&note, key),
            false => None,
        };
        EvidenceHead {
            checkpoint: short.unwrap_or_else(|| note.into_owned()),
            boot_id: self.boot_id,
            carried_by: self.carried_by.map(|vault| vault.0),
        }
    }
}

impl From<SeenHead> for Witnessed {
    fn from(head: SeenHead) -> Self {
        Self {
            head,
            boot_id: None,
            carried_by: None,
        }
    }
}

impl HeadStore {
    /// Keeps on disk that the vault's log contradicts a head that was seen elsewhere, such as by an
    /// auditor, and returns the error that names both.
    pub fn refuted(
        &self,
        code: ErrorCode,
        key: LogKey,
        seen: SeenHead,
        answered: SeenHead,
    ) -> Error {
        self.contradiction(code, key, Found::Answer, seen.into(), answered.into())
    }

    /// Keeps both heads on disk and returns the error that names them. The evidence of the same
    /// two heads is one file.
    pub(crate) fn contradiction(
        &self,
        code: ErrorCode,
        key: LogKey,
        found: Found,
        seen: Witnessed,
        answered: Witnessed,
    ) -> Error {
        let vault = VaultId(key.vault_id());
        if seen.head.is_head_of(&answered.head) {
            // Whoever says so contradicts nothing but itself.
            return Error::new(code).vault(vault);
        }
        let kind = kind(code, &seen.head, &answered.head);
        let code = match kind {
            EvidenceKind::Fork if code == ErrorCode::RollbackDetected => ErrorCode::ForkDetected,
            _ => code,
        };
        let evidence = HeadEvidence {
            kind,
            key,
            seen: seen.written(&key),
            answered: answered.written(&key),
            found,
            found_at: now(),
        };
        let error = Error::new(code).vault(vault);
        let (error, kept) = match self.keep_evidence(&evidence, &seen.head, &answered.head) {
            Ok((id, path)) => {
                let next = format!("evault vault evidence show {id}");
                (error.next(next), Some(path))
            }
            Err(failed) => {
                let detail = format_args!("evidence not kept: {failed}").to_string();
                (error.detail(detail), None)
            }
        };
        error.heads(Heads {
            seen: seen.head,
            answered: answered.head,
            evidence: kept,
        })
    }

    /// Its id, and where it is: what is kept of these two heads already, or what is new.
    fn keep_evidence(
        &self,
        evidence: &HeadEvidence,
        seen: &SeenHead,
        answered: &SeenHead,
    ) -> Result<(String, PathBuf)> {
        let vault = &VaultId(evidence.key.vault_id());
        let locked = Locked::acquire(&self.vault_dir(vault))?;
        let same = self.same_pair(vault, evidence.kind, seen, answered);
        let id = same.unwrap_or_else(|| evidence.id());
        let name = format!("{PREFIX}{id}.json");
        let path = self.vault_dir(vault).join(&name);
        let is_new = !path.exists();
        if is_new && evidence.found == Found::Exchange && self.open(vault)? >= OPEN {
            let detail = format_args!("{OPEN} pieces of it wait for a decision").to_string();
            return Err(Error::new(ErrorCode::QuotaExceeded).detail(detail));
        }
        if is_new {
            locked.write(&name, &readable(evidence)?)?;
        }
        let noted = self.undecided(&locked, vault, &id, seen, is_new);
        self.changed();
        match is_new {
            // That other processes may see it later takes nothing away.
            true => Ok((id, path)),
            false => noted.map(|()| (id, path)),
        }
    }

    /// What nobody has decided about, whether it can be read or not.
    fn open(&self, vault: &VaultId) -> Result<usize> {
        let decided = self.acknowledged(vault)?;
        let files = self.evidence_files(vault)?;
        let open = files.iter().filter(|(id, _)| !decided.contains_key(id));
        Ok(open.count())
    }

    /// The evidence of these two heads that is kept already. Anybody can add lines of other signers to their notes,
    /// which makes other ids and nothing else. Of a vault that was put back and grows, that of the same head that was
    /// seen, while nobody has decided about it. One that nobody has decided about comes first.
    fn same_pair(
        &self,
        vault: &VaultId,
        kind: EvidenceKind,
        seen: &SeenHead,
        answered: &SeenHead,
    ) -> Option<String> {
        let is_of = |kept: &KeptEvidence, which, head: &SeenHead| {
            kept.head(which).is_ok_and(|other| other.is_head_of(head))
        };
        let decided = self.acknowledged(vault).unwrap_or_default();
        let files = self.evidence_files(vault).unwrap_or_default();
        // What cannot be read is not taken for the same: better twice than not at all.
        let kept = files.into_iter().filter_map(|(id, path)| {
            let decided = decided.get(&id).copied();
            read_evidence(vault, id, path, decided).ok()
        });
        let still_open =
            |kept: &KeptEvidence| kind == EvidenceKind::Rollback && kept.acknowledged.is_none();
        let same = kept.filter(|kept| {
            kept.evidence.kind == kind
                && is_of(kept, GoOnWith::Seen, seen)
                && (is_of(kept, GoOnWith::Answered, answered) || still_open(kept))
        });
        let first = same.min_by_key(|kept| (kept.acknowledged.is_some(), kept.evidence.found_at));
        first.map(|kept| kept.id)
    }

    /// Takes back what a person has decided, where the vault is still held to `seen`: the decision was
    /// about what is past, and it has happened again. INVARIANT: a call that was sent before a decision to
    /// give `seen` up takes nothing back, since that decision has taken it out of the memory.
    fn undecided(
        &self,
        locked: &Locked,
        vault: &VaultId,
        id: &str,
        seen: &SeenHead,
        is_new: bool,
    ) -> Result<()> {
        let mut acknowledged = self.acknowledged(vault)?;
        let decided = acknowledged.contains_key(id) && self.is_held_to(vault, seen)?;
        if decided {
            acknowledged.remove(id);
        }
        // By a new file other processes see new evidence.
        if is_new || decided {
            locked.write_json(ACKNOWLEDGED, &acknowledged)?;
        }
        Ok(())
    }

    /// Whether this head is the memory, or one that others have seen and the vault has not shown.
    fn is_held_to(&self, vault: &VaultId, head: &SeenHead) -> Result<bool> {
        let memory = self.head(vault)?;
        if memory.is_some_and(|memory| memory.is_head_of(head)) {
            return Ok(true);
        }
        let told = self.told(vault)?;
        let mut open = told.iter().filter(|told| !told.proven);
        Ok(open.any(|told| told.head.is_head_of(head)))
    }
}

/// The note with nothing but the signature of the vault. An auditor's may have any number of witnesses,
/// more than evidence can hold.
fn without_others(note: &str, key: &LogKey) -> Option<String> {
    let (text, lines) = note.rsplit_once("\n\n")?;
    let mut alone = lines.lines().map(|line| format!("{text}\n\n{line}\n"));
    alone.find(|note| Checkpoint::verify(note.as_bytes(), key).is_ok())
}

/// The file's bytes. What could not be read again would stop every call to the vault, and no decision could
/// be made about it.
fn readable(evidence: &HeadEvidence) -> Result<Vec<u8>> {
    let text = [&evidence.to_bytes()[..], b"\n"].concat();
    let read = HeadEvidence::from_bytes(&text);
    let unreadable = |fault| Error::new(ErrorCode::InvalidArgument).detail(fault);
    read.map(|_| text).map_err(unreadable)
}

/// A vault that was put back may have grown past what was seen before it says so.
fn kind(code: ErrorCode, seen: &SeenHead, answered: &SeenHead) -> EvidenceKind {
    match code {
        ErrorCode::RollbackDetected if answered.size < seen.size => EvidenceKind::Rollback,
        _ => EvidenceKind::Fork,
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
