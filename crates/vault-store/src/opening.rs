//! Reads a log from its beginning and decides what it holds.
//!
//! 1. Every group authenticates: this vault, this store, these bytes.
//! 2. Each has the number behind that of the group before it, and names that group's tag.
//! 3. A group that does not authenticate, with nothing authentic behind it, is the damaged end of
//!    the log and is dropped; the next append takes its number.
//! 4. Anything else that is not in its place is damage before the end, and the store stays shut.
//! 5. The newest snapshot authenticates and stands between two groups of this very log, or else the
//!    one before it, or both are left out. If one authenticates and stands behind the end of the log, the log
//!    was cut, and the store stays shut.

use crate::beside::Beside;
use crate::group::{Authentic, GroupSealer, OpenedGroup};
use crate::root::StoreRoot;
use crate::sealed_log::{Chain, OpenError};
use crate::snapshot::{self, SnapshotState};
use crate::storage::{Held, Operation, SnapshotAge, Storage, StorageError, StoredGroup};
use std::ops::ControlFlow;
use std::thread;

/// What a log holds.
pub(crate) struct Found {
    pub(crate) chain: Chain,
    pub(crate) snapshot: SnapshotState,
    pub(crate) groups: Vec<OpenedGroup>,
    /// Whether the snapshot is the newest one.
    pub(crate) newest_is_good: bool,
}

pub(crate) fn open(
    storage: &mut impl Storage,
    root: &StoreRoot,
    sealer: &mut GroupSealer,
) -> Result<Found, OpenError> {
    let (stored, newest) = stored_snapshot(storage, SnapshotAge::Newest)?;
    let length = newest.as_ref().map_or(0, Vec::len);
    // If it says what is not so, the groups are read again below.
    let claimed = newest.as_deref().and_then(snapshot::claimed_sequence);
    let keep_from = claimed.unwrap_or(0);
    let (newest, walked) = thread::scope(|scope| {
        let opened = Beside::begin(scope, length, || snapshot::open(root, newest?));
        let walked = walk(storage, sealer, keep_from);
        (opened.end().flatten(), walked)
    });
    let (chain, groups) = walked?;
    reaches(newest.as_ref(), &chain)?;
    if let Some(snapshot) = newest.filter(|snapshot| stands_on(&snapshot.place, &chain)) {
        return Ok(found(chain, snapshot, groups, true));
    }
    // Damaged, of another log, or its name was lost in a crash.
    let (stored_before, previous) = snapshot_of(storage, root, SnapshotAge::Previous)?;
    reaches(previous.as_ref(), &chain)?;
    if let Some(snapshot) = previous.filter(|snapshot| stands_on(&snapshot.place, &chain)) {
        let (chain, groups) = walk(storage, sealer, snapshot.place.sequence)?;
        return Ok(found(chain, snapshot, groups, false));
    }
    if chain.first > 0 {
        return Err(OpenError::MissingGroups { first: chain.first });
    }
    let (snapshot, groups) = match (stored || stored_before, keep_from) {
        (false, _) => (SnapshotState::Absent, groups),
        (true, 0) => (SnapshotState::Damaged, groups),
        (true, _) => (SnapshotState::Damaged, walk(storage, sealer, 0)?.1),
    };
    Ok(Found {
        chain,
        snapshot,
        groups,
        newest_is_good: false,
    })
}

/// The older snapshot, if it authenticates and stands on this log.
pub(crate) fn previous(
    storage: &mut impl Storage,
    root: &StoreRoot,
    chain: &Chain,
) -> Result<Option<snapshot::Authentic>, OpenError> {
    let (_, previous) = snapshot_of(storage, root, SnapshotAge::Previous)?;
    Ok(previous.filter(|snapshot| stands_on(&snapshot.place, chain)))
}

/// Whether there is one of this age, and the one if it authenticates. One that the disk does not give back is
/// damaged: a bad sector is an error of reading.
fn snapshot_of(
    storage: &mut impl Storage,
    root: &StoreRoot,
    age: SnapshotAge,
) -> Result<(bool, Option<snapshot::Authentic>), OpenError> {
    let (is_there, stored) = stored_snapshot(storage, age)?;
    let opened = stored.and_then(|bytes| snapshot::open(root, bytes));
    Ok((is_there, opened))
}

/// Whether there is one of this age, and its bytes if they can be read.
fn stored_snapshot(
    storage: &mut impl Storage,
    age: SnapshotAge,
) -> Result<(bool, Option<Vec<u8>>), OpenError> {
    let unreadable = |error: &StorageError| {
        let StorageError::Io { operation, .. } = error else {
            return false;
        };
        *operation == Operation::Read
    };
    match storage.get_snapshot(age) {
        Err(error) if unreadable(&error) => Ok((true, None)),
        stored => stored
            .map(|stored| (stored.is_some(), stored))
            .map_err(OpenError::from),
    }
}

fn found(
    chain: Chain,
    snapshot: snapshot::Authentic,
    groups: Vec<OpenedGroup>,
    newest_is_good: bool,
) -> Found {
    Found {
        chain,
        snapshot: snapshot.into_state(),
        groups,
        newest_is_good,
    }
}

/// A snapshot gets its name when the entry that commits to it is durable, behind its place. Opening a log that ends
/// before would go on from there, over what the archive and the snapshot still hold of the rest.
fn reaches(snapshot: Option<&snapshot::Authentic>, chain: &Chain) -> Result<(), OpenError> {
    let (next, snapshot) = (chain.next(), snapshot.map_or(0, |held| held.place.sequence));
    match snapshot > next {
        true => Err(OpenError::Cut { next, snapshot }),
        false => Ok(()),
    }
}

/// Whether the groups on both sides of the snapshot are those that it was made between.
fn stands_on(place: &snapshot::Place, chain: &Chain) -> bool {
    if place.sequence < chain.first || place.sequence > chain.next() {
        return false;
    }
    let before = match place.sequence.checked_sub(1) {
        Some(before) if place.sequence > chain.first => chain.tag(before),
        _ => Some(chain.before),
    };
    before == Some(place.previous)
}

fn walk(
    storage: &mut impl Storage,
    sealer: &mut GroupSealer,
    keep_from: u64,
) -> Result<(Chain, Vec<OpenedGroup>), OpenError> {
    let mut walk = Walk {
        chain: None,
        kept: Vec::new(),
        rejected: None,
        broken: false,
    };
    let Held { first } = storage.read(0, &mut |stored| walk.step(sealer, stored, keep_from))?;
    let chain = walk.chain.unwrap_or(Chain {
        first,
        ..Chain::default()
    });
    if chain.first != first {
        return Err(OpenError::Damaged { group: first });
    }
    // The next append takes the number of the group that was dropped.
    let replaceable = walk
        .rejected
        .is_none_or(|sequence| sequence == chain.next());
    if walk.broken || !replaceable {
        return Err(OpenError::Damaged {
            group: chain.next(),
        });
    }
    Ok((chain, walk.kept))
}

struct Walk {
    /// `None` before the first authentic group.
    chain: Option<Chain>,
    kept: Vec<OpenedGroup>,
    /// A group did not authenticate: allowed at the end.
    rejected: Option<u64>,
    /// Something is out of its place.
    broken: bool,
}

impl Walk {
    fn step(
        &mut self,
        sealer: &mut GroupSealer,
        stored: StoredGroup<'_>,
        keep_from: u64,
    ) -> ControlFlow<()> {
        let group = sealer
            .open(stored.bytes, |header| header.sequence >= keep_from)
            .filter(|g| g.header.sequence == stored.sequence);
        let in_place = match group {
            Some(group) => self.rejected.is_none() && self.accept(group, keep_from),
            None => self.reject(stored.sequence),
        };
        if in_place {
            return ControlFlow::Continue(());
        }
        self.broken = true;
        ControlFlow::Break(())
    }

    fn accept(&mut self, group: Authentic, keep_from: u64) -> bool {
        let header = group.header;
        let chain = self.chain.get_or_insert_with(|| Chain {
            first: header.sequence,
            tags: Vec::new(),
            before: header.previous,
        });
        if header.sequence != chain.next() || header.previous != chain.last() {
            return false;
        }
        chain.tags.push(group.tag);
        if header.sequence >= keep_from {
            self.kept.push(group.into_opened());
        }
        true
    }

    /// At most one.
    fn reject(&mut self, sequence: u64) -> bool {
        self.rejected.replace(sequence).is_none()
    }
}
