//! What a policy allows more than its author may think.

use crate::model::KeyPolicy;

/// One remark. Nothing here makes a policy invalid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The rule, or the profile's path `tees.NAME`, or empty.
    pub rule: String,
    /// Where in the rule's condition, or empty.
    pub condition: String,
    /// The stable code.
    pub code: &'static str,
    /// One sentence.
    pub message: String,
}

/// Every remark on a policy, in the order of its canonical form.
pub fn lint(_policy: &KeyPolicy) -> Vec<Finding> {
    Vec::new()
}
