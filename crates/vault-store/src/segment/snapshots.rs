//! Two snapshots: the newest, and the one before it, which stands in when that is damaged or its
//! name was lost. Groups are kept from the older one on.

use super::{SegmentFiles, or_no_space};
use crate::crypto::TAG;
use crate::files::{Files, read_all, write_whole};
use crate::storage::{Operation, SnapshotAge, StorageError};

const NEWEST: &str = "snapshot.sealed";
const PREVIOUS: &str = "snapshot.previous";
const STAGED: &str = "snapshot.sealed.new";

/// Whether a file of this name is a snapshot.
pub(super) fn is_snapshot(name: &str) -> bool {
    [NEWEST, PREVIOUS].contains(&name)
}

/// Writes a snapshot beside the others, and makes it durable; it counts from when it is placed. Without space
/// what the attempt took is given back.
pub(crate) fn stage(files: &mut dyn Files, bytes: &[u8]) -> Result<(), StorageError> {
    let create =
        |files: &mut dyn Files| files.create(STAGED).map_err(or_no_space(Operation::Create));
    create(files)?;
    let written = write_whole(files, STAGED, bytes);
    if written == Err(StorageError::NoSpace) {
        create(files)?;
    }
    written
}

impl<F: Files> SegmentFiles<F> {
    /// The staged one becomes the newest. Without space for a name what is staged is given back.
    pub(super) fn place(&mut self, rotate: bool, staged: &[u8]) -> Result<(), StorageError> {
        let named = self.name(rotate, staged);
        if matches!(named, Err(StorageError::NoSpace | StorageError::NotStaged)) {
            self.remove_if_there(STAGED)?;
        }
        named?;
        // A file system that ignores `sync_names` commits the renames with the file.
        self.files
            .sync(NEWEST)
            .and_then(|()| self.files.sync_names())
            .map_err(StorageError::io(Operation::Sync))
    }

    fn name(&mut self, rotate: bool, staged: &[u8]) -> Result<(), StorageError> {
        if !self.is_staged(staged) {
            return Err(StorageError::NotStaged);
        }
        // What was rotated for one that then found no space is the newest that there is: it stays.
        if rotate && !self.rotated {
            let rotated = self.files.rename(NEWEST, PREVIOUS);
            rotated.map_err(or_no_space(Operation::Rename))?;
            self.rotated = true;
        }
        let placed = self.files.rename(STAGED, NEWEST);
        placed.map_err(or_no_space(Operation::Rename))?;
        self.rotated = false;
        Ok(())
    }

    /// Whether that file is still the one that was written: a process that is being shut out may stage one of its own
    /// in its last moment. The tag at its end tells two of one length apart.
    fn is_staged(&mut self, staged: &[u8]) -> bool {
        let Some((body, tag)) = staged.split_last_chunk::<TAG>() else {
            return false;
        };
        let mut end = [0; TAG];
        matches!(self.files.size(STAGED), Ok(Some(size)) if size == staged.len() as u64)
            && self
                .files
                .read_at(STAGED, body.len() as u64, &mut end)
                .is_ok()
            && end == *tag
    }

    pub(super) fn snapshot(&mut self, age: SnapshotAge) -> Result<Option<Vec<u8>>, StorageError> {
        let name = match age {
            SnapshotAge::Newest => NEWEST,
            SnapshotAge::Previous => PREVIOUS,
        };
        let size = self
            .files
            .size(name)
            .map_err(StorageError::io(Operation::Read))?;
        match size {
            None => Ok(None),
            Some(_) => read_all(&mut self.files, name).map(Some),
        }
    }
}
