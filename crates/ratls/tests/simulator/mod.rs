//! One simulated machine, its evidence, and the verdict on it.
#![allow(dead_code, unreachable_pub)]

use ratls::{AppraisalError, AppraisalPolicy, Appraised, Evidence, Expected, TrustRoot, appraise};
use tee_sim::{SimBuilder, SimMachine, SimPlatform, SimRoot};
use vault_policy::UnixSeconds;
use vault_tee::Platform;

/// When everything happens.
pub const NOW: UnixSeconds = UnixSeconds(1_795_361_000);
/// MRENCLAVE of the enclave.
pub const MEASUREMENT: [u8; 32] = [0x11; 32];
/// What is quoted.
pub const REPORT_DATA: [u8; 64] = [0x22; 64];

/// A machine under a root of its own.
pub fn machine() -> SimMachine {
    SimRoot::ephemeral().unwrap().machine("one").unwrap()
}

/// A platform with nothing wrong.
pub fn good(machine: &SimMachine) -> SimBuilder {
    SimPlatform::builder(machine, MEASUREMENT).now(NOW.0)
}

/// The root of this machine.
pub fn root(machine: &SimMachine) -> TrustRoot {
    TrustRoot::from_der(machine.root().root_der()).unwrap()
}

/// Evidence over [`REPORT_DATA`].
pub fn evidence(builder: SimBuilder) -> Evidence {
    let made = builder.build().unwrap().quote(REPORT_DATA).unwrap();
    Evidence {
        quote: made.quote,
        collateral: made.collateral,
    }
}

/// The verdict of this policy.
pub fn judge(
    evidence: &Evidence,
    root: &TrustRoot,
    policy: &AppraisalPolicy,
) -> Result<Appraised, AppraisalError> {
    appraise(
        evidence,
        root,
        policy,
        &Expected::danger_raw(REPORT_DATA),
        NOW,
    )
}

/// The strict verdict on a platform of this machine.
pub fn verdict(machine: &SimMachine, builder: SimBuilder) -> Result<Appraised, AppraisalError> {
    judge(
        &evidence(builder),
        &root(machine),
        &AppraisalPolicy::strict(),
    )
}

/// Why the strict policy refuses a platform of this machine.
pub fn refusal(machine: &SimMachine, builder: SimBuilder) -> AppraisalError {
    verdict(machine, builder).unwrap_err()
}
