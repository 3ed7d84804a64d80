//! A registry in this process.

use anyhow::{Context, Result};
use std::path::Path;
use std::time::Duration;
use tee_sim::SimRoot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use vault_client::registry::RegistryClient;
use vault_policy::VaultId;
use vault_registry::{Registry, RegistryConfig};

const UNTIL_LISTED: Duration = Duration::from_secs(60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Ends when it is dropped.
pub(super) struct TestRegistry {
    url: String,
    serving: JoinHandle<()>,
}

impl TestRegistry {
    /// Lists vaults under this root, and forgets them after three seconds without a heartbeat.
    pub(super) async fn start(dir: &Path, root: &SimRoot) -> Result<Self> {
        let der = dir.join("root.der");
        std::fs::write(&der, root.root_der())?;
        let config = format!(
            "listen = \"127.0.0.1:0\"\nttl_seconds = 3\nattestation.root = {der:?}\n\
             [log]\nlevel = \"error\"\n"
        );
        let registry = Registry::bind(&RegistryConfig::from_toml(&config)?).await?;
        Ok(Self {
            url: format!("http://{}", registry.addr()),
            serving: tokio::spawn(registry.serve(std::future::pending())),
        })
    }

    pub(super) fn url(&self) -> String {
        self.url.clone()
    }

    pub(super) async fn until_listed(&self, wanted: &[(VaultId, String)]) -> Result<()> {
        let client = RegistryClient::new([self.url()], UNTIL_LISTED);
        let listed = async {
            loop {
                let listing = client.list().await;
                let is_there =
                    |(id, at): &(VaultId, String)| listing.endpoints(id).any(|end| end == at);
                if wanted.iter().all(is_there) {
                    return;
                }
                sleep(BETWEEN_LOOKS).await;
            }
        };
        timeout(UNTIL_LISTED, listed)
            .await
            .with_context(|| format!("{} does not list every vault", self.url))
    }
}

impl Drop for TestRegistry {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
