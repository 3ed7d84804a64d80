//! The one configuration file, TOML: which vaults there are, whom to believe, who one is.
//!
//! ```toml
//! trust = "intel"                      # or a certificate file; required here or as --trust
//! state_dir = "/var/lib/evault/ann"
//! profile = "owner"                    # unless --profile says otherwise
//! manifest = "/etc/evault/manifest.json" # which vaults there are; or as --manifest
//! registries = ["http://registry.example.com:7444"] # and --registry
//! owner_key = "/var/lib/evault/ann/owner.key.json" # owner.key.json in state_dir if left out
//!
//! [constellation]                      # where trust in the manifest starts
//! id = "…"                             # hex
//! governance = ["…", "…", "…"]         # hex: keys that signed the first manifest
//! threshold = 2
//!
//! [[vaults]]                           # without a manifest: the vaults; with one: endpoints
//! endpoint = "vault.example.com:7443"
//! vault_id = "…"                       # hex; always pinned
//! platform_id = "…"                    # pinned where given, like the next two
//! measurement = "…"
//! trust_root = "…"
//!
//! [profiles.owner]
//! token_endpoint = "https://login.example.com/token"
//! client_id = "ann"
//! client_secret_file = "/etc/evault/ann.secret"
//! issuer_ca = "/etc/ssl/login-ca.pem"  # the system's bundle if left out
//! audience = "https://vaults.example.com"
//!
//! [profiles.ci]
//! token_command = ["ci-token", "--audience", "vaults"]
//!
//! [profiles.web]                       # a certificate that policies name, and no token
//! certificate = "/etc/ssl/web.pem"     # PEM; behind it those of the authorities above it
//! certificate_key = "/etc/ssl/web.key" # PEM, PKCS #8
//! ```

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vault_client::{Error, ErrorCode, Result};
use vault_governance::{Anchor, Quorum};

/// The file.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) trust: Option<String>,
    pub(crate) state_dir: Option<PathBuf>,
    pub(crate) profile: Option<String>,
    pub(crate) manifest: Option<PathBuf>,
    #[serde(default)]
    pub(crate) registries: Vec<String>,
    pub(crate) owner_key: Option<PathBuf>,
    pub(crate) constellation: Option<ConstellationEntry>,
    #[serde(default)]
    pub(crate) vaults: Vec<VaultEntry>,
    #[serde(default)]
    pub(crate) profiles: BTreeMap<String, Profile>,
}

/// `[constellation]`: where trust in the manifest starts.
#[derive(Serialize, Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConstellationEntry {
    pub(crate) id: String,
    pub(crate) governance: Vec<String>,
    pub(crate) threshold: u8,
}

impl ConstellationEntry {
    pub(crate) fn anchor(&self) -> Result<Anchor> {
        let constellation = self.id.parse().map_err(invalid)?;
        let keys = self.governance.iter().map(|key| key.parse());
        let keys = keys.collect::<Result<_, _>>().map_err(invalid)?;
        let governance = Quorum::new(keys, self.threshold).map_err(invalid)?;
        Ok(Anchor {
            constellation,
            governance,
        })
    }
}

/// One of `[[vaults]]`.
#[derive(Serialize, Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct VaultEntry {
    pub(crate) endpoint: String,
    pub(crate) vault_id: String,
    pub(crate) platform_id: Option<String>,
    pub(crate) measurement: Option<String>,
    pub(crate) trust_root: Option<String>,
}

/// One of `[profiles.NAME]`: a token endpoint or a command, a certificate, or one of these and a certificate.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    pub(crate) token_command: Option<Vec<String>>,
    pub(crate) token_endpoint: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret_file: Option<PathBuf>,
    pub(crate) issuer_ca: Option<PathBuf>,
    pub(crate) audience: Option<String>,
    pub(crate) scope: Option<String>,
    #[serde(default)]
    pub(crate) per_vault: bool,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) certificate_key: Option<PathBuf>,
}

impl Profile {
    /// Whether there is a way to a token, or a part of one.
    fn names_tokens(&self) -> bool {
        let endpoint = self.token_endpoint.is_some() || self.client_id.is_some();
        self.token_command.is_some() || endpoint || self.client_secret_file.is_some()
    }

    /// Whether its connections show a certificate of its own and carry no token.
    pub(crate) fn is_certificate_alone(&self) -> bool {
        self.certificate.is_some() && !self.names_tokens()
    }
}

impl Config {
    /// The file that is named, or the user's own.
    pub(crate) fn load(named: Option<&Path>) -> Result<Self> {
        let path = named
            .map(Path::to_owned)
            .or_else(default_path)
            .ok_or_else(|| invalid("no configuration: set EVAULT_CONFIG or give --config"))?;
        let text = std::fs::read_to_string(&path).map_err(|error| {
            invalid(format_args!(
                "{}: {error}; `evault dev` writes one",
                path.display()
            ))
        })?;
        toml::from_str(&text)
            .map_err(|error| invalid(format_args!("{}: {}", path.display(), error.message())))
    }

    /// Where heads and pins are kept.
    pub(crate) fn state_dir(&self) -> Result<PathBuf> {
        let user = || base_dir("XDG_STATE_HOME", ".local/state");
        self.state_dir
            .clone()
            .or_else(user)
            .ok_or_else(|| invalid("state_dir is not set and there is no home directory"))
    }

    /// Where the records of split secrets are kept.
    pub(crate) fn secrets(&self) -> Result<PathBuf> {
        Ok(self.state_dir()?.join("secrets"))
    }

    /// Where the owner key is kept.
    pub(crate) fn owner_key(&self) -> Result<PathBuf> {
        match &self.owner_key {
            Some(path) => Ok(path.clone()),
            None => Ok(self.state_dir()?.join("owner.key.json")),
        }
    }
}

fn default_path() -> Option<PathBuf> {
    Some(base_dir("XDG_CONFIG_HOME", ".config")?.join("config.toml"))
}

fn base_dir(variable: &str, in_home: &str) -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let base = set(variable)
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(set("HOME")?).join(in_home)))?;
    Some(base.join("evault"))
}

pub(crate) fn invalid(detail: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::ConfigInvalid).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_example_parses_and_unknown_names_are_refused() {
        let example: String = include_str!("config.rs")
            .lines()
            .skip_while(|line| *line != "//! ```toml")
            .skip(1)
            .take_while(|line| *line != "//! ```")
            .map(|line| format!("{}\n", line.trim_start_matches("//!")))
            .collect();
        let config: Config = toml::from_str(&example).unwrap();
        assert_eq!(config.vaults.len(), 1);
        assert_eq!(config.profiles.len(), 3);
        assert_eq!(config.constellation.unwrap().governance.len(), 3);
        assert!(toml::from_str::<Config>("trusst = 'intel'").is_err());
    }

    #[test]
    fn a_missing_file_says_what_to_do() {
        let error = Config::load(Some(Path::new("/no/such.toml"))).unwrap_err();
        assert!(error.message().contains("/no/such.toml"), "{error}");
        assert_eq!(error.code, ErrorCode::ConfigInvalid);
    }
}
