//! A new measurement gains access by promotion and by nothing else: every other call, every other field of a
//! policy, by everybody who is a principal of the key.
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
use std::time::Duration;
use vault_core::api::*;
use vault_core::{CallContext, Caller, Code, TimeReading};
use vault_encoding::Hash;
use vault_policy::{KeyPolicy, KeyType, Mutability, PolicyVersion, UnixSeconds};

/// The build that nobody promoted.
const NEW: u8 = 7;

/// Where a measurement or a name of a principal can be written in a policy document, and what is tried there.
const TEES: &str = r#""tees":[{"name":"app","mrenclave":"OLD"}]"#;

/// Every field belongs to the owner as far as a policy can say so, and the enclave `app` does everything.
fn document() -> String {
    let levels: Vec<String> = Mutability::FIELDS
        .iter()
        .filter(|field| !["mutability", "principals.owner"].contains(field))
        .map(|field| format!(r#""{field}":"owner""#))
        .collect();
    format!(
        r#"{{"format":"enclave-vaults/key-policy/v1",
        "principals":{{"owner":{{"issuer":"{ISSUER}","subject":"alice"}},
          "auditors":[{{"id":"dave","oidc":{{"issuer":"{ISSUER}","subject":"dave"}}}}],
          "callers":[{{"id":"robot","oidc":{{"issuer":"{ISSUER}","subject":"robot"}}}},
                     {{"id":"ci","oidc":{{"issuer":"{ISSUER}","subject":"ci"}}}}],
          {TEES}}},
        "operations":[
          {{"name":"attested","operations":["mac"],"principals":["app"],"condition":{{"attestation_matches":{{"profile":"app"}}}}}},
          {{"name":"use","operations":["mac_verify"],"principals":["owner","robot","app"]}},
          {{"name":"propose","operations":["stage_profile"],"principals":["ci","app"]}}],
        "lifecycle":{{"deletion_window":60}},
        "mutability":{{{}}}}}"#,
        levels.join(",")
    )
    .replace("OLD", &Hash([1; 32]).to_string())
}

/// The document with one thing written otherwise, each of which would let the new build in if it were taken.
fn edits() -> Vec<(&'static str, String)> {
    let new = Hash([NEW; 32]).to_string();
    let old = Hash([1; 32]).to_string();
    let tees = TEES.replace("OLD", &old);
    let of = |name: &'static str, from: &str, to: &str| {
        let text = document();
        assert!(text.contains(from), "{name}");
        (name, text.replacen(from, to, 1))
    };
    let profile = |rest: &str| format!(r#""tees":[{{"name":"app",{rest}}}]"#);
    let signer = Hash([2; 32]).to_string();
    vec![
        of(
            "another build",
            &tees,
            &profile(&format!(r#""mrenclave":"{new}""#)),
        ),
        of(
            "one more of the same name",
            &tees,
            &format!(
                r#""tees":[{{"name":"app","mrenclave":"{old}"}},{{"name":"app","mrenclave":"{new}"}}]"#
            ),
        ),
        of(
            "one more of another name, and a rule for it",
            &tees,
            &format!(
                r#""tees":[{{"name":"app","mrenclave":"{old}"}},{{"name":"other","mrenclave":"{new}"}}]"#
            ),
        ),
        of(
            "any build of a signer",
            &tees,
            &profile(&format!(
                r#""mrsigner":"{signer}","isv_prod_id":0,"min_isv_svn":0"#
            )),
        ),
        of(
            "any build of a signer, the old one renamed",
            &tees,
            &format!(
                r#""tees":[{{"name":"old","mrenclave":"{old}"}},{{"name":"app","mrsigner":"{signer}","isv_prod_id":0,"min_isv_svn":0}}]"#
            ),
        ),
        of(
            "the same build with another state of the platform",
            &tees,
            &profile(&format!(
                r#""mrenclave":"{old}","tcb":{{"statuses":["UpToDate","OutOfDate"]}}"#
            )),
        ),
        of("no tees", &tees, r#""tees":[]"#),
        of(
            "another owner",
            r#""subject":"alice"}"#,
            r#""subject":"mallory"}"#,
        ),
        of(
            "the rule without its condition",
            r#","condition":{"attestation_matches":{"profile":"app"}}"#,
            "",
        ),
        of(
            "the rule for anybody too",
            r#""principals":["app"],"condition""#,
            r#""principals":["app","any"],"condition""#,
        ),
        of(
            "the rule for anybody alone",
            r#""principals":["owner","robot","app"]"#,
            r#""principals":["any"]"#,
        ),
        of(
            "more callers",
            r#""callers":["#,
            &format!(
                r#""callers":[{{"id":"all","role":{{"issuer":"{ISSUER}","role":"vault:owner"}}}},"#
            ),
        ),
        of(
            "more certificates",
            r#""callers":["#,
            &format!(r#""mtls":[{{"id":"pinned","spki":"{new}"}}],"callers":["#),
        ),
        of(
            "managers",
            r#""callers":["#,
            &format!(
                r#""managers":[{{"id":"bob","credentials":[{{"oidc":{{"issuer":"{ISSUER}","subject":"bob"}}}}]}}],"callers":["#
            ),
        ),
        of(
            "more auditors",
            r#""auditors":["#,
            &format!(
                r#""auditors":[{{"id":"erin","oidc":{{"issuer":"{ISSUER}","subject":"erin"}}}},"#
            ),
        ),
        of("no auditors", r#""auditors":["#, r#""auditors_":["#),
        of(
            "usage widened",
            r#""lifecycle""#,
            r#""usage":{"operations":["mac","mac_verify","sign","verify","wrap","unwrap"]},"lifecycle""#,
        ),
        of(
            "usage narrowed",
            r#""lifecycle""#,
            r#""usage":{"operations":["mac"]},"lifecycle""#,
        ),
        of(
            "export",
            r#""lifecycle""#,
            r#""usage":{"export":"clear"},"lifecycle""#,
        ),
        of(
            "targets",
            r#""lifecycle""#,
            &format!(r#""recovery":{{"mode":"replicate","targets":["{new}"]}},"lifecycle""#),
        ),
        of(
            "sealed",
            r#""deletion_window":60"#,
            r#""deletion_window":60,"sealed_forever":true"#,
        ),
        of(
            "longer window",
            r#""deletion_window":60"#,
            r#""deletion_window":61"#,
        ),
        of(
            "shorter window",
            r#""deletion_window":60"#,
            r#""deletion_window":0"#,
        ),
        of(
            "expiry",
            r#""deletion_window":60"#,
            r#""deletion_window":60,"expires_at":1900000000"#,
        ),
        of(
            "tees immutable",
            r#""principals.tees":"owner""#,
            r#""principals.tees":"immutable""#,
        ),
    ]
}

/// Every field of the canonical policy, put in the place of what stood there by a text that names the build.
fn everywhere() -> Vec<Vec<u8>> {
    let canonical = policy_of(&document()).canonical_bytes().to_vec();
    let text = String::from_utf8(canonical).unwrap();
    let new = Hash([NEW; 32]).to_string();
    let profile = String::from_utf8(profile("app", NEW)).unwrap();
    let mut all = Vec::new();
    for (at, _) in text.match_indices('"') {
        let Some(length) = text[at + 1..].find('"') else {
            continue;
        };
        for value in [
            format!("\"{new}\""),
            profile.clone(),
            format!("[{profile}]"),
        ] {
            all.push([&text[..at], &value, &text[at + length + 2..]].concat());
        }
    }
    for (at, _) in text.match_indices('[') {
        for value in [
            format!("[{profile},"),
            format!("[{profile}"),
            format!("[\"{new}\","),
        ] {
            all.push([&text[..at], &value, &text[at + 1..]].concat());
        }
    }
    all.into_iter().map(String::into_bytes).collect()
}

struct Door {
    bench: Bench,
    key: KeyRef,
    info: KeyInfo,
}

impl Door {
    fn new() -> Self {
        let (bench, info) = with_key(&policy_of(&document()));
        Self {
            bench,
            key: pinned(&info),
            info,
        }
    }

    /// Whether the new build is anything to the key.
    fn is_open(&mut self) -> bool {
        let new = enclave(NEW);
        about(self.key).into_iter().any(|request| {
            let outcome = self.bench.call(&new, request);
            !matches!(outcome, Err(refusal) if refusal.code == Code::NotFound)
        })
    }

    fn version(&mut self) -> u64 {
        let request = Request::GetKey {
            key: own(&self.info),
        };
        match self.bench.call(&owner("alice"), request).unwrap().answer {
            Answer::GetKey(info) => info.policy_version.0,
            _ => panic!("another answer"),
        }
    }
}

fn raw_update(key: KeyRef, policy: Vec<u8>, expected: u64) -> Request {
    Request::UpdatePolicy(UpdatePolicy {
        key,
        policy,
        expected_version: PolicyVersion(expected),
    })
}

fn everybody() -> Vec<Caller> {
    let named = ["alice", "robot", "ci", "dave", "mallory"];
    let mut all: Vec<Caller> = named
        .iter()
        .map(|name| person(name, &["vault:owner", "vault:manager", "vault:auditor"]))
        .collect();
    all.extend([enclave(1), enclave(NEW)]);
    // The owner from inside the new build.
    let token = token(
        "alice",
        &["vault:owner"],
        vault_policy::SenderConstraint::Dpop,
    );
    all.push(Caller::new(Some(token), Some(evidence(NEW))).unwrap());
    all
}

#[test]
fn every_other_field_of_a_policy_is_tried_and_none_lets_a_new_measurement_in() {
    let (mut tried, mut taken) = (0, BTreeSet::new());
    for (name, text) in edits() {
        let mut door = Door::new();
        let parsed = vault_encoding::Json::parse(
            text.as_bytes(),
            vault_encoding::Limits {
                bytes: 1 << 16,
                depth: 32,
                nodes: 8 * 1024,
            },
        );
        // What is no policy is sent as it is.
        let bytes = match KeyPolicy::from_json(&parsed.unwrap()) {
            Ok(policy) => policy.canonical_bytes().to_vec(),
            Err(_) => text.into_bytes(),
        };
        for who in everybody() {
            let expected = door.version();
            let request = raw_update(door.key, bytes.clone(), expected);
            if door.bench.call(&who, request).is_ok() {
                taken.insert(name);
            }
            tried += 1;
            assert!(!door.is_open(), "{name}");
        }
    }
    // Some edits are the owner's to make: they were taken, and let nobody in.
    let expected = [
        "longer window",
        "more auditors",
        "more callers",
        "more certificates",
        "usage narrowed",
    ];
    for name in expected {
        assert!(taken.contains(name), "{name}");
    }
    let mut door = Door::new();
    for bytes in everywhere() {
        let expected = door.version();
        let request = raw_update(door.key, bytes, expected);
        let _ = door.bench.call(&owner("alice"), request);
        tried += 1;
        assert!(!door.is_open(), "update {tried}");
    }
    println!(
        "new measurement: {tried} updates tried, {} of them taken, none lets it in",
        taken.len()
    );
    assert!(tried > 600, "{tried}");
}

/// Every call that there is, but a promotion: with the profile, the measurement and its digest wherever one of
/// them fits.
fn calls(door: &Door) -> Vec<Request> {
    let key = door.key;
    let profile = profile("app", NEW);
    let mut all = about(key);
    all.extend([
        stage(key, &profile),
        stage(key, &common::changing::profile("other", NEW)),
        Request::ListProfiles { key },
        Request::Simulate {
            key,
            request: profile.clone(),
        },
        Request::BeginApproval {
            key,
            request: profile.clone(),
            valid_for: 0,
        },
        Request::IssueApproval {
            key,
            statement: profile.clone(),
        },
        raw_update(key, profile.clone(), 1),
        revoke(key, &profile),
        stage(key, &profile),
        schedule(key, 60),
        Request::CancelDeletion { key },
        Request::ListKeys(ListKeys::default()),
        Request::ReadLog { from: 0, to: 0 },
        Request::GetCheckpoint,
        Request::ProveInclusion { index: 0, size: 1 },
        Request::ProveConsistency {
            old_size: 1,
            new_size: 2,
        },
        Request::WhoAmI,
    ]);
    // Keys of others with the same handle, and under policies that name the build.
    for who in ["mallory", "robot"] {
        let mut create = creation(who, KeyType::HmacSha256, "owner", 1);
        create.handle = key.handle;
        all.push(Request::CreateKey(create));
    }
    all
}

#[test]
fn every_other_call_is_tried_by_everybody_and_none_lets_a_new_measurement_in() {
    let mut tried = 0;
    let mut door = Door::new();
    for round in 0..2 {
        for who in everybody() {
            for request in calls(&door) {
                // Deleting is not letting in, and would end the search.
                let deletes = matches!(
                    &request,
                    Request::ScheduleDeletion(deletion) if deletion.window == 0
                );
                if deletes {
                    continue;
                }
                let _ = door.bench.call(&who, request);
                tried += 1;
                assert!(!door.is_open(), "round {round}, call {tried}");
            }
        }
        door.bench = restarted(door.bench);
        let later = TimeReading::Host(UnixSeconds(1_800_000_010));
        door.bench
            .vault
            .tick(later, Duration::ZERO, &mut Counter(1));
        door.bench.commit();
        assert!(!door.is_open());
    }
    let last = promoted_at_last(&mut door);
    println!("new measurement: {tried} calls tried, none lets it in; a promotion does");
    assert!(last && tried > 300, "{tried}");
}

/// The same build, when it is promoted: so what was tried could have been seen.
fn promoted_at_last(door: &mut Door) -> bool {
    let alice = owner("alice");
    let profile = profile("app", NEW);
    let key = door.key;
    let _ = door.bench.call(&alice, Request::CancelDeletion { key });
    door.bench.call(&alice, stage(key, &profile)).unwrap();
    assert!(!door.is_open());
    let version = door.version();
    let context = CallContext::default();
    let request = promote(key, &profile, version);
    door.bench.with(&alice, request, context).unwrap();
    door.is_open() && door.bench.call(&enclave(NEW), mac(key)).is_ok()
}
