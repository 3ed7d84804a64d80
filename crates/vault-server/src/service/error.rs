//! Refusals on the wire.

use super::wire;
use buffa::MessageField;
use connectrpc::interceptor::{UnaryRequest, UnaryResponse};
use connectrpc::{ConnectError, ErrorCode as Rpc, Interceptor, Next, async_trait};
use vault_core::api::{Blame, Retry};
use vault_core::{Code, Refusal};
use vault_proto::{to_connect_error, v1};

/// The error of a refusal, with its typed detail.
pub(crate) fn refusal_to_error(refusal: &Refusal) -> ConnectError {
    to_connect_error(&detail(refusal), message(refusal))
}

/// The same as the outcome of one call of a stream or a batch.
pub(super) fn refusal_to_outcome(refusal: &Refusal) -> v1::OperateError {
    let detail = detail(refusal);
    v1::OperateError {
        grpc_code: vault_proto::rpc_code(&detail).grpc_code(),
        message: message(refusal).to_owned(),
        detail: MessageField::some(detail),
        ..Default::default()
    }
}

fn message(refusal: &Refusal) -> &str {
    refusal.detail.as_deref().unwrap_or(sentence(refusal.code))
}

fn detail(refusal: &Refusal) -> v1::ErrorDetail {
    v1::ErrorDetail {
        code: wire_code(refusal.code).into(),
        blame: wire_blame(refusal.blame).into(),
        retry: wire_retry(refusal.retry).into(),
        rule: refusal.rule.clone().unwrap_or_default(),
        condition: refusal.condition.clone().unwrap_or_default(),
        retry_after: refusal.retry_after.unwrap_or_default(),
        head: wire::optional(refusal.head.as_ref().map(wire::head)),
        leaf: wire::optional(refusal.leaf.as_ref().map(wire::logged_leaf)),
        ..Default::default()
    }
}

/// Gives the typed detail to errors that the RPC library made itself: those of messages that do
/// not parse, and of methods that are not there.
pub(crate) struct Explain;

#[async_trait]
impl Interceptor for Explain {
    async fn intercept_unary(
        &self,
        request: UnaryRequest,
        next: Next<'_>,
    ) -> Result<UnaryResponse, ConnectError> {
        next.run(request).await.map_err(explain)
    }
}

/// The error with a typed detail, whoever made it.
pub(super) fn explain(error: ConnectError) -> ConnectError {
    if !error.details.is_empty() {
        return error;
    }
    let refusal = match error.code {
        Rpc::InvalidArgument | Rpc::OutOfRange => {
            Refusal::new(Code::InvalidArgument).because("the message does not parse")
        }
        Rpc::ResourceExhausted => Refusal::new(Code::TooLarge),
        Rpc::Unimplemented => Refusal::new(Code::InvalidArgument).because("no such method"),
        Rpc::DeadlineExceeded | Rpc::Canceled | Rpc::Unavailable => Refusal::new(Code::Unavailable),
        _ => Refusal::new(Code::Internal),
    };
    refusal_to_error(&refusal)
}

fn wire_code(code: Code) -> v1::ErrorCode {
    use v1::ErrorCode as Wire;
    match code {
        Code::InvalidArgument => Wire::ERROR_CODE_INVALID_ARGUMENT,
        Code::TooLarge => Wire::ERROR_CODE_TOO_LARGE,
        Code::PolicyInvalid => Wire::ERROR_CODE_POLICY_INVALID,
        Code::Unauthenticated => Wire::ERROR_CODE_UNAUTHENTICATED,
        Code::TokenExpired => Wire::ERROR_CODE_TOKEN_EXPIRED,
        Code::NotAttested => Wire::ERROR_CODE_NOT_ATTESTED,
        Code::EvidenceRefused => Wire::ERROR_CODE_EVIDENCE_REFUSED,
        Code::RoleRequired => Wire::ERROR_CODE_ROLE_REQUIRED,
        Code::PolicyDenied => Wire::ERROR_CODE_POLICY_DENIED,
        Code::UsageDenied => Wire::ERROR_CODE_USAGE_DENIED,
        Code::NotFound => Wire::ERROR_CODE_NOT_FOUND,
        Code::AlreadyExists => Wire::ERROR_CODE_ALREADY_EXISTS,
        Code::IdempotencyConflict => Wire::ERROR_CODE_IDEMPOTENCY_CONFLICT,
        Code::LineageMismatch => Wire::ERROR_CODE_LINEAGE_MISMATCH,
        Code::DecryptionFailed => Wire::ERROR_CODE_DECRYPTION_FAILED,
        Code::RollbackDetected => Wire::ERROR_CODE_ROLLBACK_DETECTED,
        Code::ForkDetected => Wire::ERROR_CODE_FORK_DETECTED,
        Code::Locked => Wire::ERROR_CODE_LOCKED,
        Code::RateLimited => Wire::ERROR_CODE_RATE_LIMITED,
        Code::QuotaExceeded => Wire::ERROR_CODE_QUOTA_EXCEEDED,
        Code::IssuerUnavailable => Wire::ERROR_CODE_ISSUER_UNAVAILABLE,
        Code::TimeUnknown => Wire::ERROR_CODE_TIME_UNKNOWN,
        Code::Internal => Wire::ERROR_CODE_INTERNAL,
        Code::Unavailable => Wire::ERROR_CODE_UNAVAILABLE,
        Code::SenderConstraintRequired => Wire::ERROR_CODE_SENDER_CONSTRAINT_REQUIRED,
        Code::DpopNonceRequired => Wire::ERROR_CODE_DPOP_NONCE_REQUIRED,
        Code::GovernanceRefused => Wire::ERROR_CODE_GOVERNANCE_REFUSED,
        Code::ApprovalRefused => Wire::ERROR_CODE_APPROVAL_REFUSED,
        Code::VersionConflict => Wire::ERROR_CODE_VERSION_CONFLICT,
        Code::PendingDeletion => Wire::ERROR_CODE_PENDING_DELETION,
        Code::UpdateRefused => Wire::ERROR_CODE_UPDATE_REFUSED,
    }
}

fn wire_blame(blame: Blame) -> v1::Blame {
    match blame {
        Blame::Caller => v1::Blame::BLAME_CALLER,
        Blame::Policy => v1::Blame::BLAME_POLICY,
        Blame::Vault => v1::Blame::BLAME_VAULT,
        Blame::Upstream => v1::Blame::BLAME_UPSTREAM,
    }
}

fn wire_retry(retry: Retry) -> v1::Retry {
    match retry {
        Retry::Never => v1::Retry::RETRY_NEVER,
        Retry::Later => v1::Retry::RETRY_LATER,
        Retry::Reauthenticate => v1::Retry::RETRY_REAUTHENTICATE,
    }
}

/// What a refusal says that has nothing more to say.
fn sentence(code: Code) -> &'static str {
    match code {
        Code::InvalidArgument => "the request is not valid",
        Code::TooLarge => "the request is larger than allowed",
        Code::PolicyInvalid => "the policy is not valid",
        Code::Unauthenticated => {
            "the call carries no token, comes from no attested enclave and shows no client certificate"
        }
        Code::TokenExpired => "the token has expired",
        Code::NotAttested => "the connection is not attested",
        Code::EvidenceRefused => "the caller's evidence was refused",
        Code::RoleRequired => "a role that this call needs is not held",
        Code::PolicyDenied => "the key's policy denies this",
        Code::UsageDenied => "the key's usage or type does not allow this",
        Code::NotFound => "there is no such key",
        Code::AlreadyExists => "the handle or name is taken",
        Code::IdempotencyConflict => "the idempotency key was used with another request",
        Code::LineageMismatch => "the key has another lineage",
        Code::DecryptionFailed => "the ciphertext does not authenticate under this key",
        Code::RollbackDetected => "the caller has seen a longer log",
        Code::ForkDetected => "the caller has seen another log",
        Code::Locked => "the vault is locked",
        Code::RateLimited => "too many requests",
        Code::QuotaExceeded => "a quota is used up",
        Code::IssuerUnavailable => "the issuer's keys could not be fetched",
        Code::TimeUnknown => "vault time is not established",
        Code::Internal => "the vault failed",
        Code::Unavailable => "the vault is not available now",
        Code::SenderConstraintRequired => "this needs a token that is bound to its sender",
        Code::DpopNonceRequired => "the DPoP proof needs this connection's nonce",
        Code::GovernanceRefused => "the governance quorum has not signed this",
        Code::ApprovalRefused => "an approval that came with the call does not hold",
        Code::VersionConflict => "the policy is of another version",
        Code::PendingDeletion => "the key is pending deletion",
        Code::UpdateRefused => "the policy that stands does not allow this change",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_proto::detail_of;

    #[test]
    fn a_refusal_keeps_its_rule_and_condition_and_its_number() {
        let mut refusal = Refusal::new(Code::PolicyDenied);
        refusal.rule = Some("nightly".into());
        refusal.condition = Some("all[0]".into());
        let detail = detail_of(&refusal_to_error(&refusal)).unwrap();
        assert_eq!(detail.code.to_i32(), Code::PolicyDenied as i32);
        assert_eq!(detail.rule, "nightly");
        assert_eq!(detail.condition, "all[0]");
        assert_eq!(detail.retry, v1::Retry::RETRY_NEVER);
        assert_eq!(detail.blame, v1::Blame::BLAME_POLICY);
    }

    #[test]
    fn errors_of_the_library_get_a_detail_and_ours_keep_theirs() {
        let bare = explain(ConnectError::invalid_argument("decode: offset 7"));
        let detail = detail_of(&bare).unwrap();
        assert_eq!(detail.code, v1::ErrorCode::ERROR_CODE_INVALID_ARGUMENT);
        let ours = explain(refusal_to_error(&Refusal::new(Code::NotFound)));
        assert_eq!(
            detail_of(&ours).unwrap().code,
            v1::ErrorCode::ERROR_CODE_NOT_FOUND
        );
    }
}
