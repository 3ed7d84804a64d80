//! The constellation: every vault of one manifest, and nothing else.
//!
//! Which vaults there are, and what each must be, comes from the manifest, which the governance
//! keys signed; where they are may come from anybody, since every endpoint is dialled and held to
//! the manifest before a word is said to it.
//!
//! What one operation did on several vaults is one [`Outcome`] for each of them. Nothing is undone
//! behind the caller's back, and a goal that was met hides no failure.
//!
//! ```no_run
//! use std::sync::Arc;
//! use vault_client::constellation::Effect;
//! use vault_client::secret::{OwnerKeyFile, Secrets, Wait};
//! use vault_client::token::{Kept, TokenCommand};
//! use vault_client::{Constellation, ConstellationConfig, HeadStore, Result};
//!
//! # async fn example(anchor: vault_governance::Anchor) -> Result<()> {
//! let tokens = Kept::new(TokenCommand(vec!["my-token".into()]));
//! let trust = ratls::TrustRoot::intel();
//! let config = ConstellationConfig::new(anchor, "manifest.json", trust, HeadStore::new("state"))
//!     .registry("http://registry.example.com:7400")
//!     .tokens(Arc::new(tokens));
//! let constellation = Constellation::open(config).await?;
//! let vaults = constellation.vault_ids();
//!
//! // Every vault, with what became of each.
//! let keys = constellation.each(&vaults, |vault| async move { vault.list_keys(100, "").await }).await;
//! for (vault, error) in keys.failed() {
//!     println!("{vault}: {error}");
//! }
//!
//! // The first that answers.
//! let me = constellation.first(&vaults, Effect::None, |vault| async move { vault.whoami().await });
//! println!("{:?}", me.await?.value.value.roles);
//!
//! // A secret that any two of the vaults give back.
//! let owner = OwnerKeyFile::new("state/owner.key.json").load_or_create()?;
//! let secrets = constellation.secrets(Secrets::new("state/secrets", owner));
//! let found = secrets.reconstruct("wallet-seed", Wait::Enough).await?;
//! println!("{:?} gave a wrong share", found.collected.wrong());
//! # Ok(())
//! # }
//! ```

mod approve;
mod config;
mod directory;
mod exchange;
mod fan;
mod hints;
mod holder;
mod outcome;
mod reach;
mod search;
mod secret;
#[cfg(test)]
mod tests;

pub use approve::{Begun, Issued};
pub use config::ConstellationConfig;
pub use fan::{Effect, First, each, gather};
pub use hints::{Announced, Hint, Source};
pub use holder::{Done, Holder};
pub use outcome::{Goal, Outcome, Outcomes};
pub use search::Refused;
pub use secret::SplitSecrets;

use crate::client::Client;
use crate::error::{Error, ErrorCode, Result};
use crate::manifest::load_manifest;
use directory::Directory;
use exchange::Exchanges;
use fan::{Attempt, Reached};
use reach::{Attested, Registry};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use vault_governance::{Manifest, Member};
use vault_policy::VaultId;

/// The vaults of one manifest. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct Constellation {
    shared: Arc<Shared>,
}

struct Shared {
    config: ConstellationConfig,
    manifest: Manifest,
    directory: Directory<Attested, Registry>,
    exchanges: Exchanges,
}

impl Constellation {
    /// Reads the manifest, holds it to the anchor and to what was seen before, and remembers it.
    /// No vault is called, and no registry: a vault is reached when it is needed.
    pub async fn open(config: ConstellationConfig) -> Result<Self> {
        reach::check_registries(&config.registries)?;
        let manifest = load_manifest(&config.manifest, &config.anchor, &config.heads)?;
        for (vault, endpoint) in &config.endpoints {
            if manifest.member(vault).is_none() {
                return Err(Error::new(ErrorCode::ConfigInvalid).vault(*vault).detail(
                    format_args!("vault {vault} at {endpoint} is not in the manifest"),
                ));
            }
        }
        let registries = config.registries.iter();
        let directory = Directory::new(
            manifest.members(),
            &config.endpoints,
            registries.map(|url| Registry::new(url, &config)).collect(),
            Attested::new(config.clone()),
            config.timeout,
        );
        let shared = Shared {
            config,
            manifest,
            directory,
            exchanges: Exchanges::default(),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// The manifest that holds.
    pub fn manifest(&self) -> &Manifest {
        &self.shared.manifest
    }

    /// Every vault, in the order of the manifest.
    pub fn members(&self) -> &[Member] {
        self.shared.manifest.members()
    }

    /// The ids of every vault, in the order of the manifest.
    pub fn vault_ids(&self) -> Vec<VaultId> {
        self.members()
            .iter()
            .map(|member| member.vault_id)
            .collect()
    }

    /// What it was opened with.
    pub fn config(&self) -> &ConstellationConfig {
        &self.shared.config
    }

    /// A client of one member, attested and held to the manifest. The connection at hand is used
    /// while it stands; after that the vault is looked for again, also at the registries. Heads of
    /// the other vaults are exchanged with it when that is due.
    pub async fn client(&self, vault: &VaultId) -> Result<Client> {
        let client = self.shared.directory.client(vault).await?;
        self.exchange_if_due(&client).await;
        Ok(client)
    }

    /// Where the connection at hand to this vault goes, and who named the place.
    pub async fn found_at(&self, vault: &VaultId) -> Option<Hint> {
        self.shared.directory.found_at(vault).await
    }

    /// Every endpoint that was refused on the last way to each member, also where another one was
    /// the vault: somebody named it, and it was not.
    pub fn refused(&self) -> Vec<Refused> {
        self.shared.directory.refused()
    }

    /// What the registries say now, and which members none of them knows.
    pub async fn announced(&self) -> Announced {
        self.shared.directory.announced().await
    }

    /// Makes `call` on each of these vaults, all at once, and waits for all of them.
    pub async fn each<T, F, R>(&self, vaults: &[VaultId], call: F) -> Outcomes<T>
    where
        F: Fn(Client) -> R,
        R: Future<Output = Result<T>>,
    {
        fan::each(vaults, |vault| self.answer(vault, &call)).await
    }

    /// Makes `call`, which must be without effect, on each of these vaults, all at once. Once
    /// `need` have answered, the others have as long as hedging allows; who is still silent then
    /// is reported as not waited for.
    pub async fn gather<T, F, R>(&self, vaults: &[VaultId], need: usize, call: F) -> Outcomes<T>
    where
        F: Fn(Client) -> R,
        R: Future<Output = Result<T>>,
    {
        let enough = |answered: &[(usize, Result<T>)]| {
            answered.iter().filter(|(_, result)| result.is_ok()).count() >= need
        };
        let patience = self.shared.config.hedge_after;
        fan::gather(vaults, patience, enough, |vault| self.answer(vault, &call)).await
    }

    /// Makes `call` on the first of these vaults that answers: a failure moves on to the next,
    /// and so does silence, where `call` is without effect.
    pub async fn first<T, F, R>(
        &self,
        vaults: &[VaultId],
        effect: Effect,
        call: F,
    ) -> Result<First<T>>
    where
        F: Fn(Client) -> R,
        R: Future<Output = Result<T>>,
    {
        let hedge_after = self.shared.config.hedge_after;
        fan::first(vaults, effect, hedge_after, |vault| self.ask(vault, &call)).await
    }

    async fn answer<T, F, R>(&self, vault: VaultId, call: &F) -> Result<T>
    where
        F: Fn(Client) -> R,
        R: Future<Output = Result<T>>,
    {
        self.ask(vault, call).await.map_err(|failed| failed.error)
    }

    async fn ask<T, F, R>(&self, vault: VaultId, call: &F) -> Result<T, Attempt>
    where
        F: Fn(Client) -> R,
        R: Future<Output = Result<T>>,
    {
        let client = self.client(&vault).await.map_err(|error| Attempt {
            error: named(vault, error),
            reached: Reached::Nowhere,
        })?;
        let (client, effects) = client.watched();
        match call(client).await {
            Ok(value) => Ok(value),
            Err(error) => {
                if matches!(error.code, ErrorCode::Unavailable | ErrorCode::Timeout) {
                    self.shared.directory.forget(&vault);
                }
                Err(Attempt {
                    error: named(vault, error),
                    reached: match effects.any() {
                        true => Reached::Effect,
                        false => Reached::Vault,
                    },
                })
            }
        }
    }
}

fn named(vault: VaultId, error: Error) -> Error {
    match error.vault_id {
        Some(_) => error,
        None => error.vault(vault),
    }
}

impl fmt::Debug for Constellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Constellation")
            .field("config", &self.shared.config)
            .field("version", &self.shared.manifest.version())
            .finish_non_exhaustive()
    }
}
