//! Where vaults are said to be. Nothing here is believed: an endpoint is a place to dial.

use crate::error::{Error, Result};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use vault_policy::VaultId;

/// What a registry said is used again for this long, so that members are sought with one question.
const FRESH: Duration = Duration::from_secs(1);
/// Endpoints that one source may name for one vault; more are not tried.
const MOST_HINTS: usize = 8;

/// Who says where a vault is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// This client's configuration.
    Configuration,
    /// The registry at this address.
    Registry(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration => f.write_str("the configuration"),
            Self::Registry(url) => write!(f, "registry {url}"),
        }
    }
}

/// A place where a vault is said to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hint {
    /// The vault.
    pub vault_id: VaultId,
    /// Host and port.
    pub endpoint: String,
    /// Who says so.
    pub source: Source,
}

/// One registry.
pub(crate) trait Phonebook: Send + Sync + 'static {
    fn url(&self) -> &str;

    /// Every vault that it knows, with an endpoint; a vault may stand there more than once.
    fn list(&self) -> impl Future<Output = Result<Vec<(VaultId, String)>>> + Send;
}

/// What one registry said last.
struct Asked {
    at: Instant,
    said: Result<Vec<Hint>>,
}

/// One registry, asked no more often than is useful.
pub(crate) struct Book<P> {
    registry: P,
    last: Mutex<Option<Asked>>,
}

impl<P: Phonebook> Book<P> {
    pub(crate) fn new(registry: P) -> Arc<Self> {
        Arc::new(Self {
            registry,
            last: Mutex::new(None),
        })
    }

    pub(crate) fn url(&self) -> &str {
        self.registry.url()
    }

    /// Everything that it says now.
    pub(crate) async fn ask(&self) -> Result<Vec<Hint>> {
        let mut last = self.last.lock().await;
        if let Some(asked) = last.as_ref().filter(|asked| asked.at.elapsed() < FRESH) {
            return asked.said.clone();
        }
        let said = self.registry.list().await;
        let said = said.map(|entries| self.hints(entries));
        *last = Some(Asked {
            at: Instant::now(),
            said: said.clone(),
        });
        said
    }

    fn hints(&self, entries: Vec<(VaultId, String)>) -> Vec<Hint> {
        let source = Source::Registry(self.url().to_owned());
        let hint = |(vault_id, endpoint)| Hint {
            vault_id,
            endpoint,
            source: source.clone(),
        };
        entries.into_iter().map(hint).collect()
    }
}

/// Those of `said` about one vault, the first few.
pub(crate) fn about(vault: VaultId, said: Vec<Hint>) -> impl Iterator<Item = Hint> {
    said.into_iter()
        .filter(move |hint| hint.vault_id == vault)
        .take(MOST_HINTS)
}

/// What the registries say, all of them together, and about which members none says anything.
#[derive(Clone, Debug, Default)]
pub struct Announced {
    /// Every endpoint of a member, by registry.
    pub hints: Vec<Hint>,
    /// Members that no registry knows: hidden, or not running.
    pub missing: Vec<VaultId>,
    /// Registries that did not answer.
    pub failures: Vec<(String, Error)>,
}
