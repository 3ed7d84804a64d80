//! Who may do what, and what it takes, rule by rule.

use crate::condition::Condition;
use crate::model::{PolicyFields, PrincipalName, Rule};
use crate::operation::Operation;
use std::collections::BTreeSet;

/// The rules that matter to one principal who is proven alone: those that name it or `any`.
/// `None` if none grants.
pub(super) fn rules<'a>(
    policy: &'a PolicyFields,
    operation: Operation,
    principal: &PrincipalName,
) -> Option<Vec<&'a Rule>> {
    let about = policy.operations.iter();
    let about = about.filter(|rule| rule.operations.contains(&operation));
    let matching: Vec<&Rule> = about
        .filter(|rule| {
            rule.principals.contains(principal) || rule.principals.contains(&PrincipalName::Any)
        })
        .collect();
    let grants = matching
        .iter()
        .any(|rule| rule.principals.contains(principal));
    (grants && *principal != PrincipalName::Any).then_some(matching)
}

/// Everything that those rules ask for.
pub(super) fn requirement(rules: &[&Rule]) -> Condition {
    let conditions = rules.iter().map(|rule| rule.condition.clone());
    Condition::All(conditions.filter(|it| *it != Condition::always()).collect())
}

/// Everybody whom a rule about the operation names, `any` aside.
pub(super) fn named(policy: &PolicyFields, operation: Operation) -> BTreeSet<PrincipalName> {
    let about = policy.operations.iter();
    about
        .filter(|rule| rule.operations.contains(&operation))
        .flat_map(|rule| rule.principals.iter().cloned())
        .filter(|name| *name != PrincipalName::Any)
        .collect()
}

/// The innermost places of a condition that must hold each, as refusals name them.
pub(super) fn places<'a>(
    condition: &'a Condition,
    path: String,
    see: &mut impl FnMut(&'a Condition, &str),
) {
    let Condition::All(members) = condition else {
        return see(condition, &format!("{path}{}", condition.kind()));
    };
    for (index, member) in members.iter().enumerate() {
        places(member, format!("{path}all[{index}]."), see);
    }
}
