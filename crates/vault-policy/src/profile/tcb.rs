//! Which states of a platform a profile accepts.

use crate::evidence::{EvidenceClaims, TcbStatus};
use crate::time::{UnixSeconds, VaultTime};
use crate::truth::Truth;
use std::collections::BTreeSet;

/// Accepted states; whatever is not listed is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TcbRule {
    /// Accepted statuses.
    pub statuses: BTreeSet<TcbStatus>,
    /// Accepted advisories.
    pub advisories: BTreeSet<String>,
    /// Lowest accepted `tcbEvaluationDataNumber`.
    pub min_evaluation_data_number: u32,
    /// For how many seconds after its TCB date an outdated platform counts as what it was before.
    pub grace: u64,
}

impl Default for TcbRule {
    fn default() -> Self {
        Self {
            statuses: BTreeSet::from([TcbStatus::UpToDate]),
            advisories: BTreeSet::new(),
            min_evaluation_data_number: 0,
            grace: 0,
        }
    }
}

impl TcbRule {
    pub(crate) fn accepts(&self, claims: &EvidenceClaims, now: VaultTime) -> Truth {
        let recent = claims.tcb_evaluation_data_number >= self.min_evaluation_data_number;
        let known = claims
            .advisories
            .iter()
            .all(|advisory| self.advisories.contains(advisory));
        Truth::from(recent && known).and(self.accepts_status(claims, now))
    }

    fn accepts_status(&self, claims: &EvidenceClaims, now: VaultTime) -> Truth {
        Truth::from(self.statuses.contains(&claims.tcb_status)).or(self.in_grace(claims, now))
    }

    fn in_grace(&self, claims: &EvidenceClaims, now: VaultTime) -> Truth {
        match before_outdated(claims.tcb_status) {
            Some(before) if self.grace > 0 && self.statuses.contains(&before) => {
                !now.reached(UnixSeconds(claims.tcb_date.0.saturating_add(self.grace)))
            }
            _ => Truth::False,
        }
    }
}

/// What an outdated status was before fixes were published; `None` if it is not outdated.
fn before_outdated(status: TcbStatus) -> Option<TcbStatus> {
    match status {
        TcbStatus::OutOfDate => Some(TcbStatus::UpToDate),
        TcbStatus::OutOfDateConfigurationNeeded => Some(TcbStatus::ConfigurationNeeded),
        TcbStatus::UpToDate
        | TcbStatus::SwHardeningNeeded
        | TcbStatus::ConfigurationNeeded
        | TcbStatus::ConfigurationAndSwHardeningNeeded => None,
    }
}
