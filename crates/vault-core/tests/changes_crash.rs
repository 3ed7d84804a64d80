//! Crashes between and inside changes: a start from any durable part of the log tells what was answered up to
//! there, and what was not durable was not answered and is not there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::changing::*;
use common::*;
use vault_core::api::*;
use vault_core::{Caller, Vault, commit};

/// One of so many, from the seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % sides
    }
}

fn any_call(dice: &mut Dice, key: KeyRef, version: u64) -> (Caller, Request) {
    let build = 7 + dice.roll(3) as u8;
    let profile = profile("app", build);
    let team = Team {
        robot: dice.roll(2) == 0,
        window: dice.roll(2) * 60,
        builds: if dice.roll(2) == 0 {
            vec![1]
        } else {
            vec![1, build]
        },
        ..Team::default()
    };
    let alice = owner("alice");
    match dice.roll(12) {
        0 | 1 => (alice, update(key, &team.policy(), version)),
        2 | 3 => (person("ci", &[]), stage(key, &profile)),
        4 | 5 => (alice, promote(key, &profile, version)),
        6 => (alice, revoke(key, &profile)),
        7 => (alice, schedule(key, 60 + dice.roll(60))),
        8 | 9 => (alice, Request::CancelDeletion { key }),
        10 => (person("robot", &[]), mac(key)),
        _ => (alice, mac(key)),
    }
}

fn version(bench: &mut Bench, info: &KeyInfo) -> u64 {
    let request = Request::GetKey { key: own(info) };
    match bench.call(&owner("alice"), request).unwrap().answer {
        Answer::GetKey(info) => info.policy_version.0,
        _ => panic!("another answer"),
    }
}

#[test]
fn every_durable_part_of_a_history_of_changes_starts_as_what_it_was() {
    let (mut changes, mut starts) = (0, 0);
    for seed in 0..6 {
        let mut dice = Dice(0xc4a5 + seed);
        let (mut bench, info) = with_key(&Team::default().policy());
        let key = pinned(&info);
        let mut told = vec![(bench.log.0.len(), seen(&mut bench, &info))];
        for step in 0..60 {
            let current = version(&mut bench, &info);
            let (who, request) = any_call(&mut dice, key, current);
            let context = match dice.roll(3) {
                0 => once(&format!("{step}")),
                _ => Default::default(),
            };
            let changed = bench.with(&who, request, context).is_ok();
            changes += usize::from(changed);
            told.push((bench.log.0.len(), seen(&mut bench, &info)));
        }
        for (groups, told) in told {
            let mut again = Bench::over(bench.log.0[..groups].to_vec());
            assert!(
                seen(&mut again, &info) == told,
                "seed {seed}, {groups} groups"
            );
            starts += 1;
        }
        restarted(bench);
    }
    println!(
        "crashes: {changes} changes and uses allowed, {starts} starts from parts of their logs"
    );
    assert!(changes > 100 && starts == 6 * 61);
}

/// The log as it is on the disk when the process ends somewhere between judging and answering.
#[test]
fn a_change_that_is_not_durable_is_not_answered_and_is_not_there_after_a_start() {
    let proposal = profile("app", 7);
    let (base, info) = with_key(&Team::default().policy());
    let key = pinned(&info);
    let start = base.log.0.clone();
    let narrow = Team {
        robot: false,
        ..Team::default()
    };
    for request in [
        update(key, &narrow.policy(), 1),
        stage(key, &proposal),
        schedule(key, 60),
        schedule(key, 0),
    ] {
        let mut bench = Bench::over(start.clone());
        let before = seen(&mut bench, &info);
        let context = once("one");
        let alice = owner("alice");
        let judged = bench
            .vault
            .authorize(&alice, request.clone(), &context, bench.now);
        let done = judged.operate(&mut bench.rng);
        let pending = bench.vault.record(done);
        // In memory, on its way to the disk: nothing is released by what is durable already.
        let durable = bench.vault.durable().unwrap().clone();
        assert!(!pending.is_covered_by(&durable));
        let Err(pending) = pending.release(&durable) else {
            panic!("answered before it was durable")
        };
        let lost = Bench::over(bench.log.0.clone());
        let mut lost = Bench {
            now: bench.now,
            ..lost
        };
        assert!(seen(&mut lost, &info) == before, "not durable, not there");
        // The same call on the vault that crashed is made anew, and once.
        let again = lost.with(&alice, request.clone(), once("one")).unwrap();
        // Durable and not answered: a repeat is answered, and nothing is done twice.
        let group = bench.vault.take_group().unwrap();
        let committed = commit(group, &mut bench.log).unwrap();
        bench.vault.settle(&committed);
        let answer = pending.release(&committed).ok().unwrap().unwrap().answer;
        let mut kept = Bench::over(bench.log.0.clone());
        let size = kept.vault.size();
        let repeat = kept.with(&alice, request, once("one")).unwrap();
        assert!(repeat.answer == answer);
        assert_eq!(kept.vault.size(), size);
        let state = |vault: &Vault| vault.census();
        assert_eq!(state(&lost.vault), state(&kept.vault));
        drop(again);
    }
}
