//! Exported logs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vault_audit::{Export, LogKey, verify_export};

fuzz_target!(|data: &[u8]| {
    if let Ok(export) = Export::from_bytes(data) {
        assert_eq!(export.to_bytes(), data);
        let _ = verify_export(&export, &LogKey::from_public([1; 32]));
    }
});
