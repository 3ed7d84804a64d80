//! What holds for every update and every promotion.

use crate::generate::any_policy;
use crate::governed::{EDITS, any_governed, any_governed_call, approvals, edited};
use crate::support::subject;
use proptest::prelude::*;
use vault_policy::{
    Action, Approvable, Change, Deny, Facts, Field, KeyPolicy, KeyType, Level, Operation,
    UpdateDeny, VaultTime, diff, evaluate, judge_update, promote, required, required_for_promotion,
    simulate,
};

fn edits() -> impl Strategy<Value = Vec<(u8, u8)>> {
    prop::collection::vec((0..EDITS, any::<u8>()), 1..4)
}

fn actions() -> impl Iterator<Item = Action> {
    let others = [
        Action::GetKey,
        Action::GetPolicy,
        Action::Delete,
        Action::UpdatePolicy,
        Action::ListProfiles,
        Action::PromoteProfile,
        Action::RevokeProfile,
        Action::CancelDeletion,
        Action::IssueApproval,
    ];
    others
        .into_iter()
        .chain(Operation::ALL.map(Action::Operation))
        .chain(Approvable::all().map(Action::BeginApproval))
}

fn decide(policy: &KeyPolicy, action: Action, facts: &Facts, now: VaultTime) -> Result<(), Deny> {
    evaluate(policy, action, &subject(), facts, now).map(|_| ())
}

/// What an update may never do, whoever asks and whoever approves.
fn one_way(old: &KeyPolicy, new: &KeyPolicy) -> bool {
    let (old, new) = (old.fields(), new.fields());
    let stricter = |(field, level): (Field, Level)| new.mutability.level(field).covers(level);
    let known = |tee| old.principals.tees.contains(tee);
    old.principals.owner == new.principals.owner
        && new.principals.tees.iter().all(known)
        && new.usage.operations.is_subset(&old.usage.operations)
        && new.lifecycle.deletion_window >= old.lifecycle.deletion_window
        && (new.lifecycle.sealed_forever || !old.lifecycle.sealed_forever)
        && old.mutability.levels().all(stricter)
}

proptest! {
    #[test]
    fn a_governed_policy_reads_back_as_it_was_written(policy in any_governed()) {
        let read = KeyPolicy::from_canonical(policy.canonical_bytes());
        prop_assert_eq!(read.as_ref(), Ok(&policy));
        prop_assert_eq!(KeyPolicy::from_fields(policy.fields().clone()), Ok(policy));
    }

    #[test]
    fn a_policy_does_not_become_itself((policy, facts, now) in any_governed_call()) {
        for key_type in KeyType::ALL {
            let judged = judge_update(&policy, &policy, key_type, &facts, now);
            prop_assert_eq!(judged, Err(UpdateDeny::NoChange));
        }
        prop_assert_eq!(required(&policy, &policy), Err(UpdateDeny::NoChange));
        prop_assert_eq!(diff(&policy, &policy), Vec::new());
    }

    #[test]
    fn no_update_goes_back_on_what_goes_one_way_or_passes_the_level_of_a_field(
        (old, facts, now) in any_governed_call(), edits in edits(),
    ) {
        let Some(new) = edited(&old, &edits) else { return Ok(()) };
        let change = Change::between(old.fields(), new.fields());
        prop_assert_eq!(change.fields.is_empty(), old == new);
        let differences = diff(&old, &new);
        for field in &change.fields {
            prop_assert!(differences.iter().any(|it| it.field == *field), "{:?}", field);
        }
        let authority = match required(&old, &new) {
            Ok(authority) => authority,
            Err(refused) => {
                for key_type in KeyType::ALL {
                    let judged = judge_update(&old, &new, key_type, &facts, now);
                    prop_assert_eq!(judged.as_ref(), Err(&refused));
                }
                return Ok(());
            }
        };
        prop_assert!(one_way(&old, &new));
        for field in change.fields {
            match old.fields().mutability.level(field) {
                Level::Owner => {}
                Level::Quorum(quorum) => {
                    prop_assert!(authority.managers.is_some_and(|it| it.covers(quorum)));
                }
                Level::Immutable => prop_assert!(false, "{:?} changed", field),
            }
        }
        let updates = KeyType::ALL.map(|kind| judge_update(&old, &new, kind, &facts, now).is_ok());
        if updates.contains(&true) {
            prop_assert_eq!(decide(&old, Action::UpdatePolicy, &facts, now), Ok(()));
            let none = Facts { approvals: Vec::new(), ..facts };
            let alone = judge_update(&old, &new, KeyType::P256Signing, &none, now).is_ok();
            prop_assert!(!alone || authority.managers.is_none());
        }
    }

    #[test]
    fn a_promotion_changes_the_profiles_alone_and_an_update_cannot_do_the_same(
        (old, facts, now) in any_governed_call(), other in any_policy(), at in any::<prop::sample::Index>(),
    ) {
        let tees = &other.fields().principals.tees;
        let profile = at.get(tees);
        let Ok(new) = promote(&old, profile, KeyType::P256Signing, &facts, now) else {
            return Ok(());
        };
        let change = Change::between(old.fields(), new.fields());
        prop_assert_eq!(change.names().collect::<Vec<_>>(), ["principals.tees"]);
        prop_assert_eq!(new.fields().principals.tees.len(), old.fields().principals.tees.len() + 1);
        prop_assert!(required_for_promotion(&old).is_ok());
        prop_assert_eq!(decide(&old, Action::PromoteProfile, &facts, now), Ok(()));
        let refused = required(&old, &new).map_err(|deny| deny.code());
        prop_assert_eq!(refused, Err("profile_added"));
        let none = Facts { approvals: Vec::new(), ..facts };
        prop_assert!(promote(&old, profile, KeyType::P256Signing, &none, now).is_err());
    }

    #[test]
    fn approvals_never_take_anything_away(
        (policy, facts, now) in any_governed_call(), more in approvals(),
    ) {
        let mut approved = facts.clone();
        approved.approvals.extend(more);
        for action in actions() {
            if decide(&policy, action, &facts, now).is_ok() {
                prop_assert_eq!(decide(&policy, action, &approved, now), Ok(()));
            }
        }
    }

    #[test]
    fn a_simulation_is_the_decision_and_says_what_is_missing_to_principals_only(
        (policy, facts, now) in any_governed_call(),
    ) {
        for action in actions() {
            let decided = decide(&policy, action, &facts, now);
            let outcome = simulate(&policy, action, &subject(), &facts, now);
            prop_assert_eq!(outcome.allowed, decided.is_ok());
            prop_assert_eq!(&outcome.deny, &decided.err());
            let tells = !outcome.allowed && outcome.deny != Some(Deny::Stranger);
            prop_assert_eq!(!outcome.missing.is_empty(), tells, "{:?}", outcome);
        }
    }
}

#[test]
fn generated_updates_are_neither_all_taken_nor_all_refused() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = (any_governed_call(), edits());
    let mut seen = std::collections::BTreeMap::<&str, usize>::new();
    for _ in 0..1500 {
        let ((old, facts, now), edits) = strategy.new_tree(&mut runner).unwrap().current();
        let Some(new) = edited(&old, &edits) else {
            continue;
        };
        let judged = judge_update(&old, &new, KeyType::P256Signing, &facts, now);
        let code = judged.as_ref().map_or_else(UpdateDeny::code, |()| "taken");
        *seen.entry(code).or_default() += 1;
        let profile = new
            .fields()
            .principals
            .tees
            .iter()
            .find(|tee| tee.tcb.grace == 0);
        let promoted = profile.map(|profile| {
            let mut next = profile.clone();
            next.tcb.grace = 1;
            promote(&old, &next, KeyType::P256Signing, &facts, now).is_ok()
        });
        if promoted == Some(true) {
            *seen.entry("promoted").or_default() += 1;
        }
        if required(&old, &new).is_ok() {
            *seen.entry("possible").or_default() += 1;
        }
    }
    for code in [
        "taken",
        "promoted",
        "possible",
        "immutable",
        "profile_added",
        "profile_changed",
        "usage_widened",
        "window_shortened",
        "mutability_lowered",
        "unsealed",
        "invalid",
    ] {
        assert!(
            seen.get(code).is_some_and(|count| *count >= 5),
            "{code}: {seen:?}"
        );
    }
    assert!(seen["possible"] > 150, "{seen:?}");
}
