//! Who a caller can be, one file per kind.

mod caller;
mod oidc;
mod role;

pub use caller::{CallerIdentity, NamedCaller};
pub use oidc::OidcSubject;
pub use role::IssuerRole;

use crate::facts::Facts;
use crate::model::{KeyPolicy, PolicyFields, PrincipalName};
use crate::time::VaultTime;
use std::collections::BTreeSet;

/// The principals of one policy that are proven by one call.
pub(crate) struct Proven<'a> {
    pub(crate) owner: bool,
    ids: BTreeSet<&'a str>,
}

impl<'a> Proven<'a> {
    pub(crate) fn of(policy: &'a PolicyFields, facts: &Facts, now: VaultTime) -> Self {
        let principals = &policy.principals;
        let callers = principals
            .callers
            .iter()
            .filter(|caller| caller.identity.proven(facts));
        let tees = principals
            .tees
            .iter()
            .filter(|tee| tee.matches(facts, now).is_true());
        let callers = callers.map(|caller| caller.id.as_str());
        let tees = tees.map(|profile| profile.name.as_str());
        Self {
            owner: principals.owner.subject.proven(facts),
            ids: callers.chain(tees).collect(),
        }
    }

    /// Whether one of these is proven. `any` is nobody, so that it never grants.
    pub(crate) fn one_of(&self, names: &BTreeSet<PrincipalName>) -> bool {
        names.iter().any(|name| match name {
            PrincipalName::Any => false,
            PrincipalName::Owner => self.owner,
            PrincipalName::Id(id) => self.ids.contains(id.as_str()),
        })
    }

    /// Whether the caller is the owner, or somebody whom a rule names.
    pub(crate) fn is_principal(&self, policy: &PolicyFields) -> bool {
        self.owner
            || policy
                .operations
                .iter()
                .any(|rule| self.one_of(&rule.principals))
    }
}

/// Whether the caller is the owner, or a principal that some rule names. Somebody who is neither
/// must not learn that the key exists.
pub fn is_principal(policy: &KeyPolicy, facts: &Facts, now: VaultTime) -> bool {
    Proven::of(policy.fields(), facts, now).is_principal(policy.fields())
}
