//! `audit verify --evidence`: two signed heads, checked without any vault.

use super::audit_verify::{check_vault, is_false};
use crate::context::Context;
use crate::files;
use crate::output::{Human, Output};
use serde_json::{Value, json};
use std::path::Path;
use vault_audit::{CheckedEvidence, Checkpoint, EvidenceHead, HeadEvidence};
use vault_client::Result;
use vault_encoding::text;

pub(super) fn run(context: &Context, file: &Path) -> Result<Output> {
    let evidence = HeadEvidence::from_bytes(&files::read(file)?).map_err(is_false)?;
    check_vault(context, &evidence.key)?;
    let checked = evidence.check().map_err(is_false)?;
    let human = Human::Fields(fields(&evidence, &checked));
    Ok(Output::new(to_json(&evidence, &checked), human))
}

pub(super) fn to_json(evidence: &HeadEvidence, checked: &CheckedEvidence) -> Value {
    json!({
        "id": evidence.id(),
        "vault_id": evidence.key.vault_id().to_string(),
        "kind": evidence.kind.name(),
        "found": evidence.found.name(),
        "found_at": crate::time_text::rfc3339(evidence.found_at),
        "seen": head_json(&evidence.seen, &checked.seen),
        "answered": head_json(&evidence.answered, &checked.answered),
        "proves": checked.proven.name(),
    })
}

fn head_json(head: &EvidenceHead, at: &Checkpoint) -> Value {
    json!({
        "size": at.size,
        "root": at.root.to_string(),
        "boot_id": head.boot_id.map(|id| text::hex(&id)),
        "carried_by": head.carried_by.map(|vault| vault.to_string()),
        "checkpoint": head.checkpoint,
    })
}

pub(super) fn fields(
    evidence: &HeadEvidence,
    checked: &CheckedEvidence,
) -> Vec<(&'static str, String)> {
    vec![
        ("evidence", evidence.id()),
        ("vault", evidence.key.vault_id().to_string()),
        ("kind", evidence.kind.name().to_owned()),
        ("found", found(evidence)),
        ("seen", head_text(&evidence.seen, &checked.seen)),
        ("answered", head_text(&evidence.answered, &checked.answered)),
        ("proves", checked.proven.sentence().to_owned()),
    ]
}

fn found(evidence: &HeadEvidence) -> String {
    let at = crate::time_text::rfc3339(evidence.found_at);
    format!("{at}, by {}", evidence.found.name())
}

fn head_text(head: &EvidenceHead, at: &Checkpoint) -> String {
    let by = match (head.carried_by, head.boot_id) {
        (Some(vault), _) => format!("carried by vault {vault}"),
        (None, Some(boot)) => format!("shown by start {}", text::hex(&boot)),
        (None, None) => "shown by the vault".to_owned(),
    };
    format!("{}@{}\n{by}", at.size, at.root)
}
