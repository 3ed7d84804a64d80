//! Who sends a call: its token, and what binds the token to this sender on this connection.
//!
//! The order for a call with a token: one `Authorization` of scheme `Bearer` or `DPoP`; the token
//! (from the cache or by its signature); then, for every call anew, its sender: with `DPoP` one
//! proof in the header `dpop` for this call, this vault and this connection, which is taken once;
//! with `Bearer` the client certificate of this connection, where the token names one.

use crate::jwks::Unproven;
use crate::shared::Shared;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use ratls::tls::{ClientCertificate, ConnectionFacts};
use std::sync::{Mutex, PoisonError};
use vault_core::authn::dpop::{Nonce, NonceKey, ProofError, ProvenCall, Replays, verify_proof};
use vault_core::authn::token::{SenderError, TokenError, TokenProof, VerifiedToken};
use vault_core::{Caller, Code, Refusal};
use vault_encoding::Hash;
use vault_policy::{CertificateFacts, VerifiedEvidence};

/// In requests: the proof (RFC 9449, section 4.1).
const DPOP: HeaderName = HeaderName::from_static("dpop");
/// In answers: the nonce that proofs of this connection must name (RFC 9449, section 9).
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// What is known of one attested connection, and of the proofs that were used on it.
pub(crate) struct Peer {
    facts: ConnectionFacts,
    nonce: Nonce,
    seen: Mutex<Replays>,
}

/// How a call says who sends it.
#[derive(Debug, PartialEq, Eq)]
enum Credentials<'a> {
    None,
    Bearer(&'a [u8]),
    Dpop { token: &'a [u8], proof: &'a [u8] },
}

impl Peer {
    pub(crate) fn new(facts: ConnectionFacts, nonces: &NonceKey) -> Self {
        Self {
            nonce: nonces.nonce(facts.connection_id),
            facts,
            seen: Mutex::default(),
        }
    }

    pub(crate) fn evidence(&self) -> Option<&VerifiedEvidence> {
        self.facts.caller.as_ref()
    }

    /// Tells the client the nonce of its connection.
    pub(crate) fn tell_nonce(&self, answer: &mut HeaderMap) {
        if let Ok(nonce) = HeaderValue::from_str(self.nonce.as_str()) {
            answer.insert(DPOP_NONCE, nonce);
        }
    }

    fn certificate(&self) -> Option<&Hash> {
        let shown = self.facts.client_certificate.as_ref();
        shown.map(|certificate| &certificate.hash)
    }

    /// The key that the client proved to hold.
    fn tls_key(&self) -> Option<Hash> {
        let shown = self.facts.client_certificate.as_ref();
        shown.map(|certificate| certificate.spki_hash)
    }
}

impl Shared {
    /// Who calls: the token of this request, the evidence and the client certificate of its connection. A
    /// token that is refused is not left out of account: then there is no caller.
    pub(crate) async fn authenticate<B>(
        &self,
        request: &Request<B>,
        peer: &Peer,
    ) -> Result<Caller, Refusal> {
        let proof = match Credentials::of(request.headers())? {
            Credentials::None => None,
            Credentials::Bearer(token) => {
                let token = self.verify_token(token).await?;
                Some(token.as_bearer(peer.certificate()).map_err(refuse_sender)?)
            }
            Credentials::Dpop { token, proof } => {
                let token = self.verify_token(token).await?;
                let call = (request.method(), request.uri().path());
                Some(self.verify_proof(&token, proof, call, peer)?)
            }
        };
        let shown = peer.facts.client_certificate.as_ref();
        let shown = shown.map(certificate_facts);
        match (proof, peer.evidence(), shown) {
            // Whose certificate this is, is for the policies of keys to say.
            (None, None, Some(certificate)) => Ok(Caller::of_certificate(certificate)),
            (proof, evidence, shown) => Ok(Caller::new(proof, evidence.cloned())?
                .with_tls_key(peer.tls_key())
                .with_certificate(shown)),
        }
    }

    /// Refuses if the token of these headers would be refused now.
    pub(crate) async fn stands(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        match Credentials::of(headers)? {
            Credentials::None => Ok(()),
            Credentials::Bearer(token) | Credentials::Dpop { token, .. } => {
                self.verify_token(token).await.map(drop)
            }
        }
    }

    async fn verify_token(&self, token: &[u8]) -> Result<VerifiedToken, Refusal> {
        let now = self.establish()?;
        self.issuers
            .verify(token, now)
            .await
            .map_err(|unproven| match unproven {
                Unproven::Token(error) => refuse_token(error),
                Unproven::IssuerUnavailable => Refusal::new(Code::IssuerUnavailable),
            })
    }

    fn verify_proof(
        &self,
        token: &VerifiedToken,
        proof: &[u8],
        (method, path): (&Method, &str),
        peer: &Peer,
    ) -> Result<TokenProof, Refusal> {
        let call = ProvenCall {
            vault: &self.vault_id,
            method: method.as_str(),
            path,
            nonce: &peer.nonce,
        };
        let verified = verify_proof(proof, &call, token).map_err(refuse_proof)?;
        let mut seen = peer.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = seen.admit(verified).map_err(refuse_proof)?;
        token.with_proof(&fresh).map_err(refuse_sender)
    }
}

fn certificate_facts(certificate: &ClientCertificate) -> CertificateFacts {
    CertificateFacts {
        spki: certificate.spki_hash,
        sans: certificate.sans.clone(),
        issuers: certificate.issuers.clone(),
    }
}

impl<'a> Credentials<'a> {
    /// Reads the one `Authorization` header and the one `dpop` that goes with it.
    fn of(headers: &'a HeaderMap) -> Result<Self, Refusal> {
        let proof = only(headers, &DPOP, "two DPoP headers")?;
        let Some(value) = only(headers, &AUTHORIZATION, "two Authorization headers")? else {
            return Ok(Self::None);
        };
        match (split_scheme(value), proof) {
            (Some(("bearer", token)), None) => Ok(Self::Bearer(token)),
            (Some(("dpop", token)), Some(proof)) => Ok(Self::Dpop { token, proof }),
            (Some(("dpop", _)), None) => Err(unauthenticated("the DPoP header is missing")),
            (Some(_), _) => Err(unauthenticated("a DPoP header beside a bearer token")),
            (None, _) => Err(unauthenticated(
                "Authorization is neither a bearer nor a DPoP token",
            )),
        }
    }
}

/// Token and proof of these headers, for the fuzzer.
#[cfg(feature = "fuzzing")]
pub fn credentials(headers: &HeaderMap) -> Result<[Option<&[u8]>; 2], Refusal> {
    Ok(match Credentials::of(headers)? {
        Credentials::None => [None, None],
        Credentials::Bearer(token) => [Some(token), None],
        Credentials::Dpop { token, proof } => [Some(token), Some(proof)],
    })
}

/// Scheme in lower case, and token.
fn split_scheme(value: &[u8]) -> Option<(&'static str, &[u8])> {
    ["bearer", "dpop"].into_iter().find_map(|scheme| {
        let (named, token) = value.split_at_checked(scheme.len() + 1)?;
        let named = named.strip_suffix(b" ")?;
        named
            .eq_ignore_ascii_case(scheme.as_bytes())
            .then_some((scheme, token))
    })
}

fn only<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    double: &'static str,
) -> Result<Option<&'a [u8]>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value.map(HeaderValue::as_bytes)),
        _ => Err(unauthenticated(double)),
    }
}

fn unauthenticated(why: impl Into<String>) -> Refusal {
    Refusal::new(Code::Unauthenticated).because(why)
}

fn refuse_token(error: TokenError) -> Refusal {
    let code = match error {
        TokenError::Expired | TokenError::NotYetValid => Code::TokenExpired,
        TokenError::TimeUnknown => Code::TimeUnknown,
        _ => Code::Unauthenticated,
    };
    Refusal::new(code).because(format!("token refused: {error}"))
}

fn refuse_sender(error: SenderError) -> Refusal {
    unauthenticated(format!("sender refused: {error}"))
}

fn refuse_proof(error: ProofError) -> Refusal {
    let code = match error.asks_for_nonce() {
        true => Code::DpopNonceRequired,
        false => Code::Unauthenticated,
    };
    Refusal::new(code).because(format!("proof refused: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name = HeaderName::from_static(name);
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn one_token_of_a_known_scheme_is_taken_with_what_belongs_to_it() {
        let bearer = headers(&[("authorization", "bearer abc")]);
        let bound = headers(&[("authorization", "DPOP abc"), ("dpop", "proof")]);
        for (headers, expected) in [
            (HeaderMap::new(), Credentials::None),
            (bearer, Credentials::Bearer(b"abc")),
            (
                bound,
                Credentials::Dpop {
                    token: b"abc",
                    proof: b"proof",
                },
            ),
        ] {
            assert_eq!(Credentials::of(&headers).unwrap(), expected);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for lines in [
            &[("authorization", "Bearer a"), ("authorization", "Bearer b")][..],
            &[("authorization", "Bearer a"), ("authorization", "DPoP a")],
            &[("authorization", "Basic abcdef")],
            &[("authorization", "Bear")],
            &[("authorization", "Bearer")],
            &[("authorization", "DPoP a")],
            &[("authorization", "Bearer a"), ("dpop", "proof")],
            &[
                ("authorization", "DPoP a"),
                ("dpop", "one"),
                ("dpop", "two"),
            ],
            &[("dpop", "one"), ("dpop", "two")],
        ] {
            let refused = Credentials::of(&headers(lines)).unwrap_err();
            assert_eq!(refused.code, Code::Unauthenticated, "{lines:?}");
        }
    }
}
