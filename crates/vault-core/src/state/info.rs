//! What is said of a key and of its tombstone.

use super::{LiveKey, Tombstone};
use crate::api::{KeyInfo, KeyState};
use vault_policy::KeyType;

impl LiveKey {
    pub(crate) fn info(&self) -> KeyInfo {
        KeyInfo {
            handle: self.handle,
            lineage: self.lineage,
            name: self.name().to_owned(),
            key_type: self.key_type(),
            state: self.state(),
            version: self.version,
            policy_hash: self.policy.hash(),
            policy_version: self.policy_version,
            labels: self.labels().to_vec(),
            created_at: self.created_at,
            origin: origin(self.key_type()),
            exportable: is_exportable(self.key_type()),
            public_key: self.public_key.to_vec(),
            due_at: self.due_at(),
        }
    }

    pub(crate) fn state(&self) -> KeyState {
        match self.due_at() {
            Some(_) => KeyState::PendingDeletion,
            None => KeyState::Enabled,
        }
    }
}

impl Tombstone {
    pub(crate) fn info(&self) -> KeyInfo {
        KeyInfo {
            handle: self.subject.handle,
            lineage: self.subject.lineage,
            name: self.name.clone(),
            key_type: self.key_type,
            state: KeyState::Destroyed,
            version: self.subject.version,
            policy_hash: self.subject.policy_hash,
            policy_version: self.subject.policy_version,
            labels: Vec::new(),
            created_at: self.created_at,
            origin: origin(self.key_type),
            exportable: is_exportable(self.key_type),
            public_key: Vec::new(),
            due_at: None,
        }
    }
}

/// A share was made outside; everything else was made here.
fn origin(key_type: KeyType) -> &'static str {
    match key_type {
        KeyType::RawShare => "imported",
        _ => "generated",
    }
}

/// A share leaves as it came; nothing else ever leaves.
fn is_exportable(key_type: KeyType) -> bool {
    key_type == KeyType::RawShare
}
