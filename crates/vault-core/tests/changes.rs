//! Changes of a key: who may make them, who may not, and what is left of them after a restart.
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
use vault_core::{Caller, Code};
use vault_policy::{KeyType, PolicyVersion};

fn people() -> [(&'static str, Caller); 7] {
    [
        ("owner", owner("alice")),
        ("stranger", owner("mallory")),
        ("user", person("robot", &[])),
        ("manager", person("bob", &["vault:manager"])),
        ("auditor", person("dave", &["vault:auditor"])),
        ("stager", person("ci", &[])),
        ("enclave", enclave(1)),
    ]
}

/// What each may do, from the design and not from the code.
fn may(who: &str, operation: &str) -> Result<(), Code> {
    let allowed = match who {
        // Where there are managers, it takes their approval too.
        "owner" if operation == "promote_profile" => return Err(Code::UpdateRefused),
        "owner" => true,
        "stranger" => return Err(Code::NotFound),
        "manager" => operation == "cancel_deletion",
        "stager" => operation == "stage_profile",
        _ => false,
    };
    if allowed {
        Ok(())
    } else {
        Err(Code::PolicyDenied)
    }
}

fn narrower() -> Team {
    Team {
        robot: false,
        ..Team::default()
    }
}

#[test]
fn everybody_may_do_what_the_design_says_and_nothing_else() {
    let waiting = profile("app", 7);
    let other = profile("app", 8);
    let managed = Team {
        manager: true,
        ..Team::default()
    };
    let narrow = Team {
        robot: false,
        ..managed.clone()
    };
    let mut cells = 0;
    for (who, caller) in people() {
        for operation in [
            "update_policy",
            "stage_profile",
            "list_profiles",
            "promote_profile",
            "revoke_profile",
            "delete_key",
            "cancel_deletion",
        ] {
            let (mut bench, info) = with_key(&managed.policy());
            let key = pinned(&info);
            bench.call(&owner("alice"), stage(key, &waiting)).unwrap();
            if operation == "cancel_deletion" {
                bench.call(&owner("alice"), schedule(key, 60)).unwrap();
            }
            let before = (seen(&mut bench, &info), bench.vault.size());
            let request = match operation {
                "update_policy" => update(key, &narrow.policy(), 1),
                "stage_profile" => stage(key, &other),
                "list_profiles" => Request::ListProfiles { key },
                "promote_profile" => promote(key, &waiting, 1),
                "revoke_profile" => revoke(key, &waiting),
                "delete_key" => schedule(key, 60),
                _ => Request::CancelDeletion { key },
            };
            let outcome = bench.call(&caller, request).map(|_| ());
            let outcome = outcome.map_err(|refusal| refusal.code);
            assert_eq!(outcome, may(who, operation), "{who} {operation}");
            let logged = operation != "list_profiles" || outcome.is_err();
            let logged = logged && who != "stranger";
            assert_eq!(
                bench.vault.size(),
                before.1 + u64::from(logged),
                "{who} {operation}"
            );
            if logged {
                let entry = bench.entries().pop().unwrap();
                assert_eq!(
                    (entry.operation.as_str(), entry.allowed),
                    (operation, outcome.is_ok())
                );
            }
            let after = seen(&mut bench, &info);
            let changes = outcome.is_ok() && operation != "list_profiles";
            assert_eq!(after != before.0, changes, "{who} {operation}");
            bench = restarted(bench);
            assert!(seen(&mut bench, &info) == after, "{who} {operation}");
            cells += 1;
        }
    }
    assert_eq!(cells, 49);
}

#[test]
fn an_update_follows_the_version_that_it_names_and_is_judged_at_once() {
    let (mut bench, info) = with_key(&Team::default().policy());
    let (key, alice, robot) = (own(&info), owner("alice"), person("robot", &[]));
    bench.call(&robot, mac(pinned(&info))).unwrap();
    let narrow = narrower().policy();
    for expected in [0, 2, u64::MAX] {
        let refused = bench.call(&alice, update(key, &narrow, expected));
        assert_eq!(code(refused), Code::VersionConflict);
    }
    let reply = bench.call(&alice, update(key, &narrow, 1)).unwrap();
    let Answer::UpdatePolicy {
        policy_hash,
        policy_version,
    } = reply.answer
    else {
        panic!("another answer")
    };
    assert_eq!(
        (policy_hash, policy_version),
        (narrow.hash(), PolicyVersion(2))
    );
    assert_eq!(code(bench.call(&robot, mac(pinned(&info)))), Code::NotFound);
    bench.call(&alice, mac(key)).unwrap();
    let entry = bench.entries().pop().unwrap();
    assert_eq!(entry.policy_hash, Some(narrow.hash().0));
    // The version that stood before stands no more.
    let back = bench.call(&alice, update(key, &Team::default().policy(), 1));
    assert_eq!(code(back), Code::VersionConflict);
    let mut bench = restarted(bench);
    assert_eq!(code(bench.call(&robot, mac(pinned(&info)))), Code::NotFound);
    bench.call(&alice, mac(key)).unwrap();
}

#[test]
fn an_update_that_the_old_policy_refuses_says_which_field_and_changes_nothing() {
    let (mut bench, info) = with_key(&Team::default().policy());
    let alice = owner("alice");
    let before = seen(&mut bench, &info);
    let wider = Team {
        builds: vec![1, 9],
        ..Team::default()
    };
    let refused = bench.call(&alice, update(own(&info), &wider.policy(), 1));
    let refusal = refused.map(|_| ()).unwrap_err();
    assert_eq!(refusal.code, Code::UpdateRefused);
    assert_eq!(refusal.condition.as_deref(), Some("principals.tees"));
    assert!(refusal.leaf.is_some() && refusal.detail.is_some());
    let same = bench.call(&alice, update(own(&info), &Team::default().policy(), 1));
    assert_eq!(code(same), Code::UpdateRefused);
    let mut bytes = Team::default().policy().canonical_bytes().to_vec();
    bytes.push(b' ');
    let request = Request::UpdatePolicy(UpdatePolicy {
        key: own(&info),
        policy: bytes,
        expected_version: PolicyVersion(1),
    });
    assert_eq!(code(bench.call(&alice, request)), Code::PolicyInvalid);
    let request = Request::UpdatePolicy(UpdatePolicy {
        key: own(&info),
        policy: vec![b' '; (64 << 10) + 1],
        expected_version: PolicyVersion(1),
    });
    assert_eq!(code(bench.call(&alice, request)), Code::TooLarge);
    assert!(seen(&mut bench, &info) == before);
}

#[test]
fn a_repeated_change_is_answered_as_before_whatever_the_key_is_by_then() {
    let (mut bench, info) = with_key(&Team::default().policy());
    let key = own(&info);
    let (one, two) = (profile("app", 7), profile("app", 8));
    let policy = narrower().policy();
    let calls = [
        ("stage", stage(key, &one)),
        ("stage two", stage(key, &two)),
        ("promote", promote(key, &one, 1)),
        ("revoke", revoke(key, &two)),
        ("schedule", schedule(key, 60)),
        ("cancel", Request::CancelDeletion { key }),
        ("update", update(key, &policy_after_promotion(), 2)),
        ("delete", schedule(key, 0)),
    ];
    let alice = owner("alice");
    let mut answers = Vec::new();
    for (name, request) in &calls {
        bench.now = at(answers.len() as u64);
        let reply = bench.with(&alice, request.clone(), once(name)).unwrap();
        answers.push((reply.answer, reply.receipt.leaf.unwrap().index));
        let size = bench.vault.size();
        for ((name, request), (answer, index)) in calls.iter().zip(&answers) {
            let again = bench.with(&alice, request.clone(), once(name)).unwrap();
            assert!(again.answer == *answer, "{name}");
            assert_eq!(again.receipt.leaf.unwrap().index, *index, "{name}");
            let other = update(key, &policy, 77);
            let other = request_unlike(request, other, pinned(&info));
            let conflict = bench.with(&alice, other, once(name));
            assert_eq!(code(conflict), Code::IdempotencyConflict, "{name}");
        }
        assert_eq!(bench.vault.size(), size, "repeats are not logged");
        bench = restarted(bench);
    }
}

/// Of the same RPC, with another body.
fn request_unlike(request: &Request, update: Request, key: KeyRef) -> Request {
    match request {
        Request::ScheduleDeletion(deletion) => schedule(deletion.key, 999),
        Request::StageProfile(asked) => stage(asked.key, b"other"),
        Request::PromoteProfile(asked) => promote(asked.key, b"other", 1),
        Request::RevokeProfile(asked) => revoke(asked.key, b"other"),
        Request::CancelDeletion { .. } => Request::CancelDeletion { key },
        _ => update,
    }
}

fn policy_after_promotion() -> vault_policy::KeyPolicy {
    Team {
        robot: false,
        builds: vec![1, 7],
        ..Team::default()
    }
    .policy()
}

#[test]
fn sixteen_profiles_wait_at_most_equal_ones_are_one_and_an_update_keeps_them() {
    let (mut bench, info) = with_key(&Team::default().policy());
    let (key, alice) = (own(&info), owner("alice"));
    for build in 10..26 {
        for _ in 0..2 {
            bench
                .call(&alice, stage(key, &profile("app", build)))
                .unwrap();
        }
    }
    let refused = bench.call(&alice, stage(key, &profile("app", 26)));
    assert_eq!(code(refused), Code::QuotaExceeded);
    bench
        .call(&alice, update(key, &narrower().policy(), 1))
        .unwrap();
    let mut bench = restarted(bench);
    assert_eq!(listed(&mut bench, key).len(), 16);
    bench
        .call(&alice, revoke(key, &profile("app", 12)))
        .unwrap();
    bench.call(&alice, stage(key, &profile("app", 26))).unwrap();
    let digests: Vec<_> = listed(&mut bench, key)
        .iter()
        .map(|held| held.digest)
        .collect();
    let expected = (10..12).chain(13..27);
    let expected: Vec<_> = expected
        .map(|build| digest(&profile("app", build)))
        .collect();
    assert_eq!(digests, expected);
    let gone = bench.call(&alice, revoke(key, &profile("app", 12)));
    assert_eq!(code(gone), Code::InvalidArgument);
    assert_eq!(bench.entries().pop().unwrap().reason, "no_such_profile");
}

fn listed(bench: &mut Bench, key: KeyRef) -> Vec<PendingProfile> {
    let reply = bench.call(&owner("alice"), Request::ListProfiles { key });
    match reply.unwrap().answer {
        Answer::ListProfiles { profiles } => profiles,
        _ => panic!("another answer"),
    }
}

#[test]
fn a_proposal_says_who_made_it_and_when_and_goes_by_its_maker_or_the_owner_alone() {
    let (mut bench, info) = with_key(&Team::default().policy());
    let (key, ci) = (pinned(&info), person("ci", &[]));
    let (one, two) = (profile("app", 7), profile("app", 8));
    bench.call(&ci, stage(key, &one)).unwrap();
    bench.call(&owner("alice"), stage(key, &two)).unwrap();
    let held = listed(&mut bench, key);
    assert_eq!((&*held[0].profile, held[0].digest), (&*one, digest(&one)));
    assert_eq!(
        held[0].staged_at,
        Some(vault_policy::UnixSeconds(1_800_000_000))
    );
    let by = |name: &str| format!(r#"{{"issuer":"{ISSUER}","kind":"oidc","subject":"{name}"}}"#);
    assert_eq!(
        (&held[0].staged_by, &held[1].staged_by),
        (&by("ci"), &by("alice"))
    );
    let mut bench = restarted(bench);
    assert_eq!(listed(&mut bench, key), held);
    let robot = person("robot", &[]);
    for (who, profile, expected) in [
        (&robot, &one, Err(Code::PolicyDenied)),
        (&ci, &two, Err(Code::PolicyDenied)),
        (&ci, &one, Ok(())),
        (&owner("alice"), &two, Ok(())),
    ] {
        let outcome = bench.call(who, revoke(key, profile)).map(|_| ());
        assert_eq!(outcome.map_err(|refusal| refusal.code), expected);
    }
    assert!(listed(&mut bench, key).is_empty());
}

#[test]
fn what_is_no_profile_or_names_one_that_does_not_wait_is_refused() {
    let (mut bench, info) = with_key(&Team::default().policy());
    let (key, alice) = (own(&info), owner("alice"));
    for text in [&b"{}"[..], b"", profile_text("app", 7).as_bytes()] {
        let refused = bench.call(&alice, stage(key, text));
        assert_eq!(code(refused), Code::PolicyInvalid);
    }
    let long = bench.call(&alice, stage(key, &vec![b' '; (64 << 10) + 1]));
    assert_eq!(code(long), Code::TooLarge);
    let missing = bench.call(&alice, promote(key, &profile("app", 7), 1));
    assert_eq!(code(missing), Code::InvalidArgument);
    bench.call(&alice, stage(key, &profile("app", 7))).unwrap();
    let late = bench.call(&alice, promote(key, &profile("app", 7), 2));
    assert_eq!(code(late), Code::VersionConflict);
}

#[test]
fn proposals_count_as_texts_of_the_owner_and_leave_with_them() {
    let (mut bench, info) = with_key(&Team::default().policy());
    let (key, alice, ci) = (pinned(&info), owner("alice"), person("ci", &[]));
    // 16 KiB in all for one owner.
    let long = |build: u8| {
        let oids: Vec<String> = (0..8)
            .map(|oid| {
                let value = "A".repeat(680);
                format!(r#"{{"oid":"1.3.6.1.4.1.99999.{oid}","value":"{value}"}}"#)
            })
            .collect();
        let text = format!(
            r#"{{"name":"app","mrenclave":"{}","required_oids":[{}]}}"#,
            vault_encoding::Hash([build; 32]),
            oids.join(",")
        );
        profile_of(&text)
    };
    let mut fits = 0;
    let refused = loop {
        match bench.call(&ci, stage(key, &long(10 + fits))) {
            Ok(_) => fits += 1,
            Err(refusal) => break refusal.code,
        }
    };
    assert_eq!(refused, Code::QuotaExceeded);
    assert!((1..4).contains(&fits), "{fits}");
    let mut bench = restarted(bench);
    let still = bench.call(&ci, stage(key, &long(99)));
    assert_eq!(code(still), Code::QuotaExceeded);
    // Equal ones take nothing.
    bench.call(&ci, stage(key, &long(10))).unwrap();
    bench.call(&alice, revoke(key, &long(10))).unwrap();
    bench.call(&ci, stage(key, &long(99))).unwrap();
    bench.call(&alice, schedule(key, 0)).unwrap();
    let mut bench = restarted(bench);
    let policy = Team::default().policy();
    let next = add_key(&mut bench, &policy, 2);
    for build in 0..fits {
        bench
            .call(&ci, stage(pinned(&next), &long(10 + build)))
            .unwrap();
    }
}

#[test]
fn a_promoted_profile_is_in_the_policy_and_no_proposal_any_more() {
    let (mut bench, info) = with_key(&Team::default().policy());
    let (key, alice, new) = (pinned(&info), owner("alice"), enclave(7));
    let proposal = profile("app", 7);
    assert_eq!(code(bench.call(&new, mac(key))), Code::NotFound);
    bench.call(&alice, stage(key, &proposal)).unwrap();
    assert_eq!(code(bench.call(&new, mac(key))), Code::NotFound);
    bench.call(&alice, promote(key, &proposal, 1)).unwrap();
    assert!(listed(&mut bench, key).is_empty());
    for who in [&new, &enclave(1)] {
        bench.call(who, mac(key)).unwrap();
    }
    let mut bench = restarted(bench);
    for who in [&new, &enclave(1)] {
        bench.call(who, mac(key)).unwrap();
    }
    // The old build goes when its profile goes.
    let without = Team {
        builds: vec![7],
        ..Team::default()
    };
    bench
        .call(&alice, update(key, &without.policy(), 2))
        .unwrap();
    bench.call(&new, mac(key)).unwrap();
    assert_eq!(code(bench.call(&enclave(1), mac(key))), Code::NotFound);
    let again = bench.call(&alice, promote(key, &proposal, 3));
    assert_eq!(code(again), Code::InvalidArgument);
    bench.call(&alice, stage(key, &proposal)).unwrap();
    let equal = bench.call(&alice, promote(key, &proposal, 3));
    assert_eq!(code(equal), Code::UpdateRefused);
}

#[test]
fn a_share_asks_for_a_bound_sender_for_changes_too() {
    use vault_policy::SenderConstraint::{Dpop, None as Plain};
    let mut bench = Bench::new();
    let info = bench.create("alice", KeyType::RawShare, "owner", 1);
    let key = own(&info);
    let policy = policy("alice", KeyType::RawShare, "owner");
    for request in [
        update(key, &policy, 1),
        stage(key, &profile("app", 7)),
        Request::ListProfiles { key },
        promote(key, &profile("app", 7), 1),
        revoke(key, &profile("app", 7)),
        schedule(key, 60),
        Request::CancelDeletion { key },
    ] {
        let refused = bench.call(&bound("alice", Plain), request.clone());
        assert_eq!(code(refused), Code::SenderConstraintRequired);
        let outcome = bench.call(&bound("alice", Dpop), request).map(|_| ());
        let outcome = outcome.map_err(|refusal| refusal.code);
        assert_ne!(outcome, Err(Code::SenderConstraintRequired));
    }
}
