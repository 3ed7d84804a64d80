//! A vault as a process: sockets, sessions, configuration, commit loop.
//!
//! [`run`] is all of it; `evaultd` calls it with the machine's TEE, and development tools with
//! the software TEE. What decides is in `vault-core`; this crate moves bytes.
//!
//! The life of a call: `accept` (bounds, TLS, preamble) → `accept::attested` (token, memory) →
//! `service` (message to the core's request) → `shared` (judge, operate, record) → `committer`
//! (one sync for a group) → `service` (answer to message).

mod accept;
mod announce;
mod boot;
mod channel;
mod clock;
mod committer;
mod config;
mod descriptors;
mod due;
mod fingerprint;
mod identity;
mod jwks;
mod locked;
mod log;
mod logging;
mod reconfigure;
mod root;
mod run;
mod seal;
mod sealed;
mod sender;
mod service;
mod shared;
mod shelf;
mod stop;
mod tenants;
mod turns;
mod workers;

pub use config::{
    AttestationConfig, ConfigError, ConstellationConfig, IssuerConfig, LimitsConfig, LogConfig,
    RegistryConfig, RolesConfig, ServerConfig, TimeConfig, TypSetting,
};
pub use fingerprint::{ConfigRoots, Fingerprint, config_roots, identity};
pub use run::{run, runtime};
pub use seal::SvnSeal;

/// Parsers of this crate, open to the fuzzer alone.
#[cfg(feature = "fuzzing")]
pub mod fuzzing {
    pub use crate::sealed::reread as sealed_payload;
    pub use crate::sender::credentials;
    pub use crate::service::fuzzing::{
        Asked, Exchanged, KINDS, asked, batch, exchange, head_seen, operate, reconfigure,
    };
}
