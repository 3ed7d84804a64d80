//! Who calls, as far as it is proven.

use crate::api::{Code, Refusal};
use crate::authn::token::TokenProof;
use vault_approval::{Beginner, Requester};
use vault_encoding::{Hash, sha256};
use vault_policy::{CertificateFacts, Facts, OidcSubject, Tee, UnixSeconds, VerifiedEvidence};

/// Who is told apart from others where something is shared out: a digest, so that it is as long
/// for everybody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Principal {
    /// Issuer and subject of a token, whatever else is proven.
    Subject(Hash),
    /// Measurement and machine of an enclave or trust domain that shows no token.
    Enclave(Hash),
    /// Everybody who has a client certificate and nothing else, all as one: anybody makes as many
    /// certificates as they like.
    Certificates,
}

/// A call's proven facts. Made only from proofs.
///
/// ```compile_fail
/// let facts = vault_policy::Facts::default();
/// let forged = vault_core::Caller { facts, ..todo!() };
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    facts: Facts,
    subject: Option<OidcSubject>,
    principal: Principal,
    tls_client_key: Option<Hash>,
}

impl Principal {
    fn of_subject(subject: &OidcSubject) -> Self {
        let OidcSubject { issuer, subject } = subject;
        let mut text = Vec::with_capacity(8 + issuer.len() + subject.len());
        text.extend_from_slice(&(issuer.len() as u64).to_be_bytes());
        text.extend_from_slice(issuer.as_bytes());
        text.extend_from_slice(subject.as_bytes());
        Self::Subject(sha256(&text))
    }

    fn of_enclave(evidence: &VerifiedEvidence) -> Self {
        let claims = evidence.claims();
        let platform = claims.platform_id.0.0;
        Self::Enclave(match &claims.tee {
            Tee::Sgx(sgx) => sha256([sgx.mrenclave.0.0, platform].as_flattened()),
            Tee::Tdx(tdx) => {
                let mut text = platform.to_vec();
                text.extend_from_slice(&tdx.mrtd.0);
                text.extend(tdx.rtmrs.iter().flat_map(|rtmr| rtmr.0));
                sha256(&text)
            }
        })
    }
}

impl Caller {
    /// A caller with at least one proof: a verified token, evidence appraised on this
    /// connection, or both.
    pub fn new(
        token: Option<TokenProof>,
        evidence: Option<VerifiedEvidence>,
    ) -> Result<Self, Refusal> {
        let token = token.map(|proof| proof.facts().clone());
        let subject = token.as_ref().map(|token| OidcSubject {
            issuer: token.issuer.clone(),
            subject: token.subject.clone(),
        });
        let principal = match (&subject, &evidence) {
            (Some(subject), _) => Principal::of_subject(subject),
            (None, Some(evidence)) => Principal::of_enclave(evidence),
            (None, None) => return Err(Refusal::new(Code::Unauthenticated)),
        };
        Ok(Self {
            facts: Facts {
                token,
                evidence,
                ..Facts::default()
            },
            subject,
            principal,
            tls_client_key: None,
        })
    }

    /// A caller who has nothing but the certificate whose key the client of this connection proved to
    /// hold. Only where the handshake is known may this be called (`cargo xtask layers`).
    pub fn of_certificate(certificate: CertificateFacts) -> Self {
        Self {
            tls_client_key: Some(certificate.spki),
            facts: Facts {
                certificate: Some(certificate),
                ..Facts::default()
            },
            subject: None,
            principal: Principal::Certificates,
        }
    }

    /// The same caller on a connection whose client proved to hold the key with this hash (SHA-256 of the
    /// SubjectPublicKeyInfo of its certificate).
    #[must_use]
    pub fn with_tls_key(mut self, tls_client_key: Option<Hash>) -> Self {
        self.tls_client_key = tls_client_key;
        self
    }

    /// The same caller, whose client certificate is verified.
    #[must_use]
    pub fn with_certificate(mut self, certificate: Option<CertificateFacts>) -> Self {
        self.facts.certificate = certificate;
        self
    }

    /// Who asks, as a statement says it.
    pub fn requester(&self) -> Requester {
        Requester::of(&self.facts, self.tls_client_key)
    }

    /// What is proven.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The subject of the token, if there is one.
    pub fn subject(&self) -> Option<&OidcSubject> {
        self.subject.as_ref()
    }

    /// Whose share of everything this call takes from.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Who begins a request for approval, and alone may bring the call that was approved. Those who share
    /// an account are told apart by their keys.
    pub(crate) fn beginner(&self) -> Beginner<Principal> {
        let account = self.principal;
        let who = match account {
            Principal::Subject(who) | Principal::Enclave(who) => who,
            Principal::Certificates => {
                let certificate = self.facts.certificate.as_ref();
                certificate.map_or(Hash([0; 32]), |certificate| certificate.spki)
            }
        };
        Beginner { account, who }
    }

    /// When the caller's token expires.
    pub fn expires_at(&self) -> Option<UnixSeconds> {
        self.facts.token.as_ref().map(|token| token.expires_at)
    }
}
