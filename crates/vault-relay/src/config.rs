//! The configuration file: TOML, unknown names refused.
//!
//! ```toml
//! listen = "127.0.0.1:7480"        # port 0: chosen by the system
//! hosts = ["approve.example.com"]  # Host headers that are answered; empty: any, or on loopback
//!                                  # the names of loopback alone
//! proxy = "127.0.0.1"              # the TLS proxy before it: who asks is the last address in its
//!                                  # X-Forwarded-For; left out: that header counts for nothing
//! files = "/srv/wallet"            # the wallet's files; left out: those built into the program
//! simulated = false                # the wallet says SIMULATED
//!
//! [limits]                         # these are the defaults
//! longest_ttl = 86400              # seconds
//! requests = 4096
//! requests_per_source = 512        # by the address that posted them
//! requests_per_mailbox = 64        # a quarter of them from one source
//! bytes = 134217728                # of bundles and answers together
//! bytes_per_source = 33554432
//! bytes_on_the_way = 67108864      # of what is being written; half of it to one source
//! answers = 32                     # of one request, a quarter of them from one source
//! requests_per_second = 200        # of one source
//! connections = 1024               # half of them from one source
//! connection_seconds = 300
//!
//! [log]
//! level = "info"
//! ```

use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// Longest life of a request that can be configured: that of a nonce.
const A_DAY: u64 = 86_400;

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

/// Everything that a relay is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayConfig {
    /// Where to accept connections.
    pub listen: SocketAddr,
    /// `Host` headers that are answered, with their port unless it is the scheme's.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// The address of the proxy before it, whose `X-Forwarded-For` says who asks. Nobody else may be
    /// able to connect from there.
    #[serde(default)]
    pub proxy: Option<IpAddr>,
    /// The folder of the wallet's files, if not those of the program.
    #[serde(default)]
    pub files: Option<PathBuf>,
    /// Whether the constellation behind it is simulated: the wallet says so.
    #[serde(default)]
    pub simulated: bool,
    /// Bounds of what it takes.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// What it says.
    #[serde(default)]
    pub log: LogConfig,
}

/// `[limits]`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Longest life of a request, in seconds.
    pub longest_ttl: u64,
    /// Requests held at once.
    pub requests: usize,
    /// Of these, posted by one source.
    pub requests_per_source: usize,
    /// Of these, in one mailbox; a quarter of them from one source.
    pub requests_per_mailbox: usize,
    /// Bytes of bundles and answers held at once.
    pub bytes: usize,
    /// Of these, posted by one source.
    pub bytes_per_source: usize,
    /// Bytes of bundles, answers and lists that are being written; half of them to one source.
    pub bytes_on_the_way: usize,
    /// Answers to one request; a quarter of them from one source.
    pub answers: usize,
    /// Requests over HTTP of one source within a second.
    pub requests_per_second: u32,
    /// Connections at once; half of them from one source.
    pub connections: usize,
    /// Longest life of a connection.
    pub connection_seconds: u64,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            longest_ttl: A_DAY,
            requests: 4096,
            requests_per_source: 512,
            requests_per_mailbox: 64,
            bytes: 128 << 20,
            bytes_per_source: 32 << 20,
            bytes_on_the_way: 64 << 20,
            answers: 32,
            requests_per_second: 200,
            connections: 1024,
            connection_seconds: 300,
        }
    }
}

/// `[log]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
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

impl RelayConfig {
    /// A relay with the defaults that listens here.
    pub fn at(listen: SocketAddr) -> Self {
        Self {
            listen,
            hosts: Vec::new(),
            proxy: None,
            files: None,
            simulated: false,
            limits: LimitsConfig::default(),
            log: LogConfig::default(),
        }
    }

    /// Reads a file; its paths are relative to the folder it stands in.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|error| ConfigError::Unreadable {
            path: file.to_path_buf(),
            error,
        })?;
        let mut config = Self::from_toml(&text)?;
        let folder = file.parent().unwrap_or(Path::new("."));
        config.files = config.files.map(|files| folder.join(files));
        Ok(config)
    }

    /// Reads and checks a text.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let config: Self =
            toml::from_str(text).map_err(|error| ConfigError::Syntax(error.to_string()))?;
        config.check()?;
        Ok(config)
    }

    /// Refuses values that cannot work.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let LimitsConfig {
            longest_ttl,
            requests,
            requests_per_source,
            requests_per_mailbox,
            bytes,
            bytes_per_source,
            bytes_on_the_way,
            answers,
            requests_per_second,
            connections,
            connection_seconds,
        } = self.limits;
        let positive = [
            ("limits.requests", requests as u64),
            ("limits.requests_per_source", requests_per_source as u64),
            ("limits.requests_per_mailbox", requests_per_mailbox as u64),
            ("limits.bytes", bytes as u64),
            ("limits.bytes_per_source", bytes_per_source as u64),
            ("limits.bytes_on_the_way", bytes_on_the_way as u64),
            ("limits.answers", answers as u64),
            ("limits.requests_per_second", requests_per_second.into()),
            ("limits.connections", connections as u64),
            ("limits.connection_seconds", connection_seconds),
        ];
        for (path, value) in positive {
            demand(value > 0, path, "must not be 0")?;
        }
        demand(
            (1..=A_DAY).contains(&longest_ttl),
            "limits.longest_ttl",
            "must be 1 to 86400 seconds",
        )?;
        let levels = ["error", "warn", "info", "debug"];
        demand(
            levels.contains(&self.log.level.as_str()),
            "log.level",
            "must be error, warn, info or debug",
        )
    }
}

fn demand(holds: bool, path: &'static str, problem: &'static str) -> Result<(), ConfigError> {
    match holds {
        true => Ok(()),
        false => Err(ConfigError::Value { path, problem }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_what_is_the_default() {
        let source = include_str!("config.rs");
        let example: String = source
            .lines()
            .filter_map(|line| line.strip_prefix("//! "))
            .filter(|line| !line.starts_with("```") && !line.starts_with("The configuration"))
            .map(|line| format!("{line}\n"))
            .collect();
        let config = RelayConfig::from_toml(&example).unwrap();
        let default = format!("{:?}", LimitsConfig::default());
        assert_eq!(format!("{:?}", config.limits), default);
        assert_eq!(config.files.unwrap(), Path::new("/srv/wallet"));
    }

    #[test]
    fn what_cannot_work_is_refused_by_name() {
        for (line, named) in [
            ("limits.longest_ttl = 86401", "limits.longest_ttl"),
            ("limits.longest_ttl = 0", "limits.longest_ttl"),
            ("limits.requests = 0", "limits.requests"),
            ("limits.surprise = 1", "surprise"),
            ("surprise = 1", "surprise"),
            ("log.level = \"loud\"", "log.level"),
        ] {
            let text = format!("listen = \"127.0.0.1:0\"\n{line}\n");
            let refused = RelayConfig::from_toml(&text).unwrap_err();
            assert!(refused.to_string().contains(named), "{refused}");
        }
    }
}
