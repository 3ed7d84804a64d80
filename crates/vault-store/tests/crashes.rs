//! T-CRASH, T-FSYNC and T-ENOSPC: seeded crashes that lose, tear and reorder what was not synced.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs, unreachable_pub)]

mod support;

use std::panic::catch_unwind;
use support::{Dice, check_groups, head, open_as, payload, root};
use vault_store::faulty::{Faults, SimulatedDisk};
use vault_store::{
    AppendError, RootState, SegmentOptions, SnapshotState, StorageError, StoreRoot, read_root,
    write_root,
};

const CRASHES: u64 = 10_000;
const LONGEST: u64 = 900;
/// A block is a sector of the simulated disk: what a torn write can damage.
const OPTIONS: SegmentOptions = SegmentOptions {
    segment: 8192,
    block: 512,
};

/// One store through several boots, each of which ends in a crash in the middle of some call.
struct Run {
    seed: u64,
    dice: Dice,
    faults: Faults,
    disk: SimulatedDisk,
    root: StoreRoot,
    acknowledged: u64,
    crashes: u64,
    options: SegmentOptions,
}

impl Run {
    fn new(seed: u64, faults: Faults) -> Self {
        let disk = SimulatedDisk::new();
        let mut dice = Dice(seed);
        let root = root(&disk, &mut dice);
        Self {
            seed,
            dice,
            faults,
            disk,
            root,
            acknowledged: 0,
            crashes: 0,
            options: OPTIONS,
        }
    }

    /// Appends until power fails, then holds what is read to what was acknowledged.
    fn boot(&mut self) {
        let boot = self.dice.next();
        let cut_power = Some(1 + self.dice.below(40));
        self.disk.set_faults(Faults {
            cut_power,
            ..self.faults
        });
        if let Ok(opened) = open_as(&self.disk, &self.root, self.options, boot) {
            self.serve(opened.log);
        }
        self.disk = self.disk.crash(self.dice.next());
        self.crashes += 1;
        self.verify(boot);
    }

    fn serve(&mut self, mut log: support::Log) {
        let mut snapshot = None;
        for _ in 0..self.dice.below(30) {
            let sequence = log.next_sequence();
            let group = payload(self.seed, sequence, LONGEST);
            match log.append(head(sequence), &group) {
                Ok(appended) => self.acknowledged = appended + 1,
                Err(AppendError::Fatal(StorageError::Io { .. })) => return,
                Err(error) => panic!("{error}"),
            }
            if let Some(sealed) = snapshot.take() {
                if log.put_snapshot(&sealed).is_err() {
                    return;
                }
            } else if self.dice.below(10) == 0 {
                let (next, dice) = (log.next_sequence(), &mut self.dice);
                let state = payload(!self.seed, next, LONGEST);
                let sealed = log.seal_snapshot(head(next), &state, &mut |out| dice.fill(out));
                snapshot = Some(sealed.unwrap());
            }
        }
    }

    fn verify(&mut self, boot: u64) {
        let again = root(&self.disk, &mut Dice(0));
        assert_eq!(again.generation, self.root.generation, "the root is lost");
        let opened = open_as(&self.disk, &self.root, self.options, !boot).unwrap();
        let next = opened.log.next_sequence();
        assert!(
            next >= self.acknowledged,
            "lost: {next} of {}",
            self.acknowledged
        );
        assert!(
            next <= self.acknowledged + 1,
            "{next} groups, {} acknowledged",
            self.acknowledged
        );
        let from = match opened.snapshot {
            SnapshotState::Present {
                sequence,
                payload: state,
                tree,
                ..
            } => {
                assert_eq!(*state, payload(!self.seed, sequence, LONGEST));
                assert_eq!(tree, head(sequence));
                sequence
            }
            SnapshotState::Absent => 0,
            SnapshotState::Damaged => panic!("a snapshot is replaced whole or not at all"),
        };
        assert_eq!(opened.groups.len() as u64, next - from);
        check_groups(&opened.groups, self.seed, from, LONGEST);
        // What was found once stays: an unacknowledged group that was read may have been acted on.
        self.acknowledged = next;
    }
}

fn run(seed: u64, boots: u64, faults: Faults) -> Run {
    let mut run = Run::new(seed, faults);
    (0..boots).for_each(|_| run.boot());
    run
}

#[test]
fn no_acknowledged_group_is_lost_in_ten_thousand_crashes() {
    let (mut crashes, mut groups, mut seed) = (0, 0, 0);
    while crashes < CRASHES {
        let run = run(seed, 8, Faults::default());
        crashes += run.crashes;
        groups += run.acknowledged;
        seed += 1;
    }
    assert!(groups > CRASHES, "{groups} groups in {crashes} crashes");
}

#[test]
fn none_is_lost_either_where_syncing_names_does_nothing() {
    for seed in 0..250 {
        run(
            seed,
            8,
            Faults {
                ignore_sync_names: true,
                ..Faults::default()
            },
        );
    }
}

/// The first seed below 100 for which the suite fails.
fn failing_seed(suite: impl Fn(u64) + std::panic::RefUnwindSafe) -> Option<u64> {
    let suite = &suite;
    (0..100).find(|seed| catch_unwind(move || suite(*seed)).is_err())
}

#[test]
fn the_same_suite_fails_within_a_hundred_seeds_without_syncs() {
    let faults = Faults {
        ignore_sync: true,
        ..Faults::default()
    };
    let failed = failing_seed(|seed| drop(run(seed, 8, faults)));
    assert!(
        failed.is_some(),
        "the suite would not notice a missing sync"
    );
}

#[test]
fn the_same_suite_fails_within_a_hundred_seeds_where_groups_share_a_sector() {
    let failed = failing_seed(|seed| {
        let mut run = Run::new(seed, Faults::default());
        run.options.block = 64;
        (0..8).for_each(|_| run.boot());
    });
    assert!(
        failed.is_some(),
        "the suite would not notice a torn write that reaches another group"
    );
}

#[test]
fn a_root_that_was_written_is_there_after_any_crash_and_an_unfinished_one_is_a_first_boot() {
    let platform = support::platform(1);
    for ignore_sync_names in [false, true] {
        for seed in 0..200 {
            let disk = SimulatedDisk::new();
            let mut dice = Dice(seed);
            let root = StoreRoot::generate([9; 32], Vec::new().into(), &mut |out| dice.fill(out));
            let cut_power = Some(1 + seed % 8);
            disk.set_faults(Faults {
                cut_power,
                ignore_sync_names,
                ..Faults::default()
            });
            let mut files = disk.clone();
            let written = write_root(&mut files, &platform, &root, &mut |out| dice.fill(out));
            let state = read_root(&mut disk.crash(seed), &platform);
            match state.unwrap() {
                RootState::FirstBoot => assert!(written.is_err(), "seed {seed}"),
                RootState::Present(found) => assert_eq!(found.generation, root.generation),
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_crash() {
    let (a, b) = (run(7, 6, Faults::default()), run(7, 6, Faults::default()));
    assert_eq!(a.acknowledged, b.acknowledged);
    for name in a.disk.names() {
        assert_eq!(a.disk.contents(&name), b.disk.contents(&name));
    }
}

#[test]
fn a_failed_sync_ends_writing_for_good_and_costs_nothing_that_was_acknowledged() {
    for n in 1..60 {
        let disk = SimulatedDisk::new();
        let root = root(&disk, &mut Dice(n));
        disk.set_faults(Faults {
            fail_sync: Some(n),
            ..Faults::default()
        });
        let mut log = open_as(&disk, &root, OPTIONS, n).unwrap().log;
        let error = loop {
            let sequence = log.next_sequence();
            if let Err(error) = log.append(head(sequence), &payload(n, sequence, LONGEST)) {
                break error;
            }
        };
        assert!(
            matches!(error, AppendError::Fatal(StorageError::Io { .. })),
            "{error}"
        );
        let acknowledged = log.next_sequence();
        let syncs = disk.syncs();
        assert_eq!(
            log.append(head(acknowledged), b"again"),
            Err(AppendError::Closed)
        );
        assert_eq!(disk.syncs(), syncs, "an error is never retried");
        if let Some(last) = acknowledged.checked_sub(1) {
            assert_eq!(*log.read(last).unwrap().payload, payload(n, last, LONGEST));
        }
        let opened = open_as(&disk.crash(n), &root, OPTIONS, n).unwrap();
        let next = opened.log.next_sequence();
        assert!(
            (acknowledged..=acknowledged + 1).contains(&next),
            "sync {n}: {next}"
        );
        check_groups(&opened.groups, n, 0, LONGEST);
    }
}

/// Appends until an error or until there are `most` groups; gives how many are acknowledged.
fn append_until(log: &mut support::Log, seed: u64, most: u64) -> u64 {
    while log.next_sequence() < most {
        let sequence = log.next_sequence();
        if log
            .append(head(sequence), &payload(seed, sequence, LONGEST))
            .is_err()
        {
            break;
        }
    }
    log.next_sequence()
}

/// A disk whose `n`th sync or write failed after the root was written; and the number of acknowledged groups.
fn after_a_disk_error(n: u64, faults: Faults) -> (SimulatedDisk, StoreRoot, u64) {
    let disk = SimulatedDisk::new();
    let root = root(&disk, &mut Dice(n));
    disk.set_faults(faults);
    let mut log = open_as(&disk, &root, OPTIONS, n).unwrap().log;
    let acknowledged = append_until(&mut log, n, u64::MAX);
    (disk, root, acknowledged)
}

#[test]
fn a_restart_on_a_disk_that_failed_a_sync_or_a_write_costs_nothing_that_is_acknowledged_later() {
    for (n, ignore_sync_names, more) in (1..60)
        .flat_map(|n| [(n, false), (n, true)])
        .flat_map(|(n, ignored)| [0, 1, 2, 20].map(|more| (n, ignored, more)))
    {
        for (fail_sync, fail_write) in [(Some(n), None), (None, Some(n))] {
            let faults = Faults {
                ignore_sync_names,
                fail_sync,
                fail_write,
                ..Faults::default()
            };
            let (disk, root, before) = after_a_disk_error(n, faults);
            disk.set_faults(Faults {
                ignore_sync_names,
                ..Faults::default()
            });
            let opened = open_as(&disk, &root, OPTIONS, !n).unwrap();
            let found = opened.log.next_sequence();
            assert!(found >= before, "{faults:?}: {found} of {before}");
            let mut log = opened.log;
            let acknowledged = append_until(&mut log, n, found + more);
            assert_eq!(acknowledged, found + more);
            for crash in 0..8 {
                // What survives is decided anew: the disk that crashed is still there.
                let opened = open_as(&disk.crash(crash), &root, OPTIONS, n).unwrap();
                let next = opened.log.next_sequence();
                assert_eq!(next, acknowledged, "{faults:?}, crash {crash}");
                check_groups(&opened.groups, n, 0, LONGEST);
            }
        }
    }
}

#[test]
fn power_that_fails_while_a_store_opens_after_a_disk_error_costs_nothing() {
    for (n, cut) in (1..40).flat_map(|n| (1..8).map(move |cut| (n, cut))) {
        let faults = Faults {
            fail_sync: Some(n),
            ..Faults::default()
        };
        let (disk, root, acknowledged) = after_a_disk_error(n, faults);
        disk.set_faults(Faults {
            cut_power: Some(cut),
            ..Faults::default()
        });
        let opened = open_as(&disk, &root, OPTIONS, !n);
        let found = opened.map_or(acknowledged, |opened| opened.log.next_sequence());
        let opened = open_as(&disk.crash(n ^ cut), &root, OPTIONS, n).unwrap();
        assert!(opened.log.next_sequence() >= found, "sync {n}, cut {cut}");
        check_groups(&opened.groups, n, 0, LONGEST);
    }
}

#[test]
fn without_space_to_make_it_durable_a_store_is_read_and_takes_no_groups() {
    let (disk, root, _) = after_a_disk_error(
        9,
        Faults {
            fail_sync: Some(9),
            ..Faults::default()
        },
    );
    disk.set_faults(Faults {
        capacity: Some(10_000),
        ..Faults::default()
    });
    let mut opened = open_as(&disk, &root, OPTIONS, 1).unwrap();
    let next = opened.log.next_sequence();
    assert!(next > 0);
    check_groups(&opened.groups, 9, 0, LONGEST);
    assert_eq!(
        opened.log.append(head(next), b"more"),
        Err(AppendError::NoSpace)
    );
    disk.set_faults(Faults::default());
    let mut opened = open_as(&disk, &root, OPTIONS, 2).unwrap();
    assert_eq!(opened.log.append(head(next), b"more"), Ok(next));
}

#[test]
fn a_failed_write_ends_writing_for_good() {
    for n in 1..40 {
        let disk = SimulatedDisk::new();
        let root = root(&disk, &mut Dice(n));
        disk.set_faults(Faults {
            fail_write: Some(n),
            ..Faults::default()
        });
        let mut log = open_as(&disk, &root, OPTIONS, n).unwrap().log;
        while log
            .append(
                head(log.next_sequence()),
                &payload(n, log.next_sequence(), LONGEST),
            )
            .is_ok()
        {}
        let acknowledged = log.next_sequence();
        assert_eq!(
            log.append(head(acknowledged), b"again"),
            Err(AppendError::Closed)
        );
        let opened = open_as(&disk.crash(n), &root, OPTIONS, n).unwrap();
        assert!(opened.log.next_sequence() >= acknowledged);
        check_groups(&opened.groups, n, 0, LONGEST);
    }
}

#[test]
fn a_full_disk_refuses_writes_keeps_reading_and_opens_again() {
    let disk = SimulatedDisk::new();
    let root = root(&disk, &mut Dice(3));
    for capacity in [1000, 9000, 20_000, 50_000] {
        disk.set_faults(Faults {
            capacity: Some(capacity),
            ..Faults::default()
        });
        let mut log = open_as(&disk, &root, OPTIONS, capacity).unwrap().log;
        let error = loop {
            let sequence = log.next_sequence();
            if let Err(error) = log.append(head(sequence), &payload(1, sequence, LONGEST)) {
                break error;
            }
        };
        assert_eq!(error, AppendError::NoSpace);
        let next = log.next_sequence();
        for sequence in 0..next {
            assert_eq!(
                *log.read(sequence).unwrap().payload,
                payload(1, sequence, LONGEST)
            );
        }
        let opened = open_as(&disk, &root, OPTIONS, capacity).unwrap();
        assert_eq!(opened.log.next_sequence(), next);
        check_groups(&opened.groups, 1, 0, LONGEST);
    }
}

#[test]
fn a_group_that_found_no_space_is_the_only_one_that_may_follow_and_is_appended_once_there_is_some()
{
    for seed in 0..200 {
        let disk = SimulatedDisk::new();
        let root = root(&disk, &mut Dice(3));
        let mut log = open_as(&disk, &root, OPTIONS, seed).unwrap().log;
        log.append(head(0), &payload(1, 0, LONGEST)).unwrap();
        disk.set_faults(Faults {
            capacity: Some(9_000),
            ..Faults::default()
        });
        // Longer than a segment.
        let long = [seed as u8; 12_000];
        assert_eq!(log.append(head(1), &long), Err(AppendError::NoSpace));
        for _ in 0..3 {
            assert_eq!(log.append(head(1), b"another"), Err(AppendError::Closed));
            assert_eq!(log.append_again(), Err(AppendError::NoSpace));
        }
        disk.set_faults(Faults::default());
        assert_eq!(log.append_again(), Ok(1));
        assert_eq!(log.append_again(), Err(AppendError::Closed));
        assert_eq!(log.append(head(2), b"next"), Ok(2));
        let opened = open_as(&disk.crash(seed), &root, OPTIONS, seed).unwrap();
        assert_eq!(opened.groups.len(), 3);
        assert_eq!(*opened.groups[1].payload, long);
        assert_eq!(*opened.groups[2].payload, *b"next");
    }
}

#[test]
fn a_full_disk_leaves_the_old_snapshot_and_the_log_goes_on() {
    let disk = SimulatedDisk::new();
    let root = root(&disk, &mut Dice(3));
    let mut log = open_as(&disk, &root, OPTIONS, 1).unwrap().log;
    log.append(head(0), b"first").unwrap();
    let sealed = log
        .seal_snapshot(head(1), &[0; 9000], &mut |out| out.fill(1))
        .unwrap();
    disk.set_faults(Faults {
        capacity: Some(10_000),
        ..Faults::default()
    });
    assert_eq!(log.put_snapshot(&sealed), Err(StorageError::NoSpace));
    assert_eq!(log.append(head(1), b"second"), Ok(1));
    let opened = open_as(&disk, &root, OPTIONS, 2).unwrap();
    assert!(opened.snapshot == SnapshotState::Absent && opened.groups.len() == 2);
}
