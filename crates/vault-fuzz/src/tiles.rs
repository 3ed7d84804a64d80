//! A log as tiles: bundles have one spelling, and a changed file is refused.

use crate::golden::{Owned, change};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use vault_audit::{
    Entry, LogTree, Tile, TileKind, from_bundle, new_tiles, to_bundle, verify_tiles,
};
use vault_core::CheckpointSigner;
use vault_encoding::Hash;

const LEAF: &[u8] = include_bytes!("../../../vectors/audit/leaf-bare.json");
/// One full tile, and more.
const LARGE: u64 = 300;
/// What is verified forty times as often.
const SMALL: u64 = 6;

struct Log {
    owned: Owned,
    note: Vec<u8>,
    root: Hash,
    files: BTreeMap<Tile, Vec<u8>>,
}

static LOGS: [LazyLock<Log>; 2] =
    [LazyLock::new(|| log(LARGE)), LazyLock::new(|| log(SMALL))];

fn log(size: u64) -> Log {
    let owned = Owned::of(&[7; 32]);
    let entry = Entry::from_leaf(LEAF.trim_ascii_end()).expect("an entry");
    let leaves: Vec<Vec<u8>> = (0..size)
        .map(|index| {
            let outcome = index.to_string();
            let entry = Entry { outcome, ..entry.clone() };
            entry.to_leaf().expect("an entry")
        })
        .collect();
    let mut tree = LogTree::new();
    for leaf in &leaves {
        tree.append(leaf);
    }
    let files = new_tiles(0, size).map(|tile| {
        let bytes = match tile.kind {
            TileKind::Hashes(_) => tree.tile(&tile),
            TileKind::Entries => {
                let from = (tile.index * 256) as usize;
                let of = &leaves[from..from + tile.width as usize];
                to_bundle(of.iter().map(Vec::as_slice))
            }
        };
        (tile, bytes.expect("a tile of the tree"))
    });
    let checkpoint = tree.checkpoint(owned.key.vault_id());
    Log {
        files: files.collect(),
        note: checkpoint.sign(&owned.key, |text| owned.signer.sign(text).expect("a key")),
        root: checkpoint.root,
        owned,
    }
}

/// One input: a bundle, or a file of a log's layout that is changed or another one.
pub fn run(data: &[u8]) {
    let [mode, which, body @ ..] = data else {
        return;
    };
    let log = &*LOGS[usize::from(*mode / 3 % 8 != 0)];
    let (tile, genuine) = log
        .files
        .iter()
        .nth(usize::from(*which) % log.files.len())
        .expect("within");
    match mode % 3 {
        0 => {
            if let Some(leaves) = (0..=256).find_map(|count| from_bundle(body, count)) {
                assert_eq!(to_bundle(leaves).as_deref(), Some(body));
            }
        }
        1 => {
            let mut bytes = genuine.clone();
            change(&mut bytes, body);
            verify(log, tile, &bytes);
        }
        _ => verify(log, tile, body),
    }
}

fn verify(log: &Log, tile: &Tile, bytes: &[u8]) {
    let read = |asked: &Tile| match asked == tile {
        true => Some(bytes.to_vec()),
        false => log.files.get(asked).cloned(),
    };
    let verified = verify_tiles(&log.note, &log.owned.key, read);
    assert_eq!(verified.is_ok(), bytes == log.files[tile], "a changed file");
    if let Ok(verified) = verified {
        assert_eq!(verified.head.root, log.root);
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let bundle = to_bundle([&b"one"[..], b"", b"three"]).expect("a bundle");
    let mut seeds = vec![[&[0, 0][..], &bundle].concat()];
    for (log, add) in LOGS.iter().zip([0, 3]) {
        for (which, bytes) in (0u8..).zip(log.files.values()) {
            seeds.push(vec![1 + add, which, 0, 7, 1]);
            if bytes.len() < 4096 {
                seeds.push([&[2 + add, which][..], bytes].concat());
            }
        }
    }
    seeds
}
