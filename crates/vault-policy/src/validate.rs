//! Whether a key of some type can live under a policy.

use crate::model::KeyPolicy;
use crate::operation::{KeyType, Operation};
use crate::time::VaultTime;

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
    /// Rules grant it, and no caller can ever meet their conditions.
    #[error("nobody can ever {}: rule \"{rule}\", condition {condition}", .operation.name())]
    NeverAllowed {
        /// What.
        operation: Operation,
        /// The rule that stands in the way.
        rule: String,
        /// Where in its condition.
        condition: String,
    },
}

/// Refuses a policy under which an operation of the usage can never be done, unless it says
/// `sealed_forever`, and what keys of this type cannot do in any case.
pub fn validate(_policy: &KeyPolicy, _key_type: KeyType, _now: VaultTime) -> Result<(), Invalid> {
    Ok(())
}
