//! The one form of each DCAP quote that is read (step 1 and 2 of the appraisal).
//!
//! Layout: Intel, *Intel SGX ECDSA QuoteLibReference*, appendix A.4 (SGX, version 3), and *Intel TDX DCAP Quoting
//! Library API*, appendices A.3 (TDX, version 4) and A.4 (version 5), little-endian. The verification library skips
//! bytes behind the quote, line ends of the PEM text, the embedded root, and the type of the outer certification data
//! of a TDX quote; here each byte has one place and one value that is looked at.

mod chain;
mod layout;

pub(crate) use chain::PckChain;
pub use layout::without_padding;
pub(crate) use layout::{Body, report_data};

use crate::error::FormatFault;
use crate::evidence::MAX_QUOTE;
use crate::trust_root::TrustRoot;
use layout::{Layout, check_length, take_u16, take_u32};

const KEY_ECDSA_P256: u16 = 2;
const AUTH_DATA: u16 = 32;
const CERTIFICATION_PCK_CHAIN: u16 = 5;
const CERTIFICATION_QE_REPORT: u16 = 6;
/// Signature and attestation key.
const SIGNATURE_AND_KEY: usize = 64 + 64;
/// Report of the quoting enclave and its signature.
const QE_REPORT: usize = 384 + 64;
const INTEL_QE_VENDOR: [u8; 16] = [
    0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07,
];

/// What is known of a quote once its form is checked.
#[derive(Debug)]
pub(crate) struct Form {
    /// What it is a quote of.
    pub(crate) body: Body,
    /// The certificates inside.
    pub(crate) chain: PckChain,
}

/// Checks the form of a quote.
pub(crate) fn check_form(quote: &[u8], root: &TrustRoot) -> Result<Form, FormatFault> {
    if quote.len() > MAX_QUOTE {
        return Err(FormatFault::TooLong);
    }
    let layout = Layout::of(quote)?;
    let (signed, rest) = quote
        .split_at_checked(layout.signed)
        .ok_or(FormatFault::Truncated)?;
    check_header(signed)?;
    let (length, signature_data) = take_u32(rest)?;
    check_length(signature_data, length)?;
    let (_, certified) = signature_data
        .split_at_checked(SIGNATURE_AND_KEY)
        .ok_or(FormatFault::Truncated)?;
    let chain = match layout.body {
        Body::Enclave => certification_data(certified)?,
        Body::Td => certification_data(typed(certified, CERTIFICATION_QE_REPORT)?)?,
    };
    Ok(Form {
        body: layout.body,
        chain: chain::check(chain, root)?,
    })
}

/// Version and kind of TEE are those of the layout; the rest of the header.
fn check_header(signed: &[u8]) -> Result<(), FormatFault> {
    let mut key_type = signed.get(2..).unwrap_or_default();
    if take_u16(&mut key_type)? != KEY_ECDSA_P256 {
        return Err(FormatFault::AttestationKeyType);
    }
    // 2 bytes of QE SVN and 2 of PCE SVN stand between.
    if signed.get(12..28) != Some(&INTEL_QE_VENDOR[..]) {
        return Err(FormatFault::QeVendor);
    }
    Ok(())
}

/// From the report of the quoting enclave on: the text of the PCK chain.
fn certification_data(certified: &[u8]) -> Result<&[u8], FormatFault> {
    let (_, mut rest) = certified
        .split_at_checked(QE_REPORT)
        .ok_or(FormatFault::Truncated)?;
    if take_u16(&mut rest)? != AUTH_DATA {
        return Err(FormatFault::AuthData);
    }
    let (_, rest) = rest
        .split_at_checked(usize::from(AUTH_DATA))
        .ok_or(FormatFault::Truncated)?;
    typed(rest, CERTIFICATION_PCK_CHAIN)
}

/// Certification data of this type, to the last byte.
fn typed(mut rest: &[u8], wanted: u16) -> Result<&[u8], FormatFault> {
    if take_u16(&mut rest)? != wanted {
        return Err(FormatFault::CertificationData);
    }
    let (length, data) = take_u32(rest)?;
    check_length(data, length)?;
    Ok(data)
}
