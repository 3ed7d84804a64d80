//! How members and registries are really reached: attested sessions, and questions over HTTP.

use super::config::ConstellationConfig;
use super::hints::Phonebook;
use super::search::Dial;
use crate::client::Client;
use crate::config::{ClientConfig, VaultPins};
use crate::error::{Error, ErrorCode, Result};
use vault_governance::Member;
use vault_policy::VaultId;

/// Attested sessions, under the manifest's pins.
pub(crate) struct Attested {
    config: ConstellationConfig,
}

impl Attested {
    pub(crate) fn new(config: ConstellationConfig) -> Self {
        Self { config }
    }

    /// Everything that the manifest says of it is pinned.
    fn client_config(&self, member: &Member, endpoint: &str) -> ClientConfig {
        let Member {
            vault_id,
            platform_id,
            measurement,
            trust_root,
            operator: _,
        } = member;
        let pins = VaultPins {
            vault_id: *vault_id,
            platform_id: Some(*platform_id),
            measurement: Some(*measurement),
            trust_root: Some(*trust_root),
        };
        let config = &self.config;
        let mut client =
            ClientConfig::new(endpoint, pins, config.trust.clone(), config.heads.clone())
                .timeout(config.timeout);
        client.appraisal = config.appraisal.clone();
        client.tokens = config.tokens.clone();
        client.caller = config.caller.clone();
        client
    }
}

impl Dial for Attested {
    type Client = Client;

    async fn dial(&self, member: &Member, endpoint: &str) -> Result<Client> {
        Client::connect(self.client_config(member, endpoint)).await
    }

    async fn is_live(&self, client: &Client) -> bool {
        client.is_live().await
    }
}

/// One registry.
pub(crate) struct Registry {
    url: String,
}

impl Registry {
    pub(crate) fn new(url: &str, _config: &ConstellationConfig) -> Self {
        Self {
            url: url.to_owned(),
        }
    }
}

impl Phonebook for Registry {
    fn url(&self) -> &str {
        &self.url
    }

    async fn list(&self) -> Result<Vec<(VaultId, String)>> {
        Err(Error::new(ErrorCode::Unavailable).detail("registries are not asked yet"))
    }
}
