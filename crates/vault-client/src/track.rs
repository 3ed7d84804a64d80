//! Judges every head that a vault shows against what was seen before. Every two heads that a
//! client ever accepts are proven to be of one log.

mod latest;
mod standing;

use crate::error::{Error, ErrorCode, Result};
use crate::heads::{HeadStore, Remembered, SeenHead, Showing, ToldHead, Witnessed};
use crate::receipt::Logged;
use latest::Latest;
use standing::Standing;
use std::collections::VecDeque;
use std::future::Future;
use std::sync::PoisonError;
use std::time::Instant;
use tokio::sync::Mutex;
use vault_audit::{Checkpoint, Found, Shown, judge_answer};
use vault_encoding::Hash;
use vault_encoding::merkle;
use vault_policy::VaultId;

/// The memory of one vault, shared by all calls of a client.
pub(crate) struct Tracker {
    vault: VaultId,
    store: HeadStore,
    latest: Mutex<Latest>,
    /// When the memory on disk was last read for what other processes have kept.
    remembered: std::sync::Mutex<Option<Instant>>,
    /// Heads that were proven to be of the log of `latest`: calls of one group share theirs.
    linked: std::sync::Mutex<VecDeque<(u64, Hash)>>,
    standing: std::sync::Mutex<Standing>,
}

/// Heads that are remembered as linked.
const LINKED: usize = 64;

impl Tracker {
    pub(crate) fn open(vault: VaultId, store: HeadStore) -> Result<Self> {
        let latest = Mutex::new(Latest::from(store.memory(&vault)?));
        Ok(Self {
            vault,
            store,
            latest,
            remembered: std::sync::Mutex::default(),
            linked: std::sync::Mutex::default(),
            standing: std::sync::Mutex::default(),
        })
    }

    /// Holds the head of an answer to one that somebody else has seen: its call carried that.
    pub(crate) async fn hold<P, F>(
        &self,
        told: &ToldHead,
        answered: SeenHead,
        shown: &Showing,
        prove: P,
    ) -> Result<()>
    where
        P: Fn(u64, u64) -> F,
        F: Future<Output = Result<Vec<Hash>>>,
    {
        // What was decided meanwhile, of another memory than that of this process, counts already.
        self.seen().await;
        self.compare(&told.head, &answered, shown)?;
        self.link(&told.head, &answered, None, shown, &prove)
            .await?;
        self.accept(None, answered, None, shown, prove).await?;
        self.store.prove_told(&self.vault, &told.head)
    }

    /// Accepts the head of an answer to a call that carried `seen`. `prove` asks the vault for a
    /// consistency proof between two sizes.
    pub(crate) async fn accept<P, F>(
        &self,
        seen: Option<&SeenHead>,
        answered: SeenHead,
        logged: Option<&Logged>,
        shown: &Showing,
        prove: P,
    ) -> Result<()>
    where
        P: Fn(u64, u64) -> F,
        F: Future<Output = Result<Vec<Hash>>>,
    {
        if let Some(seen) = seen {
            self.compare(seen, &answered, shown)?;
        }
        let this = (answered.size, answered.root);
        if self.is_linked(&this) {
            return Ok(());
        }
        let mut latest = self.latest.lock().await;
        if self.is_linked(&this) {
            return Ok(());
        }
        if let Some(own) = &latest.own {
            self.meets(own, latest.head.as_ref(), shown)?;
            self.link(own, &answered, None, shown, &prove).await?;
        }
        let known = latest.head.clone();
        if let Some(known) = &known {
            self.link(known, &answered, logged, shown, &prove).await?;
        }
        if known
            .as_ref()
            .is_none_or(|known| known.size < answered.size)
        {
            latest.head = Some(self.keep(answered, known, shown, &prove).await?);
        }
        latest.own = None;
        self.linked(this);
        Ok(())
    }

    /// Whether this very head was accepted before, after the proof that it is of this log.
    fn is_linked(&self, head: &(u64, Hash)) -> bool {
        let linked = self.linked.lock().unwrap_or_else(PoisonError::into_inner);
        linked.contains(head)
    }

    fn linked(&self, head: (u64, Hash)) {
        let mut linked = self.linked.lock().unwrap_or_else(PoisonError::into_inner);
        linked.truncate(LINKED - 1);
        linked.push_front(head);
    }

    /// Judges a head where no proof can be had, such as one shown before authentication. It is
    /// not kept.
    pub(crate) fn glance(
        &self,
        seen: Option<&SeenHead>,
        answered: &SeenHead,
        shown: &Showing,
    ) -> Result<()> {
        seen.map_or(Ok(()), |seen| self.compare(seen, answered, shown))
    }

    /// The error for two heads that contradict each other; also where the vault says so itself.
    pub(crate) fn contradiction(
        &self,
        code: ErrorCode,
        found: Found,
        seen: SeenHead,
        answered: SeenHead,
        shown: &Showing,
    ) -> Error {
        let told = self.store.told(&self.vault).unwrap_or_default();
        let carried = told.iter().find(|told| told.head.is_head_of(&seen));
        let boots = self.store.boots(&self.vault).unwrap_or_default();
        let seen = Witnessed {
            boot_id: boots.at(seen.size).filter(|_| carried.is_none()),
            carried_by: carried.map(|told| told.carried_by),
            head: seen,
        };
        let answered = Witnessed {
            head: answered,
            boot_id: Some(shown.boot_id),
            carried_by: None,
        };
        let error = self
            .store
            .contradiction(code, shown.key, found, seen, answered);
        match error.vault_id == Some(self.vault) {
            true => error,
            // Only where the key at hand is not the vault's.
            false => error.vault(self.vault),
        }
    }

    /// A later answer cannot be shorter, nor have another root at the same size.
    fn compare(&self, seen: &SeenHead, answered: &SeenHead, shown: &Showing) -> Result<()> {
        let at = |head: &SeenHead| Checkpoint {
            vault_id: self.vault.0,
            size: head.size,
            root: head.root,
        };
        // Which start showed what matters only where something is wrong.
        let same_boot = || match self.store.boots(&self.vault) {
            Ok(boots) => boots.has_shown(&shown.boot_id, seen.size),
            Err(_) => false,
        };
        let same_boot = answered.size < seen.size && same_boot();
        let code = match judge_answer(&at(seen), &at(answered), same_boot) {
            Shown::Same | Shown::Longer => return Ok(()),
            Shown::RolledBack => ErrorCode::RollbackDetected,
            Shown::Forked => ErrorCode::ForkDetected,
        };
        let (seen, answered) = (seen.clone(), answered.clone());
        Err(self.contradiction(code, Found::Answer, seen, answered, shown))
    }

    /// Proves that two heads are of one log, whichever is longer: calls overtake each other.
    async fn link<P, F>(
        &self,
        known: &SeenHead,
        answered: &SeenHead,
        logged: Option<&Logged>,
        shown: &Showing,
        prove: &P,
    ) -> Result<()>
    where
        P: Fn(u64, u64) -> F,
        F: Future<Output = Result<Vec<Hash>>>,
    {
        if known.size == answered.size {
            return self.compare(known, answered, shown);
        }
        let (old, new) = if known.size < answered.size {
            (known, answered)
        } else {
            (answered, known)
        };
        // The proof of the last entry of the tree alone says what stood before it.
        let last = |own: &&Logged| own.index == old.size && new.size == old.size + 1;
        let own = logged.filter(|_| std::ptr::eq(new, answered)).filter(last);
        if own.and_then(Logged::root_before) == Some(old.root) {
            return Ok(());
        }
        let proof = match old.size {
            0 => Some(Vec::new()),
            from => has_such_sizes(prove(from, new.size).await)?,
        };
        let holds = |proof: &[Hash]| {
            merkle::verify_consistency(old.size, new.size, proof, &old.root, &new.root)
        };
        match proof {
            Some(proof) if holds(&proof) => return Ok(()),
            // It does not reach to what another process has seen of it.
            None if answered.size < known.size => return self.compare(known, answered, shown),
            _ => {}
        }
        let (code, found) = (ErrorCode::ForkDetected, Found::Proof);
        Err(self.contradiction(code, found, known.clone(), answered.clone(), shown))
    }

    /// Waits for the disk beside the calls that go on.
    async fn remember(
        &self,
        head: &SeenHead,
        known: &Option<SeenHead>,
        shown: &Showing,
    ) -> Result<Remembered> {
        let (store, vault, shown) = (self.store.clone(), self.vault, *shown);
        let (head, known) = (head.clone(), known.clone());
        let remembered = tokio::task::spawn_blocking(move || {
            store.remember(&vault, &head, known.as_ref(), &shown)
        });
        let ended = |_| Err(Error::new(ErrorCode::Internal));
        remembered.await.unwrap_or_else(ended)
    }

    /// Makes a head durable that extends `known`. Where another process has kept another one, the
    /// two are linked first.
    async fn keep<P, F>(
        &self,
        answered: SeenHead,
        mut known: Option<SeenHead>,
        shown: &Showing,
        prove: &P,
    ) -> Result<SeenHead>
    where
        P: Fn(u64, u64) -> F,
        F: Future<Output = Result<Vec<Hash>>>,
    {
        loop {
            let remembered = self.remember(&answered, &known, shown).await?;
            match remembered {
                Remembered::Advanced | Remembered::Same => return Ok(answered),
                Remembered::Contradicts(kept) => {
                    let (code, found) = (ErrorCode::ForkDetected, Found::Answer);
                    return Err(self.contradiction(code, found, kept, answered, shown));
                }
                Remembered::Interleaved(kept) => {
                    let (code, found) = (ErrorCode::ForkDetected, Found::Boots);
                    return Err(self.contradiction(code, found, kept, answered, shown));
                }
                Remembered::Unlinked(kept) => {
                    self.link(&kept, &answered, None, shown, prove).await?;
                    known = Some(kept);
                }
                Remembered::Older => {
                    let Some(kept) = self.store.head(&self.vault)? else {
                        return Ok(answered);
                    };
                    self.link(&kept, &answered, None, shown, prove).await?;
                    return Ok(kept);
                }
            }
        }
    }
}

/// `None` where the vault, asked for a proof up to a head that it has signed, says that its log has
/// no such size. One that is at fault in no way never does.
fn has_such_sizes(proof: Result<Vec<Hash>>) -> Result<Option<Vec<Hash>>> {
    match proof {
        Err(error) if error.code == ErrorCode::InvalidArgument => Ok(None),
        proof => proof.map(Some),
    }
}

#[cfg(test)]
mod tests;
