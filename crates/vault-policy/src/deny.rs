//! Why a call is not allowed.

use crate::action::Action;
use crate::operation::Operation;
use crate::truth::Truth;
use std::fmt;

/// The reason of a refusal. Everything but [`Deny::Stranger`] may be shown to the caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Deny {
    /// No principal of the key is proven: the answer must be that of a key that does not exist.
    Stranger,
    /// The action belongs to the owner, who is not proven.
    NotOwner {
        /// What was asked.
        action: Action,
    },
    /// The action belongs to managers, and the token is none's.
    NotManager {
        /// What was asked.
        action: Action,
    },
    /// It would be the owner's, whose second factor did not approve this request.
    SecondFactor {
        /// What was asked.
        action: Action,
    },
    /// No rule grants the operation to any principal that is proven.
    NoRule {
        /// What was asked.
        operation: Operation,
    },
    /// A matching rule has a condition that does not hold, or that cannot be told.
    Condition {
        /// Name of the rule.
        rule: String,
        /// Where in the rule's condition: `all[1].time_window`.
        condition: String,
        /// `False` or `Unknown`.
        truth: Truth,
    },
}

impl Deny {
    /// The stable code in log entries and refusals.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Stranger => "stranger",
            Self::NotOwner { .. } => "not_owner",
            Self::NotManager { .. } => "not_manager",
            Self::SecondFactor { .. } => "second_factor",
            Self::NoRule { .. } => "no_rule",
            Self::Condition {
                truth: Truth::Unknown,
                ..
            } => "condition_unknown",
            Self::Condition { .. } => "condition_false",
        }
    }

    /// Whether the caller has no right to know that the key exists.
    pub fn is_stranger(&self) -> bool {
        matches!(self, Self::Stranger)
    }

    /// The rule that denies, if one does.
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::Condition { rule, .. } => Some(rule),
            Self::Stranger
            | Self::NotOwner { .. }
            | Self::NotManager { .. }
            | Self::SecondFactor { .. }
            | Self::NoRule { .. } => None,
        }
    }

    /// The condition that is not met, as a path inside its rule.
    pub fn condition(&self) -> Option<&str> {
        match self {
            Self::Condition { condition, .. } => Some(condition),
            Self::Stranger
            | Self::NotOwner { .. }
            | Self::NotManager { .. }
            | Self::SecondFactor { .. }
            | Self::NoRule { .. } => None,
        }
    }
}

impl fmt::Display for Deny {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stranger => f.write_str("no principal of the key is proven"),
            Self::NotOwner { action } => write!(f, "{action} belongs to the owner of the key"),
            Self::NotManager { action } => write!(f, "{action} belongs to managers of the key"),
            Self::SecondFactor { action } => {
                write!(f, "the owner's second factor did not approve this {action}")
            }
            Self::NoRule { operation } => {
                write!(f, "no rule grants {} to this caller", operation.name())
            }
            Self::Condition {
                rule,
                condition,
                truth,
            } => {
                write!(
                    f,
                    "rule \"{rule}\": condition {condition} is {}",
                    truth.name()
                )
            }
        }
    }
}

impl std::error::Error for Deny {}
