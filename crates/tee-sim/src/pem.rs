//! Certificates as PEM text (RFC 7468), as Intel's library writes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// PEM of these certificates, one behind the other.
pub(crate) fn chain<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> String {
    certificates.into_iter().map(pem).collect()
}

fn pem(certificate: &[u8]) -> String {
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for (index, symbol) in STANDARD.encode(certificate).chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            text.push('\n');
        }
        text.push(symbol);
    }
    text.push_str("\n-----END CERTIFICATE-----\n");
    text
}
