//! The log as one vault sees it.

use crate::group::{OpenedGroup, TreeHead};
use crate::root::StoreRoot;
use crate::snapshot::{SealedSnapshot, SnapshotState};
use crate::storage::{Storage, StorageError};

/// Why a store does not open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OpenError {
    /// A group before the last one is damaged, absent or out of its place.
    #[error("group {group} is damaged, absent or out of its place")]
    Damaged {
        /// Its number.
        group: u64,
    },
    /// The log begins behind its first group, and no snapshot stands for what is absent.
    #[error("the log begins at group {first}, and there is no snapshot of what came before")]
    MissingGroups {
        /// The first group that is there.
        first: u64,
    },
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why a group was not appended. After any of these the log takes no more groups in this boot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AppendError {
    /// The disk has no space for another segment; the group is not in the log.
    #[error("no space left for another segment")]
    NoSpace,
    /// Longer than a group can be.
    #[error("the group is too long")]
    TooLarge,
    /// Whether the group is durable is unknown: the process must end.
    #[error("fatal: {0}")]
    Fatal(StorageError),
    /// An earlier append failed.
    #[error("closed by an earlier error")]
    Closed,
}

/// Why a group cannot be read again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such group.
    #[error("there is no group {0}")]
    NoSuchGroup(u64),
    /// It is not what it was when the store was opened.
    #[error("group {0} has been damaged since the store was opened")]
    Damaged(u64),
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A store that has been opened: every group in it is authentic and in its place.
pub struct Opened<S> {
    /// The log, to append to.
    pub log: SealedLog<S>,
    /// The snapshot.
    pub snapshot: SnapshotState,
    /// The groups behind the snapshot if there is one, else all of them.
    pub groups: Vec<OpenedGroup>,
}

/// The sealed log over a storage.
pub struct SealedLog<S> {
    #[allow(dead_code)]
    storage: S,
}

impl<S: Storage> SealedLog<S> {
    /// Authenticates every group, and begins a boot of its own. A damaged last group is dropped.
    pub fn open(
        _storage: S,
        _root: &StoreRoot,
        _fill: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Opened<S>, OpenError> {
        unimplemented!()
    }

    /// Appends one group; durable when it returns its number. `tree_before` is the head of the
    /// tree before the group's first record.
    pub fn append(&mut self, _tree_before: TreeHead, _payload: &[u8]) -> Result<u64, AppendError> {
        unimplemented!()
    }

    /// Reads one group again.
    pub fn read(&mut self, _sequence: u64) -> Result<OpenedGroup, ReadError> {
        unimplemented!()
    }

    /// Seals the state at `tree`, which is that after the last group. Commit the hash to the log,
    /// then call [`SealedLog::put_snapshot`].
    pub fn seal_snapshot(
        &mut self,
        _tree: TreeHead,
        _payload: &[u8],
        _fill: &mut dyn FnMut(&mut [u8]),
    ) -> SealedSnapshot {
        unimplemented!()
    }

    /// Stores a snapshot whose hash the log holds.
    pub fn put_snapshot(&mut self, _snapshot: &SealedSnapshot) -> Result<(), StorageError> {
        unimplemented!()
    }

    /// The number of the next group.
    pub fn next_sequence(&self) -> u64 {
        unimplemented!()
    }

    /// The number of the first group that is there.
    pub fn first_sequence(&self) -> u64 {
        unimplemented!()
    }

    /// This boot.
    pub fn boot_id(&self) -> [u8; 16] {
        unimplemented!()
    }
}
