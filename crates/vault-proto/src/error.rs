//! Errors on the wire: a gRPC code, a message, and one typed detail.

use crate::v1;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use buffa::{Enumeration, Message};
use connectrpc::{ConnectError, ErrorCode as Rpc, ErrorDetail as AnyDetail};
use v1::ErrorCode as Code;

/// Full name of the detail's message.
pub const ERROR_DETAIL: &str = "enclavevaults.v1.ErrorDetail";

/// The error that carries this detail; its gRPC code follows from the detail's own.
pub fn to_connect_error(detail: &v1::ErrorDetail, message: &str) -> ConnectError {
    ConnectError::new(rpc_code(detail), message)
        .with_detail(AnyDetail::from_message(ERROR_DETAIL, detail))
}

/// The typed detail of an error; `None` if it carries none, or more than one, or one that does
/// not parse.
pub fn detail_of(error: &ConnectError) -> Option<v1::ErrorDetail> {
    let mut ours = error.details.iter().filter(|detail| {
        let name = detail.type_url.rsplit('/').next();
        name == Some(ERROR_DETAIL)
    });
    let (Some(detail), None) = (ours.next(), ours.next()) else {
        return None;
    };
    let text = detail.value.as_deref()?;
    let bytes = STANDARD_NO_PAD
        .decode(text)
        .or_else(|_| STANDARD.decode(text))
        .ok()?;
    v1::ErrorDetail::decode_from_slice(&bytes).ok()
}

/// The stable name of a code: `not_found` for `ERROR_CODE_NOT_FOUND`.
pub fn code_name(code: Code) -> String {
    let name = code.proto_name();
    name.strip_prefix("ERROR_CODE_")
        .unwrap_or(name)
        .to_ascii_lowercase()
}

/// The gRPC code of an error with this detail.
pub fn rpc_code(detail: &v1::ErrorDetail) -> Rpc {
    match detail.code.as_known().unwrap_or_default() {
        Code::ERROR_CODE_UNSPECIFIED => Rpc::Unknown,
        Code::ERROR_CODE_INVALID_ARGUMENT
        | Code::ERROR_CODE_TOO_LARGE
        | Code::ERROR_CODE_POLICY_INVALID
        | Code::ERROR_CODE_DECRYPTION_FAILED => Rpc::InvalidArgument,
        Code::ERROR_CODE_UNAUTHENTICATED
        | Code::ERROR_CODE_TOKEN_EXPIRED
        | Code::ERROR_CODE_NOT_ATTESTED
        | Code::ERROR_CODE_EVIDENCE_REFUSED
        | Code::ERROR_CODE_SENDER_CONSTRAINT_REQUIRED
        | Code::ERROR_CODE_DPOP_NONCE_REQUIRED => Rpc::Unauthenticated,
        Code::ERROR_CODE_ROLE_REQUIRED
        | Code::ERROR_CODE_POLICY_DENIED
        | Code::ERROR_CODE_USAGE_DENIED
        | Code::ERROR_CODE_GOVERNANCE_REFUSED
        | Code::ERROR_CODE_APPROVAL_REFUSED
        | Code::ERROR_CODE_UPDATE_REFUSED => Rpc::PermissionDenied,
        Code::ERROR_CODE_NOT_FOUND => Rpc::NotFound,
        Code::ERROR_CODE_ALREADY_EXISTS => Rpc::AlreadyExists,
        Code::ERROR_CODE_IDEMPOTENCY_CONFLICT | Code::ERROR_CODE_VERSION_CONFLICT => Rpc::Aborted,
        Code::ERROR_CODE_LINEAGE_MISMATCH
        | Code::ERROR_CODE_LOCKED
        | Code::ERROR_CODE_TIME_UNKNOWN
        | Code::ERROR_CODE_PENDING_DELETION => Rpc::FailedPrecondition,
        Code::ERROR_CODE_ROLLBACK_DETECTED | Code::ERROR_CODE_FORK_DETECTED => Rpc::DataLoss,
        Code::ERROR_CODE_RATE_LIMITED | Code::ERROR_CODE_QUOTA_EXCEEDED => Rpc::ResourceExhausted,
        Code::ERROR_CODE_ISSUER_UNAVAILABLE | Code::ERROR_CODE_UNAVAILABLE => Rpc::Unavailable,
        Code::ERROR_CODE_INTERNAL => Rpc::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(code: Code) -> v1::ErrorDetail {
        v1::ErrorDetail {
            code: code.into(),
            rule: "nightly".into(),
            retry_after: 7,
            ..Default::default()
        }
    }

    #[test]
    fn the_detail_reads_back_whatever_prefix_its_type_carries() {
        let sent = detail(Code::ERROR_CODE_POLICY_DENIED);
        let mut error = to_connect_error(&sent, "refused");
        assert_eq!(error.code, Rpc::PermissionDenied);
        assert_eq!(detail_of(&error), Some(sent.clone()));
        error.details[0].type_url = format!("type.googleapis.com/{ERROR_DETAIL}");
        assert_eq!(detail_of(&error), Some(sent));
    }

    #[test]
    fn an_absent_foreign_double_or_broken_detail_is_none() {
        let good = to_connect_error(&detail(Code::ERROR_CODE_INTERNAL), "");
        let mut none = good.clone();
        none.details.clear();
        let mut foreign = good.clone();
        foreign.details[0].type_url = "other.v1.ErrorDetail".into();
        let mut double = good.clone();
        double.details.push(good.details[0].clone());
        let mut broken = good;
        broken.details[0].value = Some("/////w".into());
        for error in [none, foreign, double, broken] {
            assert_eq!(detail_of(&error), None);
        }
    }

    #[test]
    fn every_code_but_unspecified_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> =
            Code::values().iter().map(|code| code_name(*code)).collect();
        assert_eq!(names.len(), Code::values().len());
        assert_eq!(code_name(Code::ERROR_CODE_NOT_FOUND), "not_found");
    }
}
