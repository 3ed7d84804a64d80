//! The trust configuration that is in force is in the log: folded, in snapshots, and never a
//! generation twice.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::{Bench, Counter, NOW, boot};
use vault_core::{GovernedChange, InForce, OpenedSnapshot};
use vault_encoding::{Hash, sha256};

fn change() -> GovernedChange {
    GovernedChange {
        statement: Hash([9; 32]),
        old_trust_root: Hash([1; 32]),
        new_trust_root: Hash([2; 32]),
        signers: vec![[7; 32], [8; 32]],
    }
}

fn in_force(generation: u64) -> InForce {
    InForce {
        generation,
        trust_root: Hash([2; 32]),
        governance: vec![5; 66],
    }
}

fn govern(bench: &mut Bench, generation: u64) -> Option<u64> {
    let (next, rng) = (in_force(generation), &mut Counter(50 + generation));
    let logged = bench.vault.log_reconfiguration(&change(), next, NOW, rng);
    if logged.is_some() {
        bench.commit();
    }
    logged.map(|logged| logged.index)
}

#[test]
fn a_change_is_in_force_again_after_a_start_from_the_log_and_from_a_snapshot() {
    let mut bench = Bench::new();
    assert_eq!(bench.vault.in_force(), None);
    let index = govern(&mut bench, 1).unwrap();
    let entry = &bench.entries()[usize::try_from(index).unwrap()];
    assert_eq!(entry.operation, "reconfigure");
    assert_eq!(
        entry.outcome,
        format!(
            "statement {} from {} to {} signed by {} {}",
            Hash([9; 32]),
            Hash([1; 32]),
            Hash([2; 32]),
            Hash([7; 32]),
            Hash([8; 32])
        )
    );
    assert_eq!(bench.vault.in_force(), Some(&in_force(1)));
    let folded = boot(None, &bench.log.0).unwrap();
    assert_eq!(folded.in_force(), Some(&in_force(1)));

    let taken = bench.vault.snapshot().unwrap().unwrap();
    let hash = sha256(&taken.payload);
    let rng = &mut Counter(60);
    bench.vault.commit_to_snapshot(hash, &taken.at, rng);
    bench.commit();
    let tail = &bench.log.0[usize::try_from(taken.at.sequence).unwrap()..];
    let snapshot = OpenedSnapshot {
        at: taken.at,
        hash,
        payload: taken.payload,
    };
    let restored = boot(Some(snapshot), tail).unwrap();
    assert_eq!(restored.in_force(), Some(&in_force(1)));
    let folded = boot(None, &bench.log.0).unwrap();
    assert_eq!(restored.state_digest(), folded.state_digest());
}

#[test]
fn generations_count_by_one() {
    let mut bench = Bench::new();
    for (generation, fine) in [
        (0, false),
        (2, false),
        (1, true),
        (1, false),
        (3, false),
        (2, true),
    ] {
        assert_eq!(
            govern(&mut bench, generation).is_some(),
            fine,
            "{generation}"
        );
    }
    assert_eq!(bench.vault.in_force(), Some(&in_force(2)));
}

#[test]
fn a_quorum_that_is_adopted_is_an_entry_of_its_own() {
    let mut bench = Bench::new();
    govern(&mut bench, 1);
    let logged = bench
        .vault
        .log_adoption(in_force(2), NOW, &mut Counter(70))
        .unwrap();
    bench.commit();
    let entry = &bench.entries()[usize::try_from(logged.index).unwrap()];
    assert_eq!(entry.operation, "adopt_quorum");
    assert_eq!(entry.outcome, format!("quorum of trust {}", Hash([2; 32])));
}
