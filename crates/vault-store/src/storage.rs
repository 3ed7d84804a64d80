//! What keeps sealed bytes: the boundary to an untrusted disk, or later to a remote store.

use crate::files::ShutOut;
use std::io;
use std::ops::ControlFlow;

/// One group as a storage hands it back. Nothing in it is trusted until it is authenticated.
#[derive(Clone, Copy, Debug)]
pub struct StoredGroup<'a> {
    /// The number under which the storage filed it.
    pub sequence: u64,
    /// The sealed bytes.
    pub bytes: &'a [u8],
}

/// What a storage says that it holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    /// The number at which it begins; 0 unless older groups were moved away.
    pub first: u64,
}

/// What a storage was doing when it failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// Listing the directory.
    List,
    /// Opening or creating a file.
    Create,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Making written bytes durable.
    Sync,
    /// Renaming a file.
    Rename,
    /// Removing a file.
    Remove,
}

/// Why a storage failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StorageError {
    /// There is no space for another segment; nothing was written.
    #[error("no space left for another segment")]
    NoSpace,
    /// The group does not follow the last one.
    #[error("group {got} does not follow: {expected} is next")]
    OutOfOrder {
        /// The number that can be appended.
        expected: u64,
        /// The number that was given.
        got: u64,
    },
    /// Longer than a frame can say.
    #[error("the group is longer than 2^31 bytes")]
    TooLarge,
    /// The header of a segment that holds groups is damaged, or a segment is missing.
    #[error("segment {segment} is damaged or missing")]
    DamagedSegment {
        /// Its index.
        segment: u32,
    },
    /// A segment was written by a later format.
    #[error("segment {segment} has format version {version}, which this build does not know")]
    UnknownFormat {
        /// Its index.
        segment: u32,
        /// The version that it names.
        version: u8,
    },
    /// The operating system refused.
    #[error("{operation:?} failed: {kind}")]
    Io {
        /// What was being done.
        operation: Operation,
        /// The system's answer.
        kind: io::ErrorKind,
    },
    /// Another process has the directory by now, or what tells them apart was removed: nothing of this one will be
    /// read again.
    #[error("another process opened this folder, or its log.open was removed")]
    ShutOut,
    /// The snapshot that was staged is not there, or another one is; the ones before stay.
    #[error("the staged snapshot is not the one that was written")]
    NotStaged,
    /// An earlier error left the state of the disk unknown.
    #[error("closed by an earlier error")]
    Closed,
}

impl StorageError {
    pub(crate) fn io(operation: Operation) -> impl Fn(io::Error) -> Self {
        move |error| match ShutOut::is(&error) {
            true => Self::ShutOut,
            false => Self::Io {
                operation,
                kind: error.kind(),
            },
        }
    }
}

/// Which of the two snapshots that are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SnapshotAge {
    /// The one that was placed last.
    Newest,
    /// The one before it.
    Previous,
}

/// Keeps sealed groups and two snapshots. It is not trusted with secrecy, order or freshness; it is
/// trusted with durability alone.
///
/// Obligations of an implementation:
/// 1. `append` returns `Ok` only when the group will survive a crash of the machine.
/// 2. After a crash, every group whose `append` returned `Ok` is read back with the same bytes; the
///    group whose `append` had not returned may be there, absent, or damaged.
/// 3. A group that is damaged is either left out or handed out damaged, and never ends a read
///    while groups behind it can still be found: they prove that the damage is not at the end.
/// 4. After an error other than `NoSpace`, `NotStaged`, `OutOfOrder` and `TooLarge`, every later write fails.
/// 5. There is one writer; the storage need not check that.
/// 6. A group that was read in this opening survives a crash as well once an `append` returned `Ok`,
///    also if the opening before ended because a sync of it failed.
pub trait Storage: Send {
    /// Appends the group `sequence`, which is the number behind the last group, or that of the last
    /// group itself if it did not authenticate: then it is replaced. Durable when it returns.
    fn append(&mut self, sequence: u64, bytes: &[u8]) -> Result<(), StorageError>;

    /// Hands out every group with a number of at least `from`, in the order in which they lie, until
    /// `each` breaks.
    fn read(
        &mut self,
        from: u64,
        each: &mut dyn FnMut(StoredGroup<'_>) -> ControlFlow<()>,
    ) -> Result<Held, StorageError>;

    /// Whether there is room for groups to come, which the storage may get here. `false` is advice to begin no
    /// more work until it is `true` again; `append` decides all the same.
    fn make_room(&mut self) -> Result<bool, StorageError> {
        Ok(true)
    }

    /// Writes a snapshot beside the others and makes it durable. It counts for nothing until it is
    /// placed.
    fn stage_snapshot(&mut self, bytes: &[u8]) -> Result<(), StorageError>;

    /// The snapshot that was staged, of these bytes, becomes the newest one, and what was the newest the previous one, if
    /// `rotate` says that it is worth keeping. After a crash the one that is worth keeping is there, whatever else is; so it
    /// is after `NoSpace` and `NotStaged`, and what is staged is gone.
    fn place_snapshot(&mut self, rotate: bool, staged: &[u8]) -> Result<(), StorageError>;

    /// A snapshot, if there is one of this age.
    fn get_snapshot(&mut self, age: SnapshotAge) -> Result<Option<Vec<u8>>, StorageError>;

    /// Lets go of groups with a lower number than this, as far as that is convenient; gives what is held.
    /// After a crash there is no gap in what is left.
    fn remove_before(&mut self, sequence: u64) -> Result<Held, StorageError>;
}
