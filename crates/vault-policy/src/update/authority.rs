//! Who it takes: the owner, and perhaps managers of the old policy.

use super::UpdateDeny;
use crate::facts::Facts;
use crate::model::{KeyPolicy, PolicyFields};
use crate::mutability::{Field, Level, OidcApproval, Quorum, highest_threshold};
use crate::principal::Person;
use std::fmt;

/// What an update or a promotion takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Authority {
    /// The owner, with the second factor if the policy asks for one. Always.
    pub owner: bool,
    /// So many distinct managers beside.
    pub managers: Option<Quorum>,
}

impl Authority {
    pub(super) const OWNER: Self = Self {
        owner: true,
        managers: None,
    };

    /// What covers this and the quorum.
    #[must_use]
    pub(super) fn and(self, quorum: Option<Quorum>) -> Self {
        let managers = match (self.managers, quorum) {
            (Some(one), Some(other)) => Some(one.with(other)),
            (one, other) => one.or(other),
        };
        Self { managers, ..self }
    }

    /// Whether these facts are the owner and enough managers of the policy, each counted once,
    /// none of whom is who calls.
    pub(super) fn given(
        self,
        policy: &KeyPolicy,
        facts: &Facts,
        field: Option<Field>,
    ) -> Result<(), UpdateDeny> {
        let principals = &policy.fields().principals;
        if !principals.owner.subject.proven(facts) {
            return Err(UpdateDeny::NotOwner);
        }
        if !principals.owner.factor_given(facts) {
            return Err(UpdateDeny::SecondFactor);
        }
        let Some(needed) = self.managers else {
            return Ok(());
        };
        let approved = |person: &&Person| {
            !person.requests(principals, facts)
                && person.approvals(facts, needed.oidc).next().is_some()
        };
        let approved = principals.managers.iter().filter(approved).count();
        let approved = u32::try_from(approved).unwrap_or(u32::MAX);
        if approved >= needed.threshold {
            return Ok(());
        }
        Err(UpdateDeny::ApprovalMissing {
            field,
            needed,
            approved,
        })
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = self.managers.map_or(Level::Owner, Level::Quorum);
        level.fmt(f)
    }
}

/// The managers that a promotion takes beside the owner. `None` where the policy has none.
pub(crate) fn promotion_quorum(policy: &PolicyFields) -> Option<Quorum> {
    if policy.principals.managers.is_empty() {
        return None;
    }
    let (threshold, oidc) = match policy.mutability.level(Field::Tees) {
        Level::Quorum(quorum) => (quorum.threshold, quorum.oidc),
        Level::Owner | Level::Immutable => (1, OidcApproval::Refused),
    };
    Some(Quorum {
        threshold: threshold.max(highest_threshold(&policy.operations)).max(1),
        oidc,
    })
}

/// How many persons can ever approve what the owner asks for.
pub(crate) fn eligible(policy: &PolicyFields, oidc: OidcApproval) -> u32 {
    let principals = &policy.principals;
    let able = |person: &&Person| !person.is_owner(principals) && person.can_approve(oidc);
    let count = principals.managers.iter().filter(able).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}
