//! Space ahead of need: who may refuse work asks here before it takes any, so that a full disk is an answer and
//! never the end of a group that was begun.

use super::spare::Spare;
use super::{Segment, SegmentFiles};
use crate::files::Files;
use crate::storage::StorageError;

impl<F: Files> SegmentFiles<F> {
    /// Whether groups have room for a while: a quarter of the current segment, or all of the next one. Fills the
    /// next one if it can; without space, what the attempt took is given back.
    pub(super) fn room(&mut self) -> Result<bool, StorageError> {
        match self.settle() {
            Ok(()) => {}
            Err(StorageError::NoSpace) => return Ok(false),
            Err(error) => return Err(error),
        }
        let next = match self.current {
            Some(current) if left(&current) >= current.header.size / 4 => return Ok(true),
            Some(current) => current.next_index(),
            None => Ok(0),
        };
        let (Ok(index), size) = (next, self.segment_size()) else {
            return Ok(false);
        };
        let mut filled = match self.spare {
            Some(spare) if spare.index == index && !spare.given_up => Some(spare.filled),
            _ => None,
        };
        while filled.is_none_or(|filled| filled < size) {
            match self.fill(index, filled, size) {
                Ok(more) => filled = Some(more),
                Err(StorageError::NoSpace) => return Ok(false),
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
}

fn left(segment: &Segment) -> u64 {
    segment.header.size.saturating_sub(segment.end)
}
