//! Simulated platforms: accepted when nothing is wrong, and every knob has its reason.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod simulator;

use ratls::{
    AppraisalError, AppraisalPolicy, CertificateFault, CollateralFault, EnclaveFault, Evidence,
    Expected, FloorFault, FormatFault, PlatformFault, QeFault, TcbFault, TrustRoot, appraise,
    platform_id,
};
use simulator::{
    MEASUREMENT, NOW, REPORT_DATA, evidence, good, judge, machine, refusal, root, verdict,
};
use tee_sim::{CollateralPart, Revoked, SimPlatform, SimRoot, SimTcb};
use vault_encoding::Hash;
use vault_policy::{Measurement, TcbStatus, UnixSeconds};

#[test]
fn a_good_platform_is_accepted_and_its_claims_are_those_of_the_enclave() {
    let machine = machine();
    let builder = good(&machine)
        .mrsigner([0x33; 32])
        .isv_prod_id(7)
        .isv_svn(9)
        .crl_number(4)
        .tcb_evaluation_data_number(21);
    let appraised = verdict(&machine, builder).unwrap();
    let claims = appraised.evidence.claims();
    assert_eq!(claims.mrenclave(), Some(Measurement(Hash(MEASUREMENT))));
    let sgx = claims.sgx().unwrap();
    assert_eq!(sgx.mrsigner, Measurement(Hash([0x33; 32])));
    assert_eq!((sgx.isv_prod_id, sgx.isv_svn), (7, 9));
    let platform = platform_id(&machine.platform_instance_id()).unwrap();
    assert_eq!(claims.platform_id, platform);
    assert_eq!(claims.tcb_status, TcbStatus::UpToDate);
    assert_eq!(claims.advisories, [""; 0]);
    assert_eq!(claims.tcb_evaluation_data_number, 21);
    assert!(claims.simulated);
    assert!(claims.collateral_issued_at < NOW && NOW < appraised.expires_at);
    assert_eq!(appraised.floors.root_crl, 4);
    assert_eq!(appraised.floors.families[&machine.fmspc()].pck_crl, 4);
}

#[test]
fn no_other_root_accepts_it() {
    let machine = machine();
    let made = evidence(good(&machine));
    let other = TrustRoot::from_der(SimRoot::ephemeral().unwrap().root_der()).unwrap();
    for root in [other, TrustRoot::intel()] {
        let verdict = judge(&made, &root, &AppraisalPolicy::strict());
        assert_eq!(verdict, Err(FormatFault::EmbeddedRoot.into()));
    }
}

#[test]
fn every_state_of_the_platform_is_refused_unless_the_policy_names_it() {
    let machine = machine();
    let states = [
        (SimTcb::SwHardeningNeeded, TcbStatus::SwHardeningNeeded),
        (SimTcb::ConfigurationNeeded, TcbStatus::ConfigurationNeeded),
        (
            SimTcb::ConfigurationAndSwHardeningNeeded,
            TcbStatus::ConfigurationAndSwHardeningNeeded,
        ),
        (SimTcb::OutOfDate, TcbStatus::OutOfDate),
        (
            SimTcb::OutOfDateConfigurationNeeded,
            TcbStatus::OutOfDateConfigurationNeeded,
        ),
    ];
    for (simulated, status) in states {
        let made = evidence(good(&machine).tcb(simulated, &["INTEL-SA-00001"]));
        let with = |policy: AppraisalPolicy| {
            let judged = judge(&made, &root(&machine), &policy);
            judged.map(|appraised| appraised.evidence.claims().tcb_status)
        };
        let strict = AppraisalPolicy::strict();
        assert_eq!(with(strict.clone()), Err(TcbFault::Status(status).into()));
        let named = strict.accept_status(status);
        assert_eq!(with(named.clone()), Err(TcbFault::Advisory.into()));
        assert_eq!(with(named.accept_advisory("INTEL-SA-00001")), Ok(status));
    }
}

#[test]
fn a_revoked_or_unknown_state_is_refused_by_every_policy() {
    let machine = machine();
    let mut everything = AppraisalPolicy::strict();
    everything.statuses.extend(TcbStatus::ALL);
    for (tcb, fault) in [
        (SimTcb::Revoked, TcbFault::Revoked),
        (SimTcb::NoLevel, TcbFault::NoLevel),
    ] {
        let made = evidence(good(&machine).tcb(tcb, &[]));
        let verdict = judge(&made, &root(&machine), &everything);
        assert_eq!(verdict, Err(fault.into()));
    }
}

#[test]
fn each_revocation_has_its_reason() {
    let machine = machine();
    for (revoked, fault) in [
        (Revoked::Pck, CertificateFault::PckRevoked),
        (Revoked::PlatformCa, CertificateFault::CaRevoked),
        (Revoked::TcbSigner, CertificateFault::SignerRevoked),
    ] {
        let builder = good(&machine).revoked(revoked);
        assert_eq!(refusal(&machine, builder), fault.into());
    }
}

#[test]
fn each_expired_part_of_the_collateral_has_its_reason() {
    let machine = machine();
    let parts: [(CollateralPart, AppraisalError); 4] = [
        (
            CollateralPart::TcbInfo,
            CollateralFault::TcbInfoExpired.into(),
        ),
        (
            CollateralPart::QeIdentity,
            CollateralFault::QeIdentityExpired.into(),
        ),
        (CollateralPart::RootCrl, CertificateFault::CrlExpired.into()),
        (CollateralPart::PckCrl, CertificateFault::CrlExpired.into()),
    ];
    for (part, reason) in parts {
        assert_eq!(refusal(&machine, good(&machine).expired(part)), reason);
    }
    for part in [CollateralPart::TcbInfo, CollateralPart::QeIdentity] {
        let builder = good(&machine).from_the_future(part);
        assert_eq!(
            refusal(&machine, builder),
            CollateralFault::FromTheFuture.into()
        );
    }
}

#[test]
fn collateral_is_good_until_it_expires_and_no_longer() {
    let machine = machine();
    let made = evidence(good(&machine));
    let at = |now: u64| {
        let expected = Expected::danger_raw(REPORT_DATA);
        let policy = AppraisalPolicy::strict();
        appraise(&made, &root(&machine), &policy, &expected, UnixSeconds(now))
    };
    let expires_at = at(NOW.0).unwrap().expires_at.0;
    assert!(at(expires_at - 1).is_ok());
    // Revocation lists end before the second of their next update, TCB info after it.
    assert_eq!(at(expires_at), Err(CertificateFault::CrlExpired.into()));
}

#[test]
fn collateral_of_another_family_or_another_provisioning_enclave_is_refused() {
    let machine = machine();
    let other = machine.root().machine("two").unwrap();
    let refuse = |builder| refusal(&machine, builder);
    assert_eq!(
        refuse(good(&machine).collateral_fmspc(other.fmspc())),
        PlatformFault::OtherFamily.into()
    );
    assert_eq!(
        refuse(good(&machine).collateral_pce_id([0xbe, 0xef])),
        PlatformFault::OtherPce.into()
    );
    let mixed = Evidence {
        quote: evidence(good(&machine)).quote,
        collateral: evidence(good(&other)).collateral,
    };
    let verdict = judge(&mixed, &root(&machine), &AppraisalPolicy::strict());
    assert_eq!(verdict, Err(PlatformFault::OtherFamily.into()));
}

#[test]
fn certificates_are_refused_before_and_after_their_validity() {
    let machine = machine();
    let at = |now: u64| {
        let evidence = evidence(SimPlatform::builder(&machine, MEASUREMENT).now(now));
        let expected = Expected::danger_raw(REPORT_DATA);
        let strict = AppraisalPolicy::strict();
        appraise(
            &evidence,
            &root(&machine),
            &strict,
            &expected,
            UnixSeconds(now),
        )
        .map(|_| ())
    };
    let (day, from, until) = (24 * 3600, 1_577_836_800, 2_524_521_600); // 2020, 2050 less a day
    assert_eq!(at(from - day), Err(CertificateFault::NotYetValid.into()));
    assert_eq!(at(from), Ok(()));
    assert_eq!(at(until), Ok(()));
    assert_eq!(at(until + day), Err(CertificateFault::Expired.into()));
}

#[test]
fn a_certificate_that_does_not_describe_a_platform_is_refused() {
    let machine = machine();
    let builder = good(&machine).without_sgx_extension();
    assert_eq!(
        refusal(&machine, builder),
        CertificateFault::PckExtension.into()
    );
}

#[test]
fn another_quoting_enclave_is_refused() {
    let machine = machine();
    let builder = good(&machine).qe_mrsigner([0; 32]);
    assert_eq!(refusal(&machine, builder), QeFault::Identity.into());
}

#[test]
fn each_mode_that_is_not_accepted_has_its_reason() {
    let machine = machine();
    let refuse = |builder| refusal(&machine, builder);
    assert_eq!(refuse(good(&machine).debug()), EnclaveFault::Debug.into());
    // Not initialised, 32-bit, PROVISIONKEY, EINITTOKENKEY, CET, KSS, a reserved bit.
    for flags in [0x04, 0x01, 0x15, 0x25, 0x45, 0x85, 0x105, 0x05 | 1 << 63] {
        let builder = good(&machine).attributes(flags);
        assert_eq!(
            refuse(builder),
            EnclaveFault::Attributes.into(),
            "{flags:x}"
        );
    }
    for xfrm in [
        0x01,
        0x02,
        0x00,
        0x08 | 3,
        1 << 8 | 3,
        1 << 11 | 3,
        1 << 63 | 3,
    ] {
        let builder = good(&machine).xfrm(xfrm);
        assert_eq!(refuse(builder), EnclaveFault::Xfrm.into(), "{xfrm:x}");
    }
    for misc in [0x02, 0x03, 1 << 31] {
        let builder = good(&machine).misc_select(misc);
        assert_eq!(refuse(builder), EnclaveFault::MiscSelect.into(), "{misc:x}");
    }
    let accepted = good(&machine)
        .attributes(0x405)
        .xfrm(0x602e7)
        .misc_select(1);
    assert!(verdict(&machine, accepted).is_ok());
}

#[test]
fn every_signed_bit_of_the_report_body_is_refused_but_for_the_listed_ones() {
    let machine = machine();
    let policy = AppraisalPolicy::strict().expect_measurement(Measurement(Hash(MEASUREMENT)));
    let root = root(&machine);
    let mut accepted = Vec::new();
    for bit in 0..384 * 8 {
        let made = evidence(good(&machine).flip_report_bit(bit));
        if judge(&made, &root, &policy).is_ok() {
            accepted.push(bit);
        }
    }
    let bytes = |range: std::ops::Range<usize>| range.start * 8..range.end * 8;
    let listed: Vec<usize> = bytes(0..16) // CPUSVN: the certificate's is what counts
        .chain([16 * 8]) // EXINFO
        .chain([48 * 8 + 10]) // AEXNOTIFY
        .chain([2, 5, 6, 7, 9, 17, 18].map(|feature| 56 * 8 + feature)) // XFRM: allowed features
        .chain(bytes(128..160)) // MRSIGNER, ISVPRODID, ISVSVN: claims for policies
        .chain(bytes(256..260))
        .collect();
    assert_eq!(accepted, listed);
}

#[test]
fn report_data_measurement_and_machine_must_be_the_expected_ones() {
    let machine = machine();
    let made = evidence(good(&machine));
    let (root, strict) = (root(&machine), AppraisalPolicy::strict());
    for bit in [0, 255, 511] {
        let mut wrong = REPORT_DATA;
        wrong[bit / 8] ^= 1 << (bit % 8);
        let verdict = appraise(&made, &root, &strict, &Expected::danger_raw(wrong), NOW);
        assert_eq!(verdict, Err(AppraisalError::ReportData));
    }
    let with = |policy| judge(&made, &root, &policy).map(|_| ());
    let own = Measurement(Hash(MEASUREMENT));
    let other = Measurement(Hash([0; 32]));
    assert_eq!(
        with(strict.clone().expect_measurement(other)),
        Err(AppraisalError::Measurement)
    );
    assert_eq!(
        with(
            strict
                .clone()
                .expect_measurement(other)
                .expect_measurement(own)
        ),
        Ok(())
    );

    let own = platform_id(&machine.platform_instance_id()).unwrap();
    let other = platform_id(&[1; 16]).unwrap();
    let unlisted = PlatformFault::NotListed.into();
    assert_eq!(with(strict.clone().expect_platform(other)), Err(unlisted));
    assert_eq!(
        with(strict.clone().expect_platform(other).expect_platform(own)),
        Ok(())
    );
    let mut nobody = strict;
    nobody.platforms = Some(std::collections::BTreeSet::new());
    assert_eq!(with(nobody), Err(unlisted));
}

#[test]
fn a_machine_without_identity_is_refused() {
    let machine = machine();
    let builder = good(&machine).platform_instance_id([0; 16]);
    assert_eq!(
        refusal(&machine, builder),
        PlatformFault::Unidentified.into()
    );
    assert_eq!(platform_id(&[0; 16]), None);
    assert_eq!(platform_id(&[1; 15]), None);
}

#[test]
fn older_collateral_than_seen_before_is_refused() {
    let machine = machine();
    let root = root(&machine);
    let numbered = |tcb, crl| {
        evidence(
            good(&machine)
                .tcb_evaluation_data_number(tcb)
                .crl_number(crl),
        )
    };
    let mut policy = AppraisalPolicy::strict();
    policy.floors = judge(&numbered(17, 5), &root, &policy).unwrap().floors;
    assert!(judge(&numbered(18, 6), &root, &policy).is_ok());
    let refuse = |made| judge(&made, &root, &policy).unwrap_err();
    let tcb = FloorFault::TcbEvaluationDataNumber;
    assert_eq!(refuse(numbered(16, 5)), tcb.into());
    assert_eq!(refuse(numbered(17, 4)), FloorFault::PckCrl.into());
}
