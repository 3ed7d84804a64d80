//! The decision.

use crate::action::{Action, Approvable};
use crate::condition::Context;
use crate::deny::Deny;
use crate::facts::Facts;
use crate::model::{KeyPolicy, PolicyFields, PrincipalName, Rule};
use crate::operation::Operation;
use crate::permit::{KeySubject, Permit};
use crate::principal::Proven;
use crate::time::VaultTime;

/// Whether the policy lets a caller with these facts do this to the key, now.
///
/// Usage and type of the key are gates of their own, behind this one. So is what an update or a
/// promotion takes beside the owner: [`crate::judge_update`] and [`crate::promote`].
pub fn evaluate(
    policy: &KeyPolicy,
    action: Action,
    subject: &KeySubject,
    facts: &Facts,
    now: VaultTime,
) -> Result<Permit, Deny> {
    decide(policy.fields(), action, facts, now)?;
    Ok(Permit::new(action, *subject))
}

/// The decision without its permit.
pub(crate) fn decide(
    policy: &PolicyFields,
    action: Action,
    facts: &Facts,
    now: VaultTime,
) -> Result<(), Deny> {
    let proven = Proven::of(policy, facts, now);
    if !proven.is_principal(policy) {
        return Err(Deny::Stranger);
    }
    match action {
        Action::GetKey if proven.may_read(policy) => Ok(()),
        Action::GetPolicy if proven.owner || proven.auditor => Ok(()),
        Action::ListProfiles if proven.owner => Ok(()),
        Action::GetKey | Action::GetPolicy | Action::ListProfiles => Err(Deny::NotOwner { action }),
        Action::Delete | Action::UpdatePolicy | Action::PromoteProfile | Action::RevokeProfile => {
            owner_acts(&proven, action)
        }
        Action::CancelDeletion if proven.manager => Ok(()),
        Action::CancelDeletion => owner_acts(&proven, action),
        Action::IssueApproval if proven.manager => Ok(()),
        Action::IssueApproval => Err(Deny::NotManager { action }),
        Action::BeginApproval(approvable) => may_begin(approvable, policy, &proven),
        Action::Operation(operation) => operate(operation, &proven, Context { policy, facts, now }),
    }
}

/// What belongs to the owner, with the second factor if there is one.
fn owner_acts(proven: &Proven<'_>, action: Action) -> Result<(), Deny> {
    match (proven.owner_acts(), proven.owner) {
        (true, _) => Ok(()),
        (false, true) => Err(Deny::SecondFactor { action }),
        (false, false) => Err(Deny::NotOwner { action }),
    }
}

/// Who may ask for approvals: whoever could do it with them. The owner's second factor is one of
/// the approvals.
fn may_begin(
    approvable: Approvable,
    policy: &PolicyFields,
    proven: &Proven<'_>,
) -> Result<(), Deny> {
    let action = Action::BeginApproval(approvable);
    match approvable {
        Approvable::Operation(operation) if could(operation, policy, proven) => Ok(()),
        Approvable::Operation(operation) => Err(Deny::NoRule { operation }),
        Approvable::CancelDeletion if proven.manager => Ok(()),
        Approvable::CancelDeletion
        | Approvable::Delete
        | Approvable::UpdatePolicy
        | Approvable::PromoteProfile
        | Approvable::RevokeProfile
            if proven.owner =>
        {
            Ok(())
        }
        _ => Err(Deny::NotOwner { action }),
    }
}

/// Whether the operation is the owner's by right, reading and staging, or a rule grants it to
/// somebody who is proven; the second factor may be still to come.
fn could(operation: Operation, policy: &PolicyFields, proven: &Proven<'_>) -> bool {
    (proven.owner && of_owner(operation))
        || about(operation, policy).any(|rule| proven.could_be_one_of(&rule.principals))
}

/// Whether the operation is the owner's by right.
fn of_owner(operation: Operation) -> bool {
    matches!(operation, Operation::GetPublicKey | Operation::StageProfile)
}

fn operate(operation: Operation, proven: &Proven<'_>, context: Context<'_>) -> Result<(), Deny> {
    match operation {
        Operation::GetPublicKey if proven.owner => Ok(()),
        Operation::StageProfile if proven.owner_acts() => Ok(()),
        _ => by_rules(operation, proven, context),
    }
}

fn about(operation: Operation, policy: &PolicyFields) -> impl Iterator<Item = &Rule> {
    let about = move |rule: &&Rule| rule.operations.contains(&operation);
    policy.operations.iter().filter(about)
}

/// Default deny: one granting rule must match, and the condition of every matching rule hold.
pub(crate) fn by_rules(
    operation: Operation,
    proven: &Proven<'_>,
    context: Context<'_>,
) -> Result<(), Deny> {
    let rules = || about(operation, context.policy);
    if !rules().any(|rule| proven.one_of(&rule.principals)) {
        let action = Action::Operation(operation);
        return Err(match could(operation, context.policy, proven) {
            true => Deny::SecondFactor { action },
            false => Deny::NoRule { operation },
        });
    }
    // A rule for the owner restricts whoever holds the owner's token: nobody escapes it by not
    // giving the second factor.
    let restricts = |rule: &&Rule| {
        rule.principals.contains(&PrincipalName::Any) || proven.could_be_one_of(&rule.principals)
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
