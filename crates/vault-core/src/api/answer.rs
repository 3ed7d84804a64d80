//! What is answered, and the receipt that comes with it.

use super::Label;
use crate::archive::ArchivedLeaves;
use std::sync::Arc;
use vault_approval::OidcApproval;
use vault_encoding::Hash;
use vault_policy::{KeyHandle, KeyType, KeyVersion, Lineage, PlatformId};
use vault_policy::{PolicyHash, PolicyVersion, UnixSeconds};
use zeroize::Zeroizing;

/// The head of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// Number of leaves.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// The signed checkpoint over them.
    pub checkpoint: Arc<[u8]>,
}

/// Where a call stands in the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoggedLeaf {
    /// Its leaf.
    pub index: u64,
    /// The salt of `request_hash`.
    pub request_salt: Hash,
    /// The leaf's bytes, when asked for.
    pub leaf: Option<Vec<u8>>,
    /// Inclusion proof against the head of the receipt, when asked for.
    pub proof: Option<Vec<Hash>>,
}

/// Comes with every answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// A durable head that covers everything the answer depends on.
    pub head: Head,
    /// Set if the call was logged.
    pub leaf: Option<LoggedLeaf>,
}

/// The state of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyState {
    /// What policy, usage and type allow.
    Enabled,
    /// Nothing but to be looked at and kept; wiped when its window is over.
    PendingDeletion,
    /// Wiped and refused for ever.
    Destroyed,
}

/// A key's metadata.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "named as in key.proto")]
pub struct KeyInfo {
    pub handle: KeyHandle,
    pub lineage: Lineage,
    pub name: String,
    pub key_type: KeyType,
    pub state: KeyState,
    pub version: KeyVersion,
    pub policy_hash: PolicyHash,
    pub policy_version: PolicyVersion,
    pub labels: Vec<Label>,
    pub created_at: UnixSeconds,
    /// "generated" or, for shares, "imported".
    pub origin: &'static str,
    pub exportable: bool,
    /// SubjectPublicKeyInfo; empty for symmetric keys.
    pub public_key: Vec<u8>,
    /// While the deletion is pending: when the key may go.
    pub due_at: Option<UnixSeconds>,
}

/// A profile that somebody proposed. It authorises nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PendingProfile {
    /// Canonical form.
    pub profile: Arc<[u8]>,
    /// Of the entire profile.
    pub digest: Hash,
    /// When, if vault time was known.
    pub staged_at: Option<UnixSeconds>,
    /// Who, as the log names principals: a JSON object.
    pub staged_by: String,
}

/// What the vault makes of the caller.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[expect(missing_docs, reason = "named as in vault.proto")]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
    pub roles: Vec<String>,
    pub token_expires_at: Option<UnixSeconds>,
    pub caller_measurement: Vec<u8>,
    pub caller_platform_id: Option<PlatformId>,
    pub caller_certificate_spki: Option<Hash>,
    pub caller_certificate_names: Vec<String>,
}

/// Whether a request would be allowed as things stand, without any approval.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Simulated {
    /// Whether it would.
    pub allowed: bool,
    /// Why not, as the log would say it; empty if it is allowed.
    pub code: &'static str,
    /// The rule that refuses, if one does.
    pub rule: Option<String>,
    /// Path of the condition inside the rule.
    pub condition: Option<String>,
    /// What would have to be there too, in words.
    pub missing: Vec<String>,
}

/// The answer proper, without its receipt.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each names its RPC")]
pub enum Answer {
    CreateKey(KeyInfo),
    GetKey(KeyInfo),
    ListKeys {
        keys: Vec<KeyInfo>,
        next_page_token: String,
    },
    ScheduleDeletion {
        state: KeyState,
        /// 0 while the deletion is pending.
        tombstone_index: u64,
        /// While it is.
        due_at: Option<UnixSeconds>,
    },
    Sign {
        signature: Vec<u8>,
        version: KeyVersion,
    },
    Verify {
        valid: bool,
    },
    Wrap {
        ciphertext: Vec<u8>,
        version: KeyVersion,
    },
    Unwrap {
        plaintext: Zeroizing<Vec<u8>>,
        version: KeyVersion,
    },
    Mac {
        tag: Vec<u8>,
        version: KeyVersion,
    },
    MacVerify {
        valid: bool,
    },
    GetPublicKey {
        public_key: Vec<u8>,
        version: KeyVersion,
    },
    Reconstruct {
        share: Zeroizing<Vec<u8>>,
        version: KeyVersion,
    },
    GetPolicy {
        policy: Arc<[u8]>,
        policy_version: PolicyVersion,
    },
    /// The statement, in canonical form.
    BeginApproval {
        statement: Vec<u8>,
    },
    IssueApproval(OidcApproval),
    Simulate(Simulated),
    UpdatePolicy {
        policy_hash: PolicyHash,
        policy_version: PolicyVersion,
    },
    StageProfile {
        digest: Hash,
    },
    /// In the order in which they were proposed.
    ListProfiles {
        profiles: Vec<PendingProfile>,
    },
    PromoteProfile {
        policy_hash: PolicyHash,
        policy_version: PolicyVersion,
    },
    RevokeProfile,
    CancelDeletion {
        state: KeyState,
    },
    ReadLog {
        leaves: Vec<Arc<[u8]>>,
    },
    /// The leaves are in the archive: read it, then [`ArchivedLeaves::open`].
    ReadArchive(Box<ArchivedLeaves>),
    GetCheckpoint,
    ProveInclusion {
        proof: Vec<Hash>,
        leaf_hash: Hash,
    },
    ProveConsistency {
        proof: Vec<Hash>,
        old_root: Hash,
        new_root: Hash,
    },
    WhoAmI(Identity),
}

/// A released answer.
#[derive(Clone)]
pub struct Reply {
    /// Where the log stands.
    pub receipt: Receipt,
    /// What was asked for.
    pub answer: Answer,
}
