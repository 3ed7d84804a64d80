//! From the wire's error to ours. A vault's code, blame and retry are taken over; its message is
//! not shown: the codes have sentences of their own.

use super::{Blame, Error, ErrorCode, Retry, foreign};
use buffa::EnumValue;
use connectrpc::{ConnectError, ErrorCode as Rpc};
use vault_proto::v1;

impl ErrorCode {
    /// The code of the same name on the wire; `None` for codes that only a client can find.
    pub fn from_wire(code: v1::ErrorCode) -> Option<Self> {
        let name = vault_proto::code_name(code);
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// What a failed call says, and the vault's own head where it sends one.
pub(crate) struct WireFailure {
    pub(crate) error: Error,
    pub(crate) head: Option<v1::Head>,
    /// Whether the vault itself answered, rather than the transport.
    pub(crate) answered: bool,
}

pub(crate) fn failure(error: &ConnectError) -> WireFailure {
    let Some(detail) = vault_proto::detail_of(error) else {
        return WireFailure {
            error: without_detail(error),
            head: None,
            answered: false,
        };
    };
    let code = detail.code.as_known().and_then(ErrorCode::from_wire);
    let mut ours = said(code.unwrap_or(ErrorCode::Internal));
    if let Some(blame) = blame(detail.blame) {
        ours.0.blame = blame;
    }
    if let Some(retry) = retry(detail.retry) {
        ours.0.retry = retry;
    }
    ours.0.rule = given(&detail.rule);
    ours.0.condition = given(&detail.condition);
    ours.0.retry_after = (detail.retry_after > 0).then_some(detail.retry_after);
    ours.0.detail = error
        .message
        .as_deref()
        .and_then(|text| particulars(ours.code, text));
    WireFailure {
        error: ours,
        head: detail.head.into_option(),
        answered: true,
    }
}

/// What the RPC library says when a connection ends within an answer. It calls that an internal
/// error; it is one of the connection.
const CUT_SHORT: &str = "failed to read response body";

/// Errors of the transport, of the RPC library, and of vaults before they reach the call.
fn without_detail(error: &ConnectError) -> Error {
    let text = error.message.as_deref().unwrap_or_default();
    let code = match error.code {
        Rpc::DeadlineExceeded => ErrorCode::Timeout,
        Rpc::Internal if text.starts_with(CUT_SHORT) => ErrorCode::Unavailable,
        Rpc::Unavailable | Rpc::Canceled => ErrorCode::Unavailable,
        Rpc::InvalidArgument => ErrorCode::InvalidArgument,
        Rpc::ResourceExhausted => ErrorCode::TooLarge,
        Rpc::Unauthenticated => ErrorCode::Unauthenticated,
        _ => ErrorCode::Internal,
    };
    said(code).detail(foreign(text))
}

/// In the sentence of the code, but for what is wrong usage only as long as no vault was asked.
fn said(code: ErrorCode) -> Error {
    let error = Error::new(code);
    match code {
        ErrorCode::InvalidArgument => error.summary("the vault does not accept this request"),
        _ => error,
    }
}

/// A vault's words are shown where they tell a caller more than the code does. A refused
/// stranger is told nothing.
fn particulars(code: ErrorCode, text: &str) -> Option<String> {
    let tells_more = matches!(
        code,
        ErrorCode::InvalidArgument
            | ErrorCode::PolicyInvalid
            | ErrorCode::Unauthenticated
            | ErrorCode::EvidenceRefused
            | ErrorCode::GovernanceRefused
            | ErrorCode::ApprovalRefused
            | ErrorCode::VersionConflict
            | ErrorCode::UpdateRefused
            | ErrorCode::PendingDeletion
            | ErrorCode::Locked
            | ErrorCode::Internal
            | ErrorCode::Unavailable
    );
    (tells_more && !text.is_empty()).then(|| foreign(text))
}

fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| foreign(text))
}

fn blame(value: EnumValue<v1::Blame>) -> Option<Blame> {
    match value.as_known()? {
        v1::Blame::BLAME_CALLER => Some(Blame::Caller),
        v1::Blame::BLAME_POLICY => Some(Blame::Policy),
        v1::Blame::BLAME_VAULT => Some(Blame::Vault),
        v1::Blame::BLAME_UPSTREAM => Some(Blame::Upstream),
        v1::Blame::BLAME_UNSPECIFIED => None,
    }
}

fn retry(value: EnumValue<v1::Retry>) -> Option<Retry> {
    match value.as_known()? {
        v1::Retry::RETRY_NEVER => Some(Retry::Never),
        v1::Retry::RETRY_LATER => Some(Retry::Later),
        v1::Retry::RETRY_REAUTHENTICATE => Some(Retry::Reauthenticate),
        v1::Retry::RETRY_UNSPECIFIED => None,
    }
}
