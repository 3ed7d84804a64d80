//! The configuration file: TOML, unknown names refused.
//!
//! ```toml
//! listen = "127.0.0.1:7400"        # port 0: chosen by the system
//! ttl_seconds = 60                 # how long an entry lives without a heartbeat
//! appraisal_seconds = 3600         # how long one appraisal carries an entry
//!
//! [attestation]
//! root = "intel"                   # or a DER file; vaults whose evidence leads here are listed
//! statuses = ["UpToDate"]          # of their platforms
//! advisories = []
//!
//! [limits]                         # these are the defaults
//! entries = 4096
//! entries_per_source = 256         # by the address that announced them
//! entries_per_platform = 64        # vaults, by the machine that the evidence names
//! requests_per_second = 50         # of one source
//! dials = 32                       # at once; a quarter for what is listed, half for one source
//! dial_seconds = 5                 # name look-up, TCP, TLS and preamble together
//! page = 100                       # entries on a page, unless the caller asks for fewer or more
//! connections = 1024               # half of them from one source
//! connection_seconds = 60
//!
//! [log]
//! level = "info"
//! ```

use ratls::tls::Trust;
use ratls::{AppraisalPolicy, TrustRoot};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use vault_policy::TcbStatus;

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// Not TOML, or names and types that this version does not know.
    #[error("not a configuration: {0}")]
    Syntax(String),
    /// A value that cannot work.
    #[error("{path}: {problem}")]
    Value {
        /// Dotted path of the value.
        path: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Everything that a registry is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryConfig {
    /// Where to accept connections.
    pub listen: SocketAddr,
    /// How long an entry lives without a heartbeat.
    #[serde(default = "default_ttl")]
    pub ttl_seconds: u64,
    /// How long one appraisal carries an entry; then a heartbeat is dialled like an announcement.
    #[serde(default = "default_appraisal")]
    pub appraisal_seconds: u64,
    /// Whose evidence is believed.
    pub attestation: AttestationConfig,
    /// Bounds of what it takes.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// What it says.
    #[serde(default)]
    pub log: LogConfig,
}

fn default_ttl() -> u64 {
    60
}

fn default_appraisal() -> u64 {
    3600
}

/// `[attestation]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestationConfig {
    /// `intel`, or the path of a root certificate (DER).
    pub root: String,
    /// Accepted states of vaults' platforms, by their vendor's names.
    #[serde(default = "default_statuses")]
    pub statuses: Vec<String>,
    /// Advisories that may apply to them.
    #[serde(default)]
    pub advisories: Vec<String>,
}

fn default_statuses() -> Vec<String> {
    vec!["UpToDate".into()]
}

/// `[limits]`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Live entries.
    pub entries: usize,
    /// Live entries that one source announced.
    pub entries_per_source: usize,
    /// Vaults with live entries on one machine.
    pub entries_per_platform: usize,
    /// Requests of one source within one second.
    pub requests_per_second: u32,
    /// Dials at once.
    pub dials: usize,
    /// Longest dial.
    pub dial_seconds: u64,
    /// Entries on a page, unless the caller asks for another number.
    pub page: u32,
    /// Connections at once.
    pub connections: usize,
    /// Longest connection.
    pub connection_seconds: u64,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            entries: 4096,
            entries_per_source: 256,
            entries_per_platform: 64,
            requests_per_second: 50,
            dials: 32,
            dial_seconds: 5,
            page: 100,
            connections: 1024,
            connection_seconds: 60,
        }
    }
}

/// `[log]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// `error`, `warn`, `info` or `debug`.
    pub level: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "info".into(),
        }
    }
}

impl RegistryConfig {
    /// Reads a file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            path: path.to_owned(),
            error,
        })?;
        Self::from_toml(&text)
    }

    /// Reads a text.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let config: Self =
            toml::from_str(text).map_err(|error| ConfigError::Syntax(error.to_string()))?;
        config.check()?;
        Ok(config)
    }

    /// Refuses what cannot work.
    pub fn check(&self) -> Result<(), ConfigError> {
        let limits = &self.limits;
        let bounds = [
            ("ttl_seconds", self.ttl_seconds, 3, 86_400),
            ("appraisal_seconds", self.appraisal_seconds, 3, 604_800),
            ("limits.entries", limits.entries as u64, 1, 1 << 20),
            (
                "limits.entries_per_source",
                limits.entries_per_source as u64,
                1,
                1 << 20,
            ),
            (
                "limits.entries_per_platform",
                limits.entries_per_platform as u64,
                1,
                1 << 20,
            ),
            (
                "limits.requests_per_second",
                limits.requests_per_second.into(),
                1,
                1 << 20,
            ),
            ("limits.dials", limits.dials as u64, 1, 4096),
            ("limits.dial_seconds", limits.dial_seconds, 1, 60),
            ("limits.page", limits.page.into(), 1, 1000),
            ("limits.connections", limits.connections as u64, 1, 65_536),
            (
                "limits.connection_seconds",
                limits.connection_seconds,
                1,
                3600,
            ),
        ];
        for (path, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                return refuse(path, "is out of bounds");
            }
        }
        let levels = ["error", "warn", "info", "debug"];
        if !levels.contains(&self.log.level.as_str()) {
            return refuse("log.level", "is not one of error, warn, info, debug");
        }
        Ok(())
    }

    /// The root and the statuses, read and parsed.
    pub(crate) fn trust(&self) -> Result<Trust, ConfigError> {
        let mut policy = AppraisalPolicy::strict();
        policy.statuses.clear();
        for name in &self.attestation.statuses {
            match TcbStatus::from_name(name) {
                Some(status) => policy.statuses.insert(status),
                None => return refuse("attestation.statuses", "names an unknown status"),
            };
        }
        policy.advisories = self.attestation.advisories.iter().cloned().collect();
        let root = trust_root(&self.attestation.root)?;
        Ok(Trust { root, policy })
    }
}

fn trust_root(setting: &str) -> Result<TrustRoot, ConfigError> {
    if setting == "intel" {
        return Ok(TrustRoot::intel());
    }
    let path = Path::new(setting);
    let der = std::fs::read(path).map_err(|error| ConfigError::Unreadable {
        path: path.to_owned(),
        error,
    })?;
    TrustRoot::from_der(&der).or_else(|_| refuse("attestation.root", "is not a root certificate"))
}

fn refuse<T>(path: &'static str, problem: &'static str) -> Result<T, ConfigError> {
    Err(ConfigError::Value { path, problem })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "listen = \"127.0.0.1:0\"\nattestation.root = \"intel\"\n";

    #[test]
    fn the_least_configuration_has_the_documented_defaults() {
        let config = RegistryConfig::from_toml(LEAST).unwrap();
        assert_eq!((config.ttl_seconds, config.appraisal_seconds), (60, 3600));
        assert_eq!(config.limits.entries, 4096);
        assert!(config.trust().unwrap().root == TrustRoot::intel());
    }

    #[test]
    fn unknown_names_and_values_out_of_bounds_are_refused() {
        for (line, named) in [
            ("ttl = 5", "ttl"),
            ("ttl_seconds = 2", "ttl_seconds"),
            ("limits.entries = 0", "limits.entries"),
            ("limits.page = 1001", "limits.page"),
            ("limits.dial_seconds = 61", "limits.dial_seconds"),
            ("log.level = \"loud\"", "log.level"),
        ] {
            let refused = RegistryConfig::from_toml(&format!("{line}\n{LEAST}")).unwrap_err();
            assert!(refused.to_string().contains(named), "{refused}");
        }
    }
}
