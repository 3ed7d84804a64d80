//! What one principal can make of a policy by up to six updates, each of which is allowed: a search through all
//! policies of a small universe, from each of them. What many updates reach, one reaches: no change is cheaper in
//! pieces.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::changing::*;
use common::*;
use std::collections::BTreeSet;
use vault_encoding::{Hash, text::base64url};
use vault_policy::{
    Action, Approved, Approver, AttestationProfile, Facts, Field, KeyPolicy, KeySubject, KeyType,
    KeyVersion, Level, Lineage, Operation, PolicyVersion, SenderConstraint, UnixSeconds, VaultTime,
    evaluate, judge_update, promote, usage_allows, validate,
};

const UPDATES: usize = 6;
const TIME: VaultTime = VaultTime::Known {
    lo: UnixSeconds(1_800_000_000),
    hi: UnixSeconds(1_800_000_005),
};
const TYPE: KeyType = KeyType::HmacSha256;

/// One policy of the universe.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Point {
    builds: Vec<u8>,
    robot: bool,
    attested: bool,
    verify: bool,
    window: u64,
    manager: bool,
    /// Of rules, callers and managers.
    rules: &'static str,
    tees: &'static str,
}

const LEVELS: [&str; 3] = [
    r#""owner""#,
    r#"{"quorum":{"threshold":1}}"#,
    r#""immutable""#,
];

fn universe() -> Vec<Point> {
    let mut all = Vec::new();
    for builds in [vec![1], vec![2], vec![1, 2]] {
        for bits in 0..32u8 {
            for rules in LEVELS {
                for tees in LEVELS {
                    let bit = |at: u8| bits >> at & 1 == 1;
                    all.push(Point {
                        builds: builds.clone(),
                        robot: bit(0),
                        attested: bit(1),
                        verify: bit(2),
                        window: if bit(3) { 60 } else { 0 },
                        manager: bit(4),
                        rules,
                        tees,
                    });
                }
            }
        }
    }
    all
}

impl Point {
    /// `None` for what is no policy, or one that locks everybody out.
    fn policy(&self) -> Option<KeyPolicy> {
        let builds: Vec<String> = self
            .builds
            .iter()
            .map(|build| profile_text("app", *build))
            .collect();
        let id = base64url(&[9; 16]);
        let key = base64url(&[9; 32]);
        let bob = format!(
            r#"{{"id":"bob","credentials":[{{"fido2":{{"algorithm":"eddsa","credential_id":"{id}","origins":["https://w.test"],"public_key":"{key}","rp_id":"w.test"}}}}]}}"#
        );
        let document = format!(
            r#"{{"format":"enclave-vaults/key-policy/v1",
            "principals":{{"owner":{{"issuer":"{ISSUER}","subject":"alice"}},"managers":[{}],
              "callers":[{{"id":"robot","oidc":{{"issuer":"{ISSUER}","subject":"robot"}}}}],"tees":[{}]}},
            "operations":[{{"name":"use","operations":["mac","mac_verify"],"principals":["owner","app"{}]{}}}],
            "usage":{{"operations":["mac"{}]}},
            "lifecycle":{{"deletion_window":{}}},
            "mutability":{{"lifecycle.deletion_window":"owner","lifecycle.expires_at":"owner",
              "lifecycle.rotation_period":"owner","lifecycle.sealed_forever":"owner",
              "lifecycle.usage_limit":"owner","mutability":"owner","principals.auditors":"owner",
              "principals.mtls":"owner","principals.owner":"immutable","recovery.mode":"owner",
              "recovery.targets":"owner","usage.export":"owner","usage.operations":"owner",
              "operations":{rules},"principals.callers":{rules},"principals.managers":{rules},
              "principals.tees":{tees}}}}}"#,
            if self.manager { bob.as_str() } else { "" },
            builds.join(","),
            if self.robot { r#","robot""# } else { "" },
            if self.attested {
                r#","condition":{"attestation_matches":{"profile":"app"}}"#
            } else {
                ""
            },
            if self.verify { r#","mac_verify""# } else { "" },
            self.window,
            rules = self.rules,
            tees = self.tees,
        );
        let policy = KeyPolicy::from_json(&json(&document)).ok()?;
        validate(&policy, TYPE, TIME).is_ok().then_some(policy)
    }
}

fn subject_of(policy: &KeyPolicy) -> KeySubject {
    KeySubject {
        handle: vault_policy::KeyHandle([1; 16]),
        lineage: Lineage(Hash([1; 32])),
        version: KeyVersion(1),
        policy_hash: policy.hash(),
        policy_version: PolicyVersion(1),
    }
}

fn token_of(name: &str) -> Facts {
    person(name, &[]).facts().clone()
}

fn with_bob(facts: Facts) -> Facts {
    let by = Approver::Fido2 {
        credential_id: vec![9; 16],
        public_key: vec![9; 32],
    };
    Facts {
        approvals: vec![Approved { by, begun: TIME }],
        ..facts
    }
}

/// Who updates; one and the same for every step.
fn principals() -> Vec<(&'static str, Facts)> {
    let owner_in = Facts {
        evidence: Some(evidence(2)),
        ..token_of("alice")
    };
    vec![
        ("owner", token_of("alice")),
        ("owner in an enclave", owner_in),
        ("owner and manager", with_bob(token_of("alice"))),
        ("user", token_of("robot")),
        ("user and manager", with_bob(token_of("robot"))),
        ("enclave", enclave(1).facts().clone()),
        ("stranger", token_of("mallory")),
    ]
}

fn may_update(old: &KeyPolicy, new: &KeyPolicy, facts: &Facts) -> bool {
    evaluate(old, Action::UpdatePolicy, &subject_of(old), facts, TIME).is_ok()
        && judge_update(old, new, TYPE, facts, TIME).is_ok()
}

/// Whether these facts are enough for what a field asks for.
fn holds(level: Level, owner: bool, approved: bool) -> bool {
    match level {
        Level::Owner => owner,
        Level::Quorum(_) => owner && approved,
        Level::Immutable => false,
    }
}

/// Who can do what with the key, usage included.
fn rights(policy: &KeyPolicy) -> BTreeSet<(&'static str, &'static str)> {
    let callers = [
        ("owner", token_of("alice")),
        ("user", token_of("robot")),
        ("build 1", enclave(1).facts().clone()),
        ("build 2", enclave(2).facts().clone()),
        ("build 3", enclave(3).facts().clone()),
    ];
    let mut all = BTreeSet::new();
    for (name, facts) in callers {
        for operation in [Operation::Mac, Operation::MacVerify] {
            let action = Action::Operation(operation);
            let allowed = evaluate(policy, action, &subject_of(policy), &facts, TIME).is_ok();
            if allowed && usage_allows(policy.usage(), operation) {
                all.insert((name, operation.name()));
            }
        }
    }
    all
}

fn promotes(policy: &KeyPolicy, facts: &Facts) -> bool {
    let profile = AttestationProfile::from_canonical(&profile("app", 3)).unwrap();
    let permitted = evaluate(
        policy,
        Action::PromoteProfile,
        &subject_of(policy),
        facts,
        TIME,
    );
    permitted.is_ok() && promote(policy, &profile, TYPE, facts, TIME).is_ok()
}

struct Known {
    point: Point,
    policy: KeyPolicy,
    rights: BTreeSet<(&'static str, &'static str)>,
}

/// What is wrong with having come from one policy to another.
fn broken(start: &Known, end: &Known, facts: &Facts, promoted: [bool; 2]) -> Option<&'static str> {
    let owner = facts
        .token
        .as_ref()
        .is_some_and(|token| token.subject == "alice");
    let approved = start.point.manager && !facts.approvals.is_empty();
    let (from, to) = (&start.point, &end.point);
    let level = |policy: &KeyPolicy, field| policy.fields().mutability.level(field);
    let held = |field| holds(level(&start.policy, field), owner, approved);
    if !to.builds.iter().all(|build| from.builds.contains(build)) {
        return Some("a build that was not there");
    }
    if to.window < from.window || (to.verify && !from.verify) {
        return Some("what only narrows is wider");
    }
    if Field::ALL
        .into_iter()
        .any(|field| !level(&end.policy, field).covers(level(&start.policy, field)))
    {
        return Some("a field that takes less");
    }
    let same_rules = (from.robot, from.attested) == (to.robot, to.attested);
    if !held(Field::Operations) && (!same_rules || from.manager != to.manager) {
        return Some("rules or managers by who may not change them");
    }
    if !held(Field::Tees) && from.builds != to.builds {
        return Some("profiles by who may not change them");
    }
    if from.attested && !promoted[0] && !same_rules {
        return Some("a rule over evidence by who may not promote");
    }
    if !promoted[0] && promoted[1] {
        return Some("a promotion by who could not promote");
    }
    let new: BTreeSet<_> = end.rights.difference(&start.rights).collect();
    // Who may change the rules may let the named in; nobody else gets anything.
    let implied = held(Field::Operations) && new.iter().all(|(who, _)| !who.starts_with("build"));
    (!new.is_empty() && !implied).then_some("a right that was not implied")
}

#[test]
fn no_six_updates_by_one_principal_reach_a_right_that_was_not_implied() {
    let known: Vec<Known> = universe()
        .into_iter()
        .filter_map(|point| {
            let policy = point.policy()?;
            let rights = rights(&policy);
            Some(Known {
                point,
                policy,
                rights,
            })
        })
        .collect();
    assert!(known.len() > 300, "{}", known.len());
    let (mut updates, mut reached, mut gained) = (0, 0, 0);
    let (mut depths, mut pairs) = ([0; UPDATES + 1], 0);
    for (who, facts) in principals() {
        let edges: Vec<Vec<usize>> = known
            .iter()
            .map(|old| {
                let allowed = |new: &usize| may_update(&old.policy, &known[*new].policy, &facts);
                (0..known.len()).filter(allowed).collect()
            })
            .collect();
        let count: usize = edges.iter().map(Vec::len).sum();
        updates += count;
        pairs += edges
            .iter()
            .flatten()
            .map(|middle| edges[*middle].len())
            .sum::<usize>();
        assert_eq!(count > 0, who.starts_with("owner"), "{who}");
        let promoted: Vec<bool> = known
            .iter()
            .map(|known| promotes(&known.policy, &facts))
            .collect();
        for start in 0..known.len() {
            let mut seen = BTreeSet::from([start]);
            let mut frontier = vec![start];
            for depth in depths.iter_mut().skip(1) {
                let next = frontier.iter().flat_map(|at| &edges[*at]);
                let next: Vec<usize> = next.copied().filter(|end| seen.insert(*end)).collect();
                *depth += next.len();
                frontier = next;
            }
            for end in seen.into_iter().filter(|end| *end != start) {
                reached += 1;
                gained += usize::from(!known[end].rights.is_subset(&known[start].rights));
                let promoted = [promoted[start], promoted[end]];
                let broken = broken(&known[start], &known[end], &facts, promoted);
                assert_eq!(
                    broken, None,
                    "{who}: {:?} to {:?}",
                    known[start].point, known[end].point
                );
            }
        }
    }
    println!(
        "T-REACH: {} policies, {updates} updates allowed, {pairs} one after another, {reached} pairs of start and end within {UPDATES}, {gained} with more rights, all implied; first reached by updates: {depths:?}",
        known.len()
    );
    assert!(reached > 5_000 && gained > 100 && pairs > reached);
    // Where two updates take less than one, what was judged is not what was asked for.
    assert_eq!(depths.iter().skip(2).sum::<usize>(), 0, "{depths:?}");
}

#[test]
fn a_right_that_an_update_alone_could_give_is_seen_by_the_search() {
    let point = |robot, rules| Point {
        builds: vec![1],
        robot,
        attested: false,
        verify: true,
        window: 0,
        manager: false,
        rules,
        tees: LEVELS[0],
    };
    let known = |point: Point| {
        let policy = point.policy().unwrap();
        Known {
            rights: rights(&policy),
            policy,
            point,
        }
    };
    let [fixed, more] = [false, true].map(|robot| known(point(robot, LEVELS[2])));
    let owner = token_of("alice");
    assert_eq!(
        broken(&fixed, &more, &owner, [true; 2]),
        Some("rules or managers by who may not change them")
    );
    let [free, given] = [false, true].map(|robot| known(point(robot, LEVELS[0])));
    assert_eq!(broken(&free, &given, &owner, [true; 2]), None);
    assert!(may_update(&free.policy, &given.policy, &owner));
    assert!(!may_update(&fixed.policy, &more.policy, &owner));
    let unbound = token("alice", &[], SenderConstraint::None);
    assert_eq!(unbound.facts().subject, "alice");
}
