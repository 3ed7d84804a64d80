//! The configuration file: TOML, unknown names refused, checked before anything starts.
//!
//! ```toml
//! listen = "127.0.0.1:7443"        # port 0: chosen by the system
//! data_dir = "/var/lib/evault"     # the sealed log
//!
//! [attestation]                    # trust
//! root = "intel"                   # or a DER file; whose evidence callers may show
//! statuses = ["UpToDate"]          # of callers' platforms; any other refuses
//! advisories = []                  # that may apply to them
//!
//! [time]                           # trust
//! mode = "host"
//! skew = 30                        # seconds by which the host's clock may lag
//!
//! [roles]                          # trust; these are the defaults
//! owner = "vault:owner"
//! manager = "vault:manager"
//! auditor = "vault:auditor"
//!
//! [[issuers]]                      # trust
//! url = "https://login.example.com"              # compared byte for byte with `iss`
//! audience = "https://vaults.example.com"
//! jwks_uri = "https://login.example.com/jwks"    # same scheme, host and port as `url`
//! roots = "/etc/evault/login-ca.pem"             # a PEM file, or the PEM text itself
//! typ = ["at+jwt"]                               # of "at+jwt", "JWT", "absent"
//! grants = ["vault:owner", "vault:auditor"]
//! role_claim = "roles"
//! max_key_age = 3600                             # seconds; a dropped key dies within them
//!
//! [constellation]                  # trust; without it, nothing can change what is trust
//! id = "…"                         # 64 hex digits: `evault constellation new-id`; for life
//! governance = ["…"]               # Ed25519 public keys, 64 hex digits each
//! threshold = 1                    # of them must sign
//!
//! [registry]                       # operational
//! announce = ["http://127.0.0.1:7440"]
//! endpoint = "vault.example.com:7443"    # as clients reach it; default: where it listens
//!
//! [limits]                         # operational; these are the defaults
//! connections = 1024               # open at once; half of them from one address, at most
//! handshakes = 64                  # being attested at once; half of them from one address
//! handshake_seconds = 10           # for TLS and preamble each
//! connection_seconds = 3600        # then a client attests anew
//! request_seconds = 30
//! streams = 128                    # requests at once on one connection
//! memory_mib = 256                 # for requests that are being read; strangers get an eighth
//! cached_tokens = 16384
//! snapshot_records = 8192          # least number of records between two snapshots
//! segment_mib = 16                 # of a file of the log; files that exist keep theirs
//!
//! [rates]                          # operational; of one principal, in a second, twice as much at once
//! calls = 50000                    # of whatever kind
//! uses = 20000                     # of keys; a payload counts once more for each 16 KiB
//! creations = 1000                 # of keys; a share counts once more for each 4 KiB
//! pages = 500                      # of keys or of the log
//! policy_bytes = 4194304           # of policies that are validated
//!
//! [quotas]                         # operational; of one owner
//! keys = 1000000                   # tombstones included
//! share_mib = 64                   # of shares
//! text_mib = 256                   # of policies, names and labels
//! vault_keys = 4000000             # of all owners together
//! vault_share_mib = 512
//! vault_text_mib = 1024
//!
//! [log]                            # operational
//! level = "info"
//! ```

use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

mod check;
mod constellation;
mod material;
mod tenants;
mod tree;

pub(crate) use check::authority;
pub use constellation::{ConstellationConfig, RegistryConfig};
pub(crate) use material::{Material, TrustedIssuer};
pub(crate) use tenants::{QuotasConfig, RatesConfig};
pub(crate) use tree::{operational, trust};

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
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
    /// A value that cannot work, or that no vault should run with.
    #[error("{path}: {problem}")]
    Value {
        /// Dotted path of the value.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Everything that a vault is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Where to accept connections.
    pub listen: SocketAddr,
    /// Folder of the sealed log and the sealed root.
    pub data_dir: PathBuf,
    /// Whose evidence callers may show.
    pub attestation: AttestationConfig,
    /// How time is established.
    #[serde(default)]
    pub time: TimeConfig,
    /// Names of the roles.
    #[serde(default)]
    pub roles: RolesConfig,
    /// Who may issue tokens.
    pub issuers: Vec<IssuerConfig>,
    /// Which constellation it belongs to, if it belongs to one.
    pub constellation: Option<ConstellationConfig>,
    /// Where it announces itself.
    #[serde(default)]
    pub registry: RegistryConfig,
    /// Bounds of what the process takes.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// How often one principal may call.
    #[serde(default)]
    pub rates: RatesConfig,
    /// What one owner may keep.
    #[serde(default)]
    pub quotas: QuotasConfig,
    /// What it says.
    #[serde(default)]
    pub log: LogConfig,
}

/// `[attestation]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestationConfig {
    /// `intel`, or the path of a root certificate (DER).
    pub root: String,
    /// Accepted states of callers' platforms, by their vendor's names.
    #[serde(default = "default_statuses")]
    pub statuses: Vec<String>,
    /// Advisories that may apply to callers' platforms.
    #[serde(default)]
    pub advisories: Vec<String>,
}

fn default_statuses() -> Vec<String> {
    vec!["UpToDate".into()]
}

/// `[time]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimeConfig {
    /// Only `host` today.
    pub mode: String,
    /// Seconds by which the host's clock may lag.
    pub skew: u64,
}

impl Default for TimeConfig {
    fn default() -> Self {
        Self {
            mode: "host".into(),
            skew: 30,
        }
    }
}

/// `[roles]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RolesConfig {
    /// May create keys.
    pub owner: String,
    /// May approve.
    pub manager: String,
    /// May read the log.
    pub auditor: String,
}

impl Default for RolesConfig {
    fn default() -> Self {
        Self {
            owner: "vault:owner".into(),
            manager: "vault:manager".into(),
            auditor: "vault:auditor".into(),
        }
    }
}

/// What an issuer's tokens carry in the header `typ`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub enum TypSetting {
    /// `at+jwt` (RFC 9068).
    #[serde(rename = "at+jwt")]
    AtJwt,
    /// `JWT`.
    #[serde(rename = "JWT")]
    Jwt,
    /// No `typ`.
    #[serde(rename = "absent")]
    Absent,
}

/// One of `[[issuers]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// Compared byte for byte with `iss`.
    pub url: String,
    /// Must be in `aud`.
    pub audience: String,
    /// Where its keys are; same scheme, host and port as `url`.
    pub jwks_uri: String,
    /// The certificates that its TLS must lead to: PEM text, or the path of a PEM file.
    pub roots: String,
    /// Accepted values of the header `typ`.
    #[serde(default = "default_typ")]
    pub typ: Vec<TypSetting>,
    /// The roles that this issuer may grant.
    pub grants: Vec<String>,
    /// The claim that lists roles.
    #[serde(default = "default_role_claim")]
    pub role_claim: String,
    /// Seconds for which a fetched key is used without being seen again.
    #[serde(default = "default_max_key_age")]
    pub max_key_age: u64,
}

fn default_typ() -> Vec<TypSetting> {
    vec![TypSetting::AtJwt]
}

fn default_role_claim() -> String {
    "roles".into()
}

fn default_max_key_age() -> u64 {
    3600
}

/// `[limits]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Open connections.
    pub connections: usize,
    /// Connections that are still being attested.
    pub handshakes: usize,
    /// Seconds that a TLS handshake and preamble, or the header of a request, may take.
    pub handshake_seconds: u64,
    /// Seconds after which a connection ends.
    pub connection_seconds: u64,
    /// Seconds that a request may take.
    pub request_seconds: u64,
    /// Requests at once on one connection.
    pub streams: u32,
    /// Memory for requests that are being read, in MiB.
    pub memory_mib: u32,
    /// Verified tokens that are remembered.
    pub cached_tokens: usize,
    /// Least number of records between two snapshots.
    pub snapshot_records: u64,
    /// Size of a file of the log, in MiB.
    pub segment_mib: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            connections: 1024,
            handshakes: 64,
            handshake_seconds: 10,
            connection_seconds: 3600,
            request_seconds: 30,
            streams: 128,
            memory_mib: 256,
            cached_tokens: 16_384,
            snapshot_records: 8192,
            segment_mib: 16,
        }
    }
}

/// `[log]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// `error`, `warn`, `info`, `debug`.
    pub level: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "info".into(),
        }
    }
}

impl ServerConfig {
    /// Reads and checks a file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            path: path.to_owned(),
            error,
        })?;
        Self::from_toml(&text)
    }

    /// Reads and checks a text.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text)
            .map_err(|error| ConfigError::Syntax(error.message().to_owned()))?;
        config.check()?;
        Ok(config)
    }
}
