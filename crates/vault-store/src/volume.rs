//! The embedded archive: volumes of bundles in files `leaves-<first leaf>.arc` (16 hex digits)
//! beside the segments.
//!
//! ```text
//! offset length
//!      0      8  "EVVOLUM" and the format version, 1
//!      8      8  index of the first leaf
//!     16      4  leaves of each bundle
//!     20      4  number of bundles, n
//!     24    8·n  offset in the file at which each bundle ends
//!                bundles, one behind the other
//! ```
//! Numbers are big-endian. Nothing here is authenticated, because every bundle is.

use crate::archive::ArchiveStorage;
use crate::bundle::SealedBundle;
use crate::fields::Fields;
use crate::files::{Files, replace};
use crate::storage::{Operation, StorageError};
use std::io;
use std::ops::ControlFlow;

const MAGIC: [u8; 8] = *b"EVVOLUM\x01";
const HEADER: u64 = 24;
const MAX_BUNDLES: u64 = 256;
/// 2^16 leaves at most, of 64 KiB at most; nothing longer is read.
const MAX_BUNDLE: u64 = 1 << 30;

/// Volumes in one directory.
#[derive(Debug)]
pub struct ArchiveFiles<F> {
    files: F,
}

impl<F: Files> ArchiveFiles<F> {
    /// The archive in this directory.
    pub fn new(files: F) -> Self {
        Self { files }
    }

    /// First leaves of the volumes that may hold this leaf, the nearest first.
    fn candidates(&mut self, leaf: u64) -> Result<Vec<u64>, StorageError> {
        let names = self
            .files
            .list()
            .map_err(StorageError::io(Operation::List))?;
        let mut firsts: Vec<u64> = names
            .iter()
            .filter_map(|name| volume_first(name))
            .filter(|first| *first <= leaf)
            .collect();
        firsts.sort_unstable_by(|one, other| other.cmp(one));
        Ok(firsts)
    }

    fn read(&mut self, name: &str, offset: u64, length: u64) -> Result<Vec<u8>, StorageError> {
        let length = usize::try_from(length).map_err(|_| StorageError::TooLarge)?;
        let mut bytes = vec![0; length];
        self.files
            .read_at(name, offset, &mut bytes)
            .map_err(StorageError::io(Operation::Read))?;
        Ok(bytes)
    }

    /// `None` if the volume does not say that it holds the bundle, or is cut.
    fn bundle(&mut self, volume: u64, leaf: u64) -> Result<Option<Vec<u8>>, StorageError> {
        let name = volume_name(volume);
        let header = match self.read(&name, 0, HEADER) {
            Ok(header) => header,
            Err(error) if is_cut(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(position) = position(&header, volume, leaf) else {
            return Ok(None);
        };
        let read = self.range(&name, position).and_then(|range| match range {
            Some((begin, length)) => self.read(&name, begin, length).map(Some),
            None => Ok(None),
        });
        match read {
            Err(error) if is_cut(&error) => Ok(None),
            read => read,
        }
    }

    /// Offset and length of a bundle, by the table.
    fn range(
        &mut self,
        name: &str,
        position: Position,
    ) -> Result<Option<(u64, u64)>, StorageError> {
        let Position { bundle, of } = position;
        let table = self.read(name, HEADER, 8 * of)?;
        let entry = |index: u64| {
            let at = usize::try_from(index).ok()?.checked_mul(8)?;
            Fields(table.get(at..)?).u64()
        };
        let begin = match bundle.checked_sub(1) {
            Some(before) => entry(before),
            None => Some(HEADER + 8 * of),
        };
        let range = begin.zip(entry(bundle)).and_then(|(begin, end)| {
            let length = end.checked_sub(begin)?;
            (length <= MAX_BUNDLE).then_some((begin, length))
        });
        let size = self
            .files
            .size(name)
            .map_err(StorageError::io(Operation::Read))?
            .unwrap_or(0);
        Ok(range
            .filter(|(begin, length)| begin.checked_add(*length).is_some_and(|end| end <= size)))
    }
}

/// Which bundle of how many.
#[derive(Clone, Copy)]
struct Position {
    bundle: u64,
    of: u64,
}

fn position(header: &[u8], volume: u64, leaf: u64) -> Option<Position> {
    let mut fields = Fields(header);
    if fields.array()? != MAGIC || fields.u64()? != volume {
        return None;
    }
    let (count, of) = (u64::from(fields.u32()?), u64::from(fields.u32()?));
    let behind = leaf.checked_sub(volume)?;
    let bundle = behind.checked_div(count)?;
    let begins = behind.is_multiple_of(count);
    (begins && bundle < of && of <= MAX_BUNDLES).then_some(Position { bundle, of })
}

fn is_cut(error: &StorageError) -> bool {
    let kinds = [io::ErrorKind::UnexpectedEof, io::ErrorKind::NotFound];
    matches!(error, StorageError::Io { kind, .. } if kinds.contains(kind))
}

fn encode(volume: &[SealedBundle]) -> Option<(u64, Vec<u8>)> {
    let SealedBundle { first, count, .. } = volume.first()?;
    let of = u32::try_from(volume.len()).ok()?;
    let table = HEADER + 8 * u64::from(of);
    let length: usize = volume.iter().map(|bundle| bundle.bytes.len()).sum();
    let mut bytes = Vec::with_capacity(usize::try_from(table).ok()?.checked_add(length)?);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&first.to_be_bytes());
    bytes.extend_from_slice(&count.to_be_bytes());
    bytes.extend_from_slice(&of.to_be_bytes());
    let mut end = table;
    for bundle in volume {
        end += bundle.bytes.len() as u64;
        bytes.extend_from_slice(&end.to_be_bytes());
    }
    for bundle in volume {
        bytes.extend_from_slice(&bundle.bytes);
    }
    Some((*first, bytes))
}

impl<F: Files> ArchiveStorage for ArchiveFiles<F> {
    fn put(&mut self, volume: &[SealedBundle]) -> Result<(), StorageError> {
        match encode(volume) {
            Some((first, bytes)) => replace(&mut self.files, &volume_name(first), &bytes),
            None => Ok(()),
        }
    }

    fn get(
        &mut self,
        first: u64,
        each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        let mut failed = None;
        for volume in self.candidates(first)? {
            match self.bundle(volume, first) {
                Ok(Some(bytes)) if each(&bytes).is_break() => return Ok(()),
                Ok(_) => {}
                // An older volume may hold the same bundle.
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

fn volume_name(first: u64) -> String {
    format!("leaves-{first:016x}.arc")
}

/// The first leaf of the volume that has this name.
pub(crate) fn volume_first(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("leaves-")?.strip_suffix(".arc")?;
    let first = u64::from_str_radix(digits, 16).ok()?;
    (volume_name(first) == name).then_some(first)
}
