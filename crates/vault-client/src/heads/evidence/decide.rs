//! What follows from a person's decision about two heads.

use super::{ACKNOWLEDGED, GoOnWith, KeptEvidence};
use crate::error::Result;
use crate::heads::file::Locked;
use crate::heads::{HeadStore, ToldHead};
use vault_policy::VaultId;

impl HeadStore {
    /// Decides with which of the two heads this client goes on, and never for any other pair. With
    /// [`GoOnWith::Answered`] the memory of this vault begins anew at that head, if it is the other
    /// one that is remembered. With [`GoOnWith::Seen`] the vault has to show that head at the next call.
    pub fn acknowledge(&self, kept: &KeptEvidence, which: GoOnWith) -> Result<()> {
        let vault = &kept.vault_id;
        let locked = Locked::acquire(&self.vault_dir(vault))?;
        match which {
            GoOnWith::Answered => self.give_up(&locked, kept)?,
            GoOnWith::Seen => self.want_shown(&locked, kept)?,
        }
        let mut acknowledged = self.acknowledged(vault)?;
        acknowledged.insert(kept.id.clone(), which);
        locked.write_json(ACKNOWLEDGED, &acknowledged)?;
        self.changed();
        Ok(())
    }

    /// What else is remembered was not decided on: it is held against the vault as before.
    fn give_up(&self, locked: &Locked, kept: &KeptEvidence) -> Result<()> {
        let (vault, seen) = (&kept.vault_id, kept.head(GoOnWith::Seen)?);
        let memory = self.head(vault)?;
        let anew = memory.is_none_or(|memory| memory.is_head_of(&seen));
        // What was shown of a log that is given up says nothing about the other one. INVARIANT: it goes before the
        // memory that it rests on.
        self.retain_told(locked, vault, |told| {
            let goes = told.head.is_head_of(&seen) || (anew && told.proven);
            !goes
        })?;
        let (answered, key) = (kept.head(GoOnWith::Answered)?, &kept.evidence.key);
        match anew {
            true => self.begin_anew(locked, vault, &answered, key),
            false => Ok(()),
        }
    }

    /// Where the head is not what is remembered, such as one that an auditor kept, nothing else would hold the
    /// vault to it.
    fn want_shown(&self, locked: &Locked, kept: &KeptEvidence) -> Result<()> {
        let (vault, head) = (&kept.vault_id, kept.head(GoOnWith::Seen)?);
        let answered = kept.head(GoOnWith::Answered)?;
        self.retain_told(locked, vault, |told| !told.head.is_head_of(&answered))?;
        if self
            .head(vault)?
            .is_some_and(|memory| memory.is_head_of(&head))
        {
            return Ok(());
        }
        let carried_by = kept.evidence.seen.carried_by;
        let wanted = ToldHead {
            head,
            carried_by: carried_by.map_or(*vault, VaultId),
            proven: false,
        };
        self.want_told(locked, vault, &kept.evidence.key, wanted)
    }
}
