//! Trust domains of the simulator: every reason to refuse one is reached.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod simulator;

use ratls::{
    AppraisalError, AppraisalPolicy, CertificateFault, CollateralFault, FormatFault, PlatformFault,
    QeFault, TcbFault, TdFault, platform_id,
};
use simulator::{evidence, good, judge, machine, refusal, root, verdict};
use tee_sim::{CollateralPart, Revoked, SimTcb, SimTd, TdQuote};
use vault_policy::{TcbStatus, TdMeasurement};

const MRTD: [u8; 48] = [0x33; 48];
const RTMRS: [[u8; 48]; 4] = [[1; 48], [2; 48], [3; 48], [4; 48]];
const FORMS: [TdQuote; 3] = [TdQuote::V4, TdQuote::V5Td10, TdQuote::V5Td15];

fn td() -> SimTd {
    SimTd::new(MRTD, RTMRS)
}

#[test]
fn a_domain_is_accepted_in_each_form_and_its_facts_are_its_own() {
    let machine = machine();
    for form in FORMS {
        let td = td().form(form).mr_config_id([7; 48]);
        let appraised = verdict(&machine, good(&machine).td(td)).unwrap();
        let claims = appraised.evidence.claims();
        let facts = claims.tdx().unwrap();
        assert_eq!(facts.mrtd, TdMeasurement(MRTD));
        assert_eq!(facts.rtmrs, RTMRS.map(TdMeasurement));
        assert_eq!(facts.mr_config_id, TdMeasurement([7; 48]));
        assert_eq!((facts.attributes, facts.xfam), (1 << 28, 0x0006_02e7));
        assert_eq!(claims.mrenclave(), None);
        let platform = platform_id(&machine.platform_instance_id()).unwrap();
        assert_eq!(claims.platform_id, platform);
        assert_eq!(claims.tcb_status, TcbStatus::UpToDate);
        assert!(claims.simulated);
        assert!(appraised.floors.families.is_empty());
        assert!(appraised.floors.td_families.contains_key(&machine.fmspc()));
    }
}

#[test]
fn each_mode_that_is_not_accepted_has_its_reason_in_each_form() {
    let machine = machine();
    let required = 1 << 28;
    for form in FORMS {
        let refused = |td: SimTd| refusal(&machine, good(&machine).td(td.form(form)));
        let cases = [
            (td().debug(), TdFault::Debug),
            (td().seam_attributes(1), TdFault::Seam),
            (td().mr_signer_seam([1; 48]), TdFault::Module),
            (td().mr_owner([1; 48]), TdFault::Owner),
            (td().mr_owner_config([1; 48]), TdFault::Owner),
            (td().attributes(0), TdFault::Attributes),
        ];
        for (td, fault) in cases {
            assert_eq!(refused(td), fault.into(), "{form:?}");
        }
        for bit in 0..64 {
            let expected = match bit {
                0 => Some(TdFault::Debug),
                27 | 28 | 30 => None,
                _ => Some(TdFault::Attributes),
            };
            let builder = good(&machine).td(td().form(form).attributes(required | 1 << bit));
            let verdict = verdict(&machine, builder).map(|_| ());
            let expected = expected.map_or(Ok(()), |fault| Err(fault.into()));
            assert_eq!(verdict, expected, "attribute {bit}");
        }
    }
}

#[test]
fn each_extended_feature_is_accepted_by_name_or_refused() {
    let machine = machine();
    for bit in 0..64 {
        let allowed = [0, 1, 2, 5, 6, 7, 9, 11, 12, 17, 18].contains(&bit);
        let builder = good(&machine).td(td().xfam(0b11 | 1 << bit));
        let verdict = verdict(&machine, builder).map(|_| ());
        let expected = if allowed {
            Ok(())
        } else {
            Err(TdFault::Xfam.into())
        };
        assert_eq!(verdict, expected, "feature {bit}");
        let without = td().xfam(0x0006_02e7 & !(1 << bit));
        let refused = verdict_of(&machine, without) == Err(TdFault::Xfam.into());
        assert_eq!(refused, bit < 2, "without feature {bit}");
    }
}

fn verdict_of(machine: &tee_sim::SimMachine, td: SimTd) -> Result<(), AppraisalError> {
    verdict(machine, good(machine).td(td)).map(|_| ())
}

#[test]
fn a_bound_service_domain_refuses_a_report_of_tdx_1_5() {
    let machine = machine();
    let td = td().form(TdQuote::V5Td15).mr_service_td([1; 48]);
    assert_eq!(
        refusal(&machine, good(&machine).td(td)),
        TdFault::ServiceTd.into()
    );
}

#[test]
fn the_module_counts_at_launch_and_now() {
    let machine = machine();
    let svn = |module: u8, version: u8| {
        let mut svn = [0; 16];
        (svn[0], svn[1], svn[2]) = (module, version, 5);
        svn
    };
    let status = |status| AppraisalError::Tcb(TcbFault::Status(status));
    let cases = [
        (td().module(SimTcb::OutOfDate), status(TcbStatus::OutOfDate)),
        (td().module(SimTcb::Revoked), TcbFault::Revoked.into()),
        (td().module(SimTcb::NoLevel), TcbFault::NoLevel.into()),
        (td().tee_tcb_svn(svn(4, 1)), status(TcbStatus::OutOfDate)),
        (td().tee_tcb_svn(svn(3, 1)), TcbFault::NoLevel.into()),
        (td().tee_tcb_svn(svn(5, 9)), TdFault::Module.into()),
        (td().tee_tcb_svn([0; 16]), TcbFault::NoLevel.into()),
    ];
    for (td, reason) in cases {
        for form in FORMS {
            let td = td.clone().form(form);
            assert_eq!(refusal(&machine, good(&machine).td(td)), reason, "{form:?}");
        }
    }
    // Replaced under a running domain: it counts as it was launched.
    let replaced = td().form(TdQuote::V5Td15).tee_tcb_svn(svn(4, 1));
    let made = evidence(good(&machine).td(replaced));
    let accepting = AppraisalPolicy::strict().accept_status(TcbStatus::OutOfDate);
    let appraised = judge(&made, &root(&machine), &accepting).unwrap();
    assert_eq!(appraised.evidence.claims().tcb_status, TcbStatus::OutOfDate);
    let current = td().form(TdQuote::V5Td15);
    let fallen_behind = good(&machine).td(current.current_tcb_svn(svn(3, 1)));
    assert_eq!(refusal(&machine, fallen_behind), TcbFault::NoLevel.into());
}

#[test]
fn platform_collateral_and_quoting_enclave_refuse_domains_as_they_refuse_enclaves() {
    let machine = machine();
    let one = || good(&machine).td(td());
    let status = TcbFault::Status(TcbStatus::OutOfDate);
    let cases: [(_, AppraisalError); 13] = [
        (one().tcb(SimTcb::OutOfDate, &[]), status.into()),
        (one().tcb(SimTcb::Revoked, &[]), TcbFault::Revoked.into()),
        (one().tcb(SimTcb::NoLevel, &[]), TcbFault::NoLevel.into()),
        (
            one().tcb(SimTcb::UpToDate, &["INTEL-SA-1"]),
            TcbFault::Advisory.into(),
        ),
        (
            one().revoked(Revoked::Pck),
            CertificateFault::PckRevoked.into(),
        ),
        (
            one().revoked(Revoked::PlatformCa),
            CertificateFault::CaRevoked.into(),
        ),
        (
            one().expired(CollateralPart::TcbInfo),
            CollateralFault::TcbInfoExpired.into(),
        ),
        (
            one().expired(CollateralPart::QeIdentity),
            CollateralFault::QeIdentityExpired.into(),
        ),
        (
            one().collateral_fmspc([1; 6]),
            PlatformFault::OtherFamily.into(),
        ),
        (
            one().collateral_pce_id([1; 2]),
            PlatformFault::OtherPce.into(),
        ),
        (
            one().platform_instance_id([0; 16]),
            PlatformFault::Unidentified.into(),
        ),
        (one().qe_mrsigner([0; 32]), QeFault::Identity.into()),
        (
            one().collateral_of_other_tee(),
            CollateralFault::OtherTee.into(),
        ),
    ];
    for (builder, reason) in cases {
        assert_eq!(refusal(&machine, builder), reason);
    }
    let enclave_with_collateral_of_tdx = good(&machine).collateral_of_other_tee();
    assert_eq!(
        refusal(&machine, enclave_with_collateral_of_tdx),
        CollateralFault::OtherTee.into()
    );
}

#[test]
fn each_field_of_the_form_has_its_reason() {
    let machine = machine();
    let quote_of = |form| evidence(good(&machine).td(td().form(form)));
    let refused = |made: &ratls::Evidence, at: usize, value: u8| {
        let mut evidence = made.clone();
        evidence.quote[at] = value;
        judge(&evidence, &root(&machine), &AppraisalPolicy::strict()).unwrap_err()
    };
    for form in FORMS {
        let made = quote_of(form);
        let signed = match form {
            TdQuote::V4 => 48 + 584,
            TdQuote::V5Td10 => 54 + 584,
            TdQuote::V5Td15 => 54 + 648,
        };
        let certified = signed + 4 + 128;
        let fields: [(usize, u8, FormatFault); 8] = [
            (0, 3, FormatFault::TeeType),
            (0, 6, FormatFault::Version),
            (4, 0, FormatFault::Version),
            (4, 1, FormatFault::TeeType),
            (2, 3, FormatFault::AttestationKeyType),
            (12, 0, FormatFault::QeVendor),
            (certified, 5, FormatFault::CertificationData),
            (certified + 6 + 448, 31, FormatFault::AuthData),
        ];
        for (at, value, fault) in fields {
            assert_eq!(
                refused(&made, at, value),
                fault.into(),
                "{form:?} byte {at}"
            );
        }
        let inner = certified + 6 + 448 + 34;
        assert_eq!(
            refused(&made, inner, 6),
            FormatFault::CertificationData.into()
        );
        for tail in [&b"\0"[..], b"more"] {
            let mut longer = made.clone();
            longer.quote.extend_from_slice(tail);
            let refusal = judge(&longer, &root(&machine), &AppraisalPolicy::strict());
            assert_eq!(refusal, Err(FormatFault::TrailingBytes.into()));
        }
        for end in (0..made.quote.len()).step_by(97) {
            let mut cut = made.clone();
            cut.quote.truncate(end);
            let refusal = judge(&cut, &root(&machine), &AppraisalPolicy::strict());
            assert_eq!(
                refusal,
                Err(FormatFault::Truncated.into()),
                "{form:?} {end}"
            );
        }
    }
    let made = quote_of(TdQuote::V5Td15);
    for (at, value) in [(48, 2), (48, 1), (48, 4), (48, 5), (50, 0), (53, 1)] {
        let refusal = refused(&made, at, value);
        assert_eq!(refusal, FormatFault::TdReport.into(), "byte {at}");
    }
}
