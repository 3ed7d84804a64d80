//! What every connection of the process shares, and the way of one call through the core.

use crate::boot::Locked;
use crate::clock::{SystemRng, reading};
use crate::committer::Committer;
use crate::jwks::{Issuers, Unproven};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use ratls::config_tree::ConfigTree;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use vault_core::authn::token::{TokenError, TokenProof};
use vault_core::{CallContext, Caller, Code, Committed, Refusal, Reply, Request, Vault};
use vault_policy::{VaultId, VerifiedEvidence};
use vault_tee::Platform;

/// One vault and what it says of itself.
pub(crate) struct Shared {
    pub(crate) platform: Arc<dyn Platform>,
    pub(crate) vault_id: VaultId,
    pub(crate) identity_spki: Vec<u8>,
    pub(crate) boot_id: [u8; 16],
    pub(crate) trust: ConfigTree,
    pub(crate) operational: ConfigTree,
    pub(crate) issuers: Arc<Issuers>,
    pub(crate) state: Result<Open, Locked>,
}

/// A vault that answers.
pub(crate) struct Open {
    pub(crate) vault: Arc<RwLock<Vault>>,
    pub(crate) committer: Committer,
}

impl Open {
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Vault> {
        self.vault.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Raises the floor of vault time to what the vendor of a caller's platform has signed.
    pub(crate) fn observe(&self, evidence: &VerifiedEvidence) {
        if evidence.claims().collateral_issued_at > self.read().floor() {
            let mut vault = self.vault.write().unwrap_or_else(PoisonError::into_inner);
            vault.observe_evidence(evidence, &mut SystemRng);
        }
    }
}

impl Shared {
    pub(crate) fn open(&self) -> Result<&Open, Refusal> {
        self.state
            .as_ref()
            .map_err(|reason| Refusal::new(Code::Locked).because(reason.to_string()))
    }

    /// Who calls: the token of this request, and the evidence of its connection.
    pub(crate) async fn authenticate(
        &self,
        headers: &HeaderMap,
        evidence: Option<&VerifiedEvidence>,
    ) -> Result<Caller, Refusal> {
        let proof = match bearer(headers)? {
            Some(token) => Some(self.prove(token).await?),
            None => None,
        };
        Caller::new(proof, evidence.cloned())
    }

    async fn prove(&self, token: &[u8]) -> Result<TokenProof, Refusal> {
        let now = self.open()?.read().establish(reading(&*self.platform));
        self.issuers
            .prove(token, now)
            .await
            .map_err(|unproven| match unproven {
                Unproven::Token(error) => refuse_token(error),
                Unproven::IssuerUnavailable => Refusal::new(Code::IssuerUnavailable),
            })
    }

    /// Takes one call through the core: judge, operate, record, wait until it is durable.
    pub(crate) async fn perform(
        &self,
        caller: &Caller,
        request: Request,
        context: &CallContext,
    ) -> Result<Reply, Refusal> {
        let open = self.open()?;
        let now = reading(&*self.platform);
        let authorized = open.read().authorize(caller, request, context, now);
        let operated = authorized.operate(&mut SystemRng);
        let (pending, wait, durable) = {
            let mut vault = open.vault.write().unwrap_or_else(PoisonError::into_inner);
            let pending = vault.record(operated);
            let wait = pending.awaits().map(|group| open.committer.register(group));
            let durable = match wait {
                None => vault.durable().cloned(),
                Some(_) => None,
            };
            (pending, wait, durable)
        };
        let committed: Option<Committed> = match wait {
            Some(wait) => wait.await.ok(),
            None => durable,
        };
        let committed = committed.ok_or_else(|| Refusal::new(Code::Unavailable))?;
        pending
            .release(&committed)
            .unwrap_or_else(|_| Err(Refusal::new(Code::Internal)))
    }
}

/// The token of the one `Authorization` header, if there is one.
fn bearer(headers: &HeaderMap) -> Result<Option<&[u8]>, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next(), values.next()) else {
        return Err(Refusal::new(Code::Unauthenticated).because("two Authorization headers"));
    };
    let Some(value) = value else { return Ok(None) };
    match value.as_bytes().split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => Ok(Some(token)),
        _ => {
            Err(Refusal::new(Code::Unauthenticated).because("Authorization is not a bearer token"))
        }
    }
}

fn refuse_token(error: TokenError) -> Refusal {
    let code = match error {
        TokenError::Expired | TokenError::NotYetValid => Code::TokenExpired,
        TokenError::TimeUnknown => Code::TimeUnknown,
        _ => Code::Unauthenticated,
    };
    Refusal::new(code).because(format!("token refused: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn one_bearer_token_is_taken_and_anything_else_in_its_place_refused() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer(&headers).unwrap(), None);
        headers.insert(AUTHORIZATION, HeaderValue::from_static("bearer abc"));
        assert_eq!(bearer(&headers).unwrap(), Some(&b"abc"[..]));
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer abd"));
        assert_eq!(bearer(&headers).unwrap_err().code, Code::Unauthenticated);
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic abcdef"));
        assert!(bearer(&headers).is_err());
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bear"));
        assert!(bearer(&headers).is_err());
    }
}
