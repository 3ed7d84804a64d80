//! `vault evidence …`: what this client keeps of rollbacks and forks. No vault is asked.

use super::audit_evidence::{fields, to_json};
use super::evidence_files::{Damaged, Kept};
use super::vault_list::short;
use crate::cli::{EvidenceCommand, WhichHead};
use crate::context::{Context, usage};
use crate::exit::Exit;
use crate::files;
use crate::output::{Human, Output, error_json};
use crate::place;
use serde_json::{Value, json};
use vault_client::{Error, ErrorCode, GoOnWith, HeadStore, KeptEvidence, Result};
use vault_policy::VaultId;

pub(crate) fn run(context: &Context, command: EvidenceCommand) -> Result<Output> {
    let store = HeadStore::new(context.config()?.state_dir()?);
    match command {
        EvidenceCommand::List => list(context, &store),
        EvidenceCommand::Show { id } => show(&find(&store, &id)?),
        EvidenceCommand::Export(args) => {
            let kept = find(&store, &args.id)?;
            let text = [&kept.evidence.to_bytes()[..], b"\n"].concat();
            files::write(&args.out, &text)?;
            let to_stdout = place::is_stdout(&args.out);
            let output = show(&kept)?;
            Ok(Output {
                stdout_taken: to_stdout,
                ..output
            })
        }
        EvidenceCommand::Acknowledge(args) => {
            let kept = find(&store, &args.id)?;
            if kept.id != args.id {
                return Err(usage(
                    "the whole id is needed: see evault vault evidence list",
                ));
            }
            let which = match args.go_on_with {
                WhichHead::Seen => GoOnWith::Seen,
                WhichHead::Answered => GoOnWith::Answered,
            };
            store.acknowledge(&kept, which)?;
            show(&find(&store, &kept.id)?)
        }
    }
}

fn list(context: &Context, store: &HeadStore) -> Result<Output> {
    let named = &context.global.vault;
    let wanted = |vault: &VaultId| {
        let id = vault.to_string();
        named.is_empty() || named.iter().any(|named| id.starts_with(named.as_str()))
    };
    let Kept {
        mut whole,
        mut damaged,
    } = Kept::read(store)?;
    whole.retain(|kept| wanted(&kept.vault_id));
    damaged.retain(|file| wanted(&file.vault_id));
    let rows = whole.iter().map(row).chain(damaged.iter().map(damaged_row));
    let human = Human::Table {
        head: vec!["evidence", "vault", "kind", "found", "state"],
        rows: rows.collect(),
    };
    let listed: Vec<_> = whole.iter().map(kept_json).collect::<Result<_>>()?;
    let told = |other: bool| -> Value {
        let of = damaged
            .iter()
            .filter(|file| file.of_another_release == other);
        of.map(|file| error_json(&file.error)).collect()
    };
    let json = json!({ "evidence": listed, "damaged": told(false), "other_release": told(true) });
    let errors: Vec<_> = damaged.into_iter().map(|file| file.error).collect();
    let exit = errors.first().map(|error| error.code.into());
    let output = Output::new(json, human);
    Ok(Output {
        found: errors,
        ..output.exit(exit.unwrap_or(Exit::Done))
    })
}

fn damaged_row(file: &Damaged) -> Vec<String> {
    let state = match file.of_another_release {
        true => "OF ANOTHER RELEASE: STOPS THE VAULT".to_owned(),
        false => "DAMAGED: STOPS THE VAULT".to_owned(),
    };
    let (kind, found) = (String::new(), String::new());
    vec![file.id.clone(), short(&file.vault_id), kind, found, state]
}

fn row(kept: &KeptEvidence) -> Vec<String> {
    vec![
        kept.id.clone(),
        short(&kept.vault_id),
        kept.evidence.kind.name().to_owned(),
        crate::time_text::rfc3339(kept.evidence.found_at),
        state(kept).unwrap_or("STOPS THE VAULT").to_owned(),
    ]
}

/// How a person has decided.
fn state(kept: &KeptEvidence) -> Option<&'static str> {
    Some(match kept.acknowledged? {
        GoOnWith::Seen => "seen",
        GoOnWith::Answered => "answered",
    })
}

fn show(kept: &KeptEvidence) -> Result<Output> {
    let checked = kept
        .evidence
        .check()
        .map_err(|error| damaged(kept, error))?;
    let mut fields = fields(&kept.evidence, &checked);
    fields.push(("file", kept.path.display().to_string()));
    let decided = match state(kept) {
        None => "nobody has decided yet: the vault is not used".to_owned(),
        Some(head) => format!("to go on with the head {head}"),
    };
    fields.push(("decided", decided));
    Ok(Output::new(kept_json(kept)?, Human::Fields(fields)))
}

fn kept_json(kept: &KeptEvidence) -> Result<Value> {
    let checked = kept
        .evidence
        .check()
        .map_err(|error| damaged(kept, error))?;
    let mut json = to_json(&kept.evidence, &checked);
    if let Some(object) = json.as_object_mut() {
        object.insert("file".into(), json!(kept.path));
        object.insert("acknowledged".into(), json!(state(kept)));
    }
    Ok(json)
}

fn damaged(kept: &KeptEvidence, why: impl std::fmt::Display) -> Error {
    let path = kept.path.display();
    Error::new(ErrorCode::FileInaccessible).detail(format_args!("{path}: {why}"))
}

fn find(store: &HeadStore, id: &str) -> Result<KeptEvidence> {
    let Kept { whole, damaged } = Kept::read(store)?;
    let mut found = whole.into_iter().filter(|kept| kept.id.starts_with(id));
    let mut damaged = damaged.into_iter().filter(|file| file.id.starts_with(id));
    let none = || {
        Error::new(ErrorCode::NotFound)
            .summary("no such evidence is kept")
            .detail(id)
            .next("evault vault evidence list")
    };
    match (found.next(), found.next()) {
        (Some(kept), None) => Ok(kept),
        (None, _) => Err(damaged.next().map_or_else(none, |file| file.error)),
        (Some(_), Some(_)) => Err(usage(format_args!("several pieces begin with {id}"))),
    }
}
