//! Where the parts of a quote begin and end, by its version.

use crate::error::FormatFault;

const HEADER: usize = 48;
/// Type and length of the body, of version 5 alone.
const DESCRIPTOR: usize = 6;
const ENCLAVE_REPORT: usize = 384;
const TD_REPORT_10: usize = 584;
const TD_REPORT_15: usize = 648;
const REPORT_DATA: usize = 64;
const TEE_SGX: u32 = 0;
const TEE_TDX: u32 = 0x81;
const BODY_TD_REPORT_10: u16 = 2;
const BODY_TD_REPORT_15: u16 = 3;

/// What a quote is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Body {
    /// An SGX enclave.
    Enclave,
    /// A TDX trust domain.
    Td,
}

/// Where what the attestation key signs ends, and where report_data stands in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Layout {
    pub(super) body: Body,
    pub(super) signed: usize,
    report_data: usize,
}

impl Layout {
    /// The layout that the header states. Looks at version, kind of TEE and, of version 5, the body's descriptor.
    pub(super) fn of(quote: &[u8]) -> Result<Self, FormatFault> {
        let mut header = quote;
        let version = take_u16(&mut header)?;
        let _key_type = take_u16(&mut header)?;
        let (tee_type, _) = take_u32(header)?;
        match (version, tee_type) {
            (3, TEE_SGX) => Ok(Self {
                body: Body::Enclave,
                signed: HEADER + ENCLAVE_REPORT,
                report_data: HEADER + ENCLAVE_REPORT - REPORT_DATA,
            }),
            (4, TEE_TDX) => Ok(Self::td(HEADER, TD_REPORT_10)),
            (5, TEE_TDX) => Ok(Self::td(HEADER + DESCRIPTOR, described(quote)?)),
            (3..=5, other) if other != TEE_SGX => Err(FormatFault::TeeType),
            _ => Err(FormatFault::Version),
        }
    }

    /// A report of TDX 1.5 is one of TDX 1.0 with more behind it.
    fn td(start: usize, length: usize) -> Self {
        Self {
            body: Body::Td,
            signed: start + length,
            report_data: start + TD_REPORT_10 - REPORT_DATA,
        }
    }
}

/// The length of the body that version 5 describes.
fn described(quote: &[u8]) -> Result<usize, FormatFault> {
    let mut descriptor = quote.get(HEADER..).ok_or(FormatFault::Truncated)?;
    let kind = take_u16(&mut descriptor)?;
    let (length, _) = take_u32(descriptor)?;
    let known = match kind {
        BODY_TD_REPORT_10 => TD_REPORT_10,
        BODY_TD_REPORT_15 => TD_REPORT_15,
        _ => return Err(FormatFault::TdReport),
    };
    if usize::try_from(length) == Ok(known) {
        Ok(known)
    } else {
        Err(FormatFault::TdReport)
    }
}

/// The report data of a quote of any length that has it. Says nothing about who signed it.
pub(crate) fn report_data(quote: &[u8]) -> Option<[u8; 64]> {
    let at = Layout::of(quote).ok()?.report_data;
    quote.get(at..)?.first_chunk().copied()
}

/// A quote without the zero bytes that quoting services leave behind it: they answer in a buffer that is as long as a
/// quote may become. For provers; a verifier reads no byte behind a quote.
pub fn without_padding(mut quote: Vec<u8>) -> Vec<u8> {
    let end = stated_end(&quote).unwrap_or(quote.len());
    if let Some(padding) = quote.get(end..)
        && padding.iter().all(|byte| *byte == 0)
    {
        quote.truncate(end);
    }
    quote
}

fn stated_end(quote: &[u8]) -> Option<usize> {
    let signed = Layout::of(quote).ok()?.signed;
    let (length, rest) = take_u32(quote.get(signed..)?).ok()?;
    let padding = rest.len().checked_sub(usize::try_from(length).ok()?)?;
    quote.len().checked_sub(padding)
}

pub(super) fn check_length(bytes: &[u8], length: u32) -> Result<(), FormatFault> {
    let length = usize::try_from(length).map_err(|_| FormatFault::Truncated)?;
    match bytes.len().cmp(&length) {
        std::cmp::Ordering::Less => Err(FormatFault::Truncated),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(FormatFault::TrailingBytes),
    }
}

pub(super) fn take_u16(bytes: &mut &[u8]) -> Result<u16, FormatFault> {
    let (value, rest) = bytes.split_first_chunk().ok_or(FormatFault::Truncated)?;
    *bytes = rest;
    Ok(u16::from_le_bytes(*value))
}

pub(super) fn take_u32(bytes: &[u8]) -> Result<(u32, &[u8]), FormatFault> {
    let (value, rest) = bytes.split_first_chunk().ok_or(FormatFault::Truncated)?;
    Ok((u32::from_le_bytes(*value), rest))
}
