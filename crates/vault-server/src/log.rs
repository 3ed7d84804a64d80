//! The sealed log as the core's durable log.

use crate::due::Due;
use vault_core::{CommitFault, DurableLog, Position};
use vault_store::{
    AppendError, DirFiles, SealedLog, SealedSnapshot, SegmentFiles, SnapshotSealer, StorageError,
    TreeHead,
};

/// Groups on the disk.
pub(crate) struct StoreLog {
    log: SealedLog<SegmentFiles<DirFiles>>,
    /// The first group that is not in the newest snapshot.
    snapshot_at: Option<u64>,
    due: Due,
}

impl StoreLog {
    /// `snapshot_at`: the first group that is not in the snapshot from which the state was read.
    pub(crate) fn new(
        log: SealedLog<SegmentFiles<DirFiles>>,
        snapshot_at: Option<u64>,
        due: Due,
    ) -> Self {
        Self {
            log,
            snapshot_at,
            due,
        }
    }

    /// Seals, later and elsewhere, a state that is that of everything in the log.
    pub(crate) fn snapshot_sealer(&self, at: &Position) -> Result<SnapshotSealer, CommitFault> {
        if at.sequence != self.log.next_sequence() {
            return Err(CommitFault("a snapshot is out of its place"));
        }
        Ok(self.log.snapshot_sealer(tree_head(at)))
    }

    /// When a snapshot is due.
    pub(crate) fn due(&mut self) -> &mut Due {
        &mut self.due
    }

    /// Whether there is space for groups to come; gets it where it can.
    pub(crate) fn make_room(&mut self) -> Result<bool, CommitFault> {
        let room = self.log.make_room();
        room.map_err(|error| fault(error, DISK_FAILED))
    }

    /// Stores the staged snapshot, which the log commits to, and lets go of the groups that neither it
    /// nor the one before it needs. `false`: it has no place, and everything stays as it was.
    pub(crate) fn place_snapshot(
        &mut self,
        at: &Position,
        sealed: &SealedSnapshot,
    ) -> Result<bool, CommitFault> {
        match self.log.place_snapshot(sealed) {
            Ok(()) => {}
            Err(error @ (StorageError::NoSpace | StorageError::NotStaged)) => {
                tracing::warn!(%error, "a snapshot is left out; the old one stays");
                return Ok(false);
            }
            Err(error) => return Err(fault(error, "a snapshot could not be stored")),
        }
        if let Some(previous) = self.snapshot_at.replace(at.sequence) {
            let removed = self.log.remove_before(previous);
            removed.map_err(|error| fault(error, "old segments could not be removed"))?;
        }
        Ok(true)
    }
}

const DISK_FAILED: &str = "the disk failed";

/// What is said of a process that another one shut out, whatever it was doing; the disk is well.
const SHUT_OUT: CommitFault =
    CommitFault("another process opened this folder, or its log.open was removed");

/// What is said of an error that ends the process.
pub(crate) fn fault(error: StorageError, otherwise: &'static str) -> CommitFault {
    match error {
        StorageError::ShutOut => SHUT_OUT,
        _ => CommitFault(otherwise),
    }
}

/// What is said of a group that finds no space.
pub(crate) const NO_SPACE: CommitFault = CommitFault("no space for the log");

impl StoreLog {
    /// Whether there was space for the group; if not, [`StoreLog::append_again`] is all that may follow.
    pub(crate) fn try_append(
        &mut self,
        at: &Position,
        payload: &[u8],
    ) -> Result<bool, CommitFault> {
        if at.sequence != self.log.next_sequence() {
            return Err(CommitFault("a group is out of its place"));
        }
        self.due.grew(payload.len());
        written(self.log.append(tree_head(at), payload))
    }

    /// Whether there is space by now.
    pub(crate) fn append_again(&mut self) -> Result<bool, CommitFault> {
        written(self.log.append_again())
    }
}

fn written(appended: Result<u64, AppendError>) -> Result<bool, CommitFault> {
    match appended {
        Ok(_) => Ok(true),
        Err(AppendError::NoSpace) => Ok(false),
        Err(AppendError::TooLarge) => Err(CommitFault("a group is too long")),
        Err(AppendError::Fatal(error)) => Err(fault(error, DISK_FAILED)),
        Err(AppendError::Closed) => Err(CommitFault("the log is closed")),
    }
}

impl DurableLog for StoreLog {
    fn append(&mut self, at: &Position, payload: &[u8]) -> Result<(), CommitFault> {
        match self.try_append(at, payload)? {
            true => Ok(()),
            false => Err(NO_SPACE),
        }
    }
}

fn tree_head(at: &Position) -> TreeHead {
    TreeHead {
        size: at.size,
        root: at.root.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;
    use vault_store::Operation;

    #[test]
    fn who_was_shut_out_is_not_told_that_the_disk_failed_and_the_operators_page_explains_it() {
        let CommitFault(told) = fault(StorageError::ShutOut, DISK_FAILED);
        let page = include_str!("../../../docs/operations.md");
        assert!(page.contains(told), "{told}");
        let (operation, kind) = (Operation::Sync, ErrorKind::Other);
        let CommitFault(told) = fault(StorageError::Io { operation, kind }, DISK_FAILED);
        assert_eq!(told, DISK_FAILED);
    }
}
