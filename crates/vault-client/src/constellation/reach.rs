//! How members and registries are really reached: attested sessions, and questions over HTTP.

use super::config::ConstellationConfig;
use super::hints::Phonebook;
use super::search::Dial;
use crate::client::Client;
use crate::config::{ClientConfig, VaultPins};
use crate::error::{Error, ErrorCode, Result};
use crate::registry::RegistryClient;
use std::time::Duration;
use vault_governance::Member;
use vault_policy::VaultId;

/// A registry that takes longer is passed over.
const LONGEST_QUESTION: Duration = Duration::from_secs(5);

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
        client.certificate = config.certificate.clone();
        client
    }
}

impl Dial for Attested {
    type Client = Client;

    async fn dial(&self, member: &Member, endpoint: &str) -> Result<Client> {
        Client::connect(self.client_config(member, endpoint)).await
    }

    fn is_live(&self, client: &Client) -> bool {
        client.is_live()
    }
}

/// One registry. Each is asked by itself, so that a slow one delays none of the others.
pub(crate) struct Registry {
    url: String,
    client: RegistryClient,
}

impl Registry {
    pub(crate) fn new(url: &str, config: &ConstellationConfig) -> Self {
        Self {
            url: url.to_owned(),
            client: RegistryClient::new([url], config.timeout.min(LONGEST_QUESTION)),
        }
    }
}

impl Phonebook for Registry {
    fn url(&self) -> &str {
        &self.url
    }

    async fn list(&self) -> Result<Vec<(VaultId, String)>> {
        let listing = self.client.list().await;
        match listing.failures.into_iter().next() {
            Some((_, error)) => Err(error),
            None => Ok(listing
                .entries
                .into_iter()
                .map(|listed| (listed.vault_id, listed.endpoint))
                .collect()),
        }
    }
}

/// What is no address of a registry is a mistake of the configuration, and no silent registry.
pub(crate) fn check_registries(urls: &[String]) -> Result<()> {
    let is_address = |url: &str| {
        let uri: Option<http::Uri> = url.parse().ok();
        uri.is_some_and(|uri| uri.scheme_str() == Some("http") && uri.host().is_some())
    };
    match urls.iter().find(|url| !is_address(url)) {
        None => Ok(()),
        Some(url) => Err(Error::new(ErrorCode::ConfigInvalid)
            .detail(format_args!("registry {url:?} is not http://host:port"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_of_a_registry_is_a_mistake_of_the_configuration() {
        let check = |url: &str| check_registries(&[url.to_owned()]).map_err(|error| error.code);
        assert_eq!(check("http://registry.example.com:7400"), Ok(()));
        for wrong in ["registry.example.com:7400", "https://a:1", "", "http://"] {
            assert_eq!(check(wrong), Err(ErrorCode::ConfigInvalid), "{wrong}");
        }
    }
}
