//! `secret recover`: secrets whose records are lost, found on the vaults by listing and trial
//! decoding.

use super::secret_json::{entries, exit, ids, on_constellation, owner, say_of_vaults};
use crate::cli::SecretRecover;
use crate::context::{Context, usage};
use crate::files;
use crate::fleet::Fleet;
use crate::output::{Human, Output};
use crate::waiting;
use serde_json::{Value, json};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use vault_client::constellation::{Outcome, Outcomes, SplitSecrets};
use vault_client::secret::{OwnerKey, RecoveredSet, Recovery};
use vault_client::{Error, ErrorCode, KeyName, Result};

/// A set that was found, and what was done with it.
struct Found<'a> {
    set: &'a RecoveredSet,
    file: Option<PathBuf>,
    name: Option<&'a str>,
}

pub(crate) async fn run(context: &Context, args: SecretRecover) -> Result<Output> {
    let config = context.config()?;
    let fleet = context.fleet(&config).await?;
    let key = match args.without_owner {
        true => OwnerKey::generate()?,
        false => owner(&config)?,
    };
    let split = on_constellation(&fleet, &config, key)?;
    let recovery = match args.without_owner {
        true => waiting::show(context, "trying shares", split.recover_without_owner()).await,
        false => waiting::show(context, "searching vaults", split.recover()).await,
    };
    let searched = searched(&fleet, &recovery);
    if let Some(error) = searched
        .error(1)
        .filter(|error| error.code != ErrorCode::Partial)
    {
        return Err(error);
    }
    let mut found = Vec::new();
    for (at, set) in recovery.sets.iter().enumerate() {
        let file = write(args.out_dir.as_deref(), at, set)?;
        found.push(Found {
            set,
            file,
            name: None,
        });
    }
    for (set, name) in &args.adopt {
        adopt(&fleet, &split, &mut found, set, name).await?;
    }
    Ok(report(context, &split, &recovery, &searched, &found))
}

/// Every vault was searched but those that failed.
fn searched(fleet: &Fleet<'_>, recovery: &Recovery) -> Outcomes<()> {
    let failure = |vault| {
        recovery
            .failures
            .iter()
            .find(|(failed, _)| *failed == vault)
    };
    let all = fleet.all().into_iter().map(|vault_id| Outcome {
        vault_id,
        result: failure(vault_id).map_or(Ok(()), |(_, error)| Err(error.clone())),
    });
    Outcomes::new(all.collect())
}

/// The secret's own file, by the id of its set, or by its number where that is not known.
fn write(dir: Option<&Path>, at: usize, set: &RecoveredSet) -> Result<Option<PathBuf>> {
    let Some(dir) = dir else {
        return Ok(None);
    };
    let mut made = std::fs::DirBuilder::new();
    made.recursive(true).mode(0o700);
    made.create(dir)
        .map_err(|error| files::inaccessible(dir, &error))?;
    let name = match set.set_id {
        Some(id) => id.to_string(),
        None => format!("secret-{}", at + 1),
    };
    let path = dir.join(name);
    if path.exists() {
        return Err(Error::new(ErrorCode::FileInaccessible)
            .detail(format_args!("{} exists already", path.display())));
    }
    files::write(&path, &set.secret)?;
    Ok(Some(path))
}

/// Records a set again. Its policy is that of its shares, as one of the vaults tells it.
async fn adopt<'a>(
    fleet: &Fleet<'_>,
    split: &SplitSecrets,
    found: &mut [Found<'a>],
    id: &str,
    name: &'a str,
) -> Result<()> {
    let is = |found: &&mut Found<'_>| {
        let set_id = found.set.set_id.map(|set| set.to_string());
        set_id.is_some_and(|set| set.starts_with(id))
    };
    let found = found
        .iter_mut()
        .find(is)
        .ok_or_else(|| usage(format_args!("no set {id} was found")))?;
    let place = found.set.members.first();
    let place = place.ok_or_else(|| usage(format_args!("set {id} has no shares")))?;
    let client = fleet.connect(&place.vault_id).await?.client;
    let (policy, _) = client.policy(KeyName::from(place.handle)).await?.value;
    split.records().adopt(found.set, name, policy)?;
    found.name = Some(name);
    Ok(())
}

fn report(
    context: &Context,
    split: &SplitSecrets,
    recovery: &Recovery,
    searched: &Outcomes<()>,
    found: &[Found<'_>],
) -> Output {
    let unmatched = recovery.unmatched.iter().map(
        |(vault, handle)| json!({ "vault_id": vault.to_string(), "handle": handle.to_string() }),
    );
    say_of_vaults(context, split);
    if recovery.gave_up {
        context.note("not every combination was tried: there are too many shares");
    }
    let json = json!({
        "sets": found.iter().map(to_json).collect::<Vec<_>>(),
        "unmatched": unmatched.collect::<Vec<_>>(),
        "gave_up": recovery.gave_up,
        "vaults": entries(split, searched),
    });
    for (vault, error) in searched.failed() {
        context.note_failure(&vault, error);
    }
    let human = Human::Table {
        head: vec![
            "set",
            "generation",
            "threshold",
            "bytes",
            "file",
            "recorded as",
        ],
        rows: found.iter().map(row).collect(),
    };
    let clean = searched.failed().next().is_none();
    Output::new(json, human).exit(exit(context, clean))
}

fn to_json(found: &Found<'_>) -> Value {
    let set = found.set;
    let on: Vec<_> = set.members.iter().map(|place| place.vault_id).collect();
    let old: Vec<_> = set.retired.iter().map(|place| place.vault_id).collect();
    json!({
        "set_id": set.set_id.map(|id| id.to_string()),
        "generation": set.generation,
        "threshold": set.threshold,
        "bytes": set.secret.len(),
        "on": ids(&on),
        "retired": ids(&old),
        "file": found.file,
        "name": found.name,
    })
}

fn row(found: &Found<'_>) -> Vec<String> {
    let set = found.set;
    let unknown = || "unknown".to_owned();
    let file = found.file.as_ref();
    vec![
        set.set_id.map_or_else(unknown, |id| id.to_string()),
        set.generation
            .map_or_else(unknown, |number| number.to_string()),
        format!("{} of {}", set.threshold, set.members.len()),
        set.secret.len().to_string(),
        file.map_or_else(|| "-".to_owned(), |path| path.display().to_string()),
        found.name.unwrap_or("-").to_owned(),
    ]
}
