//! The PCK chain inside a quote.

use crate::error::FormatFault;
use crate::trust_root::TrustRoot;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----\n";
const END: &str = "-----END CERTIFICATE-----\n";

/// The certificates inside a quote, DER.
#[derive(Debug)]
pub(crate) struct PckChain {
    pub(crate) leaf: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
}

/// Three PEM certificates, leaf first, in the one text of RFC 7468 with lines of 64 and a newline
/// behind each, and the NUL that Intel's library leaves at the end, or none.
pub(super) fn check(chain: &[u8], root: &TrustRoot) -> Result<PckChain, FormatFault> {
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
