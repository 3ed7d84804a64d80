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
            ErrorCode::RoleRequired
            | ErrorCode::PolicyDenied
            | ErrorCode::UsageDenied
            | ErrorCode::GovernanceRefused
            | ErrorCode::ApprovalRefused
            | ErrorCode::UpdateRefused => Self::Refused,
            ErrorCode::Unauthenticated
            | ErrorCode::TokenExpired
            | ErrorCode::SenderConstraintRequired
            | ErrorCode::DpopNonceRequired => Self::Unauthenticated,
            ErrorCode::IssuerUnavailable
            | ErrorCode::TimeUnknown
            | ErrorCode::Unavailable
            | ErrorCode::Timeout
            | ErrorCode::TooFewVaults => Self::Unreachable,
            ErrorCode::NotAttested
            | ErrorCode::EvidenceRefused
            | ErrorCode::AttestationRefused
            | ErrorCode::ReceiptInvalid
            | ErrorCode::RollbackDetected
            | ErrorCode::ForkDetected
            | ErrorCode::ManifestRefused => Self::Evidence,
            ErrorCode::DecryptionFailed
            | ErrorCode::VerificationFailed
            | ErrorCode::SharesDamaged => Self::VerifiedFalse,
            ErrorCode::NotFound => Self::NotFound,
            ErrorCode::AlreadyExists
            | ErrorCode::IdempotencyConflict
            | ErrorCode::LineageMismatch
            | ErrorCode::VersionConflict
            | ErrorCode::PendingDeletion
            | ErrorCode::Locked => Self::Conflict,
            ErrorCode::RateLimited | ErrorCode::QuotaExceeded => Self::RateLimited,
            ErrorCode::Partial => Self::Partial,
            ErrorCode::Interrupted => Self::Interrupted,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_client::Error;

    #[test]
    fn the_document_says_of_every_code_what_is_true() {
        let document = include_str!("../../../docs/errors.md");
        let rows: Vec<Vec<&str>> = document
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| line.split('|').map(str::trim).collect())
            .filter(|row: &Vec<&str>| row.len() == 7)
            .collect();
        assert_eq!(rows.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            let error = Error::new(code);
            let name = format!("`{code}`");
            let row = rows.iter().find(|row| row[1] == name).expect(&name);
            let exit = (Exit::from(code) as u8).to_string();
            assert_eq!(
                row[3..6],
                [error.blame.name(), error.retry.name(), &exit],
                "{code}"
            );
        }
    }
}
