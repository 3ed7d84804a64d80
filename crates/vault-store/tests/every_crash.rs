//! T-CRASH (a), complete: power fails before every call of short histories, and every state that this can
//! leave is opened: each subset of the sectors that were not synced, torn in their middle or turned to
//! noise, and each prefix of the changes of names.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs, unreachable_pub)]

mod support;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use support::{Dice, Log, head, open_as, platform};
use vault_store::faulty::{Faults, SimulatedDisk, Tearing};
use vault_store::{
    RootState, SealedSnapshot, SegmentOptions, SnapshotState, StoreRoot, read_root, write_root,
};

/// A block is a sector: what a torn write can damage. Four groups of one sector fill a segment.
const OPTIONS: SegmentOptions = SegmentOptions {
    segment: 2560,
    block: 512,
};
/// Far above what any of these histories leaves of one file.
const MOST: usize = 1 << 16;

/// One thing that a vault does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// A group of so many bytes.
    Append(usize),
    /// A snapshot: sealed, its entry appended, and then stored.
    Snapshot,
    /// The planted bug: stored, and its entry appended then.
    SnapshotBeforeItsEntry,
    /// Governance changes what the root holds beside the key.
    Reseal,
    /// The process ends and another one opens the store; power does not fail.
    Restart,
}
use Step::{Append, Reseal, Restart, Snapshot, SnapshotBeforeItsEntry};

/// What must be there.
#[derive(Clone, Debug, Default)]
struct Promise {
    /// Payloads of groups, acknowledged or under way.
    groups: Vec<Vec<u8>>,
    acknowledged: usize,
    /// What the root may hold beside the key: the acknowledged one first, perhaps one under way.
    roots: Vec<Vec<u8>>,
    root_acknowledged: bool,
}

/// A vault that keeps count of what it may promise.
struct Vault {
    disk: SimulatedDisk,
    promise: Promise,
    root: Option<StoreRoot>,
    log: Option<Log>,
    dice: Dice,
}

type Done = Option<()>;

impl Vault {
    fn new(disk: &SimulatedDisk) -> Self {
        Self {
            disk: disk.clone(),
            promise: Promise::default(),
            root: None,
            log: None,
            dice: Dice(7),
        }
    }

    /// `None` from the call on in which power fails.
    fn run(&mut self, history: &[Step]) -> Done {
        self.seal_root(b"first")?;
        self.restart()?;
        history.iter().try_for_each(|step| self.step(*step))
    }

    fn step(&mut self, step: Step) -> Done {
        match step {
            Append(length) => {
                let number = self.promise.groups.len() as u8;
                self.append(vec![number ^ 0x5a; length])
            }
            Snapshot => {
                let sealed = self.seal_snapshot();
                self.append(sealed.hash().to_vec())?;
                self.log.as_mut()?.put_snapshot(&sealed).ok()
            }
            SnapshotBeforeItsEntry => {
                let sealed = self.seal_snapshot();
                self.log.as_mut()?.put_snapshot(&sealed).ok()?;
                self.append(sealed.hash().to_vec())
            }
            Reseal => {
                self.log = None;
                self.seal_root(b"second")?;
                self.restart()
            }
            Restart => self.restart(),
        }
    }

    fn seal_root(&mut self, payload: &[u8]) -> Done {
        self.promise.roots.push(payload.to_vec());
        let dice = &mut self.dice;
        let mut root = self.root.take().unwrap_or_else(|| {
            StoreRoot::generate([9; 32], Vec::new().into(), &mut |out| dice.fill(out))
        });
        root.payload = payload.to_vec().into();
        let root = self.root.insert(root);
        let sealed = write_root(&mut self.disk, &platform(1), root, &mut |out| {
            dice.fill(out)
        });
        sealed.ok()?;
        self.promise.roots.drain(..self.promise.roots.len() - 1);
        self.promise.root_acknowledged = true;
        Some(())
    }

    fn restart(&mut self) -> Done {
        let seed = self.dice.next();
        let log = open_as(&self.disk, self.root.as_ref()?, OPTIONS, seed)
            .ok()?
            .log;
        // What was read once may have been acted on: from now on it stays.
        self.promise.acknowledged = log.next_sequence() as usize;
        self.promise.groups.truncate(self.promise.acknowledged);
        self.log = Some(log);
        Some(())
    }

    fn append(&mut self, payload: Vec<u8>) -> Done {
        let sequence = self.promise.groups.len() as u64;
        self.promise.groups.push(payload.clone());
        self.log
            .as_mut()?
            .append(head(sequence), &payload)
            .ok()
            .map(|number| self.promise.acknowledged = number as usize + 1)
    }

    fn seal_snapshot(&mut self) -> SealedSnapshot {
        let log = self.log.as_ref().unwrap();
        let next = log.next_sequence();
        let dice = &mut self.dice;
        let state = format!("state before group {next}");
        log.seal_snapshot(head(next), state.as_bytes(), &mut |out| dice.fill(out))
            .unwrap()
    }
}

/// What a crash broke.
type Broken = String;

/// Opens a disk as a new process would, and holds what it finds to the promise; then goes on with it.
fn judge(disk: &SimulatedDisk, promise: &Promise) -> Result<(), Broken> {
    let root = match read_root(&mut disk.clone(), &platform(1)) {
        Ok(RootState::Present(root)) => root,
        Ok(RootState::FirstBoot) if !promise.root_acknowledged => return Ok(()),
        Ok(RootState::FirstBoot) => return Err("the root is lost".into()),
        Err(error) => return Err(format!("the root does not open: {error}")),
    };
    if !promise
        .roots
        .iter()
        .any(|payload| *payload == *root.payload)
    {
        return Err("the root holds what nobody sealed".into());
    }
    let found = hold(disk, &root, promise)?;
    // A second process opens what the first one has found, and goes on.
    let mut log = open_as(disk, &root, OPTIONS, 11)
        .map_err(|error| format!("does not open twice: {error}"))?
        .log;
    log.append(head(found as u64), b"goes on")
        .map_err(|error| format!("does not go on: {error}"))?;
    let mut later = promise.clone();
    later.groups.truncate(found);
    later.groups.push(b"goes on".to_vec());
    later.acknowledged = found + 1;
    hold(disk, &root, &later).map(drop)
}

/// The number of groups, which are exactly those of the promise.
fn hold(disk: &SimulatedDisk, root: &StoreRoot, promise: &Promise) -> Result<usize, Broken> {
    let mut opened =
        open_as(disk, root, OPTIONS, 3).map_err(|error| format!("does not open: {error}"))?;
    let next = opened.log.next_sequence() as usize;
    if next < promise.acknowledged || next > promise.groups.len() {
        return Err(format!("{next} groups of {}", promise.acknowledged));
    }
    for sequence in 0..next {
        let group = opened.log.read(sequence as u64);
        let group = group.map_err(|error| format!("group {sequence}: {error}"))?;
        if *group.payload != promise.groups[sequence] || group.tree_before != head(sequence as u64)
        {
            return Err(format!("group {sequence} is another one"));
        }
    }
    match opened.snapshot {
        SnapshotState::Absent => Ok(next),
        SnapshotState::Damaged => Err("a snapshot is replaced whole or not at all".into()),
        SnapshotState::Present {
            sequence,
            hash,
            payload,
            ..
        } => {
            if *payload != format!("state before group {sequence}").into_bytes() {
                return Err("the snapshot is another one".into());
            }
            // The entry that commits to it is the group behind it.
            match opened.groups.first() {
                Some(group) if *group.payload == hash => Ok(next),
                _ => Err("a snapshot that the log does not commit to".into()),
            }
        }
    }
}

/// What was enumerated.
#[derive(Clone, Copy, Default, Debug)]
struct Counted {
    points: usize,
    states: usize,
}

/// All different states that were judged under one promise, by their hash.
#[derive(Default)]
struct Seen(HashSet<u64>);

impl Seen {
    fn is_new(&mut self, disk: &SimulatedDisk, promise: &Promise) -> bool {
        let mut hasher = DefaultHasher::new();
        (promise.acknowledged, promise.groups.len(), &promise.roots).hash(&mut hasher);
        promise.root_acknowledged.hash(&mut hasher);
        for name in disk.names() {
            (&name, disk.contents(&name)).hash(&mut hasher);
        }
        self.0.insert(hasher.finish())
    }
}

/// Power fails before each call of a history; all that this can leave is judged.
fn each_crash(
    options: Faults,
    history: &[Step],
    mut judge: impl FnMut(&SimulatedDisk, &Promise) -> Result<usize, Broken>,
) -> Result<Counted, Broken> {
    let (mut counted, mut seen) = (Counted::default(), Seen::default());
    for cut in 1.. {
        let disk = SimulatedDisk::new();
        let cut_power = Some(cut);
        disk.set_faults(Faults {
            cut_power,
            ..options
        });
        let mut vault = Vault::new(&disk);
        let survived = vault.run(history).is_some();
        counted.points += 1;
        for left in disk.survivors(Tearing::Within, MOST).unwrap() {
            if seen.is_new(&left, &vault.promise) {
                let judged = judge(&left, &vault.promise);
                counted.states += judged.map_err(|broken| format!("call {cut}: {broken}"))?;
            }
        }
        if survived {
            break;
        }
    }
    Ok(counted)
}

fn alone(disk: &SimulatedDisk, promise: &Promise) -> Result<usize, Broken> {
    judge(disk, promise).map(|()| 1)
}

/// What a crash left, and then what power failing again leaves, before each call of the process that opens it and
/// appends a group.
fn twice(disk: &SimulatedDisk, promise: &Promise) -> Result<usize, Broken> {
    let Ok(RootState::Present(_)) = read_root(&mut disk.clone(), &platform(1)) else {
        return Ok(0);
    };
    let (mut states, mut seen) = (0, Seen::default());
    for cut in 1.. {
        let disk = disk.copy();
        disk.set_faults(Faults {
            cut_power: Some(cut),
            ..Faults::default()
        });
        let mut vault = Vault::new(&disk);
        vault.promise = promise.clone();
        vault.root = match read_root(&mut disk.clone(), &platform(1)) {
            Ok(RootState::Present(root)) => Some(root),
            _ => return Err("the root is lost".into()),
        };
        let survived = vault.restart().and_then(|()| vault.step(Append(10)));
        for left in disk.survivors(Tearing::Whole, MOST).unwrap() {
            if seen.is_new(&left, &vault.promise) {
                judge(&left, &vault.promise).map_err(|broken| format!("again {cut}: {broken}"))?;
                states += 1;
            }
        }
        if survived.is_some() {
            return Ok(states);
        }
    }
    Ok(states)
}

/// Few steps each, so that all of it takes seconds.
fn histories() -> Vec<(&'static str, Vec<Step>)> {
    vec![
        ("a few groups", vec![Append(10), Append(600), Append(0)]),
        (
            "a segment is filled and another one begun",
            vec![Append(10); 6],
        ),
        (
            "snapshots, one in the place of another",
            vec![Append(10), Snapshot, Append(10), Snapshot, Append(10)],
        ),
        (
            "a snapshot while a segment is begun",
            vec![Append(10), Append(10), Append(10), Snapshot, Append(10)],
        ),
        (
            "the root is replaced between groups",
            vec![Append(10), Reseal, Append(10)],
        ),
        (
            "restarts in the first segment and in the second",
            vec![
                Restart,
                Append(10),
                Restart,
                Append(900),
                Append(900),
                Restart,
                Append(10),
            ],
        ),
        // The last one: it leaves more states than all others.
        (
            "a group that needs a segment of its own size",
            vec![Append(10), Append(2500), Append(10)],
        ),
    ]
}

const NAMES: [Faults; 2] = {
    let synced = Faults {
        ignore_sync: false,
        ignore_sync_names: false,
        sync_before_write: false,
        fail_sync: None,
        fail_write: None,
        cut_power: None,
        capacity: None,
    };
    let ignored = Faults {
        ignore_sync_names: true,
        ..synced
    };
    [synced, ignored]
};

#[test]
fn every_crash_of_every_short_history_leaves_what_was_acknowledged() {
    let mut all = Counted::default();
    for faults in NAMES {
        for (name, history) in histories() {
            let counted = each_crash(faults, &history, alone);
            let Counted { points, states } =
                counted.unwrap_or_else(|broken| panic!("{name}: {broken}"));
            println!("{name}: {states} states after {points} crash points");
            all.points += points;
            all.states += states;
        }
    }
    let Counted { points, states } = all;
    println!("T-CRASH (a): {states} states after {points} crash points, nothing lost");
    assert!(points > 400 && states > 20_000, "{all:?}");
}

#[test]
fn every_crash_while_what_a_crash_left_is_opened_leaves_it_too() {
    let mut all = Counted::default();
    let mut histories = histories();
    histories.pop();
    for (name, history) in histories {
        let counted = each_crash(Faults::default(), &history, twice);
        let Counted { points, states } =
            counted.unwrap_or_else(|broken| panic!("{name}: {broken}"));
        all.points += points;
        all.states += states;
    }
    let Counted { points, states } = all;
    println!("T-CRASH (a), twice: {states} states, {points} crash points before the first crash");
    assert!(states > 10_000, "{all:?}");
}

#[test]
fn every_crash_after_a_restart_on_a_disk_that_failed_a_sync_leaves_what_was_acknowledged() {
    let history = [Append(10), Append(600), Snapshot, Append(10), Append(10)];
    let (mut failures, mut states) = (0, 0);
    for (faults, fail) in NAMES
        .into_iter()
        .flat_map(|f| (1..).map_while(move |n| (n < 40).then_some((f, n))))
    {
        for cut in 1.. {
            let disk = SimulatedDisk::new();
            disk.set_faults(Faults {
                fail_sync: Some(fail),
                ..faults
            });
            let mut vault = Vault::new(&disk);
            if vault.run(&history).is_some() || !vault.promise.root_acknowledged {
                break;
            }
            failures += usize::from(cut == 1);
            disk.set_faults(Faults {
                cut_power: Some(cut),
                ..faults
            });
            let survived = vault.restart().and_then(|()| vault.step(Append(10)));
            for left in disk.survivors(Tearing::Whole, MOST).unwrap() {
                let judged = judge(&left, &vault.promise);
                judged.unwrap_or_else(|broken| panic!("sync {fail}, call {cut}: {broken}"));
                states += 1;
            }
            if survived.is_some() {
                break;
            }
        }
    }
    println!("T-FSYNC: {failures} failed syncs, a restart without power failing, {states} states");
    assert!(failures > 20 && states > 1_000, "{failures} {states}");
}

/// The suite over a program with a bug in it: what it finds.
fn planted(faults: Faults, history: &[Step]) -> Broken {
    let found = each_crash(faults, history, alone);
    found.expect_err("the suite would not notice")
}

#[test]
fn the_same_suite_fails_on_each_planted_bug() {
    let appends = [Append(10), Append(10)];
    let without = Faults {
        ignore_sync: true,
        ..Faults::default()
    };
    println!("no sync: {}", planted(without, &appends));
    let before = Faults {
        sync_before_write: true,
        ..Faults::default()
    };
    println!("sync before write: {}", planted(before, &appends));
    let early = [Append(10), SnapshotBeforeItsEntry];
    let broken = planted(Faults::default(), &early);
    println!("snapshot before its entry: {broken}");
    assert!(broken.contains("does not commit to"), "{broken}");
}
