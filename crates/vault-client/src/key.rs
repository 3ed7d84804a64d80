//! Keys as callers name and see them.

use crate::error::{Error, ErrorCode, Result};
use vault_encoding::Hash;
use vault_policy::{KeyHandle, KeyType, KeyVersion, Lineage, PolicyHash, PolicyVersion};
use vault_proto::v1;

/// Names a key: by handle for its owner, by handle and lineage for everybody else. A lineage
/// that is not given is taken from what was pinned when the key was first seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyName {
    /// The key.
    pub handle: KeyHandle,
    /// Where it comes from.
    pub lineage: Option<Lineage>,
}

impl From<KeyHandle> for KeyName {
    fn from(handle: KeyHandle) -> Self {
        Self {
            handle,
            lineage: None,
        }
    }
}

impl KeyName {
    pub(crate) fn to_wire(self) -> v1::KeyRef {
        v1::KeyRef {
            handle: self.handle.to_string(),
            lineage: self
                .lineage
                .map(|lineage| lineage.0.0.to_vec())
                .unwrap_or_default(),
            ..Default::default()
        }
    }
}

/// Whether a key can be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyState {
    /// As its policy, usage and type allow.
    Enabled,
    /// Wiped, and refused for ever.
    Destroyed,
    /// Refused until its deletion is cancelled, or due and done.
    PendingDeletion,
}

impl KeyState {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Destroyed => "destroyed",
            Self::PendingDeletion => "pending_deletion",
        }
    }

    pub(crate) fn from_wire(state: buffa::EnumValue<v1::KeyState>) -> Result<Self> {
        match state.as_known() {
            Some(v1::KeyState::KEY_STATE_ENABLED) => Ok(Self::Enabled),
            Some(v1::KeyState::KEY_STATE_DESTROYED) => Ok(Self::Destroyed),
            Some(v1::KeyState::KEY_STATE_PENDING_DELETION) => Ok(Self::PendingDeletion),
            Some(v1::KeyState::KEY_STATE_UNSPECIFIED) | None => Err(malformed("key state")),
        }
    }
}

/// What a vault says of one key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyInfo {
    /// Its handle.
    pub handle: KeyHandle,
    /// Where it comes from.
    pub lineage: Lineage,
    /// Its name among its owner's keys; may be empty.
    pub name: String,
    /// Its type.
    pub key_type: KeyType,
    /// Whether it can be used.
    pub state: KeyState,
    /// The primary version.
    pub version: KeyVersion,
    /// Hash of its policy.
    pub policy_hash: PolicyHash,
    /// Version of its policy.
    pub policy_version: PolicyVersion,
    /// Names and values, in the order of the vault.
    pub labels: Vec<(String, String)>,
    /// Unix seconds, vault time.
    pub created_at: u64,
    /// How it came to be, such as `generated`.
    pub origin: String,
    /// Whether it may leave the vault.
    pub exportable: bool,
    /// SubjectPublicKeyInfo, DER; `None` for symmetric keys.
    pub public_key: Option<Vec<u8>>,
    /// Unix seconds, vault time: when a key that is pending deletion is destroyed.
    pub due_at: Option<u64>,
}

impl KeyInfo {
    pub(crate) fn from_wire(key: v1::KeyInfo) -> Result<Self> {
        Ok(Self {
            handle: key.handle.parse().map_err(|_| malformed("handle"))?,
            lineage: Lineage(hash(&key.lineage, "lineage")?),
            name: key.name,
            key_type: vault_proto::key_type(key.r#type).map_err(|_| malformed("key type"))?,
            state: KeyState::from_wire(key.state)?,
            version: KeyVersion(key.version),
            policy_hash: PolicyHash(hash(&key.policy_hash, "policy hash")?),
            policy_version: PolicyVersion(key.policy_version),
            labels: key
                .labels
                .into_iter()
                .map(|label| (label.name, label.value))
                .collect(),
            created_at: key.created_at,
            origin: key.origin,
            exportable: key.exportable,
            public_key: (!key.public_key.is_empty()).then_some(key.public_key),
            due_at: (key.due_at != 0).then_some(key.due_at),
        })
    }
}

pub(crate) fn hash(bytes: &[u8], what: &str) -> Result<Hash> {
    Hash::from_slice(bytes).ok_or_else(|| malformed(what))
}

/// A vault's answer that does not hold what it must.
pub(crate) fn malformed(what: &str) -> Error {
    Error::new(ErrorCode::Internal).detail(format_args!("the vault's answer holds no valid {what}"))
}
