//! T-AUDIT: exports, tiles, receipts and checkpoints with every leaf dropped, altered, exchanged, repeated
//! and truncated, wrong roots and wrong keys, against the auditor's verifier; counted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs, unreachable_pub)]

mod support;

use std::collections::BTreeMap;
use support::{Log, damage, entry, tiles};
use vault_audit::{
    Checkpoint, Export, ExtensionError, LogKey, Receipt, Tile, TilesError, VerifiedTiles,
    from_bundle, request_salt, to_bundle, verify_export, verify_extension, verify_receipt,
    verify_tiles,
};
use vault_encoding::Hash;

const ENTRIES: u64 = 40;

/// How much of what was refused.
#[derive(Default)]
struct Count(BTreeMap<String, u64>);

impl Count {
    fn refused<T, E>(&mut self, what: &str, verdict: Result<T, E>) {
        assert!(verdict.is_err(), "accepted: {what}");
        *self.0.entry(what.to_owned()).or_default() += 1;
    }

    fn print(&self, of: &str) -> u64 {
        let total = self.0.values().sum();
        println!("T-AUDIT: {of}: {total} damages, all refused: {:?}", self.0);
        total
    }
}

#[test]
fn t_audit_every_damage_of_an_export_is_refused() {
    let log = Log::of(ENTRIES, 7);
    let mut count = Count::default();
    for (what, damaged) in damage::exports(&log) {
        count.refused(what, verify_export(&damaged, &log.key));
        let bytes = damaged.to_bytes();
        assert_eq!(Export::from_bytes(&bytes).as_ref(), Ok(&damaged));
    }
    let other = Log::new([7; 32]).key;
    count.refused("wrong key", verify_export(&log.export, &other));
    // As many entries as one checkpoint covers, under the others: every size, and every checkpoint.
    for size in 0..ENTRIES as usize {
        for kept in 0..log.export.checkpoints.len() {
            let mut cut = log.export.clone();
            cut.leaves.truncate(size);
            cut.checkpoints = cut.checkpoints.split_off(kept);
            count.refused("truncated", verify_export(&cut, &log.key));
        }
    }
    assert!(count.print("exports") > 1000);
}

type Files = BTreeMap<String, Vec<u8>>;

fn judge(files: &Files, key: &LogKey) -> Result<VerifiedTiles, TilesError> {
    let none = Vec::new();
    let checkpoint = files.get("checkpoint").unwrap_or(&none);
    verify_tiles(checkpoint, key, |tile: &Tile| {
        files.get(&tile.path()).cloned()
    })
}

#[test]
fn t_audit_every_damage_of_tiles_is_refused() {
    let mut count = Count::default();
    let log = Log::of(260, 260);
    let files: Files = tiles(&log).into_iter().collect();
    assert_eq!(files.len(), 6);
    judge(&files, &log.key).unwrap();
    count.refused("wrong key", judge(&files, &Log::new([7; 32]).key));
    for (name, bytes) in &files {
        let mut damage = |what: &str, bytes: Option<Vec<u8>>| {
            let mut damaged = files.clone();
            match bytes {
                Some(bytes) => damaged.insert(name.clone(), bytes),
                None => damaged.remove(name),
            };
            count.refused(what, judge(&damaged, &log.key));
        };
        damage("file absent", None);
        damage("file empty", Some(Vec::new()));
        damage("file longer", Some([&bytes[..], &[0]].concat()));
        for at in (0..bytes.len()).step_by(1 + bytes.len() / 150) {
            damage("file cut", Some(bytes[..at].to_vec()));
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            damage("file flipped", Some(flipped));
        }
        if name == "tile/entries/001.p/4" {
            let leaves = from_bundle(bytes, 4).unwrap();
            let leaves: Vec<_> = leaves.into_iter().map(<[u8]>::to_vec).collect();
            for index in 0..leaves.len() {
                for (what, leaves) in damage::of_leaf(&leaves, index) {
                    damage(what, to_bundle(leaves.iter().map(Vec::as_slice)));
                }
            }
        }
    }
    for (lie, what) in [
        (log.lie(260, Hash([9; 32])), "wrong root"),
        (log.lie(259, log.tree.root()), "other size"),
        (log.lie(261, log.tree.root()), "other size"),
    ] {
        let mut damaged = files.clone();
        damaged.insert("checkpoint".to_owned(), lie);
        count.refused(what, judge(&damaged, &log.key));
    }
    full_for_partial(&log, &files, &mut count);
    assert!(count.print("tiles") > 1000);
}

/// The full tile takes the place of the partial one, and is held to the same.
fn full_for_partial(log: &Log, files: &Files, count: &mut Count) {
    let mut later = Log::of(260, 260);
    for number in 260..512 {
        later.append(entry(number).to_leaf().unwrap());
    }
    later.checkpoint();
    let mut grown: Files = tiles(&later).into_iter().collect();
    grown.insert("checkpoint".to_owned(), files["checkpoint"].clone());
    grown.insert("tile/1/000.p/1".to_owned(), files["tile/1/000.p/1"].clone());
    assert_eq!(judge(&grown, &log.key).unwrap().head.size, 260);
    for name in ["tile/0/001", "tile/entries/001"] {
        let mut damaged = grown.clone();
        damaged.get_mut(name).unwrap()[40] ^= 1;
        count.refused("full tile flipped", judge(&damaged, &log.key));
        damaged.insert(name.to_owned(), grown[name][..300].to_vec());
        count.refused("full tile cut", judge(&damaged, &log.key));
    }
}

#[test]
fn t_audit_every_damage_of_a_receipt_is_refused() {
    let log = Log::of(ENTRIES, 7);
    let mut count = Count::default();
    let heads: Vec<_> = log.export.checkpoints.clone();
    for note in &heads {
        let size = Checkpoint::verify(note, &log.key).unwrap().size;
        for index in 0..size {
            let whole = Receipt {
                leaf: log.export.leaves[index as usize].clone(),
                request_salt: request_salt(&[index as u8; 32]),
                index,
                proof: log.tree.inclusion(index, size).unwrap(),
                checkpoint: note.clone(),
            };
            verify_receipt(&whole, &log.key).unwrap();
            let mut damage = |what: &str, change: &dyn Fn(&mut Receipt)| {
                let mut damaged = whole.clone();
                change(&mut damaged);
                count.refused(what, verify_receipt(&damaged, &log.key));
            };
            for other in (0..ENTRIES).filter(|other| *other != index) {
                damage("another leaf", &|receipt| {
                    receipt.leaf = log.export.leaves[other as usize].clone();
                });
                damage("another index", &|receipt| receipt.index = other);
            }
            damage("index beyond all", &|receipt| receipt.index = u64::MAX);
            damage("leaf cut", &|receipt| {
                receipt.leaf.pop();
            });
            for step in 0..whole.proof.len() {
                damage("step altered", &|receipt| receipt.proof[step].0[0] ^= 1);
                damage("step dropped", &|receipt| {
                    receipt.proof.remove(step);
                });
                damage("step repeated", &|receipt| {
                    receipt.proof.insert(step, receipt.proof[step]);
                });
            }
            damage("step added", &|receipt| receipt.proof.push(Hash([0; 32])));
            for other in heads.iter().filter(|other| *other != note) {
                damage("another head", &|receipt| {
                    receipt.checkpoint = other.clone();
                });
            }
            let lie = log.lie(size, Hash([9; 32]));
            damage("wrong root", &|receipt| receipt.checkpoint = lie.clone());
            let other = Log::new([7; 32]).lie(size, log.tree.root_at(size).unwrap());
            damage("wrong key", &|receipt| receipt.checkpoint = other.clone());
        }
    }
    assert!(count.print("receipts") > 1000);
}

#[test]
fn t_audit_every_damage_of_a_checkpoint_and_of_the_way_between_two_is_refused() {
    let log = Log::of(ENTRIES, 1);
    let mut count = Count::default();
    let head = |size: u64| {
        let root = log.tree.root_at(size).unwrap();
        let vault_id = log.key.vault_id();
        Checkpoint {
            vault_id,
            size,
            root,
        }
    };
    let note = &log.export.checkpoints[20];
    for at in 0..note.len() {
        count.refused("cut", Checkpoint::verify(&note[..at], &log.key));
        for bit in 0..8 {
            let mut flipped = note.clone();
            flipped[at] ^= 1 << bit;
            count.refused("flipped", Checkpoint::verify(&flipped, &log.key));
        }
    }
    for old in 1..=ENTRIES {
        for new in old..=ENTRIES {
            let (from, to) = (head(old), head(new));
            let proof = log.tree.consistency(old, new).unwrap();
            assert_eq!(verify_extension(&from, &to, &proof), Ok(()));
            let mut damage = |what: &str, from: &Checkpoint, to: &Checkpoint, proof: &[Hash]| {
                count.refused(what, verify_extension(from, to, proof));
            };
            let root = Hash([9; 32]);
            damage("forked", &from, &Checkpoint { root, ..to }, &proof);
            damage("forked", &Checkpoint { root, ..from }, &to, &proof);
            damage("step added", &from, &to, &[&proof[..], &[root]].concat());
            for step in 0..proof.len() {
                let mut altered = proof.clone();
                altered[step].0[31] ^= 1;
                damage("step altered", &from, &to, &altered);
                altered.remove(step);
                damage("step dropped", &from, &to, &altered);
            }
            if old < new {
                damage("rolled back", &to, &from, &proof);
            }
        }
    }
    let back = verify_extension(&head(9), &head(8), &[]);
    assert_eq!(back, Err(ExtensionError::RolledBack { old: 9, new: 8 }));
    assert!(count.print("checkpoints") > 5000);
}
