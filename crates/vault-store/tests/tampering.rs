//! T-SPLICE and T-FLIP: every bit, every pair, every group, every cut of a store of 66 groups and a
//! snapshot. What is before the last group is refused, what is at the end opens as a prefix, and
//! nothing ever opens as something else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs, unreachable_pub)]

mod support;

use aws_lc_rs::digest;
use proptest::prelude::*;
use std::ops::Range;
use support::{Dice, check_groups, head, open_as, payload, root};
use vault_store::faulty::SimulatedDisk;
use vault_store::{AppendError, OpenError, SegmentOptions, SnapshotState, StorageError, StoreRoot};

const GROUPS: u64 = 66;
const SNAPSHOT_AT: u64 = 40;
const LONGEST: u64 = 12;
const SEED: u64 = 5;
const BLOCK: u64 = 64;
const OPTIONS: SegmentOptions = SegmentOptions {
    segment: 4096,
    block: BLOCK as u32,
};

struct Store {
    disk: SimulatedDisk,
    root: StoreRoot,
    /// File and bytes of each group's frame, in order.
    frames: Vec<(String, Range<usize>)>,
}

fn store() -> Store {
    let disk = SimulatedDisk::new();
    let mut dice = Dice(1);
    let root = root(&disk, &mut dice);
    let mut log = open_as(&disk, &root, OPTIONS, 2).unwrap().log;
    let mut snapshot = None;
    for sequence in 0..GROUPS {
        if sequence == SNAPSHOT_AT {
            let sealed = log.seal_snapshot(head(sequence), b"state", &mut |out| dice.fill(out));
            snapshot = Some(sealed.unwrap());
        }
        if sequence == 20 || sequence == 41 {
            // Three boots wrote this log.
            log = open_as(&disk, &root, OPTIONS, sequence).unwrap().log;
        }
        let payload = payload(SEED, sequence, LONGEST);
        assert_eq!(log.append(head(sequence), &payload), Ok(sequence));
        if sequence == SNAPSHOT_AT {
            log.put_snapshot(snapshot.as_ref().unwrap()).unwrap();
        }
    }
    let frames = frames(&disk);
    assert_eq!(frames.len() as u64, GROUPS);
    Store { disk, root, frames }
}

/// Where the groups lie, read off the documented format.
fn frames(disk: &SimulatedDisk) -> Vec<(String, Range<usize>)> {
    let mut frames = Vec::new();
    for name in segments(disk) {
        let bytes = disk.contents(&name).unwrap();
        let mut at = BLOCK as usize;
        while bytes.get(at..at + 4) == Some(b"EVF\x01") {
            let length = u32::from_be_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
            let end = at + (32 + length).next_multiple_of(BLOCK as usize);
            frames.push((name.clone(), at..end));
            at = end;
        }
    }
    frames
}

fn segments(disk: &SimulatedDisk) -> Vec<String> {
    disk.names()
        .into_iter()
        .filter(|name| name.ends_with(".seg"))
        .collect()
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    /// Opens with this many groups, and the snapshot or not.
    Groups(u64, bool),
    /// The log ends here, before its snapshot.
    Cut(u64),
    Refused,
}

impl Store {
    /// Opens `disk` and holds what it gives to what was written.
    fn outcome(&self, disk: &SimulatedDisk) -> Outcome {
        let opened = match open_as(disk, &self.root, OPTIONS, 3) {
            Ok(opened) => opened,
            Err(OpenError::Damaged { group }) => {
                assert!(group <= GROUPS);
                return Outcome::Refused;
            }
            Err(OpenError::Storage(StorageError::DamagedSegment { .. })) => {
                return Outcome::Refused;
            }
            Err(OpenError::Storage(StorageError::UnknownFormat { .. })) => return Outcome::Refused,
            Err(OpenError::Cut { next, snapshot }) => {
                assert_eq!(snapshot, SNAPSHOT_AT);
                return Outcome::Cut(next);
            }
            Err(error) => panic!("{error}"),
        };
        let next = opened.log.next_sequence();
        let (from, present) = match &opened.snapshot {
            SnapshotState::Present {
                tree,
                sequence,
                payload,
                ..
            } => {
                assert_eq!((*sequence, *tree), (SNAPSHOT_AT, head(SNAPSHOT_AT)));
                assert_eq!(payload.as_slice(), b"state");
                (SNAPSHOT_AT, true)
            }
            SnapshotState::Absent | SnapshotState::Damaged => (0, false),
        };
        assert_eq!(opened.groups.len() as u64, next - from);
        check_groups(&opened.groups, SEED, from, LONGEST);
        Outcome::Groups(next, present)
    }

    fn with(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> SimulatedDisk {
        let disk = self.disk.copy();
        let mut bytes = disk.contents(name).unwrap();
        change(&mut bytes);
        disk.overwrite(name, &bytes);
        disk
    }

    fn last(&self) -> &(String, Range<usize>) {
        self.frames.last().unwrap()
    }

    /// The log with these frames in this order, in one segment, with the header of the first.
    fn spliced(&self, order: impl IntoIterator<Item = usize>) -> SimulatedDisk {
        let disk = self.disk.copy();
        let mut bytes = disk.contents("log-00000000.seg").unwrap()[..BLOCK as usize].to_vec();
        for index in order {
            let (name, range) = &self.frames[index];
            bytes.extend_from_slice(&self.disk.contents(name).unwrap()[range.clone()]);
        }
        for name in segments(&disk).into_iter().skip(1) {
            disk.remove(&name);
        }
        disk.overwrite("log-00000000.seg", &bytes);
        disk
    }
}

#[test]
fn an_untouched_store_opens_whole() {
    let store = store();
    assert_eq!(store.outcome(&store.disk), Outcome::Groups(GROUPS, true));
    assert_eq!(
        store.outcome(&store.spliced(0..66)),
        Outcome::Groups(GROUPS, true)
    );
    assert!(segments(&store.disk).len() > 3);
}

#[test]
fn behind_the_last_segment_that_has_a_name_there_is_no_space() {
    let store = store();
    let disk = store.disk.copy();
    let names = segments(&disk);
    // Whoever can write can give a segment another number: its checksum protects against nobody.
    for (name, index) in names.iter().rev().zip((0..=u32::MAX).rev()) {
        let mut bytes = disk.contents(name).unwrap();
        bytes[8..12].copy_from_slice(&index.to_be_bytes());
        let checksum = digest::digest(&digest::SHA256, &bytes[..32]);
        bytes[32..64].copy_from_slice(checksum.as_ref());
        disk.remove(name);
        disk.overwrite(&format!("log-{index:08x}.seg"), &bytes);
    }
    assert_eq!(store.outcome(&disk), Outcome::Groups(GROUPS, true));
    let mut log = open_as(&disk, &store.root, OPTIONS, 3).unwrap().log;
    let mut appended = GROUPS;
    let refused = loop {
        let payload = payload(SEED, appended, LONGEST);
        match log.append(head(appended), &payload) {
            Ok(sequence) => assert_eq!(sequence, appended),
            Err(error) => break error,
        }
        appended += 1;
    };
    assert_eq!(refused, AppendError::NoSpace);
    let mut log = open_as(&disk, &store.root, OPTIONS, 4).unwrap().log;
    assert_eq!(log.next_sequence(), appended);
    assert_eq!(log.make_room(), Ok(false));
}

#[test]
fn each_flipped_bit_of_the_log_is_refused_or_costs_the_last_group() {
    let store = store();
    let (last_name, last) = store.last();
    let mut flips = 0;
    for name in segments(&store.disk) {
        let used = store
            .frames
            .iter()
            .filter(|(file, _)| *file == name)
            .map(|(_, range)| range.end);
        let used = used.max().unwrap_or(0);
        let original = store.disk.contents(&name).unwrap();
        let disk = store.disk.copy();
        for at in 0..used {
            for bit in 0..8 {
                let mut bytes = original.clone();
                bytes[at] ^= 1 << bit;
                disk.overwrite(&name, &bytes);
                let expected = match name == *last_name && last.contains(&at) {
                    true => Outcome::Groups(GROUPS - 1, true),
                    false => Outcome::Refused,
                };
                assert_eq!(store.outcome(&disk), expected, "{name} byte {at} bit {bit}");
                flips += 1;
            }
        }
        // Behind the last group of a segment there are zeros, which stand for nothing.
        for at in (used..original.len()).step_by(37) {
            let disk = store.with(&name, |bytes| bytes[at] ^= 1);
            assert_eq!(store.outcome(&disk), Outcome::Groups(GROUPS, true));
        }
    }
    println!("T-FLIP: {flips} bits of the log: refused, or the last group is lost");
    assert!(flips > 100_000, "{flips}");
}

#[test]
fn each_flipped_bit_of_the_snapshot_and_each_cut_of_it_leads_back_to_the_log() {
    let store = store();
    let bytes = store.disk.contents("snapshot.sealed").unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let disk = store.with("snapshot.sealed", |bytes| bytes[at] ^= 1 << bit);
            assert_eq!(store.outcome(&disk), Outcome::Groups(GROUPS, false));
        }
        let disk = store.with("snapshot.sealed", |bytes| bytes.truncate(at));
        assert_eq!(store.outcome(&disk), Outcome::Groups(GROUPS, false));
    }
    let disk = store.disk.copy();
    disk.remove("snapshot.sealed");
    assert_eq!(store.outcome(&disk), Outcome::Groups(GROUPS, false));
}

#[test]
fn each_pair_of_groups_in_each_others_place_is_refused() {
    let store = store();
    for a in 0..66 {
        for b in 0..a {
            let order = (0..66).map(|index| match index {
                _ if index == a => b,
                _ if index == b => a,
                _ => index,
            });
            assert_eq!(
                store.outcome(&store.spliced(order)),
                Outcome::Refused,
                "{a} {b}"
            );
        }
    }
}

#[test]
fn each_dropped_group_is_refused_but_the_last() {
    let store = store();
    for dropped in 0..66 {
        let disk = store.spliced((0..66).filter(|index| *index != dropped));
        let expected = if dropped == 65 {
            Outcome::Groups(65, true)
        } else {
            Outcome::Refused
        };
        assert_eq!(store.outcome(&disk), expected, "{dropped}");
    }
}

#[test]
fn each_repeated_group_is_refused_wherever_it_is_put() {
    let store = store();
    for repeated in 0..66 {
        for place in [0, repeated, repeated + 1, 66] {
            let mut order: Vec<usize> = (0..66).collect();
            order.insert(place, repeated);
            assert_eq!(
                store.outcome(&store.spliced(order)),
                Outcome::Refused,
                "{repeated}"
            );
        }
    }
}

#[test]
fn each_group_overwritten_by_each_other_one_is_refused() {
    let store = store();
    for a in 0..66 {
        for b in (0..66).filter(|b| *b != a) {
            let disk = store.spliced((0..66).map(|index| if index == a { b } else { index }));
            assert_eq!(
                store.outcome(&disk),
                Outcome::Refused,
                "{b} in the place of {a}"
            );
        }
    }
}

#[test]
fn each_cut_opens_as_the_groups_before_it_unless_a_snapshot_says_that_there_were_more() {
    let store = store();
    let whole = store.spliced(0..66).contents("log-00000000.seg").unwrap();
    let one = store.spliced(0..66);
    let ends: Vec<usize> = store
        .frames
        .iter()
        .scan(BLOCK as usize, |at, (_, range)| {
            *at += range.len();
            Some(*at)
        })
        .collect();
    for length in (0..whole.len()).rev() {
        one.overwrite("log-00000000.seg", &whole[..length]);
        let groups = ends.iter().filter(|end| **end <= length).count() as u64;
        let expected = match groups >= SNAPSHOT_AT {
            true => Outcome::Groups(groups, true),
            false => Outcome::Cut(groups),
        };
        assert_eq!(store.outcome(&one), expected, "{length}");
    }
    // Whoever takes the snapshot away has decided to go on from what is left.
    one.remove("snapshot.sealed");
    one.overwrite("log-00000000.seg", &whole[..ends[2]]);
    assert_eq!(store.outcome(&one), Outcome::Groups(3, false));
}

#[test]
fn a_log_that_is_gone_is_no_empty_log_where_a_snapshot_says_that_there_was_one() {
    let store = store();
    let gone = store.disk.copy();
    for name in segments(&gone) {
        gone.remove(&name);
    }
    assert_eq!(store.outcome(&gone), Outcome::Cut(0));
}

#[test]
fn a_missing_or_emptied_segment_is_refused_but_the_last() {
    let store = store();
    let names = segments(&store.disk);
    for (index, name) in names.iter().enumerate() {
        // Behind the segment of the last group there may be one that is being prepared.
        let last = *name >= store.last().0;
        let emptied = store.with(name, Vec::clear);
        let removed = store.disk.copy();
        removed.remove(name);
        let in_last = store.frames.iter().filter(|(file, _)| file == name).count() as u64;
        if last {
            let expected = Outcome::Groups(GROUPS - in_last, true);
            assert_eq!(store.outcome(&emptied), expected);
            assert_eq!(store.outcome(&removed), expected);
        } else {
            assert_eq!(store.outcome(&emptied), Outcome::Refused);
            if index > 0 {
                assert_eq!(store.outcome(&removed), Outcome::Refused);
            }
        }
    }
}

#[test]
fn a_log_without_its_beginning_opens_only_with_a_snapshot_of_it() {
    let store = store();
    let disk = store.disk.copy();
    disk.remove("log-00000000.seg");
    let opened = open_as(&disk, &store.root, OPTIONS, 3).unwrap();
    assert!(matches!(opened.snapshot, SnapshotState::Present { .. }));
    assert!(opened.log.first_sequence() > 0);
    check_groups(&opened.groups, SEED, SNAPSHOT_AT, LONGEST);
    let first = opened.log.first_sequence();
    disk.remove("snapshot.sealed");
    let error = open_as(&disk, &store.root, OPTIONS, 3).err();
    assert_eq!(error, Some(OpenError::MissingGroups { first }));
}

#[test]
fn what_replaces_a_lost_last_group_does_not_bring_it_back() {
    let store = store();
    let (name, range) = store.last().clone();
    let stale = store.disk.contents(&name).unwrap()[range.clone()].to_vec();
    let disk = store.with(&name, |bytes| bytes[range.start + 40] ^= 1);
    let mut log = open_as(&disk, &store.root, OPTIONS, 77).unwrap().log;
    assert_eq!(log.append(head(65), b""), Ok(65));
    assert_eq!(log.append(head(66), b"after"), Ok(66));
    assert_eq!(log.read(65).unwrap().payload.as_slice(), b"");
    let opened = open_as(&disk, &store.root, OPTIONS, 3).unwrap();
    assert_eq!(opened.log.next_sequence(), 67);
    // The host puts the old group back in the place of the new one.
    let mut bytes = disk.contents(&name).unwrap();
    bytes.truncate(range.start);
    bytes.extend_from_slice(&stale);
    let group = disk.contents(&name).unwrap();
    let second = range.start + (32usize + 140 + 16).next_multiple_of(64);
    bytes.extend_from_slice(&group[second..]);
    disk.overwrite(&name, &bytes);
    let error = open_as(&disk, &store.root, OPTIONS, 3).err();
    assert_eq!(error, Some(OpenError::Damaged { group: 66 }));
}

#[test]
fn a_group_of_another_store_of_the_same_vault_is_never_taken() {
    let (ours, theirs) = (store(), {
        let disk = SimulatedDisk::new();
        let mut dice = Dice(99);
        let root = root(&disk, &mut dice);
        let mut log = open_as(&disk, &root, OPTIONS, 2).unwrap().log;
        for sequence in 0..GROUPS {
            log.append(head(sequence), &payload(SEED, sequence, LONGEST))
                .unwrap();
        }
        let frames = frames(&disk);
        Store { disk, root, frames }
    });
    for index in 0..65usize {
        let ((name, range), (their_name, their_range)) =
            (&ours.frames[index], &theirs.frames[index]);
        let frame = theirs.disk.contents(their_name).unwrap()[their_range.clone()].to_vec();
        let disk = ours.with(name, |bytes| bytes[range.clone()].copy_from_slice(&frame));
        assert_eq!(ours.outcome(&disk), Outcome::Refused, "{index}");
    }
}

#[test]
fn a_snapshot_of_an_older_state_is_offered_with_its_own_place_and_hash() {
    let store = store();
    let old = store.disk.contents("snapshot.sealed").unwrap();
    let mut log = open_as(&store.disk, &store.root, OPTIONS, 8).unwrap().log;
    let newer = log
        .seal_snapshot(head(66), b"newer", &mut |out| out.fill(4))
        .unwrap();
    log.append(head(66), &newer.hash()).unwrap();
    log.put_snapshot(&newer).unwrap();
    let opened = open_as(&store.disk, &store.root, OPTIONS, 3).unwrap();
    let SnapshotState::Present {
        sequence: 66, hash, ..
    } = opened.snapshot
    else {
        panic!()
    };
    assert_eq!(hash, newer.hash());
    store.disk.overwrite("snapshot.sealed", &old);
    let opened = open_as(&store.disk, &store.root, OPTIONS, 3).unwrap();
    let SnapshotState::Present {
        sequence: SNAPSHOT_AT,
        hash,
        ..
    } = opened.snapshot
    else {
        panic!()
    };
    assert_ne!(hash, newer.hash());
    assert_eq!(opened.groups.len() as u64, 67 - SNAPSHOT_AT);
}

#[test]
fn nothing_is_left_behind_a_group_that_replaces_a_longer_one() {
    let disk = SimulatedDisk::new();
    let root = root(&disk, &mut Dice(1));
    let mut log = open_as(&disk, &root, OPTIONS, 1).unwrap().log;
    log.append(head(0), b"kept").unwrap();
    log.append(head(1), &[7; 1500]).unwrap();
    let name = "log-00000000.seg";
    let mut bytes = disk.contents(name).unwrap();
    let second = frames(&disk)[1].1.clone();
    bytes[second.start + 100] ^= 1;
    disk.overwrite(name, &bytes);
    let mut log = open_as(&disk, &root, OPTIONS, 2).unwrap().log;
    assert_eq!(log.append(head(1), b"short"), Ok(1));
    let end = frames(&disk)[1].1.end;
    assert!(end < second.end);
    assert!(
        disk.contents(name).unwrap()[end..]
            .iter()
            .all(|&byte| byte == 0)
    );
}

/// What a host does to a segment: bytes from somewhere else, zeros, or an end.
#[derive(Clone, Debug)]
enum Edit {
    Copy {
        from: usize,
        from_at: usize,
        to: usize,
        to_at: usize,
        length: usize,
    },
    Zero {
        segment: usize,
        at: usize,
        length: usize,
    },
    Cut {
        segment: usize,
        at: usize,
    },
}

fn any_edit() -> impl Strategy<Value = Edit> {
    // Half of the places are block boundaries, where frames begin.
    let at = || prop_oneof![(0usize..64).prop_map(|block| block * 64), 0usize..4096];
    let length = || prop_oneof![(1usize..12).prop_map(|blocks| blocks * 64), 1usize..300];
    prop_oneof![
        4 => (0usize..6, at(), 0usize..6, at(), length()).prop_map(
            |(from, from_at, to, to_at, length)| Edit::Copy { from, from_at, to, to_at, length }
        ),
        2 => (0usize..6, at(), length())
            .prop_map(|(segment, at, length)| Edit::Zero { segment, at, length }),
        1 => (0usize..6, at()).prop_map(|(segment, at)| Edit::Cut { segment, at }),
    ]
}

fn apply(disk: &SimulatedDisk, edit: &Edit) {
    let names = segments(disk);
    let name = |segment: usize| &names[segment % names.len()];
    let read = |segment: usize| disk.contents(name(segment)).unwrap();
    let clip = |at: usize, length: usize, bytes: &[u8]| {
        at.min(bytes.len())..(at + length).min(bytes.len())
    };
    match *edit {
        Edit::Copy {
            from,
            from_at,
            to,
            to_at,
            length,
        } => {
            let source = read(from);
            let piece = &source[clip(from_at, length, &source)];
            let mut target = read(to);
            let range = clip(to_at, piece.len(), &target);
            target[range.clone()].copy_from_slice(&piece[..range.len()]);
            disk.overwrite(name(to), &target);
        }
        Edit::Zero {
            segment,
            at,
            length,
        } => {
            let mut bytes = read(segment);
            let range = clip(at, length, &bytes);
            bytes[range].fill(0);
            disk.overwrite(name(segment), &bytes);
        }
        Edit::Cut { segment, at } => {
            let mut bytes = read(segment);
            bytes.truncate(at);
            disk.overwrite(name(segment), &bytes);
        }
    }
}

thread_local! {
    static STORE: Store = store();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]
    #[test]
    fn any_few_edits_together_are_refused_or_give_a_prefix(
        edits in proptest::collection::vec(any_edit(), 1..5)
    ) {
        STORE.with(|store| {
            let disk = store.disk.copy();
            edits.iter().for_each(|edit| apply(&disk, edit));
            // `outcome` holds whatever opens to what was written.
            if let Outcome::Groups(groups, _) = store.outcome(&disk) {
                assert!(groups <= GROUPS);
            }
        });
    }
}
