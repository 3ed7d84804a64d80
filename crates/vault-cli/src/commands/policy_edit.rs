//! `policy edit`

use super::key_holders::{each, members, new_policy, told};
use super::policy_diff;
use crate::cli::PolicyEdit;
use crate::context::{Context, usage};
use crate::files;
use crate::output::Output;
use crate::policy_source;
use serde_json::json;
use std::ffi::OsString;
use vault_client::{Answer, Error, ErrorCode, Result};
use vault_policy::{KeyPolicy, PolicyVersion};

pub(crate) async fn run(context: &Context, args: PolicyEdit) -> Result<Output> {
    let (old, version) = present(context, &args).await?;
    let new = match &args.policy {
        Some(path) => policy_source::read(path)?,
        None => edited(&old)?,
    };
    if args.dry_run {
        return Ok(dry_run(&old, &new, version));
    }
    let expected = PolicyVersion(args.expected_version.unwrap_or(version.0));
    let canonical = new.canonical_bytes();
    let outcomes = each(context, &args.key, async |connected, key| {
        let client = args.approval.on(connected)?;
        let policy = canonical.to_vec();
        client.update_policy(key.name, policy, expected).await
    })
    .await?;
    let about = members([("policy_hash", json!(new.hash().to_string()))]);
    told(context, &outcomes, about, new_policy)
}

/// The policy of the key, which is the same wherever it lives, or what is approved on one vault is
/// not approved on another.
async fn present(context: &Context, args: &PolicyEdit) -> Result<(KeyPolicy, PolicyVersion)> {
    let outcomes = each(context, &args.key, async |connected, key| {
        let answer = connected.client.policy(key.name).await?;
        let (canonical, version) = answer.value;
        Ok(Answer {
            value: (policy_of(&canonical)?, version),
            receipt: answer.receipt,
        })
    })
    .await?;
    let mut read = outcomes.succeeded().map(|(_, done)| &done.value);
    let Some((policy, version)) = read.next() else {
        let nobody = || Error::new(ErrorCode::NotFound).detail(&args.key.key);
        return Err(outcomes.error(1).unwrap_or_else(nobody));
    };
    if read.any(|(other, at)| other.hash() != policy.hash() || at != version) {
        return Err(usage(
            "the vaults hold different policies of this key: say which vault with --vault",
        ));
    }
    Ok((policy.clone(), *version))
}

pub(super) fn policy_of(canonical: &[u8]) -> Result<KeyPolicy> {
    KeyPolicy::from_canonical(canonical)
        .map_err(|error| Error::new(ErrorCode::Internal).detail(error))
}

/// What an editor makes of the policy.
fn edited(old: &KeyPolicy) -> Result<KeyPolicy> {
    let inaccessible = |error: &std::io::Error| {
        Error::new(ErrorCode::FileInaccessible).detail(format_args!("the editor's file: {error}"))
    };
    let dir = tempfile::tempdir().map_err(|error| inaccessible(&error))?;
    let path = dir.path().join("policy.yaml");
    files::write(
        &path,
        policy_source::to_yaml(&old.to_canonical())?.as_bytes(),
    )?;
    let editor = editor();
    let ended = std::process::Command::new("sh")
        .args(["-c", "$0 \"$1\""])
        .arg(&editor)
        .arg(&path)
        .status()
        .map_err(|error| inaccessible(&error))?;
    if !ended.success() {
        return Err(usage("the editor failed: nothing is changed"));
    }
    let named = path.to_str().ok_or_else(|| usage("the path is no text"))?;
    policy_source::read(named)
}

fn editor() -> OsString {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    set("VISUAL")
        .or_else(|| set("EDITOR"))
        .unwrap_or_else(|| "vi".into())
}

fn dry_run(old: &KeyPolicy, new: &KeyPolicy, version: PolicyVersion) -> Output {
    let mut output = policy_diff::shown(old, new);
    if let Some(object) = output.json.as_object_mut() {
        object.insert("dry_run".into(), json!(true));
        object.insert("policy_version".into(), json!(version.0));
    }
    output
}
