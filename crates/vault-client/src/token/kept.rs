//! Keeps a token until shortly before its expiry.

use super::{AccessToken, TokenFuture, TokenSource};
use crate::error::Result;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long before its expiry a token is no longer used, at most: a call takes time, and clocks
/// differ. A short-lived token is used for four fifths of its life.
const MARGIN: Duration = Duration::from_secs(60);

/// A source that fetches again only when the last token is about to expire or was refused.
#[derive(Debug)]
pub struct Kept<S> {
    source: S,
    held: Mutex<Option<Held>>,
}

#[derive(Debug)]
struct Held {
    token: AccessToken,
    use_until: Instant,
}

impl<S: TokenSource> Kept<S> {
    /// Keeps what `source` gives.
    pub fn new(source: S) -> Self {
        Self {
            source,
            held: Mutex::new(None),
        }
    }

    fn valid(&self, now: Instant) -> Option<AccessToken> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref()
            .filter(|held| now < held.use_until)
            .map(|held| held.token.clone())
    }

    async fn fetch(&self) -> Result<AccessToken> {
        let asked = Instant::now();
        if let Some(token) = self.valid(asked) {
            return Ok(token);
        }
        let token = self.source.token().await?;
        let usable = token.lifetime().map(|life| life - MARGIN.min(life / 5));
        // A lifetime beyond all clocks is not kept.
        if let Some(use_until) = usable.and_then(|usable| asked.checked_add(usable)) {
            let held = Held {
                token: token.clone(),
                use_until,
            };
            *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
        }
        Ok(token)
    }
}

impl<S: TokenSource> TokenSource for Kept<S> {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(self.fetch())
    }

    fn forget(&self) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.source.forget();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    struct Counting(AtomicU64, Option<Duration>);

    impl TokenSource for Counting {
        fn token(&self) -> TokenFuture<'_> {
            Box::pin(async {
                let count = self.0.fetch_add(1, Ordering::SeqCst);
                Ok(AccessToken::new(format!("{count}"), self.1))
            })
        }
    }

    fn text(token: &AccessToken) -> String {
        let header = token.header().unwrap();
        header
            .to_str()
            .unwrap()
            .trim_start_matches("Bearer ")
            .to_owned()
    }

    async fn texts(lifetime: Option<Duration>, forget: bool) -> [String; 2] {
        let kept = Kept::new(Counting(AtomicU64::new(0), lifetime));
        let first = text(&kept.token().await.unwrap());
        if forget {
            kept.forget();
        }
        [first, text(&kept.token().await.unwrap())]
    }

    #[tokio::test]
    async fn fetches_again_only_when_expired_refused_or_of_unknown_life() {
        let hour = Some(Duration::from_secs(3600));
        assert_eq!(texts(hour, false).await, ["0", "0"]);
        assert_eq!(texts(hour, true).await, ["0", "1"]);
        assert_eq!(texts(Some(Duration::ZERO), false).await, ["0", "1"]);
        let endless = Some(Duration::from_secs(u64::MAX));
        assert_eq!(texts(endless, false).await, ["0", "1"]);
        assert_eq!(texts(None, false).await, ["0", "1"]);
    }

    #[test]
    fn a_token_is_not_printed() {
        let token = AccessToken::new("very-secret", None);
        assert!(!format!("{token:?}").contains("secret"));
    }
}
