//! `secret repair`: a refresh without the vaults that are lost, and with others.

use super::secret_json::{on_constellation, owner};
use super::secret_refresh::{dry_run, renewed};
use super::secret_vaults::{outcomes, refused, remember};
use crate::cli::SecretRepair;
use crate::context::{Context, usage};
use crate::fleet::Fleet;
use crate::output::Output;
use crate::waiting;
use vault_client::Result;
use vault_client::constellation::SplitSecrets;
use vault_client::secret::{Collected, SetRecord, Wait};
use vault_policy::VaultId;

pub(crate) async fn run(context: &Context, args: SecretRepair) -> Result<Output> {
    let config = context.config()?;
    let fleet = context.fleet(&config).await?;
    let split = on_constellation(&fleet, &config, owner(&config)?)?;
    let name = &args.secret.name;
    let record = split.records().record(name)?;
    let looked = match args.without.is_empty() {
        true => {
            let looking = split.reconstruct(name, Wait::All);
            match waiting::show(context, "looking for lost shares", looking).await {
                Ok(found) => found.collected,
                Err(failed) => return Ok(refused(context, &split, failed, |error| error)),
            }
        }
        false => Collected::default(),
    };
    let without = without(&fleet, &looked, &record, &args.without)?;
    let looking = with(&fleet, &split, &record, &args.with, without.len());
    let with = waiting::show(context, "reaching vaults", looking).await?;
    if without.is_empty() && with.is_empty() {
        return Err(usage(format_args!(
            "every vault gives its share of {name}: name one with --without, or refresh"
        ))
        .next(format!("evault secret refresh {name}")));
    }
    if with.len() < without.len() {
        context.note(&format!(
            "{} vaults fewer will hold shares: no others can be reached",
            without.len() - with.len()
        ));
    }
    if args.dry_run {
        let kept = record.members.iter().map(|place| place.vault_id);
        let kept = kept.filter(|vault| !without.contains(vault));
        let vaults: Vec<_> = kept.chain(with.iter().copied()).collect();
        return Ok(dry_run(&record, &vaults, &without));
    }
    let work = split.repair(name, &without, &with, None);
    match waiting::show(context, "sharing anew", work).await {
        Ok(mut done) => {
            remember(&mut done.collected, &looked);
            Ok(renewed(context, &split, &done))
        }
        Err(mut failed) => {
            remember(&mut failed.collected, &looked);
            Ok(refused(context, &split, failed, |error| error))
        }
    }
}

/// The vaults that are named, or every one whose share was missing or wrong just now.
fn without(
    fleet: &Fleet<'_>,
    looked: &Collected,
    record: &SetRecord,
    named: &[String],
) -> Result<Vec<VaultId>> {
    if !named.is_empty() {
        return named.iter().map(|id| member(fleet, record, id)).collect();
    }
    let lost = outcomes(looked);
    Ok(lost.failed().map(|(vault, _)| vault).collect())
}

/// A vault of the record, which may be no member of the constellation any more.
fn member(fleet: &Fleet<'_>, record: &SetRecord, id: &str) -> Result<VaultId> {
    let vaults = record.members.iter().map(|place| place.vault_id);
    let mut found = vaults.filter(|vault| vault.to_string().starts_with(id));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(usage(format_args!("several vaults begin with {id}"))),
        (None, _) => {
            let vault = fleet.find(id)?;
            Err(usage(format_args!("vault {vault} holds no share of it")))
        }
    }
}

/// The vaults that are named, or as many others as are lost and can be reached.
async fn with(
    fleet: &Fleet<'_>,
    split: &SplitSecrets,
    record: &SetRecord,
    named: &[String],
    lost: usize,
) -> Result<Vec<VaultId>> {
    if !named.is_empty() {
        return named.iter().map(|id| fleet.find(id)).collect();
    }
    let holding: Vec<_> = record.members.iter().map(|place| place.vault_id).collect();
    Ok(split.spread(lost, &holding).await.0)
}
