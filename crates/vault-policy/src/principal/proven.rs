//! Which principals of a policy one call proves.

use super::{NamedCaller, Person};
use crate::facts::Facts;
use crate::model::{KeyPolicy, Owner, PolicyFields, PrincipalName};
use crate::time::VaultTime;
use std::collections::BTreeSet;

/// The principals of one policy that are proven by one call.
pub(crate) struct Proven<'a> {
    /// The token is the owner's.
    pub(crate) owner: bool,
    /// The owner's second factor approved this request, or the policy asks for none.
    factor: bool,
    pub(crate) auditor: bool,
    /// The token is a manager's.
    pub(crate) manager: bool,
    ids: BTreeSet<&'a str>,
}

impl<'a> Proven<'a> {
    pub(crate) fn of(policy: &'a PolicyFields, facts: &Facts, now: VaultTime) -> Self {
        let principals = &policy.principals;
        let called = |caller: &&NamedCaller| caller.identity.proven(facts);
        let callers = principals.callers.iter().filter(called);
        let tees = principals
            .tees
            .iter()
            .filter(|tee| tee.matches(facts, now).is_true());
        let mtls = principals
            .mtls
            .iter()
            .filter(|named| named.identity.proven(facts));
        let callers = callers.map(|caller| caller.id.as_str());
        let tees = tees.map(|profile| profile.name.as_str());
        let mtls = mtls.map(|named| named.id.as_str());
        Self {
            owner: principals.owner.subject.proven(facts),
            factor: principals.owner.factor_given(facts),
            auditor: principals.auditors.iter().any(|named| called(&named)),
            manager: principals
                .managers
                .iter()
                .any(|person: &Person| person.proven(facts)),
            ids: callers.chain(tees).chain(mtls).collect(),
        }
    }

    /// Whether the owner calls, with the second factor if the policy asks for one.
    pub(crate) fn owner_acts(&self) -> bool {
        self.owner && self.factor
    }

    /// Whether one of these is proven. `any` is nobody, so that it never grants.
    pub(crate) fn one_of(&self, names: &BTreeSet<PrincipalName>) -> bool {
        self.among(names, self.owner_acts())
    }

    /// Whether one of these is proven, or would be with the owner's second factor.
    pub(crate) fn could_be_one_of(&self, names: &BTreeSet<PrincipalName>) -> bool {
        self.among(names, self.owner)
    }

    fn among(&self, names: &BTreeSet<PrincipalName>, owner: bool) -> bool {
        names.iter().any(|name| match name {
            PrincipalName::Any => false,
            PrincipalName::Owner => owner,
            PrincipalName::Id(id) => self.ids.contains(id.as_str()),
        })
    }

    /// Whether the caller may read about the key: the owner, an auditor, or somebody whom a rule
    /// names.
    pub(crate) fn may_read(&self, policy: &PolicyFields) -> bool {
        let rules = &policy.operations;
        self.owner || self.auditor || rules.iter().any(|rule| self.one_of(&rule.principals))
    }

    /// Whether the caller has a right to know that the key exists.
    pub(crate) fn is_principal(&self, policy: &PolicyFields) -> bool {
        self.manager || self.may_read(policy)
    }
}

impl Owner {
    /// Whether the owner's second factor approved this request, or there is none to ask for.
    pub(crate) fn factor_given(&self, facts: &Facts) -> bool {
        self.second_factor.as_ref().is_none_or(|factor| {
            facts
                .approvals
                .iter()
                .any(|approval| factor.approved(approval))
        })
    }
}

/// Whether the caller is the owner, an auditor, a manager, or a principal that some rule names.
/// Somebody who is none of them must not learn that the key exists.
pub fn is_principal(policy: &KeyPolicy, facts: &Facts, now: VaultTime) -> bool {
    Proven::of(policy.fields(), facts, now).is_principal(policy.fields())
}
