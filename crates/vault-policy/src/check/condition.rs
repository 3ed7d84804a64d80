//! References and bounds of conditions.

use super::Checked;
use super::principals::issuer_role;
use crate::condition::{Condition, ManagerApproval, TimeWindow};
use crate::error::Fault;
use crate::model::{KeyPolicy, PolicyFields};

/// Follows one condition; what is left of the policy's conditions counts down.
pub(super) struct Walk<'a> {
    pub(super) fields: &'a PolicyFields,
    pub(super) nodes: &'a mut usize,
}

impl Walk<'_> {
    pub(super) fn condition(
        &mut self,
        condition: &Condition,
        depth: usize,
        negated: bool,
        path: &str,
    ) -> Checked {
        let depth = depth.checked_sub(1).ok_or(Fault::TooDeep.at(path))?;
        let limit = KeyPolicy::MAX_NODES;
        *self.nodes = self
            .nodes
            .checked_sub(1)
            .ok_or(Fault::TooMany { limit }.at(path))?;
        let path = format!("{path}.{}", condition.kind());
        match condition {
            Condition::AttestationMatches(_)
            | Condition::CallerHoldsRole(_)
            | Condition::ManagerApproval(_)
                if negated =>
            {
                Err(Fault::NotOverFacts.at(path))
            }
            Condition::AttestationMatches(profile) => self.profile(profile, &path),
            Condition::CallerHoldsRole(role) => issuer_role(role, &path),
            Condition::ManagerApproval(approval) => self.approval(approval, &path),
            Condition::TimeWindow(window) => self::window(*window, &path),
            Condition::All(members) | Condition::Any(members) => {
                let mut members = members.iter().enumerate();
                members.try_for_each(|(index, member)| {
                    self.condition(member, depth, negated, &format!("{path}[{index}]"))
                })
            }
            Condition::Not(member) => self.condition(member, depth, true, &path),
        }
    }

    fn approval(&self, approval: &ManagerApproval, path: &str) -> Checked {
        let managers = || format!("{path}.managers");
        if approval.managers.is_empty() {
            return Err(Fault::Expected("at least one manager").at(managers()));
        }
        let known = |id: &String| {
            let mut persons = self.fields.principals.managers.iter();
            persons.any(|person| person.id == *id)
        };
        if !approval.managers.iter().all(known) {
            return Err(Fault::UnknownManager.at(managers()));
        }
        match approval.threshold {
            0 => Err(Fault::Expected("at least 1").at(format!("{path}.threshold"))),
            _ => Ok(()),
        }
    }

    fn profile(&self, name: &str, path: &str) -> Checked {
        match self
            .fields
            .principals
            .tees
            .iter()
            .any(|profile| profile.name == name)
        {
            true => Ok(()),
            false => Err(Fault::UnknownProfile.at(format!("{path}.profile"))),
        }
    }
}

fn window(window: TimeWindow, path: &str) -> Checked {
    match (window.from, window.until) {
        (None, None) => Err(Fault::Expected("from, until or both").at(path)),
        (Some(from), Some(until)) if until <= from => Err(Fault::EmptyWindow.at(path)),
        (None, Some(until)) if until.0 == 0 => Err(Fault::EmptyWindow.at(path)),
        _ => Ok(()),
    }
}
