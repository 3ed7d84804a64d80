//! A vault as a process: sockets, sessions, configuration, commit loop.
//!
//! [`run`] is all of it; `evaultd` calls it with the machine's TEE, and development tools with
//! the software TEE. What decides is in `vault-core`; this crate moves bytes.

mod config;

pub use config::{
    AttestationConfig, ConfigError, IssuerConfig, LimitsConfig, LogConfig, RolesConfig,
    ServerConfig, TimeConfig, TypSetting,
};

use std::future::Future;
use std::sync::Arc;
use vault_tee::Platform;

/// Runs a vault until `shutdown` is ready; then answers what is in flight and returns. Prints
/// one line of JSON on stdout when it accepts connections:
/// `{"ready":true,"addr":…,"vault_id":…,"platform_id":…,"measurement":…}`.
pub async fn run(
    config: ServerConfig,
    platform: Arc<dyn Platform>,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let _ = (config, platform, shutdown);
    anyhow::bail!("not wired yet")
}
