//! Whether and when a call is sent again.

use super::Client;
use super::effects::did_nothing;
use crate::calls::rpc::Repeat;
use crate::error::{Error, ErrorCode, Result, Retry};
use std::time::{Duration, Instant};

/// Sendings of one call, the first included.
const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// What is known of a sending that failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// It was not sent, or the vault has not taken it.
    NotTaken,
    /// The vault refused it, and has done nothing.
    Refused,
    /// The vault may have done it.
    Unknown,
    /// The vault has answered it, and its answer was not accepted.
    Answered,
}

impl Fate {
    /// Whether the vault may have done what was asked.
    pub(super) fn may_be_done(self) -> bool {
        matches!(self, Self::Unknown | Self::Answered)
    }
}

/// The sendings of one call so far.
#[derive(Default)]
pub(super) struct Sendings {
    failed: u32,
    /// One of them may have been done.
    unsure: bool,
}

impl Sendings {
    /// Whether one of them may have been done.
    pub(super) fn unsure(&self) -> bool {
        self.unsure
    }
}

/// Why one sending failed.
pub(crate) struct Failed {
    pub(crate) error: Error,
    pub(super) fate: Fate,
}

impl Failed {
    pub(super) fn before_sending(error: Error) -> Self {
        Self {
            error,
            fate: Fate::NotTaken,
        }
    }

    /// The error for the caller. What kept an answer from being accepted may have a code that
    /// otherwise means a refusal, such as that of an expired token; this call was not refused.
    /// Nor was it if only a repetition was refused, and an earlier sending may have been done.
    pub(super) fn told(self, repeat: Repeat, unsure: bool) -> Error {
        let what = match self.fate {
            Fate::Answered => "the vault has answered, and its answer could not be held to its log",
            _ if unsure => "it may have been done, and the repetition was refused",
            _ => return self.error,
        };
        if repeat == Repeat::Reads || !did_nothing(self.error.code) {
            return self.error;
        }
        let error =
            Error::new(ErrorCode::Unavailable).detail(format_args!("{what}: {}", self.error));
        match self.error.vault_id {
            Some(vault) => error.vault(vault),
            None => error,
        }
    }
}

impl Client {
    /// Waits where the call may be sent again, and fails where it may not.
    pub(super) async fn pause(
        &self,
        repeat: Repeat,
        failed: Failed,
        sendings: &mut Sendings,
        deadline: Instant,
    ) -> Result<()> {
        let wait = FIRST_PAUSE * 3u32.pow(sendings.failed);
        let wait = failed.error.retry_after.map_or(wait, Duration::from_secs);
        let first = sendings.failed == 0;
        sendings.failed += 1;
        sendings.unsure |= failed.fate.may_be_done();
        let again = sendings.failed < ATTEMPTS && may_repeat(repeat, &failed, first);
        let late = Instant::now()
            .checked_add(wait)
            .is_none_or(|at| at >= deadline);
        if !again || late {
            return Err(failed.told(repeat, sendings.unsure));
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
    if repeat == Repeat::Uses && failed.fate.may_be_done() {
        return false;
    }
    let code = failed.error.code;
    match failed.error.retry {
        Retry::Never => false,
        // A vault has said that another token would do.
        Retry::Reauthenticate => first && matches!(failed.fate, Fate::Refused | Fate::Answered),
        Retry::Later => !matches!(code, ErrorCode::Timeout | ErrorCode::Internal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPEATS: [Repeat; 3] = [Repeat::Reads, Repeat::Keyed, Repeat::Uses];

    fn failed(code: ErrorCode, fate: Fate) -> Failed {
        Failed {
            error: Error::new(code),
            fate,
        }
    }

    #[test]
    fn a_use_of_a_key_is_never_repeated_where_it_may_be_done_whatever_went_wrong_then() {
        for code in ErrorCode::ALL {
            for fate in [Fate::Unknown, Fate::Answered] {
                for first in [true, false] {
                    let failed = failed(code, fate);
                    assert!(!may_repeat(Repeat::Uses, &failed, first), "{code} {fate:?}");
                }
            }
        }
    }

    #[test]
    fn what_was_not_taken_or_refused_and_what_is_idempotent_is_sent_again() {
        for fate in [Fate::NotTaken, Fate::Refused] {
            let busy = failed(ErrorCode::RateLimited, fate);
            assert!(REPEATS.map(|repeat| may_repeat(repeat, &busy, false)) == [true; 3]);
        }
        for fate in [Fate::Unknown, Fate::Answered] {
            let lost = failed(ErrorCode::Unavailable, fate);
            let repeated = REPEATS.map(|repeat| may_repeat(repeat, &lost, false));
            assert!(repeated == [true, true, false]);
        }
    }

    #[test]
    fn a_new_token_is_tried_once_and_a_refusal_never_again() {
        for code in [ErrorCode::TokenExpired, ErrorCode::DpopNonceRequired] {
            let expired = failed(code, Fate::Refused);
            assert!(may_repeat(Repeat::Uses, &expired, true));
            assert!(!may_repeat(Repeat::Uses, &expired, false));
        }
        let between = failed(ErrorCode::TokenExpired, Fate::Answered);
        assert!(may_repeat(Repeat::Reads, &between, true));
        let no_token = failed(ErrorCode::Unauthenticated, Fate::NotTaken);
        assert!(!may_repeat(Repeat::Reads, &no_token, true));
        let denied = failed(ErrorCode::PolicyDenied, Fate::Refused);
        assert!(!may_repeat(Repeat::Reads, &denied, true));
    }

    #[test]
    fn what_was_answered_is_never_told_as_a_refusal() {
        for code in ErrorCode::ALL {
            for repeat in [Repeat::Keyed, Repeat::Uses] {
                let told = failed(code, Fate::Answered).told(repeat, true);
                assert!(!did_nothing(told.code), "{code}");
            }
            let read = failed(code, Fate::Answered).told(Repeat::Reads, true);
            assert_eq!(read.code, code);
            let refused = failed(code, Fate::Refused).told(Repeat::Uses, false);
            assert_eq!(refused.code, code);
        }
    }

    #[test]
    fn a_refused_repetition_does_not_tell_that_the_first_sending_did_nothing() {
        for code in ErrorCode::ALL {
            for fate in [Fate::Refused, Fate::NotTaken] {
                let told = failed(code, fate).told(Repeat::Keyed, true);
                assert!(!did_nothing(told.code), "{code}");
                let read = failed(code, fate).told(Repeat::Reads, true);
                assert_eq!(read.code, code);
            }
        }
    }
}
