//! The root blob: first boot, another machine, damage, absence; and files of this format for ever.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs, unreachable_pub)]

mod support;

use std::path::{Path, PathBuf};
use support::{Dice, head, open_as, payload, platform, root};
use vault_store::faulty::SimulatedDisk;
use vault_store::{
    AppendError, DirFiles, LockedReason, ReadError, RootError, RootState, SealedLog, SegmentFiles,
    SegmentOptions, SnapshotState, StorageError, StoreRoot, read_root, write_root,
};

const OPTIONS: SegmentOptions = SegmentOptions {
    segment: 4096,
    block: 512,
};

fn locked(disk: &SimulatedDisk, key: u8) -> LockedReason {
    match read_root(&mut disk.clone(), &platform(key)) {
        Err(RootError::Locked { reason }) => reason,
        Err(error) => panic!("{error}"),
        Ok(RootState::FirstBoot) => panic!("taken for a first boot"),
        Ok(RootState::Present(_)) => panic!("opened"),
    }
}

fn used_disk() -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    let root = root(&disk, &mut Dice(1));
    let mut log = open_as(&disk, &root, OPTIONS, 1).unwrap().log;
    log.append(head(0), b"genesis").unwrap();
    disk
}

#[test]
fn an_empty_directory_alone_is_a_first_boot() {
    let disk = SimulatedDisk::new();
    let first = read_root(&mut disk.clone(), &platform(1)).unwrap();
    assert!(matches!(first, RootState::FirstBoot));
    let disk = used_disk();
    let RootState::Present(root) = read_root(&mut disk.clone(), &platform(1)).unwrap() else {
        panic!()
    };
    assert_eq!(
        (root.vault_id, root.payload.as_slice()),
        ([9; 32], &b"identity seed"[..])
    );
}

#[test]
fn another_machine_or_measurement_is_locked_with_the_reason() {
    assert_eq!(locked(&used_disk(), 2), LockedReason::OtherPlatform);
}

#[test]
fn a_missing_root_is_locked_as_long_as_anything_of_the_store_is_there() {
    let disk = used_disk();
    disk.remove("root.sealed");
    assert_eq!(locked(&disk, 1), LockedReason::MissingRoot);
    disk.remove("log-00000000.seg");
    disk.overwrite("snapshot.sealed", b"");
    assert_eq!(locked(&disk, 1), LockedReason::MissingRoot);
}

#[test]
fn each_flipped_bit_and_each_cut_of_the_root_is_locked() {
    let disk = used_disk();
    let bytes = disk.contents("root.sealed").unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.clone();
            altered[at] ^= 1 << bit;
            disk.overwrite("root.sealed", &altered);
            let expected = match at {
                7 => LockedReason::UnknownFormat,
                8..24 => LockedReason::OtherPlatform,
                _ => LockedReason::DamagedRoot,
            };
            assert_eq!(locked(&disk, 1), expected, "byte {at}");
        }
        disk.overwrite("root.sealed", &bytes[..at]);
        assert_eq!(locked(&disk, 1), LockedReason::DamagedRoot, "cut at {at}");
    }
}

#[test]
fn nothing_that_was_sealed_is_readable_on_the_disk() {
    let disk = used_disk();
    for name in disk.names() {
        let bytes = disk.contents(&name).unwrap();
        for secret in [&b"genesis"[..], b"identity seed"] {
            assert!(
                !bytes.windows(secret.len()).any(|window| window == secret),
                "{name}"
            );
        }
    }
}

#[test]
fn two_boots_never_seal_the_same_group_alike() {
    let disk = used_disk();
    let root = root(&disk, &mut Dice(1));
    let sealed = |boot: u64| {
        let disk = disk.copy();
        let mut log = open_as(&disk, &root, OPTIONS, boot).unwrap().log;
        log.append(head(1), &[0; 64]).unwrap();
        disk.contents("log-00000000.seg").unwrap()
    };
    let (one, other) = (sealed(10), sealed(11));
    // The second group begins in the third block: frame header, group header, 64 bytes, tag.
    let body = 1024 + 32 + 140;
    let (one, other) = (&one[body..body + 64], &other[body..body + 64]);
    assert!(one.iter().zip(other).filter(|(a, b)| a == b).count() < 16);
}

#[test]
fn a_group_that_changes_under_an_open_store_is_an_error_of_its_read() {
    let disk = used_disk();
    let root = root(&disk, &mut Dice(1));
    let mut log = open_as(&disk, &root, OPTIONS, 1).unwrap().log;
    assert_eq!(log.read(0).unwrap().payload.as_slice(), b"genesis");
    assert!(matches!(log.read(1), Err(ReadError::NoSuchGroup(1))));
    let mut bytes = disk.contents("log-00000000.seg").unwrap();
    bytes[512 + 32 + 150] ^= 1;
    disk.overwrite("log-00000000.seg", &bytes);
    assert!(matches!(log.read(0), Err(ReadError::Damaged(0))));
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/store/v1")
}

/// Writes the store of format 1 where `UPDATE_VECTORS` is set; it is never written again.
fn write_golden() {
    let disk = SimulatedDisk::new();
    let root = root(&disk, &mut Dice(42));
    let mut log = open_as(&disk, &root, OPTIONS, 42).unwrap().log;
    for sequence in 0..9 {
        log.append(head(sequence), &payload(42, sequence, 300))
            .unwrap();
    }
    let sealed = log
        .seal_snapshot(head(9), b"golden state", &mut |out| out.fill(7))
        .unwrap();
    log.append(head(9), &sealed.hash()).unwrap();
    log.put_snapshot(&sealed).unwrap();
    std::fs::create_dir_all(golden()).unwrap();
    for name in disk.names() {
        std::fs::write(golden().join(&name), disk.contents(&name).unwrap()).unwrap();
    }
}

#[test]
fn a_store_of_format_1_opens_for_ever() {
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        write_golden();
    }
    let directory = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(golden()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), directory.path().join(file.file_name())).unwrap();
    }
    let mut files = DirFiles::open(directory.path()).unwrap();
    let RootState::Present(root) = read_root(&mut files, &platform(1)).unwrap() else {
        panic!()
    };
    assert_eq!(root.payload.as_slice(), b"identity seed");
    let storage = SegmentFiles::open(files, SegmentOptions::default()).unwrap();
    let mut opened = SealedLog::open(storage, &root, &mut |out| out.fill(3)).unwrap();
    let SnapshotState::Present {
        sequence: 9,
        payload: state,
        hash,
        ..
    } = opened.snapshot
    else {
        panic!()
    };
    assert_eq!(state.as_slice(), b"golden state");
    assert_eq!(opened.groups.len(), 1);
    assert_eq!(*opened.groups[0].payload, hash);
    for sequence in 0..9 {
        let group = opened.log.read(sequence).unwrap();
        assert_eq!(*group.payload, payload(42, sequence, 300));
        assert_eq!(group.tree_before, head(sequence));
    }
    assert_eq!(opened.log.append(head(10), b"goes on"), Ok(10));
}

#[test]
fn who_opens_a_store_shuts_out_the_process_that_had_it_open() {
    let directory = tempfile::tempdir().unwrap();
    let mut files = DirFiles::open(directory.path()).unwrap();
    let mut dice = Dice(5);
    let root = StoreRoot::generate([9; 32], Vec::new().into(), &mut |out| dice.fill(out));
    write_root(&mut files, &platform(1), &root, &mut |out| dice.fill(out)).unwrap();
    let mut open = || {
        let files = DirFiles::open(directory.path()).unwrap();
        let storage = SegmentFiles::open(files, SegmentOptions::default()).unwrap();
        SealedLog::open(storage, &root, &mut |out| dice.fill(out)).unwrap()
    };
    let mut first = open().log;
    assert_eq!(first.append(head(0), b"of the first"), Ok(0));
    let mut second = open();
    assert_eq!(second.groups.len(), 1);
    let shut_out = first.append(head(1), b"never acknowledged");
    assert!(
        matches!(shut_out, Err(AppendError::Fatal(StorageError::ShutOut))),
        "{shut_out:?}"
    );
    assert_eq!(second.log.append(head(1), b"of the second"), Ok(1));
    assert_eq!(open().groups.len(), 2);
}
