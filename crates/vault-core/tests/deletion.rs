//! Deletions that wait: what a key does meanwhile, who keeps it, and when it goes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::changing::*;
use common::*;
use std::time::Duration;
use vault_core::api::*;
use vault_core::{Code, TimeReading};
use vault_policy::UnixSeconds;

/// Seconds by which the clock may lag: windows are counted from the latest second that it can be.
const SKEW: u64 = 5;

fn waiting(window: u64) -> Team {
    Team {
        window,
        ..Team::default()
    }
}

fn state(bench: &mut Bench, key: &KeyInfo) -> (KeyState, Option<UnixSeconds>) {
    let request = Request::GetKey { key: own(key) };
    match bench.call(&owner("alice"), request).unwrap().answer {
        Answer::GetKey(info) => (info.state, info.due_at),
        _ => panic!("another answer"),
    }
}

fn tick(bench: &mut Bench, now: TimeReading) -> usize {
    let before = bench.entries().len();
    bench.vault.tick(now, Duration::ZERO, &mut Counter(21));
    bench.commit();
    bench.entries().len() - before
}

#[test]
fn the_window_of_the_policy_is_the_least_and_none_is_taken_only_where_it_says_so() {
    for (least, asked, expected) in [
        (0, 0, Ok(KeyState::Destroyed)),
        (0, 1, Ok(KeyState::PendingDeletion)),
        (3_600, 0, Err(Code::PolicyDenied)),
        (3_600, 3_599, Err(Code::PolicyDenied)),
        (3_600, 3_600, Ok(KeyState::PendingDeletion)),
        (3_600, u64::MAX, Ok(KeyState::PendingDeletion)),
    ] {
        let (mut bench, info) = with_key(&waiting(least).policy());
        let outcome = bench.call(&owner("alice"), schedule(own(&info), asked));
        let outcome = match outcome {
            Ok(reply) => match reply.answer {
                Answer::ScheduleDeletion {
                    state,
                    tombstone_index,
                    due_at,
                } => {
                    let pending = state == KeyState::PendingDeletion;
                    assert_eq!(tombstone_index == 0, pending);
                    let due = 1_800_000_000u64.saturating_add(SKEW).saturating_add(asked);
                    assert_eq!(due_at, pending.then_some(UnixSeconds(due)));
                    Ok(state)
                }
                _ => panic!("another answer"),
            },
            Err(refusal) => {
                assert_eq!(
                    refusal.condition.as_deref(),
                    Some("lifecycle.deletion_window")
                );
                Err(refusal.code)
            }
        };
        assert_eq!(outcome, expected, "{least} {asked}");
    }
}

#[test]
fn without_a_time_a_key_goes_at_once_or_not_at_all() {
    let (mut bench, info) = with_key(&waiting(0).policy());
    bench.now = TimeReading::Failed;
    // A token has an expiry, so that nobody with one gets so far; an enclave is no owner.
    let refused = bench.call(&owner("alice"), schedule(own(&info), 60));
    assert_eq!(code(refused), Code::TimeUnknown);
}

#[test]
fn a_pending_key_is_looked_at_and_kept_and_does_nothing_else() {
    let (mut bench, info) = with_key(&waiting(0).policy());
    let (key, alice) = (pinned(&info), owner("alice"));
    let proposal = profile("app", 7);
    bench.call(&alice, stage(key, &proposal)).unwrap();
    bench.call(&alice, schedule(key, 3_600)).unwrap();
    let mut bench = restarted(bench);
    let due = Some(UnixSeconds(1_800_000_000 + SKEW + 3_600));
    assert_eq!(state(&mut bench, &info), (KeyState::PendingDeletion, due));
    let mut tried = 0;
    let others = [
        update(key, &waiting(9).policy(), 1),
        stage(key, &proposal),
        promote(key, &proposal, 1),
        revoke(key, &proposal),
        schedule(key, 7_200),
    ];
    for (who, caller) in [
        ("alice", alice.clone()),
        ("robot", person("robot", &[])),
        ("ci", person("ci", &[])),
        ("app", enclave(1)),
        ("mallory", owner("mallory")),
    ] {
        for request in about(key).into_iter().chain(others.clone()) {
            let looks = matches!(request, Request::GetKey { .. } | Request::GetPolicy { .. });
            let outcome = bench.call(&caller, request).map(|_| ());
            let outcome = outcome.map_err(|refusal| refusal.code);
            match who {
                "mallory" => assert_eq!(outcome, Err(Code::NotFound)),
                _ if looks => assert_ne!(outcome, Err(Code::PendingDeletion)),
                _ => assert!(
                    matches!(outcome, Err(Code::PendingDeletion | Code::PolicyDenied)),
                    "{who} {outcome:?}"
                ),
            }
            tried += 1;
        }
    }
    assert_eq!(tried, 5 * (12 + 5));
    let listed = bench.call(&alice, Request::ListProfiles { key }).unwrap();
    assert!(matches!(listed.answer, Answer::ListProfiles { profiles } if profiles.len() == 1));
    let listed = bench.call(&alice, Request::ListKeys(ListKeys::default()));
    let Answer::ListKeys { keys, .. } = listed.unwrap().answer else {
        panic!("another answer")
    };
    assert_eq!(
        (keys[0].state, keys[0].due_at),
        (KeyState::PendingDeletion, due)
    );
    assert_eq!(
        bench.vault.census(),
        [(info.lineage, KeyState::PendingDeletion)]
    );
}

#[test]
fn the_owner_and_any_manager_keep_a_key_and_nobody_else_does() {
    for (who, kept) in [
        ("alice", true),
        ("bob", true),
        ("robot", false),
        ("ci", false),
        ("dave", false),
        ("mallory", false),
    ] {
        let team = Team {
            manager: true,
            ..waiting(60)
        };
        let (mut bench, info) = with_key(&team.policy());
        let key = pinned(&info);
        let caller = person(who, &[]);
        let early = bench.call(&caller, Request::CancelDeletion { key });
        assert!(early.is_err(), "{who}: nothing is pending");
        bench.call(&owner("alice"), schedule(key, 60)).unwrap();
        let outcome = bench.call(&caller, Request::CancelDeletion { key });
        assert_eq!(outcome.is_ok(), kept, "{who}");
        let mut bench = restarted(bench);
        let used = bench.call(&owner("alice"), mac(key));
        assert_eq!(used.is_ok(), kept, "{who}");
        assert_eq!(tick(&mut bench, at(1_000)), usize::from(!kept), "{who}");
    }
}

#[test]
fn a_key_goes_when_its_second_is_there_for_certain_and_leaves_a_tombstone() {
    let (mut bench, info) = with_key(&waiting(60).policy());
    let (key, alice) = (own(&info), owner("alice"));
    bench.call(&alice, mac(key)).unwrap();
    assert_eq!(bench.vault.parsed_keys(), 1);
    bench.call(&alice, schedule(key, 60)).unwrap();
    assert_eq!(bench.vault.parsed_keys(), 0, "nothing of it is held ready");
    for now in [at(0), at(SKEW + 59), TimeReading::Failed] {
        assert_eq!(tick(&mut bench, now), 0, "{now:?}");
        assert_eq!(state(&mut bench, &info).0, KeyState::PendingDeletion);
    }
    let mut bench = restarted(bench);
    assert_eq!(tick(&mut bench, at(SKEW + 60)), 1);
    let entry = bench.entries().pop().unwrap();
    assert_eq!(
        (entry.operation.as_str(), entry.outcome.as_str()),
        ("delete_due", "ok")
    );
    assert_eq!((entry.lineage, entry.allowed), (Some(info.lineage.0), true));
    assert!(entry.principals.is_empty() && entry.change_hash.is_some());
    assert_eq!(tick(&mut bench, at(SKEW + 61)), 0);
    for round in 0..2 {
        assert_eq!(
            state(&mut bench, &info),
            (KeyState::Destroyed, None),
            "{round}"
        );
        assert_eq!(code(bench.call(&alice, mac(key))), Code::NotFound);
        let late = bench.call(&alice, Request::CancelDeletion { key });
        assert_eq!(code(late), Code::NotFound);
        bench = restarted(bench);
    }
}

#[test]
fn a_key_that_was_due_while_the_vault_was_down_goes_at_the_first_look() {
    let (mut bench, info) = with_key(&waiting(60).policy());
    let key = own(&info);
    bench.call(&owner("alice"), schedule(key, 60)).unwrap();
    let mut bench = Bench::over(bench.log.0);
    assert_eq!(tick(&mut bench, at(1 << 20)), 1);
    assert_eq!(state(&mut bench, &info).0, KeyState::Destroyed);
}

#[test]
fn keys_that_are_due_together_go_some_at_a_time_and_the_first_one_first() {
    let mut bench = Bench::new();
    let keys: Vec<KeyInfo> = (0..8)
        .map(|number| add_key(&mut bench, &waiting(0).policy(), number))
        .collect();
    for (number, key) in keys.iter().enumerate() {
        let window = 80 - 10 * number as u64;
        bench
            .call(&owner("alice"), schedule(own(key), window))
            .unwrap();
    }
    let mut bench = restarted(bench);
    for gone in 1..=8u64 {
        assert_eq!(tick(&mut bench, at(SKEW + 10 * gone)), 1, "{gone}");
        let key = &keys[8 - gone as usize];
        assert_eq!(state(&mut bench, key).0, KeyState::Destroyed);
    }
}

#[test]
fn a_deleted_key_leaves_nothing_in_a_later_snapshot_and_a_pending_one_is_in_it() {
    let (mut bench, info) = with_key(&waiting(0).policy());
    let (key, proposal) = (own(&info), profile("app", 0xab));
    let alice = owner("alice");
    bench.call(&alice, stage(key, &proposal)).unwrap();
    bench.call(&alice, schedule(key, 60)).unwrap();
    let held = |bench: &Bench| {
        let snapshot = bench.vault.snapshot().unwrap().unwrap();
        let mut windows = snapshot.payload.windows(proposal.len());
        windows.any(|window| window == proposal)
    };
    assert!(held(&bench));
    assert_eq!(tick(&mut bench, at(100)), 1);
    assert!(!held(&bench));
}
