//! What holds for every policy and every caller.

use crate::generate::{any_call, any_json, any_policy};
use proptest::prelude::*;
use vault_encoding::{Canonical, Hash, Json};
use vault_policy::{
    Action, CallerIdentity, Condition, Deny, Facts, KeyHandle, KeyPolicy, KeySubject, KeyType,
    KeyVersion, Lineage, Operation, PolicyHash, PolicyVersion, PrincipalName, Rule, Truth,
    VaultTime, evaluate, is_principal, lint, validate,
};

const SUBJECT: KeySubject = KeySubject {
    handle: KeyHandle([1; 16]),
    lineage: Lineage(Hash([2; 32])),
    version: KeyVersion(1),
    policy_hash: PolicyHash(Hash([3; 32])),
    policy_version: PolicyVersion(1),
};

fn decide(
    policy: &KeyPolicy,
    operation: Operation,
    facts: &Facts,
    now: VaultTime,
) -> Result<(), Deny> {
    evaluate(policy, Action::Operation(operation), &SUBJECT, facts, now).map(|_| ())
}

/// What the owner may do whatever the rules say.
fn of_owner(operation: Operation) -> bool {
    matches!(operation, Operation::GetPublicKey | Operation::StageProfile)
}

/// The policy with its rules replaced.
fn with_rules(policy: &KeyPolicy, change: impl FnOnce(&mut Vec<Rule>)) -> KeyPolicy {
    let mut fields = policy.fields().clone();
    change(&mut fields.operations);
    KeyPolicy::from_fields(fields).unwrap()
}

fn restriction(operations: impl IntoIterator<Item = Operation>, condition: Condition) -> Rule {
    Rule {
        name: "added".to_owned(),
        operations: operations.into_iter().collect(),
        principals: [PrincipalName::Any].into(),
        condition,
    }
}

fn as_json(value: &Canonical) -> Json {
    match value {
        Canonical::Text(text) => Json::Text(text.clone()),
        Canonical::List(items) => Json::List(items.iter().map(as_json).collect()),
        Canonical::Map(members) => Json::Map(
            members
                .iter()
                .map(|(name, value)| (name.clone(), as_json(value)))
                .collect(),
        ),
    }
}

proptest! {
    #[test]
    fn the_canonical_form_reads_back_as_the_same_policy(policy in any_policy()) {
        let read = KeyPolicy::from_canonical(policy.canonical_bytes());
        prop_assert_eq!(read.as_ref(), Ok(&policy));
        let from_json = KeyPolicy::from_json(&as_json(&policy.to_canonical()));
        prop_assert_eq!(from_json.as_ref(), Ok(&policy));
        prop_assert_eq!(policy.to_canonical().to_bytes(), policy.canonical_bytes());
    }

    #[test]
    fn the_order_in_which_a_policy_is_written_does_not_matter(policy in any_policy()) {
        let mut fields = policy.fields().clone();
        fields.operations.reverse();
        fields.principals.callers.reverse();
        fields.principals.tees.reverse();
        prop_assert_eq!(KeyPolicy::from_fields(fields), Ok(policy));
    }

    #[test]
    fn no_byte_of_the_canonical_form_can_be_changed_unnoticed(
        policy in any_policy(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = policy.canonical_bytes().to_vec();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        if let Ok(other) = KeyPolicy::from_canonical(&bytes) {
            prop_assert_ne!(other.hash(), policy.hash());
            prop_assert_eq!(other.canonical_bytes(), &bytes[..]);
        }
    }

    #[test]
    fn readers_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), json in any_json()) {
        let _ = KeyPolicy::from_canonical(&bytes);
        if let Ok(policy) = KeyPolicy::from_json(&json) {
            prop_assert_eq!(KeyPolicy::from_canonical(policy.canonical_bytes()), Ok(policy));
        }
    }

    #[test]
    fn a_decision_is_total_and_the_same_every_time(
        (policy, facts, now) in any_call(),
    ) {
        let known = is_principal(&policy, &facts, now);
        for operation in Operation::ALL {
            let decision = decide(&policy, operation, &facts, now);
            prop_assert_eq!(&decision, &decide(&policy, operation, &facts, now));
            prop_assert_eq!(decision == Err(Deny::Stranger), !known);
            if let Err(Deny::Condition { truth, .. }) = decision {
                prop_assert_ne!(truth, Truth::True);
            }
        }
        let owner = facts.token.as_ref().is_some_and(|token| {
            token.issuer == policy.owner().issuer && token.subject == policy.owner().subject
        });
        for action in [Action::GetPolicy, Action::Delete] {
            prop_assert_eq!(evaluate(&policy, action, &SUBJECT, &facts, now).is_ok(), owner);
        }
        prop_assert_eq!(evaluate(&policy, Action::GetKey, &SUBJECT, &facts, now).is_ok(), known);
    }

    #[test]
    fn a_rule_for_any_never_allows_more(
        (policy, facts, now) in any_call(),
    ) {
        let more = with_rules(&policy, |rules| {
            rules.push(restriction(Operation::ALL, Condition::always()));
        });
        let never = with_rules(&policy, |rules| {
            rules.push(restriction(Operation::ALL, Condition::Any(Vec::new())));
        });
        for operation in Operation::ALL {
            let before = decide(&policy, operation, &facts, now);
            prop_assert_eq!(&decide(&more, operation, &facts, now), &before);
            let refused = decide(&never, operation, &facts, now).is_err();
            prop_assert!(refused || of_owner(operation));
        }
    }

    #[test]
    fn without_rules_nothing_is_allowed_but_what_is_the_owners_by_right(
        (policy, facts, now) in any_call(),
    ) {
        let none = with_rules(&policy, Vec::clear);
        for operation in Operation::ALL {
            let allowed = decide(&none, operation, &facts, now).is_ok();
            prop_assert!(!allowed || of_owner(operation));
        }
    }

    #[test]
    fn knowing_the_time_better_never_turns_a_permit_into_a_refusal(
        (policy, facts, now) in any_call(), point in 0u64..40,
    ) {
        let better = match now {
            VaultTime::Known { lo, hi } => {
                let at = vault_policy::UnixSeconds(lo.0 + point % (hi.0 - lo.0 + 1));
                VaultTime::Known { lo: at, hi: at }
            }
            VaultTime::Unknown => {
                let at = vault_policy::UnixSeconds(point);
                VaultTime::Known { lo: at, hi: at }
            }
        };
        // A profile in grace is a principal only when time is known, and then its rules restrict.
        prop_assume!(policy.fields().principals.tees.iter().all(|tee| tee.tcb.grace == 0));
        for operation in Operation::ALL {
            if decide(&policy, operation, &facts, now).is_ok() {
                prop_assert_eq!(decide(&policy, operation, &facts, better), Ok(()));
            }
        }
    }

    #[test]
    fn more_roles_take_nothing_away_where_no_role_is_a_principal(
        (policy, facts, now) in any_call(),
    ) {
        let mut fields = policy.fields().clone();
        for caller in &mut fields.principals.callers {
            caller.identity = CallerIdentity::Oidc(policy.owner().clone());
        }
        let policy = KeyPolicy::from_fields(fields).unwrap();
        let mut more = facts.clone();
        let Some(token) = more.token.as_mut() else { return Ok(()) };
        token.roles.extend(crate::generate::ROLES.map(str::to_owned));
        for operation in Operation::ALL {
            if decide(&policy, operation, &facts, now).is_ok() {
                prop_assert_eq!(decide(&policy, operation, &more, now), Ok(()));
            }
        }
    }

    #[test]
    fn a_policy_that_lets_somebody_in_is_not_called_a_lock_out(
        (policy, facts, now) in any_call(),
    ) {
        for key_type in KeyType::ALL {
            let _ = validate(&policy, key_type, now);
        }
        let _ = lint(&policy);
        let mut fields = policy.fields().clone();
        for operation in [Operation::Sign, Operation::Verify] {
            if decide(&policy, operation, &facts, now).is_err() {
                continue;
            }
            fields.usage.operations = [operation].into();
            fields.operations.retain(|rule| rule.operations.contains(&operation));
            for rule in &mut fields.operations {
                rule.operations = [operation].into();
            }
            let alone = KeyPolicy::from_fields(fields.clone()).unwrap();
            prop_assert_eq!(validate(&alone, KeyType::P256Signing, now), Ok(()));
            fields = policy.fields().clone();
        }
    }
}

#[test]
fn generated_cases_are_neither_all_allowed_nor_all_refused() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = any_call();
    let (mut allowed, mut codes) = (0, std::collections::BTreeMap::<&str, usize>::new());
    for _ in 0..2000 {
        let (policy, facts, now) = strategy.new_tree(&mut runner).unwrap().current();
        match decide(&policy, Operation::Sign, &facts, now) {
            Ok(()) => allowed += 1,
            Err(deny) => *codes.entry(deny.code()).or_default() += 1,
        }
    }
    assert!((400..1600).contains(&allowed), "{allowed} {codes:?}");
    assert_eq!(codes.len(), 4, "{codes:?}");
    assert!(codes.values().all(|count| *count >= 20), "{codes:?}");
}
