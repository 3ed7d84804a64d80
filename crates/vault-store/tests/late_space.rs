//! Disks that say with the sync or the rename that they are full, and disks that take a part first: each time it is an
//! answer, nothing that was acknowledged is lost, and with space the store goes on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs, unreachable_pub)]

mod support;

use std::io;
use std::sync::{Arc, Mutex};
use support::{Dice, head, root};
use vault_store::faulty::{Faults, SimulatedDisk};
use vault_store::{
    AppendError, Files, OpenError, Opened, SealedLog, SegmentFiles, SegmentOptions, SnapshotState,
    StorageError, StoreRoot, stage_snapshot,
};

const OPTIONS: SegmentOptions = SegmentOptions {
    segment: 8192,
    block: 512,
};
/// What was durable before is synced without space.
const SETTLED: &str = "log-00000000.seg";

#[derive(Clone, Copy, Default, Debug)]
struct Full {
    /// With the sync, as where space is allocated late.
    sync: bool,
    rename: bool,
    /// With the rename to this name.
    named: Option<&'static str>,
    /// Files end here: a write is short, and the next one fails.
    until: Option<u64>,
}

#[derive(Clone, Default)]
struct Late(SimulatedDisk, Arc<Mutex<Full>>);

impl Late {
    fn set(&self, full: Full) {
        *self.1.lock().unwrap() = full;
    }

    fn refuse(&self, is_full: impl Fn(&Full) -> bool) -> io::Result<()> {
        match is_full(&self.1.lock().unwrap()) {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }
}

impl Files for Late {
    fn list(&mut self) -> io::Result<Vec<String>> {
        self.0.list()
    }
    fn size(&mut self, name: &str) -> io::Result<Option<u64>> {
        self.0.size(name)
    }
    fn read_at(&mut self, name: &str, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_at(name, offset, buffer)
    }
    fn create(&mut self, name: &str) -> io::Result<()> {
        self.0.create(name)
    }
    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let until = self.1.lock().unwrap().until.unwrap_or(u64::MAX);
        let part = usize::try_from(until.saturating_sub(offset)).unwrap();
        if part < bytes.len() {
            self.0.write_at(name, offset, &bytes[..part])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.write_at(name, offset, bytes)
    }
    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.refuse(|full| full.sync && name != SETTLED)?;
        self.0.sync(name)
    }
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.refuse(|full| full.rename || full.named == Some(to))?;
        self.0.rename(from, to)
    }
    fn remove(&mut self, name: &str) -> io::Result<()> {
        Files::remove(&mut self.0, name)
    }
    fn sync_names(&mut self) -> io::Result<()> {
        self.0.sync_names()
    }
}

fn open(disk: &Late, root: &StoreRoot) -> Result<Opened<SegmentFiles<Late>>, OpenError> {
    let storage = SegmentFiles::open(disk.clone(), OPTIONS)?;
    SealedLog::open(storage, root, &mut |out| out.fill(7))
}

fn new() -> (Late, StoreRoot) {
    let disk = Late::default();
    let root = root(&disk.0, &mut Dice(3));
    (disk, root)
}

const SYNC: Full = Full {
    sync: true,
    rename: false,
    named: None,
    until: None,
};
const RENAME: Full = Full {
    sync: false,
    rename: true,
    named: None,
    until: None,
};

#[test]
fn a_store_opens_for_reading_and_takes_groups_when_there_is_space_again() {
    for full in [SYNC, RENAME] {
        let (disk, root) = new();
        let mut log = open(&disk, &root).unwrap().log;
        log.append(head(0), b"one").unwrap();
        drop(log);
        disk.set(full);
        let mut opened = open(&disk, &root).unwrap();
        assert_eq!(opened.groups.len(), 1, "{full:?}");
        assert_eq!(opened.log.make_room(), Ok(false), "{full:?}");
        let two = opened.log.append(head(1), b"two");
        assert_eq!(two, Err(AppendError::NoSpace), "{full:?}");
        disk.set(Full::default());
        assert_eq!(opened.log.append_again(), Ok(1), "{full:?}");
        assert_eq!(open(&disk, &root).unwrap().groups.len(), 2, "{full:?}");
    }
}

#[test]
fn a_snapshot_without_space_is_none_and_the_log_goes_on() {
    let (disk, root) = new();
    let mut log = open(&disk, &root).unwrap().log;
    log.append(head(0), b"one").unwrap();
    let sealed = log
        .seal_snapshot(head(1), b"state", &mut |out| out.fill(9))
        .unwrap();
    disk.set(SYNC);
    let staged = stage_snapshot(&mut disk.clone(), &sealed);
    assert_eq!(staged, Err(StorageError::NoSpace));
    disk.set(Full::default());
    log.append(head(1), b"two").unwrap();
    log.put_snapshot(&sealed).unwrap();
    assert_eq!(open(&disk, &root).unwrap().log.next_sequence(), 2);
}

#[test]
fn a_snapshot_that_finds_no_space_for_its_name_is_none_and_the_ones_before_stay() {
    let newest = "snapshot.sealed";
    for named in [newest, "snapshot.previous"] {
        let (disk, root) = new();
        let mut log = open(&disk, &root).unwrap().log;
        let mut snapshots = Vec::new();
        for sequence in 0..4 {
            log.append(head(sequence), b"group").unwrap();
            let at = head(sequence + 1);
            let sealed = log.seal_snapshot(at, b"state", &mut |out| out.fill(sequence as u8));
            snapshots.push(sealed.unwrap());
            let is_full = sequence == 2;
            disk.set(Full {
                named: Some(named).filter(|_| is_full),
                ..Full::default()
            });
            let put = log.put_snapshot(&snapshots[sequence as usize]);
            let expected = if is_full {
                Err(StorageError::NoSpace)
            } else {
                Ok(())
            };
            assert_eq!(put, expected, "{named}");
            disk.set(Full::default());
            assert!(
                disk.0
                    .contents("snapshot.sealed.new")
                    .is_none_or(|left| left.is_empty())
            );
            let reopened = open(&Late(disk.0.copy(), Arc::default()), &root).unwrap();
            let SnapshotState::Present { hash, .. } = reopened.snapshot else {
                panic!("{named}: none after {sequence}")
            };
            let stands = if is_full { 1 } else { sequence as usize };
            assert_eq!(hash, snapshots[stands].hash(), "{named}: after {sequence}");
        }
        // The one that is rotated is one that was placed.
        disk.0.remove(newest);
        let SnapshotState::Present { hash, .. } = open(&disk, &root).unwrap().snapshot else {
            panic!("{named}: no previous one")
        };
        assert_eq!(hash, snapshots[1].hash(), "{named}");
    }
}

#[test]
fn what_was_left_unfinished_takes_no_space_for_ever() {
    let (disk, root) = new();
    let mut log = open(&disk, &root).unwrap().log;
    log.append(head(0), b"one").unwrap();
    for name in ["snapshot.sealed.new", "leaves-0000000000000000.arc.new"] {
        disk.0.overwrite(name, &[1; 20_000]);
    }
    let taken: usize = disk
        .0
        .names()
        .iter()
        .map(|name| disk.0.contents(name).unwrap().len())
        .sum();
    disk.0.set_faults(Faults {
        capacity: Some(taken as u64),
        ..Faults::default()
    });
    let mut log = open(&disk, &root).unwrap().log;
    assert_eq!(log.make_room(), Ok(true));
    assert_eq!(log.append(head(1), b"two"), Ok(1));
    assert!(disk.0.names().iter().all(|name| !name.ends_with(".new")));
}

#[test]
fn the_next_segment_without_space_is_no_room_until_there_is_some() {
    let (disk, root) = new();
    let mut log = open(&disk, &root).unwrap().log;
    for sequence in 0..6 {
        log.append(head(sequence), &[1; 600]).unwrap();
    }
    disk.set(SYNC);
    for _ in 0..2 {
        assert_eq!(log.make_room(), Ok(false));
    }
    disk.set(Full::default());
    assert_eq!(log.make_room(), Ok(true));
    for sequence in 6..20 {
        log.append(head(sequence), &[1; 600]).unwrap();
    }
    assert_eq!(open(&disk, &root).unwrap().groups.len(), 20);
}

#[test]
fn a_segment_whose_length_is_not_there_is_no_room() {
    let (disk, root) = new();
    let mut log = open(&disk, &root).unwrap().log;
    log.append(head(0), b"one").unwrap();
    drop(log);
    let mut file = disk.0.contents(SETTLED).unwrap();
    file.truncate(2048);
    disk.0.overwrite(SETTLED, &file);
    disk.set(Full {
        until: Some(2048),
        ..Full::default()
    });
    let mut log = open(&disk, &root).unwrap().log;
    let appended = (1..).map(|sequence| log.append(head(sequence), &[1; 300]));
    let ended = appended.into_iter().find_map(Result::err);
    assert_eq!(ended, Some(AppendError::NoSpace));
}

#[test]
fn a_first_start_on_a_full_disk_has_no_room_and_begins_when_there_is_some() {
    let (disk, root) = new();
    disk.set(Full {
        until: Some(2048),
        ..Full::default()
    });
    for _ in 0..2 {
        let mut log = open(&disk, &root).unwrap().log;
        assert_eq!(log.make_room(), Ok(false));
        assert_eq!(log.append(head(0), b"boot"), Err(AppendError::NoSpace));
    }
    disk.set(Full::default());
    let mut log = open(&disk, &root).unwrap().log;
    assert_eq!(log.make_room(), Ok(true));
    assert_eq!(log.append(head(0), b"boot"), Ok(0));
    assert_eq!(open(&disk, &root).unwrap().groups.len(), 1);
}
