//! A real quote of Intel hardware, with its collateral, at the time at which it was valid.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use ratls::{
    AppraisalError, AppraisalPolicy, Appraised, CertificateFault, CollateralFault, Evidence,
    Expected, FloorFault, FormatFault, TcbFault, TrustRoot, appraise,
};
use tee_sim::SimRoot;
use vault_policy::{TcbStatus, UnixSeconds};

const VALID: UnixSeconds = UnixSeconds(1_752_919_278);
const STATUS: TcbStatus = TcbStatus::ConfigurationAndSwHardeningNeeded;

fn sample() -> Evidence {
    Evidence {
        quote: include_bytes!("../../../vectors/attestation/sgx_quote").to_vec(),
        collateral: include_bytes!("../../../vectors/attestation/sgx_quote_collateral.json")
            .to_vec(),
    }
}

fn lenient() -> AppraisalPolicy {
    AppraisalPolicy::strict()
        .accept_status(STATUS)
        .accept_advisory("INTEL-SA-00289")
        .accept_advisory("INTEL-SA-00615")
}

fn appraise_at(
    evidence: &Evidence,
    root: &TrustRoot,
    policy: &AppraisalPolicy,
    now: UnixSeconds,
) -> Result<Appraised, AppraisalError> {
    let report_data = sample().quote[368..432].try_into().unwrap();
    appraise(
        evidence,
        root,
        policy,
        &Expected::danger_raw(report_data),
        now,
    )
}

#[test]
fn a_policy_that_names_its_state_and_advisories_accepts_it() {
    let appraised = appraise_at(&sample(), &TrustRoot::intel(), &lenient(), VALID).unwrap();
    let claims = appraised.evidence.claims();
    assert_eq!(claims.tcb_status, STATUS);
    assert_eq!(claims.advisories, ["INTEL-SA-00289", "INTEL-SA-00615"]);
    assert_eq!(claims.tcb_evaluation_data_number, 17);
    assert!(!claims.simulated);
    assert_eq!(appraised.expires_at, VALID);
    let family = [0x00, 0xa0, 0x67, 0x11, 0x00, 0x00];
    assert_eq!(
        appraised.floors.families[&family].tcb_evaluation_data_number,
        17
    );
}

#[test]
fn the_strict_policy_refuses_it_and_each_advisory_must_be_named() {
    let root = TrustRoot::intel();
    let refusal = |policy| appraise_at(&sample(), &root, &policy, VALID).unwrap_err();
    assert_eq!(
        refusal(AppraisalPolicy::strict()),
        TcbFault::Status(STATUS).into()
    );
    let one = AppraisalPolicy::strict()
        .accept_status(STATUS)
        .accept_advisory("INTEL-SA-00289");
    assert_eq!(refusal(one), TcbFault::Advisory.into());
}

#[test]
fn it_has_expired_one_second_later_and_is_not_valid_before_its_collateral() {
    let root = TrustRoot::intel();
    let refusal = |now| appraise_at(&sample(), &root, &lenient(), UnixSeconds(now)).unwrap_err();
    assert_eq!(
        refusal(VALID.0 + 1),
        CollateralFault::QeIdentityExpired.into()
    );
    assert_eq!(
        refusal(1_750_330_000),
        CollateralFault::FromTheFuture.into()
    );
    assert_eq!(refusal(1_795_361_000), CertificateFault::CrlExpired.into());
}

#[test]
fn another_root_refuses_it() {
    let root = TrustRoot::from_der(SimRoot::ephemeral().unwrap().root_der()).unwrap();
    let refusal = appraise_at(&sample(), &root, &lenient(), VALID).unwrap_err();
    assert_eq!(refusal, FormatFault::EmbeddedRoot.into());
}

#[test]
fn other_report_data_and_collateral_below_a_floor_are_refused() {
    let root = TrustRoot::intel();
    let expected = Expected::danger_raw([0; 64]);
    let refusal = appraise(&sample(), &root, &lenient(), &expected, VALID);
    assert_eq!(refusal, Err(AppraisalError::ReportData));

    let mut policy = lenient();
    let seen = appraise_at(&sample(), &root, &policy, VALID)
        .unwrap()
        .floors;
    policy.floors = seen;
    assert!(appraise_at(&sample(), &root, &policy, VALID).is_ok());
    policy.floors.root_crl += 1;
    let refusal = appraise_at(&sample(), &root, &policy, VALID).unwrap_err();
    assert_eq!(refusal, FloorFault::RootCrl.into());
}
