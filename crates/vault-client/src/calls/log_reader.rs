//! A log, stretch by stretch: nothing is handed out before it is proven to be of the signed head.

use super::audit::LogPage;
use crate::client::Client;
use crate::error::{Error, ErrorCode, Result};
use crate::heads::{LogPosition, SeenHead, Showing};
use vault_audit::{Found, Frontier};
use vault_encoding::merkle;

/// Leaves of one stretch.
const STRETCH: u64 = 4096;

/// Reads a log forwards. What it costs to hold does not grow with the log.
#[derive(Clone)]
pub struct LogReader {
    client: Client,
    frontier: Frontier,
    head: Option<SeenHead>,
    stretch: u64,
}

impl LogReader {
    /// Before the first entry.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            frontier: Frontier::new(),
            head: None,
            stretch: STRETCH,
        }
    }

    /// Behind these entries, where a reader was before. The vault's log must extend the head that
    /// was seen then.
    pub fn resume(client: Client, frontier: Frontier, head: Option<SeenHead>) -> Self {
        Self {
            client,
            frontier,
            head,
            stretch: STRETCH,
        }
    }

    /// At most so many entries at a time: what is held of the log at once.
    #[must_use]
    pub fn stretch(mut self, entries: u64) -> Self {
        self.stretch = entries.max(1);
        self
    }

    /// Goes to an entry of the head that [`advance`](Self::advance) gave, without what stands
    /// before it. That the vault told the truth about the place is proven with the next entries.
    pub async fn seek(&mut self, index: u64) -> Result<()> {
        let size = self.head.as_ref().map_or(0, |head| head.size);
        self.frontier = match index {
            0 => Frontier::new(),
            _ => {
                let (_, proof) = self.client.prove_inclusion(index, size).await?;
                Frontier::from_inclusion(index, size, &proof)
                    .ok_or_else(|| self.unproven("inclusion proof"))?
            }
        };
        Ok(())
    }

    /// Where it is: what resumes it later. `None` before the first head.
    pub fn position(&self) -> Option<LogPosition> {
        let frontier = self.frontier.clone();
        let head = self.head.clone()?;
        Some(LogPosition { frontier, head })
    }

    /// Index of the next entry.
    pub fn next_index(&self) -> u64 {
        self.frontier.size()
    }

    /// The vault's head now, up to which is read from here on. Where it does not extend the one
    /// before it, both are kept as evidence, and the error names them.
    pub async fn advance(&mut self) -> Result<SeenHead> {
        let (head, shown) = self.client.shown_head().await?;
        if let Some(known) = &self.head {
            self.extends(known, &head, &shown).await?;
        }
        self.head = Some(head.clone());
        Ok(head)
    }

    /// INVARIANT: once two heads contradict each other, their evidence needs nothing more of the vault, whose
    /// host may cut the connection.
    async fn extends(&self, known: &SeenHead, head: &SeenHead, shown: &Showing) -> Result<()> {
        let contradiction = |code, found| {
            let (known, head) = (known.clone(), head.clone());
            let tracker = self.client.tracker();
            Err(tracker.contradiction(code, found, known, head, shown))
        };
        if head.size < known.size {
            return contradiction(ErrorCode::RollbackDetected, Found::Answer);
        }
        let proof = match known.size {
            0 => Vec::new(),
            same if same == head.size => Vec::new(),
            old => self.client.prove_consistency(old, head.size).await?,
        };
        match merkle::verify_consistency(known.size, head.size, &proof, &known.root, &head.root) {
            true => Ok(()),
            false => contradiction(ErrorCode::ForkDetected, Found::Proof),
        }
    }

    /// The next entries below the head and below `end`; `None` where there are none.
    pub async fn next(&mut self, end: u64) -> Result<Option<LogPage>> {
        let Some(head) = self.head.clone() else {
            return Ok(None);
        };
        let from = self.frontier.size();
        let to = head.size.min(end).min(from.saturating_add(self.stretch));
        if from >= to {
            return Ok(None);
        }
        let page = self.client.read_log(from, to).await?;
        if page.leaves.len() as u64 != to - from {
            return Err(self.unproven("number of entries"));
        }
        let mut frontier = self.frontier.clone();
        for leaf in &page.leaves {
            frontier.push(merkle::leaf_hash(leaf));
        }
        self.hold(&frontier, &head).await?;
        self.frontier = frontier;
        Ok(Some(LogPage { head, ..page }))
    }

    /// Whether what was read so far is the beginning of the log of the head.
    pub async fn check(&self) -> Result<()> {
        match &self.head {
            Some(head) => self.hold(&self.frontier, head).await,
            None => Ok(()),
        }
    }

    async fn hold(&self, frontier: &Frontier, head: &SeenHead) -> Result<()> {
        let (size, root) = (frontier.size(), frontier.root());
        let proof = match size {
            0 => Vec::new(),
            all if all >= head.size => Vec::new(),
            some => self.client.prove_consistency(some, head.size).await?,
        };
        match merkle::verify_consistency(size, head.size, &proof, &root, &head.root) {
            true => Ok(()),
            false => Err(self.unproven("entries: they are not those of the signed head")),
        }
    }

    fn unproven(&self, what: &str) -> Error {
        Error::new(ErrorCode::ReceiptInvalid)
            .vault(self.client.vault_id())
            .detail(what)
    }
}
