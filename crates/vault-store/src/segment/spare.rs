//! The next segment is filled with zeros in eight steps while the current one is in its second half, so
//! that no commit waits for a whole segment.

use super::{Segment, SegmentFiles, or_no_space, segment_name};
use crate::files::Files;
use crate::frame::{self, SegmentHeader};
use crate::storage::{Operation, StorageError};
use std::io;

const STEPS: u64 = 8;

/// A segment under preparation. It has no header yet, so after a crash it is unfinished, which is legal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spare {
    pub(super) index: u32,
    pub(super) filled: u64,
    /// The disk was full: the segment is made when it is needed, or not at all.
    pub(super) given_up: bool,
}

impl<F: Files> SegmentFiles<F> {
    /// One step, after a group was appended to `current`.
    pub(super) fn prepare(&mut self, current: &Segment) -> Result<(), StorageError> {
        let (Ok(index), size) = (current.next_index(), self.segment_size()) else {
            return Ok(());
        };
        if current.end < current.header.size / 2 {
            return Ok(());
        }
        let filled = match self.spare {
            Some(spare) if spare.index == index && (spare.given_up || spare.filled >= size) => {
                return Ok(());
            }
            Some(spare) if spare.index == index => Some(spare.filled),
            _ => None,
        };
        match self.fill(index, filled, size) {
            Ok(filled) => {
                self.spare = Some(Spare {
                    index,
                    filled,
                    given_up: false,
                })
            }
            Err(StorageError::NoSpace) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// One step, or the first one. Without space, what the attempt took is given back.
    pub(super) fn fill(
        &mut self,
        index: u32,
        filled: Option<u64>,
        size: u64,
    ) -> Result<u64, StorageError> {
        let filled = self.fill_on(index, filled, size);
        self.or_give_back(index, filled)
    }

    fn fill_on(&mut self, index: u32, filled: Option<u64>, size: u64) -> Result<u64, StorageError> {
        let name = segment_name(index);
        if filled.is_none() {
            self.create_new(&name)?;
        }
        let filled = filled.unwrap_or(0);
        let step = size.div_ceil(STEPS).min(size - filled);
        let zeros = vec![0; usize::try_from(step).map_err(|_| StorageError::TooLarge)?];
        self.files
            .write_at(&name, filled, &zeros)
            .map_err(or_no_space(Operation::Write))?;
        self.files
            .sync(&name)
            .map_err(or_no_space(Operation::Sync))?;
        Ok(filled + step)
    }

    /// A name that a process took while it was being shut out is taken from it: nothing in that file was acknowledged.
    fn create_new(&mut self, name: &str) -> Result<(), StorageError> {
        let is_taken = |error: &io::Error| error.kind() == io::ErrorKind::AlreadyExists;
        match self.files.create_new(name) {
            Err(error) if is_taken(&error) => {
                self.remove_if_there(name)?;
                self.files.create_new(name)
            }
            made => made,
        }
        .map_err(or_no_space(Operation::Create))
    }

    fn or_give_back<T>(
        &mut self,
        index: u32,
        made: Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        if matches!(made, Err(StorageError::NoSpace)) {
            self.spare = Some(Spare {
                index,
                filled: 0,
                given_up: true,
            });
            self.unfinished.push(index);
            match self.clear_unfinished() {
                Ok(()) | Err(StorageError::NoSpace) => {}
                Err(error) => return Err(error),
            }
        }
        made
    }

    /// The segment for a group of this length: the prepared one if it is ready, else a new one.
    pub(super) fn create(
        &mut self,
        index: u32,
        first: u64,
        length: usize,
    ) -> Result<Segment, StorageError> {
        let made = self.make(index, first, length);
        self.or_give_back(index, made)
    }

    fn make(&mut self, index: u32, first: u64, length: usize) -> Result<Segment, StorageError> {
        let block = self.options.block;
        let needed = u64::from(block) + frame::extent(length as u64, block);
        let size = self.segment_size().max(needed);
        let header = SegmentHeader {
            index,
            block,
            first,
            size,
        };
        let mut bytes = header.to_block();
        let name = segment_name(index);
        let spare = self.spare.take().filter(|spare| spare.index == index);
        if spare.is_none_or(|spare| spare.filled < size) {
            bytes.resize(
                usize::try_from(size).map_err(|_| StorageError::TooLarge)?,
                0,
            );
        }
        if spare.is_none_or(|spare| spare.given_up) {
            self.create_new(&name)?;
        }
        self.files
            .write_at(&name, 0, &bytes)
            .map_err(or_no_space(Operation::Write))?;
        self.files
            .sync(&name)
            .map_err(or_no_space(Operation::Sync))?;
        self.files
            .sync_names()
            .map_err(StorageError::io(Operation::Sync))?;
        Ok(Segment {
            header,
            end: u64::from(block),
            dirty_end: 0,
        })
    }

    pub(super) fn segment_size(&self) -> u64 {
        frame::aligned(u64::from(self.options.segment), self.options.block)
    }
}
