//! Simulated platforms: accepted when nothing is wrong, and every knob has its reason.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use ratls::{
    AppraisalError, AppraisalPolicy, Appraised, CertificateFault, CollateralFault, EnclaveFault,
    Evidence, Expected, FloorFault, FormatFault, PlatformFault, QeFault, TcbFault, TrustRoot,
    appraise, platform_id,
};
use tee_sim::{CollateralPart, Revoked, SimBuilder, SimMachine, SimPlatform, SimRoot, SimTcb};
use vault_encoding::Hash;
use vault_policy::{Measurement, TcbStatus, UnixSeconds};
use vault_tee::Platform;

const NOW: UnixSeconds = UnixSeconds(1_795_361_000);
const MEASUREMENT: [u8; 32] = [0x11; 32];
const REPORT_DATA: [u8; 64] = [0x22; 64];

fn machine() -> SimMachine {
    SimRoot::ephemeral().unwrap().machine("one").unwrap()
}

fn good(machine: &SimMachine) -> SimBuilder {
    SimPlatform::builder(machine, MEASUREMENT).now(NOW.0)
}

fn root(machine: &SimMachine) -> TrustRoot {
    TrustRoot::from_der(machine.root().root_der()).unwrap()
}

fn evidence(builder: SimBuilder) -> Evidence {
    let made = builder.build().unwrap().quote(REPORT_DATA).unwrap();
    Evidence {
        quote: made.quote,
        collateral: made.collateral,
    }
}

fn judge(
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
fn verdict(machine: &SimMachine, builder: SimBuilder) -> Result<Appraised, AppraisalError> {
    judge(
        &evidence(builder),
        &root(machine),
        &AppraisalPolicy::strict(),
    )
}

fn refusal(machine: &SimMachine, builder: SimBuilder) -> AppraisalError {
    verdict(machine, builder).unwrap_err()
}

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
    assert_eq!(claims.mrenclave, Measurement(Hash(MEASUREMENT)));
    assert_eq!(claims.mrsigner, Measurement(Hash([0x33; 32])));
    assert_eq!((claims.isv_prod_id, claims.isv_svn), (7, 9));
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
fn a_root_of_the_same_name_in_the_place_of_the_configured_one_does_not_help() {
    let (genuine, forged) = (machine(), machine());
    let mut made = evidence(good(&forged));
    let own = evidence(good(&genuine));
    // The forger embeds the configured root behind its own chain.
    made.quote = graft_last_certificate(&made.quote, &own.quote);
    let verdict = judge(&made, &root(&genuine), &AppraisalPolicy::strict());
    assert_eq!(verdict, Err(CertificateFault::Crl.into()));
    // With the genuine revocation lists, the chain itself is the reason.
    made.collateral = own.collateral;
    let verdict = judge(&made, &root(&genuine), &AppraisalPolicy::strict());
    assert_eq!(verdict, Err(CertificateFault::Chain.into()));
}

fn graft_last_certificate(quote: &[u8], donor: &[u8]) -> Vec<u8> {
    let begin = b"-----BEGIN CERTIFICATE-----";
    let last = |bytes: &[u8]| bytes.windows(27).rposition(|part| part == begin).unwrap();
    let mut grafted = [&quote[..last(quote)], &donor[last(donor)..]].concat();
    let total = grafted.len();
    let chain = 436 + 576 + 2 + 32 + 2 + 4;
    grafted[432..436].copy_from_slice(&u32::try_from(total - 436).unwrap().to_le_bytes());
    grafted[chain - 4..chain].copy_from_slice(&u32::try_from(total - chain).unwrap().to_le_bytes());
    grafted
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
fn each_field_of_the_header_and_of_the_signature_data_has_its_reason() {
    let machine = machine();
    let made = evidence(good(&machine));
    let with = |at: usize, value: u8| {
        let mut evidence = made.clone();
        evidence.quote[at] = value;
        judge(&evidence, &root(&machine), &AppraisalPolicy::strict()).unwrap_err()
    };
    let signature_data = 436;
    let fields: [(usize, u8, AppraisalError); 11] = [
        (0, 4, FormatFault::Version.into()),
        (0, 2, FormatFault::Version.into()),
        (4, 0x81, FormatFault::TeeType.into()),
        (2, 3, FormatFault::AttestationKeyType.into()),
        (12, 0, FormatFault::QeVendor.into()),
        (signature_data + 576, 31, FormatFault::AuthData.into()),
        (
            signature_data + 576 + 34,
            6,
            FormatFault::CertificationData.into(),
        ),
        (
            signature_data,
            !made.quote[signature_data],
            AppraisalError::QuoteSignature,
        ),
        (
            signature_data + 64,
            !made.quote[signature_data + 64],
            QeFault::KeyNotBound.into(),
        ),
        (signature_data + 128, 6, QeFault::ReportSignature.into()),
        (
            signature_data + 512,
            !made.quote[signature_data + 512],
            QeFault::ReportSignature.into(),
        ),
    ];
    for (at, value, reason) in fields {
        assert_eq!(with(at, value), reason, "byte {at}");
    }
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

#[test]
fn appended_cut_and_respelled_quotes_are_refused() {
    let machine = machine();
    let root = root(&machine);
    let made = evidence(good(&machine));
    let with = |quote: Vec<u8>| {
        let evidence = Evidence {
            quote,
            ..made.clone()
        };
        judge(&evidence, &root, &AppraisalPolicy::strict()).map(|_| ())
    };
    assert_eq!(with(made.quote.clone()), Ok(()));
    for tail in [&b"\0"[..], b"\n", b"more"] {
        let longer = [&made.quote, tail].concat();
        assert_eq!(with(longer), Err(FormatFault::TrailingBytes.into()));
    }
    let too_long = [&made.quote[..], &[0; ratls::MAX_QUOTE]].concat();
    assert_eq!(with(too_long), Err(FormatFault::TooLong.into()));
    for end in (0..made.quote.len()).step_by(7) {
        let cut = made.quote[..end].to_vec();
        assert_eq!(with(cut), Err(FormatFault::Truncated.into()), "{end}");
    }
    for (from, to) in [("\n", "\r\n"), ("=\n", "= \n"), ("-----END", "\n-----END")] {
        let respelled = respell_chain(&made.quote, from, to);
        assert_eq!(
            with(respelled),
            Err(FormatFault::ChainText.into()),
            "{to:?}"
        );
    }
    // A second NUL, or one more root at the end.
    for tail in ["\0".to_owned(), last_certificate(&made.quote)] {
        let longer = append_to_chain(&made.quote, &tail);
        assert_eq!(with(longer), Err(FormatFault::ChainText.into()));
    }
}

const CHAIN: usize = 436 + 576 + 2 + 32 + 2 + 4;

fn with_chain(quote: &[u8], chain: &[u8]) -> Vec<u8> {
    let length = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
    let mut out = quote[..CHAIN - 4].to_vec();
    out.extend_from_slice(&length(chain.len()));
    out.extend_from_slice(chain);
    let signature_data = length(out.len() - 436);
    out[432..436].copy_from_slice(&signature_data);
    out
}

fn respell_chain(quote: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = std::str::from_utf8(&quote[CHAIN..]).unwrap();
    with_chain(quote, text.replacen(from, to, 1).as_bytes())
}

fn append_to_chain(quote: &[u8], tail: &str) -> Vec<u8> {
    let chain = quote[CHAIN..].strip_suffix(b"\0").unwrap();
    with_chain(quote, &[chain, tail.as_bytes(), b"\0"].concat())
}

fn last_certificate(quote: &[u8]) -> String {
    let text = std::str::from_utf8(&quote[CHAIN..]).unwrap();
    let start = text.rfind("-----BEGIN").unwrap();
    text[start..].trim_end_matches('\0').to_owned()
}

#[test]
fn collateral_with_its_own_chain_or_beyond_the_limit_is_refused() {
    let machine = machine();
    let made = evidence(good(&machine));
    let mut json: serde_json::Value = serde_json::from_slice(&made.collateral).unwrap();
    json["pck_certificate_chain"] = "".into();
    let with = |collateral: Vec<u8>| {
        let evidence = Evidence {
            collateral,
            ..made.clone()
        };
        judge(&evidence, &root(&machine), &AppraisalPolicy::strict()).map(|_| ())
    };
    let replaced = json.to_string().into_bytes();
    assert_eq!(with(replaced), Err(CollateralFault::ReplacesChain.into()));
    let padded = [&made.collateral[..], &vec![b' '; ratls::MAX_COLLATERAL]].concat();
    assert_eq!(with(padded), Err(CollateralFault::TooLong.into()));
    assert_eq!(with(b"{}".to_vec()), Err(CollateralFault::Malformed.into()));
}

#[test]
fn a_changed_word_of_signed_collateral_is_refused() {
    let machine = machine();
    let made = evidence(good(&machine).tcb(SimTcb::OutOfDate, &["INTEL-SA-00001"]));
    let with = |member: &str, from: &str, to: &str| {
        let mut json: serde_json::Value = serde_json::from_slice(&made.collateral).unwrap();
        let text = json[member].as_str().unwrap();
        assert!(text.contains(from), "{member} {from}");
        json[member] = text.replace(from, to).into();
        let collateral = json.to_string().into_bytes();
        let evidence = Evidence {
            collateral,
            ..made.clone()
        };
        judge(&evidence, &root(&machine), &AppraisalPolicy::strict()).unwrap_err()
    };
    assert_eq!(
        with("tcb_info", "OutOfDate", "UpToDate"),
        CollateralFault::TcbInfoSignature.into()
    );
    assert_eq!(
        with("qe_identity", "\"isvsvn\":8", "\"isvsvn\":1"),
        CollateralFault::QeIdentitySignature.into()
    );
}
