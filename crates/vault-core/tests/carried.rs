//! Heads of other vaults that callers carry: verified, bounded, and nobody pushes out another's.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::{owner, signer};
use std::collections::BTreeSet;
use vault_audit::Checkpoint;
use vault_core::authn::token::TokenProof;
use vault_core::{Caller, CarriedHead, CarriedHeads, CheckpointSigner, Code, NOTE_BYTES};
use vault_encoding::{Hash, sha256};
use vault_policy::{
    CertificateFacts, EvidenceClaims, Measurement, PlatformId, SenderConstraint, SgxFacts,
    TcbStatus, Tee, TokenFacts, UnixSeconds, VaultId, VerifiedEvidence,
};

/// The note of the vault with this seed over a head of this size and root.
fn note(seed: u8, size: u64, root: u8) -> (Vec<u8>, Vec<u8>) {
    let (identity, key) = signer(seed);
    let head = Checkpoint {
        vault_id: key.vault_id(),
        size,
        root: Hash([root; 32]),
    };
    let note = head.sign(&key, |text| identity.sign(text).unwrap());
    (key.to_spki(), note)
}

fn carried(seed: u8, size: u64, root: u8) -> CarriedHead {
    let (key, note) = note(seed, size, root);
    CarriedHead::verify(&key, &note).unwrap()
}

fn vault(seed: u8) -> VaultId {
    VaultId(signer(seed).1.vault_id())
}

/// Size and first byte of the root of what is told of a vault.
fn told(heads: &CarriedHeads, seed: u8) -> Vec<(u64, u8)> {
    let about = heads.about(&vault(seed), 0);
    let head = |head: &CarriedHead| (head.head().size, head.head().root.0[0]);
    about.iter().map(head).collect()
}

#[test]
fn only_what_a_vault_signed_is_taken() {
    let (key, good) = note(1, 5, 1);
    assert!(CarriedHead::verify(&key, &good).is_ok());
    let (other, _) = note(2, 5, 1);
    let mut damaged = good.clone();
    damaged[90] ^= 1;
    let long = [&good[..], &vec![b'x'; NOTE_BYTES]].concat();
    for (key, note) in [(&other, &good), (&key, &damaged), (&key, &long)] {
        let refused = CarriedHead::verify(key, note).unwrap_err();
        assert_eq!(refused.code, Code::InvalidArgument);
    }
    assert!(CarriedHead::verify(&key[1..], &good).is_err());
}

#[test]
fn the_largest_head_stays_and_two_roots_of_one_size_both_stay_for_ever() {
    let mut heads = CarriedHeads::default();
    let alice = owner("alice");
    heads.take(&alice, [carried(1, 5, 1)]);
    heads.take(&alice, [carried(1, 5, 2), carried(1, 9, 2)]);
    assert_eq!(told(&heads, 1), [(5, 2), (5, 1), (9, 2)]);
    heads.take(&alice, (10..40).map(|size| carried(1, size, 2)));
    assert_eq!(told(&heads, 1), [(5, 2), (5, 1), (39, 2)]);
    assert!(told(&heads, 2).is_empty());
}

#[test]
fn a_log_that_began_anew_below_the_largest_head_is_told_as_it_grows() {
    let mut heads = CarriedHeads::default();
    let alice = owner("alice");
    heads.take(&alice, [carried(1, 1000, 1)]);
    for size in [910, 920, 915] {
        heads.take(&alice, [carried(1, size, 2)]);
        assert_eq!(told(&heads, 1), [(1000, 1), (size, 2)]);
    }
    assert!(heads.holds(&alice, &note(1, 915, 2).1));
    // A clone of the log that goes on contradicts it, whatever is largest.
    heads.take(&alice, [carried(1, 915, 3)]);
    assert_eq!(told(&heads, 1), [(915, 3), (915, 2), (1000, 1)]);
}

#[test]
fn of_one_call_the_first_of_the_smaller_heads_stays() {
    let mut heads = CarriedHeads::default();
    let alice = owner("alice");
    let remembered = carried(1, 910, 2);
    let others = [carried(1, 1000, 1), remembered, carried(1, 905, 2)];
    for _ in 0..2 {
        heads.take(&alice, others.clone());
        assert_eq!(told(&heads, 1), [(1000, 1), (910, 2)]);
    }
}

#[test]
fn what_stands_behind_the_first_pair_is_told_among_the_others() {
    let mut heads = CarriedHeads::default();
    let both = |size| [carried(1, size, 1), carried(1, size, 2)];
    heads.take(&owner("first"), both(9));
    heads.take(&owner("second"), both(5));
    heads.take(&owner("third"), [carried(1, 9, 3)]);
    let (mut all, mut pairs) = (BTreeSet::new(), BTreeSet::new());
    for pick in 0..6 {
        let about = heads.about(&vault(1), pick);
        let names: Vec<_> = about.iter().map(|head| *head.head()).collect();
        let name = |head: &Checkpoint| (head.size, head.root.0[0]);
        pairs.insert([name(&names[0]), name(&names[1])]);
        all.extend(names.iter().map(name));
    }
    assert_eq!(pairs.len(), 1, "the proof comes first, always");
    assert_eq!(
        all,
        BTreeSet::from([(5, 1), (5, 2), (9, 1), (9, 2), (9, 3)])
    );
}

#[test]
fn what_callers_carried_of_one_vault_is_told_together_whoever_asks() {
    let mut heads = CarriedHeads::default();
    for (who, size, root) in [
        ("a", 5, 1),
        ("b", 9, 1),
        ("c", 7, 2),
        ("d", 6, 2),
        ("e", 4, 2),
    ] {
        heads.take(&owner(who), [carried(1, size, root)]);
    }
    assert_eq!(
        told(&heads, 1),
        [(9, 1), (7, 2), (6, 2), (5, 1)],
        "4 at most"
    );
    heads.take(&owner("f"), [carried(1, 4, 9)]);
    assert_eq!(
        told(&heads, 1)[..2],
        [(4, 9), (4, 2)],
        "the proof of a fork first"
    );
}

#[test]
fn one_caller_cannot_push_out_what_another_carried() {
    let mut heads = CarriedHeads::default();
    heads.take(&owner("honest"), [carried(1, 5, 1)]);
    for seed in 2..=200 {
        heads.take(&owner("hostile"), [carried(seed, 9, 9)]);
    }
    assert_eq!(told(&heads, 1), [(5, 1)]);
    let held = (2..=200)
        .filter(|seed| !told(&heads, *seed).is_empty())
        .count();
    assert_eq!(held, 16, "its own share is bounded");
    // Callers that come back are not those that go.
    for number in 0..300 {
        heads.take(&owner(&format!("caller {number}")), [carried(2, 9, 9)]);
        heads.take(&owner("honest"), []);
    }
    assert_eq!(told(&heads, 1), [(5, 1)]);
}

#[test]
fn a_note_that_is_held_is_known_as_it_stands_and_only_to_who_carried_it() {
    let mut heads = CarriedHeads::default();
    let (_, text) = note(1, 5, 1);
    heads.take(&owner("alice"), [carried(1, 5, 1)]);
    assert!(heads.holds(&owner("alice"), &text));
    assert!(!heads.holds(&owner("bob"), &text));
    assert!(!heads.holds(&owner("alice"), &note(1, 5, 2).1));
}

/// An enclave of this machine without a token.
fn enclave(machine: &str, build: usize) -> Caller {
    let evidence = VerifiedEvidence::assertion(EvidenceClaims {
        tee: Tee::Sgx(SgxFacts {
            mrenclave: Measurement(sha256(&build.to_be_bytes())),
            mrsigner: Measurement(Hash([2; 32])),
            isv_prod_id: 0,
            isv_svn: 0,
        }),
        platform_id: PlatformId(sha256(machine.as_bytes())),
        config_merkle_root: None,
        oids: Vec::new(),
        tcb_status: TcbStatus::UpToDate,
        advisories: Vec::new(),
        tcb_evaluation_data_number: 0,
        tcb_date: UnixSeconds(0),
        collateral_issued_at: UnixSeconds(0),
        simulated: true,
    });
    Caller::new(None, Some(evidence)).unwrap()
}

#[test]
fn one_machine_makes_no_room_for_its_enclaves_among_tokens_and_little_among_machines() {
    let mut heads = CarriedHeads::default();
    heads.take(&owner("honest"), [carried(1, 5, 1)]);
    for machine in 0..10u8 {
        let who = enclave(&format!("machine {machine}"), 0);
        heads.take(&who, [carried(10 + machine, 5, 1)]);
    }
    for build in 0..300 {
        heads.take(&enclave("hostile", build), [carried(2, 9, 9)]);
    }
    assert_eq!(told(&heads, 1), [(5, 1)]);
    for machine in 0..10 {
        assert_eq!(told(&heads, 10 + machine), [(5, 1)], "{machine}");
    }
}

#[test]
fn all_who_have_nothing_but_a_certificate_have_one_share() {
    let mut heads = CarriedHeads::default();
    heads.take(&owner("honest"), [carried(1, 5, 1)]);
    heads.take(&enclave("machine", 0), [carried(2, 5, 1)]);
    let holder = |number: u8| {
        Caller::of_certificate(vault_policy::CertificateFacts {
            spki: Hash([number; 32]),
            sans: BTreeSet::new(),
            issuers: BTreeSet::new(),
        })
    };
    for seed in 3..=200 {
        heads.take(&holder(seed), [carried(seed, 9, 9)]);
    }
    let others = (3..=200).filter(|seed| !told(&heads, *seed).is_empty());
    assert_eq!(others.count(), 16);
    assert_eq!(told(&heads, 1), [(5, 1)]);
    assert_eq!(told(&heads, 2), [(5, 1)]);
    assert!(heads.holds(&holder(3), &note(200, 9, 9).1));
    assert!(!heads.holds(&owner("honest"), &note(200, 9, 9).1));
}

#[test]
fn who_carries_nothing_takes_nobodys_place() {
    let mut heads = CarriedHeads::default();
    heads.take(&owner("honest"), [carried(1, 5, 1)]);
    for number in 0..300 {
        heads.take(&owner(&format!("asks {number}")), []);
    }
    assert_eq!(told(&heads, 1), [(5, 1)]);
}

#[test]
fn nobody_fills_the_places_of_an_answer_for_good() {
    let mut heads = CarriedHeads::default();
    for (number, size) in (100..130).enumerate() {
        let who = owner(&format!("hostile {number}"));
        heads.take(&who, [carried(1, size, 1)]);
    }
    heads.take(&owner("honest"), [carried(1, 5, 2)]);
    let all: Vec<BTreeSet<u64>> = (0..30)
        .map(|pick| {
            let about = heads.about(&vault(1), pick);
            assert_eq!((about.len(), about[0].head().size), (4, 129));
            about.iter().map(|head| head.head().size).collect()
        })
        .collect();
    let told = all.iter().filter(|sizes| sizes.contains(&5)).count();
    assert_eq!(told, 3, "three of thirty others each time");
}

/// A subject whom another issuer names than that of `owner`.
fn subject_of(issuer: &str, number: usize) -> Caller {
    let token = TokenProof::assertion(TokenFacts {
        issuer: issuer.into(),
        subject: format!("caller {number}"),
        roles: BTreeSet::new(),
        expires_at: UnixSeconds(1_800_003_600),
        constraint: SenderConstraint::None,
    });
    Caller::new(Some(token), None).unwrap()
}

const HOSTILE: &str = "https://hostile.example";

#[test]
fn subjects_of_one_issuer_do_not_push_out_those_of_another() {
    let mut heads = CarriedHeads::default();
    for seed in 1..=9 {
        heads.take(&owner(&format!("honest {seed}")), [carried(seed, 5, 1)]);
    }
    for number in 0..300 {
        heads.take(&subject_of(HOSTILE, number), [carried(20, 9, 9)]);
    }
    for seed in 1..=9 {
        assert_eq!(told(&heads, seed), [(5, 1)]);
    }
    // Whoever comes later finds a place as well, in that of the issuer that has the most.
    heads.take(&owner("late"), [carried(10, 5, 1)]);
    assert_eq!(told(&heads, 10), [(5, 1)]);
}

#[test]
fn a_pair_that_contradicts_itself_stays_when_the_share_that_held_it_goes() {
    let mut heads = CarriedHeads::default();
    let machine = |number| enclave("machine", number);
    let holder = Caller::of_certificate(CertificateFacts {
        spki: Hash([1; 32]),
        sans: BTreeSet::new(),
        issuers: BTreeSet::new(),
    });
    for (seed, who) in [(1, owner("honest")), (2, machine(0)), (3, holder.clone())] {
        heads.take(&who, [carried(seed, 5, 1), carried(seed, 5, 2)]);
    }
    for number in 1..200 {
        heads.take(&owner(&format!("caller {number}")), [carried(20, 9, 9)]);
        heads.take(&machine(number), [carried(20, 9, 9)]);
    }
    for seed in 30..=50 {
        heads.take(&holder, [carried(seed, 5, 1), carried(seed, 5, 2)]);
    }
    for seed in 1..=3 {
        assert_eq!(told(&heads, seed), [(5, 2), (5, 1)], "vault {seed}");
    }
    assert!(!heads.holds(&owner("honest"), &note(1, 5, 1).1));
    heads.take(&owner("later"), [carried(1, 9, 1)]);
    assert_eq!(told(&heads, 1), [(5, 2), (5, 1), (9, 1)]);
}

#[test]
fn pairs_of_one_issuer_do_not_push_out_those_of_another() {
    let mut heads = CarriedHeads::default();
    heads.take(&owner("honest"), [carried(1, 5, 1), carried(1, 5, 2)]);
    for number in 1..=128 {
        heads.take(&owner(&format!("caller {number}")), [carried(20, 9, 9)]);
    }
    // Every share that goes leaves a pair of a vault that nobody runs.
    for number in 0..400 {
        let seed = 30 + (number % 200) as u8;
        let pair = [carried(seed, 5, 1), carried(seed, 5, 2)];
        heads.take(&subject_of(HOSTILE, number), pair);
    }
    assert_eq!(told(&heads, 1), [(5, 2), (5, 1)]);
    let told = (30..230).filter(|seed| !told(&heads, *seed).is_empty());
    assert!(told.count() < 200, "all of them together are bounded");
}

#[test]
fn who_gives_another_ones_pair_up_first_cannot_make_it_go_later() {
    let pairs = |seeds: std::ops::Range<u8>| {
        seeds.flat_map(|seed| [carried(seed, 5, 1), carried(seed, 5, 2)])
    };
    // A share has no place for the first of 17 pairs any more.
    let gives_up = |heads: &mut CarriedHeads, who: &Caller, others: std::ops::Range<u8>| {
        heads.take(who, pairs(1..2));
        heads.take(who, pairs(others));
    };
    let hostile = [subject_of(HOSTILE, 0), enclave("hostile machine", 0)];
    for honest_comes in 0..=hostile.len() {
        let mut heads = CarriedHeads::default();
        for (number, who) in hostile.iter().enumerate() {
            if number == honest_comes {
                gives_up(&mut heads, &owner("honest"), 2..18);
            }
            gives_up(&mut heads, who, 30..46);
        }
        if honest_comes == hostile.len() {
            gives_up(&mut heads, &owner("honest"), 2..18);
        }
        for who in &hostile {
            heads.take(who, pairs(50..200));
        }
        assert_eq!(told(&heads, 1), [(5, 2), (5, 1)], "{honest_comes}");
        let held = (50..200).filter(|seed| !told(&heads, *seed).is_empty());
        assert!(held.count() < 150, "all of them together are bounded");
    }
}
