//! `secret refresh`

use super::secret_json::{described, ids, judged, on_constellation, owner};
use super::secret_split::{report, share_policy};
use super::secret_vaults::{each_once, refused};
use crate::cli::SecretRefresh;
use crate::context::Context;
use crate::output::{Human, Output};
use crate::waiting;
use serde_json::{Value, json};
use vault_client::constellation::SplitSecrets;
use vault_client::secret::{Activated, SetRecord};
use vault_client::{Error, ErrorCode, Result};
use vault_policy::VaultId;

pub(crate) async fn run(context: &Context, args: SecretRefresh) -> Result<Output> {
    let config = context.config()?;
    let fleet = context.fleet(&config).await?;
    let split = on_constellation(&fleet, &config, owner(&config)?)?;
    let name = &args.secret.name;
    let policy = match &args.policy {
        Some(source) => Some(
            share_policy(&fleet, source)
                .await?
                .canonical_bytes()
                .to_vec(),
        ),
        None => None,
    };
    if args.dry_run {
        let record = split.records().record(name)?;
        let vaults: Vec<_> = record.members.iter().map(|place| place.vault_id).collect();
        return Ok(dry_run(&record, &vaults, &[]));
    }
    let work = split.refresh(name, policy);
    let repair = |error: Error| match error.code {
        ErrorCode::Unavailable | ErrorCode::Timeout | ErrorCode::TooFewVaults => {
            error.next(format!("evault secret repair {name}"))
        }
        _ => error,
    };
    match waiting::show(context, "sharing anew", work).await {
        Ok(done) => Ok(renewed(context, &split, &done)),
        Err(failed) => Ok(refused(context, &split, failed, repair)),
    }
}

/// What would be shared anew, and over which vaults.
pub(super) fn dry_run(record: &SetRecord, vaults: &[VaultId], without: &[VaultId]) -> Output {
    let mut object = described(record);
    object.insert("dry_run".into(), json!(true));
    object.insert("on".into(), ids(vaults));
    object.insert("without".into(), ids(without));
    object.insert("vaults".into(), json!([]));
    let list = |vaults: &[VaultId]| {
        let vaults: Vec<_> = vaults.iter().map(ToString::to_string).collect();
        vaults.join("\n")
    };
    let mut fields = vec![
        ("would share anew", record.name.clone()),
        (
            "threshold",
            format!("{} of {}", record.threshold, vaults.len()),
        ),
        ("on", list(vaults)),
    ];
    if !without.is_empty() {
        fields.push(("without", list(without)));
    }
    Output::new(Value::Object(object), Human::Fields(fields))
}

/// As after a split, with what became of the shares that the secret was read from.
pub(super) fn renewed(context: &Context, split: &SplitSecrets, done: &Activated) -> Output {
    let mut output = report(context, split, done);
    if let Some(object) = output.json.as_object_mut() {
        for (name, value) in judged(&done.collected) {
            object.insert(name.into(), value);
        }
        let once = |list: &[(VaultId, Error)]| ids(&each_once(list.iter().map(|(at, _)| at)));
        object.insert("retired".into(), ids(&each_once(&done.retired)));
        object.insert("not_retired".into(), once(&done.not_retired));
        object.insert("left_on_departed".into(), once(&done.left_on_departed));
    }
    for vault in each_once(done.left_on_departed.iter().map(|(vault, _)| vault)) {
        context.note(&format!(
            "an old share may still lie on vault {vault}, which is not of this set any more: \
             fewer than {} old shares of one generation give nothing",
            done.record.threshold
        ));
    }
    output
}
