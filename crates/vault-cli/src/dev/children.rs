//! The hidden subcommands: a vault, an issuer, a registry and a relay, each in a process of its own.

use super::layout::{CLIENTS, Layout};
use super::{failed, parent};
use crate::cli::{IssuerChildArgs, RegistryChildArgs, RelayChildArgs, VaultChildArgs};
use crate::files;
use crate::output::{Human, Output};
use serde_json::Value;
use std::sync::Arc;
use tee_sim::{SimPlatform, SimRoot, measurement_named};
use vault_client::{Error, Result};
use vault_registry::RegistryConfig;
use vault_relay::RelayConfig;
use vault_server::ServerConfig;
use vault_test::issuer::{self, Client, IssuerConfig};

/// The measurement of every `dev` vault: a rebuild still opens its folder.
const VAULT_BUILD: &str = "evault dev vault";
/// An hour, so that nobody waits for the issuer.
const TOKEN_SECONDS: u64 = 3600;

/// `__vault`
pub(crate) async fn vault_child(args: VaultChildArgs) -> Result<Output> {
    let config = ServerConfig::load(&args.server_config).map_err(failed)?;
    let root = SimRoot::open_or_create(&args.sim).map_err(failed)?;
    let machine = root.machine(&args.machine).map_err(failed)?;
    let platform = SimPlatform::builder(&machine, measurement_named(VAULT_BUILD))
        .build()
        .map_err(failed)?;
    if args.identity {
        let fingerprint = vault_server::identity(&config, &platform).map_err(in_full)?;
        let said = serde_json::from_str(&fingerprint.to_json()).map_err(failed)?;
        return Ok(Output::new(said, Human::Text(fingerprint.to_json())));
    }
    vault_server::run(config, Arc::new(platform), parent::gone())
        .await
        .map_err(in_full)?;
    Ok(silent())
}

/// `__registry`
pub(crate) async fn registry_child(args: RegistryChildArgs) -> Result<Output> {
    let config = RegistryConfig::load(&args.registry_config).map_err(failed)?;
    vault_registry::run(config, parent::gone())
        .await
        .map_err(in_full)?;
    Ok(silent())
}

/// `__relay`
pub(crate) async fn relay_child(args: RelayChildArgs) -> Result<Output> {
    let config = RelayConfig::load(&args.relay_config).map_err(failed)?;
    vault_relay::run(config, parent::gone())
        .await
        .map_err(in_full)?;
    Ok(silent())
}

/// `__issuer`
pub(crate) async fn issuer_child(args: IssuerChildArgs) -> Result<Output> {
    let layout = Layout::existing(&args.dir)?;
    let mut clients = Vec::new();
    for (name, roles) in CLIENTS {
        let secret = files::read(&layout.secret(name))?;
        let secret = String::from_utf8(secret).map_err(failed)?;
        clients.push(Client::new(name, secret.trim_end(), roles));
    }
    let mut config = IssuerConfig::new(clients);
    config.dir = Some(layout.file("issuer"));
    config.token_seconds = TOKEN_SECONDS;
    issuer::run(config, parent::gone()).await.map_err(in_full)?;
    Ok(silent())
}

/// With what caused it.
fn in_full(error: impl std::fmt::Display) -> Error {
    failed(format_args!("{error:#}"))
}

fn silent() -> Output {
    Output {
        stdout_taken: true,
        ..Output::new(Value::Null, Human::Silent)
    }
}
