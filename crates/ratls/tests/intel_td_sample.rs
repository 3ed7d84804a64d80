//! A real TDX quote of Intel hardware, with its collateral, at the time at which it was valid.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use ratls::{
    AppraisalError, AppraisalPolicy, Appraised, CertificateFault, Claims, CollateralFault,
    Evidence, Expected, FloorFault, FormatFault, Role, TrustRoot, appraise, without_padding,
};
use tee_sim::SimRoot;
use vault_encoding::Hash;
use vault_policy::{Measurement, TcbStatus, UnixSeconds};

const VALID: UnixSeconds = UnixSeconds(1_752_919_234);
const REPORT_DATA: std::ops::Range<usize> = 568..632;

fn padded() -> Evidence {
    Evidence {
        quote: include_bytes!("../../../vectors/attestation/tdx_quote").to_vec(),
        collateral: include_bytes!("../../../vectors/attestation/tdx_quote_collateral.json")
            .to_vec(),
    }
}

fn sample() -> Evidence {
    let padded = padded();
    Evidence {
        quote: without_padding(padded.quote),
        ..padded
    }
}

fn judge(
    evidence: &Evidence,
    root: &TrustRoot,
    policy: &AppraisalPolicy,
    now: UnixSeconds,
) -> Result<Appraised, AppraisalError> {
    let report_data = padded().quote[REPORT_DATA].try_into().unwrap();
    let expected = Expected::danger_raw(report_data);
    appraise(evidence, root, policy, &expected, now)
}

fn refusal_at(now: u64) -> AppraisalError {
    let now = UnixSeconds(now);
    let policy = AppraisalPolicy::strict();
    judge(&sample(), &TrustRoot::intel(), &policy, now).unwrap_err()
}

#[test]
fn the_strict_policy_accepts_it_and_its_measurements_are_its_own() {
    let policy = AppraisalPolicy::strict();
    let appraised = judge(&sample(), &TrustRoot::intel(), &policy, VALID).unwrap();
    let claims = appraised.evidence.claims();
    assert_eq!((claims.sgx(), claims.mrenclave()), (None, None));
    let td = claims.tdx().unwrap();
    assert_eq!(
        td.mrtd.to_string(),
        "91eb2b44d141d4ece09f0c75c2c53d247a3c68edd7fafe8a3520c942a604a407de03ae6dc5f87f27428b2538873118b7"
    );
    let ends: Vec<String> = td
        .rtmrs
        .iter()
        .map(|rtmr| rtmr.to_string()[88..].to_owned())
        .collect();
    assert_eq!(ends, ["4b9bc9c0", "579e9378", "d48c3132", "00000000"]);
    assert_eq!(td.mr_config_id.0, [0; 48]);
    assert_eq!((td.attributes, td.xfam), (1 << 28, 0x0006_02e7));
    assert_eq!(claims.tcb_status, TcbStatus::UpToDate);
    assert_eq!(claims.advisories, [""; 0]);
    assert_eq!(claims.tcb_evaluation_data_number, 17);
    assert!(!claims.simulated);
    assert_eq!(appraised.expires_at.0, VALID.0 + 1);
    let family = [0xb0, 0xc0, 0x6f, 0, 0, 0];
    let floor = appraised.floors.td_families[&family];
    assert_eq!(floor.tcb_evaluation_data_number, 17);
    assert!(appraised.floors.families.is_empty());
}

#[test]
fn it_has_expired_one_second_later_and_is_not_valid_before_its_collateral() {
    assert_eq!(refusal_at(VALID.0 + 1), CertificateFault::CrlExpired.into());
    assert_eq!(
        refusal_at(1_750_329_146),
        CollateralFault::FromTheFuture.into()
    );
}

#[test]
fn the_zeros_behind_it_and_any_other_byte_are_refused_and_only_the_zeros_are_cut() {
    let policy = AppraisalPolicy::strict();
    let refused =
        |evidence: &Evidence| judge(evidence, &TrustRoot::intel(), &policy, VALID).unwrap_err();
    assert_eq!((padded().quote.len(), sample().quote.len()), (5006, 4936));
    assert_eq!(refused(&padded()), FormatFault::TrailingBytes.into());
    let mut marked = padded();
    *marked.quote.last_mut().unwrap() = 1;
    assert_eq!(refused(&marked), FormatFault::TrailingBytes.into());
    assert_eq!(without_padding(marked.quote.clone()), marked.quote);
    assert_eq!(without_padding(sample().quote), sample().quote);
    assert_eq!(without_padding(vec![0; 8]), vec![0; 8]);
}

#[test]
fn another_root_an_expected_enclave_and_collateral_below_a_floor_refuse_it() {
    let other = TrustRoot::from_der(SimRoot::ephemeral().unwrap().root_der()).unwrap();
    let intel = TrustRoot::intel();
    let strict = AppraisalPolicy::strict();
    let refused =
        |root, policy: &AppraisalPolicy| judge(&sample(), root, policy, VALID).unwrap_err();
    assert_eq!(refused(&other, &strict), FormatFault::EmbeddedRoot.into());
    let named = strict
        .clone()
        .expect_measurement(Measurement(Hash([0; 32])));
    assert_eq!(refused(&intel, &named), AppraisalError::Measurement);
    let mut floored = strict.clone();
    floored.floors = judge(&sample(), &intel, &strict, VALID).unwrap().floors;
    assert!(judge(&sample(), &intel, &floored, VALID).is_ok());
    let family = floored.floors.td_families.values_mut().next().unwrap();
    family.tcb_evaluation_data_number += 1;
    let fault = FloorFault::TcbEvaluationDataNumber;
    assert_eq!(refused(&intel, &floored), fault.into());
}

#[test]
fn it_never_stands_for_a_vault() {
    let text = include_str!("../../../vectors/attestation/claims.json");
    let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
    let each = vectors["claims"].as_array().unwrap().iter();
    let vaults: Vec<Claims> = each
        .map(|vector| Claims::from_bytes(vector["text"].as_str().unwrap().as_bytes()).unwrap())
        .filter(|claims| claims.role == Role::Vault)
        .collect();
    assert!(!vaults.is_empty());
    for claims in &vaults {
        for expected in [
            Expected::leaf(claims),
            Expected::batch(claims, &Hash([0; 32])),
        ] {
            let (root, policy) = (TrustRoot::intel(), AppraisalPolicy::strict());
            let refusal = appraise(&sample(), &root, &policy, &expected, VALID);
            assert_eq!(refusal, Err(FormatFault::Tdx.into()));
        }
    }
}
