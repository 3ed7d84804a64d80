//! A disk that does not give a snapshot or a volume back: an error of reading costs no more than a damaged file does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs, unreachable_pub)]

mod support;

use std::io;
use support::{Dice, head, root};
use vault_store::faulty::SimulatedDisk;
use vault_store::{
    Archive, ArchiveFiles, BundleError, BundlePlace, Files, OpenError, Opened, Operation,
    SealedLog, SegmentFiles, SegmentOptions, SnapshotState, StorageError, StoreRoot,
};

const OPTIONS: SegmentOptions = SegmentOptions {
    segment: 4096,
    block: 512,
};
const NEWEST: &str = "snapshot.sealed";
const PREVIOUS: &str = "snapshot.previous";

/// Reading these files fails.
struct Worn(SimulatedDisk, &'static [&'static str]);

impl Files for Worn {
    fn list(&mut self) -> io::Result<Vec<String>> {
        self.0.list()
    }
    fn size(&mut self, name: &str) -> io::Result<Option<u64>> {
        self.0.size(name)
    }
    fn read_at(&mut self, name: &str, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        match self.1.contains(&name) {
            true => Err(io::Error::other("input/output error")),
            false => self.0.read_at(name, offset, buffer),
        }
    }
    fn create(&mut self, name: &str) -> io::Result<()> {
        self.0.create(name)
    }
    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(name, offset, bytes)
    }
    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.0.sync(name)
    }
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&mut self, name: &str) -> io::Result<()> {
        Files::remove(&mut self.0, name)
    }
    fn sync_names(&mut self) -> io::Result<()> {
        self.0.sync_names()
    }
}

fn open(
    disk: &SimulatedDisk,
    root: &StoreRoot,
    worn: &'static [&'static str],
) -> Result<Opened<SegmentFiles<Worn>>, OpenError> {
    let storage = SegmentFiles::open(Worn(disk.clone(), worn), OPTIONS)?;
    SealedLog::open(storage, root, &mut |out| out.fill(7))
}

/// Ten groups, and snapshots behind the third and behind the sixth.
fn written(removed: bool) -> (SimulatedDisk, StoreRoot) {
    let disk = SimulatedDisk::new();
    let root = root(&disk, &mut Dice(3));
    let mut log = open(&disk, &root, &[]).unwrap().log;
    assert!(!log.newest_is_good());
    for sequence in 0..10 {
        if [3, 6].contains(&sequence) {
            let sealed = log.seal_snapshot(head(sequence), b"state", &mut |out| out.fill(9));
            log.put_snapshot(&sealed.unwrap()).unwrap();
        }
        log.append(head(sequence), &[sequence as u8; 1000]).unwrap();
    }
    if removed {
        log.remove_before(3).unwrap();
        assert!(log.first_sequence() > 0);
    }
    assert!(log.newest_is_good());
    (disk, root)
}

fn snapshot_at(state: &SnapshotState) -> Option<u64> {
    match state {
        SnapshotState::Present { sequence, .. } => Some(*sequence),
        SnapshotState::Absent | SnapshotState::Damaged => None,
    }
}

#[test]
fn a_snapshot_that_cannot_be_read_is_damaged_and_the_one_before_or_the_log_stands_in() {
    for removed in [false, true] {
        let (disk, root) = written(removed);
        for (worn, from, good) in [
            (&[][..], 6, true),
            (&[PREVIOUS], 6, true),
            (&[NEWEST], 3, false),
        ] {
            let opened = open(&disk, &root, worn).unwrap();
            assert_eq!(snapshot_at(&opened.snapshot), Some(from), "{worn:?}");
            assert_eq!(opened.groups.len() as u64, 10 - from);
            assert_eq!(opened.log.newest_is_good(), good);
        }
        let both = open(&disk, &root, &[NEWEST, PREVIOUS]);
        match (removed, both) {
            (false, Ok(opened)) => {
                assert!(opened.snapshot == SnapshotState::Damaged);
                assert_eq!(opened.groups.len(), 10);
            }
            (true, Err(OpenError::MissingGroups { .. })) => {}
            _ => panic!("{removed}"),
        }
    }
}

#[test]
fn a_log_that_cannot_be_read_is_an_error_of_the_disk_and_of_no_bytes() {
    let (disk, root) = written(false);
    let error = open(&disk, &root, &["log-00000001.seg"]).err().unwrap();
    let of_reading = |error| {
        matches!(
            error,
            OpenError::Storage(StorageError::Io {
                operation: Operation::Read,
                ..
            })
        )
    };
    assert!(of_reading(error), "{error}");
}

#[test]
fn the_next_snapshot_never_takes_the_place_of_the_only_good_one() {
    let (disk, root) = written(true);
    let mut log = open(&disk, &root, &[NEWEST]).unwrap().log;
    let sealed = log.seal_snapshot(head(10), b"later", &mut |out| out.fill(11));
    log.put_snapshot(&sealed.unwrap()).unwrap();
    log.append(head(10), b"after").unwrap();
    for (worn, from) in [(&[][..], 10), (&[NEWEST], 3)] {
        let opened = open(&disk, &root, worn).unwrap();
        assert_eq!(snapshot_at(&opened.snapshot), Some(from));
    }
}

/// Leaves 4 to 7 stand in both volumes, leaves 0 to 3 in the older one alone.
fn overlapping() -> (SimulatedDisk, StoreRoot) {
    let disk = SimulatedDisk::new();
    let root = root(&disk, &mut Dice(3));
    let mut archive = Archive::new(ArchiveFiles::new(disk.clone()), &root);
    let bundles = [0, 1].map(|bundle| (place(bundle), &b"leaves"[..]));
    archive.put(bundles, &mut |out| out.fill(7)).unwrap();
    let [_, second] = bundles;
    archive.put([second], &mut |out| out.fill(8)).unwrap();
    (disk, root)
}

fn place(bundle: u64) -> BundlePlace {
    BundlePlace {
        first: bundle * 4,
        count: 4,
        root: [bundle as u8; 32],
    }
}

#[test]
fn a_volume_that_cannot_be_read_costs_no_bundle_that_another_one_holds() {
    const OLDER: &str = "leaves-0000000000000000.arc";
    const NEARER: &str = "leaves-0000000000000004.arc";
    let (disk, root) = overlapping();
    let error = StorageError::Io {
        operation: Operation::Read,
        kind: io::ErrorKind::Other,
    };
    let lost = Err(BundleError::Storage(error));
    let worn: [(&'static [&'static str], _); 4] = [
        (&[], [Ok(()), Ok(())]),
        (&[NEARER], [Ok(()), Ok(())]),
        (&[OLDER], [lost, Ok(())]),
        (&[OLDER, NEARER], [lost, lost]),
    ];
    for (worn, expected) in worn {
        let files = Worn(disk.clone(), worn);
        let mut archive = Archive::new(ArchiveFiles::new(files), &root);
        let read = [0, 1].map(|bundle| archive.get(&place(bundle)).map(drop));
        assert_eq!(read, expected, "{worn:?}");
    }
}
