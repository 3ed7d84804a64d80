//! A store whose files were changed: refused, or exactly an earlier prefix. Never altered data.

use std::sync::LazyLock;
use vault_store::faulty::SimulatedDisk;
use vault_store::{SealedLog, SegmentFiles, SegmentOptions, StoreRoot, TreeHead};
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

static STORE: LazyLock<Store> = LazyLock::new(|| {
    let payload = Zeroizing::new(b"payload".to_vec());
    let root = StoreRoot::generate([1; 32], payload, &mut |out| out.fill(7));
    let disk = SimulatedDisk::new();
    let files = SegmentFiles::open(disk.clone(), OPTIONS).expect("a store");
    let mut log = SealedLog::open(files, &root, &mut |out| out.fill(9))
        .expect("a log")
        .log;
    for size in 0..GROUPS {
        let head = TreeHead {
            size,
            root: [size as u8; 32],
        };
        log.append(head, &payload_of(size)).expect("space");
    }
    Store {
        root,
        disk: disk.copy(),
    }
});

fn payload_of(sequence: u64) -> Vec<u8> {
    vec![sequence as u8; 10 + 20 * sequence as usize]
}

/// One input.
pub fn run(data: &[u8]) {
    let Some((mode, body)) = data.split_first() else {
        return;
    };
    let disk = STORE.disk.copy();
    let names = disk.names();
    let name = &names[usize::from(*mode / 2) % names.len()];
    let mut bytes = disk.contents(name).unwrap_or_default();
    if mode % 2 == 0 {
        // Every three bytes are a place and what is put there.
        for edit in body.chunks_exact(3) {
            let at = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % bytes.len();
            bytes[at] ^= edit[2];
        }
    } else {
        bytes = body.to_vec();
    }
    disk.overwrite(name, &bytes);
    let Ok(files) = SegmentFiles::open(disk, OPTIONS) else {
        return;
    };
    let Ok(opened) = SealedLog::open(files, &STORE.root, &mut |out| out.fill(11)) else {
        return;
    };
    for (index, group) in opened.groups.iter().enumerate() {
        assert_eq!(group.sequence, index as u64);
        assert_eq!(*group.payload, payload_of(group.sequence));
        assert_eq!(group.tree_before.size, group.sequence);
    }
}
