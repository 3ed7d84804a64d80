//! The keys that every store of the tree holds, all of them Bob's.

use vault_core::api::{CreateKey, KeyRef, Label};
use vault_policy::{KeyHandle, KeyType};
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
