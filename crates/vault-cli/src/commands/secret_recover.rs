//! `secret recover`: secrets whose records are lost, found on the vaults by listing and trial
//! decoding.

use super::secret_adopt::{check_names, check_unrecorded, chosen, told_policy};
use super::secret_json::{
    entries, exit, ids, note_failures, on_constellation, owner, say_of_vaults,
};
use super::secret_out_dir::OutDir;
use super::secret_split::share_policy;
use super::secret_vaults::{Did, lines};
use crate::cli::SecretRecover;
use crate::context::Context;
use crate::exit::Exit;
use crate::fleet::Fleet;
use crate::output::{Human, Output, error_json};
use crate::waiting;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use vault_client::constellation::{Outcome, Outcomes, SplitSecrets};
use vault_client::secret::{OwnerKey, RecoveredSet, Recovery};
use vault_client::{Error, ErrorCode, Result};
use vault_policy::VaultId;

/// A set that was found, and what was done with it.
struct Found<'a> {
    set: &'a RecoveredSet,
    file: Option<PathBuf>,
    name: Option<&'a str>,
    /// Why not all was done that was asked for.
    error: Option<Error>,
}

pub(crate) async fn run(context: &Context, args: SecretRecover) -> Result<Output> {
    let config = context.config()?;
    let key = match args.without_owner {
        true => OwnerKey::generate()?,
        false => owner(&config)?,
    };
    check_names(&config, &args)?;
    let out_dir = args.out_dir.clone().map(OutDir::open).transpose()?;
    let fleet = context.fleet(&config).await?;
    let given = match &args.policy {
        Some(source) => Some(share_policy(&fleet, source).await?),
        None => None,
    };
    let given = given.map(|policy| policy.canonical_bytes().to_vec());
    let split = on_constellation(&fleet, &config, key)?;
    let recovery = match args.without_owner {
        true => waiting::show(context, "trying shares", split.recover_without_owner()).await,
        false => waiting::show(context, "searching vaults", split.recover()).await,
    };
    let mut failures: BTreeMap<_, _> = BTreeMap::new();
    for (vault, error) in &recovery.failures {
        failures.entry(*vault).or_insert_with(|| error.clone());
    }
    if let Some(error) = outcomes(&fleet, &failures)
        .error(1)
        .filter(|error| error.code != ErrorCode::Partial)
    {
        return Err(error);
    }
    // Whatever is refused is refused before anything is written.
    let adopted = adopted(&fleet, &split, &recovery, &args, given, &mut failures).await;
    let searched = outcomes(&fleet, &failures);
    let mut adopted = match adopted {
        Ok(adopted) => adopted,
        Err(error) => {
            say_of_vaults(context, &split);
            let vaults = entries(&split, &searched);
            return Ok(Output::failed(error, vaults, lines(&searched)));
        }
    };
    let found = recovery.sets.iter().enumerate();
    let found = found.map(|(at, set)| keep(&split, out_dir.as_ref(), at, set, adopted.remove(&at)));
    let found: Vec<_> = found.collect();
    report(context, &split, &recovery, &searched, &found)
}

/// Under which name and policy which of the sets is recorded again. Vaults that tell another
/// policy than the one that is taken have failed.
async fn adopted<'a>(
    fleet: &Fleet<'_>,
    split: &SplitSecrets,
    recovery: &Recovery,
    args: &'a SecretRecover,
    given: Option<Vec<u8>>,
    failures: &mut BTreeMap<VaultId, Error>,
) -> Result<BTreeMap<usize, (&'a str, Vec<u8>)>> {
    let mut adopted = BTreeMap::new();
    for (at, name) in chosen(&recovery.sets, &args.adopt)? {
        let Some(set) = recovery.sets.get(at) else {
            continue;
        };
        check_unrecorded(split.records(), set)?;
        let policy = match &given {
            Some(policy) => policy.clone(),
            None => {
                let (policy, others) = told_policy(fleet, set).await?;
                for (vault, error) in others {
                    failures.entry(vault).or_insert(error);
                }
                policy
            }
        };
        adopted.insert(at, (name, policy));
    }
    Ok(adopted)
}

/// Every vault was searched but those that failed.
fn outcomes(fleet: &Fleet<'_>, failures: &BTreeMap<VaultId, Error>) -> Outcomes<Did> {
    let all = fleet.all().into_iter().map(|vault_id| Outcome {
        vault_id,
        result: failures
            .get(&vault_id)
            .map_or(Ok("searched"), |error| Err(error.clone())),
    });
    Outcomes::new(all.collect())
}

/// Writes and records one secret, as far as it is asked for and possible. The other ones do not
/// depend on it.
fn keep<'a>(
    split: &SplitSecrets,
    out_dir: Option<&OutDir>,
    at: usize,
    set: &'a RecoveredSet,
    adopted: Option<(&'a str, Vec<u8>)>,
) -> Found<'a> {
    let mut found = Found {
        set,
        file: None,
        name: None,
        error: None,
    };
    match out_dir.map(|dir| dir.write(at, set)).transpose() {
        Ok(file) => found.file = file,
        Err(error) => found.error = Some(error),
    }
    if let Some((name, policy)) = adopted {
        match split.records().adopt(set, name, policy) {
            Ok(_) => found.name = Some(name),
            Err(error) => found.error = Some(error),
        }
    }
    found
}

fn report(
    context: &Context,
    split: &SplitSecrets,
    recovery: &Recovery,
    searched: &Outcomes<Did>,
    found: &[Found<'_>],
) -> Result<Output> {
    say_of_vaults(context, split);
    note_failures(context, searched);
    note_rest(context, recovery);
    let unmatched = recovery.unmatched.iter().map(
        |(vault, handle)| json!({ "vault_id": vault.to_string(), "handle": handle.to_string() }),
    );
    let json = json!({
        "sets": found.iter().map(to_json).collect::<Vec<_>>(),
        "unmatched": unmatched.collect::<Vec<_>>(),
        "gave_up": recovery.gave_up,
        "vaults": entries(split, searched),
    });
    let human = Human::Table {
        head: vec![
            "set",
            "generation",
            "threshold",
            "bytes",
            "file",
            "recorded as",
            "problem",
        ],
        rows: found.iter().map(row).collect(),
    };
    Ok(Output::new(json, human).exit(ends(context, recovery, searched, found)?))
}

/// What was not kept here makes it partial, whatever `--allow-partial` says of vaults; if nothing
/// was kept of what was asked for, that is the error.
fn ends(
    context: &Context,
    recovery: &Recovery,
    searched: &Outcomes<Did>,
    found: &[Found<'_>],
) -> Result<Exit> {
    let kept = |found: &Found<'_>| found.file.is_some() || found.name.is_some();
    match found.iter().find_map(|found| found.error.clone()) {
        Some(error) if !found.iter().any(kept) => Err(error),
        Some(_) => Ok(Exit::Partial),
        None => {
            let whole = found.iter().all(|found| lacks(found.set).is_none());
            let all = recovery.unmatched.is_empty() && !recovery.gave_up;
            let clean = searched.failed().next().is_none();
            Ok(exit(context, searched, clean && whole && all))
        }
    }
}

/// What is known to lack of a set that was found.
fn lacks(set: &RecoveredSet) -> Option<String> {
    let known = set.set_id.is_some();
    (known && !set.complete).then(|| format!("not all of its {} shares were found", set.shares))
}

fn note_rest(context: &Context, recovery: &Recovery) {
    if recovery.gave_up {
        context.note("not every combination was tried: there are too many shares");
    }
    for (vault, handle) in &recovery.unmatched {
        context.note(&format!(
            "vault {vault}: share {handle} belongs to no secret that was found: it is wrong, one \
             of too few, or another owner's"
        ));
    }
}

fn to_json(found: &Found<'_>) -> Value {
    let set = found.set;
    let on: Vec<_> = set.members.iter().map(|place| place.vault_id).collect();
    let old: Vec<_> = set.retired.iter().map(|place| place.vault_id).collect();
    let others: Vec<_> = set.others.iter().map(|place| place.vault_id).collect();
    let complete = set.set_id.map(|_| set.complete);
    json!({
        "set_id": set.set_id.map(|id| id.to_string()),
        "generation": set.generation,
        "threshold": set.threshold,
        "bytes": set.secret.len(),
        "complete": complete,
        "on": ids(&on),
        "retired": ids(&old),
        "others": ids(&others),
        "file": found.file,
        "name": found.name,
        "error": found.error.as_ref().map(error_json),
    })
}

fn row(found: &Found<'_>) -> Vec<String> {
    let set = found.set;
    let unknown = || "unknown".to_owned();
    let file = found.file.as_ref();
    let error = found.error.as_ref().map(Error::message);
    vec![
        set.set_id.map_or_else(unknown, |id| id.to_string()),
        set.generation
            .map_or_else(unknown, |number| number.to_string()),
        format!("{} of {}", set.threshold, set.shares),
        set.secret.len().to_string(),
        file.map_or_else(|| "-".to_owned(), |path| path.display().to_string()),
        found.name.unwrap_or("-").to_owned(),
        error
            .or_else(|| lacks(set))
            .unwrap_or_else(|| "-".to_owned()),
    ]
}
