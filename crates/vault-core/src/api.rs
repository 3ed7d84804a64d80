//! What can be asked of a vault and what it answers: the wire's messages without the wire.

use std::sync::Arc;
use vault_encoding::Hash;
use vault_policy::{KeyHandle, KeyType, KeyVersion, Lineage, PolicyHash, PolicyVersion};
use vault_policy::{Measurement, PlatformId, UnixSeconds, VaultId};
use zeroize::Zeroizing;

pub use vault_keys::SignatureFormat;

/// Names a key: by handle for its owner, by handle and lineage for everybody else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyRef {
    /// The handle.
    pub handle: KeyHandle,
    /// The lineage, if the caller pins it.
    pub lineage: Option<Lineage>,
}

/// The last head that a caller has seen of one vault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SeenHead {
    /// Of which vault.
    pub vault_id: VaultId,
    /// Number of leaves.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
}

/// Travels with every request.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CallContext {
    /// At most 64 bytes; empty means none. Only for requests that change something.
    pub idempotency_key: String,
    /// The last head that the caller has seen of this vault.
    pub seen: Option<SeenHead>,
    /// Whether leaf bytes and inclusion proof are wanted in the receipt.
    pub want_proof: bool,
}

/// A name and a value that the owner attached to a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// Unique among the key's labels.
    pub name: String,
    /// Any text.
    pub value: String,
}

/// What is signed.
#[derive(Clone, PartialEq, Eq)]
pub enum Payload {
    /// Hashed inside.
    Message(Vec<u8>),
    /// A SHA-256 digest, signed raw.
    Digest(Vec<u8>),
}

/// Create a key under a policy.
#[derive(Clone)]
pub struct CreateKey {
    /// Chosen by the creator, from 128 random bits.
    pub handle: KeyHandle,
    /// Fixed for life.
    pub key_type: KeyType,
    /// At most 256 bytes; may be empty.
    pub name: String,
    /// Canonical form.
    pub policy: Vec<u8>,
    /// At most 16.
    pub labels: Vec<Label>,
}

/// One page of the owner's keys.
#[derive(Clone, Default)]
pub struct ListKeys {
    /// 1 to 1000; 0 means 100.
    pub page_size: u32,
    /// From the page before; empty for the first.
    pub page_token: String,
}

/// Destroy a key.
#[derive(Clone)]
pub struct ScheduleDeletion {
    /// Which.
    pub key: KeyRef,
    /// Seconds; only 0 is accepted.
    pub window: u64,
}

/// Sign a message or a digest.
#[derive(Clone)]
pub struct Sign {
    /// With which key.
    pub key: KeyRef,
    /// What.
    pub input: Payload,
    /// How the signature is written.
    pub format: SignatureFormat,
}

/// Verify a signature.
#[derive(Clone)]
pub struct Verify {
    /// With which key.
    pub key: KeyRef,
    /// Of what.
    pub input: Payload,
    /// How the signature is written.
    pub format: SignatureFormat,
    /// The signature.
    pub signature: Vec<u8>,
    /// `None`: the primary version.
    pub version: Option<KeyVersion>,
}

/// Encrypt.
#[derive(Clone)]
pub struct Wrap {
    /// With which key.
    pub key: KeyRef,
    /// What.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// Authenticated with it.
    pub aad: Vec<u8>,
}

/// Decrypt.
#[derive(Clone)]
pub struct Unwrap {
    /// With which key.
    pub key: KeyRef,
    /// As `Wrap` gave it.
    pub ciphertext: Vec<u8>,
    /// As it was given to `Wrap`.
    pub aad: Vec<u8>,
}

/// Make a tag.
#[derive(Clone)]
pub struct Mac {
    /// With which key.
    pub key: KeyRef,
    /// Over what.
    pub message: Vec<u8>,
}

/// Check a tag.
#[derive(Clone)]
pub struct MacVerify {
    /// With which key.
    pub key: KeyRef,
    /// Over what.
    pub message: Vec<u8>,
    /// The tag, in full.
    pub tag: Vec<u8>,
    /// `None`: the primary version.
    pub version: Option<KeyVersion>,
}

/// Everything that can be asked by an authenticated caller.
#[derive(Clone)]
#[expect(missing_docs, reason = "each names its RPC")]
pub enum Request {
    CreateKey(CreateKey),
    GetKey {
        key: KeyRef,
    },
    ListKeys(ListKeys),
    ScheduleDeletion(ScheduleDeletion),
    Sign(Sign),
    Verify(Verify),
    Wrap(Wrap),
    Unwrap(Unwrap),
    Mac(Mac),
    MacVerify(MacVerify),
    GetPublicKey {
        key: KeyRef,
        version: Option<KeyVersion>,
    },
    GetPolicy {
        key: KeyRef,
    },
    /// Leaves `from..to`; `to` 0 means the head. At most 256 leaves an answer: ask again.
    ReadLog {
        from: u64,
        to: u64,
    },
    GetCheckpoint,
    ProveInclusion {
        index: u64,
        size: u64,
    },
    ProveConsistency {
        old_size: u64,
        new_size: u64,
    },
    WhoAmI,
}

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
    /// "generated".
    pub origin: &'static str,
    pub exportable: bool,
    /// SubjectPublicKeyInfo; empty for symmetric keys.
    pub public_key: Vec<u8>,
}

/// What the vault makes of the caller.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[expect(missing_docs, reason = "named as in vault.proto")]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
    pub roles: Vec<String>,
    pub token_expires_at: Option<UnixSeconds>,
    pub caller_measurement: Option<Measurement>,
    pub caller_platform_id: Option<PlatformId>,
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
        tombstone_index: u64,
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
    GetPolicy {
        policy: Arc<[u8]>,
        policy_version: PolicyVersion,
    },
    ReadLog {
        leaves: Vec<Arc<[u8]>>,
    },
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

/// Why a call is refused; the numbers are those of `ErrorCode` on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "error.proto documents each")]
pub enum Code {
    InvalidArgument = 1,
    TooLarge = 2,
    PolicyInvalid = 3,
    Unauthenticated = 4,
    TokenExpired = 5,
    NotAttested = 6,
    EvidenceRefused = 7,
    RoleRequired = 8,
    PolicyDenied = 9,
    UsageDenied = 10,
    NotFound = 11,
    AlreadyExists = 12,
    IdempotencyConflict = 13,
    LineageMismatch = 14,
    DecryptionFailed = 15,
    RollbackDetected = 16,
    ForkDetected = 17,
    Locked = 18,
    RateLimited = 19,
    QuotaExceeded = 20,
    IssuerUnavailable = 21,
    TimeUnknown = 22,
    Internal = 23,
    Unavailable = 24,
}

/// Who is at fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "error.proto documents each")]
pub enum Blame {
    Caller = 1,
    Policy = 2,
    Vault = 3,
    Upstream = 4,
}

/// Whether to try again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "error.proto documents each")]
pub enum Retry {
    Never = 1,
    Later = 2,
    Reauthenticate = 3,
}

/// A refused call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Stable.
    pub code: Code,
    /// Who is at fault.
    pub blame: Blame,
    /// Whether to try again.
    pub retry: Retry,
    /// The rule that refused; only for principals of the key.
    pub rule: Option<String>,
    /// Path of the condition inside the rule; only for principals of the key.
    pub condition: Option<String>,
    /// What is wrong with a request or a policy that the caller wrote itself.
    pub detail: Option<String>,
    /// Seconds.
    pub retry_after: Option<u64>,
    /// The vault's own head: with rollback and fork evidence and with logged refusals.
    pub head: Option<Head>,
    /// The head that the caller claims to have seen: with rollback and fork evidence.
    pub seen: Option<SeenHead>,
    /// Set if the refusal was logged.
    pub leaf: Option<LoggedLeaf>,
}

impl Code {
    /// Who is to blame and whether to retry, fixed by the code.
    pub fn verdict(self) -> (Blame, Retry) {
        match self {
            Self::PolicyDenied | Self::UsageDenied => (Blame::Policy, Retry::Never),
            Self::Unauthenticated | Self::TokenExpired | Self::NotAttested => {
                (Blame::Caller, Retry::Reauthenticate)
            }
            Self::RollbackDetected | Self::ForkDetected | Self::Locked => {
                (Blame::Vault, Retry::Never)
            }
            Self::RateLimited => (Blame::Caller, Retry::Later),
            Self::IssuerUnavailable => (Blame::Upstream, Retry::Later),
            Self::TimeUnknown | Self::Internal | Self::Unavailable => (Blame::Vault, Retry::Later),
            Self::InvalidArgument
            | Self::TooLarge
            | Self::PolicyInvalid
            | Self::EvidenceRefused
            | Self::RoleRequired
            | Self::NotFound
            | Self::AlreadyExists
            | Self::IdempotencyConflict
            | Self::LineageMismatch
            | Self::DecryptionFailed
            | Self::QuotaExceeded => (Blame::Caller, Retry::Never),
        }
    }
}

impl Refusal {
    /// A refusal that says nothing but its code.
    pub fn new(code: Code) -> Self {
        let (blame, retry) = code.verdict();
        Self {
            code,
            blame,
            retry,
            rule: None,
            condition: None,
            detail: None,
            retry_after: None,
            head: None,
            seen: None,
            leaf: None,
        }
    }

    /// The same, with what is wrong with the caller's own request.
    #[must_use]
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}
