//! Crashes at any point of a run, from seeds: nothing acknowledged is lost, nothing has an effect
//! without its record. A failing seed prints every event that led to it; add it to
//! `sim_regressions.txt`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use vault_test::sim::{Plan, Trace, run};

const REGRESSIONS: &str = include_str!("sim_regressions.txt");
/// Four crashes a seed, four tests: 10,000 crashes.
const SEEDS_PER_TEST: u64 = 640;

fn survives(seed: u64, plan: Plan) -> Trace {
    run(seed, plan).unwrap_or_else(|(violation, trace)| {
        panic!("seed {seed}: {violation:?}\n{trace:?}");
    })
}

fn survives_all(seeds: std::ops::Range<u64>) {
    let (mut crashes, mut acknowledged, mut fetched) = (0, 0, 0);
    let (mut archived, mut shortened, mut changed) = (0, 0, 0);
    for seed in seeds {
        let trace = survives(seed, Plan::default());
        crashes += trace.crashes;
        acknowledged += trace.acknowledged;
        fetched += trace.fetched;
        changed += trace.changed;
        archived += u64::from(trace.archived);
        shortened += u64::from(trace.removed > 0);
    }
    assert_eq!(crashes, 4 * SEEDS_PER_TEST);
    assert!(
        acknowledged > SEEDS_PER_TEST,
        "only {acknowledged} operations were acknowledged"
    );
    assert!(fetched > 0, "no share was fetched");
    assert!(
        changed > SEEDS_PER_TEST / 8,
        "only {changed} changes of keys were acknowledged"
    );
    assert!(
        archived > 0 && shortened > 0,
        "{archived} with an archive, {shortened} without their first groups"
    );
    println!(
        "{crashes} crashes, {acknowledged} acknowledged operations, {fetched} shares fetched, \
         {changed} changes of policies, profiles and deletions, {archived} runs end with an archive, {shortened} without their first groups"
    );
}

#[test]
fn crashes_of_the_first_quarter_of_seeds_lose_nothing() {
    survives_all(0..SEEDS_PER_TEST);
}

#[test]
fn crashes_of_the_second_quarter_of_seeds_lose_nothing() {
    survives_all(SEEDS_PER_TEST..2 * SEEDS_PER_TEST);
}

#[test]
fn crashes_of_the_third_quarter_of_seeds_lose_nothing() {
    survives_all(2 * SEEDS_PER_TEST..3 * SEEDS_PER_TEST);
}

#[test]
fn crashes_of_the_fourth_quarter_of_seeds_lose_nothing() {
    survives_all(3 * SEEDS_PER_TEST..4 * SEEDS_PER_TEST);
}

#[test]
fn seeds_that_once_failed_lose_nothing() {
    let seeds = REGRESSIONS.lines().filter(|line| !line.starts_with('#'));
    let seeds: Vec<u64> = seeds
        .map(|line| line.split_whitespace().next().unwrap().parse().unwrap())
        .collect();
    assert!(!seeds.is_empty());
    for seed in seeds {
        survives(seed, Plan::default());
    }
}

#[test]
fn long_runs_with_one_crash_lose_nothing() {
    for seed in 0..20 {
        let plan = Plan {
            crashes: 1,
            events: 4_000,
            ..Plan::default()
        };
        survives(seed, plan);
    }
}

#[test]
fn a_restart_on_a_disk_that_failed_a_sync_loses_nothing() {
    for seed in 0..SEEDS_PER_TEST {
        let plan = Plan {
            restart_after_disk_errors: true,
            ..Plan::default()
        };
        survives(seed, plan);
    }
}

#[test]
fn the_same_suite_fails_when_the_disk_does_not_sync() {
    let plan = Plan {
        sync: false,
        ..Plan::default()
    };
    let found: Vec<_> = (0..100).filter_map(|seed| run(seed, plan).err()).collect();
    let lost = |(violation, _): &&(vault_test::sim::Violation, Box<Trace>)| {
        ["no_acknowledged_operation_is_lost", "the_log_only_grows"].contains(&violation.invariant)
    };
    assert!(found.len() > 50, "{} of 100 seeds failed", found.len());
    assert!(found.iter().filter(lost).count() > 0);
}

#[test]
fn a_run_is_replayed_from_its_seed_event_by_event() {
    for seed in 0..30 {
        let plan = Plan {
            digests: true,
            ..Plan::default()
        };
        let (first, second) = (survives(seed, plan), survives(seed, plan));
        for (one, other) in first.events.iter().zip(&second.events) {
            assert_eq!(
                (&one.what, one.state),
                (&other.what, other.state),
                "seed {seed}"
            );
        }
        assert_eq!(first.digest(), second.digest());
    }
}
