//! The proofs of one connection: each request's own, with the nonce that the vault gave for it.

use super::proof::{ProofKey, ProofOf, header};
use super::{DPOP, DPOP_NONCE};
use crate::error::{Error, ErrorCode, Result};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Request};
use std::sync::{Mutex, PoisonError};

/// Proves the requests of one connection that carry a token bound to `key`.
pub(crate) struct ConnectionProofs {
    key: ProofKey,
    nonce: Mutex<Option<HeaderValue>>,
    /// Held by the one request that asks for the nonce.
    pub(crate) asking: tokio::sync::Mutex<()>,
}

impl ConnectionProofs {
    pub(crate) fn new(key: ProofKey) -> Self {
        Self {
            key,
            nonce: Mutex::new(None),
            asking: tokio::sync::Mutex::new(()),
        }
    }

    /// Whether the vault has given its nonce for this connection.
    pub(crate) fn has_nonce(&self) -> bool {
        self.held().is_some()
    }

    /// Takes over the nonce that stands in an answer.
    pub(crate) fn learn(&self, answer: &HeaderMap) {
        if let Some(nonce) = answer.get(DPOP_NONCE) {
            let mut held = self.nonce.lock().unwrap_or_else(PoisonError::into_inner);
            if held.as_ref() != Some(nonce) {
                *held = Some(nonce.clone());
            }
        }
    }

    /// Adds the proof for this request.
    pub(crate) fn prove<B>(&self, request: &mut Request<B>) -> Result<()> {
        let token = bound_token(request.headers())
            .ok_or_else(|| Error::new(ErrorCode::Internal).detail("no bound token"))?;
        let nonce = self.held();
        let nonce = nonce.as_ref().and_then(|nonce| nonce.to_str().ok());
        let uri = request.uri();
        let of = ProofOf {
            uri: &format!(
                "https://{}{}",
                uri.authority().map_or("", |authority| authority.as_str()),
                uri.path()
            ),
            token: Some(token),
            nonce,
        };
        let proof = header(&self.key.prove(&of)?)?;
        request.headers_mut().insert("dpop", proof);
        Ok(())
    }

    fn held(&self) -> Option<HeaderValue> {
        let held = self.nonce.lock().unwrap_or_else(PoisonError::into_inner);
        held.clone()
    }
}

/// The token that must not be sent without a proof, if there is one.
pub(crate) fn bound_token(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    value.strip_prefix(DPOP.as_bytes())?.strip_prefix(b" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_token_is_found_and_a_bearer_token_is_not() {
        let mut headers = HeaderMap::new();
        assert_eq!(bound_token(&headers), None);
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer abc"));
        assert_eq!(bound_token(&headers), None);
        headers.insert(AUTHORIZATION, HeaderValue::from_static("DPoP abc"));
        assert_eq!(bound_token(&headers), Some(&b"abc"[..]));
    }

    #[test]
    fn the_nonce_of_an_answer_is_kept_until_there_is_another() {
        let proofs = ConnectionProofs::new(ProofKey::default());
        assert!(!proofs.has_nonce());
        let mut answer = HeaderMap::new();
        proofs.learn(&answer);
        assert!(!proofs.has_nonce());
        for nonce in ["one", "two"] {
            answer.insert(DPOP_NONCE, HeaderValue::from_static(nonce));
            proofs.learn(&answer);
            assert_eq!(proofs.held().unwrap(), nonce);
        }
    }
}
