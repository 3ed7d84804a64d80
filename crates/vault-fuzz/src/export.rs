//! Exported logs.

use vault_audit::{Export, LogKey, verify_export};

/// One input.
pub fn run(data: &[u8]) {
    if let Ok(export) = Export::from_bytes(data) {
        assert_eq!(export.to_bytes(), data);
        let _ = verify_export(&export, &LogKey::from_public([1; 32]));
    }
}
