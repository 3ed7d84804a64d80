//! Claims of evidence: claims that read have no second spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ratls::Claims;

fuzz_target!(|data: &[u8]| {
    if let Ok(claims) = Claims::from_bytes(data) {
        assert_eq!(claims.to_bytes(), data);
    }
});
