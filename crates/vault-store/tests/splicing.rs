//! T-SPLICE and T-FLIP across stores: every group of this store, of a clone of it, of another generation of it
//! and of another vault, the last two even under the same key, in every place; each file at every length; snapshots and
//! roots exchanged. It is refused, or it is exactly the beginning of one history.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs, unreachable_pub)]

mod support;

use support::{Dice, head, open_as, payload, platform, root};
use vault_store::faulty::SimulatedDisk;
use vault_store::{
    LockedReason, OpenError, RootError, SegmentOptions, SnapshotState, StorageError, StoreRoot,
    read_root,
};

const GROUPS: u64 = 32;
/// The clone goes its own way from here on.
const FORK: u64 = 20;
const SNAPSHOT_AT: u64 = 10;
const LONGEST: u64 = 12;
const BLOCK: usize = 64;
const OURS: u64 = 5;
const THEIRS: u64 = 6;
const OPTIONS: SegmentOptions = SegmentOptions {
    segment: 2048,
    block: BLOCK as u32,
};
const ONE: &str = "log-00000000.seg";

struct Store {
    disk: SimulatedDisk,
    frames: Vec<Vec<u8>>,
}

/// Appends groups of `seed` until there are `GROUPS`, in boots of twelve.
fn fill(disk: &SimulatedDisk, root: &StoreRoot, seed: u64) {
    let mut snapshot = None;
    loop {
        let opened = open_as(disk, root, OPTIONS, seed ^ disk.syncs() << 8);
        let mut log = opened.unwrap().log;
        for _ in 0..12 {
            let sequence = log.next_sequence();
            if sequence == GROUPS {
                return;
            }
            if sequence == SNAPSHOT_AT {
                let state = seed.to_be_bytes();
                let sealed = log.seal_snapshot(head(sequence), &state, &mut |out| out.fill(3));
                snapshot = Some(sealed.unwrap());
            }
            let group = payload(seed, sequence, LONGEST);
            log.append(head(sequence), &group).unwrap();
            if let Some(sealed) = snapshot.take() {
                log.put_snapshot(&sealed).unwrap();
            }
        }
    }
}

impl Store {
    fn of(disk: SimulatedDisk) -> Self {
        let mut frames = Vec::new();
        for name in segments(&disk) {
            let bytes = disk.contents(&name).unwrap();
            let mut at = BLOCK;
            while bytes.get(at..at + 4) == Some(b"EVF\x01") {
                let length = u32::from_be_bytes(bytes[at + 4..at + 8].try_into().unwrap());
                let end = at + (32 + length as usize).next_multiple_of(BLOCK);
                frames.push(bytes[at..end].to_vec());
                at = end;
            }
        }
        assert_eq!(frames.len() as u64, GROUPS);
        Self { disk, frames }
    }

    /// This store with its log in one segment of these frames.
    fn with_log<'a>(&self, frames: impl Iterator<Item = &'a Vec<u8>>) -> SimulatedDisk {
        let disk = self.disk.copy();
        let mut bytes = disk.contents(ONE).unwrap()[..BLOCK].to_vec();
        frames.for_each(|frame| bytes.extend_from_slice(frame));
        for name in segments(&disk).into_iter().skip(1) {
            disk.remove(&name);
        }
        disk.overwrite(ONE, &bytes);
        disk
    }
}

fn segments(disk: &SimulatedDisk) -> Vec<String> {
    let mut names = disk.names();
    names.retain(|name| name.ends_with(".seg"));
    names
}

fn ours() -> (Store, StoreRoot) {
    let disk = SimulatedDisk::new();
    let root = root(&disk, &mut Dice(1));
    fill(&disk, &root, OURS);
    (Store::of(disk), root)
}

/// The same store up to `FORK`, and other groups behind it.
fn clone(ours: &Store, root: &StoreRoot) -> Store {
    let disk = ours.with_log(ours.frames.iter().take(FORK as usize));
    fill(&disk, root, THEIRS);
    Store::of(disk)
}

/// A store whose root differs as `change` says, and in nothing else: not in its key.
fn beside(change: impl FnOnce(&mut StoreRoot)) -> Store {
    let disk = SimulatedDisk::new();
    let mut root = root(&disk, &mut Dice(1));
    change(&mut root);
    fill(&disk, &root, THEIRS);
    Store::of(disk)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    /// The first groups of one history.
    Prefix(u64),
    Refused,
}

/// Opens a disk, and holds what it gives to the two histories that this key has sealed.
fn outcome(disk: &SimulatedDisk, root: &StoreRoot) -> Outcome {
    let mut opened = match open_as(disk, root, OPTIONS, 77) {
        Ok(opened) => opened,
        Err(
            OpenError::Damaged { .. } | OpenError::MissingGroups { .. } | OpenError::Cut { .. },
        ) => {
            return Outcome::Refused;
        }
        Err(OpenError::Storage(
            StorageError::DamagedSegment { .. } | StorageError::UnknownFormat { .. },
        )) => return Outcome::Refused,
        Err(error) => panic!("{error}"),
    };
    if let SnapshotState::Present {
        sequence, payload, ..
    } = &opened.snapshot
    {
        assert_eq!(*sequence, SNAPSHOT_AT);
        assert_eq!(**payload, OURS.to_be_bytes());
    }
    let (first, next) = (opened.log.first_sequence(), opened.log.next_sequence());
    let groups: Vec<Vec<u8>> = (first..next)
        .map(|sequence| opened.log.read(sequence).unwrap().payload.to_vec())
        .collect();
    let is = |seed: u64| {
        let history = (first..next).map(|sequence| match sequence < FORK {
            true => payload(OURS, sequence, LONGEST),
            false => payload(seed, sequence, LONGEST),
        });
        history.eq(groups.iter().cloned())
    };
    assert!(is(OURS) || is(THEIRS), "neither history");
    Outcome::Prefix(next)
}

#[derive(Default, Debug)]
struct Counted {
    refused: usize,
    prefixes: usize,
}

impl Counted {
    /// Anything but the loss of the end is refused.
    fn take(&mut self, outcome: Outcome, untouched: usize, what: &str) {
        match outcome {
            Outcome::Refused => self.refused += 1,
            Outcome::Prefix(groups) => {
                assert!(
                    groups as usize >= untouched && untouched as u64 >= GROUPS - 1,
                    "{what}: opens with {groups} groups"
                );
                self.prefixes += 1;
            }
        }
    }
}

#[test]
fn every_group_of_every_store_in_every_place_is_refused_or_costs_the_end() {
    let (ours, root) = ours();
    let frames = &ours.frames;
    let sources = [
        ("this store", Store::of(ours.disk.copy())),
        ("a clone", clone(&ours, &root)),
        ("another generation", beside(|root| root.generation[0] ^= 1)),
        ("another vault", beside(|root| root.vault_id[0] ^= 1)),
    ];
    assert_eq!(
        outcome(&ours.with_log(frames.iter()), &root),
        Outcome::Prefix(GROUPS)
    );
    let mut all = 0;
    for (source, store) in &sources {
        let mut counted = Counted::default();
        for (from, frame) in store.frames.iter().enumerate() {
            for at in 0..=frames.len() {
                let rest = &frames[at..];
                let inserted = frames[..at].iter().chain([frame]).chain(rest);
                let what = format!("{from} of {source} before {at}");
                counted.take(outcome(&ours.with_log(inserted), &root), at, &what);
                if at == frames.len() || frames[at] == *frame {
                    continue;
                }
                let replaced = frames[..at].iter().chain([frame]).chain(&rest[1..]);
                let what = format!("{from} of {source} in place of {at}");
                counted.take(outcome(&ours.with_log(replaced), &root), at, &what);
            }
        }
        println!("T-SPLICE, groups of {source}: {counted:?}");
        all += counted.refused + counted.prefixes;
    }
    println!("T-SPLICE: {all} stores with a group replayed; none opens but as a beginning");
    assert!(all > 8_000);
}

#[test]
fn every_two_groups_exchanged_and_every_one_dropped_or_moved_is_refused_or_costs_the_end() {
    let (ours, root) = ours();
    let (frames, mut counted) = (&ours.frames, Counted::default());
    for a in 0..frames.len() {
        for b in 0..frames.len() {
            let mut order: Vec<&Vec<u8>> = frames.iter().collect();
            let what = format!("{a} and {b}");
            if a < b {
                order.swap(a, b);
            } else if a > b {
                // Moved before it.
                let moved = order.remove(a);
                order.insert(b, moved);
            } else {
                order.remove(a);
            }
            let outcome = outcome(&ours.with_log(order.into_iter()), &root);
            counted.take(outcome, a.min(b), &what);
        }
    }
    println!("T-SPLICE, exchanged, moved and dropped: {counted:?}");
    assert_eq!(counted.prefixes, 1, "the last one dropped");
}

#[test]
fn every_end_of_one_history_behind_every_beginning_of_the_other_is_refused_unless_it_is_one_history()
 {
    let (ours, root) = ours();
    let clone = clone(&ours, &root);
    let (mut refused, mut whole) = (0, 0);
    for end in 0..=ours.frames.len() {
        for begin in 0..=clone.frames.len() {
            let spliced = ours.frames[..end].iter().chain(&clone.frames[begin..]);
            // `outcome` holds what opens to the two histories.
            match outcome(&ours.with_log(spliced), &root) {
                Outcome::Refused => refused += 1,
                Outcome::Prefix(groups) => {
                    let length = end + clone.frames.len() - begin;
                    assert!(groups as usize + 1 >= length, "{end} and {begin}");
                    whole += 1;
                }
            }
        }
    }
    println!("T-SPLICE, ends of a clone: {refused} refused, {whole} are one history");
    assert!(refused > 900 && whole < 80, "{refused} {whole}");
}

#[test]
fn every_length_of_every_file_is_refused_or_is_an_exact_beginning() {
    let (ours, root) = ours();
    let names = segments(&ours.disk);
    let full = |name: &str| ours.disk.contents(name).unwrap();
    let holds = |name: &str| full(name).windows(4).any(|four| four == b"EVF\x01");
    let last = names.iter().rev().find(|name| holds(name)).unwrap();
    let (mut cuts, mut prefixes) = (0, 0);
    for name in &names {
        let bytes = full(name);
        let used = bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |at| at + 1);
        let padded = used.next_multiple_of(BLOCK);
        let disk = ours.disk.copy();
        for length in 0..bytes.len() {
            disk.overwrite(name, &bytes[..length]);
            match outcome(&disk, &root) {
                // The padding of its block belongs to a group.
                Outcome::Refused => assert!(name < last && length < padded, "{name} {length}"),
                Outcome::Prefix(groups) => {
                    assert!(name >= last || length >= used, "{name} {length}");
                    assert!(groups == GROUPS || name == last, "{name} {length}");
                    prefixes += 1;
                }
            }
            cuts += 1;
        }
    }
    println!(
        "T-FLIP: {cuts} cuts of {} files of the log, {prefixes} of them a beginning",
        names.len()
    );
    assert!(cuts > 5_000);
}

#[test]
fn snapshots_and_roots_of_other_stores_are_never_taken() {
    let (ours, root) = ours();
    let others = [
        beside(|root| root.generation[0] ^= 1),
        beside(|root| root.vault_id[0] ^= 1),
    ];
    for other in &others {
        let disk = ours.disk.copy();
        disk.overwrite(
            "snapshot.sealed",
            &other.disk.contents("snapshot.sealed").unwrap(),
        );
        assert_eq!(
            outcome(&disk, &root),
            Outcome::Prefix(GROUPS),
            "from the log"
        );
        let opened = open_as(&disk, &root, OPTIONS, 1).unwrap();
        assert!(matches!(opened.snapshot, SnapshotState::Damaged));
    }
    // Another vault's root, sealed on the same platform, before our log.
    let elsewhere = SimulatedDisk::new();
    let theirs = support::root(&elsewhere, &mut Dice(2));
    let disk = ours.disk.copy();
    disk.overwrite("root.sealed", &elsewhere.contents("root.sealed").unwrap());
    let error = open_as(&disk, &theirs, OPTIONS, 1).err().unwrap();
    assert!(matches!(error, OpenError::Damaged { group: 0 }), "{error}");
}

#[test]
fn every_bit_and_every_length_of_the_root_is_locked() {
    let (ours, _) = ours();
    let bytes = ours.disk.contents("root.sealed").unwrap();
    let disk = ours.disk.copy();
    let locked = |bytes: &[u8]| {
        disk.overwrite("root.sealed", bytes);
        match read_root(&mut disk.clone(), &platform(1)) {
            Err(RootError::Locked { reason }) => reason,
            _ => panic!("it opens"),
        }
    };
    let mut flips = 0;
    for (at, bit) in (0..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << bit;
        locked(&changed);
        flips += 1;
    }
    for length in 0..bytes.len() {
        assert_eq!(locked(&bytes[..length]), LockedReason::DamagedRoot);
    }
    println!(
        "T-FLIP: {flips} bits and {} lengths of the root, all locked",
        bytes.len()
    );
}
