//! `policy edit`

use super::key_holders::{Done, each, members, new_policy, told};
use super::policy_diff;
use super::policy_lint::host_time;
use crate::cli::PolicyEdit;
use crate::context::{Context, usage};
use crate::exit::Exit;
use crate::files;
use crate::interruptible;
use crate::output::{Human, Output};
use crate::policy_source;
use serde_json::json;
use std::ffi::OsString;
use std::path::PathBuf;
use vault_client::{Answer, Error, ErrorCode, Result};
use vault_policy::{KeyPolicy, KeyType, PolicyVersion, UpdateDeny, required, validate};

pub(crate) async fn run(context: &Context, args: PolicyEdit) -> Result<Output> {
    let present = present(context, &args).await?;
    if let Some(path) = &args.policy {
        return change(context, &args, &present, &policy_source::read(path)?).await;
    }
    let draft = Draft::of(&present.policy)?;
    let outcome = match draft.edited() {
        Ok(new) => change(context, &args, &present, &new).await,
        Err(error) => Err(error),
    };
    draft.outlives(context, &args, outcome)
}

/// What is in force.
struct Present {
    policy: KeyPolicy,
    version: PolicyVersion,
    /// Known where nothing is to be done.
    key_type: Option<KeyType>,
}

async fn change(
    context: &Context,
    args: &PolicyEdit,
    present: &Present,
    new: &KeyPolicy,
) -> Result<Output> {
    if args.dry_run {
        return Ok(dry_run(present, new));
    }
    let expected = PolicyVersion(args.expected_version.unwrap_or(present.version.0));
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
async fn present(context: &Context, args: &PolicyEdit) -> Result<Present> {
    let outcomes = each(context, &args.key, async |connected, key| {
        let answer = connected.client.policy(key.name).await?;
        let (canonical, version) = answer.value;
        let key_type = match args.dry_run {
            true => Some(key.info(&connected.client).await?.key_type),
            false => None,
        };
        let value = Present {
            policy: policy_of(&canonical)?,
            version,
            key_type,
        };
        let receipt = answer.receipt;
        Ok(Answer { value, receipt })
    })
    .await?;
    let error = outcomes.error(1);
    let mut read = outcomes.into_iter().filter_map(|one| one.result.ok());
    let Some(Done { value: first, .. }) = read.next() else {
        let nobody = || Error::new(ErrorCode::NotFound).detail(&args.key.key);
        return Err(error.unwrap_or_else(nobody));
    };
    let differs = |other: &Present| {
        other.policy.hash() != first.policy.hash() || other.version != first.version
    };
    if read.any(|done| differs(&done.value)) {
        return Err(usage(
            "the vaults hold different policies of this key: say which vault with --vault",
        ));
    }
    Ok(first)
}

pub(super) fn policy_of(canonical: &[u8]) -> Result<KeyPolicy> {
    KeyPolicy::from_canonical(canonical)
        .map_err(|error| Error::new(ErrorCode::Internal).detail(error))
}

/// The policy in a file for an editor.
struct Draft {
    dir: tempfile::TempDir,
    path: PathBuf,
    before: Vec<u8>,
}

impl Draft {
    fn of(old: &KeyPolicy) -> Result<Self> {
        let dir = tempfile::tempdir().map_err(|error| inaccessible(&error))?;
        let path = dir.path().join("policy.yaml");
        let before = policy_source::to_yaml(&old.to_canonical())?.into_bytes();
        files::write(&path, &before)?;
        Ok(Self { dir, path, before })
    }

    /// What an editor makes of it.
    fn edited(&self) -> Result<KeyPolicy> {
        let mut command = std::process::Command::new("sh");
        command
            .args(["-c", "$0 \"$1\""])
            .arg(editor())
            .arg(&self.path);
        let ended = interruptible::lend(|| command.status());
        let ended = ended.map_err(|error| inaccessible(&error))?;
        if !ended.success() {
            return Err(usage("the editor failed: nothing is changed"));
        }
        let named = self.path.to_str();
        policy_source::read(named.ok_or_else(|| usage("the path is no text"))?)
    }

    /// An edit that is not in force everywhere is kept, and it is said where.
    fn outlives(
        self,
        context: &Context,
        args: &PolicyEdit,
        outcome: Result<Output>,
    ) -> Result<Output> {
        let done = outcome
            .as_ref()
            .is_ok_and(|output| output.exit == Exit::Done);
        let edited = files::read(&self.path).ok();
        let Some(edited) = edited.filter(|now| *now != self.before) else {
            return outcome;
        };
        if done && !args.dry_run {
            return outcome;
        }
        // Editors put new files in the place of old ones.
        files::write(&self.path, &edited)?;
        let kept = self.dir.keep().join("policy.yaml");
        let next = format!(
            "evault policy edit {} --policy {}",
            args.key.key,
            kept.display()
        );
        match outcome {
            Err(error) => Err(error.next(next)),
            Ok(Output {
                failure: Some(error),
                json,
                human,
                ..
            }) => {
                let vaults = json.get("vaults").cloned().unwrap_or_default();
                let lines = match human {
                    Human::Text(lines) => lines,
                    _ => String::new(),
                };
                Ok(Output::failed(error.next(next), vaults, lines))
            }
            Ok(mut output) => {
                context.note(&format!("the edited policy is kept: {next}"));
                if let Some(object) = output.json.as_object_mut() {
                    object.insert("edited".into(), json!(kept));
                }
                Ok(output)
            }
        }
    }
}

fn inaccessible(error: &std::io::Error) -> Error {
    Error::new(ErrorCode::FileInaccessible).detail(format_args!("the editor's file: {error}"))
}

fn editor() -> OsString {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    set("VISUAL")
        .or_else(|| set("EDITOR"))
        .unwrap_or_else(|| "vi".into())
}

/// As the vault would judge it: the policy in force, and then whether the key can live under the new
/// one.
fn dry_run(present: &Present, new: &KeyPolicy) -> Output {
    let old = &present.policy;
    let valid = |key_type| validate(new, key_type, host_time()).map_err(UpdateDeny::Invalid);
    let takes = required(old, new).and_then(|takes| {
        present.key_type.map_or(Ok(()), valid)?;
        Ok(takes)
    });
    let mut output = policy_diff::shown(old, new, &takes);
    if let Some(object) = output.json.as_object_mut() {
        object.insert("dry_run".into(), json!(true));
        object.insert("policy_version".into(), json!(present.version.0));
    }
    match takes {
        Ok(_) => output,
        Err(_) => output.exit(Exit::Refused),
    }
}
