//! What is asked.

use vault_approval::Approval;
use vault_encoding::Hash;
use vault_keys::SignatureFormat;
use vault_policy::{KeyHandle, KeyType, KeyVersion, Lineage, PolicyVersion, VaultId};
use zeroize::Zeroizing;

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
    /// What others signed for exactly this call. Its nonce is spent by the call, whatever comes of it.
    pub approval: Option<Approval>,
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
    /// The share, as long as one of the size classes; for that type and for no other.
    pub share: Option<Zeroizing<Vec<u8>>>,
}

/// One page of the owner's keys.
#[derive(Clone, Default)]
pub struct ListKeys {
    /// 1 to 1000; 0 means 100.
    pub page_size: u32,
    /// From the page before; empty for the first.
    pub page_token: String,
}

/// Destroy a key, or begin the window after which it is.
#[derive(Clone)]
pub struct ScheduleDeletion {
    /// Which.
    pub key: KeyRef,
    /// Seconds, at least as many as the policy asks for; 0 destroys the key at once.
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

/// Put another policy in the place of a key's.
#[derive(Clone)]
pub struct UpdatePolicy {
    /// Whose.
    pub key: KeyRef,
    /// The new one, in canonical form.
    pub policy: Vec<u8>,
    /// The version that it is to follow.
    pub expected_version: PolicyVersion,
}

/// Propose an attestation profile.
#[derive(Clone)]
pub struct StageProfile {
    /// For which key.
    pub key: KeyRef,
    /// Canonical form.
    pub profile: Vec<u8>,
}

/// Take a proposed profile into the policy.
#[derive(Clone, Copy)]
pub struct PromoteProfile {
    /// Of which key.
    pub key: KeyRef,
    /// Of the entire profile.
    pub digest: Hash,
    /// The version of the policy that it is taken into.
    pub expected_version: PolicyVersion,
}

/// Drop a proposed profile.
#[derive(Clone, Copy)]
pub struct RevokeProfile {
    /// Of which key.
    pub key: KeyRef,
    /// Of the entire profile.
    pub digest: Hash,
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
    Reconstruct {
        key: KeyRef,
    },
    GetPolicy {
        key: KeyRef,
    },
    /// Open a request (canonical form) for approval, for so many seconds; 0 means an hour.
    BeginApproval {
        key: KeyRef,
        request: Vec<u8>,
        valid_for: u64,
    },
    /// Approve a statement (canonical form) with one's own token.
    IssueApproval {
        key: KeyRef,
        statement: Vec<u8>,
    },
    /// Whether a request (canonical form) would be allowed, and if not, what is missing.
    Simulate {
        key: KeyRef,
        request: Vec<u8>,
    },
    UpdatePolicy(UpdatePolicy),
    StageProfile(StageProfile),
    ListProfiles {
        key: KeyRef,
    },
    PromoteProfile(PromoteProfile),
    RevokeProfile(RevokeProfile),
    CancelDeletion {
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
