//! The auditor's verifier: a whole log against the checkpoints that were signed over it.
//!
//! 1. Every leaf parses as an entry; none is skipped.
//! 2. Every checkpoint is signed by the vault's identity key, for this log.
//! 3. Every checkpoint's root is the RFC 6962 root over the leaves up to its size, so that all of
//!    them are consistent with each other.
//! 4. Checkpoints are in the order in which the log grew.
//! 5. No leaf lies behind the last checkpoint.

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::entry::{Entry, LeafError};
use crate::export::Export;
use crate::note::LogKey;
use crate::tree::LogTree;

/// Why a log is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ExportError {
    /// An entry cannot be read.
    #[error("entry {index}: {error}")]
    Leaf {
        /// Its index.
        index: u64,
        /// Why.
        error: LeafError,
    },
    /// A checkpoint is not of this vault.
    #[error("checkpoint {number}: {error}")]
    Checkpoint {
        /// Which one, from 0.
        number: u64,
        /// Why.
        error: CheckpointError,
    },
    /// A checkpoint has fewer leaves than one before it.
    #[error("checkpoint {number} of {size} leaves stands behind one of {before}")]
    NotInOrder {
        /// Which one, from 0.
        number: u64,
        /// Its size.
        size: u64,
        /// The size before it.
        before: u64,
    },
    /// A checkpoint covers leaves that are absent.
    #[error("checkpoint {number} covers {size} entries, but only {have} are there")]
    Truncated {
        /// Which one, from 0.
        number: u64,
        /// Its size.
        size: u64,
        /// Leaves that are there.
        have: u64,
    },
    /// An entry was altered, dropped, added or moved.
    #[error("the root over {size} entries is not that of checkpoint {number}")]
    OtherRoot {
        /// Which one, from 0.
        number: u64,
        /// Its size.
        size: u64,
    },
    /// There is nothing to hold the leaves to.
    #[error("there is no checkpoint")]
    NoCheckpoint,
    /// Entries that no checkpoint covers.
    #[error("{have} entries are there, but the last checkpoint covers {size}")]
    Uncovered {
        /// Size of the last checkpoint.
        size: u64,
        /// Leaves that are there.
        have: u64,
    },
}

/// A log that holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedLog {
    /// Its entries, in order.
    pub entries: Vec<Entry>,
    /// Its head.
    pub head: Checkpoint,
    /// How many checkpoints were verified.
    pub checkpoints: u64,
}

/// Verifies a whole log with its vault's key.
pub fn verify_export(export: &Export, key: &LogKey) -> Result<VerifiedLog, ExportError> {
    let mut verifier = LogVerifier::new(*key);
    let mut entries = Vec::new();
    for leaf in &export.leaves {
        entries.push(verifier.leaf(leaf)?);
    }
    for note in &export.checkpoints {
        verifier.checkpoint(note)?;
    }
    let checkpoints = verifier.checkpoints();
    let head = verifier.finish()?;
    Ok(VerifiedLog {
        entries,
        head,
        checkpoints,
    })
}

/// Verifies a log that arrives in pieces: leaves in order, checkpoints in order, each checkpoint at
/// any time after the leaves that it covers.
#[derive(Clone, Debug)]
pub struct LogVerifier {
    key: LogKey,
    tree: LogTree,
    head: Option<Checkpoint>,
    number: u64,
}

impl LogVerifier {
    /// Before the first leaf.
    pub fn new(key: LogKey) -> Self {
        Self {
            key,
            tree: LogTree::new(),
            head: None,
            number: 0,
        }
    }

    /// Takes the next leaf.
    pub fn leaf(&mut self, leaf: &[u8]) -> Result<Entry, ExportError> {
        let index = self.tree.size();
        let entry = Entry::from_leaf(leaf).map_err(|error| ExportError::Leaf { index, error })?;
        self.tree.append(leaf);
        Ok(entry)
    }

    /// Takes the next checkpoint.
    pub fn checkpoint(&mut self, note: &[u8]) -> Result<Checkpoint, ExportError> {
        let number = self.number;
        let checkpoint = Checkpoint::verify(note, &self.key)
            .map_err(|error| ExportError::Checkpoint { number, error })?;
        let (size, have) = (checkpoint.size, self.tree.size());
        let before = self.head.map_or(0, |head| head.size);
        if size < before {
            return Err(ExportError::NotInOrder {
                number,
                size,
                before,
            });
        }
        match self.tree.root_at(size) {
            None => Err(ExportError::Truncated { number, size, have }),
            Some(root) if root != checkpoint.root => Err(ExportError::OtherRoot { number, size }),
            Some(_) => {
                self.head = Some(checkpoint);
                self.number += 1;
                Ok(checkpoint)
            }
        }
    }

    /// The tree over the leaves so far.
    pub fn into_tree(self) -> LogTree {
        self.tree
    }

    /// How many checkpoints were verified.
    pub fn checkpoints(&self) -> u64 {
        self.number
    }

    /// The head, if it covers every leaf.
    pub fn finish(&self) -> Result<Checkpoint, ExportError> {
        let head = self.head.ok_or(ExportError::NoCheckpoint)?;
        let (size, have) = (head.size, self.tree.size());
        if size == have {
            Ok(head)
        } else {
            Err(ExportError::Uncovered { size, have })
        }
    }
}
