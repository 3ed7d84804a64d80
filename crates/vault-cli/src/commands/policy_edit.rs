//! `policy edit`

use super::key_holders::{Done, each, members, new_policy, told};
use super::policy_diff;
use super::policy_lint::host_time;
use crate::cli::PolicyEdit;
use crate::context::{Context, usage};
use crate::exit::Exit;
use crate::files;
use crate::inputs;
use crate::interruptible;
use crate::output::{Human, Output};
use crate::policy_source;
use serde_json::json;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use vault_client::{Answer, Error, ErrorCode, Result};
use vault_policy::{KeyPolicy, KeyType, PolicyVersion, UpdateDeny, required, validate};

pub(crate) async fn run(context: &Context, args: PolicyEdit) -> Result<Output> {
    let policy = args
        .policy
        .as_deref()
        .map(|path| ("--policy", Path::new(path)));
    inputs::distinct(policy.into_iter().chain(args.approval.named()))?;
    let present = present(context, &args).await?;
    if let Some(path) = &args.policy {
        return change(context, &args, &present, &policy_source::read(path)?).await;
    }
    let mut draft = Draft::of(&present.policy)?;
    let edited = draft.edited(&args.key.key);
    interruptible::look_up().await;
    let outcome = match edited {
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
    /// How to go on with what was edited.
    next: Option<String>,
}

impl Draft {
    fn of(old: &KeyPolicy) -> Result<Self> {
        let dir = tempfile::tempdir().map_err(|error| inaccessible(&error))?;
        let path = dir.path().join("policy.yaml");
        let before = policy_source::to_yaml(&old.to_canonical())?.into_bytes();
        files::write(&path, &before)?;
        Ok(Self {
            dir,
            path,
            before,
            next: None,
        })
    }

    /// What an editor makes of it. From then on it is kept, whatever ends the command.
    fn edited(&mut self, key: &str) -> Result<KeyPolicy> {
        let mut command = std::process::Command::new("sh");
        command
            .args(["-c", "$0 \"$1\""])
            .arg(editor())
            .arg(&self.path);
        let ended = interruptible::lend(|| command.status());
        let ended = ended.map_err(|error| inaccessible(&error))?;
        self.keep(key)?;
        if !ended.success() {
            return Err(usage("the editor failed: nothing is changed"));
        }
        let named = self.path.to_str();
        policy_source::read(named.ok_or_else(|| usage("the path is no text"))?)
    }

    /// Keeps it if it was changed.
    fn keep(&mut self, key: &str) -> Result<()> {
        let edited = files::read(&self.path)?;
        if edited == self.before {
            return Ok(());
        }
        // Editors put new files in the place of old ones.
        files::write(&self.path, &edited)?;
        self.dir.disable_cleanup(true);
        let next = format!("evault policy edit {key} --policy {}", self.path.display());
        interruptible::next(Some(next.clone()));
        self.next = Some(next);
        Ok(())
    }

    /// It is in force everywhere.
    fn drop_it(mut self) {
        interruptible::next(None);
        self.dir.disable_cleanup(false);
    }

    /// An edit that is not in force everywhere is kept, and it is said where.
    fn outlives(
        self,
        context: &Context,
        args: &PolicyEdit,
        outcome: Result<Output>,
    ) -> Result<Output> {
        let Some(next) = self.next.clone() else {
            return outcome;
        };
        let done = |output: &Output| output.exit == Exit::Done && !args.dry_run;
        if outcome.as_ref().is_ok_and(done) {
            self.drop_it();
            return outcome;
        }
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
                    object.insert("edited".into(), json!(self.path));
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
