//! `manager_approval`: so many distinct persons approved this exact request, freshly.

use super::Context;
use crate::facts::Approved;
use crate::mutability::OidcApproval;
use crate::principal::Person;
use crate::time::VaultTime;
use crate::truth::Truth;
use std::collections::BTreeSet;

/// Whose approval it takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ManagerApproval {
    /// Ids of the managers whose approval counts.
    pub managers: BTreeSet<String>,
    /// How many of them, as persons.
    pub threshold: u32,
    /// For how many seconds after the request was begun.
    pub fresh_for: u64,
    /// Whether approvals by tokens count.
    pub oidc: OidcApproval,
}

impl ManagerApproval {
    /// Seconds, where a policy does not say.
    pub const FRESH_FOR: u64 = 300;

    pub(super) fn truth(&self, context: Context<'_>) -> Truth {
        let persons: Vec<Truth> = self
            .eligible(context)
            .map(|person| self.approved_by(person, context))
            .collect();
        let least = |truth| {
            let enough = persons.iter().filter(|person| **person >= truth).count();
            u32::try_from(enough).is_ok_and(|enough| enough >= self.threshold)
        };
        if least(Truth::True) {
            Truth::True
        } else if least(Truth::Unknown) {
            Truth::Unknown
        } else {
            Truth::False
        }
    }

    /// The persons who are listed and are not who calls.
    pub(crate) fn eligible<'a>(
        &'a self,
        context: Context<'a>,
    ) -> impl Iterator<Item = &'a Person> + 'a {
        let principals = &context.policy.principals;
        let listed = principals
            .managers
            .iter()
            .filter(|person| self.managers.contains(&person.id));
        listed.filter(move |person| !person.requests(principals, context.facts))
    }

    /// Several approvals by one person are as good as the best of them.
    fn approved_by(&self, person: &Person, context: Context<'_>) -> Truth {
        person
            .approvals(context.facts, self.oidc)
            .fold(Truth::False, |best, approval| {
                best.or(self.fresh(approval, context.now))
            })
    }

    fn fresh(&self, approval: &Approved, now: VaultTime) -> Truth {
        match (now, approval.begun) {
            (VaultTime::Known { hi: now, .. }, VaultTime::Known { hi: begun, .. }) => {
                (now.0.saturating_sub(begun.0) <= self.fresh_for).into()
            }
            (VaultTime::Unknown, _) | (_, VaultTime::Unknown) => Truth::Unknown,
        }
    }
}
