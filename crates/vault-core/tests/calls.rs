//! Who may do what, what is logged, and what strangers see.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::*;
use std::time::Duration;
use vault_audit::{Receipt, verify_receipt};
use vault_core::api::*;
use vault_core::{Caller, Code, Refusal, SignatureFormat, TimeReading};
use vault_encoding::Hash;
use vault_policy::{KeyHandle, KeyType, KeyVersion, Lineage, UnixSeconds};
use zeroize::Zeroizing;

#[test]
fn a_stranger_gets_the_answer_of_a_missing_key_whatever_he_asks_and_the_log_stays_as_it_is() {
    let mut bench = Bench::new();
    let key = bench.create("alice", KeyType::P256Signing, "owner", 1);
    let size = bench.vault.size();
    let missing = KeyRef {
        handle: KeyHandle([200; 16]),
        lineage: None,
    };
    let wrong = KeyRef {
        handle: key.handle,
        lineage: Some(Lineage(Hash([9; 32]))),
    };
    for who in [person("mallory", &[]), owner("bob")] {
        for name in [own(&key), pinned(&key), missing, wrong] {
            for request in about(name) {
                let refusal = bench.call(&who, request).map(|_| ()).unwrap_err();
                assert_eq!(refusal, Refusal::new(Code::NotFound));
            }
        }
    }
    assert_eq!(bench.vault.size(), size);
    let later = |seconds: u64| TimeReading::Host(UnixSeconds(1_800_000_000 + seconds));
    bench.vault.tick(later(0), Duration::ZERO, &mut Counter(1));
    assert_eq!(bench.vault.queued(), 0);
    bench.vault.tick(later(60), Duration::ZERO, &mut Counter(1));
    bench.commit();
    let last = bench.entries().pop().unwrap();
    assert_eq!(
        (last.operation.as_str(), last.outcome.as_str()),
        ("refuse_strangers", "refused 96")
    );
}

#[test]
fn a_principal_who_is_refused_is_told_why_and_the_log_says_so() {
    let mut bench = Bench::new();
    let key = bench.create("alice", KeyType::Ed25519Signing, "service", 1);
    let service = person("service", &[]);
    assert_eq!(code(bench.call(&service, sign(own(&key)))), Code::NotFound);
    bench.call(&service, sign(pinned(&key))).unwrap();
    for request in [
        Request::GetPolicy { key: pinned(&key) },
        Request::ScheduleDeletion(ScheduleDeletion {
            key: pinned(&key),
            window: 0,
        }),
    ] {
        let refusal = bench.call(&service, request).map(|_| ()).unwrap_err();
        assert_eq!(refusal.code, Code::PolicyDenied);
        let entry = bench.entries().pop().unwrap();
        assert!(!entry.allowed);
        assert_eq!(entry.reason, "not_owner");
        assert_eq!(refusal.leaf.unwrap().index, bench.vault.size() - 1);
        assert_eq!(refusal.head.unwrap().size, bench.vault.size());
    }
}

#[test]
fn uses_of_secrets_are_logged_with_receipts_and_reads_are_not() {
    let mut bench = Bench::new();
    let key = bench.create("alice", KeyType::P256Signing, "owner", 1);
    let size = bench.vault.size();
    for request in [
        Request::GetKey { key: own(&key) },
        Request::GetPolicy { key: own(&key) },
        Request::GetPublicKey {
            key: own(&key),
            version: None,
        },
        Request::ListKeys(ListKeys::default()),
        Request::GetCheckpoint,
        Request::WhoAmI,
        Request::ProveConsistency {
            old_size: 1,
            new_size: 2,
        },
        Request::ProveInclusion { index: 1, size: 2 },
    ] {
        let reply = bench.call(&owner("alice"), request).unwrap();
        assert_eq!((reply.receipt.leaf, reply.receipt.head.size), (None, size));
    }
    let reply = bench.call(&owner("alice"), sign(own(&key))).unwrap();
    let leaf = reply.receipt.leaf.unwrap();
    assert_eq!((leaf.index, bench.vault.size()), (size, size + 1));
    let receipt = Receipt {
        leaf: leaf.leaf.unwrap(),
        request_salt: leaf.request_salt,
        index: leaf.index,
        proof: leaf.proof.unwrap(),
        checkpoint: reply.receipt.head.checkpoint.to_vec(),
    };
    let verified = verify_receipt(&receipt, &bench.log_key()).unwrap();
    assert_eq!(verified.entry().operation, "sign");
    let text = format!(
        "{{\"handle\":\"{}\",\"lineage\":\"\",\"operation\":\"sign\",\"payload_length\":\"7\",\
         \"payload_sha256\":\"{}\",\"signature_format\":\"p1363\"}}",
        key.handle,
        vault_encoding::sha256(b"message")
    );
    assert!(verified.is_of_request(text.as_bytes()));
}

#[test]
fn signatures_tags_and_ciphertexts_come_back_as_they_went() {
    let mut bench = Bench::new();
    let alice = owner("alice");
    let signing = bench.create("alice", KeyType::P256Signing, "owner", 1);
    for format in [SignatureFormat::P1363, SignatureFormat::Der] {
        let input = Payload::Message(b"m".to_vec());
        let request = Request::Sign(Sign {
            key: own(&signing),
            input: input.clone(),
            format,
        });
        let Answer::Sign { signature, version } = bench.call(&alice, request).unwrap().answer
        else {
            panic!()
        };
        assert_eq!(version, KeyVersion(1));
        for (input, expected) in [(input, true), (Payload::Message(b"n".to_vec()), false)] {
            let signature = signature.clone();
            let verify = Verify {
                key: own(&signing),
                input,
                format,
                signature,
                version: None,
            };
            let answer = bench.call(&alice, Request::Verify(verify)).unwrap().answer;
            assert!(answer == Answer::Verify { valid: expected });
        }
    }
    let wrapping = own(&bench.create("alice", KeyType::Aes256Gcm, "owner", 2));
    let plaintext = Zeroizing::new(b"secret".to_vec());
    let wrap = Wrap {
        key: wrapping,
        plaintext: plaintext.clone(),
        aad: b"a".to_vec(),
    };
    let Answer::Wrap { ciphertext, .. } = bench.call(&alice, Request::Wrap(wrap)).unwrap().answer
    else {
        panic!()
    };
    let unwrap = |aad: &[u8]| {
        Request::Unwrap(Unwrap {
            key: wrapping,
            ciphertext: ciphertext.clone(),
            aad: aad.to_vec(),
        })
    };
    let opened = bench.call(&alice, unwrap(b"a")).unwrap().answer;
    assert!(
        opened
            == Answer::Unwrap {
                plaintext,
                version: KeyVersion(1)
            }
    );
    let failed = bench.call(&alice, unwrap(b"b")).map(|_| ()).unwrap_err();
    assert_eq!(failed.code, Code::DecryptionFailed);
    let entry = bench.entries().pop().unwrap();
    assert_eq!(
        (entry.allowed, entry.outcome.as_str()),
        (true, "decryption_failed")
    );
    let tagging = own(&bench.create("alice", KeyType::HmacSha256, "owner", 3));
    let message = b"m".to_vec();
    let mac = Request::Mac(Mac {
        key: tagging,
        message: message.clone(),
    });
    let Answer::Mac { tag, .. } = bench.call(&alice, mac).unwrap().answer else {
        panic!()
    };
    let check = MacVerify {
        key: tagging,
        message,
        tag,
        version: None,
    };
    let answer = bench
        .call(&alice, Request::MacVerify(check))
        .unwrap()
        .answer;
    assert!(answer == Answer::MacVerify { valid: true });
}

#[test]
fn type_and_usage_are_gates_behind_the_policy() {
    let mut bench = Bench::new();
    let key = bench.create("alice", KeyType::HmacSha256, "owner", 1);
    let refusal = bench
        .call(&owner("alice"), sign(own(&key)))
        .map(|_| ())
        .unwrap_err();
    assert!([Code::UsageDenied, Code::PolicyDenied].contains(&refusal.code));
    assert!(!bench.entries().pop().unwrap().allowed);
    let other = own(&bench.create("alice", KeyType::P256Signing, "owner", 2));
    let request = Request::GetPublicKey {
        key: other,
        version: Some(KeyVersion(2)),
    };
    assert_eq!(
        code(bench.call(&owner("alice"), request)),
        Code::InvalidArgument
    );
}

#[test]
fn creation_needs_the_role_the_owner_and_a_policy_that_holds() {
    let mut bench = Bench::new();
    let request = |who: &str| Request::CreateKey(creation(who, KeyType::P256Signing, "owner", 1));
    assert_eq!(
        code(bench.call(&person("alice", &[]), request("alice"))),
        Code::RoleRequired
    );
    assert_eq!(
        code(bench.call(&owner("alice"), request("bob"))),
        Code::PolicyInvalid
    );
    let mut broken = creation("alice", KeyType::P256Signing, "owner", 1);
    broken.policy.push(b' ');
    let broken = Request::CreateKey(broken);
    assert_eq!(
        code(bench.call(&owner("alice"), broken)),
        Code::PolicyInvalid
    );
    let mut labels = creation("alice", KeyType::P256Signing, "owner", 1);
    labels.labels = (0..17)
        .map(|n| Label {
            name: n.to_string(),
            value: String::new(),
        })
        .collect();
    assert_eq!(
        code(bench.call(&owner("alice"), Request::CreateKey(labels))),
        Code::InvalidArgument
    );
    assert_eq!(bench.vault.size(), 1);
    bench.call(&owner("alice"), request("alice")).unwrap();
    assert_eq!(
        code(bench.call(&owner("alice"), request("alice"))),
        Code::AlreadyExists
    );
    let mut name = creation("alice", KeyType::P256Signing, "owner", 2);
    name.name = "key 1".into();
    assert_eq!(
        code(bench.call(&owner("alice"), Request::CreateKey(name))),
        Code::AlreadyExists
    );
    // Handles are scoped by owner: the same one of somebody else is free.
    bench.call(&owner("bob"), request("bob")).unwrap();
    for number in 2..9 {
        bench.create("alice", KeyType::HmacSha256, "owner", number);
    }
    let ninth = Request::CreateKey(creation("alice", KeyType::HmacSha256, "owner", 9));
    assert_eq!(
        code(bench.call(&owner("alice"), ninth)),
        Code::QuotaExceeded
    );
}

#[test]
fn a_repeat_with_the_same_body_gives_the_same_answer_also_after_a_restart() {
    let mut bench = Bench::new();
    let request = || Request::CreateKey(creation("alice", KeyType::Ed25519Signing, "owner", 1));
    let context = || CallContext {
        idempotency_key: "once".into(),
        ..CallContext::default()
    };
    let first = bench.with(&owner("alice"), request(), context()).unwrap();
    let check = |bench: &mut Bench| {
        let again = bench.with(&owner("alice"), request(), context()).unwrap();
        assert!(again.answer == first.answer);
        let place = |reply: &Reply| {
            reply
                .receipt
                .leaf
                .as_ref()
                .map(|leaf| (leaf.index, leaf.request_salt))
        };
        assert_eq!(place(&again), place(&first));
        let other = Request::CreateKey(creation("alice", KeyType::Ed25519Signing, "owner", 2));
        assert_eq!(
            code(bench.with(&owner("alice"), other, context())),
            Code::IdempotencyConflict
        );
        let role = bench.with(&person("alice", &[]), request(), context());
        assert_eq!(code(role), Code::RoleRequired);
    };
    check(&mut bench);
    check(&mut Bench::over(bench.log.0.clone()));
}

#[test]
fn a_destroyed_key_is_refused_for_ever_and_leaves_its_tombstone() {
    let mut bench = Bench::new();
    let key = bench.create("alice", KeyType::Ed25519Signing, "service", 1);
    let alice = owner("alice");
    let delete = |window| {
        Request::ScheduleDeletion(ScheduleDeletion {
            key: own(&key),
            window,
        })
    };
    let context = || CallContext {
        idempotency_key: "gone".into(),
        ..CallContext::default()
    };
    let first = bench.with(&alice, delete(0), context()).unwrap().answer;
    let check = |bench: &mut Bench| {
        assert!(bench.with(&alice, delete(0), context()).unwrap().answer == first);
        assert_eq!(code(bench.call(&alice, sign(own(&key)))), Code::NotFound);
        assert_eq!(bench.entries().pop().unwrap().reason, "destroyed");
        assert_eq!(
            code(bench.call(&person("service", &[]), sign(pinned(&key)))),
            Code::NotFound
        );
        let reply = bench
            .call(&alice, Request::GetKey { key: own(&key) })
            .unwrap()
            .answer;
        let Answer::GetKey(info) = reply else {
            panic!()
        };
        assert_eq!(
            (info.state, info.lineage),
            (KeyState::Destroyed, key.lineage)
        );
        let taken = Request::CreateKey(creation("alice", KeyType::Ed25519Signing, "service", 1));
        assert_eq!(code(bench.call(&alice, taken)), Code::AlreadyExists);
    };
    check(&mut bench);
    check(&mut Bench::over(bench.log.0.clone()));
    let log = bench
        .log
        .0
        .iter()
        .flat_map(|(_, payload)| payload.clone())
        .collect::<Vec<_>>();
    assert!(!log.is_empty());
}

#[test]
fn an_operation_that_a_deletion_overtakes_is_dropped_and_logged_as_refused() {
    let mut bench = Bench::new();
    let key = bench.create("alice", KeyType::Ed25519Signing, "owner", 1);
    let context = CallContext::default();
    let judged = bench
        .vault
        .authorize(&owner("alice"), sign(own(&key)), &context, NOW);
    let signed = judged.operate(&mut Counter(1));
    let delete = ScheduleDeletion {
        key: own(&key),
        window: 0,
    };
    bench
        .call(&owner("alice"), Request::ScheduleDeletion(delete))
        .unwrap();
    let pending = bench.vault.record(signed);
    bench.commit();
    let outcome = pending
        .release(bench.vault.durable().unwrap())
        .ok()
        .unwrap();
    assert_eq!(code(outcome), Code::NotFound);
    let entry = bench.entries().pop().unwrap();
    assert_eq!((entry.allowed, entry.reason.as_str()), (false, "destroyed"));
}

#[test]
fn nothing_is_released_before_its_group_is_durable() {
    let mut bench = Bench::new();
    let before = bench.vault.durable().unwrap().clone();
    let context = CallContext {
        want_proof: true,
        ..CallContext::default()
    };
    let create = Request::CreateKey(creation("alice", KeyType::HmacSha256, "owner", 1));
    let judged = bench
        .vault
        .authorize(&owner("alice"), create, &context, NOW);
    let pending = bench.vault.record(judged.operate(&mut Counter(1)));
    assert_eq!(pending.awaits(), Some(1));
    let pending = pending.release(&before).err().unwrap();
    // A read that saw the creation waits for it as well, and one that did not does not.
    let list = |bench: &mut Bench, who: &str| {
        let context = CallContext::default();
        let list = Request::ListKeys(ListKeys::default());
        let judged = bench.vault.authorize(&owner(who), list, &context, NOW);
        bench.vault.record(judged.operate(&mut Counter(1)))
    };
    let read = list(&mut bench, "alice");
    assert_eq!(read.awaits(), Some(1));
    assert_eq!(list(&mut bench, "bob").awaits(), None);
    let read = read.release(&before).err().unwrap();
    bench.commit();
    let durable = bench.vault.durable().unwrap().clone();
    assert!(read.release(&durable).ok().unwrap().is_ok());
    assert!(pending.release(&durable).ok().unwrap().is_ok());
}

#[test]
fn lists_are_paged_and_hold_own_keys_only() {
    let mut bench = Bench::new();
    for number in 1..6 {
        bench.create("alice", KeyType::HmacSha256, "owner", number);
    }
    bench.create("bob", KeyType::HmacSha256, "owner", 77);
    let (mut token, mut handles) = (String::new(), Vec::new());
    loop {
        let list = ListKeys {
            page_size: 2,
            page_token: token,
        };
        let reply = bench
            .call(&owner("alice"), Request::ListKeys(list))
            .unwrap();
        let Answer::ListKeys {
            keys,
            next_page_token,
        } = reply.answer
        else {
            panic!()
        };
        assert!(keys.len() <= 2);
        handles.extend(keys.iter().map(|key| key.handle.0[0]));
        token = next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(handles, [1, 2, 3, 4, 5]);
    for list in [
        ListKeys {
            page_size: 1001,
            page_token: String::new(),
        },
        ListKeys {
            page_size: 0,
            page_token: "x".into(),
        },
    ] {
        assert_eq!(
            code(bench.call(&owner("alice"), Request::ListKeys(list))),
            Code::InvalidArgument
        );
    }
}

#[test]
fn the_log_is_for_auditors() {
    let mut bench = Bench::new();
    bench.create("alice", KeyType::HmacSha256, "owner", 1);
    let read = || Request::ReadLog { from: 0, to: 0 };
    assert_eq!(
        code(bench.call(&owner("alice"), read())),
        Code::RoleRequired
    );
    let auditor = person("carol", &["vault:auditor"]);
    let reply = bench.call(&auditor, read()).unwrap();
    let Answer::ReadLog { leaves } = reply.answer else {
        panic!()
    };
    assert_eq!(leaves.len() as u64, reply.receipt.head.size);
    let beyond = Request::ReadLog { from: 0, to: 3 };
    assert_eq!(code(bench.call(&auditor, beyond)), Code::InvalidArgument);
    // A role that this issuer may not grant counts for nothing.
    let mut config = config();
    config.issuers.clear();
    assert!(!config.holds(auditor.facts().token.as_ref().unwrap(), "vault:auditor"));
}

#[test]
fn a_clock_that_fails_lags_or_passes_the_token_denies() {
    let mut bench = Bench::new();
    let who = owner("alice");
    for (now, expected) in [
        (TimeReading::Failed, Code::TimeUnknown),
        (
            TimeReading::Host(UnixSeconds(1_800_003_595)),
            Code::TokenExpired,
        ),
        (
            TimeReading::Host(UnixSeconds(1_900_000_000)),
            Code::TokenExpired,
        ),
    ] {
        bench.now = now;
        assert_eq!(code(bench.call(&who, Request::WhoAmI)), expected);
    }
    bench.now = TimeReading::Host(UnixSeconds(1_800_003_594));
    assert!(bench.call(&who, Request::WhoAmI).is_ok());
    assert!(Caller::new(None, None).is_err());
}

#[test]
fn the_owner_is_told_of_a_lineage_that_is_not_the_keys() {
    let mut bench = Bench::new();
    let key = bench.create("alice", KeyType::Ed25519Signing, "owner", 1);
    let wrong = KeyRef {
        handle: key.handle,
        lineage: Some(Lineage(Hash([1; 32]))),
    };
    assert_eq!(
        code(bench.call(&owner("alice"), sign(wrong))),
        Code::LineageMismatch
    );
    assert_eq!(bench.entries().pop().unwrap().reason, "lineage_mismatch");
}
