//! What a vault may have done, as far as its client can know.

use crate::error::ErrorCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Whether a call that failed with this code has certainly had no effect: the vault says so, and
/// says it before it does anything. Codes that a client finds by itself tell nothing about the
/// vault, and those of evidence come with an answer.
pub(crate) fn did_nothing(code: ErrorCode) -> bool {
    match code {
        // Refused.
        ErrorCode::InvalidArgument
        | ErrorCode::TooLarge
        | ErrorCode::PolicyInvalid
        | ErrorCode::Unauthenticated
        | ErrorCode::TokenExpired
        | ErrorCode::NotAttested
        | ErrorCode::EvidenceRefused
        | ErrorCode::RoleRequired
        | ErrorCode::PolicyDenied
        | ErrorCode::UsageDenied
        | ErrorCode::NotFound
        | ErrorCode::Locked
        | ErrorCode::RateLimited
        | ErrorCode::QuotaExceeded
        | ErrorCode::IssuerUnavailable
        | ErrorCode::TimeUnknown
        | ErrorCode::SenderConstraintRequired
        | ErrorCode::DpopNonceRequired
        | ErrorCode::GovernanceRefused
        | ErrorCode::ApprovalRefused
        | ErrorCode::VersionConflict
        | ErrorCode::PendingDeletion
        | ErrorCode::UpdateRefused => true,
        // What was asked for may be there, from an earlier sending.
        ErrorCode::AlreadyExists | ErrorCode::IdempotencyConflict => false,
        // The key was used.
        ErrorCode::DecryptionFailed => false,
        // A vault also says this of a call that it has recorded.
        ErrorCode::Internal | ErrorCode::Unavailable => false,
        // Evidence.
        ErrorCode::LineageMismatch
        | ErrorCode::RollbackDetected
        | ErrorCode::ForkDetected
        | ErrorCode::AttestationRefused
        | ErrorCode::ReceiptInvalid
        | ErrorCode::VerificationFailed
        | ErrorCode::ManifestRefused
        | ErrorCode::SharesDamaged => false,
        // Found by a client.
        ErrorCode::Timeout
        | ErrorCode::ConfigInvalid
        | ErrorCode::FileInaccessible
        | ErrorCode::Partial
        | ErrorCode::TooFewVaults
        | ErrorCode::Interrupted => false,
    }
}

/// How many sendings of one client may have changed something. One that is given up counts.
#[derive(Clone, Default)]
pub(crate) struct Effects(Arc<AtomicUsize>);

impl Effects {
    pub(super) fn begin(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// One of them has certainly done nothing.
    pub(super) fn undo(&self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }

    pub(crate) fn any(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_proto::v1;

    /// Of these a vault says that it has done nothing; of all others nothing is known.
    const REFUSALS: [&str; 23] = [
        "invalid_argument",
        "too_large",
        "policy_invalid",
        "unauthenticated",
        "token_expired",
        "not_attested",
        "evidence_refused",
        "role_required",
        "policy_denied",
        "usage_denied",
        "not_found",
        "locked",
        "rate_limited",
        "quota_exceeded",
        "issuer_unavailable",
        "time_unknown",
        "sender_constraint_required",
        "dpop_nonce_required",
        "governance_refused",
        "approval_refused",
        "version_conflict",
        "pending_deletion",
        "update_refused",
    ];

    #[test]
    fn of_all_codes_only_the_refusals_of_a_vault_say_that_nothing_was_done() {
        let said = ErrorCode::ALL.into_iter().filter(|code| did_nothing(*code));
        assert_eq!(said.map(ErrorCode::name).collect::<Vec<_>>(), REFUSALS);
    }

    #[test]
    fn no_code_that_only_a_client_finds_says_what_a_vault_has_done() {
        use buffa::Enumeration;
        let on_the_wire: Vec<_> = v1::ErrorCode::values()
            .iter()
            .filter_map(|code| ErrorCode::from_wire(*code))
            .collect();
        for code in ErrorCode::ALL {
            assert!(!did_nothing(code) || on_the_wire.contains(&code), "{code}");
        }
    }

    #[test]
    fn what_was_begun_counts_until_it_is_known_to_have_done_nothing() {
        let effects = Effects::default();
        assert!(!effects.any());
        effects.begin();
        effects.clone().begin();
        effects.undo();
        assert!(effects.any());
        effects.undo();
        assert!(!effects.any());
    }
}
