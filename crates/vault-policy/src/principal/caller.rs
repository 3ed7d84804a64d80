//! A caller by token, under the id that rules name.

use super::{IssuerRole, OidcSubject};
use crate::facts::Facts;

/// A caller that rules can name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedCaller {
    /// The name in rules; unique among callers and profiles.
    pub id: String,
    /// Who it is.
    pub identity: CallerIdentity,
}

/// Who a named caller is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallerIdentity {
    /// One subject.
    Oidc(OidcSubject),
    /// Everybody who holds a role.
    Role(IssuerRole),
}

impl CallerIdentity {
    /// Whether the call's token proves it.
    pub fn proven(&self, facts: &Facts) -> bool {
        match self {
            Self::Oidc(subject) => subject.proven(facts),
            Self::Role(role) => role.proven(facts),
        }
    }
}
