//! Policies with managers, second factors, certificates and levels of mutability; approvals; and
//! edits of policies.

use crate::generate::{any_call, any_policy};
use proptest::prelude::*;
use std::collections::BTreeSet;
use vault_encoding::Hash;
use vault_policy::{
    Approved, Approver, CertificateFacts, CertificateIdentity, Condition, Credential, Facts,
    Fido2Algorithm, Fido2Credential, Field, KeyPolicy, KeyType, Level, ManagerApproval,
    NamedCertificate, OidcApproval, Operation, Person, PolicyFields, PrincipalName, Quorum,
    UnixSeconds, VaultTime, type_allows,
};

const PERSONS: [&str; 3] = ["m1", "m2", "m3"];

fn fido2(byte: u8) -> Fido2Credential {
    Fido2Credential {
        algorithm: Fido2Algorithm::Eddsa,
        credential_id: vec![byte; 4],
        origins: ["https://w.test".to_owned()].into(),
        public_key: vec![byte; 32],
        rp_id: "w.test".to_owned(),
    }
}

fn key(byte: u8) -> Approver {
    let credential = fido2(byte);
    Approver::Fido2 {
        credential_id: credential.credential_id,
        public_key: credential.public_key,
    }
}

fn oidc_allowed() -> impl Strategy<Value = OidcApproval> {
    prop::sample::select(&OidcApproval::ALL[..])
}

/// Person n has authenticator n; the first may be the owner by token, or whoever calls as `ci`.
fn managers() -> impl Strategy<Value = Vec<Person>> {
    let token = prop::option::of(prop::sample::select(vec!["ann", "ci", "dora"]));
    (1usize..=3, token).prop_map(|(count, token)| {
        let persons = PERSONS.iter().take(count).zip(1u8..);
        persons
            .map(|(id, byte)| {
                let mut credentials = vec![Credential::Fido2(fido2(byte))];
                if let Some(subject) = token.filter(|_| byte == 1) {
                    credentials.push(Credential::Oidc(vault_policy::OidcSubject {
                        issuer: "https://a.test".to_owned(),
                        subject: subject.to_owned(),
                    }));
                }
                Person {
                    id: (*id).to_owned(),
                    credentials,
                }
            })
            .collect()
    })
}

/// Indices into the persons that there are, so that nobody unknown is listed.
fn approval() -> impl Strategy<Value = ManagerApproval> {
    let listed = prop::collection::btree_set(0usize..3, 1..4);
    (listed, 1u32..3, 0u64..30, oidc_allowed()).prop_map(|(listed, threshold, fresh_for, oidc)| {
        let listed = listed.into_iter().map(|index| PERSONS[index].to_owned());
        ManagerApproval {
            managers: listed.collect(),
            threshold,
            fresh_for,
            oidc,
        }
    })
}

fn level() -> impl Strategy<Value = Option<Level>> {
    prop_oneof![
        3 => Just(None),
        1 => Just(Some(Level::Owner)),
        1 => Just(Some(Level::Immutable)),
        2 => (2u32..4, oidc_allowed()).prop_map(|(threshold, oidc)| {
            Some(Level::Quorum(Quorum { threshold, oidc }))
        }),
    ]
}

/// A policy with managers, whose rules ask for approvals here and there.
pub(crate) fn any_governed() -> impl Strategy<Value = KeyPolicy> {
    let factor = prop::option::weighted(0.3, prop::sample::select(vec![1u8, 9]));
    let approvals = prop::collection::vec(prop::option::of(approval()), 6);
    let levels = prop::collection::vec(level(), 17);
    (any_policy(), managers(), factor, approvals, levels, 0u64..3).prop_map(
        |(policy, managers, factor, approvals, levels, window)| {
            let mut fields = policy.fields().clone();
            let principals = &mut fields.principals;
            principals.owner.second_factor = factor.map(fido2);
            principals.managers = managers;
            principals.mtls = vec![pinned()];
            fields.lifecycle.deletion_window = window * 60;
            for (rule, approval) in fields.operations.iter_mut().zip(approvals) {
                if let Some(mut approval) = approval {
                    let known = &principals.managers;
                    approval
                        .managers
                        .retain(|id| known.iter().any(|it| it.id == *id));
                    approval.managers.insert(PERSONS[0].to_owned());
                    let more = Condition::ManagerApproval(approval);
                    rule.condition = Condition::All(vec![more, Condition::always()]);
                }
            }
            for_signing(&mut fields);
            set_levels(&mut fields, &levels);
            KeyPolicy::from_fields(fields).unwrap()
        },
    )
}

/// What a P-256 key can do, so that keys can live under most of them.
fn for_signing(fields: &mut PolicyFields) {
    let able = |operation: &Operation| type_allows(KeyType::P256Signing, *operation);
    fields.usage.operations = [Operation::Sign].into();
    for rule in &mut fields.operations {
        rule.operations.retain(able);
        rule.operations.insert(Operation::Sign);
    }
}

fn set_levels(fields: &mut PolicyFields, levels: &[Option<Level>]) {
    let principals = &fields.principals;
    fields.mutability = vault_policy::Mutability::default_of(principals, &fields.operations);
    for (field, level) in Field::ALL.into_iter().zip(levels) {
        if let Some(level) = level.filter(|_| field != Field::PrincipalsOwner) {
            fields.mutability.set(field, level);
        }
    }
}

fn pinned() -> NamedCertificate {
    NamedCertificate {
        id: "pinned".to_owned(),
        identity: CertificateIdentity::Spki(Hash([5; 32])),
    }
}

fn time() -> impl Strategy<Value = VaultTime> {
    let known = (0u64..35).prop_map(|at| VaultTime::Known {
        lo: UnixSeconds(at),
        hi: UnixSeconds(at),
    });
    prop_oneof![1 => Just(VaultTime::Unknown), 9 => known]
}

pub(crate) fn approvals() -> impl Strategy<Value = Vec<Approved>> {
    let token = Approver::Oidc(vault_policy::OidcSubject {
        issuer: "https://a.test".to_owned(),
        subject: "dora".to_owned(),
    });
    let by = prop_oneof![
        6 => (1u8..4).prop_map(key),
        1 => Just(key(9)),
        1 => Just(token),
    ];
    let approved = (by, time()).prop_map(|(by, begun)| Approved { by, begun });
    prop::collection::vec(approved, 0..6)
}

/// A governed policy and a call, mostly of the owner and with approvals.
pub(crate) fn any_governed_call() -> impl Strategy<Value = (KeyPolicy, Facts, VaultTime)> {
    let certificate = prop::option::weighted(0.2, Just(Hash([5; 32])));
    (
        any_governed(),
        any_call(),
        approvals(),
        certificate,
        prop::bool::weighted(0.8),
    )
        .prop_map(|(policy, (_, mut facts, now), approvals, spki, owner)| {
            if let Some(token) = facts.token.as_mut().filter(|_| owner) {
                token.issuer.clone_from(&policy.owner().issuer);
                token.subject.clone_from(&policy.owner().subject);
            }
            facts.approvals = approvals;
            facts.certificate = spki.map(|spki| CertificateFacts {
                spki,
                sans: BTreeSet::new(),
                issuers: BTreeSet::new(),
            });
            (policy, facts, now)
        })
}

/// Edits of a policy; what comes out need not be well-formed.
pub(crate) fn edited(policy: &KeyPolicy, edits: &[(u8, u8)]) -> Option<KeyPolicy> {
    let mut fields = policy.fields().clone();
    for (kind, at) in edits {
        edit(&mut fields, *kind, usize::from(*at));
    }
    KeyPolicy::from_fields(fields).ok()
}

/// Kinds of edits.
pub(crate) const EDITS: u8 = 16;

fn edit(fields: &mut PolicyFields, kind: u8, at: usize) {
    let some = |length: usize| at.checked_rem(length);
    let principals = &mut fields.principals;
    match kind {
        0 => drop(some(principals.tees.len()).map(|index| principals.tees.remove(index))),
        1 => {
            if let Some(index) = some(principals.tees.len()) {
                principals.tees[index].tcb.grace += 1;
            }
        }
        2 => {
            if let Some(index) = some(principals.tees.len()) {
                let mut other = principals.tees[index].clone();
                other.mrenclave = Some(vault_policy::Measurement(Hash([at as u8; 32])));
                principals.tees.push(other);
            }
        }
        3 => drop(some(fields.operations.len()).map(|index| fields.operations.remove(index))),
        4 => {
            if let Some(index) = some(fields.operations.len()) {
                fields.operations[index].condition = Condition::always();
            }
        }
        5 => {
            if let Some(index) = some(fields.operations.len()) {
                fields.operations[index]
                    .principals
                    .insert(PrincipalName::Owner);
            }
        }
        6 => {
            let operation = Operation::USES[at % Operation::USES.len()];
            if !fields.usage.operations.remove(&operation) {
                fields.usage.operations.insert(operation);
            }
        }
        7 => {
            let operation = fields.usage.operations.pop_last();
            fields
                .usage
                .operations
                .extend(operation.filter(|_| at.is_multiple_of(3)));
        }
        8 => fields.lifecycle.deletion_window += at as u64,
        9 => fields.lifecycle.deletion_window /= 2,
        10 => fields.lifecycle.sealed_forever ^= true,
        11 => fields.mutability.set(Field::ALL[at % 17], Level::Immutable),
        12 => fields.mutability.set(Field::ALL[at % 17], Level::Owner),
        13 => drop(principals.managers.pop()),
        14 => {
            if let Some(index) = some(principals.callers.len()) {
                let owner = principals.owner.subject.clone();
                principals.callers[index].identity = vault_policy::CallerIdentity::Oidc(owner);
            }
        }
        _ => principals.owner.subject.subject.push('x'),
    }
}
