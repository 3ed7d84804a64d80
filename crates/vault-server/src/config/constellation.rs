//! `[constellation]` and `[registry]`.

use super::check::{refuse, require};
use super::{ConfigError, ServerConfig};
use serde::Deserialize;
use vault_governance::{Anchor, ConstellationId, GovernanceKey, Quorum};

const MOST_REGISTRIES: usize = 8;
const LONGEST_ENDPOINT: usize = 262;

/// `[constellation]`: which one the vault belongs to, and who governs it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConstellationConfig {
    /// 32 bytes, lower-case hex. For the vault's life.
    pub id: String,
    /// Ed25519 public keys, 32 bytes each, lower-case hex.
    pub governance: Vec<String>,
    /// How many of them must sign.
    pub threshold: u8,
}

impl ConstellationConfig {
    /// What is sealed at first boot.
    fn anchor(&self) -> Result<Anchor, ConfigError> {
        let Self {
            id,
            governance,
            threshold,
        } = self;
        let constellation: ConstellationId = id.parse().map_err(|_| ConfigError::Value {
            path: "constellation.id".into(),
            problem: "is not 64 lower-case hex digits",
        })?;
        let keys: Vec<GovernanceKey> = governance
            .iter()
            .map(|key| key.parse())
            .collect::<Result<_, _>>()
            .map_err(|_| ConfigError::Value {
                path: "constellation.governance".into(),
                problem: "is not a list of 64 lower-case hex digits each",
            })?;
        let governance = Quorum::new(keys, *threshold).map_err(|_| ConfigError::Value {
            path: "constellation".into(),
            problem: "needs 1 to 16 distinct keys, and a threshold of at least one and at most all",
        })?;
        Ok(Anchor {
            constellation,
            governance,
        })
    }
}

impl ServerConfig {
    /// What governs this vault, if anything does.
    pub(crate) fn anchor(&self) -> Result<Option<Anchor>, ConfigError> {
        let constellation = self.constellation.as_ref();
        constellation.map(ConstellationConfig::anchor).transpose()
    }
}

/// `[registry]`: where the vault announces itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegistryConfig {
    /// `http://host:port` of each registry.
    pub announce: Vec<String>,
    /// `host:port` at which clients reach this vault; without it, the address that it listens on.
    pub endpoint: Option<String>,
}

impl RegistryConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let Self { announce, endpoint } = self;
        require(
            announce.len() <= MOST_REGISTRIES,
            "registry.announce",
            "has more than 8",
        )?;
        for registry in announce {
            let uri: Option<http::Uri> = registry.parse().ok();
            let fine = uri.is_some_and(|uri| {
                uri.scheme_str() == Some("http") && uri.port_u16().is_some() && uri.path() == "/"
            });
            require(fine, "registry.announce", "is not http://host:port")?;
        }
        match endpoint {
            Some(endpoint) if !is_endpoint(endpoint) => {
                refuse("registry.endpoint".into(), "is not host:port")
            }
            _ => Ok(()),
        }
    }
}

fn is_endpoint(text: &str) -> bool {
    let authority: Result<http::uri::Authority, _> = text.parse();
    text.len() <= LONGEST_ENDPOINT
        && !text.contains('@')
        && authority.is_ok_and(|parsed| parsed.port_u16().is_some_and(|port| port > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constellation(id: &str, governance: &[&str], threshold: u8) -> ConstellationConfig {
        ConstellationConfig {
            id: id.into(),
            governance: governance.iter().map(|&key| key.into()).collect(),
            threshold,
        }
    }

    #[test]
    fn a_constellation_needs_an_id_and_a_quorum_that_can_be_met() {
        let (id, a, b) = ("11".repeat(32), "22".repeat(32), "33".repeat(32));
        assert!(constellation(&id, &[&a, &b], 2).anchor().is_ok());
        for (id, keys, threshold) in [
            ("", vec![a.as_str()], 1),
            (&*id.to_uppercase().replace('1', "A"), vec![a.as_str()], 1),
            (&*id, vec![], 1),
            (&*id, vec!["22"], 1),
            (&*id, vec![&*a, &*a], 1),
            (&*id, vec![&*a], 0),
            (&*id, vec![&*a], 2),
        ] {
            let refused = constellation(id, &keys, threshold).anchor();
            assert!(refused.is_err(), "{id} {keys:?} {threshold}");
        }
    }

    #[test]
    fn registries_are_plain_addresses() {
        let registry = |announce: &str, endpoint: Option<&str>| RegistryConfig {
            announce: vec![announce.into()],
            endpoint: endpoint.map(str::to_owned),
        };
        assert!(
            registry("http://127.0.0.1:80", Some("vault.test:1"))
                .check()
                .is_ok()
        );
        assert!(registry("http://a.test:80/", None).check().is_ok());
        for (announce, endpoint) in [
            ("https://a.test:80", None),
            ("http://a.test", None),
            ("http://a.test:80/path", None),
            ("http://a.test:80", Some("vault.test")),
            ("http://a.test:80", Some("vault.test:0")),
            ("http://a.test:80", Some("me@vault.test:1")),
        ] {
            assert!(
                registry(announce, endpoint).check().is_err(),
                "{announce} {endpoint:?}"
            );
        }
    }
}
