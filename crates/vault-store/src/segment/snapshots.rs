//! Two snapshots: the newest, and the one before it, which stands in when that is damaged or its
//! name was lost. Groups are kept from the older one on.

use super::{SegmentFiles, or_no_space};
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
    /// The staged one becomes the newest.
    pub(super) fn place(&mut self, rotate: bool) -> Result<(), StorageError> {
        let renamed = StorageError::io(Operation::Rename);
        if rotate {
            self.files.rename(NEWEST, PREVIOUS).map_err(&renamed)?;
        }
        self.files.rename(STAGED, NEWEST).map_err(&renamed)?;
        // A file system that ignores `sync_names` commits the renames with the file.
        self.files
            .sync(NEWEST)
            .and_then(|()| self.files.sync_names())
            .map_err(StorageError::io(Operation::Sync))
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
