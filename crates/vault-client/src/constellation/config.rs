//! What a client of a whole constellation is told.

use crate::heads::HeadStore;
use crate::token::TokenSource;
use ratls::tls::{CallerIdentity, ClientKey};
use ratls::{AppraisalPolicy, TrustRoot};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use vault_governance::Anchor;
use vault_policy::VaultId;

/// Where trust starts, where to look, and how long to wait. Which vaults there are, and what each
/// must be, stands in the manifest alone.
#[derive(Clone)]
pub struct ConstellationConfig {
    /// Which constellation, and who signs its first manifest.
    pub anchor: Anchor,
    /// The file with all versions of the manifest.
    pub manifest: PathBuf,
    /// Registries, `http://host:port`. None of them is believed; any of them helps.
    pub registries: Vec<String>,
    /// Endpoints that are known without a registry; tried first, and believed no more.
    pub endpoints: Vec<(VaultId, String)>,
    /// The root of attestation. There is no default.
    pub trust: TrustRoot,
    /// What is accepted of a genuine platform.
    pub appraisal: AppraisalPolicy,
    /// What was seen before, durably: heads of logs, keys, the newest manifest.
    pub heads: HeadStore,
    /// Where tokens come from; `None` for calls that need none.
    pub tokens: Option<Arc<dyn TokenSource>>,
    /// The enclave that calls, if it is one.
    pub caller: Option<Arc<CallerIdentity>>,
    /// The certificate of a client that is no enclave.
    pub certificate: Option<Arc<ClientKey>>,
    /// Longest time to reach a vault, and of one call to it.
    pub timeout: Duration,
    /// How long an answer may take before the next vault is asked as well, where that does no harm.
    pub hedge_after: Duration,
}

impl ConstellationConfig {
    /// The constellation of `anchor` under an explicit root, with a durable memory. No registry,
    /// no endpoint, strict appraisal, no token, no enclave, 30 seconds, hedging after 300 ms.
    pub fn new(
        anchor: Anchor,
        manifest: impl Into<PathBuf>,
        trust: TrustRoot,
        heads: HeadStore,
    ) -> Self {
        Self {
            anchor,
            manifest: manifest.into(),
            registries: Vec::new(),
            endpoints: Vec::new(),
            trust,
            appraisal: AppraisalPolicy::strict(),
            heads,
            tokens: None,
            caller: None,
            certificate: None,
            timeout: Duration::from_secs(30),
            hedge_after: Duration::from_millis(300),
        }
    }

    /// With this registry too.
    #[must_use]
    pub fn registry(mut self, url: impl Into<String>) -> Self {
        self.registries.push(url.into());
        self
    }

    /// With this endpoint too.
    #[must_use]
    pub fn endpoint(mut self, vault: VaultId, endpoint: impl Into<String>) -> Self {
        self.endpoints.push((vault, endpoint.into()));
        self
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

    /// With another longest time of a call.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// With another time before hedging.
    #[must_use]
    pub fn hedge_after(mut self, hedge_after: Duration) -> Self {
        self.hedge_after = hedge_after;
        self
    }
}

impl fmt::Debug for ConstellationConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConstellationConfig")
            .field("anchor", &self.anchor)
            .field("manifest", &self.manifest)
            .field("registries", &self.registries)
            .field("endpoints", &self.endpoints)
            .field("tokens", &self.tokens.is_some())
            .field("caller", &self.caller.is_some())
            .field("certificate", &self.certificate.is_some())
            .field("timeout", &self.timeout)
            .field("hedge_after", &self.hedge_after)
            .finish_non_exhaustive()
    }
}
