//! The one form of an SGX DCAP quote that is read (step 1 and 2 of the appraisal).
//!
//! Layout: Intel, *Intel SGX ECDSA QuoteLibReference*, appendix A.4 (version 3), little-endian.
//! The verification library skips bytes behind the quote, line ends of the PEM text and the
//! embedded root; here each byte has one place and one value that is looked at.

use crate::error::FormatFault;
use crate::evidence::MAX_QUOTE;
use crate::trust_root::TrustRoot;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Header and report body: what the attestation key signs.
const SIGNED: usize = 432;
const REPORT_DATA: usize = 368;
/// Signature, attestation key, report of the quoting enclave, its signature.
const FIXED_SIGNATURE_DATA: usize = 64 + 64 + 384 + 64;
const TEE_TDX: u32 = 0x81;
const KEY_ECDSA_P256: u16 = 2;
const AUTH_DATA: u16 = 32;
const CERTIFICATION_PCK_CHAIN: u16 = 5;
const INTEL_QE_VENDOR: [u8; 16] = [
    0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07,
];
const BEGIN: &str = "-----BEGIN CERTIFICATE-----\n";
const END: &str = "-----END CERTIFICATE-----\n";

/// The certificates inside a quote, DER.
#[derive(Debug)]
pub(crate) struct PckChain {
    pub(crate) leaf: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
}

/// The report data of a quote of any length that has it. Says nothing about who signed it.
pub(crate) fn report_data(quote: &[u8]) -> Option<[u8; 64]> {
    quote.get(REPORT_DATA..SIGNED)?.try_into().ok()
}

/// Checks the form of a quote and returns its PCK chain.
pub(crate) fn check_form(quote: &[u8], root: &TrustRoot) -> Result<PckChain, FormatFault> {
    if quote.len() > MAX_QUOTE {
        return Err(FormatFault::TooLong);
    }
    let (signed, rest) = quote
        .split_at_checked(SIGNED)
        .ok_or(FormatFault::Truncated)?;
    check_header(signed)?;
    let (length, signature_data) = take_u32(rest)?;
    check_length(signature_data, length)?;
    let chain = certification_data(signature_data)?;
    check_chain(chain, root)
}

fn check_header(mut header: &[u8]) -> Result<(), FormatFault> {
    let version = take_u16(&mut header)?;
    let key_type = take_u16(&mut header)?;
    let (tee_type, rest) = take_u32(header)?;
    match (version, tee_type) {
        (3, 0) => (),
        (4 | 5, TEE_TDX) => return Err(FormatFault::Tdx),
        (3, _) => return Err(FormatFault::TeeType),
        _ => return Err(FormatFault::Version),
    }
    if key_type != KEY_ECDSA_P256 {
        return Err(FormatFault::AttestationKeyType);
    }
    // 2 bytes of QE SVN and 2 of PCE SVN stand between.
    if rest.get(4..20) != Some(&INTEL_QE_VENDOR[..]) {
        return Err(FormatFault::QeVendor);
    }
    Ok(())
}

fn certification_data(signature_data: &[u8]) -> Result<&[u8], FormatFault> {
    let (_, mut rest) = signature_data
        .split_at_checked(FIXED_SIGNATURE_DATA)
        .ok_or(FormatFault::Truncated)?;
    if take_u16(&mut rest)? != AUTH_DATA {
        return Err(FormatFault::AuthData);
    }
    let (_, mut rest) = rest
        .split_at_checked(usize::from(AUTH_DATA))
        .ok_or(FormatFault::Truncated)?;
    if take_u16(&mut rest)? != CERTIFICATION_PCK_CHAIN {
        return Err(FormatFault::CertificationData);
    }
    let (length, chain) = take_u32(rest)?;
    check_length(chain, length)?;
    Ok(chain)
}

/// Three PEM certificates, leaf first, in the one text of RFC 7468 with lines of 64 and a newline
/// behind each, and the NUL that Intel's library leaves at the end, or none.
fn check_chain(chain: &[u8], root: &TrustRoot) -> Result<PckChain, FormatFault> {
    let text = chain.strip_suffix(&[0]).unwrap_or(chain);
    let text = std::str::from_utf8(text).map_err(|_| FormatFault::ChainText)?;
    let certificates = decode(text).ok_or(FormatFault::ChainText)?;
    if encode(&certificates) != text {
        return Err(FormatFault::ChainText);
    }
    let [leaf, issuer, embedded]: [Vec<u8>; 3] = certificates
        .try_into()
        .map_err(|_| FormatFault::ChainText)?;
    if embedded != root.der() {
        return Err(FormatFault::EmbeddedRoot);
    }
    Ok(PckChain { leaf, issuer })
}

fn decode(text: &str) -> Option<Vec<Vec<u8>>> {
    text.split_inclusive(END)
        .map(|block| {
            let body = block.strip_prefix(BEGIN)?.strip_suffix(END)?;
            STANDARD.decode(body.replace('\n', "")).ok()
        })
        .collect()
}

fn encode(certificates: &[Vec<u8>]) -> String {
    let mut text = String::new();
    for certificate in certificates {
        text.push_str(BEGIN);
        for (index, symbol) in STANDARD.encode(certificate).chars().enumerate() {
            if index > 0 && index % 64 == 0 {
                text.push('\n');
            }
            text.push(symbol);
        }
        text.push('\n');
        text.push_str(END);
    }
    text
}

fn check_length(bytes: &[u8], length: u32) -> Result<(), FormatFault> {
    let length = usize::try_from(length).map_err(|_| FormatFault::Truncated)?;
    match bytes.len().cmp(&length) {
        std::cmp::Ordering::Less => Err(FormatFault::Truncated),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(FormatFault::TrailingBytes),
    }
}

fn take_u16(bytes: &mut &[u8]) -> Result<u16, FormatFault> {
    let (value, rest) = bytes.split_first_chunk().ok_or(FormatFault::Truncated)?;
    *bytes = rest;
    Ok(u16::from_le_bytes(*value))
}

fn take_u32(bytes: &[u8]) -> Result<(u32, &[u8]), FormatFault> {
    let (value, rest) = bytes.split_first_chunk().ok_or(FormatFault::Truncated)?;
    Ok((u32::from_le_bytes(*value), rest))
}
