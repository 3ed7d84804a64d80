//! The closed set of error codes: those of the wire, and those that only a client can find.

use std::fmt;

/// What went wrong. The names are stable and the same in every SDK.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ErrorCode {
    /// The request does not parse or breaks a documented bound.
    InvalidArgument,
    /// Larger than the bound of this request.
    TooLarge,
    /// The policy is not well-formed, asks for what is not enforced, or locks its owner out.
    PolicyInvalid,
    /// No token, or one that does not verify.
    Unauthenticated,
    /// The token is past its expiry, or not yet valid.
    TokenExpired,
    /// The connection carries no attestation preamble.
    NotAttested,
    /// The vault refused the caller's evidence.
    EvidenceRefused,
    /// The role that this call needs is not held.
    RoleRequired,
    /// A principal of the key is refused by its policy.
    PolicyDenied,
    /// The key's usage or type does not allow this operation.
    UsageDenied,
    /// No such key, or none that this caller may know of.
    NotFound,
    /// The handle or name is taken.
    AlreadyExists,
    /// The idempotency key was used with another request.
    IdempotencyConflict,
    /// The lineage named or pinned is not this key's.
    LineageMismatch,
    /// The ciphertext does not authenticate under this key.
    DecryptionFailed,
    /// The vault's log is shorter than one that was seen before.
    RollbackDetected,
    /// The vault's log is not the one that was seen before.
    ForkDetected,
    /// The vault is locked.
    Locked,
    /// Too many requests or connections.
    RateLimited,
    /// A quota is used up.
    QuotaExceeded,
    /// The issuer could not be reached, by the vault or by this client.
    IssuerUnavailable,
    /// Vault time is not established.
    TimeUnknown,
    /// The vault, or this client, is at fault.
    Internal,
    /// The vault is stopping or not reachable.
    Unavailable,
    /// A plain bearer token, where one is needed that is bound to its sender.
    SenderConstraintRequired,
    /// The DPoP proof lacks the nonce of the connection.
    DpopNonceRequired,
    /// The governance quorum has not signed this.
    GovernanceRefused,
    /// An approval that came with the call does not hold, or is not of this call.
    ApprovalRefused,
    /// The policy is not of the version that the call expects.
    VersionConflict,
    /// The key is pending deletion.
    PendingDeletion,
    /// The policy that stands does not allow this change.
    UpdateRefused,
    /// Client only: the vault's evidence or identity was refused.
    AttestationRefused,
    /// Client only: an answer is not covered by a checkpoint that this vault signed.
    ReceiptInvalid,
    /// Client only: the deadline passed.
    Timeout,
    /// Client only: the configuration file or a flag is missing or wrong.
    ConfigInvalid,
    /// Client only: a local file could not be read or written.
    FileInaccessible,
    /// Client only: what was to be verified is false.
    VerificationFailed,
    /// Client only: the manifest is not the constellation's, or older than one that was seen.
    ManifestRefused,
    /// Client only: some vaults failed, and the goal was met.
    Partial,
    /// Client only: too few vaults answered to meet the goal.
    TooFewVaults,
    /// Client only: shares that do not authenticate or do not fit together.
    SharesDamaged,
    /// Client only: stopped by a signal.
    Interrupted,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 42] = [
        Self::InvalidArgument,
        Self::TooLarge,
        Self::PolicyInvalid,
        Self::Unauthenticated,
        Self::TokenExpired,
        Self::NotAttested,
        Self::EvidenceRefused,
        Self::RoleRequired,
        Self::PolicyDenied,
        Self::UsageDenied,
        Self::NotFound,
        Self::AlreadyExists,
        Self::IdempotencyConflict,
        Self::LineageMismatch,
        Self::DecryptionFailed,
        Self::RollbackDetected,
        Self::ForkDetected,
        Self::Locked,
        Self::RateLimited,
        Self::QuotaExceeded,
        Self::IssuerUnavailable,
        Self::TimeUnknown,
        Self::Internal,
        Self::Unavailable,
        Self::SenderConstraintRequired,
        Self::DpopNonceRequired,
        Self::GovernanceRefused,
        Self::ApprovalRefused,
        Self::VersionConflict,
        Self::PendingDeletion,
        Self::UpdateRefused,
        Self::AttestationRefused,
        Self::ReceiptInvalid,
        Self::Timeout,
        Self::ConfigInvalid,
        Self::FileInaccessible,
        Self::VerificationFailed,
        Self::ManifestRefused,
        Self::Partial,
        Self::TooFewVaults,
        Self::SharesDamaged,
        Self::Interrupted,
    ];

    /// Whether two heads of a vault contradict each other: a rollback or a fork.
    pub fn is_contradiction(self) -> bool {
        matches!(self, Self::RollbackDetected | Self::ForkDetected)
    }

    /// The name on the wire, in JSON and in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidArgument => "invalid_argument",
            Self::TooLarge => "too_large",
            Self::PolicyInvalid => "policy_invalid",
            Self::Unauthenticated => "unauthenticated",
            Self::TokenExpired => "token_expired",
            Self::NotAttested => "not_attested",
            Self::EvidenceRefused => "evidence_refused",
            Self::RoleRequired => "role_required",
            Self::PolicyDenied => "policy_denied",
            Self::UsageDenied => "usage_denied",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::IdempotencyConflict => "idempotency_conflict",
            Self::LineageMismatch => "lineage_mismatch",
            Self::DecryptionFailed => "decryption_failed",
            Self::RollbackDetected => "rollback_detected",
            Self::ForkDetected => "fork_detected",
            Self::Locked => "locked",
            Self::RateLimited => "rate_limited",
            Self::QuotaExceeded => "quota_exceeded",
            Self::IssuerUnavailable => "issuer_unavailable",
            Self::TimeUnknown => "time_unknown",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::SenderConstraintRequired => "sender_constraint_required",
            Self::DpopNonceRequired => "dpop_nonce_required",
            Self::GovernanceRefused => "governance_refused",
            Self::ApprovalRefused => "approval_refused",
            Self::VersionConflict => "version_conflict",
            Self::PendingDeletion => "pending_deletion",
            Self::UpdateRefused => "update_refused",
            Self::AttestationRefused => "attestation_refused",
            Self::ReceiptInvalid => "receipt_invalid",
            Self::Timeout => "timeout",
            Self::ConfigInvalid => "config_invalid",
            Self::FileInaccessible => "file_inaccessible",
            Self::VerificationFailed => "verification_failed",
            Self::ManifestRefused => "manifest_refused",
            Self::Partial => "partial",
            Self::TooFewVaults => "too_few_vaults",
            Self::SharesDamaged => "shares_damaged",
            Self::Interrupted => "interrupted",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who has to act.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blame {
    /// Whoever made the call.
    Caller,
    /// The key's policy.
    Policy,
    /// The vault or its host.
    Vault,
    /// Somebody that the vault or the client relies on, such as the issuer.
    Upstream,
}

impl Blame {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Policy => "policy",
            Self::Vault => "vault",
            Self::Upstream => "upstream",
        }
    }
}

/// Whether the same call may succeed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retry {
    /// It will fail again.
    Never,
    /// Later it may succeed.
    Later,
    /// With a new token or connection.
    Reauthenticate,
}

impl Retry {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Later => "later",
            Self::Reauthenticate => "reauthenticate",
        }
    }
}
