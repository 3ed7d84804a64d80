//! The owner key, and where the shares of split secrets are.

use super::check::{Checks, Found};
use crate::commands::vault_list::short;
use crate::config::Config;
use crate::fleet::Fleet;
use std::collections::{BTreeMap, BTreeSet};
use vault_client::secret::{OwnerKey, OwnerKeyFile, Secrets, SetRecord};
use vault_client::{Constellation, Result};
use vault_policy::VaultId;

pub(super) fn check(config: &Config, fleet: &Fleet<'_>, checks: &mut Checks) {
    let Some(constellation) = fleet.constellation() else {
        return;
    };
    match owner_key(config) {
        Ok((found, None)) => checks.add("owner key", found),
        Ok((found, Some(owner))) => {
            checks.add("owner key", found);
            if let Err(error) = secrets(config, owner, constellation, checks) {
                checks.add("split secrets", Err(error));
            }
        }
        Err(error) => checks.add("owner key", Err(error)),
    }
}

fn owner_key(config: &Config) -> Result<(Found, Option<OwnerKey>)> {
    let file = OwnerKeyFile::new(config.owner_key()?);
    let Some(owner) = file.load()? else {
        let none = "none yet: the first `evault secret split` makes one";
        return Ok((Found::Well(none.to_owned()), None));
    };
    let found = match file.exported()? {
        Some(true) => Found::Well(format!("{}, exported", file.path().display())),
        _ => Found::warning(
            "there is no copy of it: with it, unlinkability and blame of split secrets are lost",
            "evault owner export owner.key.copy.json",
        ),
    };
    Ok((found, Some(owner)))
}

fn secrets(
    config: &Config,
    owner: OwnerKey,
    constellation: &Constellation,
    checks: &mut Checks,
) -> Result<()> {
    let secrets = Secrets::new(config.secrets()?, owner);
    for name in secrets.names()? {
        let check = format!("secret {name}");
        match secrets.record(&name) {
            Ok(record) => checks.add(check, spread(&record, constellation)),
            Err(error) => checks.add(check, Err(error)),
        }
    }
    Ok(())
}

/// The first thing that is not as it should be.
fn spread(record: &SetRecord, constellation: &Constellation) -> Found {
    let name = &record.name;
    let need = usize::from(record.threshold);
    let mut operators: BTreeMap<&str, usize> = BTreeMap::new();
    let mut machines: BTreeMap<String, usize> = BTreeMap::new();
    let mut gone: Vec<VaultId> = Vec::new();
    for place in &record.members {
        match constellation.manifest().member(&place.vault_id) {
            Some(member) => {
                *operators.entry(&member.operator).or_default() += 1;
                *machines.entry(member.platform_id.to_string()).or_default() += 1;
            }
            None => gone.push(place.vault_id),
        }
    }
    if !gone.is_empty() {
        let gone: Vec<_> = gone.iter().map(short).collect();
        let detail = format!(
            "shares on vaults that are no members any more: {}",
            gone.join(", ")
        );
        return Found::warning(detail, format!("evault secret repair {name}"));
    }
    if let Some(found) = unfinished(record) {
        return found;
    }
    let machine = machines.iter().find(|(_, shares)| **shares >= need);
    if let Some((machine, shares)) = machine {
        let detail =
            format!("{shares} shares on one machine, {machine}, and {need} give the secret");
        return Found::warning(detail, "evault constellation show");
    }
    let operator = operators.iter().find(|(_, shares)| **shares >= need);
    if let Some((operator, shares)) = operator {
        let detail =
            format!("{shares} shares with one operator, {operator}, and {need} give the secret");
        return Found::warning(detail, "evault constellation show");
    }
    Found::Well(format!(
        "{need} of {}, generation {}",
        record.members.len(),
        record.generation
    ))
}

/// What a refresh left behind that was interrupted, or that did not reach every vault.
fn unfinished(record: &SetRecord) -> Option<Found> {
    let refresh = format!("evault secret refresh {}", record.name);
    let old: BTreeSet<_> = record
        .retired
        .iter()
        .map(|old| short(&old.vault_id))
        .collect();
    if !old.is_empty() {
        let old: Vec<_> = old.into_iter().collect();
        let detail = format!("old shares are not destroyed yet on {}", old.join(", "));
        return Some(Found::warning(detail, refresh));
    }
    let next = record.preparing.as_ref()?.generation;
    let detail = format!("generation {next} was begun, and never came into force");
    Some(Found::warning(detail, refresh))
}
