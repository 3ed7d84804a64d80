//! The log as one vault sees it.

use crate::crypto::{CryptoFault, TAG};
use crate::files::Files;
use crate::group::{GroupSealer, Header, OpenedGroup, TreeHead};
use crate::opening;
use crate::root::StoreRoot;
use crate::segment;
use crate::snapshot::{self, Place, SealedSnapshot, SnapshotState};
use crate::storage::{Storage, StorageError};
use std::ops::ControlFlow;

/// Why a store does not open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OpenError {
    /// A group before the last one is damaged, absent or out of its place.
    #[error("group {group} is damaged, absent or out of its place")]
    Damaged {
        /// Its number.
        group: u64,
    },
    /// The log begins behind its first group, and no snapshot stands for what is absent.
    #[error("the log begins at group {first}, and there is no snapshot of what came before")]
    MissingGroups {
        /// The first group that is there.
        first: u64,
    },
    /// A snapshot that the log stood behind is authentic, and the log ends before it: no crash leaves that, so
    /// the end of the log was taken away.
    #[error(
        "the log ends before group {next}, and a snapshot of it was made behind group {snapshot}"
    )]
    Cut {
        /// The number behind the last group that is there.
        next: u64,
        /// The first group that the snapshot does not cover.
        snapshot: u64,
    },
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why a group was not appended. After any of these the log takes no other group in this boot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AppendError {
    /// The disk has no space for another segment; the group is not in the log. It alone may follow, by
    /// [`SealedLog::append_again`].
    #[error("no space left for another segment")]
    NoSpace,
    /// Longer than a group can be; the group is not in the log.
    #[error("the group is too long")]
    TooLarge,
    /// Whether the group is durable is unknown: the process must end.
    #[error("fatal: {0}")]
    Fatal(StorageError),
    /// An earlier append failed.
    #[error("closed by an earlier error")]
    Closed,
}

/// Why a group cannot be read again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such group.
    #[error("there is no group {0}")]
    NoSuchGroup(u64),
    /// It is not what it was when the store was opened.
    #[error("group {0} has been damaged since the store was opened")]
    Damaged(u64),
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A store that has been opened: every group in it is authentic and in its place.
pub struct Opened<S> {
    /// The log, to append to.
    pub log: SealedLog<S>,
    /// The snapshot.
    pub snapshot: SnapshotState,
    /// The groups behind the snapshot if there is one, else all of them.
    pub groups: Vec<OpenedGroup>,
}

/// The sealed log over a storage.
pub struct SealedLog<S> {
    storage: S,
    root: StoreRoot,
    sealer: GroupSealer,
    boot_id: [u8; 16],
    chain: Chain,
    /// Whether the snapshot that was placed last is one that opens.
    newest_is_good: bool,
    closed: bool,
    /// The group that found no space, sealed: nothing else is ever sealed under its number.
    unwritten: Option<(Vec<u8>, [u8; TAG])>,
}

/// The tags of all groups that are there: what the next one names, and what a read must find.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Chain {
    pub(crate) first: u64,
    pub(crate) tags: Vec<[u8; TAG]>,
    /// Tag of the group before `first`; zero if `first` is 0.
    pub(crate) before: [u8; TAG],
}

impl Chain {
    pub(crate) fn next(&self) -> u64 {
        self.first + self.tags.len() as u64
    }

    pub(crate) fn last(&self) -> [u8; TAG] {
        self.tags.last().copied().unwrap_or(self.before)
    }

    fn forget(&mut self, first: u64) {
        let gone = usize::try_from(first.saturating_sub(self.first)).unwrap_or(0);
        let gone = gone.min(self.tags.len());
        self.first += gone as u64;
        self.before = self.tags.drain(..gone).next_back().unwrap_or(self.before);
    }

    pub(crate) fn tag(&self, sequence: u64) -> Option<[u8; TAG]> {
        let position = sequence.checked_sub(self.first)?;
        self.tags.get(usize::try_from(position).ok()?).copied()
    }
}

/// Seals one snapshot, away from the log.
pub struct SnapshotSealer {
    root: StoreRoot,
    place: Place,
}

impl SnapshotSealer {
    /// The sealed snapshot: stage it, commit its hash to the log, then place it.
    pub fn seal(
        &self,
        payload: &[u8],
        fill: &mut dyn FnMut(&mut [u8]),
    ) -> Result<SealedSnapshot, StorageError> {
        let mut salt = [0; 32];
        fill(&mut salt);
        snapshot::seal(&self.root, &self.place, salt, payload)
            .map_err(|CryptoFault| StorageError::TooLarge)
    }
}

/// Writes a snapshot beside those of a store and makes it durable, through another handle of its
/// directory than the log's. [`SealedLog::place_snapshot`] stores it.
pub fn stage_snapshot(
    files: &mut dyn Files,
    snapshot: &SealedSnapshot,
) -> Result<(), StorageError> {
    segment::stage(files, &snapshot.bytes)
}

impl<S: Storage> SealedLog<S> {
    /// Authenticates every group, and begins a boot of its own. A damaged last group is dropped.
    pub fn open(
        mut storage: S,
        root: &StoreRoot,
        fill: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Opened<S>, OpenError> {
        let mut sealer = GroupSealer::new(root);
        let found = opening::open(&mut storage, root, &mut sealer)?;
        sealer.wipe();
        let mut boot_id = [0; 16];
        fill(&mut boot_id);
        let root = root.without_payload();
        let log = Self {
            storage,
            root,
            sealer,
            boot_id,
            chain: found.chain,
            newest_is_good: found.newest_is_good,
            closed: false,
            unwritten: None,
        };
        Ok(Opened {
            log,
            snapshot: found.snapshot,
            groups: found.groups,
        })
    }

    /// Appends one group; durable when it returns its number. `tree_before` is the head of the
    /// tree before the group's first record.
    pub fn append(&mut self, tree_before: TreeHead, payload: &[u8]) -> Result<u64, AppendError> {
        if self.closed {
            return Err(AppendError::Closed);
        }
        // Closed until the group is durable: a sequence is sealed once in a boot.
        self.closed = true;
        let sequence = self.chain.next();
        let header = Header {
            sequence,
            boot_id: self.boot_id,
            previous: self.chain.last(),
            tree_before,
        };
        let (sealed, tag) = self
            .sealer
            .seal(&header, payload)
            .map_err(|CryptoFault| AppendError::TooLarge)?;
        self.write(sealed, tag)
    }

    /// Appends the very group that found no space, now that there may be some.
    pub fn append_again(&mut self) -> Result<u64, AppendError> {
        let (sealed, tag) = self.unwritten.take().ok_or(AppendError::Closed)?;
        self.write(sealed, tag)
    }

    fn write(&mut self, sealed: Vec<u8>, tag: [u8; TAG]) -> Result<u64, AppendError> {
        let sequence = self.chain.next();
        match self.storage.append(sequence, &sealed) {
            Ok(()) => {}
            Err(StorageError::NoSpace) => {
                self.unwritten = Some((sealed, tag));
                return Err(AppendError::NoSpace);
            }
            Err(StorageError::TooLarge) => return Err(AppendError::TooLarge),
            Err(fatal) => return Err(AppendError::Fatal(fatal)),
        }
        self.chain.tags.push(tag);
        self.closed = false;
        Ok(sequence)
    }

    /// The snapshot before the one that the store opened with, and the groups behind it: for a log
    /// that does not commit to that one, because its end was cut. `Absent` without groups if there is none.
    pub fn previous_snapshot(&mut self) -> Result<(SnapshotState, Vec<OpenedGroup>), OpenError> {
        self.newest_is_good = false;
        let previous = opening::previous(&mut self.storage, &self.root, &self.chain)?;
        let Some(previous) = previous else {
            return Ok((SnapshotState::Absent, Vec::new()));
        };
        let groups = (previous.place.sequence..self.chain.next())
            .map(|group| self.read(group).map_err(|_| OpenError::Damaged { group }))
            .collect::<Result<_, _>>()?;
        Ok((previous.into_state(), groups))
    }

    /// Reads one group again.
    pub fn read(&mut self, sequence: u64) -> Result<OpenedGroup, ReadError> {
        let tag = self
            .chain
            .tag(sequence)
            .ok_or(ReadError::NoSuchGroup(sequence))?;
        let mut opened = None;
        let sealer = &mut self.sealer;
        self.storage.read(sequence, &mut |stored| {
            opened = sealer.open(stored.bytes, |_| true);
            ControlFlow::Break(())
        })?;
        sealer.wipe();
        opened
            .filter(|group| group.tag == tag && group.header.sequence == sequence)
            .map(|group| group.into_opened())
            .ok_or(ReadError::Damaged(sequence))
    }

    /// Seals the state at `tree`, which is that after the last group. Commit the hash to the log,
    /// then call [`SealedLog::put_snapshot`].
    pub fn seal_snapshot(
        &self,
        tree: TreeHead,
        payload: &[u8],
        fill: &mut dyn FnMut(&mut [u8]),
    ) -> Result<SealedSnapshot, StorageError> {
        self.snapshot_sealer(tree).seal(payload, fill)
    }

    /// Seals the state at `tree`, which is that after the last group, later and elsewhere.
    pub fn snapshot_sealer(&self, tree: TreeHead) -> SnapshotSealer {
        let place = Place {
            sequence: self.chain.next(),
            previous: self.chain.last(),
            tree,
        };
        SnapshotSealer {
            root: self.root.without_payload(),
            place,
        }
    }

    /// Stores a snapshot whose hash the log holds. `NoSpace` leaves the old one; any other error means
    /// that the process must end.
    pub fn put_snapshot(&mut self, snapshot: &SealedSnapshot) -> Result<(), StorageError> {
        if self.closed {
            return Err(StorageError::Closed);
        }
        match self.storage.stage_snapshot(&snapshot.bytes) {
            Ok(()) => self.place_snapshot(snapshot),
            Err(StorageError::NoSpace) => Err(StorageError::NoSpace),
            Err(error) => {
                self.closed = true;
                Err(error)
            }
        }
    }

    /// Stores the snapshot that [`stage_snapshot`] wrote, whose hash the log holds. `NoSpace` and `NotStaged` leave the
    /// ones before; any other error means that the process must end.
    pub fn place_snapshot(&mut self, snapshot: &SealedSnapshot) -> Result<(), StorageError> {
        if self.closed {
            return Err(StorageError::Closed);
        }
        let rotate = self.newest_is_good;
        match self.storage.place_snapshot(rotate, &snapshot.bytes) {
            Err(StorageError::NoSpace) => Err(StorageError::NoSpace),
            Err(StorageError::NotStaged) => Err(StorageError::NotStaged),
            placed => {
                self.closed = placed.is_err();
                self.newest_is_good |= placed.is_ok();
                placed
            }
        }
    }

    /// Lets go of groups before this number: those before the place of the previous snapshot, when the
    /// newest is stored. Any error means that the process must end.
    pub fn remove_before(&mut self, sequence: u64) -> Result<(), StorageError> {
        if self.closed {
            return Err(StorageError::Closed);
        }
        let removed = self.storage.remove_before(sequence);
        self.closed = removed.is_err();
        removed.map(|held| self.chain.forget(held.first))
    }

    /// Whether groups to come have room, as [`Storage::make_room`] says. Any error means that the process must end.
    pub fn make_room(&mut self) -> Result<bool, StorageError> {
        if self.closed {
            return Err(StorageError::Closed);
        }
        let room = self.storage.make_room();
        self.closed = room.is_err();
        room
    }

    /// Whether the newest snapshot is there and is one that opens. Without it there is one less to open
    /// than there should be.
    pub fn newest_is_good(&self) -> bool {
        self.newest_is_good
    }

    /// The number of the next group.
    pub fn next_sequence(&self) -> u64 {
        self.chain.next()
    }

    /// The number of the first group that is there.
    pub fn first_sequence(&self) -> u64 {
        self.chain.first
    }

    /// This boot.
    pub fn boot_id(&self) -> [u8; 16] {
        self.boot_id
    }

    /// The storage, for a caller that opens it again.
    pub fn into_storage(self) -> S {
        self.storage
    }
}
