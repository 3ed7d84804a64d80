//! A sealed state of the vault at one size of the log.

use crate::group::TreeHead;
use zeroize::Zeroizing;

/// A snapshot that is sealed but not stored yet: commit its hash to the log first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedSnapshot {
    pub(crate) bytes: Vec<u8>,
    pub(crate) hash: [u8; 32],
}

impl SealedSnapshot {
    /// SHA-256 of the sealed bytes: what the log entry commits to.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }
}

/// What was found where the snapshot should be.
#[derive(Clone, PartialEq, Eq)]
pub enum SnapshotState {
    /// None.
    Absent,
    /// One that does not authenticate, or does not lie on this log: rebuild from the log.
    Damaged,
    /// One that this store sealed. Valid only if the log holds the entry that commits to `hash`.
    Present {
        /// The head of the tree that the state is of.
        tree: TreeHead,
        /// The number of the first group that is not in it.
        sequence: u64,
        /// SHA-256 of the sealed bytes.
        hash: [u8; 32],
        /// What was given to `seal_snapshot`.
        payload: Zeroizing<Vec<u8>>,
    },
}
