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
        if let Some(lifetime) = token.lifetime() {
            let use_until = asked + lifetime - MARGIN.min(lifetime / 5);
            *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(Held {
                token: token.clone(),
                use_until,
            });
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
                Ok(AccessToken::new(format!("token-{count}"), self.1))
            })
        }
    }

    async fn texts(lifetime: Option<Duration>, forget: bool) -> [String; 2] {
        let kept = Kept::new(Counting(AtomicU64::new(0), lifetime));
        let first = kept.token().await.unwrap().secret_text().to_owned();
        if forget {
            kept.forget();
        }
        [first, kept.token().await.unwrap().secret_text().to_owned()]
    }

    #[tokio::test]
    async fn fetches_again_only_when_expired_refused_or_of_unknown_life() {
        let hour = Some(Duration::from_secs(3600));
        assert_eq!(texts(hour, false).await, ["token-0", "token-0"]);
        assert_eq!(texts(hour, true).await, ["token-0", "token-1"]);
        assert_eq!(
            texts(Some(Duration::ZERO), false).await,
            ["token-0", "token-1"]
        );
        assert_eq!(texts(None, false).await, ["token-0", "token-1"]);
    }

    #[test]
    fn a_token_is_not_printed() {
        let token = AccessToken::new("very-secret", None);
        assert!(!format!("{token:?}").contains("secret"));
    }
}
