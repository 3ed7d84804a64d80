//! The sealed log as the core's durable log.

use vault_core::{CommitFault, DurableLog, Position};
use vault_store::{
    AppendError, DirFiles, SealedLog, SealedSnapshot, SegmentFiles, StorageError, TreeHead,
};

/// Groups on the disk.
pub(crate) struct StoreLog {
    log: SealedLog<SegmentFiles<DirFiles>>,
}

impl StoreLog {
    pub(crate) fn new(log: SealedLog<SegmentFiles<DirFiles>>) -> Self {
        Self { log }
    }

    /// Seals a state that is that of everything in the log.
    pub(crate) fn seal_snapshot(
        &self,
        at: &Position,
        payload: &[u8],
    ) -> Result<SealedSnapshot, CommitFault> {
        if at.sequence != self.log.next_sequence() {
            return Err(CommitFault("a snapshot is out of its place"));
        }
        self.log
            .seal_snapshot(tree_head(at), payload, &mut crate::clock::fill)
            .map_err(|_| CommitFault("a snapshot could not be sealed"))
    }

    /// Whether there is space for groups to come; gets it where it can.
    pub(crate) fn make_room(&mut self) -> Result<bool, CommitFault> {
        self.log
            .make_room()
            .map_err(|_| CommitFault("the disk failed"))
    }

    /// Stores a snapshot that the log commits to. Without space the old one stays.
    pub(crate) fn put_snapshot(&mut self, snapshot: &SealedSnapshot) -> Result<(), CommitFault> {
        match self.log.put_snapshot(snapshot) {
            Ok(()) => Ok(()),
            Err(StorageError::NoSpace) => {
                tracing::warn!("no space for a snapshot; the old one stays");
                Ok(())
            }
            Err(_) => Err(CommitFault("a snapshot could not be stored")),
        }
    }
}

impl DurableLog for StoreLog {
    fn append(&mut self, at: &Position, payload: &[u8]) -> Result<(), CommitFault> {
        if at.sequence != self.log.next_sequence() {
            return Err(CommitFault("a group is out of its place"));
        }
        match self.log.append(tree_head(at), payload) {
            Ok(_) => Ok(()),
            Err(AppendError::NoSpace) => Err(CommitFault("no space for the log")),
            Err(AppendError::TooLarge) => Err(CommitFault("a group is too long")),
            Err(AppendError::Fatal(_)) => Err(CommitFault("the disk failed")),
            Err(AppendError::Closed) => Err(CommitFault("the log is closed")),
        }
    }
}

fn tree_head(at: &Position) -> TreeHead {
    TreeHead {
        size: at.size,
        root: at.root.0,
    }
}
