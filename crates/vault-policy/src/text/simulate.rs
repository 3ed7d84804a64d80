//! Whether a caller with given facts would be allowed, and if not, what is missing.

use super::{rights, words};
use crate::action::Action;
use crate::condition::{Condition, Context, ManagerApproval};
use crate::deny::Deny;
use crate::evaluate::evaluate;
use crate::facts::Facts;
use crate::model::{KeyPolicy, PrincipalName};
use crate::operation::Operation;
use crate::permit::KeySubject;
use crate::principal::Proven;
use crate::time::VaultTime;
use crate::truth::Truth;
use std::fmt;

/// What the decision would be. Nothing is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Whether it is allowed.
    pub allowed: bool,
    /// The refusal, as the call itself would get it.
    pub deny: Option<Deny>,
    /// Everything that stands in the way; nothing is said to strangers.
    pub missing: Vec<Missing>,
}

/// Something that stands in the way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Missing {
    /// One of these principals must be proven.
    Principal {
        /// Names of rules.
        one_of: Vec<String>,
    },
    /// An approval by the owner's second factor.
    SecondFactor,
    /// More approvals.
    Approvals {
        /// The rule that asks for them.
        rule: String,
        /// Where in its condition.
        condition: String,
        /// How many of those who are listed can approve this call, and may have done so.
        threshold: u32,
        /// The persons whose approval can count: who calls is not among them.
        of: Vec<String>,
    },
    /// Another condition.
    Condition {
        /// The rule that asks for it.
        rule: String,
        /// Where in its condition.
        condition: String,
        /// `False` or `Unknown`.
        truth: Truth,
        /// The condition in words.
        text: String,
    },
}

/// The decision over these facts.
pub fn simulate(
    policy: &KeyPolicy,
    action: Action,
    subject: &KeySubject,
    facts: &Facts,
    now: VaultTime,
) -> Outcome {
    let deny = evaluate(policy, action, subject, facts, now).err();
    let missing = match &deny {
        None | Some(Deny::Stranger) => Vec::new(),
        Some(deny) => missing(policy, action, deny, facts, now),
    };
    Outcome {
        allowed: deny.is_none(),
        deny,
        missing,
    }
}

fn missing(
    policy: &KeyPolicy,
    action: Action,
    deny: &Deny,
    facts: &Facts,
    now: VaultTime,
) -> Vec<Missing> {
    let fields = policy.fields();
    let mut missing = match deny {
        Deny::NotOwner { .. } => vec![one_of(["owner".to_owned()])],
        Deny::NotManager { .. } => {
            let managers = fields.principals.managers.iter();
            vec![one_of(managers.map(|person| person.id.clone()))]
        }
        Deny::NoRule { operation } => {
            let named = rights::named(fields, *operation).into_iter();
            vec![one_of(named.map(|name| name.as_str().to_owned()))]
        }
        Deny::SecondFactor { .. } => vec![Missing::SecondFactor],
        Deny::Stranger | Deny::Condition { .. } => Vec::new(),
    };
    if let Action::Operation(operation) = action {
        let context = Context {
            policy: fields,
            facts,
            now,
        };
        if !(operation == Operation::StageProfile && Proven::of(fields, facts, now).owner) {
            unmet(operation, context, &mut missing);
        }
    }
    missing
}

fn one_of(names: impl IntoIterator<Item = String>) -> Missing {
    Missing::Principal {
        one_of: names.into_iter().collect(),
    }
}

/// Everything that is not met of every rule that matches.
fn unmet(operation: Operation, context: Context<'_>, missing: &mut Vec<Missing>) {
    let proven = Proven::of(context.policy, context.facts, context.now);
    let about = context.policy.operations.iter();
    let matching = about.filter(|rule| {
        rule.operations.contains(&operation)
            && (rule.principals.contains(&PrincipalName::Any)
                || proven.could_be_one_of(&rule.principals))
    });
    for rule in matching {
        rights::places(&rule.condition, String::new(), &mut |condition, path| {
            let truth = condition.truth(context);
            if !truth.is_true() {
                missing.push(one(&rule.name, path, condition, truth, context));
            }
        });
    }
}

fn one(
    rule: &str,
    path: &str,
    condition: &Condition,
    truth: Truth,
    context: Context<'_>,
) -> Missing {
    let (rule, at) = (rule.to_owned(), path.to_owned());
    match condition {
        Condition::ManagerApproval(approval) => Missing::Approvals {
            rule,
            condition: at,
            threshold: approval.threshold,
            of: able(approval, context),
        },
        _ => Missing::Condition {
            rule,
            condition: at,
            truth,
            text: words::condition(condition),
        },
    }
}

fn able(approval: &ManagerApproval, context: Context<'_>) -> Vec<String> {
    let eligible = approval.eligible(context);
    eligible
        .filter(|person| person.can_approve(approval.oidc))
        .map(|person| person.id.clone())
        .collect()
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal { one_of } if one_of.is_empty() => {
                f.write_str("no rule grants this to anybody")
            }
            Self::Principal { one_of } => write!(f, "be one of {}", words::names(one_of)),
            Self::SecondFactor => f.write_str("approval by the owner's second factor"),
            Self::Approvals {
                rule,
                condition,
                threshold,
                of,
            } => write!(
                f,
                "approval by {threshold} of {} [rule \"{rule}\", {condition}]",
                words::names(of)
            ),
            Self::Condition {
                rule,
                condition,
                truth,
                text,
            } => write!(
                f,
                "{text}, which is {} [rule \"{rule}\", {condition}]",
                truth.name()
            ),
        }
    }
}
