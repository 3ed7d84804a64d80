//! Who has a client certificate and nothing else: what the policies of keys that name it allow, and not
//! more; to everybody whose certificate no policy names, keys are missing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::changing::{evidence, policy_of, profile, revoke, stage, update};
use common::*;
use std::collections::BTreeSet;
use vault_audit::{Principal, Receipt, verify_receipt};
use vault_core::api::*;
use vault_core::{Answer, CallContext, Caller, Code, Cost, RateLimits, Rates, Refusal, Request};
use vault_encoding::Hash;
use vault_policy::{CertificateFacts, KeyHandle, KeyPolicy, KeyType};
use zeroize::Zeroizing;

const HOST: Hash = Hash([0x11; 32]);
const AUTHORITY: Hash = Hash([0xca; 32]);

/// A caller with this key, these names and these authorities, and nothing else.
fn holder(spki: Hash, sans: &[&str], issuers: &[Hash]) -> Caller {
    Caller::of_certificate(facts(spki, sans, issuers))
}

fn facts(spki: Hash, sans: &[&str], issuers: &[Hash]) -> CertificateFacts {
    CertificateFacts {
        spki,
        sans: sans.iter().map(|san| (*san).to_owned()).collect(),
        issuers: issuers.iter().copied().collect(),
    }
}

fn host() -> Caller {
    holder(HOST, &[], &[])
}

fn web() -> Caller {
    holder(Hash([0x22; 32]), &["dns:web.test"], &[AUTHORITY])
}

/// Certificates that prove no principal of [`document`].
fn strangers() -> Vec<Caller> {
    let other = Hash([0x33; 32]);
    vec![
        holder(other, &[], &[]),
        holder(other, &["dns:web.test"], &[]),
        holder(other, &["dns:web.test"], &[Hash([0xcb; 32])]),
        holder(other, &["dns:other.test"], &[AUTHORITY]),
        holder(other, &["dns:WEB.test"], &[AUTHORITY]),
        // A key counts where a key is named, and an authority's where an authority's is.
        holder(AUTHORITY, &["dns:web.test"], &[HOST]),
    ]
}

/// Alice owns; two certificates use, one of which may propose profiles.
fn document(operations: &str) -> String {
    format!(
        r#"{{"format":"enclave-vaults/key-policy/v1",
        "principals":{{"owner":{{"issuer":"{ISSUER}","subject":"alice"}},
          "mtls":[{{"id":"host","spki":"{HOST}"}},
                  {{"id":"web","ca":{{"san":"dns:web.test","spki":"{AUTHORITY}"}}}},
                  {{"id":"idle","spki":"{}"}}]}},
        "operations":[
          {{"name":"use","operations":[{operations}],"principals":["owner","host","web"]}},
          {{"name":"propose","operations":["stage_profile"],"principals":["host"]}}]}}"#,
        Hash([0x44; 32]),
    )
}

fn policy() -> KeyPolicy {
    policy_of(&document(r#""mac","mac_verify""#))
}

fn world() -> (Bench, KeyInfo) {
    common::changing::with_key(&policy())
}

fn mac(key: KeyRef) -> Request {
    Request::Mac(Mac {
        key,
        message: b"m".to_vec(),
    })
}

#[test]
fn whom_the_policy_names_uses_the_key_and_the_log_names_the_certificates_key() {
    let (mut bench, key) = world();
    for (who, spki) in [(host(), HOST), (web(), Hash([0x22; 32]))] {
        let reply = bench.call(&who, mac(pinned(&key))).unwrap();
        let leaf = reply.receipt.leaf.clone().unwrap();
        let receipt = Receipt {
            leaf: leaf.leaf.unwrap(),
            index: leaf.index,
            proof: leaf.proof.unwrap(),
            request_salt: leaf.request_salt,
            checkpoint: reply.receipt.head.checkpoint.to_vec(),
        };
        verify_receipt(&receipt, &bench.log_key()).unwrap();
        let entry = vault_audit::Entry::from_leaf(&receipt.leaf).unwrap();
        assert_eq!(entry.principals, [Principal::Certificate { spki }]);
    }
    // A principal of the key is told why, and its refusal is logged under its name.
    let refused = Request::Wrap(Wrap {
        key: pinned(&key),
        plaintext: Zeroizing::new(vec![1]),
        aad: Vec::new(),
    });
    assert_eq!(code(bench.call(&host(), refused)), Code::PolicyDenied);
    let entry = bench.entries().pop().unwrap();
    let named = [Principal::Certificate { spki: HOST }];
    assert_eq!((entry.allowed, &entry.principals[..]), (false, &named[..]));
}

#[test]
fn beside_a_token_or_evidence_the_log_names_these_alone() {
    let (mut bench, key) = world();
    let certificate = || Some(facts(HOST, &[], &[]));
    let robot = person("robot", &[]).with_certificate(certificate());
    let enclave = Caller::new(None, Some(evidence(1))).unwrap();
    for who in [robot, enclave.with_certificate(certificate())] {
        bench.call(&who, mac(pinned(&key))).unwrap();
        let entry = bench.entries().pop().unwrap();
        let certificates = entry.principals.iter();
        let certificates = certificates.filter(|who| matches!(who, Principal::Certificate { .. }));
        assert_eq!((entry.principals.len(), certificates.count()), (1, 0));
        assert_ne!(who.principal(), host().principal());
    }
}

#[test]
fn a_certificate_has_no_role_no_keys_of_its_own_and_changes_nothing() {
    let (mut bench, key) = world();
    let name = pinned(&key);
    let before = bench.vault.size();
    let create = Request::CreateKey(creation("alice", KeyType::HmacSha256, "owner", 9));
    for who in [host(), holder(Hash([0x33; 32]), &[], &[])] {
        assert_eq!(code(bench.call(&who, create.clone())), Code::RoleRequired);
        let read = Request::ReadLog { from: 0, to: 0 };
        assert_eq!(code(bench.call(&who, read)), Code::RoleRequired);
        let listed = bench.call(&who, Request::ListKeys(ListKeys::default()));
        let Answer::ListKeys { keys, .. } = listed.unwrap().answer else {
            panic!("another answer");
        };
        assert!(keys.is_empty());
    }
    assert_eq!(bench.vault.size(), before, "nothing of it is logged");
    let proposal = profile("app", 5);
    for request in [
        update(name, &policy(), 1),
        Request::ScheduleDeletion(ScheduleDeletion {
            key: name,
            window: 0,
        }),
        Request::CancelDeletion { key: name },
        common::changing::promote(name, &proposal, 1),
        revoke(name, &proposal),
        Request::Reconstruct { key: name },
    ] {
        assert_eq!(code(bench.call(&host(), request)), Code::PolicyDenied);
    }
    // By handle alone only an owner names a key.
    let by_handle = bench.call(&host(), mac(own(&key)));
    assert_eq!(code(by_handle), Code::NotFound);
}

#[test]
fn what_a_rule_lets_a_certificate_propose_is_kept_under_its_key_and_outlives_a_start() {
    let (mut bench, key) = world();
    let proposal = profile("app", 5);
    let context = CallContext {
        idempotency_key: "once".into(),
        ..CallContext::default()
    };
    // Who has no subject is remembered by nobody: a repeat is done again, and changes nothing.
    for _ in 0..2 {
        let request = stage(pinned(&key), &proposal);
        bench.with(&host(), request, context.clone()).unwrap();
    }
    assert_eq!(
        code(bench.call(&web(), stage(pinned(&key), &proposal))),
        Code::PolicyDenied
    );
    let mut again = Bench::over(bench.log.0);
    let list = Request::ListProfiles { key: pinned(&key) };
    let Answer::ListProfiles { profiles } = again.call(&owner("alice"), list).unwrap().answer
    else {
        panic!("another answer");
    };
    let by: Vec<_> = profiles.iter().map(|held| held.staged_by.clone()).collect();
    assert_eq!(by, [format!(r#"{{"kind":"certificate","spki":"{HOST}"}}"#)]);
}

#[test]
fn to_whoever_proves_no_principal_the_key_is_missing() {
    let (mut bench, key) = world();
    let size = bench.vault.size();
    let nowhere = KeyRef {
        handle: KeyHandle([77; 16]),
        lineage: None,
    };
    let mut compared = 0;
    let mut all = strangers();
    // Whom the policy names and no rule, is no principal.
    all.push(holder(Hash([0x44; 32]), &[], &[]));
    for who in all {
        for name in [own(&key), pinned(&key)] {
            for (there, missing) in about(name).into_iter().zip(about(nowhere)) {
                let there = bench.call(&who, there).map(|_| ()).unwrap_err();
                let missing = bench.call(&who, missing).map(|_| ()).unwrap_err();
                assert_eq!(there, Refusal::new(Code::NotFound));
                assert_eq!(there, missing);
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 7 * 2 * 12);
    assert_eq!(bench.vault.size(), size, "none is logged");
}

#[test]
fn a_share_takes_more_than_a_certificate_even_of_whom_its_policy_names() {
    let mut bench = Bench::new();
    let mut create = creation("alice", KeyType::RawShare, "owner", 1);
    let policy = policy_of(&document(r#""reconstruct""#));
    create.policy = policy.canonical_bytes().to_vec();
    let alice = bound("alice", vault_policy::SenderConstraint::Dpop);
    let Answer::CreateKey(key) = bench
        .call(&alice, Request::CreateKey(create))
        .unwrap()
        .answer
    else {
        panic!("another answer");
    };
    for who in [host(), web()] {
        for request in [
            Request::Reconstruct { key: pinned(&key) },
            Request::GetKey { key: pinned(&key) },
        ] {
            let refused = code(bench.call(&who, request));
            assert_eq!(refused, Code::SenderConstraintRequired);
            assert_eq!(bench.entries().pop().unwrap().reason, "sender");
        }
    }
}

#[test]
fn all_certificates_have_one_account_and_take_nothing_of_anybody_elses() {
    let mut rates = Rates::new(&RateLimits {
        calls: 10,
        ..RateLimits::default()
    });
    let now = std::time::Duration::ZERO;
    let mut admit = |who: &Caller| rates.admit(who.principal(), Cost::call(), now).is_ok();
    let mut keys = BTreeSet::new();
    let flood = (0..10_000u32).filter(|number| {
        let mut spki = [0; 32];
        spki[..4].copy_from_slice(&number.to_be_bytes());
        keys.insert(spki);
        admit(&holder(Hash(spki), &[], &[]))
    });
    assert_eq!(flood.count(), 20);
    assert_eq!(keys.len(), 10_000);
    assert!(!admit(&host()), "there is one account");
    assert!(admit(&owner("alice")));
    let enclave = Caller::new(None, Some(evidence(1))).unwrap();
    assert!(admit(&enclave));
    assert!(admit(&person("robot", &[]).with_certificate(Some(facts(
        HOST,
        &[],
        &[]
    )))));
    assert_eq!(rates.principals(), 3);
}
