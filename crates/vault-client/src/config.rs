//! What a client is told: where a vault is, which vault it must be, and whom to believe.

use crate::heads::HeadStore;
use crate::token::TokenSource;
use ratls::tls::{CallerIdentity, ClientKey};
use ratls::{AppraisalPolicy, TrustRoot};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use vault_encoding::Hash;
use vault_policy::{Measurement, PlatformId, VaultId};

/// Which vault it must be. The more is pinned, the less has to be believed: without a platform a
/// clone of the vault's machine passes, without a trust root another set of issuers does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VaultPins {
    /// Hash of its identity key. Always pinned: there is no trust on first use.
    pub vault_id: VaultId,
    /// Its machine.
    pub platform_id: Option<PlatformId>,
    /// Its code.
    pub measurement: Option<Measurement>,
    /// Root of its configuration entries that carry trust.
    pub trust_root: Option<Hash>,
}

/// How to reach one vault.
#[derive(Clone)]
pub struct ClientConfig {
    /// Host and port.
    pub endpoint: String,
    /// Which vault it must be.
    pub vault: VaultPins,
    /// The root of attestation. There is no default.
    pub trust: TrustRoot,
    /// What is accepted of a genuine platform.
    pub appraisal: AppraisalPolicy,
    /// What was seen before, durably.
    pub heads: HeadStore,
    /// Where tokens come from; `None` for calls that need none, and for those of a certificate.
    pub tokens: Option<Arc<dyn TokenSource>>,
    /// The enclave that calls, if it is one.
    pub caller: Option<Arc<CallerIdentity>>,
    /// The certificate of a client that is no enclave: what policies name as `mtls`, without any token, and
    /// what tokens can be bound to.
    pub certificate: Option<Arc<ClientKey>>,
    /// Longest time of one call, connecting and repeating included.
    pub timeout: Duration,
}

impl ClientConfig {
    /// The vault that `vault` pins, at `endpoint`, under an explicit root, with a durable memory.
    /// Strict appraisal, no token, no enclave, 30 seconds.
    pub fn new(
        endpoint: impl Into<String>,
        vault: VaultPins,
        trust: TrustRoot,
        heads: HeadStore,
    ) -> Self {
        Self {
            endpoint: endpoint.into(),
            vault,
            trust,
            appraisal: AppraisalPolicy::strict(),
            heads,
            tokens: None,
            caller: None,
            certificate: None,
            timeout: Duration::from_secs(30),
        }
    }

    /// With tokens.
    #[must_use]
    pub fn tokens(mut self, tokens: Arc<dyn TokenSource>) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// As an enclave.
    #[must_use]
    pub fn caller(mut self, caller: Arc<CallerIdentity>) -> Self {
        self.caller = Some(caller);
        self
    }

    /// With a certificate that policies name, or to which tokens can be bound (RFC 8705).
    #[must_use]
    pub fn certificate(mut self, certificate: Arc<ClientKey>) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// With another longest time of a call.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig")
            .field("endpoint", &self.endpoint)
            .field("vault", &self.vault)
            .field("tokens", &self.tokens.is_some())
            .field("caller", &self.caller.is_some())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
