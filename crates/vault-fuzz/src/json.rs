//! The strict reader of JSON, and the canonical form: what is canonical has no second spelling.

use vault_encoding::{Canonical, Json, Limits};

const LIMITS: Limits = Limits {
    bytes: 1 << 16,
    depth: 16,
    nodes: 4096,
};

/// One input.
pub fn run(data: &[u8]) {
    let json = Json::parse(data, LIMITS);
    if let Ok(value) = Canonical::from_bytes(data, LIMITS) {
        assert!(json.is_ok());
        assert_eq!(value.to_bytes(), data);
    }
}
