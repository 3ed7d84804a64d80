//! Judges every head that a vault shows against what was seen before. Every two heads that a
//! client ever accepts are proven to be of one log.

use crate::error::{Error, ErrorCode, Result};
use crate::heads::{HeadStore, Remembered, SeenHead};
use crate::receipt::Logged;
use std::collections::VecDeque;
use std::future::Future;
use std::sync::PoisonError;
use tokio::sync::Mutex;
use vault_encoding::Hash;
use vault_encoding::merkle;
use vault_policy::VaultId;

/// The memory of one vault, shared by all calls of a client.
pub(crate) struct Tracker {
    vault: VaultId,
    store: HeadStore,
    latest: Mutex<Option<SeenHead>>,
    /// Heads that were proven to be of the log of `latest`: calls of one group share theirs.
    linked: std::sync::Mutex<VecDeque<(u64, Hash)>>,
}

/// Heads that are remembered as linked.
const LINKED: usize = 64;

impl Tracker {
    pub(crate) fn open(vault: VaultId, store: HeadStore) -> Result<Self> {
        let latest = Mutex::new(store.head(&vault)?);
        Ok(Self {
            vault,
            store,
            latest,
            linked: std::sync::Mutex::default(),
        })
    }

    /// The head that goes out with the next call.
    pub(crate) async fn seen(&self) -> Option<SeenHead> {
        self.latest.lock().await.clone()
    }

    /// Accepts the head of an answer to a call that carried `seen`. `prove` asks the vault for a
    /// consistency proof between two sizes.
    pub(crate) async fn accept<P, F>(
        &self,
        seen: Option<&SeenHead>,
        answered: SeenHead,
        logged: Option<&Logged>,
        prove: P,
    ) -> Result<()>
    where
        P: Fn(u64, u64) -> F,
        F: Future<Output = Result<Vec<Hash>>>,
    {
        if let Some(seen) = seen {
            self.compare(seen, &answered)?;
        }
        let this = (answered.size, answered.root);
        if self.is_linked(&this) {
            return Ok(());
        }
        let mut latest = self.latest.lock().await;
        if self.is_linked(&this) {
            return Ok(());
        }
        if let Some(known) = latest.as_ref() {
            self.link(known, &answered, logged, &prove).await?;
        }
        if latest
            .as_ref()
            .is_none_or(|known| known.size < answered.size)
        {
            *latest = Some(self.keep(answered, latest.clone(), &prove).await?);
        }
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
    pub(crate) fn glance(&self, seen: Option<&SeenHead>, answered: &SeenHead) -> Result<()> {
        seen.map_or(Ok(()), |seen| self.compare(seen, answered))
    }

    /// The error for two heads that contradict each other; also where the vault says so itself.
    pub(crate) fn contradiction(
        &self,
        code: ErrorCode,
        seen: SeenHead,
        answered: SeenHead,
    ) -> Error {
        self.store.contradiction(code, &self.vault, seen, answered)
    }

    /// A later answer cannot be shorter, nor have another root at the same size.
    fn compare(&self, seen: &SeenHead, answered: &SeenHead) -> Result<()> {
        let code = if answered.size < seen.size {
            ErrorCode::RollbackDetected
        } else if answered.size == seen.size && answered.root != seen.root {
            ErrorCode::ForkDetected
        } else {
            return Ok(());
        };
        Err(self.contradiction(code, seen.clone(), answered.clone()))
    }

    /// Proves that two heads are of one log, whichever is longer: calls overtake each other.
    async fn link<P, F>(
        &self,
        known: &SeenHead,
        answered: &SeenHead,
        logged: Option<&Logged>,
        prove: &P,
    ) -> Result<()>
    where
        P: Fn(u64, u64) -> F,
        F: Future<Output = Result<Vec<Hash>>>,
    {
        if known.size == answered.size {
            return self.compare(known, answered);
        }
        let (old, new) = if known.size < answered.size {
            (known, answered)
        } else {
            (answered, known)
        };
        let own = logged.filter(|_| std::ptr::eq(new, answered) && new.size == old.size + 1);
        if own.and_then(Logged::root_before) == Some(old.root) {
            return Ok(());
        }
        let proof = if old.size == 0 {
            Vec::new()
        } else {
            prove(old.size, new.size).await?
        };
        if merkle::verify_consistency(old.size, new.size, &proof, &old.root, &new.root) {
            return Ok(());
        }
        Err(self.contradiction(ErrorCode::ForkDetected, known.clone(), answered.clone()))
    }

    /// Waits for the disk beside the calls that go on.
    async fn remember(&self, head: &SeenHead, known: &Option<SeenHead>) -> Result<Remembered> {
        let (store, vault) = (self.store.clone(), self.vault);
        let (head, known) = (head.clone(), known.clone());
        let remembered =
            tokio::task::spawn_blocking(move || store.remember(&vault, &head, known.as_ref()));
        let ended = |_| Err(Error::new(ErrorCode::Internal));
        remembered.await.unwrap_or_else(ended)
    }

    /// Makes a head durable that extends `known`. Where another process has kept another one, the
    /// two are linked first.
    async fn keep<P, F>(
        &self,
        answered: SeenHead,
        mut known: Option<SeenHead>,
        prove: &P,
    ) -> Result<SeenHead>
    where
        P: Fn(u64, u64) -> F,
        F: Future<Output = Result<Vec<Hash>>>,
    {
        loop {
            let remembered = self.remember(&answered, &known).await?;
            match remembered {
                Remembered::Advanced | Remembered::Same => return Ok(answered),
                Remembered::Contradicts(kept) => {
                    return Err(self.contradiction(ErrorCode::ForkDetected, kept, answered));
                }
                Remembered::Unlinked(kept) => {
                    self.link(&kept, &answered, None, prove).await?;
                    known = Some(kept);
                }
                Remembered::Older => {
                    let Some(kept) = self.store.head(&self.vault)? else {
                        return Ok(answered);
                    };
                    self.link(&kept, &answered, None, prove).await?;
                    return Ok(kept);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
