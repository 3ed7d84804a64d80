//! Whether a key of some type can live under a policy.

mod candidates;
mod governance;
mod sketch;
#[cfg(test)]
mod tests;

use crate::condition::Context;
use crate::deny::Deny;
use crate::evaluate::by_rules;
use crate::facts::Facts;
use crate::model::{KeyPolicy, PolicyFields};
use crate::mutability::{Field, Quorum};
use crate::operation::{KeyType, Operation};
use crate::principal::Proven;
use crate::profile::AttestationProfile;
use crate::time::VaultTime;
use crate::usage::type_allows;
use candidates::Candidates;

/// How many made-up calls are tried for one policy, at most,
const MOST_CALLS: usize = 4096;
/// and how much of the policy is looked at over all of them: the whole of a large one for fewer
/// calls.
const WORK: usize = 1 << 18;

/// Why a well-formed policy is refused for a key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Invalid {
    /// The usage names what keys of the type cannot do.
    #[error("usage: keys of this type cannot {}", .operation.name())]
    UsageBeyondType {
        /// What.
        operation: Operation,
    },
    /// A rule names what keys of the type cannot do.
    #[error("rule \"{rule}\": keys of this type cannot {}", .operation.name())]
    RuleBeyondType {
        /// Which rule.
        rule: String,
        /// What.
        operation: Operation,
    },
    /// The key could do nothing.
    #[error("usage allows nothing, and the policy is not sealed_forever")]
    NothingAllowed,
    /// The usage has it and no rule grants it.
    #[error("no rule grants {} to anybody, and the policy is not sealed_forever", .operation.name())]
    NeverGranted {
        /// What.
        operation: Operation,
    },
    /// Rules grant it, and no caller can meet their conditions, now or later.
    #[error("nobody can ever {}: rule \"{rule}\", condition {condition}", .operation.name())]
    NeverAllowed {
        /// What.
        operation: Operation,
        /// The rule that stands in the way.
        rule: String,
        /// Where in its condition.
        condition: String,
    },
    /// A change that the policy allows takes more managers than can ever approve it.
    #[error(
        "nobody can ever change {}: it takes {quorum}, and {persons} can approve who are not the owner",
        .field.name()
    )]
    QuorumUnreachable {
        /// Which field.
        field: Field,
        /// What it takes.
        quorum: Quorum,
        /// How many distinct persons other than the owner have a credential that counts.
        persons: u32,
    },
    /// Within the bound of the search, no caller was found who could do it.
    #[error("too many cases to tell whether anybody can ever {}", .operation.name())]
    Undecided {
        /// What.
        operation: Operation,
    },
}

impl Invalid {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UsageBeyondType { .. } => "usage_beyond_type",
            Self::RuleBeyondType { .. } => "rule_beyond_type",
            Self::NothingAllowed => "nothing_allowed",
            Self::NeverGranted { .. } => "never_granted",
            Self::NeverAllowed { .. } => "never_allowed",
            Self::QuorumUnreachable { .. } => "quorum_unreachable",
            Self::Undecided { .. } => "undecided",
        }
    }
}

/// Refuses what keys of this type cannot do; and, unless the policy says `sealed_forever`, an
/// operation of the usage that nobody can do, now or later, and a field that may change and that
/// nobody can ever change.
pub fn validate(policy: &KeyPolicy, key_type: KeyType, now: VaultTime) -> Result<(), Invalid> {
    let fields = policy.fields();
    within_type(fields, key_type)?;
    if fields.lifecycle.sealed_forever {
        return Ok(());
    }
    if fields.usage.operations.is_empty() {
        return Err(Invalid::NothingAllowed);
    }
    let mut budget = calls(fields);
    let mut operations = fields.usage.operations.iter();
    operations.try_for_each(|operation| usable(fields, *operation, now, &mut budget))?;
    governance::governable(fields)
}

/// How many calls are worth trying: the decision looks at every principal and rule each time.
fn calls(fields: &PolicyFields) -> usize {
    let per_profile = |tee: &AttestationProfile| 8 + tee.required_oids.len() * KeyPolicy::MAX_OIDS;
    let profiles: usize = fields.principals.tees.iter().map(per_profile).sum();
    let rules = fields.operations.iter();
    let named: usize = rules.map(|rule| 8 + rule.principals.len()).sum();
    let principals = &fields.principals;
    let persons = principals.managers.len();
    let mut approvals = 1;
    for rule in &fields.operations {
        rule.condition.each_approval(&mut |_| approvals += 1);
    }
    let others = principals.callers.len() + principals.mtls.len();
    let size = 1 + others + profiles + named + approvals * persons * persons;
    (WORK / size).min(MOST_CALLS)
}

fn within_type(fields: &PolicyFields, key_type: KeyType) -> Result<(), Invalid> {
    let beyond = |operation: &&Operation| !type_allows(key_type, **operation);
    if let Some(operation) = fields.usage.operations.iter().find(beyond) {
        return Err(Invalid::UsageBeyondType {
            operation: *operation,
        });
    }
    for rule in &fields.operations {
        if let Some(operation) = rule.operations.iter().find(beyond) {
            return Err(Invalid::RuleBeyondType {
                rule: rule.name.clone(),
                operation: *operation,
            });
        }
    }
    Ok(())
}

/// Looks for one call that the decision itself allows.
fn usable(
    policy: &PolicyFields,
    operation: Operation,
    now: VaultTime,
    budget: &mut usize,
) -> Result<(), Invalid> {
    if operation == Operation::GetPublicKey {
        return Ok(()); // the owner always can
    }
    let mut reason = Invalid::NeverGranted { operation };
    for (facts, now) in Candidates::of(policy, operation, now).iter() {
        *budget = budget
            .checked_sub(1)
            .ok_or(Invalid::Undecided { operation })?;
        match attempt(policy, operation, &facts, now) {
            Ok(()) => return Ok(()),
            Err(Deny::Condition {
                rule, condition, ..
            }) if matches!(reason, Invalid::NeverGranted { .. }) => {
                reason = Invalid::NeverAllowed {
                    operation,
                    rule,
                    condition,
                };
            }
            Err(_) => {}
        }
    }
    Err(reason)
}

fn attempt(
    policy: &PolicyFields,
    operation: Operation,
    facts: &Facts,
    now: VaultTime,
) -> Result<(), Deny> {
    let proven = Proven::of(policy, facts, now);
    by_rules(operation, &proven, Context { policy, facts, now })
}
