//! Claims of evidence: claims that read have no second spelling.

use ratls::Claims;

/// One input.
pub fn run(data: &[u8]) {
    if let Ok(claims) = Claims::from_bytes(data) {
        assert_eq!(claims.to_bytes(), data);
    }
}
