//! Shares: who may touch them, what is kept of them, and what is left when they are gone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::*;
use vault_audit::{Receipt, verify_receipt};
use vault_core::api::*;
use vault_core::{CallContext, Caller, Code, OpenedSnapshot, Refusal};
use vault_encoding::{Hash, sha256};
use vault_policy::{
    EvidenceClaims, KeyHandle, KeyType, Measurement, PlatformId, SHARE_CLASSES, SenderConstraint,
    SgxFacts, TcbStatus, Tee, TemplateArgs, UnixSeconds, VerifiedEvidence, template,
};
use zeroize::Zeroizing;

const BOUND: [SenderConstraint; 3] = [
    SenderConstraint::Dpop,
    SenderConstraint::Certificate,
    SenderConstraint::Audience,
];

fn alice() -> Caller {
    bound("alice", SenderConstraint::Dpop)
}

/// Bytes that occur nowhere else.
fn share_of(length: usize) -> Zeroizing<Vec<u8>> {
    let mut share = Zeroizing::new(vec![0; length]);
    let mut state = length as u32 | 1;
    for byte in share.iter_mut() {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        *byte = (state >> 24) as u8;
    }
    share[0] = 7;
    share
}

fn keep(number: u8, share: Zeroizing<Vec<u8>>) -> CreateKey {
    CreateKey {
        share: Some(share),
        ..creation("alice", KeyType::RawShare, "owner", number)
    }
}

fn delete(key: KeyRef) -> Request {
    Request::ScheduleDeletion(ScheduleDeletion { key, window: 0 })
}

fn fetched(outcome: Result<Reply, Refusal>) -> Zeroizing<Vec<u8>> {
    match outcome.unwrap().answer {
        Answer::Reconstruct { share, .. } => share,
        _ => panic!("another answer"),
    }
}

fn evidence() -> VerifiedEvidence {
    VerifiedEvidence::assertion(EvidenceClaims {
        tee: Tee::Sgx(SgxFacts {
            mrenclave: Measurement(Hash([1; 32])),
            mrsigner: Measurement(Hash([2; 32])),
            isv_prod_id: 0,
            isv_svn: 0,
        }),
        platform_id: PlatformId(Hash([3; 32])),
        config_merkle_root: None,
        oids: Vec::new(),
        tcb_status: TcbStatus::UpToDate,
        advisories: Vec::new(),
        tcb_evaluation_data_number: 0,
        tcb_date: UnixSeconds(0),
        collateral_issued_at: UnixSeconds(0),
        simulated: true,
    })
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

#[test]
fn a_share_of_every_class_comes_back_as_it_went_in_and_both_calls_are_logged() {
    let mut bench = Bench::new();
    for (number, class) in (1..).zip(SHARE_CLASSES) {
        let create = Request::CreateKey(keep(number, share_of(class)));
        let Answer::CreateKey(info) = bench.call(&alice(), create).unwrap().answer else {
            panic!("another answer")
        };
        assert_eq!((info.origin, info.exportable), ("imported", true));
        assert!(info.public_key.is_empty());
        let reply = bench.call(&alice(), Request::Reconstruct { key: own(&info) });
        let reply = reply.unwrap();
        let leaf = reply.receipt.leaf.clone().unwrap();
        let receipt = Receipt {
            leaf: leaf.leaf.unwrap(),
            index: leaf.index,
            proof: leaf.proof.unwrap(),
            request_salt: leaf.request_salt,
            checkpoint: reply.receipt.head.checkpoint.to_vec(),
        };
        verify_receipt(&receipt, &bench.log_key()).unwrap();
        assert_eq!(fetched(Ok(reply)), share_of(class));
    }
    let logged = |name: &str| {
        let entries = bench.entries().into_iter();
        entries
            .filter(|entry| entry.operation == name && entry.allowed)
            .count()
    };
    assert_eq!(logged("create_key"), SHARE_CLASSES.len());
    assert_eq!(logged("reconstruct"), SHARE_CLASSES.len());
}

#[test]
fn a_plain_bearer_token_is_refused_everything_about_a_share_and_the_log_says_so() {
    let mut bench = Bench::new();
    let key = bench.create("alice", KeyType::RawShare, "owner", 1);
    let plain = token("alice", &["vault:owner"], SenderConstraint::None);
    let attested = Caller::new(Some(plain), Some(evidence())).unwrap();
    for who in [owner("alice"), attested] {
        for name in [own(&key), pinned(&key)] {
            for request in about(name) {
                let expected = match request {
                    Request::GetKey { .. }
                    | Request::GetPolicy { .. }
                    | Request::GetPublicKey { .. }
                    | Request::ScheduleDeletion(_)
                    | Request::Reconstruct { .. } => Code::SenderConstraintRequired,
                    // No rule grants it: the gate stands behind the policy.
                    _ => Code::PolicyDenied,
                };
                let size = bench.vault.size();
                assert_eq!(code(bench.call(&who, request)), expected);
                assert_eq!(bench.vault.size(), size + 1);
                let entry = bench.entries().pop().unwrap();
                let by_gate = expected == Code::SenderConstraintRequired;
                assert_eq!((entry.allowed, entry.reason == "sender"), (false, by_gate));
            }
        }
        let create = Request::CreateKey(creation("alice", KeyType::RawShare, "owner", 2));
        assert_eq!(
            code(bench.call(&who, create)),
            Code::SenderConstraintRequired
        );
        let entry = bench.entries().pop().unwrap();
        assert_eq!(
            (entry.operation.as_str(), entry.reason.as_str()),
            ("create_key", "sender")
        );
        assert_eq!(entry.handle, KeyHandle([2; 16]).to_string());
    }
    assert_eq!(
        *fetched(bench.call(&alice(), Request::Reconstruct { key: own(&key) })),
        [1; 320]
    );
}

#[test]
fn a_listing_leaves_shares_out_for_a_plain_bearer_token_and_for_nobody_else() {
    let mut bench = Bench::new();
    for (number, key_type) in (1..).zip(KeyType::ALL) {
        bench.create("alice", key_type, "owner", number);
    }
    let mut listed = |who: &Caller, page_size| {
        let list = ListKeys {
            page_size,
            ..ListKeys::default()
        };
        match bench.call(who, Request::ListKeys(list)).unwrap().answer {
            Answer::ListKeys {
                keys,
                next_page_token,
            } => (keys.len(), next_page_token.is_empty()),
            _ => panic!("another answer"),
        }
    };
    let others = KeyType::ALL.len() - 1;
    assert_eq!(listed(&owner("alice"), 0), (others, true));
    // Not even a page token says that there is one more.
    assert_eq!(listed(&owner("alice"), others as u32), (others, true));
    for constraint in BOUND {
        assert_eq!(listed(&bound("alice", constraint), 0), (others + 1, true));
    }
}

#[test]
fn every_bound_token_and_an_attested_caller_without_one_fetch_a_share() {
    let mut bench = Bench::new();
    let mut args = TemplateArgs::new(subject("alice"), KeyType::RawShare);
    args.mrenclave = evidence().claims().mrenclave();
    let mut create = keep(1, share_of(320));
    create.policy = template("caller-enclave", &args)
        .unwrap()
        .canonical_bytes()
        .to_vec();
    let answer = bench
        .call(&alice(), Request::CreateKey(create))
        .unwrap()
        .answer;
    let Answer::CreateKey(info) = answer else {
        panic!("another answer")
    };
    let fetch = || Request::Reconstruct { key: pinned(&info) };
    let enclave = Caller::new(None, Some(evidence())).unwrap();
    assert_eq!(fetched(bench.call(&enclave, fetch())), share_of(320));
    for constraint in BOUND {
        // The policy wants the enclave as well as the gate wants a bound token.
        assert_eq!(
            code(bench.call(&bound("alice", constraint), fetch())),
            Code::PolicyDenied
        );
        let token = token("alice", &[], constraint);
        let both = Caller::new(Some(token), Some(evidence())).unwrap();
        assert_eq!(fetched(bench.call(&both, fetch())), share_of(320));
    }
}

#[test]
fn a_stranger_gets_the_answer_of_a_missing_key_however_he_sends() {
    let mut bench = Bench::new();
    let key = bench.create("alice", KeyType::RawShare, "owner", 1);
    let size = bench.vault.size();
    for who in [owner("bob"), bound("bob", SenderConstraint::Dpop)] {
        for name in [own(&key), pinned(&key)] {
            for request in about(name) {
                let refusal = bench.call(&who, request).map(|_| ()).unwrap_err();
                assert_eq!(refusal, Refusal::new(Code::NotFound));
            }
        }
    }
    assert_eq!(bench.vault.size(), size);
}

#[test]
fn what_is_no_share_is_not_kept_and_a_share_only_as_one() {
    let mut bench = Bench::new();
    let mut refused = |create: CreateKey, expected: Code| {
        let size = bench.vault.size();
        assert_eq!(
            code(bench.call(&alice(), Request::CreateKey(create))),
            expected
        );
        assert_eq!(bench.vault.size(), size);
    };
    for class in SHARE_CLASSES {
        for length in [class - 1, class + 1] {
            refused(keep(1, share_of(length)), Code::InvalidArgument);
        }
        let mut at_zero = share_of(class);
        at_zero[0] = 0;
        refused(keep(1, at_zero), Code::InvalidArgument);
    }
    refused(keep(1, Zeroizing::default()), Code::InvalidArgument);
    let mut missing = keep(1, share_of(320));
    missing.share = None;
    refused(missing, Code::InvalidArgument);
    for key_type in KeyType::ALL
        .into_iter()
        .filter(|known| *known != KeyType::RawShare)
    {
        let mut create = creation("alice", key_type, "owner", 1);
        create.share = Some(share_of(320));
        refused(create, Code::InvalidArgument);
        // Nor is the policy of another type one for a share.
        let mut create = keep(1, share_of(320));
        create.policy = policy("alice", key_type, "owner")
            .canonical_bytes()
            .to_vec();
        refused(create, Code::PolicyInvalid);
    }
}

#[test]
fn the_bytes_of_an_owners_shares_are_bounded_and_deletion_frees_them_also_after_a_restart() {
    let mut bench = Bench::new();
    let greatest = SHARE_CLASSES[6];
    let create = |number| Request::CreateKey(keep(number, share_of(greatest)));
    for number in 1..=2 {
        bench.call(&alice(), create(number)).unwrap();
    }
    assert_eq!(code(bench.call(&alice(), create(3))), Code::QuotaExceeded);
    let mut bench = Bench::over(bench.log.0);
    assert_eq!(code(bench.call(&alice(), create(3))), Code::QuotaExceeded);
    // Others, and keys that are no shares, are not concerned.
    bench.create("bob", KeyType::RawShare, "owner", 1);
    bench.create("alice", KeyType::HmacSha256, "owner", 4);
    let gone = KeyRef {
        handle: KeyHandle([1; 16]),
        lineage: None,
    };
    bench.call(&alice(), delete(gone)).unwrap();
    bench.call(&alice(), create(3)).unwrap();
    assert_eq!(code(bench.call(&alice(), create(5))), Code::QuotaExceeded);
}

#[test]
fn a_repeat_keeps_no_second_share_and_is_authorised_anew() {
    let mut bench = Bench::new();
    let once = || CallContext {
        idempotency_key: "once".into(),
        ..CallContext::default()
    };
    let create = || Request::CreateKey(keep(1, share_of(320)));
    let first = bench.with(&alice(), create(), once()).unwrap();
    let size = bench.vault.size();
    let repeat = bench.with(&alice(), create(), once()).unwrap();
    assert!(first.answer == repeat.answer);
    assert_eq!(bench.vault.size(), size);
    let other = Request::CreateKey(keep(1, share_of(1_088)));
    let conflict = bench.with(&alice(), other, once());
    assert_eq!(code(conflict), Code::IdempotencyConflict);
    let refused = Code::SenderConstraintRequired;
    assert_eq!(code(bench.with(&owner("alice"), create(), once())), refused);

    let key = KeyRef {
        handle: KeyHandle([1; 16]),
        lineage: None,
    };
    bench.with(&alice(), delete(key), once()).unwrap();
    bench.with(&alice(), delete(key), once()).unwrap();
    for request in [
        delete(key),
        Request::GetKey { key },
        Request::Reconstruct { key },
    ] {
        assert_eq!(code(bench.with(&owner("alice"), request, once())), refused);
    }
    let Answer::GetKey(info) = bench
        .call(&alice(), Request::GetKey { key })
        .unwrap()
        .answer
    else {
        panic!("another answer")
    };
    assert_eq!((info.state, info.origin), (KeyState::Destroyed, "imported"));
    assert_eq!(
        code(bench.call(&alice(), Request::Reconstruct { key })),
        Code::NotFound
    );
}

#[test]
fn a_deleted_share_is_in_no_later_snapshot_and_a_kept_one_comes_out_of_it() {
    let mut bench = Bench::new();
    let create = |number, class| Request::CreateKey(keep(number, share_of(class)));
    let once = CallContext {
        idempotency_key: "once".into(),
        ..CallContext::default()
    };
    bench.with(&alice(), create(1, 1_088), once).unwrap();
    bench.call(&alice(), create(2, 4_160)).unwrap();
    let [gone, kept] = [1, 2].map(|number| KeyRef {
        handle: KeyHandle([number; 16]),
        lineage: None,
    });
    let (doomed, stays) = (share_of(1_088), share_of(4_160));
    let before = bench.vault.snapshot().unwrap().unwrap();
    assert!(contains(&before.payload, &doomed[..32]) && contains(&before.payload, &stays[..32]));
    bench.call(&alice(), delete(gone)).unwrap();

    let after = bench.vault.snapshot().unwrap().unwrap();
    for part in doomed.chunks(16) {
        assert!(!contains(&after.payload, part));
    }
    let opened = OpenedSnapshot {
        at: after.at,
        hash: sha256(b"sealed"),
        payload: after.payload,
    };
    bench
        .vault
        .commit_to_snapshot(opened.hash, &opened.at, &mut Counter(1));
    bench.commit();
    let behind = opened.at.sequence as usize;
    let mut restored = bench;
    restored.vault = boot(Some(opened), &restored.log.0[behind..]).unwrap();
    restored.commit();
    let fetch = |key| Request::Reconstruct { key };
    assert_eq!(fetched(restored.call(&alice(), fetch(kept))), stays);
    assert_eq!(code(restored.call(&alice(), fetch(gone))), Code::NotFound);
}

/// A 4-digit secret behind any unsalted digest could be found by trying.
#[test]
fn no_leaf_and_no_answer_but_the_share_itself_lets_a_share_be_guessed() {
    let mut bench = Bench::new();
    let share = share_of(320);
    let create = keep(1, share.clone());
    let mut shown = Vec::new();
    let mut show = |outcome: Result<Reply, Refusal>| {
        let reply = outcome.unwrap();
        shown.extend(format!("{:?}", reply.receipt).into_bytes());
        match reply.answer {
            Answer::CreateKey(info) | Answer::GetKey(info) => {
                shown.extend(format!("{info:?}").into_bytes());
            }
            _ => {}
        }
    };
    show(bench.call(&alice(), Request::CreateKey(create)));
    let key = KeyRef {
        handle: KeyHandle([1; 16]),
        lineage: None,
    };
    show(bench.call(&alice(), Request::GetKey { key }));
    show(bench.call(&alice(), Request::Reconstruct { key }));
    show(bench.call(&alice(), delete(key)));
    for index in 0..bench.vault.size() {
        shown.extend_from_slice(&bench.vault.leaf(index).unwrap());
    }
    let digest = sha256(&share);
    let marks = [
        share[..16].to_vec(),
        digest.0.to_vec(),
        digest.to_string().into_bytes(),
    ];
    let as_list = |bytes: &[u8]| {
        let text = format!("{bytes:?}");
        text.trim_matches(['[', ']']).as_bytes().to_vec()
    };
    for mark in marks.iter().flat_map(|mark| [mark.clone(), as_list(mark)]) {
        assert!(!contains(&shown, &mark));
    }
}
