//! Archived leaves: volumes whose bytes were changed, and bundles that the host makes up. What comes out is what
//! was put there, or an error.

use crate::golden::{Base, STORES, change, disk, root};
use std::sync::LazyLock;
use vault_core::{ArchivedLeaves, Vault};
use vault_store::faulty::SimulatedDisk;
use vault_store::{Archive, ArchiveFiles, BundleError, BundlePlace, StoreRoot};

const VOLUME: &str = "leaves-0000000000000000.arc";

struct Archived {
    disk: SimulatedDisk,
    root: StoreRoot,
    volume: Vec<u8>,
    bundles: Vec<(ArchivedLeaves, BundlePlace, Vec<u8>)>,
}

static ARCHIVED: LazyLock<Archived> = LazyLock::new(|| {
    let files = STORES[2];
    let base = Base::open(files);
    let vault = base.boot(base.snapshot.clone(), &base.groups).expect("a start");
    let (disk, root) = (disk(files), root(&disk(files)));
    let mut archive = Archive::new(ArchiveFiles::new(disk.copy()), &root);
    let bundles = bundles(&vault).map(|(leaves, place)| {
        let payload = archive.get(&place).expect("a bundle").to_vec();
        assert!(leaves.open(Some(&payload)).is_ok());
        (leaves, place, payload)
    });
    let bundles: Vec<_> = bundles.collect();
    assert!(bundles.len() > 1);
    Archived {
        volume: disk.contents(VOLUME).expect("a volume"),
        disk,
        root,
        bundles,
    }
});

fn bundles(vault: &Vault) -> impl Iterator<Item = (ArchivedLeaves, BundlePlace)> {
    (0..vault.size()).step_by(4).map_while(|index| {
        let leaves = vault.archived(index)?;
        let place = leaves.place();
        let place = BundlePlace {
            first: place.first,
            count: u32::try_from(place.count).ok()?,
            root: place.root.0,
        };
        Some((leaves, place))
    })
}

/// One input: a changed volume, another one, or a bundle.
pub fn run(data: &[u8]) {
    let Some((mode, body)) = data.split_first() else {
        return;
    };
    let archived = &*ARCHIVED;
    let (leaves, _, genuine) = &archived.bundles[usize::from(*mode / 4) % archived.bundles.len()];
    match mode % 4 {
        0 => {
            let mut volume = archived.volume.clone();
            change(&mut volume, body);
            read_all(archived, &volume);
        }
        1 => read_all(archived, body),
        2 => {
            let mut payload = genuine.clone();
            change(&mut payload, body);
            opens_to_itself(leaves, &payload, genuine);
        }
        _ => opens_to_itself(leaves, body, genuine),
    }
}

fn read_all(archived: &Archived, volume: &[u8]) {
    let disk = archived.disk.copy();
    disk.overwrite(VOLUME, volume);
    let mut archive = Archive::new(ArchiveFiles::new(disk), &archived.root);
    for (_, place, genuine) in &archived.bundles {
        match archive.get(place) {
            Ok(payload) => assert_eq!(*payload, *genuine),
            Err(BundleError::Absent { first } | BundleError::Damaged { first }) => {
                assert_eq!(first, place.first);
            }
            Err(BundleError::Storage(_)) => {}
        }
    }
}

fn opens_to_itself(leaves: &ArchivedLeaves, payload: &[u8], genuine: &[u8]) {
    assert_eq!(leaves.open(Some(payload)).is_ok(), payload == genuine, "other leaves");
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    use crate::seeds::of;
    let payload = &ARCHIVED.bundles[0].2;
    vec![
        of(0, [0, 20, 1]),
        of(0, [0, 200, 1]),
        of(1, &ARCHIVED.volume),
        of(2, [0, 3, 1]),
        of(3, payload),
    ]
}
