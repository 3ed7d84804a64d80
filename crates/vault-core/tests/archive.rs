//! Leaves outside the vault: a snapshot without their bodies, and what is read back held to the
//! hashes that the vault keeps.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::*;
use vault_core::{
    Answer, ArchivedLeaves, BootError, BundlePlace, LostLeaves, OpenedSnapshot, Request, Vault,
};
use vault_encoding::merkle::{Tree, leaf_hash};
use vault_encoding::sha256;
use vault_policy::KeyType;
use zeroize::Zeroizing;

/// A vault after a start from a snapshot that leaves out every whole run, those runs, and a vault
/// that has everything in memory.
struct Archived {
    bench: Bench,
    restored: Vault,
    bundles: Vec<(BundlePlace, Vec<u8>)>,
}

fn archived() -> Archived {
    let mut bench = Bench::new();
    let key = bench.create("alice", KeyType::Ed25519Signing, "owner", 1);
    for _ in 0..20 {
        bench.call(&owner("alice"), sign(own(&key))).unwrap();
    }
    let view = bench.vault.view().unwrap();
    let bundles: Vec<_> = view
        .bundles()
        .map(|bundle| (bundle.place, bundle.payload.to_vec()))
        .collect();
    let snapshot = view.encode(view.whole()).unwrap();
    let hash = sha256(&snapshot.payload);
    // What comes later is not in the view.
    bench.call(&owner("alice"), sign(own(&key))).unwrap();
    assert_eq!(view.encode(view.whole()).unwrap().payload, snapshot.payload);
    bench
        .vault
        .commit_to_snapshot(hash, &snapshot.at, &mut Counter(11));
    bench.commit();
    let opened = OpenedSnapshot {
        at: snapshot.at,
        hash,
        payload: snapshot.payload,
    };
    let tail = &bench.log.0[snapshot.at.sequence as usize..];
    let restored = boot(Some(opened), tail).unwrap();
    Archived {
        bench,
        restored,
        bundles,
    }
}

#[test]
fn what_is_archived_is_read_back_and_the_rest_is_in_memory() {
    let Archived {
        bench,
        restored,
        bundles,
    } = archived();
    assert_eq!(bundles.len() as u64, 22 / 4);
    let mut hashes = Vec::new();
    for (place, payload) in &bundles {
        assert_eq!(place.first, hashes.len() as u64);
        for index in place.first..place.first + place.count {
            assert!(restored.leaf(index).is_none());
            let leaves = restored.archived(index).unwrap();
            assert_eq!(leaves.place(), *place);
            let leaf = leaves.open(Some(payload)).unwrap();
            assert_eq!(leaf[0], bench.vault.leaf(index).unwrap());
            hashes.push(leaf_hash(&leaf[0]));
        }
    }
    for index in hashes.len() as u64..bench.vault.size() {
        assert_eq!(restored.leaf(index), bench.vault.leaf(index));
        assert!(restored.archived(index).is_none());
        hashes.push(leaf_hash(&bench.vault.leaf(index).unwrap()));
    }
    let size = bench.vault.size();
    assert_eq!(
        restored.root_at(size),
        Some(Tree::from_leaves(hashes).root())
    );
    assert_eq!(restored.root_at(size), bench.vault.root_at(size));
}

#[test]
fn an_auditor_is_given_pages_up_to_the_end_of_a_run() {
    let Archived {
        mut bench,
        bundles,
        restored,
    } = archived();
    bench.vault = restored;
    bench.commit();
    let auditor = person("carol", &["vault:auditor"]);
    let mut read = |from, to| {
        let reply = bench.call(&auditor, Request::ReadLog { from, to }).unwrap();
        match reply.answer {
            Answer::ReadArchive(leaves) => {
                let (_, payload) = &bundles[(leaves.place().first / 4) as usize];
                leaves.open(Some(payload)).unwrap().len()
            }
            Answer::ReadLog { leaves } => leaves.len(),
            _ => panic!(),
        }
    };
    assert_eq!(read(0, 0), 4);
    assert_eq!(read(1, 0), 3);
    assert_eq!(read(5, 7), 2);
    assert_eq!(read(6, 6), 0);
    assert_eq!(read(20, 22), 2);
    assert_eq!(read(18, 22), 2);
}

#[test]
fn nothing_but_the_very_leaves_comes_out_of_what_is_given_back() {
    let Archived {
        restored, bundles, ..
    } = archived();
    let refused = |leaves: &ArchivedLeaves, payload: Option<&[u8]>| {
        let first = leaves.place().first;
        let last = first + 3;
        assert_eq!(leaves.open(payload), Err(LostLeaves { first, last }));
    };
    let leaves = restored.archived(5).unwrap();
    refused(&leaves, None);
    let good = &bundles[1].1;
    for bit in 0..8 * good.len() {
        let mut payload = good.clone();
        payload[bit / 8] ^= 1 << (bit % 8);
        refused(&leaves, Some(&payload));
    }
    for end in 0..good.len() {
        refused(&leaves, Some(&good[..end]));
    }
    refused(&leaves, Some(&[&good[..], &[0; 4]].concat()));
    for (place, payload) in &bundles {
        if place.first != 4 {
            refused(&leaves, Some(payload));
        }
    }
    assert_eq!(leaves.open(Some(good)).unwrap().len(), 1);
}

#[test]
fn a_snapshot_whose_bodies_or_hashes_are_others_is_refused() {
    let (mut bench, mut refused) = (Bench::new(), 0);
    bench.create("alice", KeyType::HmacSha256, "owner", 1);
    let taken = bench.vault.snapshot().unwrap().unwrap();
    let hash = sha256(&taken.payload);
    bench
        .vault
        .commit_to_snapshot(hash, &taken.at, &mut Counter(11));
    bench.commit();
    let tail = &bench.log.0[taken.at.sequence as usize..];
    let opened = |payload: &[u8]| OpenedSnapshot {
        at: taken.at,
        hash,
        payload: Zeroizing::new(payload.to_vec()),
    };
    assert!(boot(Some(opened(&taken.payload)), tail).is_ok());
    // Version, vault id, floor, flag, number of leaves, two hashes, width, first, one body.
    let bodies = 1 + 32 + 8 + 1 + 8 + 2 * 32 + 8 + 8;
    let body = u32::from_be_bytes(taken.payload[bodies..bodies + 4].try_into().unwrap());
    for at in 41..bodies + 4 + body as usize {
        let mut payload = taken.payload.to_vec();
        payload[at] ^= 1;
        let booted = boot(Some(opened(&payload)), tail).err();
        assert_eq!(booted, Some(BootError::Snapshot), "byte {at}");
        refused += 1;
    }
    assert!(refused > 400, "{refused}");
}
