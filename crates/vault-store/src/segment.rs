//! The embedded storage: preallocated segment files, `log-00000000.seg` and up, `snapshot.sealed` and `snapshot.previous`.
//!
//! A segment is filled with zeros and synced before its first group (in steps, ahead of time), so that a
//! commit is one write and one sync of data. No two groups share a block, so that a torn write never touches a group that
//! was acknowledged. What is behind the last undamaged group, if not zero, is overwritten with zeros
//! by the same write as the next group. Opening copies the last segment into a new file (`*.seg.new`, renamed).

mod removal;
mod room;
mod scan;
mod settle;
mod snapshots;
mod spare;

use crate::files::Files;
use crate::frame::{self, Found, SegmentHeader};
use crate::root;
use crate::storage::{Held, Operation, SnapshotAge, Storage, StorageError, StoredGroup};
use scan::Read;
pub(crate) use snapshots::stage;
use spare::Spare;
use std::io;
use std::ops::ControlFlow;

/// Sizes of new segments. Segments that exist keep theirs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentOptions {
    /// Bytes of a segment file; one group that needs more gets a segment of its own size.
    pub segment: u32,
    /// Groups begin at multiples of this: no group shares a block with another one. A power of
    /// two of at least 64; the block of the file system, or more. Anything else is the default.
    pub block: u32,
}

impl Default for SegmentOptions {
    fn default() -> Self {
        Self {
            segment: 16 << 20,
            block: 4096,
        }
    }
}

/// Segment files in one directory.
#[derive(Debug)]
pub struct SegmentFiles<F> {
    files: F,
    options: SegmentOptions,
    first: u64,
    groups: Vec<Location>,
    /// Whether `groups` is sorted by sequence, as it is in every log that opens.
    sorted: bool,
    current: Option<Segment>,
    spare: Option<Spare>,
    /// What was read of the current segment, until it is known to be durable.
    unsettled: Option<Vec<u8>>,
    /// Segments without groups, behind the current one: made again when one is needed, by who made a claim.
    unfinished: Vec<u32>,
    claimed: bool,
    /// The newest snapshot was made the previous one, and nothing is in its place.
    rotated: bool,
    closed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Location {
    segment: u32,
    found: Found,
}

/// The segment that the next group goes to, if it has room.
#[derive(Clone, Copy, Debug)]
struct Segment {
    header: SegmentHeader,
    end: u64,
    dirty_end: u64,
}

impl Segment {
    /// The number of the one behind it. Behind the last number there is none, as on a full disk.
    fn next_index(&self) -> Result<u32, StorageError> {
        let next = self.header.index.checked_add(1);
        next.ok_or(StorageError::NoSpace)
    }

    fn has_room(&self, length: usize) -> bool {
        self.end + frame::extent(length as u64, self.header.block) <= self.header.size
    }
}

impl<F: Files> SegmentFiles<F> {
    /// Finds every group in `files`, and makes them durable. Without space for that the store opens for
    /// reading, and appends are refused. Whoever had it open before has no more append that succeeds.
    pub fn open(mut files: F, options: SegmentOptions) -> Result<Self, StorageError> {
        files
            .shut_out()
            .map_err(StorageError::io(Operation::Remove))?;
        let names = files.list().map_err(StorageError::io(Operation::List))?;
        let mut indices: Vec<u32> = names
            .iter()
            .filter_map(|name| segment_index(name))
            .collect();
        indices.sort_unstable();
        let block = if frame::is_block(options.block) {
            options.block
        } else {
            4096
        };
        let mut read = Read::default();
        scan::all(&mut files, &indices, &mut |segment| read.take(segment))?;
        let sorted = read.groups.is_sorted_by_key(|group| group.found.sequence);
        let last = read.current.map(|current| current.header.index);
        indices.retain(|index| last.is_none_or(|last| *index > last));
        let mut this = Self {
            files,
            options: SegmentOptions { block, ..options },
            first: read.first,
            groups: read.groups,
            sorted,
            current: read.current,
            spare: None,
            unsettled: read.unsettled,
            unfinished: indices,
            claimed: false,
            rotated: false,
            closed: false,
        };
        match this.settle() {
            Ok(()) | Err(StorageError::NoSpace) => Ok(this),
            Err(error) => Err(error),
        }
    }

    /// The directory back, for a caller that opens the store again.
    pub fn into_files(self) -> F {
        self.files
    }

    fn next(&self) -> u64 {
        self.groups
            .last()
            .map_or(self.first, |last| last.found.sequence + 1)
    }

    /// Checks the order; forgets the last group if it is the one to be replaced.
    fn make_way(&mut self, sequence: u64) -> Result<(), StorageError> {
        let expected = self.next();
        if sequence == expected {
            return Ok(());
        }
        match (self.groups.last().copied(), &mut self.current) {
            (Some(last), Some(current)) if last.found.sequence == sequence => {
                current.dirty_end = current.dirty_end.max(current.end);
                current.end = last.found.begin();
                self.groups.pop();
                Ok(())
            }
            _ => Err(StorageError::OutOfOrder {
                expected,
                got: sequence,
            }),
        }
    }

    /// The segment with room for a group of this length, made if need be.
    fn segment_for(&mut self, sequence: u64, length: usize) -> Result<Segment, StorageError> {
        match self.current {
            Some(segment) if segment.has_room(length) => Ok(segment),
            Some(segment) => self.create(segment.next_index()?, sequence, length),
            None => self.create(0, sequence, length),
        }
    }

    fn write(&mut self, sequence: u64, group: &[u8]) -> Result<(), StorageError> {
        self.settle()?;
        self.make_way(sequence)?;
        let segment = self.segment_for(sequence, group.len())?;
        let Segment {
            header,
            end: at,
            dirty_end,
        } = segment;
        let mut frame = frame::encode(sequence, group, header.block)?;
        let length = group.len() as u32;
        let found = Found {
            sequence,
            offset: at + frame::HEADER as u64,
            length,
        };
        let end = found.end(header.block);
        let zeros = usize::try_from(dirty_end.saturating_sub(end)).unwrap_or(0);
        frame.resize(frame.len() + zeros, 0);
        let name = segment_name(header.index);
        self.files
            .write_at(&name, at, &frame)
            .map_err(StorageError::io(Operation::Write))?;
        self.files
            .sync(&name)
            .map_err(StorageError::io(Operation::Sync))?;
        let current = Segment {
            header,
            end,
            dirty_end: end,
        };
        self.current = Some(current);
        self.groups.push(Location {
            segment: header.index,
            found,
        });
        self.prepare(&current)
    }

    /// Remembers an error after which nothing is known about the disk.
    fn closing<T>(&mut self, result: Result<T, StorageError>) -> Result<T, StorageError> {
        self.closed |= matches!(result, Err(StorageError::Io { .. } | StorageError::ShutOut));
        result
    }

    /// Nothing is changed by a process that was shut out.
    fn check_open(&mut self) -> Result<(), StorageError> {
        if self.closed {
            return Err(StorageError::Closed);
        }
        let ours = match self.files.is_ours() {
            Ok(true) => Ok(()),
            Ok(false) => Err(StorageError::ShutOut),
            Err(error) => Err(StorageError::io(Operation::Read)(error)),
        };
        self.closing(ours)
    }
}

impl<F: Files> Storage for SegmentFiles<F> {
    fn append(&mut self, sequence: u64, bytes: &[u8]) -> Result<(), StorageError> {
        self.check_open()?;
        let written = self.write(sequence, bytes);
        self.closing(written)
    }

    fn read(
        &mut self,
        from: u64,
        each: &mut dyn FnMut(StoredGroup<'_>) -> ControlFlow<()>,
    ) -> Result<Held, StorageError> {
        let begin = match self.sorted {
            true => self
                .groups
                .partition_point(|group| group.found.sequence < from),
            false => 0,
        };
        let mut bytes = Vec::new();
        for Location { segment, found } in self.groups.get(begin..).unwrap_or(&[]) {
            if found.sequence < from {
                continue;
            }
            bytes.resize(found.length as usize, 0);
            self.files
                .read_at(&segment_name(*segment), found.offset, &mut bytes)
                .map_err(StorageError::io(Operation::Read))?;
            if each(StoredGroup {
                sequence: found.sequence,
                bytes: &bytes,
            })
            .is_break()
            {
                break;
            }
        }
        Ok(Held { first: self.first })
    }

    fn make_room(&mut self) -> Result<bool, StorageError> {
        self.check_open()?;
        let room = self.room();
        self.closing(room)
    }

    fn stage_snapshot(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.check_open()?;
        let staged = snapshots::stage(&mut self.files, bytes);
        self.closing(staged)
    }

    fn place_snapshot(&mut self, rotate: bool, staged: &[u8]) -> Result<(), StorageError> {
        self.check_open()?;
        let placed = self.place(rotate, staged);
        self.closing(placed)
    }

    fn get_snapshot(&mut self, age: SnapshotAge) -> Result<Option<Vec<u8>>, StorageError> {
        self.snapshot(age)
    }

    fn remove_before(&mut self, sequence: u64) -> Result<Held, StorageError> {
        self.check_open()?;
        let removed = self.remove(sequence);
        self.closing(removed)
    }
}

/// Whether this is the name of a file that the store had not finished, and that nothing relies on.
fn is_left_over(name: &str) -> bool {
    let finished = name.strip_suffix(".new");
    finished.is_some_and(|name| is_store_file(name) || name == root::NAME)
}

/// Whether a file of this name is part of a store, its root excepted.
pub(crate) fn is_store_file(name: &str) -> bool {
    let archived = crate::volume::volume_first(name).is_some();
    snapshots::is_snapshot(name) || segment_index(name).is_some() || archived
}

fn segment_name(index: u32) -> String {
    format!("log-{index:08x}.seg")
}

fn segment_index(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("log-")?.strip_suffix(".seg")?;
    let index = u32::from_str_radix(digits, 16).ok()?;
    (segment_name(index) == name).then_some(index)
}

/// Before anything of the log was touched, a full disk is an answer and not a failure.
pub(crate) fn or_no_space(operation: Operation) -> impl Fn(io::Error) -> StorageError {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    move |error| match error.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => StorageError::NoSpace,
        _ => StorageError::io(operation)(error),
    }
}
