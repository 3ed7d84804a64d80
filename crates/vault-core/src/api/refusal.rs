//! What is refused, and why.

use super::{Head, LoggedLeaf, SeenHead};

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
    SenderConstraintRequired = 25,
    DpopNonceRequired = 26,
    GovernanceRefused = 27,
    ApprovalRefused = 28,
    VersionConflict = 29,
    PendingDeletion = 30,
    UpdateRefused = 31,
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
            Self::PolicyDenied | Self::UsageDenied | Self::UpdateRefused => {
                (Blame::Policy, Retry::Never)
            }
            Self::Unauthenticated
            | Self::TokenExpired
            | Self::NotAttested
            | Self::SenderConstraintRequired
            | Self::DpopNonceRequired => (Blame::Caller, Retry::Reauthenticate),
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
            | Self::QuotaExceeded
            | Self::GovernanceRefused
            | Self::ApprovalRefused
            | Self::VersionConflict
            | Self::PendingDeletion => (Blame::Caller, Retry::Never),
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
