//! Policies and callers that meet often: few names, few moments.

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use vault_encoding::{Hash, Json};
use vault_policy::{
    AttestationProfile, CallerIdentity, Condition, EvidenceClaims, Facts, IssuerRole, KeyPolicy,
    Lifecycle, Measurement, Mutability, NamedCaller, OidcSubject, Operation, Owner, PlatformId,
    PolicyFields, PrincipalName, Principals, Recovery, RequiredOid, Reserved, Rule,
    SenderConstraint, SgxFacts, SignerMatch, TcbRule, TcbStatus, TdMeasurement, TdxFacts, Tee,
    TimeWindow, TokenFacts, UnixSeconds, Usage, VaultTime, VerifiedEvidence,
};

// A name that stands twice is chosen twice as often.
const ISSUERS: [&str; 5] = [
    "https://a.test",
    "https://a.test",
    "https://a.test",
    "https://a.test",
    "https://b.test",
];
const SUBJECTS: [&str; 5] = ["ann", "ann", "ann", "ci", "é \"quoted\" \\"];
pub(crate) const ROLES: [&str; 2] = ["release", "night"];
const CALLERS: [&str; 3] = ["c", "c!", "c\""];
const PROFILES: [&str; 2] = ["app", "fleet"];

fn one(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(texts).prop_map(str::to_owned)
}

fn subject() -> impl Strategy<Value = OidcSubject> {
    (one(&ISSUERS), one(&SUBJECTS)).prop_map(|(issuer, subject)| OidcSubject { issuer, subject })
}

fn role() -> impl Strategy<Value = IssuerRole> {
    (one(&ISSUERS), one(&ROLES)).prop_map(|(issuer, role)| IssuerRole { issuer, role })
}

fn measurement() -> impl Strategy<Value = Measurement> + Clone {
    (0u8..2).prop_map(|byte| Measurement(Hash([byte; 32])))
}

fn operations() -> impl Strategy<Value = BTreeSet<Operation>> {
    let some = prop::collection::btree_set(prop::sample::select(&Operation::USES[..]), 1..5);
    (some, prop::bool::weighted(0.7)).prop_map(|(mut operations, sign)| {
        if sign {
            operations.insert(Operation::Sign);
        }
        operations
    })
}

fn caller(id: &'static str) -> impl Strategy<Value = NamedCaller> {
    let identity = prop_oneof![
        subject().prop_map(CallerIdentity::Oidc),
        role().prop_map(CallerIdentity::Role),
    ];
    identity.prop_map(move |identity| NamedCaller {
        id: id.to_owned(),
        identity,
    })
}

fn wide() -> impl Strategy<Value = TdMeasurement> {
    (0u8..2).prop_map(|byte| TdMeasurement([byte; 48]))
}

fn tee() -> impl Strategy<Value = Tee> {
    let sgx = (measurement(), measurement(), 0u16..2, 0u16..3).prop_map(
        |(mrenclave, mrsigner, isv_prod_id, isv_svn)| {
            Tee::Sgx(SgxFacts {
                mrenclave,
                mrsigner,
                isv_prod_id,
                isv_svn,
            })
        },
    );
    let config = prop_oneof![4 => Just(TdMeasurement([0; 48])), 1 => wide()];
    let rtmrs = [wide(), wide(), wide(), wide()];
    let tdx = (wide(), rtmrs, config).prop_map(|(mrtd, rtmrs, mr_config_id)| {
        Tee::Tdx(Box::new(TdxFacts {
            mrtd,
            rtmrs,
            mr_config_id,
            attributes: 0,
            xfam: 0,
        }))
    });
    prop_oneof![3 => sgx, 1 => tdx]
}

fn tcb() -> impl Strategy<Value = TcbRule> {
    let status = prop::sample::select(&TcbStatus::ALL[..]);
    let statuses = prop_oneof![
        2 => Just(BTreeSet::from([TcbStatus::UpToDate])),
        1 => prop::collection::btree_set(status, 1..4),
    ];
    let advisories = prop::collection::btree_set("SA-[12]", 0..2);
    (
        statuses,
        advisories,
        0u32..3,
        prop_oneof![2 => Just(0), 1 => 0u64..20],
    )
        .prop_map(
            |(statuses, advisories, min_evaluation_data_number, grace)| TcbRule {
                statuses,
                advisories,
                min_evaluation_data_number,
                grace,
            },
        )
}

fn profile(name: &'static str) -> impl Strategy<Value = AttestationProfile> {
    let signer =
        (measurement(), 0u16..2, 0u16..3).prop_map(|(mrsigner, isv_prod_id, min_isv_svn)| {
            SignerMatch {
                mrsigner,
                isv_prod_id,
                min_isv_svn,
            }
        });
    let measured = prop_oneof![
        2 => measurement().prop_map(|measurement| (Some(measurement), None, None, BTreeMap::new())),
        1 => signer.clone().prop_map(|signer| (None, Some(signer), None, BTreeMap::new())),
        1 => (measurement(), signer)
            .prop_map(|(build, signer)| (Some(build), Some(signer), None, BTreeMap::new())),
        1 => (wide(), prop::collection::btree_map(0u8..4, wide(), 0..4))
            .prop_map(|(mrtd, rtmrs)| (None, None, Some(mrtd), rtmrs)),
    ];
    let root = prop::option::weighted(0.2, Just(Hash([9; 32])));
    let oid = Just(RequiredOid {
        oid: "1.2.3".to_owned(),
        value: vec![0xff, 0xef],
    });
    let platforms =
        prop::collection::btree_set((0u8..2).prop_map(|id| PlatformId(Hash([id; 32]))), 0..2);
    (
        measured,
        root,
        prop::collection::btree_set(oid, 0..2),
        platforms,
        tcb(),
    )
        .prop_map(
            move |(
                (mrenclave, signer, mrtd, rtmrs),
                config_merkle_root,
                required_oids,
                platforms,
                tcb,
            )| {
                AttestationProfile {
                    name: name.to_owned(),
                    mrenclave,
                    signer,
                    mrtd,
                    rtmrs,
                    config_merkle_root,
                    required_oids,
                    platforms,
                    tcb,
                }
            },
        )
}

fn window() -> impl Strategy<Value = Condition> {
    let ends = prop_oneof![
        (0u64..30).prop_map(|from| (Some(from), None)),
        (1u64..30).prop_map(|until| (None, Some(until))),
        (0u64..20, 1u64..20).prop_map(|(from, length)| (Some(from), Some(from + length))),
    ];
    ends.prop_map(|(from, until)| {
        Condition::TimeWindow(TimeWindow {
            from: from.map(UnixSeconds),
            until: until.map(UnixSeconds),
        })
    })
}

fn nested(leaf: BoxedStrategy<Condition>, negate: bool) -> BoxedStrategy<Condition> {
    let tree = leaf.prop_recursive(3, 8, 3, move |inner| {
        let members = prop::collection::vec(inner.clone(), 0..3);
        let lists = prop_oneof![
            members.clone().prop_map(Condition::All),
            members.prop_map(Condition::Any)
        ];
        if negate {
            let not = inner.prop_map(|member| Condition::Not(Box::new(member)));
            prop_oneof![2 => lists, 1 => not].boxed()
        } else {
            lists.boxed()
        }
    });
    tree.boxed()
}

fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        one(&PROFILES).prop_map(Condition::AttestationMatches),
        role().prop_map(Condition::CallerHoldsRole),
        nested(window().boxed(), true),
    ];
    prop_oneof![1 => Just(Condition::always()), 1 => nested(leaf.boxed(), false)]
}

fn principals() -> impl Strategy<Value = BTreeSet<PrincipalName>> {
    let names = [&["any", "owner", "owner", "owner"][..], &CALLERS, &PROFILES].concat();
    prop::collection::btree_set(
        prop::sample::select(names).prop_map(PrincipalName::from),
        1..4,
    )
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let rule = (operations(), principals(), condition());
    prop::collection::vec(rule, 0..6).prop_map(|rules| {
        let named = rules.into_iter().enumerate();
        named
            .map(|(index, (operations, principals, condition))| Rule {
                name: format!("rule {index}"),
                operations,
                principals,
                condition,
            })
            .collect()
    })
}

/// Any well-formed policy over the few names.
pub(crate) fn any_policy() -> impl Strategy<Value = KeyPolicy> {
    let owner = subject().prop_map(|subject| Owner {
        subject,
        second_factor: None,
    });
    let callers = (caller(CALLERS[0]), caller(CALLERS[1]), caller(CALLERS[2]));
    let tees = (profile(PROFILES[0]), profile(PROFILES[1]));
    (owner, callers, tees, rules(), operations(), any::<bool>()).prop_map(
        |(owner, callers, tees, operations, usage, sealed_forever)| {
            let fields = PolicyFields {
                principals: Principals {
                    owner,
                    managers: Vec::new(),
                    auditors: Vec::new(),
                    callers: vec![callers.0, callers.1, callers.2],
                    tees: vec![tees.0, tees.1],
                    mtls: Vec::new(),
                },
                operations,
                usage: Usage {
                    operations: usage,
                    export: Reserved,
                },
                lifecycle: Lifecycle {
                    sealed_forever,
                    ..Lifecycle::default()
                },
                recovery: Recovery::default(),
                mutability: Mutability::default(),
            };
            KeyPolicy::from_fields(fields).unwrap()
        },
    )
}

fn token() -> impl Strategy<Value = TokenFacts> {
    (subject(), prop::collection::btree_set(one(&ROLES), 0..3)).prop_map(|(oidc, roles)| {
        TokenFacts {
            issuer: oidc.issuer,
            subject: oidc.subject,
            roles,
            expires_at: UnixSeconds(u64::MAX),
            constraint: SenderConstraint::None,
        }
    })
}

fn evidence() -> impl Strategy<Value = VerifiedEvidence> {
    let identity = (tee(), 0u8..2);
    let state = (
        prop_oneof![2 => Just(TcbStatus::UpToDate), 1 => prop::sample::select(&TcbStatus::ALL[..])],
        prop::collection::btree_set("SA-[12]", 0..2),
        0u32..3,
        0u64..30,
    );
    let claims = (any::<bool>(), any::<bool>());
    (identity, state, claims).prop_map(|(identity, state, (root, oid))| {
        let (tee, platform) = identity;
        let (tcb_status, advisories, tcb_evaluation_data_number, tcb_date) = state;
        VerifiedEvidence::assertion(EvidenceClaims {
            tee,
            platform_id: PlatformId(Hash([platform; 32])),
            config_merkle_root: root.then_some(Hash([9; 32])),
            oids: if oid {
                vec![("1.2.3".to_owned(), vec![0xff, 0xef])]
            } else {
                Vec::new()
            },
            tcb_status,
            advisories: advisories.into_iter().collect(),
            tcb_evaluation_data_number,
            tcb_date: UnixSeconds(tcb_date),
            collateral_issued_at: UnixSeconds(0),
            simulated: true,
        })
    })
}

/// A policy, and a call that is mostly the owner's.
pub(crate) fn any_call() -> impl Strategy<Value = (KeyPolicy, Facts, VaultTime)> {
    (
        any_policy(),
        any_facts(),
        any_time(),
        prop::bool::weighted(0.7),
    )
        .prop_map(|(policy, mut facts, now, owner)| {
            if let Some(token) = facts.token.as_mut().filter(|_| owner) {
                token.issuer.clone_from(&policy.owner().issuer);
                token.subject.clone_from(&policy.owner().subject);
            }
            (policy, facts, now)
        })
}

/// Any caller over the few names.
fn any_facts() -> impl Strategy<Value = Facts> {
    let token = prop::option::weighted(0.9, token());
    let evidence = prop::option::weighted(0.7, evidence());
    (token, evidence).prop_map(|(token, evidence)| Facts {
        token,
        evidence,
        ..Facts::default()
    })
}

/// Any interval over the few moments, or none.
fn any_time() -> impl Strategy<Value = VaultTime> {
    let known = (0u64..35, 0u64..10).prop_map(|(lo, width)| VaultTime::Known {
        lo: UnixSeconds(lo),
        hi: UnixSeconds(lo + width),
    });
    prop_oneof![1 => Just(VaultTime::Unknown), 6 => known]
}

/// JSON built from the words of the format.
pub(crate) fn any_json() -> impl Strategy<Value = Json> {
    const WORDS: [&str; 14] = [
        "format",
        "principals",
        "owner",
        "issuer",
        "subject",
        "operations",
        "name",
        "condition",
        "all",
        "not",
        "time_window",
        "from",
        "enclave-vaults/key-policy/v1",
        "none",
    ];
    let leaf = prop_oneof![
        one(&WORDS).prop_map(Json::Text),
        any::<u32>().prop_map(|number| Json::Number(number.to_string())),
        any::<bool>().prop_map(Json::Bool),
        Just(Json::Null),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::List),
            prop::collection::btree_map(one(&WORDS), inner, 0..6).prop_map(Json::Map),
        ]
    })
}
