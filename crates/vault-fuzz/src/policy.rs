//! Policies: canonical bytes are the only ones of their policy; what people write becomes one.

use vault_encoding::{Json, Limits};
use vault_policy::{
    AttestationProfile, KeyPolicy, KeyType, Operation, VaultTime, diff, explain, lint, validate,
};

const LIMITS: Limits = Limits {
    bytes: 1 << 16,
    depth: 32,
    nodes: 32 * 1024,
};

/// One input.
pub fn run(data: &[u8]) {
    if let Ok(policy) = KeyPolicy::from_canonical(data) {
        assert_eq!(policy.canonical_bytes(), data);
    }
    if let Ok(profile) = AttestationProfile::from_canonical(data) {
        assert_eq!(profile.canonical_bytes(), data);
    }
    let Ok(json) = Json::parse(data, LIMITS) else {
        return;
    };
    if let Ok(policy) = KeyPolicy::from_json(&json) {
        let again = KeyPolicy::from_canonical(policy.canonical_bytes()).expect("canonical");
        assert_eq!(again, policy);
        let _ = lint(&policy);
        assert!(diff(&policy, &policy).is_empty());
        for operation in Operation::ALL {
            let _ = explain(&policy, operation).to_string();
        }
        for key_type in KeyType::ALL {
            let _ = validate(&policy, key_type, VaultTime::Unknown);
        }
    }
    if let Ok(profile) = AttestationProfile::from_json(&json) {
        let again = AttestationProfile::from_canonical(&profile.canonical_bytes());
        assert_eq!(again, Ok(profile));
    }
}
