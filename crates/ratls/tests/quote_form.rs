//! The form of quotes and collateral: one spelling, and a reason for each other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod simulator;

use ratls::{
    AppraisalError, AppraisalPolicy, CertificateFault, CollateralFault, Evidence, FormatFault,
    QeFault,
};
use simulator::{evidence, good, judge, machine, root};
use tee_sim::SimTcb;

#[test]
fn a_root_of_the_same_name_in_the_place_of_the_configured_one_does_not_help() {
    let (genuine, forged) = (machine(), machine());
    let mut made = evidence(good(&forged));
    let own = evidence(good(&genuine));
    // The forger embeds the configured root behind its own chain.
    let own_root = last_certificate(&own.quote);
    made.quote = replace_last_certificate(&made.quote, &own_root);
    let verdict = judge(&made, &root(&genuine), &AppraisalPolicy::strict());
    assert_eq!(verdict, Err(CertificateFault::Crl.into()));
    // With the genuine revocation lists, the chain itself is the reason.
    made.collateral = own.collateral;
    let verdict = judge(&made, &root(&genuine), &AppraisalPolicy::strict());
    assert_eq!(verdict, Err(CertificateFault::Chain.into()));
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

fn replace_last_certificate(quote: &[u8], root: &str) -> Vec<u8> {
    respell_chain(quote, &last_certificate(quote), root)
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
