//! Both ends of every bound, and what constructors refuse.

use crate::support::{CONSTELLATION, anchor, key, manifest, member, public, quorum, signed};
use vault_encoding::Hash;
use vault_governance::{
    FormatError, GovernanceError, MOST_KEYS, MOST_MEMBERS, MOST_SIGNATURES, Manifest,
    ManifestChain, Quorum, SigningKey, verify_chain,
};
use vault_policy::VaultId;

#[test]
fn a_quorum_has_1_to_16_distinct_keys_and_a_threshold_that_they_can_meet() {
    let sixteen: Vec<u8> = (1..=16).collect();
    assert!(Quorum::new(public(&sixteen), 16).is_ok());
    let seventeen: Vec<u8> = (1..=17).collect();
    let refused = |numbers: &[u8], threshold| Quorum::new(public(numbers), threshold).unwrap_err();
    assert!(matches!(
        refused(&seventeen, 1),
        FormatError::Count {
            found: 17,
            most: MOST_KEYS,
            ..
        }
    ));
    assert!(matches!(
        refused(&[], 1),
        FormatError::Count { found: 0, .. }
    ));
    assert_eq!(
        refused(&[1, 2, 1], 1),
        FormatError::DuplicateKey(key(1).public())
    );
    for threshold in [0, 3] {
        let keys = 2;
        assert_eq!(
            refused(&[1, 2], threshold),
            FormatError::Threshold { threshold, keys }
        );
    }
}

#[test]
fn a_manifest_has_1_to_64_members_each_once() {
    let members = |count: u8| (0..count).map(member).collect::<Vec<_>>();
    let new = |members| Manifest::new(CONSTELLATION, 1, members, quorum(&[1], 1));
    assert!(new(members(64)).is_ok());
    assert!(matches!(
        new(members(65)),
        Err(FormatError::Count {
            found: 65,
            most: MOST_MEMBERS,
            ..
        })
    ));
    assert!(matches!(
        new(vec![]),
        Err(FormatError::Count { found: 0, .. })
    ));
    let twice = new(vec![member(3), member(2), member(3)]);
    assert_eq!(
        twice,
        Err(FormatError::DuplicateMember(VaultId(Hash([3; 32]))))
    );
    let sorted = new(vec![member(3), member(2)]).unwrap();
    assert_eq!(sorted.members()[0], member(2));
    assert_eq!(sorted.member(&VaultId(Hash([3; 32]))), Some(&member(3)));
    assert_eq!(sorted.member(&VaultId(Hash([4; 32]))), None);
}

#[test]
fn operators_have_a_name_of_128_bytes_at_most() {
    for (operator, fine) in [
        ("o", true),
        (&*"o".repeat(128), true),
        (&*"o".repeat(129), false),
        ("", false),
        ("a\tb", false),
        ("a\u{85}b", false),
    ] {
        let mut named = member(1);
        named.operator = operator.into();
        let made = Manifest::new(CONSTELLATION, 1, vec![named], quorum(&[1], 1));
        assert_eq!(made.is_ok(), fine, "{operator:?}");
    }
}

#[test]
fn at_most_16_signatures_are_looked_at() {
    let one = key(1).sign_manifest(&manifest(1, quorum(&[1], 1)));
    let message = manifest(1, quorum(&[1], 1)).message();
    let governance = quorum(&[1], 1);
    let many = |count| vec![one.clone(); count];
    assert_eq!(
        governance.verify(&message, &many(MOST_SIGNATURES)),
        Ok(vec![key(1).public()])
    );
    assert_eq!(
        governance.verify(&message, &many(MOST_SIGNATURES + 1)),
        Err(GovernanceError::TooManySignatures {
            found: MOST_SIGNATURES + 1,
            most: MOST_SIGNATURES
        })
    );
}

#[test]
fn denies_when_the_quorum_is_one_short_at_every_size() {
    for keys in 1..=4u8 {
        let numbers: Vec<u8> = (1..=keys).collect();
        for need in 1..=keys {
            let of_next = quorum(&numbers, need);
            for have in 1..=keys {
                let by = &numbers[..usize::from(have)];
                let chain = ManifestChain::first(signed(manifest(1, of_next.clone()), by));
                let verdict = verify_chain(&chain, &anchor(&numbers, need));
                match have < need {
                    true => assert_eq!(verdict, Err(GovernanceError::QuorumNotMet { need, have })),
                    false => assert_eq!(verdict.unwrap().version(), 1),
                }
            }
        }
    }
}

#[test]
fn key_files_of_any_other_form_are_refused() {
    let good = key(1).to_pem();
    assert!(SigningKey::from_pem(&good).is_ok());
    assert!(SigningKey::from_pem(&good.replace('\n', "\r\n")).is_ok());
    for bad in [
        String::new(),
        good.replace("PRIVATE", "ENCRYPTED PRIVATE"),
        good.replace("MC4", "MC8"),
        good.replace("BCIEI", "BCIEJ"),
        good.lines().take(2).collect(),
        good.lines().skip(1).collect(),
        good.replace("\n-----END", "=\n-----END"),
        format!("{}{}", good.as_str(), good.as_str()),
    ] {
        assert!(SigningKey::from_pem(&bad).is_err());
    }
}
