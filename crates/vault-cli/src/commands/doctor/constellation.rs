//! The manifest, and what registries say of its members.

use super::check::{Checks, Found};
use crate::commands::vault_list::short;
use crate::config::Config;
use crate::context::Context;
use crate::fleet::Fleet;
use vault_client::Constellation;
use vault_client::constellation::Announced;

/// The vaults to look at; none if the manifest or the configuration is refused.
pub(super) async fn check<'a>(
    context: &'a Context,
    config: &Config,
    checks: &mut Checks,
) -> Option<Fleet<'a>> {
    // A token that cannot be had is told already; the vaults can still be looked at.
    let tokens = context.tokens(config).unwrap_or_default();
    let opened = Fleet::open(context, config, tokens).await;
    let name = match context.manifest(config) {
        Some(_) => "manifest",
        None => "vaults",
    };
    let fleet = match opened {
        Ok(fleet) => fleet,
        Err(error) => {
            checks.add(name, Err(error));
            return None;
        }
    };
    if let Some(constellation) = fleet.constellation() {
        checks.add(name, Ok(describe(constellation)));
        if !constellation.config().registries.is_empty() {
            let announced = constellation.announced().await;
            registries(constellation, &announced, checks);
        }
    }
    Some(fleet)
}

fn describe(constellation: &Constellation) -> String {
    let manifest = constellation.manifest();
    format!(
        "constellation {}, version {}, {} members",
        manifest.constellation(),
        manifest.version(),
        manifest.members().len()
    )
}

fn registries(constellation: &Constellation, announced: &Announced, checks: &mut Checks) {
    for url in &constellation.config().registries {
        let failed = announced.failures.iter().find(|(failed, _)| failed == url);
        let found = match failed {
            Some((_, error)) => Found::warning(error.message(), "evault doctor"),
            None => Found::Well("answers; nothing that it says is believed".to_owned()),
        };
        checks.add(format!("registry {url}"), found);
    }
    let missing: Vec<_> = announced.missing.iter().map(short).collect();
    let found = match missing.is_empty() {
        true => Found::Well("every member is listed".to_owned()),
        false => Found::warning(
            format!(
                "no registry knows {}: not running, or hidden",
                missing.join(", ")
            ),
            "evault vault list",
        ),
    };
    checks.add("members in registries", found);
}
