//! The decision.

use crate::condition::Context;
use crate::deny::Deny;
use crate::facts::Facts;
use crate::model::{KeyPolicy, PrincipalName, Rule};
use crate::operation::{Action, Operation};
use crate::permit::{KeySubject, Permit};
use crate::principal::Proven;
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
    let policy = policy.fields();
    let proven = Proven::of(policy, facts, now);
    if !proven.is_principal(policy) {
        return Err(Deny::Stranger);
    }
    match action {
        Action::GetKey => {}
        Action::GetPolicy | Action::Delete if proven.owner => {}
        Action::GetPolicy | Action::Delete => return Err(Deny::NotOwner { action }),
        Action::Operation(Operation::GetPublicKey) if proven.owner => {}
        Action::Operation(operation) => {
            by_rules(operation, &proven, Context { policy, facts, now })?;
        }
    }
    Ok(Permit::new(action, *subject))
}

/// Default deny: one granting rule must match, and the condition of every matching rule hold.
pub(crate) fn by_rules(
    operation: Operation,
    proven: &Proven<'_>,
    context: Context<'_>,
) -> Result<(), Deny> {
    let about = |rule: &&Rule| rule.operations.contains(&operation);
    let rules = || context.policy.operations.iter().filter(about);
    if !rules().any(|rule| proven.one_of(&rule.principals)) {
        return Err(Deny::NoRule { operation });
    }
    let restricts = |rule: &&Rule| {
        rule.principals.contains(&PrincipalName::Any) || proven.one_of(&rule.principals)
    };
    rules()
        .filter(restricts)
        .try_for_each(|rule| met(rule, context))
}

fn met(rule: &Rule, context: Context<'_>) -> Result<(), Deny> {
    let truth = rule.condition.truth(context);
    if truth.is_true() {
        return Ok(());
    }
    let condition = rule.condition.blame(truth, context);
    Err(Deny::Condition {
        rule: rule.name.clone(),
        condition,
        truth,
    })
}
