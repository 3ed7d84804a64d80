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

/// Every block with this label, in order; `None` if there is none or one is malformed.
pub(crate) fn decode_all(bytes: &[u8], label: &str) -> Option<Vec<Vec<u8>>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let begin = format!("-----BEGIN {label}-----");
    let blocks: Option<Vec<_>> = text
        .match_indices(&begin)
        .map(|(at, _)| decode(text.get(at..)?.as_bytes(), label))
        .collect();
    blocks.filter(|blocks| !blocks.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_in_their_order_and_none_of_another_label() {
        let chain = [[1; 60], [2; 60]].map(|der| encode("CERTIFICATE", &der));
        let text = format!(
            "{}{}{}",
            encode("PRIVATE KEY", &[9; 60]),
            chain[0],
            chain[1]
        );
        let read = decode_all(text.as_bytes(), "CERTIFICATE").unwrap();
        assert_eq!(read, [vec![1; 60], vec![2; 60]]);
        assert_eq!(decode_all(text.as_bytes(), "PUBLIC KEY"), None);
        let cut = text.strip_suffix("-----END CERTIFICATE-----\n").unwrap();
        assert_eq!(decode_all(cut.as_bytes(), "CERTIFICATE"), None);
    }

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
