//! Bounds of what is read from the wire, in bytes unless said otherwise.

use connectrpc::Limits;

/// A request before its caller is authenticated.
pub const BEFORE_AUTHENTICATION: usize = 64 << 10;
/// A request of an authenticated caller.
pub const AFTER_AUTHENTICATION: usize = 1 << 20;
/// One call of an `Operate` stream; longer ones are calls of their own.
pub const OPERATE_MESSAGE: usize = 64 << 10;
/// Calls of one stream without an answer.
pub const OPERATE_CALLS: usize = 256;
/// A `Batch`, of an authenticated caller.
pub const BATCH: usize = 4 << 20;
/// Number of calls of a batch.
pub const BATCH_CALLS: usize = 256;
/// The answer to a batch, as a client reads it.
pub const BATCH_RESPONSE: usize = 8 << 20;
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
    limits(bytes)
}

/// What a vault reads of one batch of an authenticated caller.
pub fn batch_limits() -> Limits {
    limits(BATCH)
}

/// What a vault reads of one call of an authenticated caller's stream.
pub fn operate_limits() -> Limits {
    limits(OPERATE_MESSAGE)
}

fn limits(bytes: usize) -> Limits {
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
