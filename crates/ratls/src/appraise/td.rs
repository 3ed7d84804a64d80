//! Step 12 of a trust domain: its mode, default-deny.
//!
//! Attributes and XFAM are not part of MRTD: the same measurement can run in a mode in which the host reads its
//! memory, or moves it to another machine.

use crate::error::TdFault;
use dcap_qvl::quote::TDReport10;
use vault_policy::{TdMeasurement, TdxFacts, Tee};

const DEBUG: u64 = 1;
/// SEPT_VE_DISABLE: the host cannot inject exceptions by taking pages away.
const REQUIRED: u64 = 1 << 28;
/// LASS and PKS beside it, which only separate memory inside the domain. Thus neither profiling, ICSSD, SERVTD_EXT,
/// MIGRATABLE, KL, TPA nor PERFMON, and no reserved bit.
const ALLOWED: u64 = REQUIRED | 1 << 27 | 1 << 30;
/// x87 and SSE: a domain cannot be created without.
const XFAM_REQUIRED: u64 = 0b11;
/// AVX, AVX-512 (3 bits), PKRU, CET (2 bits) and AMX (2 bits) beside the required ones.
const XFAM_ALLOWED: u64 = XFAM_REQUIRED | 1 << 2 | 0b111 << 5 | 1 << 9 | 0b11 << 11 | 0b11 << 17;

/// Checks the mode of a domain and gives its facts. `service_td` is MRSERVICETD of a report that has it.
pub(super) fn check(report: &TDReport10, service_td: Option<&[u8; 48]>) -> Result<Tee, TdFault> {
    let attributes = u64::from_le_bytes(report.td_attributes);
    if attributes & DEBUG != 0 {
        return Err(TdFault::Debug);
    }
    if attributes & REQUIRED != REQUIRED || attributes & !ALLOWED != 0 {
        return Err(TdFault::Attributes);
    }
    let xfam = u64::from_le_bytes(report.xfam);
    if xfam & XFAM_REQUIRED != XFAM_REQUIRED || xfam & !XFAM_ALLOWED != 0 {
        return Err(TdFault::Xfam);
    }
    if report.seam_attributes != [0; 8] {
        return Err(TdFault::Seam);
    }
    if service_td.is_some_and(|bound| *bound != [0; 48]) {
        return Err(TdFault::ServiceTd);
    }
    if report.mr_owner != [0; 48] || report.mr_owner_config != [0; 48] {
        return Err(TdFault::Owner);
    }
    let rtmrs = [report.rt_mr0, report.rt_mr1, report.rt_mr2, report.rt_mr3];
    Ok(Tee::Tdx(Box::new(TdxFacts {
        mrtd: TdMeasurement(report.mr_td),
        rtmrs: rtmrs.map(TdMeasurement),
        mr_config_id: TdMeasurement(report.mr_config_id),
        attributes,
        xfam,
    })))
}
