//! A log of very many segments, and an archive of very many volumes, in a real folder: the process has few
//! files of them open.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::path::Path;
use vault_store::{
    Archive, ArchiveFiles, BundlePlace, DirFiles, PlatformSeal, SealedLog, SegmentFiles,
    SegmentOptions, StoreRoot, TreeHead, write_root,
};
use zeroize::Zeroizing;

const SEGMENTS: u64 = 100;
const OPTIONS: SegmentOptions = SegmentOptions {
    segment: 1024,
    block: 512,
};

fn fill(out: &mut [u8]) {
    aws_lc_rs::rand::fill(out).unwrap();
}

/// Files of this folder that this process has open.
fn open_files(folder: &Path) -> usize {
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap();
    let targets = descriptors.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
    targets.filter(|target| target.starts_with(folder)).count()
}

fn open_log(folder: &Path, root: &StoreRoot) -> SealedLog<SegmentFiles<DirFiles>> {
    let storage = SegmentFiles::open(DirFiles::open(folder).unwrap(), OPTIONS).unwrap();
    SealedLog::open(storage, root, &mut fill).unwrap().log
}

#[test]
fn a_log_of_many_segments_and_an_archive_of_many_volumes_hold_few_files_open() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let root = StoreRoot::generate([9; 32], Zeroizing::new(vec![1]), &mut fill);
    let seal = PlatformSeal::new(Zeroizing::new([1; 32]));
    write_root(
        &mut DirFiles::open(&folder).unwrap(),
        &seal,
        &root,
        &mut fill,
    )
    .unwrap();
    let head = |size| TreeHead {
        size,
        root: [1; 32],
    };

    let mut log = open_log(&folder, &root);
    for sequence in 0..SEGMENTS {
        log.append(head(sequence), &[7; 300]).unwrap();
    }
    assert!(open_files(&folder) <= 16, "{}", open_files(&folder));
    drop(log);

    let mut log = open_log(&folder, &root);
    assert_eq!(log.next_sequence(), SEGMENTS);
    assert!(open_files(&folder) <= 16, "{}", open_files(&folder));
    for sequence in 0..SEGMENTS {
        assert_eq!(*log.read(sequence).unwrap().payload, [7; 300]);
    }
    log.append(head(SEGMENTS), b"the last").unwrap();
    assert!(open_files(&folder) <= 16, "{}", open_files(&folder));
    drop(log);

    let mut archive = Archive::new(ArchiveFiles::new(DirFiles::open(&folder).unwrap()), &root);
    for volume in 0..SEGMENTS {
        let place = BundlePlace {
            first: volume * 256,
            count: 256,
            root: [2; 32],
        };
        archive.put([(place, &b"leaves"[..])], &mut fill).unwrap();
        assert_eq!(*archive.get(&place).unwrap(), b"leaves");
    }
    assert!(open_files(&folder) <= 16, "{}", open_files(&folder));
}
