//! A small store with known contents on a simulated disk.
#![allow(dead_code)]

use vault_store::faulty::SimulatedDisk;
use vault_store::{
    OpenError, Opened, OpenedGroup, PlatformSeal, RootState, SealedLog, SegmentFiles,
    SegmentOptions, StoreRoot, TreeHead, read_root, write_root,
};
use zeroize::Zeroizing;

pub type Log = SealedLog<SegmentFiles<SimulatedDisk>>;

/// SplitMix64, and the randomness of a vault.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn fill(&mut self, out: &mut [u8]) {
        out.iter_mut().for_each(|byte| *byte = self.next() as u8);
    }
}

pub fn platform(key: u8) -> PlatformSeal {
    PlatformSeal::new(Zeroizing::new([key; 32]))
}

/// What group `sequence` of store `seed` holds.
pub fn payload(seed: u64, sequence: u64, longest: u64) -> Vec<u8> {
    let mut dice = Dice(seed ^ sequence.wrapping_mul(0x1234_5678_9abc_def1));
    let mut bytes = vec![0; dice.below(longest + 1) as usize];
    dice.fill(&mut bytes);
    bytes
}

pub fn head(sequence: u64) -> TreeHead {
    TreeHead {
        size: sequence * 3,
        root: [sequence as u8; 32],
    }
}

/// The root of the store on this disk, made at its first boot.
pub fn root(disk: &SimulatedDisk, dice: &mut Dice) -> StoreRoot {
    let (mut files, platform) = (disk.clone(), platform(1));
    match read_root(&mut files, &platform).unwrap() {
        RootState::Present(root) => root,
        RootState::FirstBoot => {
            let seed = Zeroizing::new(b"identity seed".to_vec());
            let root = StoreRoot::generate([9; 32], seed, &mut |out| dice.fill(out));
            write_root(&mut files, &platform, &root, &mut |out| dice.fill(out)).unwrap();
            root
        }
    }
}

pub fn open_as(
    disk: &SimulatedDisk,
    root: &StoreRoot,
    options: SegmentOptions,
    seed: u64,
) -> Result<Opened<SegmentFiles<SimulatedDisk>>, OpenError> {
    let storage = SegmentFiles::open(disk.clone(), options)?;
    let mut dice = Dice(seed);
    SealedLog::open(storage, root, &mut |out| dice.fill(out))
}

/// Holds groups to be exactly the first ones of store `seed`, from `from`.
pub fn check_groups(groups: &[OpenedGroup], seed: u64, from: u64, longest: u64) {
    for (sequence, group) in (from..).zip(groups) {
        assert_eq!(group.sequence, sequence);
        assert_eq!(group.tree_before, head(sequence));
        assert_eq!(
            *group.payload,
            payload(seed, sequence, longest),
            "group {sequence}"
        );
    }
}
