//! Who may change a folder: the process that opened it last, by whatever handle, and nobody else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs, unreachable_pub)]

mod support;

use std::path::Path;
use support::{head, platform};
use vault_store::{
    AppendError, DirFiles, Files, SealedLog, SegmentFiles, SegmentOptions, SnapshotState,
    StorageError, StoreRoot, stage_snapshot, write_root,
};
use zeroize::Zeroizing;

type Log = SealedLog<SegmentFiles<DirFiles>>;

/// A segment has seven groups.
const OPTIONS: SegmentOptions = SegmentOptions {
    segment: 4096,
    block: 512,
};

fn fill(out: &mut [u8]) {
    aws_lc_rs::rand::fill(out).unwrap();
}

fn new_root() -> StoreRoot {
    StoreRoot::generate([9; 32], Zeroizing::new(vec![1]), &mut fill)
}

fn open(files: DirFiles, root: &StoreRoot) -> Log {
    let storage = SegmentFiles::open(files, OPTIONS).unwrap();
    SealedLog::open(storage, root, &mut fill).unwrap().log
}

fn open_at(folder: &Path, root: &StoreRoot) -> Log {
    open(DirFiles::open(folder).unwrap(), root)
}

fn reopen(folder: &Path, root: &StoreRoot) -> SnapshotState {
    let files = DirFiles::open(folder).unwrap();
    let storage = SegmentFiles::open(files, OPTIONS).unwrap();
    SealedLog::open(storage, root, &mut fill).unwrap().snapshot
}

fn append(log: &mut Log) -> Result<u64, AppendError> {
    log.append(head(log.next_sequence()), &[7; 300])
}

fn link_all(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        if file.file_type().unwrap().is_file() {
            std::fs::hard_link(file.path(), to.join(file.file_name())).unwrap();
        }
    }
}

#[test]
fn a_copy_by_hard_links_does_not_let_who_was_shut_out_go_on() {
    let (folder, root) = (tempfile::tempdir().unwrap(), new_root());
    let data = folder.path().join("data");
    let mut first = open_at(&data, &root);
    append(&mut first).unwrap();
    link_all(&data, &folder.path().join("copy"));
    let mut second = open_at(&data, &root);
    let shut_out = AppendError::Fatal(StorageError::ShutOut);
    assert_eq!(append(&mut first), Err(shut_out));
    append(&mut second).unwrap();
    assert_eq!(open_at(&data, &root).next_sequence(), 2);
}

#[test]
fn a_claim_that_is_another_ones_or_gone_ends_the_process() {
    let other = |path: &Path| std::fs::write(path, [0; 16]).unwrap();
    let empty = |path: &Path| std::fs::write(path, []).unwrap();
    let gone = |path: &Path| std::fs::remove_file(path).unwrap();
    let changes: [&dyn Fn(&Path); 3] = [&other, &empty, &gone];
    for change in changes {
        let (folder, root) = (tempfile::tempdir().unwrap(), new_root());
        let mut log = open_at(folder.path(), &root);
        append(&mut log).unwrap();
        change(&folder.path().join("log.open"));
        let shut_out = AppendError::Fatal(StorageError::ShutOut);
        assert_eq!(append(&mut log), Err(shut_out));
        assert_eq!(append(&mut log), Err(AppendError::Closed));
    }
}

#[test]
fn no_handle_of_a_process_that_was_shut_out_touches_what_the_other_one_makes() {
    let (folder, root) = (tempfile::tempdir().unwrap(), new_root());
    let files = DirFiles::open(folder.path()).unwrap();
    let mut old = files.beside();
    let mut first = open(files, &root);
    append(&mut first).unwrap();
    let at = head(first.next_sequence());
    let stale = first.seal_snapshot(at, b"state", &mut fill).unwrap();

    let files = DirFiles::open(folder.path()).unwrap();
    let mut new = files.beside();
    let mut second = open(files, &root);
    let at = head(second.next_sequence());
    let sealed = second.seal_snapshot(at, b"state", &mut fill).unwrap();
    stage_snapshot(&mut new, &sealed).unwrap();
    append(&mut second).unwrap();

    let shut_out = Err(StorageError::ShutOut);
    assert_eq!(stage_snapshot(&mut old, &stale), shut_out);
    let written = write_root(&mut old.beside(), &platform(1), &root, &mut fill);
    assert_eq!(written, Err(StorageError::ShutOut.into()));
    let staged = "snapshot.sealed.new";
    assert!(old.create(staged).is_err() && old.create_new("leaves.new").is_err());
    assert!(old.rename(staged, "snapshot.sealed").is_err() && old.remove(staged).is_err());
    assert!(!folder.path().join("root.sealed.new").exists());

    second.place_snapshot(&sealed).unwrap();
    append(&mut second).unwrap();
    let opened = reopen(folder.path(), &root);
    assert!(matches!(opened, SnapshotState::Present { hash, .. } if hash == sealed.hash()));
}

#[test]
fn a_snapshot_that_was_staged_by_somebody_else_is_not_placed() {
    let (folder, root) = (tempfile::tempdir().unwrap(), new_root());
    let files = DirFiles::open(folder.path()).unwrap();
    let mut beside = files.beside();
    let mut log = open(files, &root);
    append(&mut log).unwrap();
    let seal = |log: &Log| {
        let at = head(log.next_sequence());
        log.seal_snapshot(at, b"state", &mut fill).unwrap()
    };
    let good = seal(&log);
    append(&mut log).unwrap();
    log.put_snapshot(&good).unwrap();
    for staged in [None, Some(&[][..]), Some(&[1; 100])] {
        let sealed = seal(&log);
        stage_snapshot(&mut beside, &sealed).unwrap();
        append(&mut log).unwrap();
        let path = folder.path().join("snapshot.sealed.new");
        std::fs::remove_file(&path).unwrap();
        if let Some(bytes) = staged {
            std::fs::write(&path, bytes).unwrap();
        }
        let placed = log.place_snapshot(&sealed);
        assert_eq!(placed, Err(StorageError::NotStaged));
    }
    let (mine, other) = (seal(&log), seal(&log));
    stage_snapshot(&mut beside, &other).unwrap();
    append(&mut log).unwrap();
    assert_eq!(log.place_snapshot(&mine), Err(StorageError::NotStaged));
    let opened = reopen(folder.path(), &root);
    assert!(matches!(opened, SnapshotState::Present { hash, .. } if hash == good.hash()));
}

#[test]
fn a_segment_that_a_process_made_when_it_was_shut_out_is_made_again() {
    for (groups, left) in [(0, "log-00000000.seg"), (1, "log-00000001.seg")] {
        let (folder, root) = (tempfile::tempdir().unwrap(), new_root());
        let mut log = open_at(folder.path(), &root);
        for _ in 0..groups {
            append(&mut log).unwrap();
        }
        std::fs::write(folder.path().join(left), [1; 7]).unwrap();
        for _ in 0..9 {
            append(&mut log).unwrap();
        }
        assert_eq!(open_at(folder.path(), &root).next_sequence(), groups + 9);
    }
}
