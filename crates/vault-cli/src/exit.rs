//! Exit codes that scripts can use.

use vault_client::ErrorCode;

/// Why a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Exit {
    Done = 0,
    Internal = 1,
    Usage = 2,
    Refused = 3,
    Unauthenticated = 4,
    Unreachable = 5,
    /// Attestation, rollback or fork evidence: not to be tried again.
    Evidence = 6,
    VerifiedFalse = 7,
    NotFound = 8,
    Conflict = 9,
    Partial = 10,
    RateLimited = 11,
    Interrupted = 130,
}

impl From<ErrorCode> for Exit {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::Internal => Self::Internal,
            ErrorCode::InvalidArgument
            | ErrorCode::TooLarge
            | ErrorCode::PolicyInvalid
            | ErrorCode::ConfigInvalid
            | ErrorCode::FileInaccessible => Self::Usage,
            ErrorCode::RoleRequired | ErrorCode::PolicyDenied | ErrorCode::UsageDenied => {
                Self::Refused
            }
            ErrorCode::Unauthenticated | ErrorCode::TokenExpired => Self::Unauthenticated,
            ErrorCode::IssuerUnavailable
            | ErrorCode::TimeUnknown
            | ErrorCode::Unavailable
            | ErrorCode::Timeout => Self::Unreachable,
            ErrorCode::NotAttested
            | ErrorCode::EvidenceRefused
            | ErrorCode::AttestationRefused
            | ErrorCode::ReceiptInvalid
            | ErrorCode::RollbackDetected
            | ErrorCode::ForkDetected => Self::Evidence,
            ErrorCode::DecryptionFailed | ErrorCode::VerificationFailed => Self::VerifiedFalse,
            ErrorCode::NotFound => Self::NotFound,
            ErrorCode::AlreadyExists
            | ErrorCode::IdempotencyConflict
            | ErrorCode::LineageMismatch
            | ErrorCode::Locked => Self::Conflict,
            ErrorCode::RateLimited | ErrorCode::QuotaExceeded => Self::RateLimited,
            ErrorCode::Interrupted => Self::Interrupted,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
