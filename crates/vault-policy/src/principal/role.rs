//! A role that an issuer gives.

use crate::facts::Facts;

/// Whoever holds a role of an issuer, both compared byte for byte.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct IssuerRole {
    /// `iss`.
    pub issuer: String,
    /// The role, of those that the configuration lets this issuer give.
    pub role: String,
}

impl IssuerRole {
    /// Whether the call's token is of this issuer and holds the role.
    pub fn proven(&self, facts: &Facts) -> bool {
        facts
            .token
            .as_ref()
            .is_some_and(|token| token.issuer == self.issuer && token.roles.contains(&self.role))
    }
}
