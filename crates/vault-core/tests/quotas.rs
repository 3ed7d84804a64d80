//! What one owner can keep, and what the log gets to know of who is over a rate.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::*;
use std::time::Duration;
use vault_core::api::*;
use vault_core::limits::{IDEMPOTENCY_ENTRIES, PAGE_BYTES};
use vault_core::{BootInput, CallContext, Caller, Code, Cost, Limits, OpenedSnapshot, Position};
use vault_core::{RateLimits, Rates, TimeReading, Vault};
use vault_encoding::sha256;
use vault_policy::{KeyHandle, KeyType, SenderConstraint, UnixSeconds};

/// A creation with eight KiB of labels.
fn heavy(who: &str, number: u8) -> Request {
    let mut create = creation(who, KeyType::HmacSha256, "owner", number);
    create.labels = (0..16)
        .map(|label| Label {
            name: format!("{label:0>256}"),
            value: "v".repeat(256),
        })
        .collect();
    Request::CreateKey(create)
}

fn delete(key: KeyRef) -> Request {
    Request::ScheduleDeletion(ScheduleDeletion { key, window: 0 })
}

fn key(number: u8) -> KeyRef {
    KeyRef {
        handle: KeyHandle([number; 16]),
        lineage: None,
    }
}

/// The same vault from a snapshot of it.
fn again(bench: Bench) -> Bench {
    again_with(bench, |_| ())
}

fn again_with(mut bench: Bench, set: impl Fn(&mut Limits)) -> Bench {
    let snapshot = bench.vault.snapshot().unwrap().unwrap();
    let hash = sha256(&snapshot.payload);
    bench
        .vault
        .commit_to_snapshot(hash, &snapshot.at, &mut Counter(11));
    bench.commit();
    let tail = bench.log.0[snapshot.at.sequence as usize..].to_vec();
    let opened = OpenedSnapshot {
        at: snapshot.at,
        hash,
        payload: snapshot.payload,
    };
    bench.vault = vault(set, Some(opened), &tail);
    bench.commit();
    bench
}

/// A vault where an owner may have any number of keys, and texts of so many bytes.
fn roomy(text_bytes: usize) -> Bench {
    bounded(|limits| {
        limits.owner.keys = 1 << 20;
        limits.owner.text_bytes = text_bytes;
    })
}

/// A vault with other bounds.
fn bounded(set: impl Fn(&mut Limits)) -> Bench {
    let mut bench = Bench::new();
    bench.vault = vault(set, None, &[]);
    bench.log = MemoryLog::default();
    bench.commit();
    bench
}

fn vault(
    set: impl Fn(&mut Limits),
    snapshot: Option<OpenedSnapshot>,
    log: &[(Position, Vec<u8>)],
) -> Vault {
    let (signer, key) = signer(7);
    let mut config = config();
    set(&mut config.limits);
    let input = BootInput {
        identity_spki: key.to_spki(),
        signer,
        config,
        boot_id: [9; 16],
        snapshot,
        groups: groups(log),
        now: NOW,
    };
    Vault::boot(input, &mut Counter(5)).unwrap()
}

#[test]
fn texts_of_one_owner_are_bounded_and_come_back_with_the_key_also_after_a_restart() {
    let mut bench = Bench::new();
    let alice = owner("alice");
    for round in 0..3 {
        let number = |key: u8| round * 10 + key;
        bench.call(&alice, heavy("alice", number(1))).unwrap();
        let refused = bench.call(&alice, heavy("alice", number(2)));
        assert_eq!(code(refused), Code::QuotaExceeded, "round {round}");
        bench
            .call(&owner("bob"), heavy("bob", 100 + round))
            .unwrap();
        bench.call(&owner("bob"), delete(key(100 + round))).unwrap();
        bench = again(bench);
        let refused = bench.call(&alice, heavy("alice", number(3)));
        assert_eq!(code(refused), Code::QuotaExceeded, "round {round}");
        bench.call(&alice, delete(key(number(1)))).unwrap();
        bench = again(bench);
    }
}

#[test]
fn keys_of_all_owners_together_are_bounded_and_tombstones_among_them() {
    let bounds = |limits: &mut Limits| limits.vault.keys = 3;
    let mut bench = bounded(bounds);
    bench.create("alice", KeyType::HmacSha256, "owner", 1);
    bench.create("alice", KeyType::HmacSha256, "owner", 2);
    bench.create("bob", KeyType::HmacSha256, "owner", 1);
    for _ in 0..2 {
        let carol = creation("carol", KeyType::HmacSha256, "owner", 1);
        let refused = bench.call(&owner("carol"), Request::CreateKey(carol));
        let refused = refused.err().unwrap();
        assert_eq!(refused.code, Code::QuotaExceeded);
        let detail = refused.detail.unwrap();
        assert!(detail.contains("all owners together"), "{detail}");
        // Not this caller's doing, and handles never come back.
        let verdict = (refused.blame, refused.retry);
        assert_eq!(verdict, (Blame::Vault, Retry::Never));
        bench = again_with(bench, bounds);
        // What is there works on; its destruction leaves a tombstone.
        let mac = Request::Mac(Mac {
            key: key(1),
            message: b"m".to_vec(),
        });
        bench.call(&owner("alice"), mac).unwrap();
        let _ = bench.call(&owner("alice"), delete(key(2)));
    }
}

#[test]
fn shares_and_texts_of_all_owners_together_are_bounded_and_deletion_makes_room() {
    let texts = |limits: &mut Limits| limits.vault.text_bytes = 12 << 10;
    let shares = |limits: &mut Limits| limits.vault.share_bytes = 320;
    let share = |who: &str| Request::CreateKey(creation(who, KeyType::RawShare, "owner", 1));
    let text = |who: &str| heavy(who, 1);
    all_together(texts, text);
    all_together(shares, share);
}

/// Shares are for those who prove that their token is theirs.
fn proving(name: &str) -> Caller {
    bound(name, SenderConstraint::Dpop)
}

/// There is room for what one of two keeps.
fn all_together(bounds: impl Fn(&mut Limits), create: impl Fn(&str) -> Request) {
    let mut bench = bounded(&bounds);
    for (one, other) in [("alice", "bob"), ("bob", "carol")] {
        bench.call(&proving(one), create(one)).unwrap();
        for _ in 0..2 {
            let refused = bench.call(&proving(other), create(other));
            let refused = refused.err().unwrap();
            assert_eq!(refused.code, Code::QuotaExceeded, "{other}");
            // Others may make room again.
            let verdict = (refused.blame, refused.retry);
            assert_eq!(verdict, (Blame::Vault, Retry::Later), "{other}");
            bench = again_with(bench, &bounds);
        }
        bench.call(&proving(one), delete(key(1))).unwrap();
    }
}

#[test]
fn who_keeps_more_than_is_allowed_by_now_may_still_do_what_takes_none_of_it() {
    let mut bench = Bench::new();
    bench.create("alice", KeyType::RawShare, "owner", 1);
    let fewer = |limits: &mut Limits| {
        (limits.owner.share_bytes, limits.vault.share_bytes) = (1, 1);
    };
    bench = again_with(bench, fewer);
    bench.create("alice", KeyType::HmacSha256, "owner", 2);
    let share = creation("alice", KeyType::RawShare, "owner", 3);
    let refused = bench.call(&proving("alice"), Request::CreateKey(share));
    assert_eq!(code(refused), Code::QuotaExceeded);
}

#[test]
fn a_policy_that_several_keys_are_under_counts_once() {
    let mut bench = Bench::new();
    let alice = owner("alice");
    let length = policy("alice", KeyType::HmacSha256, "owner")
        .canonical_bytes()
        .len();
    assert!(length * 7 > 2_000, "{length}");
    for number in 1..8 {
        let mut create = creation("alice", KeyType::HmacSha256, "owner", number);
        create.labels = vec![Label {
            name: "n".repeat(256),
            value: "v".repeat(208),
        }];
        for filler in 0..3 {
            create.labels.push(Label {
                name: format!("{filler:0>256}"),
                value: "v".repeat(208),
            });
        }
        let made = bench.call(&alice, Request::CreateKey(create));
        // 7 × 2 KiB of labels, and the policy, fit into 16 KiB; seven policies would not.
        assert!(made.is_ok(), "{number}");
    }
}

/// Makes and destroys a key of a long name.
fn come_and_go(bench: &mut Bench, who: &str, number: u8) -> Result<(), Refusal> {
    let mut create = creation(who, KeyType::HmacSha256, "owner", number);
    create.name = format!("{number:0>200}");
    bench.call(&owner(who), Request::CreateKey(create))?;
    bench.call(&owner(who), delete(key(number))).map(drop)
}

/// Numbers of keys that may still come and go.
fn left(mut bench: Bench, begin: u8) -> usize {
    let more = (begin..200).take_while(|number| come_and_go(&mut bench, "alice", *number).is_ok());
    more.count()
}

#[test]
fn names_of_destroyed_keys_are_kept_and_counted_live_in_a_replay_and_from_a_snapshot() {
    let bounds = |limits: &mut Limits| {
        limits.owner.keys = 1 << 20;
        limits.owner.text_bytes = 6_000;
    };
    let begun = || {
        let mut bench = bounded(bounds);
        for number in 1..=10 {
            come_and_go(&mut bench, "alice", number).unwrap();
        }
        bench
    };
    let live = left(begun(), 11);
    assert!((10..20).contains(&live), "{live}");
    assert_eq!(left(again_with(begun(), bounds), 11), live);
    let mut replayed = begun();
    replayed.vault = vault(bounds, None, &replayed.log.0);
    replayed.commit();
    assert_eq!(left(replayed, 11), live);
}

#[test]
fn owners_count_among_what_all_keep_together_also_when_their_keys_are_gone() {
    let bounds = |limits: &mut Limits| limits.vault.text_bytes = 10_000;
    let mut bench = bounded(bounds);
    let come = |bench: &mut Bench, number: usize| {
        let who = format!("{number:0>100}");
        bench.create(&who, KeyType::HmacSha256, "owner", 1);
        bench.call(&owner(&who), delete(key(1))).unwrap();
    };
    for number in 0..10 {
        come(&mut bench, number);
    }
    bench = again_with(bench, bounds);
    for number in 10..13 {
        come(&mut bench, number);
    }
    for _ in 0..2 {
        let who = "a".repeat(100);
        let create = creation(&who, KeyType::HmacSha256, "owner", 1);
        let refused = bench.call(&owner(&who), Request::CreateKey(create));
        assert_eq!(code(refused), Code::QuotaExceeded);
        bench = again_with(bench, bounds);
    }
    // Who is there takes no more of it.
    bench.create(&format!("{:0>100}", 1), KeyType::HmacSha256, "owner", 2);
}

#[test]
fn labels_count_for_what_they_take_however_short_their_texts_are() {
    let mut bench = roomy(8 << 10);
    let alice = owner("alice");
    let small = |number: u8| {
        let mut create = creation("alice", KeyType::HmacSha256, "owner", number);
        create.labels = ('a'..='p')
            .map(|name| Label {
                name: name.into(),
                value: String::new(),
            })
            .collect();
        Request::CreateKey(create)
    };
    let made = (1..100).take_while(|number| bench.call(&alice, small(*number)).is_ok());
    let made = made.count();
    // In memory each of the sixteen labels is two strings.
    assert!((8..11).contains(&made), "{made}");
    bench.call(&alice, delete(key(1))).unwrap();
    bench.call(&alice, small(100)).unwrap();
    assert_eq!(code(bench.call(&alice, small(101))), Code::QuotaExceeded);
}

/// Bytes of texts on a page.
fn texts(keys: &[KeyInfo]) -> usize {
    let labels = keys.iter().flat_map(|key| &key.labels);
    let labels: usize = labels
        .map(|label| label.name.len() + label.value.len())
        .sum();
    let names: usize = keys.iter().map(|key| key.name.len()).sum();
    names + labels
}

#[test]
fn a_page_of_keys_is_bounded_in_bytes_and_every_key_is_on_one_page() {
    let mut bench = roomy(1 << 30);
    let alice = owner("alice");
    for number in 1..=250 {
        bench.call(&alice, heavy("alice", number)).unwrap();
    }
    let (mut token, mut handles, mut pages) = (String::new(), Vec::new(), 0);
    loop {
        let list = ListKeys {
            page_size: 1_000,
            page_token: token,
        };
        let reply = bench.call(&alice, Request::ListKeys(list)).unwrap();
        let Answer::ListKeys {
            keys,
            next_page_token,
        } = reply.answer
        else {
            panic!()
        };
        assert!(!keys.is_empty());
        assert!(texts(&keys) <= PAGE_BYTES, "{}", texts(&keys));
        handles.extend(keys.iter().map(|key| key.handle.0[0]));
        pages += 1;
        token = next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(handles, (1..=250).collect::<Vec<u8>>());
    assert_eq!(pages, 3);
}

#[test]
fn one_owner_cannot_make_a_vault_forget_the_calls_of_another() {
    let mut bench = roomy(1 << 30);
    let with = |key: &str| CallContext {
        idempotency_key: key.into(),
        ..CallContext::default()
    };
    let first = || Request::CreateKey(creation("alice", KeyType::HmacSha256, "owner", 1));
    let made = bench.with(&owner("alice"), first(), with("once")).unwrap();
    let mallory = owner("mallory");
    for number in 0..IDEMPOTENCY_ENTRIES / 2 + 10 {
        let mut create = creation("mallory", KeyType::HmacSha256, "owner", 3);
        create.handle = KeyHandle(sha256(&number.to_be_bytes()).0[..16].try_into().unwrap());
        let key = KeyRef {
            handle: create.handle,
            lineage: None,
        };
        let context = with(&format!("create {number}"));
        bench
            .with(&mallory, Request::CreateKey(create), context)
            .unwrap();
        let context = with(&format!("delete {number}"));
        bench.with(&mallory, delete(key), context).unwrap();
    }
    let repeat = bench.with(&owner("alice"), first(), with("once")).unwrap();
    assert!(repeat.answer == made.answer);
}

#[test]
fn calls_over_a_rate_are_one_entry_a_minute_however_many_they_are() {
    let mut bench = Bench::new();
    let mut rates = Rates::new(&RateLimits {
        calls: 1,
        ..RateLimits::default()
    });
    let alice = owner("alice");
    let mut refused = 0u64;
    for _ in 0..1_000 {
        let admitted = rates.admit(alice.principal(), Cost::call(), Duration::ZERO);
        if let Err(refusal) = admitted {
            assert_eq!(refusal.code, Code::RateLimited);
            bench.vault.count_limited();
            refused += 1;
        }
    }
    assert_eq!(refused, 998);
    let before = bench.vault.size();
    let later = |seconds: u64| TimeReading::Host(UnixSeconds(1_800_000_000 + seconds));
    for second in 0..=60 {
        bench
            .vault
            .tick(later(second), Duration::ZERO, &mut Counter(1));
    }
    bench.commit();
    assert_eq!(bench.vault.size(), before + 1);
    let last = bench.entries().pop().unwrap();
    assert_eq!(last.operation, "refuse_over_rate");
    assert_eq!(last.outcome, "refused 998");
    assert!(last.principals.is_empty());
}

#[test]
fn a_subject_is_one_principal_whatever_else_it_proves_and_no_two_subjects_are() {
    let principal = |name: &str| *person(name, &[]).principal();
    assert_eq!(
        principal("alice"),
        *owner("alice").principal(),
        "with another role"
    );
    assert_ne!(principal("alice"), principal("bob"));
    let split = |issuer: &str, subject: &str| {
        let facts = vault_policy::TokenFacts {
            issuer: issuer.into(),
            subject: subject.into(),
            roles: Default::default(),
            expires_at: UnixSeconds(1_800_003_600),
            constraint: vault_policy::SenderConstraint::None,
        };
        let proof = vault_core::authn::token::TokenProof::assertion(facts);
        *vault_core::Caller::new(Some(proof), None)
            .unwrap()
            .principal()
    };
    assert_ne!(split("ab", "c"), split("a", "bc"));
}
