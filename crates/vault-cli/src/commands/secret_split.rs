//! `secret split`

use super::key_create::from_template;
use super::secret_json::{described, entries, exit, ids, on_constellation, say_of_vaults};
use super::secret_vaults::{activated, is_clean, lines, refused};
use crate::cli::SecretSplit;
use crate::context::{Context, usage};
use crate::files;
use crate::fleet::Fleet;
use crate::output::{Human, Output};
use crate::policy_source;
use crate::waiting;
use serde_json::{Value, json};
use vault_client::constellation::{Goal, SplitSecrets};
use vault_client::secret::{Activated, OwnerKey, OwnerKeyFile};
use vault_client::{Error, ErrorCode, Result};
use vault_policy::{KeyPolicy, KeyType, VaultId};
use zeroize::Zeroizing;

pub(crate) async fn run(context: &Context, args: SecretSplit) -> Result<Output> {
    if args.threshold > args.shares {
        return Err(usage("--threshold is larger than --shares"));
    }
    let secret = Zeroizing::new(files::read(&args.input)?);
    let config = context.config()?;
    let fleet = context.fleet(&config).await?;
    let owner = OwnerKeyFile::new(config.owner_key()?);
    let owner = match args.dry_run {
        true => OwnerKey::generate()?,
        false => owner.load_or_create()?,
    };
    let split = on_constellation(&fleet, &config, owner)?;
    let vaults = waiting::show(context, "reaching vaults", choose(&fleet, &split, &args)).await?;
    let policy = share_policy(&fleet, &args.policy).await?;
    if args.dry_run {
        return Ok(dry_run(&args, &vaults, &policy));
    }
    let policy = policy.canonical_bytes().to_vec();
    let name = &args.secret.name;
    let work = split.split(&vaults, name, &secret, args.threshold, policy);
    let done = match waiting::show(context, "storing shares", work).await {
        Ok(done) => done,
        Err(failed) => return Ok(refused(context, &split, failed, |error| error)),
    };
    if OwnerKeyFile::new(config.owner_key()?).exported()? != Some(true) {
        context.note("keep a copy of the owner key: evault owner export FILE");
    }
    Ok(report(context, &split, &done))
}

/// The policy of a share, from a file or from a template for whoever calls.
pub(super) async fn share_policy(fleet: &Fleet<'_>, source: &str) -> Result<KeyPolicy> {
    match source.strip_prefix("template:") {
        Some(name) => from_template(&fleet.first().await?, name, KeyType::RawShare).await,
        None => policy_source::read(source),
    }
}

/// The vaults that the flags name, or those on which shares are best spread.
async fn choose(
    fleet: &Fleet<'_>,
    split: &SplitSecrets,
    args: &SecretSplit,
) -> Result<Vec<VaultId>> {
    let shares = usize::from(args.shares);
    if !fleet.named().is_empty() {
        let named = fleet.named();
        return match named.len() == shares {
            true => Ok(named.to_vec()),
            false => Err(usage(format_args!(
                "--shares is {shares}, and --vault names {}",
                named.len()
            ))),
        };
    }
    let (vaults, reached) = split.spread(shares, &[]).await;
    if vaults.len() == shares {
        return Ok(vaults);
    }
    Err(match reached.goal(shares) {
        Goal::TooFewVaults if fleet.all().len() >= shares => {
            let error = reached.error(shares);
            error.unwrap_or_else(|| Error::new(ErrorCode::TooFewVaults))
        }
        _ => usage(format_args!(
            "--shares is {shares}, and the manifest has {} vaults",
            fleet.all().len()
        )),
    })
}

fn dry_run(args: &SecretSplit, vaults: &[VaultId], policy: &KeyPolicy) -> Output {
    let json = json!({
        "dry_run": true,
        "name": args.secret.name,
        "threshold": args.threshold,
        "shares": vaults.len(),
        "on": ids(vaults),
        "policy": policy_source::to_value(&policy.to_canonical()),
        "policy_hash": policy.hash().to_string(),
        "vaults": [],
    });
    let on: Vec<_> = vaults.iter().map(ToString::to_string).collect();
    let human = Human::Fields(vec![
        ("would split", args.secret.name.clone()),
        (
            "threshold",
            format!("{} of {}", args.threshold, vaults.len()),
        ),
        ("policy hash", policy.hash().to_string()),
        ("on", on.join("\n")),
    ]);
    Output::new(json, human)
}

/// What is in force now, and where old shares may still be.
pub(super) fn report(context: &Context, split: &SplitSecrets, done: &Activated) -> Output {
    let outcomes = activated(done);
    let record = &done.record;
    let mut object = described(record);
    object.insert("vaults".into(), entries(split, &outcomes));
    say_of_vaults(context, split);
    let human = Human::Fields(vec![
        ("secret", record.name.clone()),
        ("set", record.set_id.to_string()),
        ("generation", record.generation.to_string()),
        (
            "threshold",
            format!("{} of {}", record.threshold, record.shares),
        ),
        ("vaults", lines(&outcomes)),
    ]);
    let clean = is_clean(done, &outcomes);
    Output::new(Value::Object(object), human).exit(exit(context, &outcomes, clean))
}
