//! What a hostile host can do to the groups of a log: whatever it is, the vault refuses to start or
//! starts as an earlier prefix, and then whoever holds a later head is told so with both heads.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::*;
use vault_core::api::{ScheduleDeletion, SeenHead};
use vault_core::{BootError, CallContext, Code, OpenedSnapshot, Position, Refusal, Request};
use vault_encoding::{Hash, sha256};
use vault_policy::KeyType;

type Log = Vec<(Position, Vec<u8>)>;

/// Boots, creations, uses, refusals and a deletion: one group each.
fn history() -> (Bench, Log) {
    let mut bench = Bench::new();
    let first = bench.create("alice", KeyType::Ed25519Signing, "service", 1);
    let second = bench.create("bob", KeyType::HmacSha256, "owner", 2);
    for _ in 0..4 {
        bench.call(&owner("alice"), sign(own(&first))).unwrap();
        bench.call(&owner("bob"), sign(own(&second))).err().unwrap();
    }
    let deletion = ScheduleDeletion {
        key: own(&first),
        window: 0,
    };
    bench
        .call(&owner("alice"), Request::ScheduleDeletion(deletion))
        .unwrap();
    bench.create("bob", KeyType::Aes256Gcm, "owner", 3);
    let log = bench.log.0.clone();
    (bench, log)
}

fn head(bench: &Bench) -> SeenHead {
    let durable = bench.vault.durable().unwrap().head();
    let vault_id = bench.vault.info().vault_id;
    SeenHead {
        vault_id,
        size: durable.size,
        root: durable.root,
    }
}

fn ask(bench: &mut Bench, seen: SeenHead) -> Result<(), Refusal> {
    let context = CallContext {
        seen: Some(seen),
        ..CallContext::default()
    };
    bench
        .with(&owner("alice"), Request::WhoAmI, context)
        .map(drop)
}

#[test]
fn every_dropped_group_but_the_last_is_missed_and_a_cut_is_an_earlier_prefix() {
    let (bench, log) = history();
    let seen = head(&bench);
    for dropped in 0..log.len() - 1 {
        let mut shorter = log.clone();
        shorter.remove(dropped);
        let sequence = dropped as u64;
        assert_eq!(
            boot(None, &shorter).err(),
            Some(BootError::Missing { sequence })
        );
    }
    for end in 0..log.len() {
        let mut earlier = Bench::over(log[..end].to_vec());
        let refusal = ask(&mut earlier, seen).unwrap_err();
        // The boot entry of the earlier prefix may bring it to the size that was seen.
        assert!([Code::RollbackDetected, Code::ForkDetected].contains(&refusal.code));
        assert_eq!(refusal.seen, Some(seen));
        let ours = refusal.head.unwrap();
        assert_eq!(Some(ours.root), earlier.vault.root_at(ours.size));
        if end < log.len() - 1 {
            assert_eq!(refusal.code, Code::RollbackDetected);
        }
    }
    assert_eq!(ask(&mut Bench::over(log), seen), Ok(()));
}

#[test]
fn every_swapped_repeated_or_replaced_group_is_refused() {
    let (_, log) = history();
    for one in 0..log.len() {
        for other in 0..log.len() {
            if one == other {
                continue;
            }
            let mut swapped = log.clone();
            swapped.swap(one, other);
            assert!(boot(None, &swapped).is_err(), "{one} {other}");
            let mut replaced = log.clone();
            replaced[one].1 = log[other].1.clone();
            assert!(boot(None, &replaced).is_err(), "{one} {other}");
            let mut repeated = log.clone();
            repeated.insert(one, log[other].clone());
            assert!(boot(None, &repeated).is_err(), "{one} {other}");
        }
    }
}

#[test]
fn every_flipped_bit_of_a_payload_is_refused_or_without_consequence() {
    let (bench, log) = history();
    let digest = bench.vault.root_at(bench.vault.size() - 1);
    let mut refused = 0;
    for group in [1, 3, log.len() - 2] {
        // One bit of every byte, another one in each.
        for bit in (0..log[group].1.len()).map(|byte| byte * 8 + byte % 8) {
            let mut damaged = log.clone();
            damaged[group].1[bit / 8] ^= 1 << (bit % 8);
            match boot(None, &damaged) {
                Err(_) => refused += 1,
                // The store's seal covers them; here only salts of entries without a change are open.
                Ok(vault) => assert_eq!(vault.root_at(vault.size() - 2), digest),
            }
        }
    }
    assert!(refused > 500);
}

#[test]
fn another_history_of_the_same_vault_is_a_fork() {
    let (_, log) = history();
    let mut one = Bench::over(log[..4].to_vec());
    let mut other = Bench::over(log[..4].to_vec());
    one.create("alice", KeyType::HmacSha256, "owner", 4);
    let seen = head(&one);
    other.create("bob", KeyType::HmacSha256, "owner", 5);
    other.create("bob", KeyType::HmacSha256, "owner", 6);
    let refusal = ask(&mut other, seen).unwrap_err();
    assert_eq!(refusal.code, Code::ForkDetected);
    assert!(refusal.head.is_some() && refusal.seen == Some(seen));
    assert_eq!(ask(&mut one, seen), Ok(()));
}

#[test]
fn the_groups_of_another_vault_are_refused() {
    let (_, log) = history();
    let (signer, key) = signer(8);
    let input = vault_core::BootInput {
        identity_spki: key.to_spki(),
        signer,
        config: config(),
        boot_id: [0; 16],
        snapshot: None,
        groups: groups(&log),
        now: NOW,
    };
    let error = vault_core::Vault::boot(input, &mut Counter(1)).err();
    assert_eq!(error, Some(BootError::Checkpoint { sequence: 0 }));
}

/// Takes a snapshot, commits to it and goes on; gives the snapshot as the store would.
fn with_snapshot() -> (Bench, OpenedSnapshot) {
    let (mut bench, _) = history();
    let snapshot = bench.vault.snapshot().unwrap().unwrap();
    let hash = sha256(&snapshot.payload);
    bench
        .vault
        .commit_to_snapshot(hash, &snapshot.at, &mut Counter(11));
    bench.commit();
    bench.create("alice", KeyType::P256Signing, "owner", 7);
    (
        bench,
        OpenedSnapshot {
            at: snapshot.at,
            hash,
            payload: snapshot.payload,
        },
    )
}

#[test]
fn a_snapshot_with_the_groups_behind_it_is_the_fold_of_all_groups() {
    let (bench, snapshot) = with_snapshot();
    let tail = &bench.log.0[snapshot.at.sequence as usize..];
    let restored = boot(Some(snapshot), tail).unwrap();
    let folded = boot(None, &bench.log.0).unwrap();
    assert_eq!(restored.state_digest(), folded.state_digest());
    assert_eq!(restored.census(), bench.vault.census());
}

#[test]
fn a_snapshot_that_the_log_does_not_commit_to_is_refused() {
    let (bench, snapshot) = with_snapshot();
    let tail = &bench.log.0[snapshot.at.sequence as usize..];
    let with = |change: &dyn Fn(&mut OpenedSnapshot), tail: &[(Position, Vec<u8>)]| {
        let mut other = OpenedSnapshot {
            at: snapshot.at,
            hash: snapshot.hash,
            payload: snapshot.payload.clone(),
        };
        change(&mut other);
        boot(Some(other), tail).err()
    };
    assert_eq!(with(&|_| {}, tail), None);
    assert_eq!(
        with(&|other| other.hash = Hash([0; 32]), tail),
        Some(BootError::Snapshot)
    );
    assert_eq!(
        with(&|other| other.at.root = Hash([0; 32]), tail),
        Some(BootError::Snapshot)
    );
    assert_eq!(with(&|_| {}, &[]), Some(BootError::Snapshot));
    let cut = |other: &mut OpenedSnapshot| {
        let half = other.payload.len() / 2;
        other.payload.truncate(half);
    };
    assert_eq!(with(&cut, tail), Some(BootError::Snapshot));
}
