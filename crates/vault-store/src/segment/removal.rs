//! Segments whose groups no snapshot needs any more are removed, the oldest first: what is left
//! after a crash in between begins at a segment, too.

use super::{SegmentFiles, segment_name};
use crate::files::Files;
use crate::storage::{Held, Operation, StorageError};
use std::io;

impl<F: Files> SegmentFiles<F> {
    pub(super) fn remove(&mut self, sequence: u64) -> Result<Held, StorageError> {
        let current = self.current.map_or(0, |current| current.header.index);
        // Segments lie in the order of their groups; the first one that is needed ends the search.
        let needed = self
            .groups
            .iter()
            .find(|group| group.found.sequence >= sequence)
            .map_or(current, |group| group.segment.min(current));
        let gone = self.groups.partition_point(|group| group.segment < needed);
        let mut names: Vec<u32> = self
            .groups
            .drain(..gone)
            .map(|group| group.segment)
            .collect();
        names.dedup();
        for segment in &names {
            match self.files.remove(&segment_name(*segment)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(StorageError::io(Operation::Remove)(error)),
            }
        }
        if !names.is_empty() {
            self.files
                .sync_names()
                .map_err(StorageError::io(Operation::Sync))?;
            self.first = self
                .groups
                .first()
                .map_or(self.next_of_current(), |group| group.found.sequence);
        }
        Ok(Held { first: self.first })
    }

    fn next_of_current(&self) -> u64 {
        self.current.map_or(0, |current| current.header.first)
    }
}
