//! Conditions of rules, one file per family.

mod attestation;
mod combinators;
mod manager_approval;
mod role;
mod time_window;

pub use manager_approval::ManagerApproval;
pub use time_window::TimeWindow;

use crate::facts::Facts;
use crate::model::PolicyFields;
use crate::principal::IssuerRole;
use crate::time::VaultTime;
use crate::truth::Truth;

/// What must hold for a call to be allowed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Condition {
    /// The evidence of this connection matches a profile of this name.
    AttestationMatches(String),
    /// Vault time is inside.
    TimeWindow(TimeWindow),
    /// The caller's token, from that issuer, holds the role.
    CallerHoldsRole(IssuerRole),
    /// So many distinct managers approved this exact request.
    ManagerApproval(ManagerApproval),
    /// Every one holds; `True` of none.
    All(Vec<Condition>),
    /// One holds; `False` of none.
    Any(Vec<Condition>),
    /// It does not hold. INVARIANT: holds time windows and combinators only.
    Not(Box<Condition>),
}

/// What conditions are judged by.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) policy: &'a PolicyFields,
    pub(crate) facts: &'a Facts,
    pub(crate) now: VaultTime,
}

impl Condition {
    /// The condition that always holds.
    pub fn always() -> Self {
        Self::All(Vec::new())
    }

    /// The member that stands for it in policies.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::AttestationMatches(_) => "attestation_matches",
            Self::TimeWindow(_) => "time_window",
            Self::CallerHoldsRole(_) => "caller_holds_role",
            Self::ManagerApproval(_) => "manager_approval",
            Self::All(_) => "all",
            Self::Any(_) => "any",
            Self::Not(_) => "not",
        }
    }

    pub(crate) fn truth(&self, context: Context<'_>) -> Truth {
        match self {
            Self::AttestationMatches(profile) => attestation::truth(profile, context),
            Self::TimeWindow(window) => window.truth(context.now),
            Self::CallerHoldsRole(role) => role::truth(role, context),
            Self::ManagerApproval(approval) => approval.truth(context),
            Self::All(conditions) => combinators::all(conditions, context),
            Self::Any(conditions) => combinators::any(conditions, context),
            Self::Not(condition) => !condition.truth(context),
        }
    }

    /// Calls `see` with every condition inside, itself first.
    pub(crate) fn each<'a>(&'a self, see: &mut impl FnMut(&'a Self)) {
        see(self);
        match self {
            Self::All(members) | Self::Any(members) => {
                members.iter().for_each(|member| member.each(see));
            }
            Self::Not(member) => member.each(see),
            Self::AttestationMatches(_)
            | Self::TimeWindow(_)
            | Self::CallerHoldsRole(_)
            | Self::ManagerApproval(_) => {}
        }
    }

    /// Calls `see` with every approval that it asks for.
    pub(crate) fn each_approval<'a>(&'a self, see: &mut impl FnMut(&'a ManagerApproval)) {
        self.each(&mut |condition| {
            if let Self::ManagerApproval(approval) = condition {
                see(approval);
            }
        });
    }

    /// Where the fault lies in a condition whose truth is `truth`: into `all`, to the first
    /// member with that truth. `any` and `not` have no single member to blame.
    pub(crate) fn blame(&self, truth: Truth, context: Context<'_>) -> String {
        let Self::All(conditions) = self else {
            return self.kind().to_owned();
        };
        let mut members = conditions.iter().enumerate();
        members
            .find(|(_, member)| member.truth(context) == truth)
            .map_or_else(
                || "all".to_owned(),
                |(index, member)| format!("all[{index}].{}", member.blame(truth, context)),
            )
    }
}
