//! Space ahead of need: who may refuse work asks here before it takes any, so that a full disk is an answer and
//! never the end of a group that was begun.

use super::spare::Spare;
use super::{Segment, SegmentFiles, or_no_space, segment_name};
use crate::files::Files;
use crate::storage::{Operation, StorageError};

impl<F: Files> SegmentFiles<F> {
    /// Whether groups have room for a while: a quarter of the current segment, or all of the next one. Fills the
    /// next one if it can; without space, what the attempt took is given back.
    pub(super) fn room(&mut self) -> Result<bool, StorageError> {
        match self.settle() {
            Ok(()) => {}
            Err(StorageError::NoSpace) => return Ok(false),
            Err(error) => return Err(error),
        }
        let Some(current) = self.current else {
            return Ok(true);
        };
        if left(&current) >= current.header.size / 4 {
            return Ok(true);
        }
        let (Ok(index), size) = (current.next_index(), self.segment_size()) else {
            return Ok(false);
        };
        let mut filled = match self.spare {
            Some(spare) if spare.index == index && !spare.given_up => Some(spare.filled),
            _ => None,
        };
        while filled.is_none_or(|filled| filled < size) {
            match self.fill(index, filled, size) {
                Ok(more) => filled = Some(more),
                Err(StorageError::NoSpace) => return self.give_back(index).map(|()| false),
                Err(error) => return Err(error),
            }
        }
        self.spare = Some(Spare {
            index,
            filled: size,
            given_up: false,
        });
        Ok(true)
    }

    fn give_back(&mut self, index: u32) -> Result<(), StorageError> {
        self.spare = Some(Spare {
            index,
            filled: 0,
            given_up: true,
        });
        let emptied = self.files.create(&segment_name(index));
        match emptied.map_err(or_no_space(Operation::Create)) {
            Ok(()) | Err(StorageError::NoSpace) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn left(segment: &Segment) -> u64 {
    segment.header.size.saturating_sub(segment.end)
}
