//! What one principal may take, and what it leaves to others.

use super::*;
use crate::api::KeyRef;
use vault_approval::{Nonce, OidcApproval, PATH, Proof};
use vault_encoding::sha256;
use vault_policy::{KeyHandle, KeyType, OidcSubject};
use zeroize::Zeroizing;

fn rates(change: impl FnOnce(&mut RateLimits)) -> Rates {
    let mut limits = RateLimits {
        calls: 10,
        ..RateLimits::default()
    };
    change(&mut limits);
    Rates::new(&limits)
}

fn who(number: usize) -> Principal {
    Principal::Subject(sha256(&number.to_be_bytes()))
}

fn at(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn admitted(rates: &mut Rates, who: &Principal, cost: Cost, now: Duration) -> usize {
    let mut calls = 0;
    while rates.admit(who, cost, now).is_ok() {
        calls += 1;
        assert!(calls < 1_000_000, "never refused");
    }
    calls
}

fn creation(policy: usize, share: usize) -> Request {
    Request::CreateKey(CreateKey {
        handle: KeyHandle([1; 16]),
        key_type: KeyType::RawShare,
        name: String::new(),
        policy: vec![0; policy],
        labels: Vec::new(),
        share: (share > 0).then(|| Zeroizing::new(vec![1; share])),
    })
}

fn word() -> OidcApproval {
    OidcApproval {
        manager: "heidi".into(),
        by: OidcSubject {
            issuer: "https://issuer.example".into(),
            subject: "heidi".into(),
        },
        signature: vec![0; 64],
    }
}

#[test]
fn each_proof_of_an_approval_counts_as_a_use() {
    let approval = |proofs: usize| Approval {
        nonce: Nonce([0; 32]),
        salt: [0; 32],
        index: 0,
        path: [sha256(b"path"); PATH],
        proofs: vec![Proof::Oidc(word()); proofs],
    };
    let mut rates = rates(|limits| limits.uses = 10);
    let request = Request::Reconstruct {
        key: KeyRef {
            handle: KeyHandle([1; 16]),
            lineage: None,
        },
    };
    let cost = Cost::of(&request).approved_by(Some(&approval(3)));
    assert_eq!(admitted(&mut rates, &who(1), cost, at(0)), 5);
    let bare = Cost::of(&request).approved_by(None);
    assert_eq!(admitted(&mut rates, &who(2), bare, at(0)), 20);
}

#[test]
fn a_principal_has_two_seconds_at_once_and_then_the_rate() {
    let mut rates = rates(|_| {});
    assert_eq!(admitted(&mut rates, &who(1), Cost::call(), at(0)), 20);
    assert_eq!(admitted(&mut rates, &who(1), Cost::call(), at(99)), 0);
    assert_eq!(admitted(&mut rates, &who(1), Cost::call(), at(100)), 1);
    assert_eq!(admitted(&mut rates, &who(1), Cost::call(), at(1_100)), 10);
    assert_eq!(admitted(&mut rates, &who(1), Cost::call(), at(90_000)), 20);
    assert_eq!(
        admitted(&mut rates, &who(1), Cost::call(), at(80_000)),
        0,
        "time that goes back fills nothing"
    );
}

#[test]
fn what_one_principal_takes_no_other_lacks() {
    let mut rates = rates(|_| {});
    assert_eq!(admitted(&mut rates, &who(1), Cost::call(), at(0)), 20);
    assert_eq!(admitted(&mut rates, &who(2), Cost::call(), at(0)), 20);
    let enclave = Principal::Enclave(sha256(&1usize.to_be_bytes()));
    assert_eq!(admitted(&mut rates, &enclave, Cost::call(), at(0)), 20);
}

#[test]
fn whoever_comes_back_when_told_is_admitted_and_not_a_whole_second_before() {
    for (calls, policy_bytes) in [(10, 7), (1, 1_000), (3, 64 << 10)] {
        let mut rates = rates(|limits| {
            limits.calls = calls;
            limits.policy_bytes = policy_bytes;
        });
        let cost = Cost::of(&creation(1_000, 0));
        admitted(&mut rates, &who(1), cost, at(0));
        let refusal = rates.admit(&who(1), cost, at(0)).unwrap_err();
        assert_eq!(refusal.code, Code::RateLimited);
        let seconds = refusal.retry_after.unwrap();
        let early = Duration::from_secs(seconds - 1);
        assert!(rates.admit(&who(1), cost, early).is_err(), "{calls}");
        let told = Duration::from_secs(seconds);
        assert!(rates.admit(&who(1), cost, told).is_ok(), "{calls}");
    }
}

#[test]
fn a_refused_call_takes_nothing_from_any_bucket() {
    let mut rates = rates(|limits| limits.creations = 1);
    let create = Cost::of(&creation(1, 0));
    assert_eq!(admitted(&mut rates, &who(1), create, at(0)), 2);
    for _ in 0..1_000 {
        assert!(rates.admit(&who(1), create, at(0)).is_err());
    }
    assert_eq!(admitted(&mut rates, &who(1), Cost::call(), at(0)), 18);
}

#[test]
fn long_policies_shares_and_payloads_count_for_what_they_cost() {
    assert_eq!(Cost::of(&creation(500, 0)).each(), [1, 0, 1, 0, 500]);
    assert_eq!(Cost::of(&creation(500, 65_664)).each(), [1, 0, 17, 0, 500]);
    let mac = |length| {
        Request::Mac(crate::api::Mac {
            key: crate::api::KeyRef {
                handle: KeyHandle([1; 16]),
                lineage: None,
            },
            message: vec![0; length],
        })
    };
    assert_eq!(Cost::of(&mac(100)).each(), [1, 1, 0, 0, 0]);
    assert_eq!(Cost::of(&mac(1 << 20)).each(), [1, 65, 0, 0, 0]);
    let page = Request::ReadLog { from: 0, to: 0 };
    assert_eq!(Cost::of(&page).each(), [1, 0, 0, 1, 0]);
    assert_eq!(Cost::of(&Request::WhoAmI), Cost::call());
}

#[test]
fn more_principals_than_there_are_places_share_buckets_and_take_nobodys() {
    let mut rates = rates(|_| {});
    assert_eq!(admitted(&mut rates, &who(0), Cost::call(), at(0)), 20);
    for number in 1..SUBJECTS {
        rates.admit(&who(number), Cost::call(), at(0)).unwrap();
    }
    let late: usize = (0..100)
        .map(|number| admitted(&mut rates, &who(SUBJECTS + number), Cost::call(), at(0)))
        .sum();
    assert_eq!(late, 20);
    assert_eq!(rates.principals(), SUBJECTS);
    assert!(rates.admit(&who(0), Cost::call(), at(0)).is_err());
    assert_eq!(admitted(&mut rates, &who(1), Cost::call(), at(0)), 19);
    let enclave = Principal::Enclave(sha256(b"one"));
    assert!(rates.admit(&enclave, Cost::call(), at(0)).is_ok());
    assert_eq!(
        admitted(&mut rates, &who(SUBJECTS), Cost::call(), at(3_000)),
        20,
        "idle ones have made room"
    );
    assert_eq!(rates.principals(), 2, "{}", rates.principals());
}

#[test]
fn a_service_of_ten_thousand_operations_a_second_is_not_refused_by_default() {
    let mut rates = Rates::new(&RateLimits::default());
    let sign = Request::Mac(crate::api::Mac {
        key: crate::api::KeyRef {
            handle: KeyHandle([1; 16]),
            lineage: None,
        },
        message: vec![0; 64],
    });
    for call in 0..60_000u64 {
        let now = Duration::from_micros(call * 100);
        rates.admit(&who(1), Cost::of(&sign), now).unwrap();
    }
}
