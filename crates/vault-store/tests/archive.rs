//! The archive: what an honest disk crashes into, and what a host makes of it, is an error of the
//! very entries or costs nothing; a wrong leaf never comes out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs, unreachable_pub)]

mod support;

use support::{Dice, payload, root};
use vault_store::faulty::{Faults, SimulatedDisk};
use vault_store::{Archive, ArchiveFiles, BundleError, BundlePlace, StorageError, StoreRoot};

const COUNT: u32 = 4;
const LONGEST: u64 = 40;

fn place(bundle: u64) -> BundlePlace {
    BundlePlace {
        first: bundle * u64::from(COUNT),
        count: COUNT,
        root: [bundle as u8; 32],
    }
}

fn archive(disk: &SimulatedDisk, root: &StoreRoot) -> Archive<ArchiveFiles<SimulatedDisk>> {
    Archive::new(ArchiveFiles::new(disk.clone()), root)
}

fn put(
    disk: &SimulatedDisk,
    root: &StoreRoot,
    bundles: std::ops::Range<u64>,
    seed: u64,
) -> Result<(), StorageError> {
    let mut dice = Dice(seed);
    let payloads: Vec<_> = bundles
        .map(|bundle| (place(bundle), payload(7, bundle, LONGEST)))
        .collect();
    let bundles = payloads
        .iter()
        .map(|(place, payload)| (*place, payload.as_slice()));
    archive(disk, root).put(bundles, &mut |out| dice.fill(out))
}

/// Whether the bundle is there; if anything comes out, it is the right one.
fn reads(disk: &SimulatedDisk, root: &StoreRoot, bundle: u64) -> Result<(), BundleError> {
    let found = archive(disk, root).get(&place(bundle))?;
    assert_eq!(*found, payload(7, bundle, LONGEST), "bundle {bundle}");
    Ok(())
}

fn store() -> (SimulatedDisk, StoreRoot) {
    let disk = SimulatedDisk::new();
    let root = root(&disk, &mut Dice(1));
    (disk, root)
}

#[test]
fn every_bundle_is_read_back_from_every_volume_and_no_other_is() {
    let (disk, root) = store();
    // More than one volume in one call, and calls that go on where the one before ended.
    put(&disk, &root, 0..600, 1).unwrap();
    put(&disk, &root, 600..601, 2).unwrap();
    put(&disk, &root, 601..640, 3).unwrap();
    let volumes = disk
        .names()
        .into_iter()
        .filter(|name| name.ends_with(".arc"));
    assert_eq!(volumes.count(), 5);
    for bundle in 0..640 {
        assert_eq!(reads(&disk, &root, bundle), Ok(()));
    }
    assert_eq!(
        reads(&disk, &root, 640),
        Err(BundleError::Absent { first: 2560 })
    );
    let other = BundlePlace {
        root: [9; 32],
        ..place(3)
    };
    assert_eq!(
        archive(&disk, &root).get(&other),
        Err(BundleError::Damaged { first: 12 })
    );
}

#[test]
fn each_flipped_bit_and_each_cut_costs_bundles_and_never_gives_a_wrong_one() {
    let (disk, root) = store();
    put(&disk, &root, 0..6, 1).unwrap();
    let name = "leaves-0000000000000000.arc";
    let good = disk.contents(name).unwrap();
    let lost = |bytes: &[u8]| {
        let disk = disk.copy();
        disk.overwrite(name, bytes);
        (0..6)
            .filter(|bundle| reads(&disk, &root, *bundle).is_err())
            .count()
    };
    assert_eq!(lost(&good), 0);
    for bit in 0..8 * good.len() {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let lost = lost(&bytes);
        assert!(lost > 0, "bit {bit} is not noticed");
        // Behind the table a bit belongs to one bundle.
        assert!(lost == 1 || bit < 8 * (24 + 6 * 8), "bit {bit}: {lost}");
    }
    for length in 0..good.len() {
        assert!(lost(&good[..length]) > 0, "cut at {length}");
    }
    println!("{} bits, {} cuts", 8 * good.len(), good.len());
}

#[test]
fn bundles_that_change_places_or_stores_are_refused() {
    let (disk, root) = store();
    put(&disk, &root, 0..1, 1).unwrap();
    put(&disk, &root, 1..2, 2).unwrap();
    let (one, other) = ("leaves-0000000000000000.arc", "leaves-0000000000000004.arc");
    let (first, second) = (disk.contents(one).unwrap(), disk.contents(other).unwrap());
    let header = |bytes: &[u8]| bytes[..32].to_vec();
    let body = |bytes: &[u8]| bytes[32..].to_vec();
    // Whole files, and one bundle under the header of the other one.
    let second_as_first = [
        header(&first)[..24].to_vec(),
        header(&second)[24..].to_vec(),
        body(&second),
    ];
    for bytes in [second.clone(), second_as_first.concat()] {
        let disk = disk.copy();
        disk.overwrite(one, &bytes);
        assert!(reads(&disk, &root, 0).is_err());
        assert_eq!(reads(&disk, &root, 1), Ok(()));
    }
    // A bundle of a twin: the same vault, the same leaves, another store.
    let twin = SimulatedDisk::new();
    let twin_root = support::root(&twin, &mut Dice(2));
    put(&twin, &twin_root, 0..1, 1).unwrap();
    disk.overwrite(one, &twin.contents(one).unwrap());
    assert_eq!(
        reads(&disk, &root, 0),
        Err(BundleError::Damaged { first: 0 })
    );
    disk.remove(one);
    assert_eq!(
        reads(&disk, &root, 0),
        Err(BundleError::Absent { first: 0 })
    );
}

#[test]
fn what_was_put_survives_every_crash_and_a_volume_is_replaced_whole_or_not_at_all() {
    let mut interrupted = 0;
    for (cut, seed) in (1..40).flat_map(|cut| (0..40).map(move |seed| (cut, seed))) {
        let (disk, root) = store();
        disk.set_faults(Faults {
            cut_power: Some(cut),
            ignore_sync_names: seed % 2 == 1,
            ..Faults::default()
        });
        let mut kept = 0;
        // Each replaces the volume before it by one that is longer.
        for end in [3, 5, 9] {
            if put(&disk, &root, 0..end, seed).is_err() {
                interrupted += 1;
                break;
            }
            kept = end;
        }
        let disk = disk.crash(seed);
        for bundle in 0..kept {
            assert_eq!(
                reads(&disk, &root, bundle),
                Ok(()),
                "cut {cut}, seed {seed}"
            );
        }
        for bundle in kept..9 {
            // There or not, and if there, whole.
            let _ = reads(&disk, &root, bundle);
        }
    }
    assert!(interrupted > 500, "{interrupted}");
}

#[test]
fn without_syncs_the_same_crashes_lose_bundles() {
    let lost = (0..100).filter(|seed| {
        let (disk, root) = store();
        disk.set_faults(Faults {
            ignore_sync: true,
            ..Faults::default()
        });
        put(&disk, &root, 0..9, *seed).unwrap();
        let disk = disk.crash(*seed);
        (0..9).any(|bundle| reads(&disk, &root, bundle).is_err())
    });
    assert!(lost.count() > 50);
}

#[test]
fn a_full_disk_refuses_a_volume_and_keeps_what_is_there() {
    let (disk, root) = store();
    put(&disk, &root, 0..5, 1).unwrap();
    disk.set_faults(Faults {
        capacity: Some(2_000),
        ..Faults::default()
    });
    assert_eq!(put(&disk, &root, 0..300, 2), Err(StorageError::NoSpace));
    for bundle in 0..5 {
        assert_eq!(reads(&disk, &root, bundle), Ok(()));
    }
}

#[test]
fn nothing_that_is_archived_is_readable_on_the_disk() {
    let (disk, root) = store();
    let mut dice = Dice(4);
    let leaf = b"{\"handle\":\"k-aaaa\"}".repeat(3);
    archive(&disk, &root)
        .put([(place(0), leaf.as_slice())], &mut |out| dice.fill(out))
        .unwrap();
    for name in disk.names() {
        let bytes = disk.contents(&name).unwrap();
        assert!(!bytes.windows(8).any(|window| window == b"\"handle\""));
    }
    assert_eq!(*archive(&disk, &root).get(&place(0)).unwrap(), leaf);
}
