//! What a verifier accepts of evidence that is genuine.

use crate::floors::Floors;
use std::collections::BTreeSet;
use vault_policy::{Measurement, PlatformId, TcbStatus};

/// What a verifier accepts. [`AppraisalPolicy::strict`] is where to start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppraisalPolicy {
    /// Accepted states of the platform. `Revoked` cannot be named.
    pub statuses: BTreeSet<TcbStatus>,
    /// Advisories that may apply to the platform; any other one refuses.
    pub advisories: BTreeSet<String>,
    /// Accepted MRENCLAVEs; `None` leaves the comparison to the caller.
    pub measurements: Option<BTreeSet<Measurement>>,
    /// Accepted machines; `None` accepts every genuine one.
    pub platforms: Option<BTreeSet<PlatformId>>,
    /// Collateral below these is refused.
    pub floors: Floors,
}

impl AppraisalPolicy {
    /// Only platforms that are up to date, without any advisory. No measurement and no machine
    /// is named yet.
    pub fn strict() -> Self {
        Self {
            statuses: BTreeSet::from([TcbStatus::UpToDate]),
            advisories: BTreeSet::new(),
            measurements: None,
            platforms: None,
            floors: Floors::default(),
        }
    }

    /// Also accepts this state.
    pub fn accept_status(mut self, status: TcbStatus) -> Self {
        self.statuses.insert(status);
        self
    }

    /// Also accepts platforms to which this advisory applies.
    pub fn accept_advisory(mut self, advisory: &str) -> Self {
        self.advisories.insert(advisory.to_owned());
        self
    }

    /// Accepts this measurement, and no measurement that was not named.
    pub fn expect_measurement(mut self, measurement: Measurement) -> Self {
        self.measurements
            .get_or_insert_default()
            .insert(measurement);
        self
    }

    /// Accepts this machine, and no machine that was not named.
    pub fn expect_platform(mut self, platform: PlatformId) -> Self {
        self.platforms.get_or_insert_default().insert(platform);
        self
    }
}
