//! What a caller is told who gets no answer.

use connectrpc::interceptor::{UnaryRequest, UnaryResponse};
use connectrpc::{ConnectError, ErrorCode as Rpc, Interceptor, Next, async_trait};
use vault_proto::{to_connect_error, v1};

/// Why there is no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// Not host and port.
    #[error("the endpoint is not host and port")]
    Endpoint,
    /// Not 32 bytes.
    #[error("the vault id is not 32 bytes")]
    VaultId,
    /// Not one that this registry gave, or a page too large.
    #[error("there is no such page")]
    Page,
    /// The message does not parse, or there is no such method.
    #[error("the request is not valid")]
    Request,
    /// The message is too long.
    #[error("the request is larger than allowed")]
    TooLarge,
    /// INVARIANT: all that is said of a dial that failed, for whatever reason.
    #[error("no vault was found at the endpoint")]
    NoVault,
    /// No live entry.
    #[error("no such vault is listed")]
    Unknown,
    /// Too many requests or dials.
    #[error("too many requests")]
    Pace,
    /// A share of the book is used up.
    #[error("no room for another vault")]
    Full,
    /// The library failed.
    #[error("the registry failed")]
    Internal,
}

/// Seconds after which a pace is worth another try.
const PACE_AFTER: u64 = 1;

impl Refused {
    fn code(self) -> v1::ErrorCode {
        match self {
            Self::Endpoint | Self::VaultId | Self::Page | Self::Request => {
                v1::ErrorCode::ERROR_CODE_INVALID_ARGUMENT
            }
            Self::TooLarge => v1::ErrorCode::ERROR_CODE_TOO_LARGE,
            Self::NoVault => v1::ErrorCode::ERROR_CODE_UNAVAILABLE,
            Self::Unknown => v1::ErrorCode::ERROR_CODE_NOT_FOUND,
            Self::Pace => v1::ErrorCode::ERROR_CODE_RATE_LIMITED,
            Self::Full => v1::ErrorCode::ERROR_CODE_QUOTA_EXCEEDED,
            Self::Internal => v1::ErrorCode::ERROR_CODE_INTERNAL,
        }
    }

    fn retry(self) -> v1::Retry {
        match self {
            Self::NoVault | Self::Pace | Self::Full | Self::Internal => v1::Retry::RETRY_LATER,
            Self::Endpoint
            | Self::VaultId
            | Self::Page
            | Self::Request
            | Self::TooLarge
            | Self::Unknown => v1::Retry::RETRY_NEVER,
        }
    }
}

impl From<Refused> for ConnectError {
    fn from(refused: Refused) -> Self {
        let blame = match refused {
            Refused::Internal => v1::Blame::BLAME_UPSTREAM,
            _ => v1::Blame::BLAME_CALLER,
        };
        let detail = v1::ErrorDetail {
            code: refused.code().into(),
            blame: blame.into(),
            retry: refused.retry().into(),
            retry_after: match refused {
                Refused::Pace => PACE_AFTER,
                _ => 0,
            },
            ..Default::default()
        };
        to_connect_error(&detail, &refused.to_string())
    }
}

/// Gives the typed detail to errors that the RPC library made itself.
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

fn explain(error: ConnectError) -> ConnectError {
    if !error.details.is_empty() {
        return error;
    }
    match error.code {
        Rpc::InvalidArgument | Rpc::OutOfRange | Rpc::Unimplemented => Refused::Request,
        Rpc::ResourceExhausted => Refused::TooLarge,
        _ => Refused::Internal,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_proto::detail_of;

    #[test]
    fn a_refusal_reads_back_with_its_code() {
        let detail = detail_of(&Refused::Pace.into()).unwrap();
        assert_eq!(detail.code, v1::ErrorCode::ERROR_CODE_RATE_LIMITED);
        assert_eq!(detail.retry_after, PACE_AFTER);
        let bare = explain(ConnectError::invalid_argument("decode: offset 7"));
        assert_eq!(
            detail_of(&bare).unwrap().code,
            v1::ErrorCode::ERROR_CODE_INVALID_ARGUMENT
        );
        let ours = explain(Refused::Unknown.into());
        assert_eq!(
            detail_of(&ours).unwrap().code,
            v1::ErrorCode::ERROR_CODE_NOT_FOUND
        );
    }
}
