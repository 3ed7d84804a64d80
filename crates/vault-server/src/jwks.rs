//! Issuers' keys, kept fresh, and the tokens that verify under them.
//!
//! Keys are fetched at the first token of an issuer, again when a token names an unknown one, and
//! at half of their age. Fetches of one issuer are rate-limited and made one at a time. A key that
//! the issuer publishes no more is refused from the next fetch on, and one that could not be seen
//! again dies at its age.

mod fetch;
mod gate;

use crate::config::TrustedIssuer;
use fetch::Source;
use gate::Gate;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use vault_core::authn::jwks::KeySet;
use vault_core::authn::token::{
    IssuerSet, TokenCache, TokenError, VerifiedToken, claimed_issuer, verify_token,
};
use vault_policy::{UnixSeconds, VaultId, VaultTime};

/// Why a token is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unproven {
    /// It does not verify.
    Token(TokenError),
    /// The issuer's keys could not be fetched.
    IssuerUnavailable,
}

/// All configured issuers.
pub(crate) struct Issuers {
    current: RwLock<Arc<IssuerSet>>,
    cache: Mutex<TokenCache>,
    endpoints: BTreeMap<String, Endpoint>,
    upper_bound: UpperBound,
}

/// The upper bound of vault time now; `None` if the clock fails. Tokens are judged by the same
/// bound, so that a key's age is what passes on the host's clock.
pub(crate) type UpperBound = Box<dyn Fn() -> Option<UnixSeconds> + Send + Sync>;

struct Endpoint {
    source: Source,
    max_age: Duration,
    state: tokio::sync::Mutex<State>,
}

struct State {
    gate: Gate,
    seen: Option<Instant>,
}

fn unproven(error: TokenError) -> Unproven {
    match error {
        TokenError::KeysStale => Unproven::IssuerUnavailable,
        other => Unproven::Token(other),
    }
}

impl Issuers {
    /// Of this vault. Fetches nothing yet.
    pub(crate) fn new(
        vault: VaultId,
        issuers: &[TrustedIssuer],
        cached_tokens: usize,
        upper_bound: UpperBound,
    ) -> anyhow::Result<Self> {
        let mut endpoints = BTreeMap::new();
        for issuer in issuers {
            let endpoint = Endpoint {
                source: Source::new(issuer)?,
                max_age: Duration::from_secs(issuer.config.max_key_age),
                state: tokio::sync::Mutex::new(State {
                    gate: Gate::new(Instant::now()),
                    seen: None,
                }),
            };
            endpoints.insert(issuer.config.url.clone(), endpoint);
        }
        let set = IssuerSet::new(issuers.iter().map(TrustedIssuer::rules)).at_vault(vault);
        Ok(Self {
            current: RwLock::new(Arc::new(set)),
            cache: Mutex::new(TokenCache::new(cached_tokens)),
            endpoints,
            upper_bound,
        })
    }

    /// Verifies a token, whoever sends it; fetches keys if they are missing.
    pub(crate) async fn verify(
        &self,
        token: &[u8],
        now: VaultTime,
    ) -> Result<VerifiedToken, Unproven> {
        let set = self.current();
        let missing = match self.verify_under(&set, token, now) {
            Ok(verified) => return Ok(verified),
            Err(error @ (TokenError::UnknownKey | TokenError::KeysStale)) => error,
            Err(error) => return Err(Unproven::Token(error)),
        };
        let url = claimed_issuer(token, &set).ok_or(Unproven::Token(TokenError::UnknownIssuer))?;
        if !self.refresh(&url, &set).await {
            return Err(unproven(missing));
        }
        self.verify_under(&self.current(), token, now)
            .map_err(unproven)
    }

    /// Keeps the keys of every issuer fresh until it is dropped.
    pub(crate) async fn keep_fresh(self: Arc<Self>) {
        let mut tasks = JoinSet::new();
        for url in self.endpoints.keys() {
            let (issuers, url) = (self.clone(), url.clone());
            tasks.spawn(async move { issuers.keep_one_fresh(&url).await });
        }
        while tasks.join_next().await.is_some() {}
    }

    async fn keep_one_fresh(&self, url: &str) {
        let Some(endpoint) = self.endpoints.get(url) else {
            return;
        };
        loop {
            tokio::time::sleep(endpoint.max_age / 2).await;
            let mut state = endpoint.state.lock().await;
            let Some(seen) = state.seen else { continue };
            if self.fetch(url, endpoint, &mut state).await {
                continue;
            }
            if seen.elapsed() >= endpoint.max_age {
                // The host's clock may stand still; this one does not.
                self.replace(|set| set.without_keys(url));
                state.seen = None;
            }
        }
    }

    fn verify_under(
        &self,
        set: &IssuerSet,
        token: &[u8],
        now: VaultTime,
    ) -> Result<VerifiedToken, TokenError> {
        let cache = || self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(verified) = cache().get(token, set, now) {
            return Ok(verified);
        }
        let verified = verify_token(token, set, now)?;
        cache().remember(&verified, set);
        Ok(verified)
    }

    /// Whether there are other keys now than in `known`.
    async fn refresh(&self, url: &str, known: &Arc<IssuerSet>) -> bool {
        let Some(endpoint) = self.endpoints.get(url) else {
            return false;
        };
        let mut state = endpoint.state.lock().await;
        if !Arc::ptr_eq(&self.current(), known) {
            return true;
        }
        state.gate.pass(Instant::now()) && self.fetch(url, endpoint, &mut state).await
    }

    async fn fetch(&self, url: &str, endpoint: &Endpoint, state: &mut State) -> bool {
        let now = (self.upper_bound)();
        let fetched = endpoint.source.fetch().await;
        let (keys, now) = match (fetched, now) {
            (Ok(keys), Some(now)) => (keys, now),
            (Err(error), _) => {
                tracing::warn!(%error, "the keys of an issuer could not be fetched");
                return false;
            }
            (_, None) => return false,
        };
        let until = UnixSeconds(now.0.saturating_add(endpoint.max_age.as_secs()));
        tracing::info!(keys = keys.len(), "the keys of an issuer were fetched");
        self.replace(|set| set.with_keys(url, Arc::<KeySet>::new(keys), until));
        state.seen = Some(Instant::now());
        true
    }

    fn current(&self) -> Arc<IssuerSet> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    fn replace(&self, change: impl FnOnce(&IssuerSet) -> IssuerSet) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(change(&current));
    }
}
