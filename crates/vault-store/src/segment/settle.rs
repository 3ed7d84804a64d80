//! What was read is made durable before anything relies on it.
//!
//! A process that ended because a sync failed leaves bytes that the system may go on serving from memory
//! while the disk never got them, and that no later sync writes. Only the segment that the next group
//! goes to can hold such: it was begun when the one before it was durable, and one behind it holds no group and
//! is made again before it is used. `root.sealed` and `snapshot.sealed` have their names only after their bytes were synced.

use super::{SegmentFiles, is_left_over, or_no_space, segment_name};
use crate::files::{self, Files, replace};
use crate::storage::{Operation, StorageError};
use std::io;

impl<F: Files> SegmentFiles<F> {
    /// Copies the last segment into a new file that takes its place. Writing in place would risk groups that were
    /// acknowledged: a sector that is torn may be lost as a whole, whatever was written to it.
    pub(super) fn settle(&mut self) -> Result<(), StorageError> {
        if !self.claimed {
            self.claim()?;
            self.claimed = true;
        }
        if let (Some(current), Some(bytes)) = (self.current, &self.unsettled) {
            let name = segment_name(current.header.index);
            replace(&mut self.files, &name, bytes)?;
            self.unsettled = None;
        }
        self.clear_unfinished()
    }

    /// What an earlier process left unfinished goes first, since it may be what takes the space.
    fn claim(&mut self) -> Result<(), StorageError> {
        match files::claim(&mut self.files) {
            Ok(()) => self.remove_left_over(),
            Err(StorageError::NoSpace) => {
                self.remove_left_over()?;
                files::claim(&mut self.files)
            }
            Err(error) => Err(error),
        }
    }

    fn remove_left_over(&mut self) -> Result<(), StorageError> {
        let names = self.files.list();
        let names = names.map_err(StorageError::io(Operation::List))?;
        for name in names.iter().filter(|name| is_left_over(name)) {
            self.remove_if_there(name)?;
        }
        Ok(())
    }

    /// Whoever makes a segment makes a file of its own: two processes never write to one.
    pub(super) fn clear_unfinished(&mut self) -> Result<(), StorageError> {
        while let Some(&index) = self.unfinished.last() {
            self.remove_if_there(&segment_name(index))?;
            self.unfinished.pop();
        }
        Ok(())
    }

    pub(super) fn remove_if_there(&mut self, name: &str) -> Result<(), StorageError> {
        match self.files.remove(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(or_no_space(Operation::Remove)(error))
            }
            _ => Ok(()),
        }
    }
}
