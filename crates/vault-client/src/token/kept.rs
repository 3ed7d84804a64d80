//! Keeps a token until shortly before its expiry.

use super::ProofKey;
use super::{AccessToken, TokenFuture, TokenSource};
use crate::error::Result;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use vault_policy::VaultId;

/// How long before its expiry a token is no longer used, at most: a call takes time, and clocks
/// differ. A short-lived token is used for four fifths of its life.
const MARGIN: Duration = Duration::from_secs(60);

/// A source that fetches again only when the last token is about to expire or was refused.
#[derive(Debug)]
pub struct Kept<S> {
    source: S,
    /// By vault where the source makes tokens for each, else under `None`.
    held: Mutex<BTreeMap<Option<VaultId>, Held>>,
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
            held: Mutex::new(BTreeMap::new()),
        }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<Option<VaultId>, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn valid(&self, vault: Option<VaultId>, now: Instant) -> Option<AccessToken> {
        let held = self.held();
        held.get(&vault)
            .filter(|held| now < held.use_until)
            .map(|held| held.token.clone())
    }

    async fn fetch(&self, vault: Option<VaultId>) -> Result<AccessToken> {
        let asked = Instant::now();
        if let Some(token) = self.valid(vault, asked) {
            return Ok(token);
        }
        let token = match vault {
            Some(vault) => self.source.token_for(vault).await?,
            None => self.source.token().await?,
        };
        let usable = token.lifetime().map(|life| life - MARGIN.min(life / 5));
        // A lifetime beyond all clocks is not kept.
        if let Some(use_until) = usable.and_then(|usable| asked.checked_add(usable)) {
            let held = Held {
                token: token.clone(),
                use_until,
            };
            self.held().insert(vault, held);
        }
        Ok(token)
    }
}

impl<S: TokenSource> TokenSource for Kept<S> {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(self.fetch(None))
    }

    fn token_for(&self, vault: VaultId) -> TokenFuture<'_> {
        Box::pin(self.fetch(self.source.is_per_vault().then_some(vault)))
    }

    fn is_per_vault(&self) -> bool {
        self.source.is_per_vault()
    }

    fn proof_key(&self) -> Option<ProofKey> {
        self.source.proof_key()
    }

    fn proof_key_for(&self, vault: VaultId) -> Option<ProofKey> {
        self.source.proof_key_for(vault)
    }

    fn forget(&self) {
        self.held().clear();
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

    /// Tokens that name their vault.
    struct PerVault;

    impl TokenSource for PerVault {
        fn token(&self) -> TokenFuture<'_> {
            Box::pin(async { Ok(AccessToken::new("any", Some(Duration::from_secs(60)))) })
        }

        fn token_for(&self, vault: VaultId) -> TokenFuture<'_> {
            let life = Some(Duration::from_secs(60));
            Box::pin(async move { Ok(AccessToken::new(vault.to_string(), life)) })
        }

        fn is_per_vault(&self) -> bool {
            true
        }
    }

    #[tokio::test]
    async fn the_token_of_one_vault_is_not_kept_for_another() {
        use vault_encoding::Hash;
        let kept = Kept::new(PerVault);
        for vault in [VaultId(Hash([1; 32])), VaultId(Hash([2; 32]))] {
            let token = kept.token_for(vault).await.unwrap();
            assert_eq!(text(&token), vault.to_string());
        }
        let one_for_all = Kept::new(Counting(AtomicU64::new(0), Some(Duration::from_secs(60))));
        for vault in [VaultId(Hash([1; 32])), VaultId(Hash([2; 32]))] {
            assert_eq!(text(&one_for_all.token_for(vault).await.unwrap()), "0");
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
