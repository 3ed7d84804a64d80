//! The keys that every store of the tree holds, all of them Bob's.

use vault_core::api::{CreateKey, KeyRef, Label};
use vault_encoding::{Json, Limits};
use vault_policy::{AttestationProfile, KeyHandle, KeyPolicy, KeyType};
use vault_test::sim::Person;
use zeroize::Zeroizing;

pub(crate) const MESSAGE: &[u8] = b"written once, read for ever";

/// The key of this type.
pub(crate) fn named(key_type: KeyType) -> KeyRef {
    KeyRef {
        handle: handle(key_type),
        lineage: None,
    }
}

/// The key that was destroyed.
pub(crate) fn destroyed() -> KeyRef {
    KeyRef {
        handle: KeyHandle([0xdd; 16]),
        lineage: None,
    }
}

fn handle(key_type: KeyType) -> KeyHandle {
    let position = KeyType::ALL.iter().position(|known| *known == key_type);
    KeyHandle([0x10 + position.unwrap() as u8; 16])
}

pub(crate) fn create(key_type: KeyType) -> CreateKey {
    CreateKey {
        handle: handle(key_type),
        key_type,
        name: match key_type {
            KeyType::RawShare => String::new(),
            _ => format!("golden {}", key_type.name()),
        },
        policy: policy(key_type),
        labels: vec![Label {
            name: "team".into(),
            value: "release".into(),
        }],
        share: (key_type == KeyType::RawShare).then(|| Zeroizing::new(vec![0x5a; 320])),
    }
}

pub(crate) fn create_destroyed() -> CreateKey {
    CreateKey {
        handle: destroyed().handle,
        name: "gone".into(),
        ..create(KeyType::Ed25519Signing)
    }
}

/// The key whose deletion has begun.
pub(crate) fn waiting() -> KeyRef {
    KeyRef {
        handle: KeyHandle([0xdf; 16]),
        lineage: None,
    }
}

pub(crate) fn create_waiting() -> CreateKey {
    CreateKey {
        handle: waiting().handle,
        name: "waiting".into(),
        ..create(KeyType::Ed25519Signing)
    }
}

/// The policy that followed the first one.
pub(crate) fn second_policy() -> Vec<u8> {
    let first = Person::Bob.policy(KeyType::Ed25519Signing).unwrap();
    let mut fields = first.fields().clone();
    fields.lifecycle.deletion_window = 60;
    let second = KeyPolicy::from_fields(fields).unwrap();
    second.canonical_bytes().to_vec()
}

/// The profile that is proposed.
pub(crate) fn profile() -> Vec<u8> {
    let text = format!(r#"{{"name":"next","mrenclave":"{}"}}"#, "07".repeat(32));
    let limits = Limits {
        bytes: 1 << 10,
        depth: 4,
        nodes: 16,
    };
    let json = Json::parse(text.as_bytes(), limits).unwrap();
    let profile = AttestationProfile::from_json(&json).unwrap();
    profile.canonical_bytes()
}

fn policy(key_type: KeyType) -> Vec<u8> {
    let policy = Person::Bob.policy(key_type).unwrap();
    policy.canonical_bytes().to_vec()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let nibble = |digit: u8| (digit as char).to_digit(16).unwrap() as u8;
    let pairs = text.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| nibble(pair[0]) << 4 | nibble(pair[1]))
        .collect()
}
