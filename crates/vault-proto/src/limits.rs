//! Bounds of what is read from the wire, in bytes unless said otherwise.

use connectrpc::Limits;

/// A request before its caller is authenticated.
pub const BEFORE_AUTHENTICATION: usize = 64 << 10;
/// A request of an authenticated caller.
pub const AFTER_AUTHENTICATION: usize = 1 << 20;
/// Memory that the elements of one message may take when decoded.
pub const ELEMENT_MEMORY: usize = 1 << 20;
/// A policy in canonical form.
pub const POLICY: usize = 64 << 10;
/// Names of keys and labels.
pub const NAME: usize = 256;
/// `CallContext.idempotency_key`.
pub const IDEMPOTENCY_KEY: usize = 64;
/// Number of labels of a key.
pub const LABELS: usize = 16;
/// Most keys on one page of a listing.
pub const PAGE: u32 = 1000;
/// A page of a log is at most this long, and every other answer is shorter.
const RESPONSE: usize = 4 << 20;

/// What a vault reads of one request, by whether its caller is authenticated.
pub fn request_limits(authenticated: bool) -> Limits {
    let bytes = if authenticated {
        AFTER_AUTHENTICATION
    } else {
        BEFORE_AUTHENTICATION
    };
    Limits::default()
        .with_max_request_body_size(bytes)
        .with_max_message_size(bytes)
        .with_element_memory_limit(ELEMENT_MEMORY)
}

/// What a client reads of one answer.
pub fn response_limits() -> Limits {
    Limits::default()
        .with_max_request_body_size(RESPONSE)
        .with_max_message_size(RESPONSE)
        .with_element_memory_limit(RESPONSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_may_be_longer_once_its_caller_is_authenticated() {
        assert_eq!(request_limits(false).max_message_size(), 65_536);
        assert_eq!(request_limits(true).max_message_size(), 1_048_576);
    }
}
