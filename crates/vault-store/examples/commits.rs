//! Durable commits as ratios: `cargo run --release -p vault-store --example commits -- DIR`.
//!
//! Not a test: the numbers are of the machine and the disk under DIR, and no test asserts them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;
use vault_store::{DirFiles, SealedLog, SegmentFiles, SegmentOptions, StoreRoot, TreeHead};

/// Bytes of a log record: leaf, salt and change of a signature.
const RECORD: usize = 900;
const COMMITS: u64 = 300;

fn main() {
    let directory = std::env::args().nth(1).expect("a directory to write to");
    let directory = Path::new(&directory);
    println!(
        "batch  sealed/raw  sealed/growing  records per second against batch 1  sealing share"
    );
    let mut single = None;
    for batch in [1, 64] {
        let bytes = batch * RECORD;
        let mut rounds: Vec<[f64; 4]> = (0..5)
            .map(|_| {
                [
                    sealed(directory, bytes),
                    raw(directory, bytes, true),
                    raw(directory, bytes, false),
                    seal_only(bytes),
                ]
            })
            .collect();
        let mut median = |column: usize| {
            rounds.sort_by(|a, b| a[column].total_cmp(&b[column]));
            rounds[rounds.len() / 2][column]
        };
        let (sealed, raw, growing, sealing) = (median(0), median(1), median(2), median(3));
        let records = batch as f64 / sealed;
        let base = *single.get_or_insert(records);
        println!(
            "{batch:5}  {:10.2}  {:14.2}  {:33.1}  {:12.3}",
            sealed / raw,
            sealed / growing,
            records / base,
            sealing / sealed,
        );
    }
    let (opening, reading, megabytes) = reopened(directory);
    println!(
        "opening {megabytes} MB against reading the files: {:.2}",
        opening / reading
    );
}

/// Seconds to open a store of large groups, seconds to read its files, and their size.
fn reopened(directory: &Path) -> (f64, f64, u64) {
    let directory = tempfile::tempdir_in(directory).unwrap();
    let files = || DirFiles::open(directory.path()).unwrap();
    let mut log = open(SegmentFiles::open(files(), SegmentOptions::default()).unwrap());
    (0..2000).for_each(|_| commit(&mut log, &[1; 64 * RECORD]));
    drop(log);
    let (mut bytes, start) = (0, Instant::now());
    for file in std::fs::read_dir(directory.path()).unwrap() {
        bytes += std::fs::read(file.unwrap().path()).unwrap().len() as u64;
    }
    let reading = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let log = open(SegmentFiles::open(files(), SegmentOptions::default()).unwrap());
    assert_eq!(log.next_sequence(), 2000);
    (start.elapsed().as_secs_f64(), reading, bytes / 1_000_000)
}

/// Seconds of one commit of the store.
fn sealed(directory: &Path, bytes: usize) -> f64 {
    let directory = tempfile::tempdir_in(directory).unwrap();
    let files = DirFiles::open(directory.path()).unwrap();
    let options = SegmentOptions {
        segment: 64 << 20,
        ..SegmentOptions::default()
    };
    let mut log = open(SegmentFiles::open(files, options).unwrap());
    let payload = vec![1; bytes];
    commit(&mut log, &payload);
    let start = Instant::now();
    (0..COMMITS).for_each(|_| commit(&mut log, &payload));
    start.elapsed().as_secs_f64() / COMMITS as f64
}

fn open<S: vault_store::Storage>(storage: S) -> SealedLog<S> {
    let mut fill = |out: &mut [u8]| out.fill(5);
    let root = StoreRoot::generate([1; 32], Vec::new().into(), &mut fill);
    SealedLog::open(storage, &root, &mut fill).unwrap().log
}

fn commit<S: vault_store::Storage>(log: &mut SealedLog<S>, payload: &[u8]) {
    log.append(
        TreeHead {
            size: 0,
            root: [0; 32],
        },
        payload,
    )
    .unwrap();
}

/// Seconds of one write and one `fdatasync`, in a file that is filled before or grows.
fn raw(directory: &Path, bytes: usize, filled: bool) -> f64 {
    let directory = tempfile::tempdir_in(directory).unwrap();
    let file = File::create(directory.path().join("raw")).unwrap();
    let extent = (bytes + 188).next_multiple_of(4096);
    let payload = vec![1; extent];
    if filled {
        let size = extent * (COMMITS as usize + 1);
        file.write_all_at(&vec![0; size], 0).unwrap();
        file.sync_all().unwrap();
    }
    let start = Instant::now();
    for number in 0..COMMITS {
        file.write_all_at(&payload, number * extent as u64).unwrap();
        file.sync_data().unwrap();
    }
    start.elapsed().as_secs_f64() / COMMITS as f64
}

/// Seconds of everything but the disk.
fn seal_only(bytes: usize) -> f64 {
    struct Nowhere;
    impl vault_store::Storage for Nowhere {
        fn append(&mut self, _: u64, _: &[u8]) -> Result<(), vault_store::StorageError> {
            Ok(())
        }
        fn read(
            &mut self,
            _: u64,
            _: &mut dyn FnMut(vault_store::StoredGroup<'_>) -> std::ops::ControlFlow<()>,
        ) -> Result<vault_store::Held, vault_store::StorageError> {
            Ok(vault_store::Held { first: 0 })
        }
        fn place_snapshot(&mut self, _: bool, _: &[u8]) -> Result<(), vault_store::StorageError> {
            Ok(())
        }
        fn remove_before(
            &mut self,
            _: u64,
        ) -> Result<vault_store::Held, vault_store::StorageError> {
            Ok(vault_store::Held { first: 0 })
        }
        fn stage_snapshot(&mut self, _: &[u8]) -> Result<(), vault_store::StorageError> {
            Ok(())
        }
        fn get_snapshot(
            &mut self,
            _: vault_store::SnapshotAge,
        ) -> Result<Option<Vec<u8>>, vault_store::StorageError> {
            Ok(None)
        }
    }
    let (mut log, payload) = (open(Nowhere), vec![1; bytes]);
    let start = Instant::now();
    (0..COMMITS).for_each(|_| commit(&mut log, &payload));
    start.elapsed().as_secs_f64() / COMMITS as f64
}
