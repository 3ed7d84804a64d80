//! `doctor`: everything that must be right, in the order in which it is needed.

mod check;
mod constellation;
mod memory_files;
mod owner;
mod vaults;

use crate::client_key;
use crate::config::Config;
use crate::context::Context;
use crate::output::Output;
use check::Checks;
use vault_client::{HeadStore, Result};

pub(crate) async fn run(context: &Context) -> Result<Output> {
    let mut checks = Checks::default();
    let config = match context.config() {
        Ok(config) => config,
        Err(error) => {
            checks.add("configuration", Err(error));
            return Ok(checks.report());
        }
    };
    checks.add("configuration", Ok(summary(&config)));
    checks.add("trust root", trust(context, &config));
    checks.add("memory", memory(&config));
    if let Ok(dir) = config.state_dir() {
        memory_files::check(&HeadStore::new(dir), &mut checks);
    }
    checks.add("token", token(context, &config).await);
    if let Some(fleet) = constellation::check(context, &config, &mut checks).await {
        vaults::check(&fleet, &mut checks).await;
        owner::check(&config, &fleet, &mut checks);
    }
    Ok(checks.report())
}

fn summary(config: &Config) -> String {
    let vaults = match &config.manifest {
        Some(manifest) => format!("manifest {}", manifest.display()),
        None => format!("{} vaults", config.vaults.len()),
    };
    format!("{vaults}, {} profiles", config.profiles.len())
}

fn trust(context: &Context, config: &Config) -> Result<String> {
    let root = context.trust(config)?;
    Ok(if root.is_development() {
        "a DEVELOPMENT root: SIMULATED vaults pass".to_owned()
    } else {
        "loaded".to_owned()
    })
}

/// Without a memory that lasts, nobody can notice a rollback.
fn memory(config: &Config) -> Result<String> {
    let dir = config.state_dir()?;
    std::fs::create_dir_all(&dir)
        .and_then(|()| tempfile::tempfile_in(&dir))
        .map_err(|error| crate::files::inaccessible(&dir, &error))?;
    Ok(HeadStore::new(dir).path().display().to_string())
}

async fn token(context: &Context, config: &Config) -> Result<String> {
    let name = context.profile_name(config).unwrap_or("none").to_owned();
    match context.tokens(config)? {
        None if context.profile(config)?.is_some() => {
            let key = client_key::held(context, config)?.and_then(|key| key.spki_hash());
            let key = key.map_or_else(String::new, |spki| format!(", key {spki}"));
            Ok(format!("profile {name}: a certificate{key}, and no token"))
        }
        None => Ok("no profile: only what needs no token".to_owned()),
        Some(tokens) => {
            let token = tokens.token().await?;
            let life = token
                .lifetime()
                .map_or("unknown".to_owned(), |left| format!("{left:?}"));
            Ok(format!("profile {name}, valid for {life}"))
        }
    }
}
