//! The embedded storage: preallocated segment files.

use crate::files::Files;
use crate::storage::{Held, Storage, StorageError, StoredGroup};
use std::ops::ControlFlow;

/// Sizes of new segments. Segments that exist keep theirs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentOptions {
    /// Bytes of a segment file; one group that needs more gets a segment of its own size.
    pub segment: u32,
    /// Groups begin at multiples of this: no group shares a block with another one. A power of
    /// two of at least 64; the block of the file system, or more.
    pub block: u32,
}

impl Default for SegmentOptions {
    fn default() -> Self {
        Self { segment: 16 << 20, block: 4096 }
    }
}

/// Segment files in one directory.
#[derive(Debug)]
pub struct SegmentFiles<F> {
    #[allow(dead_code)]
    files: F,
}

impl<F: Files> SegmentFiles<F> {
    /// Finds every group in `files`.
    pub fn open(_files: F, _options: SegmentOptions) -> Result<Self, StorageError> {
        unimplemented!()
    }
}

impl<F: Files> Storage for SegmentFiles<F> {
    fn append(&mut self, _sequence: u64, _bytes: &[u8]) -> Result<(), StorageError> {
        unimplemented!()
    }
    fn read(
        &mut self,
        _from: u64,
        _each: &mut dyn FnMut(StoredGroup<'_>) -> ControlFlow<()>,
    ) -> Result<Held, StorageError> {
        unimplemented!()
    }
    fn put_snapshot(&mut self, _bytes: &[u8]) -> Result<(), StorageError> {
        unimplemented!()
    }
    fn get_snapshot(&mut self) -> Result<Option<Vec<u8>>, StorageError> {
        unimplemented!()
    }
}
