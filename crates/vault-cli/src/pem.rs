//! PEM (RFC 7468), as openssl reads and writes it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// One block with this label.
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, behind) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = behind;
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

/// The first block with this label; `None` if there is none or it is malformed.
pub(crate) fn decode(bytes: &[u8], label: &str) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (_, body) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = body.split_once(&format!("-----END {label}-----"))?;
    let joined: String = body.split_whitespace().collect();
    STANDARD.decode(joined).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_decodes_and_other_labels_do_not() {
        for length in [0, 1, 47, 48, 49, 300] {
            let der = vec![7; length];
            let text = encode("PUBLIC KEY", &der);
            assert_eq!(decode(text.as_bytes(), "PUBLIC KEY"), Some(der));
            assert_eq!(decode(text.as_bytes(), "CERTIFICATE"), None);
            assert!(text.lines().all(|line| line.len() <= 64));
        }
    }
}
