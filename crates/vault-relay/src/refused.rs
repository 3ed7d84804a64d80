//! Every refusal, and how it is said over HTTP.

use http::StatusCode;

/// Why a call comes to nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refused {
    /// No such path, file or request; or it has expired.
    NotFound,
    /// The path knows other methods.
    Method,
    /// A body that is not JSON by its header.
    MediaType,
    /// Sent by a page of another site.
    CrossSite,
    /// Another host's name.
    Host,
    /// The body is longer than it may be.
    TooLong,
    /// The body did not come in time.
    TooSlow,
    /// The body is not what the path takes; in words.
    Body(&'static str),
    /// No room, or too fast: to be repeated after so many seconds.
    TooMany(u64),
}

impl Refused {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::CrossSite => StatusCode::FORBIDDEN,
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Body(_) => StatusCode::BAD_REQUEST,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Method => "method",
            Self::MediaType => "media_type",
            Self::CrossSite => "cross_site",
            Self::Host => "host",
            Self::TooLong => "too_long",
            Self::TooSlow => "too_slow",
            Self::Body(_) => "body",
            Self::TooMany(_) => "too_many",
        }
    }

    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::NotFound => "there is nothing here, or it has expired",
            Self::Method => "this path does not know this method",
            Self::MediaType => "send application/json",
            Self::CrossSite => "pages of other sites are not answered",
            Self::Host => "this relay has another name",
            Self::TooLong => "the body is longer than allowed",
            Self::TooSlow => "the body did not come in time",
            Self::Body(problem) => problem,
            Self::TooMany(_) => "too much at once; try again later",
        }
    }
}
