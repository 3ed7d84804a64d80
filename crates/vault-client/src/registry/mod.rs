//! Asks registries where vaults are. Nothing that they say is believed: an entry is an address to
//! try, and who answers there is found out by dialling with the pins of the manifest.
//!
//! ```no_run
//! use std::time::Duration;
//! use vault_client::registry::RegistryClient;
//!
//! # async fn example() {
//! let registries = ["http://10.0.0.7:7400", "http://10.0.0.8:7400"];
//! let listing = RegistryClient::new(registries, Duration::from_secs(5)).list().await;
//! for vault in &listing.entries {
//!     println!("{} says that {} is at {}", vault.registry, vault.vault_id, vault.endpoint);
//! }
//! for (registry, error) in &listing.failures {
//!     println!("{registry}: {error}");
//! }
//! # }
//! ```

mod ask;
mod listing;

#[cfg(feature = "fuzzing")]
pub use ask::listed;
pub use listing::{ListedVault, Listing};

use std::time::Duration;

/// Asks any number of registries at once.
#[derive(Clone, Debug)]
pub struct RegistryClient {
    registries: Vec<String>,
    timeout: Duration,
}

impl RegistryClient {
    /// Of these registries, each `http://host:port`, none of which may take longer than `timeout`.
    pub fn new(registries: impl IntoIterator<Item = impl Into<String>>, timeout: Duration) -> Self {
        Self {
            registries: registries.into_iter().map(Into::into).collect(),
            timeout,
        }
    }

    /// What all of them list, and which of them failed. A registry that fails takes nothing from
    /// what the others say; one that lists too much is cut off there.
    pub async fn list(&self) -> Listing {
        let asked: Vec<_> = self
            .registries
            .iter()
            .map(|registry| {
                let (asked, timeout) = (registry.clone(), self.timeout);
                tokio::spawn(async move { ask::list(&asked, timeout).await })
            })
            .collect();
        let mut listing = Listing::default();
        for (registry, answer) in self.registries.iter().zip(asked) {
            listing.add(
                registry,
                answer.await.unwrap_or_else(|_| Err(ask::broken())),
            );
        }
        listing
    }
}
