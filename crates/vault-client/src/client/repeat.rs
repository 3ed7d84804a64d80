//! Whether and when a call is sent again.

use super::Client;
use crate::calls::rpc::Repeat;
use crate::error::{Error, ErrorCode, Result, Retry};
use std::time::{Duration, Instant};

/// Sendings of one call, the first included.
const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Why one sending failed.
pub(crate) struct Failed {
    pub(crate) error: Error,
    /// Whether the vault may have seen the call.
    pub(super) sent: bool,
    /// Whether the vault itself answered.
    pub(super) answered: bool,
}

impl Failed {
    pub(super) fn before_sending(error: Error) -> Self {
        Self {
            error,
            sent: false,
            answered: false,
        }
    }
}

impl Client {
    /// Waits where the call may be sent again, and fails where it may not.
    pub(super) async fn pause(
        &self,
        repeat: Repeat,
        failed: Failed,
        attempt: &mut u32,
        deadline: Instant,
    ) -> Result<()> {
        let wait = FIRST_PAUSE * 3u32.pow(*attempt - 1);
        let wait = failed.error.retry_after.map_or(wait, Duration::from_secs);
        let first = *attempt == 1;
        *attempt += 1;
        let again = *attempt <= ATTEMPTS && may_repeat(repeat, &failed, first);
        let late = Instant::now()
            .checked_add(wait)
            .is_none_or(|at| at >= deadline);
        if !again || late {
            return Err(failed.error);
        }
        if failed.error.code == ErrorCode::DpopNonceRequired {
            // The answer told the nonce; the token is as good as before.
            return Ok(());
        }
        if failed.error.retry == Retry::Reauthenticate {
            if let Some(tokens) = &self.shared.config.tokens {
                tokens.forget();
            }
            return Ok(());
        }
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

fn may_repeat(repeat: Repeat, failed: &Failed, first: bool) -> bool {
    match failed.error.retry {
        Retry::Never => false,
        Retry::Reauthenticate => first && failed.answered,
        // A refusal has no effect; a lost answer may have had one.
        Retry::Later => {
            // A vault also says "unavailable" when it gives up on a call that it has recorded.
            let unsure = !failed.answered || failed.error.code == ErrorCode::Unavailable;
            let lost = failed.sent && unsure;
            let late = failed.error.code == ErrorCode::Timeout;
            !late && failed.error.code != ErrorCode::Internal && (!lost || repeat != Repeat::Uses)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: ErrorCode, sent: bool, answered: bool) -> Failed {
        Failed {
            error: Error::new(code),
            sent,
            answered,
        }
    }

    #[test]
    fn a_use_of_a_key_is_not_repeated_when_its_answer_was_lost() {
        let lost = failed(ErrorCode::Unavailable, true, false);
        assert!(!may_repeat(Repeat::Uses, &lost, true));
        assert!(may_repeat(Repeat::Reads, &lost, true));
        assert!(may_repeat(Repeat::Keyed, &lost, true));
        let gave_up = failed(ErrorCode::Unavailable, true, true);
        assert!(!may_repeat(Repeat::Uses, &gave_up, true));
        assert!(may_repeat(Repeat::Keyed, &gave_up, true));
        let unsent = failed(ErrorCode::Unavailable, false, false);
        assert!(may_repeat(Repeat::Uses, &unsent, true));
        let refused = failed(ErrorCode::RateLimited, true, true);
        assert!(may_repeat(Repeat::Uses, &refused, true));
    }

    #[test]
    fn a_new_token_is_tried_once_and_a_refusal_never_again() {
        let expired = failed(ErrorCode::TokenExpired, true, true);
        assert!(may_repeat(Repeat::Uses, &expired, true));
        assert!(!may_repeat(Repeat::Uses, &expired, false));
        let nonce = failed(ErrorCode::DpopNonceRequired, true, true);
        assert!(may_repeat(Repeat::Uses, &nonce, true));
        assert!(!may_repeat(Repeat::Uses, &nonce, false));
        let denied = failed(ErrorCode::PolicyDenied, true, true);
        assert!(!may_repeat(Repeat::Reads, &denied, true));
    }
}
