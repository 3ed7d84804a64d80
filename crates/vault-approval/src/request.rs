//! What is approved: one operation with its parameters. Payloads stand in it as SHA-256 and length.

mod form;

use crate::FormatError;
use vault_encoding::{Canonical, Hash, Limits, sha256};
use vault_policy::{KeyVersion, PolicyHash, PolicyVersion};

/// Bytes of a request's canonical text.
pub const MAX_REQUEST: usize = 1024;

const LIMITS: Limits = Limits {
    bytes: MAX_REQUEST,
    depth: 1,
    nodes: 16,
};

/// Bytes that are named and not shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Digested {
    /// How many.
    pub length: u64,
    /// SHA-256 over them.
    pub sha256: Hash,
}

/// How a signature is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignatureForm {
    /// ASN.1.
    Der,
    /// Two integers, or the 64 bytes of RFC 8032.
    P1363,
}

/// What a signature is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignedInput {
    /// A message, hashed inside.
    Message,
    /// A digest.
    Digest,
}

/// One operation on one key, as a manager approves it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "named as in the canonical form")]
pub enum ApprovalRequest {
    Sign {
        key_version: KeyVersion,
        payload: Digested,
        format: SignatureForm,
    },
    SignDigest {
        key_version: KeyVersion,
        payload: Digested,
        format: SignatureForm,
    },
    Verify {
        key_version: KeyVersion,
        input: SignedInput,
        payload: Digested,
        format: SignatureForm,
        signature_sha256: Hash,
    },
    Wrap {
        key_version: KeyVersion,
        aad: Digested,
        payload: Digested,
    },
    /// Version 0: the one inside the ciphertext.
    Unwrap {
        key_version: KeyVersion,
        aad: Digested,
        payload: Digested,
    },
    Mac {
        key_version: KeyVersion,
        payload: Digested,
    },
    MacVerify {
        key_version: KeyVersion,
        payload: Digested,
        tag_sha256: Hash,
    },
    GetPublicKey {
        key_version: KeyVersion,
    },
    Reconstruct {
        key_version: KeyVersion,
    },
    /// Seconds until the key is gone.
    DeleteKey {
        window: u64,
    },
    CancelDeletion,
    UpdatePolicy {
        expected_version: PolicyVersion,
        new_policy_hash: PolicyHash,
    },
    StageProfile {
        policy_version: PolicyVersion,
        profile_digest: Hash,
    },
    PromoteProfile {
        policy_version: PolicyVersion,
        profile_digest: Hash,
    },
    RevokeProfile {
        profile_digest: Hash,
    },
}

impl Digested {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            length: bytes.len() as u64,
            sha256: sha256(bytes),
        }
    }
}

impl SignatureForm {
    fn name(self) -> &'static str {
        match self {
            Self::Der => "der",
            Self::P1363 => "p1363",
        }
    }
}

impl SignedInput {
    fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Digest => "digest",
        }
    }
}

impl ApprovalRequest {
    /// The operation's name, as in leaves.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Sign { .. } => "sign",
            Self::SignDigest { .. } => "sign_digest",
            Self::Verify { .. } => "verify",
            Self::Wrap { .. } => "wrap",
            Self::Unwrap { .. } => "unwrap",
            Self::Mac { .. } => "mac",
            Self::MacVerify { .. } => "mac_verify",
            Self::GetPublicKey { .. } => "get_public_key",
            Self::Reconstruct { .. } => "reconstruct",
            Self::DeleteKey { .. } => "delete_key",
            Self::CancelDeletion => "cancel_deletion",
            Self::UpdatePolicy { .. } => "update_policy",
            Self::StageProfile { .. } => "stage_profile",
            Self::PromoteProfile { .. } => "promote_profile",
            Self::RevokeProfile { .. } => "revoke_profile",
        }
    }

    /// The version that is used, where one is.
    pub fn key_version(&self) -> Option<KeyVersion> {
        match self {
            Self::Sign { key_version, .. }
            | Self::SignDigest { key_version, .. }
            | Self::Verify { key_version, .. }
            | Self::Wrap { key_version, .. }
            | Self::Unwrap { key_version, .. }
            | Self::Mac { key_version, .. }
            | Self::MacVerify { key_version, .. }
            | Self::GetPublicKey { key_version }
            | Self::Reconstruct { key_version } => Some(*key_version),
            Self::DeleteKey { .. }
            | Self::CancelDeletion
            | Self::UpdatePolicy { .. }
            | Self::StageProfile { .. }
            | Self::PromoteProfile { .. }
            | Self::RevokeProfile { .. } => None,
        }
    }

    /// The canonical text.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        self.to_canonical().to_bytes()
    }

    /// Reads the canonical text, and no other spelling of it.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        Self::from_canonical(&Canonical::from_bytes(bytes, LIMITS)?)
    }
}
