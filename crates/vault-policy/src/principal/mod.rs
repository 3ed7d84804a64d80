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

/// Whether a principal that a rule names is proven. `any` is nobody in particular.
pub(crate) fn proven(
    policy: &PolicyFields,
    name: &PrincipalName,
    facts: &Facts,
    now: VaultTime,
) -> bool {
    match name {
        PrincipalName::Any => false,
        PrincipalName::Owner => policy.principals.owner.subject.proven(facts),
        PrincipalName::Id(id) => {
            caller_proven(policy, id, facts) || tee_proven(policy, id, facts, now)
        }
    }
}

fn caller_proven(policy: &PolicyFields, id: &str, facts: &Facts) -> bool {
    let mut callers = policy.principals.callers.iter();
    callers.any(|caller| caller.id == id && caller.identity.proven(facts))
}

fn tee_proven(policy: &PolicyFields, name: &str, facts: &Facts, now: VaultTime) -> bool {
    let mut tees = policy.principals.tees.iter();
    tees.any(|profile| profile.name == name && profile.matches(facts, now).is_true())
}

/// Whether the caller is the owner, or a principal that some rule names. Somebody who is neither
/// must not learn that the key exists.
pub fn is_principal(policy: &KeyPolicy, facts: &Facts, now: VaultTime) -> bool {
    let fields = policy.fields();
    fields.principals.owner.subject.proven(facts)
        || fields
            .operations
            .iter()
            .flat_map(|rule| &rule.principals)
            .any(|name| proven(fields, name, facts, now))
}
