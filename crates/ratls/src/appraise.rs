//! Evidence is appraised. Each step has its reason in [`AppraisalError`]; the first that fails
//! decides.
//!
//! | step | what | source |
//! |---|---|---|
//! | 1 | the quote is SGX of version 3 or TDX of version 4 or 5, ECDSA P-256, of Intel's quoting enclave; a vault's is SGX | Intel QuoteLibReference A.4; TDX DCAP Quoting Library API, A.3 and A.4 |
//! | 2 | one form: no trailing bytes, the PEM chain is its one text, its root is the configured one | `docs/adr/0003-canonical-quote-step.md` |
//! | 3 | the collateral is bounded, readable, and brings no chain of its own | `dcap-qvl` prefers such a chain to the quote's |
//! | 4 | both CRLs are signed and unexpired; the PCK chain ends in the root and is not revoked | RFC 5280, 6.1 and 6.3; Intel PCK Certificate and CRL Specification |
//! | 5 | TCB info and QE identity are signed under the root, not expired, not from the future | Intel PCS API v4 |
//! | 6 | the PCK key signed the QE's report; the report names the attestation key; the QE is the published one | QuoteLibReference A.4; Intel PCS API v4, QE identity |
//! | 7 | the attestation key signed header and report | QuoteLibReference A.4 |
//! | 8 | FMSPC and PCEID of certificate and TCB info are equal; of a TD, the TDX module is one that TCB info names | Intel PCS API v4, TCB info |
//! | 9 | nothing that the verdict rests on has expired at `now` | as 4 and 5, once more over the verdict |
//! | 10 | the collateral is not below the floors | `attestation.md`, evidence and its appraisal |
//! | 11 | TCB level found (of a TD also its TDX components and that of its module, at launch and now), not revoked, status and advisories accepted by policy | Intel PCS API v4, TCB level |
//! | 12 | of an enclave: DEBUG off, attributes, XFRM, MISCSELECT and reserved fields within the accepted masks | Intel SDM vol. 3D, 36.7 and 37.15 |
//! |    | of a TD: DEBUG off, attributes and XFAM within the accepted masks, SEAMATTRIBUTES, MROWNER and MROWNERCONFIG zero, no service TD | Intel TDX Module ABI, TDREPORT_STRUCT and ATTRIBUTES |
//! | 13 | report_data is the expected one | `report_data` |
//! | 14 | MRENCLAVE is an expected one, where one is expected | policy |
//! | 15 | the machine has an identity and is an expected one | policy |
//!
//! Steps 4 to 8, but PCEID, run in `dcap-qvl`, in its order.

mod enclave;
mod td;

use crate::claims::Role;
use crate::error::{
    AppraisalError, CertificateFault, CollateralFault, FormatFault, PlatformFault, TcbFault,
};
use crate::evidence::{Evidence, MAX_COLLATERAL};
use crate::floors::{CollateralNumbers, FamilyFloor, Floors};
use crate::library;
use crate::policy::AppraisalPolicy;
use crate::quote::{self, Body};
use crate::report_data::Expected;
use crate::trust_root::TrustRoot;
use dcap_qvl::quote::Report;
use dcap_qvl::{QuoteClaims, QuoteCollateralV3};
use vault_encoding::{Domain, Hash};
use vault_policy::{
    EvidenceClaims, Measurement, PlatformId, SgxFacts, TcbStatus, Tee, UnixSeconds,
    VerifiedEvidence,
};

/// Evidence that passed, and what to remember of its collateral.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Appraised {
    /// The proof that every step passed.
    pub evidence: VerifiedEvidence,
    /// The policy's floors, raised by this collateral. Keep them: older collateral is then
    /// refused.
    pub floors: Floors,
    /// When the first part of the collateral expires. After this second nothing verifies.
    pub expires_at: UnixSeconds,
}

/// Appraises evidence at `now`.
pub fn appraise(
    evidence: &Evidence,
    root: &TrustRoot,
    policy: &AppraisalPolicy,
    expected: &Expected<'_>,
    now: UnixSeconds,
) -> Result<Appraised, AppraisalError> {
    // 1, 2
    let form = quote::check_form(&evidence.quote, root)?;
    if form.body == Body::Td
        && expected
            .claims
            .is_some_and(|claims| claims.role == Role::Vault)
    {
        return Err(FormatFault::Tdx.into());
    }
    // 3
    let collateral = read_collateral(&evidence.collateral)?;
    // 4 to 8
    let verdict = library::verify(&evidence.quote, &form, &collateral, root, now)?;
    check_pce_id(&verdict, &collateral)?;
    // 9
    if verdict.earliest_expiration_date < now.0 {
        return Err(CertificateFault::Expired.into());
    }
    // 10
    let floors = policy.floors.raised_by(&numbers(&verdict, form.body))?;
    // 11
    let tcb_status = check_tcb(&verdict, policy)?;
    // 12
    let (tee, report_data) = check_report(&evidence.quote, &verdict)?;
    // 13
    if report_data != expected.report_data {
        return Err(AppraisalError::ReportData);
    }
    // 14
    check_measurement(&tee, policy)?;
    // 15
    let platform_id = check_platform(&verdict, policy)?;

    let claims = EvidenceClaims {
        tee,
        platform_id,
        config_merkle_root: expected.claims.and_then(|claims| claims.trust_root),
        oids: expected.claims.map(oids).unwrap_or_default(),
        tcb_status,
        advisories: sorted(&verdict.tcb.advisory_ids),
        tcb_evaluation_data_number: verdict.tcb.eval_data_number,
        tcb_date: UnixSeconds(verdict.platform.tcb_date_tag),
        collateral_issued_at: UnixSeconds(verdict.latest_issue_date),
        simulated: root.is_development(),
    };
    Ok(Appraised {
        evidence: VerifiedEvidence::assertion(claims),
        floors,
        expires_at: UnixSeconds(verdict.earliest_expiration_date),
    })
}

fn read_collateral(bytes: &[u8]) -> Result<QuoteCollateralV3, CollateralFault> {
    if bytes.len() > MAX_COLLATERAL {
        return Err(CollateralFault::TooLong);
    }
    let collateral: QuoteCollateralV3 =
        serde_json::from_slice(bytes).map_err(|_| CollateralFault::Malformed)?;
    if collateral.pck_certificate_chain.is_some() {
        return Err(CollateralFault::ReplacesChain);
    }
    Ok(collateral)
}

/// The library compares FMSPC only.
fn check_pce_id(
    verdict: &QuoteClaims,
    collateral: &QuoteCollateralV3,
) -> Result<(), AppraisalError> {
    let info: serde_json::Value =
        serde_json::from_str(&collateral.tcb_info).map_err(|_| CollateralFault::Malformed)?;
    let named = info
        .get("pceId")
        .and_then(serde_json::Value::as_str)
        .ok_or(CollateralFault::Malformed)?;
    let certified = vault_encoding::text::hex(&verdict.platform.pck.pce_id);
    if named.eq_ignore_ascii_case(&certified) {
        Ok(())
    } else {
        Err(PlatformFault::OtherPce.into())
    }
}

fn numbers(verdict: &QuoteClaims, body: Body) -> CollateralNumbers {
    CollateralNumbers {
        body,
        fmspc: verdict.platform.pck.fmspc,
        root_crl: verdict.platform.root_ca_crl_num,
        family: FamilyFloor {
            tcb_evaluation_data_number: verdict.tcb.eval_data_number,
            pck_crl: verdict.platform.pck_crl_num,
        },
    }
}

fn check_tcb(verdict: &QuoteClaims, policy: &AppraisalPolicy) -> Result<TcbStatus, AppraisalError> {
    let status = status(&verdict.tcb.status.to_string()).ok_or(TcbFault::NoLevel)?;
    if !policy.statuses.contains(&status) {
        return Err(TcbFault::Status(status).into());
    }
    let accepted = |advisory: &String| policy.advisories.contains(advisory);
    if !verdict.tcb.advisory_ids.iter().all(accepted) {
        return Err(TcbFault::Advisory.into());
    }
    Ok(status)
}

/// Of a TD whose module was replaced under it, what it was launched under counts.
fn status(name: &str) -> Option<TcbStatus> {
    match name {
        "TDRelaunchAdvised" => Some(TcbStatus::OutOfDate),
        "TDRelaunchAdvisedConfigurationNeeded" => Some(TcbStatus::OutOfDateConfigurationNeeded),
        name => TcbStatus::from_name(name),
    }
}

/// What the report says, and its report data.
fn check_report(quote: &[u8], verdict: &QuoteClaims) -> Result<(Tee, [u8; 64]), AppraisalError> {
    match &verdict.report {
        Report::SgxEnclave(report) => {
            enclave::check_mode(quote)?;
            let facts = SgxFacts {
                mrenclave: Measurement(Hash(report.mr_enclave)),
                mrsigner: Measurement(Hash(report.mr_signer)),
                isv_prod_id: report.isv_prod_id,
                isv_svn: report.isv_svn,
            };
            Ok((Tee::Sgx(facts), report.report_data))
        }
        Report::TD10(report) => Ok((td::check(report, None)?, report.report_data)),
        Report::TD15(report) => {
            let service = Some(&report.mr_service_td);
            Ok((td::check(&report.base, service)?, report.base.report_data))
        }
        Report::TD15Ex(_) => Err(FormatFault::TdReport.into()),
    }
}

/// A policy that names enclaves accepts nothing else.
fn check_measurement(tee: &Tee, policy: &AppraisalPolicy) -> Result<(), AppraisalError> {
    let Some(expected) = &policy.measurements else {
        return Ok(());
    };
    match tee {
        Tee::Sgx(sgx) if expected.contains(&sgx.mrenclave) => Ok(()),
        Tee::Sgx(_) | Tee::Tdx(_) => Err(AppraisalError::Measurement),
    }
}

fn check_platform(
    verdict: &QuoteClaims,
    policy: &AppraisalPolicy,
) -> Result<PlatformId, PlatformFault> {
    let pck = &verdict.platform.pck;
    let identity = match &pck.platform_instance_id {
        Some(instance) => &instance[..],
        None => &pck.ppid,
    };
    let platform = platform_id(identity).ok_or(PlatformFault::Unidentified)?;
    match &policy.platforms {
        Some(listed) if !listed.contains(&platform) => Err(PlatformFault::NotListed),
        Some(_) | None => Ok(platform),
    }
}

/// The id of the machine with this platform instance id or, where there is none, this PPID.
/// `None` unless they are 16 bytes that are not all zero.
pub fn platform_id(identity: &[u8]) -> Option<PlatformId> {
    let identity: &[u8; 16] = identity.try_into().ok()?;
    (*identity != [0; 16]).then(|| PlatformId(Domain::PlatformId.hash(&[identity])))
}

fn oids(claims: &crate::claims::Claims) -> Vec<(String, Vec<u8>)> {
    claims
        .oids
        .iter()
        .map(|(oid, value)| (oid.clone(), value.clone()))
        .collect()
}

fn sorted(advisories: &[String]) -> Vec<String> {
    let mut sorted = advisories.to_vec();
    sorted.sort();
    sorted.dedup();
    sorted
}
