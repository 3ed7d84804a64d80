//! The decision.

use crate::condition::Context;
use crate::deny::Deny;
use crate::facts::Facts;
use crate::model::{KeyPolicy, PrincipalName, Rule};
use crate::operation::{Action, Operation};
use crate::permit::{KeySubject, Permit};
use crate::principal::{is_principal, proven};
use crate::time::VaultTime;

/// Whether the policy lets a caller with these facts do this to the key, now.
///
/// Usage and type of the key are gates of their own, behind this one.
pub fn evaluate(
    policy: &KeyPolicy,
    action: Action,
    subject: &KeySubject,
    facts: &Facts,
    now: VaultTime,
) -> Result<Permit, Deny> {
    if !is_principal(policy, facts, now) {
        return Err(Deny::Stranger);
    }
    let owner = policy.owner().proven(facts);
    match action {
        Action::GetKey => {}
        Action::GetPolicy | Action::Delete if owner => {}
        Action::GetPolicy | Action::Delete => return Err(Deny::NotOwner { action }),
        Action::Operation(Operation::GetPublicKey) if owner => {}
        Action::Operation(operation) => {
            by_rules(
                operation,
                Context {
                    policy: policy.fields(),
                    facts,
                    now,
                },
            )?;
        }
    }
    Ok(Permit::new(action, *subject))
}

/// Default deny: one granting rule must match, and the condition of every matching rule hold.
fn by_rules(operation: Operation, context: Context<'_>) -> Result<(), Deny> {
    if !matching(operation, context).any(|rule| names_proven(rule, context)) {
        return Err(Deny::NoRule { operation });
    }
    for rule in matching(operation, context) {
        let truth = rule.condition.truth(context);
        if !truth.is_true() {
            let condition = rule.condition.blame(truth, context);
            return Err(Deny::Condition {
                rule: rule.name.clone(),
                condition,
                truth,
            });
        }
    }
    Ok(())
}

/// The rules about this operation and this caller, those for `any` included.
fn matching<'a>(operation: Operation, context: Context<'a>) -> impl Iterator<Item = &'a Rule> {
    context.policy.operations.iter().filter(move |rule| {
        rule.operations.contains(&operation)
            && (rule.principals.contains(&PrincipalName::Any) || names_proven(rule, context))
    })
}

/// Whether a principal of the rule is proven. Nobody is `any`, so that such a rule never grants.
fn names_proven(rule: &Rule, context: Context<'_>) -> bool {
    let Context { policy, facts, now } = context;
    rule.principals
        .iter()
        .any(|name| proven(policy, name, facts, now))
}
