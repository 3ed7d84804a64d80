//! Permits for tests, made as in a vault: by evaluating an owner's policy.
#![allow(dead_code, reason = "every test file uses a part of it")]

use std::collections::BTreeSet;
use std::sync::LazyLock;
use vault_encoding::Hash;
use vault_policy::{
    Action, Condition, Facts, KeyHandle, KeyPolicy, KeySubject, KeyType, KeyVersion, Lifecycle,
    Lineage, Mutability, OidcSubject, Operation, Owner, Permit, PolicyFields, PolicyVersion,
    PrincipalName, Principals, Recovery, Reserved, Rule, SHARE_CLASSES, SenderConstraint,
    TokenFacts, UnixSeconds, Usage, VaultTime, evaluate,
};

/// The library's generator.
pub(crate) fn random(out: &mut [u8]) {
    #[allow(clippy::disallowed_methods, reason = "tests need real randomness")]
    aws_lc_rs::rand::fill(out).unwrap();
}

/// The key that the tests are about, with the hash of the policy that allows everything.
pub(crate) fn subject() -> KeySubject {
    KeySubject {
        handle: KeyHandle([7; 16]),
        lineage: Lineage(Hash([9; 32])),
        version: KeyVersion(3),
        policy_hash: POLICY.hash(),
        policy_version: PolicyVersion(1),
    }
}

/// Leave for one operation on [`subject`].
pub(crate) fn permit(operation: Operation) -> Permit {
    permit_of(Action::Operation(operation), subject())
}

/// Leave for one action on any subject.
pub(crate) fn permit_of(action: Action, subject: KeySubject) -> Permit {
    evaluate(&POLICY, action, &subject, &owner(), VaultTime::Unknown).unwrap()
}

/// The same key in another version.
pub(crate) fn subject_of_version(version: u32) -> KeySubject {
    KeySubject {
        version: KeyVersion(version),
        ..subject()
    }
}

/// Bytes that are a secret of this type: 32 random ones, or a share of the smallest class.
pub(crate) fn secret_of(key_type: KeyType) -> Vec<u8> {
    let length = match key_type {
        KeyType::RawShare => SHARE_CLASSES[0],
        _ => 32,
    };
    let mut secret = vec![0; length];
    random(&mut secret);
    secret[0] = 1;
    secret
}

fn owner() -> Facts {
    let token = TokenFacts {
        issuer: "https://issuer.example".into(),
        subject: "owner".into(),
        roles: BTreeSet::new(),
        expires_at: UnixSeconds(u64::MAX),
        constraint: SenderConstraint::None,
    };
    Facts {
        token: Some(token),
        evidence: None,
        ..Facts::default()
    }
}

static POLICY: LazyLock<KeyPolicy> = LazyLock::new(policy);

fn policy() -> KeyPolicy {
    let subject = OidcSubject {
        issuer: "https://issuer.example".into(),
        subject: "owner".into(),
    };
    let everything = BTreeSet::from(Operation::USES);
    let rule = Rule {
        name: "owner".into(),
        operations: everything.clone(),
        principals: BTreeSet::from([PrincipalName::Owner]),
        condition: Condition::always(),
    };
    let principals = Principals {
        owner: Owner {
            subject,
            second_factor: None,
        },
        managers: Vec::new(),
        auditors: Vec::new(),
        callers: Vec::new(),
        tees: Vec::new(),
        mtls: Vec::new(),
    };
    KeyPolicy::from_fields(PolicyFields {
        principals,
        operations: vec![rule],
        usage: Usage {
            operations: everything,
            export: Reserved,
        },
        lifecycle: Lifecycle::default(),
        recovery: Recovery::default(),
        mutability: Mutability::default(),
    })
    .unwrap()
}
