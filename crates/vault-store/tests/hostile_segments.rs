//! Segments that were made to cost: headers of frames everywhere, each claiming what the others do. They are
//! damaged, at the price of a few times their length; what a crash leaves behind never is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs, unreachable_pub)]

mod support;

use support::{Dice, check_groups, head, open_as, payload, root};
use vault_store::faulty::SimulatedDisk;
use vault_store::{SegmentFiles, SegmentOptions, StorageError};

const BLOCK: usize = 64;
const SEGMENT: usize = 1 << 20;
const OPTIONS: SegmentOptions = SegmentOptions {
    segment: SEGMENT as u32,
    block: BLOCK as u32,
};
const NAME: &str = "log-00000000.seg";
const SEED: u64 = 5;

/// Headers at every block from `from`, all of which claim everything up to the end.
fn claim_everything(file: &mut [u8], from: usize) {
    let end = file.len();
    for at in (from..end).step_by(BLOCK) {
        let length = u32::try_from(end - at - 32).unwrap();
        file[at..at + 4].copy_from_slice(b"EVF\x01");
        file[at + 4..at + 8].copy_from_slice(&length.to_be_bytes());
    }
}

fn opened(disk: &SimulatedDisk) -> Result<(), StorageError> {
    SegmentFiles::open(disk.clone(), OPTIONS).map(drop)
}

/// Groups as long as told.
fn store(groups: u64, longest: u64) -> (SimulatedDisk, vault_store::StoreRoot) {
    let disk = SimulatedDisk::new();
    let root = root(&disk, &mut Dice(1));
    let mut log = open_as(&disk, &root, OPTIONS, 2).unwrap().log;
    for sequence in 0..groups {
        let payload = payload(SEED, sequence, longest);
        assert_eq!(log.append(head(sequence), &payload), Ok(sequence));
    }
    (disk, root)
}

#[test]
fn headers_that_all_claim_the_rest_of_a_file_are_a_damaged_segment() {
    let damaged = Err(StorageError::DamagedSegment { segment: 0 });
    let (disk, _) = store(3, 200);
    let good = disk.contents(NAME).unwrap();
    assert_eq!(good.len(), SEGMENT);
    let used = good.iter().rposition(|byte| *byte != 0).unwrap();
    let mut behind = good.clone();
    claim_everything(&mut behind, used.next_multiple_of(BLOCK));
    let mut alone = vec![0; SEGMENT];
    claim_everything(&mut alone, BLOCK);
    for file in [behind, alone] {
        disk.overwrite(NAME, &file);
        assert_eq!(opened(&disk), damaged);
    }
    disk.overwrite(NAME, &good);
    assert_eq!(opened(&disk), Ok(()));
}

#[test]
fn a_group_as_long_as_its_segment_is_a_torn_end_wherever_it_is_torn() {
    let longest = SEGMENT as u64 / 2;
    let (disk, root) = store(1, longest);
    let good = disk.contents(NAME).unwrap();
    let used = good.iter().rposition(|byte| *byte != 0).unwrap();
    let torn = (2 * BLOCK..used).step_by(used / 50);
    for at in torn.map(|at| at / BLOCK * BLOCK) {
        let mut file = good.clone();
        file[at..].fill(0);
        disk.overwrite(NAME, &file);
        let opened = open_as(&disk, &root, OPTIONS, 3).unwrap();
        assert!(opened.groups.is_empty(), "torn at {at}");
    }
    disk.overwrite(NAME, &good);
    let opened = open_as(&disk, &root, OPTIONS, 3).unwrap();
    assert_eq!(opened.groups.len(), 1);
    check_groups(&opened.groups, SEED, 0, longest);
}
