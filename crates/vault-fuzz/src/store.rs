//! A store whose files were changed: refused, or exactly an earlier prefix. Never altered data. Of two stores: one that
//! is its log alone, and one with two snapshots whose oldest groups are gone.

use crate::golden::change;
use std::sync::LazyLock;
use vault_store::faulty::SimulatedDisk;
use vault_store::{
    SealedLog, SegmentFiles, SegmentOptions, SnapshotState, StoreRoot, TreeHead,
};
use zeroize::Zeroizing;

const GROUPS: u64 = 12;
const OPTIONS: SegmentOptions = SegmentOptions {
    segment: 1024,
    block: 64,
};

struct Store {
    root: StoreRoot,
    disk: SimulatedDisk,
}

/// Behind so many groups there are snapshots, and those before the first one's go.
const SNAPSHOTS: [u64; 2] = [5, 9];

static ALONE: LazyLock<Store> = LazyLock::new(|| made(&[]));
static SHORTENED: LazyLock<Store> = LazyLock::new(|| made(&SNAPSHOTS));

fn made(snapshots: &[u64]) -> Store {
    let payload = Zeroizing::new(b"payload".to_vec());
    let root = StoreRoot::generate([1; 32], payload, &mut |out| out.fill(7));
    let disk = SimulatedDisk::new();
    let files = SegmentFiles::open(disk.clone(), OPTIONS).expect("a store");
    let mut log = SealedLog::open(files, &root, &mut |out| out.fill(9))
        .expect("a log")
        .log;
    for size in 0..GROUPS {
        if snapshots.contains(&size) {
            let sealed = log.seal_snapshot(head(size), &state_of(size), &mut |out| out.fill(5));
            log.put_snapshot(&sealed.expect("sealed")).expect("space");
        }
        log.append(head(size), &payload_of(size)).expect("space");
    }
    if let Some(first) = snapshots.first() {
        log.remove_before(*first).expect("a disk");
    }
    Store {
        root,
        disk: disk.copy(),
    }
}

fn head(size: u64) -> TreeHead {
    TreeHead {
        size,
        root: [size as u8; 32],
    }
}

/// What the snapshot behind so many groups holds.
fn state_of(size: u64) -> Vec<u8> {
    vec![0x50 + size as u8; 100]
}

fn payload_of(sequence: u64) -> Vec<u8> {
    vec![sequence as u8; 10 + 20 * sequence as usize]
}

/// One input: which store and file, and how it is changed; the higher half of the modes are of the store with
/// snapshots.
pub fn run(data: &[u8]) {
    let Some((mode, body)) = data.split_first() else {
        return;
    };
    let store = match mode {
        128.. => &*SHORTENED,
        _ => &*ALONE,
    };
    let disk = store.disk.copy();
    let names = disk.names();
    let name = &names[usize::from(*mode / 2) % names.len()];
    let mut bytes = disk.contents(name).unwrap_or_default();
    if mode % 2 == 0 {
        change(&mut bytes, body);
    } else {
        bytes = body.to_vec();
    }
    disk.overwrite(name, &bytes);
    let Ok(files) = SegmentFiles::open(disk, OPTIONS) else {
        return;
    };
    if let Ok(opened) = SealedLog::open(files, &store.root, &mut |out| out.fill(11)) {
        let first = found(&opened.snapshot);
        for (sequence, group) in (first..).zip(&opened.groups) {
            assert_eq!(group.sequence, sequence);
            assert_eq!(*group.payload, payload_of(sequence));
            assert_eq!(group.tree_before.size, sequence);
        }
    }
}

/// A snapshot that is there is one of those that were made; the number of the first group behind it.
fn found(snapshot: &SnapshotState) -> u64 {
    let SnapshotState::Present {
        tree,
        sequence,
        payload,
        ..
    } = snapshot
    else {
        return 0;
    };
    assert!(SNAPSHOTS.contains(sequence), "nobody made this snapshot");
    assert_eq!((tree.size, &**payload), (*sequence, &state_of(*sequence)));
    *sequence
}
